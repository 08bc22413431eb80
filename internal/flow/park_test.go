package flow

import (
	"context"
	"maps"
	"slices"
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
// has its places for the neighbours. Nothing of its step is written or sent.
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
	if s := d.run(id); s.Submission.State != hub.SubmissionParked || s.Submission.Code != "internal-error" || len(s.Deliveries) != 0 || len(d.woken) != 0 {
		t.Errorf("got %+v, %s, woken %v", s.Submission, states(s), d.woken)
	}
	if taken != 0 {
		t.Errorf("%d places are taken for good", taken)
	}
}

// reload changes what the town offers; change gives nil for a service that it does not
// offer any more.
func (d *desk) reload(change func(config.Binding) *config.Binding) {
	snap := *d.Live.Get()
	own := *snap.Municipalities[town]
	own.Services = map[string]*config.Binding{}
	for name, b := range snap.Municipalities[town].Services {
		if b = change(*b); b != nil {
			own.Services[name] = b
		}
	}
	snap.Municipalities = maps.Clone(snap.Municipalities)
	snap.Municipalities[town] = &own
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
	d.reload(func(config.Binding) *config.Binding { return nil })
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
	if got, want := states(d.anew(finance.ID)), "running records:delivered finance:pending"; got != want {
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
	if got, want := states(d.anew(s.Deliveries[1].ID)), "running records:delivered finance:pending"; got != want {
		t.Errorf("put back, it is %s, want %s", got, want)
	}
}

// Another system has the role by the time a document is due: the document is mapped for
// that one, and goes there and not to the one before.
func TestRoleMovesUnderWay(t *testing.T) {
	d := newDesk(t)
	id := d.accept("dackel.xml", nil, nil)
	s := d.run(id)
	d.reload(func(b config.Binding) *config.Binding {
		b.Deliveries = slices.Clone(b.Deliveries)
		for i := range b.Deliveries {
			if one := &b.Deliveries[i]; one.Route.To == "finance" {
				other := *one.System
				other.Name, one.System = "mach", &other
			}
		}
		return &b
	})
	d.deliver(id, 1, s.Deliveries[0].System, map[string]string{"aktenzeichen": "1"})
	d.woken = nil
	s = d.run(id)
	if got, want := states(s), "running records:delivered finance:pending"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if got := s.Deliveries[1].System; got != "mach" || !slices.Contains(d.woken, "mach") {
		t.Errorf("it goes to %s, and %v were woken", got, d.woken)
	}
	d.deliver(id, 2, "mach", nil)
	trail, err := d.store.AuditTrail(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(trail, func(e hub.AuditEntry) bool { return e.Action == "moved" && e.Object == id.Delivery(2).String() }) {
		t.Errorf("the trail does not say so: %+v, %v", trail, err)
	}
}

// A bell too many changes nothing of what waits for a person: it is not parked twice, and
// not planned before somebody reopens it, whatever the operator has changed meanwhile.
func TestParkedIsLeftAlone(t *testing.T) {
	d := newDesk(t)
	before := d.Live
	d.reload(func(b config.Binding) *config.Binding { return nil })
	id := d.accept("labrador.xml", nil, nil)
	if s := d.run(id); s.Submission.Code != "not-offered" {
		t.Fatalf("got %+v", s.Submission)
	}
	parked := func() (n int) {
		trail, err := d.store.AuditTrail(t.Context(), 0, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range trail {
			if e.Action == "parked" {
				n++
			}
		}
		return n
	}
	d.run(id)
	if n := parked(); n != 1 {
		t.Errorf("it was parked %d times", n)
	}
	d.Live = before
	if s := d.run(id); s.Submission.State != hub.SubmissionParked || len(s.Deliveries) > 0 {
		t.Errorf("planned though nobody has reopened it: %s", states(s))
	}
	if err := d.store.Reopen(t.Context(), id, "operator:x", "offered again", d.now); err != nil {
		t.Fatal(err)
	}
	if s := d.run(id); s.Submission.State != hub.SubmissionRunning {
		t.Errorf("reopened: %s", states(s))
	}
}

// meddling lets somebody set a submission aside between reading it and the step.
type meddling struct {
	flowStore
	damage func()
}

func (m meddling) Advance(ctx context.Context, id hub.ID, version int64, a *store.Advance) error {
	m.damage()
	return m.flowStore.Advance(ctx, id, version, a)
}

// What is set aside while the flow works on it, or was before, is left alone without an
// error: nobody has to look twice.
func TestSetAsideUnderWay(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	d.Store = meddling{d.store, func() {
		if err := d.store.Damage(t.Context(), id, "payload", d.now); err != nil {
			t.Error(err)
		}
	}}
	for range 2 {
		if s := d.run(id); s.Submission.State != hub.SubmissionDamaged {
			t.Errorf("got %s", states(s))
		}
	}
	if err := d.store.Mend(t.Context(), id, "operator:x", "restored", d.now); err != nil {
		t.Fatal(err)
	}
	d.Store = d.store
	if s := d.run(id); s.Submission.State != hub.SubmissionRunning {
		t.Errorf("mended: %s", states(s))
	}
}

// What waits for a person as a whole, and what was withdrawn before it was planned, is
// found by what people search by: it is erased by person like any other.
func TestFoundThoughNotPlanned(t *testing.T) {
	d := newDesk(t)
	offered := d.Live
	found := func(kind, value string) (n int) {
		t.Helper()
		rows, err := d.store.List(t.Context(), store.Filter{Search: d.Vault.Hash("search:"+kind, town, value)})
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	d.reload(func(config.Binding) *config.Binding { return nil })
	parked := d.accept("labrador.xml", nil, nil)
	if s := d.run(parked); s.Submission.Code != "not-offered" || found("name", "Beispiel") != 1 || found("name", "Kontoperson") != 1 || found("reference", "BP-1") != 1 {
		t.Fatalf("%s: found by name %d, by reference %d", s.Submission.Code, found("name", "Beispiel"), found("reference", "BP-1"))
	}
	d.Live = offered
	if err := d.store.Reopen(t.Context(), parked, "operator:x", "offered again", d.now); err != nil {
		t.Fatal(err)
	}
	if s := d.run(parked); s.Submission.State != hub.SubmissionRunning || found("name", "Beispiel") != 1 {
		t.Errorf("reopened: %s, found by name %d", states(s), found("name", "Beispiel"))
	}
	withdrawn := d.accept("labrador.xml", nil, nil)
	if err := d.store.Withdraw(t.Context(), withdrawn, "portal:buergerportal", "", d.now); err != nil {
		t.Fatal(err)
	}
	due, err := d.store.Due(t.Context(), d.now, store.Due{}, 10)
	if err != nil || len(due) != 1 || due[0].ID != withdrawn {
		t.Fatalf("due %+v %v", due, err)
	}
	for range 2 {
		d.run(withdrawn)
	}
	if found("name", "Beispiel") != 2 || found("chip", "276098100000017") != 2 {
		t.Errorf("withdrawn: found by name %d, by chip %d", found("name", "Beispiel"), found("chip", "276098100000017"))
	}
	if due, err := d.store.Due(t.Context(), d.now, store.Due{}, 10); err != nil || len(due) != 0 {
		t.Errorf("it stays due: %+v %v", due, err)
	}
	if err := d.store.Withdraw(t.Context(), parked, "portal:buergerportal", "", d.now); err != nil {
		t.Fatal(err)
	}
	for name, id := range map[string]hub.ID{"withdrawn": withdrawn, "reopened": parked} {
		done, err := d.store.Erase(t.Context(), []store.Erase{{ID: id, Metadata: true, Actor: "operator:x", Reason: "y", At: d.now}})
		if err != nil || done[0].Err != nil || done[0].Deletion.Counts.SearchHashes != 6 {
			t.Errorf("%s: hashes are doubled: %+v %v", name, done[0], err)
		}
	}
}
