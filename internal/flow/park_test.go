package flow

import (
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
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

// withdrawService is a reload after which the town does not offer a service any more.
func (d *desk) withdrawService(service string) {
	snap := *d.Live.Get()
	snap.Municipalities = map[string]*config.Municipality{}
	for ags, m := range d.Live.Get().Municipalities {
		own := *m
		own.Services = map[string]*config.Binding{}
		for name, b := range m.Services {
			if name != service {
				own.Services[name] = b
			}
		}
		snap.Municipalities[ags] = &own
	}
	d.Live = config.NewLive(config.Source{}, &snap)
}

// The operator takes the service away while a case is under way. What has its document
// goes on; what has none yet waits for a person, who can put it back or end it.
func TestServiceTakenAwayUnderWay(t *testing.T) {
	d := newDesk(t)
	offered := d.Live
	id := d.accept("dackel.xml", nil, nil)
	s := d.run(id)
	if got, want := states(s), "running records:pending finance:waiting"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	d.withdrawService("hundeanmeldung")
	if got, want := states(d.run(id)), "running records:pending finance:waiting"; got != want {
		t.Errorf("nothing had to be mapped, and it is %s, want %s", got, want)
	}
	d.deliver(id, 1, s.Deliveries[0].System, map[string]string{"aktenzeichen": "1"})
	s = d.run(id)
	if got, want := states(s), "parked records:delivered finance:parked"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	finance := s.Deliveries[1]
	if finance.Reason != hub.ParkUnmapped || finance.Code != "not-offered" {
		t.Errorf("parked as %s (%s)", finance.Reason, finance.Code)
	}
	d.Live = offered
	if err := d.store.Replay(t.Context(), finance.ID, store.Replay{Anew: true, Actor: "x", Reason: "offered again", At: d.now}); err != nil {
		t.Fatal(err)
	}
	if got, want := states(d.run(id)), "running records:delivered finance:pending"; got != want {
		t.Errorf("put back, it is %s, want %s", got, want)
	}
}

// What panics when a case is under way keeps the delivery that was to be mapped, and not
// the case: mapped anew with what was put right, it goes on.
func TestPanicUnderWayParksTheDelivery(t *testing.T) {
	d := newDesk(t)
	id := d.accept("dackel.xml", nil, nil)
	s := d.run(id)
	d.deliver(id, 1, s.Deliveries[0].System, map[string]string{"aktenzeichen": "1"})
	real := stages[4].run
	stages[4].run = func(*work) error { panic("poison") }
	s = d.run(id)
	stages[4].run = real
	if got, want := states(s), "parked records:delivered finance:parked"; got != want || s.Deliveries[1].Code != "internal-error" {
		t.Fatalf("got %s (%s), want %s", got, s.Deliveries[1].Code, want)
	}
	if err := d.store.Replay(t.Context(), s.Deliveries[1].ID, store.Replay{Anew: true, Actor: "x", Reason: "put right", At: d.now}); err != nil {
		t.Fatal(err)
	}
	if got, want := states(d.run(id)), "running records:delivered finance:pending"; got != want {
		t.Errorf("put back, it is %s, want %s", got, want)
	}
}
