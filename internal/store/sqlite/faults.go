//go:build stellwerk_faults

package sqlite

// AckBeforeSync makes Accept answer before it has written anything. It is the
// control of the crash proof, which must go red with it, and is not in any build
// that is shipped.
func (o Options) AckBeforeSync() Options {
	o.ackNow = true
	return o
}
