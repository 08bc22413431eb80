package flow

import (
	"testing"
	"time"

	"stellwerk/internal/store"
)

// seat is room at a system that counts who has it.
type seat struct{ taken *int }

func (seat) Lease() store.Lease {
	return store.Lease{Owner: "node", Until: time.Now().Add(time.Minute)}
}
func (s seat) Use(store.Task) { *s.taken-- }
func (s seat) Leave()         { *s.taken-- }

// A mapping that panics behind one that has taken room gives the room back: the system
// has its places for the neighbours.
func TestPanicGivesRoomBack(t *testing.T) {
	d := newDesk(t)
	taken := 0
	d.Reserve = func(string) Room { taken++; return seat{&taken} }
	id := d.accept("labrador.xml", nil, nil)
	real := stages[4].run
	stages[4].run = func(w *work) error {
		if err := real(w); err != nil {
			return err
		}
		panic("poison")
	}
	defer func() { stages[4].run = real }()
	if s := d.run(id); s.Submission.Code != "internal-error" {
		t.Errorf("got %+v", s.Submission)
	}
	if taken != 0 {
		t.Errorf("%d places are taken for good", taken)
	}
}
