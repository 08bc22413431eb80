//go:build stellwerk_faults

package app

import (
	"os"

	"stellwerk/internal/store/sqlite"
)

// durable breaks the promise of the 202 where the crash proof's control asks for
// it: the proof must go red then.
func durable(o sqlite.Options) sqlite.Options {
	if os.Getenv("STELLWERK_FAULT") == "ack-before-sync" {
		return o.AckBeforeSync()
	}
	return o
}
