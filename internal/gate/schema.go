package gate

import "context"

// Schema says which documents are valid. It is immutable and serves any number of
// scans at a time.
type Schema interface {
	Format() Format
	// Admits tells whether a valid document may have something at a path below its root.
	Admits(steps []string) bool
	// Judge begins to judge one document, of which at most max findings are wanted.
	Judge(ctx context.Context, max int, large *Slots) Judge
}

// Judge sees the events of one scan.
type Judge interface {
	Handler
	// Finish is called once after a whole well-formed document. more says that
	// there were more findings than wanted.
	Finish() (findings []Finding, more bool, err error)
	// Release is called last, in any case.
	Release()
}

// Slots bounds how many documents are held in memory at a time by whoever must
// have one as a whole. Small documents do not need a slot. A nil *Slots has no
// bound.
type Slots struct{ free chan struct{} }

// NewSlots makes n slots.
func NewSlots(n int) *Slots { return &Slots{make(chan struct{}, n)} }

// take waits for a slot.
func (s *Slots) take(ctx context.Context) error {
	if s == nil {
		return nil
	}
	select {
	case s.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Slots) give() {
	if s != nil {
		<-s.free
	}
}
