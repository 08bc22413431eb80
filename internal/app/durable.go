//go:build !stellwerk_faults

package app

import "stellwerk/internal/store/sqlite"

// durable is how every build that is shipped opens its store.
func durable(o sqlite.Options) sqlite.Options { return o }
