package flow

import (
	"encoding/json"
	"slices"
	"testing"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func (d *desk) bundle() hub.ID {
	d.t.Helper()
	id := d.ids.New()
	_, err := d.store.OpenBundle(d.t.Context(), &store.BundleOpening{
		Bundle: hub.Bundle{ID: id, Name: "umzugsmappe", Portal: "buergerportal", OpenedAt: d.now, Version: 1}, Key: id.String(), Actor: "portal:buergerportal",
	})
	if err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *desk) part(bundle hub.ID, example string) hub.ID {
	d.t.Helper()
	id := d.accept(example, nil, func(a *store.Acceptance) { a.Submission.Bundle, a.Submission.Part = bundle, "hund-anmelden" })
	d.run(id)
	return id
}

// end lets both systems take their documents. The flow is not run for the last.
func (d *desk) end(id hub.ID) {
	d.t.Helper()
	d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "1"})
	d.run(id)
	d.deliver(id, 2, "kasse-musterstadt", map[string]string{"kassenzeichen": "5.1"})
}

func (d *desk) close(bundle hub.ID) {
	d.t.Helper()
	if _, err := d.store.CloseBundle(d.t.Context(), bundle, "portal:buergerportal", d.now); err != nil {
		d.t.Fatal(err)
	}
}

// toldOf gives what the portal is told of a bundle by the callbacks of these parts.
func (d *desk) toldOf(bundle hub.ID, parts ...hub.ID) (told []string) {
	d.t.Helper()
	for _, id := range parts {
		s, err := d.store.Submission(d.t.Context(), id)
		if err != nil {
			d.t.Fatal(err)
		}
		for _, one := range s.Deliveries {
			if one.Role != hub.RolePortal {
				continue
			}
			var c hub.Callback
			if err := json.Unmarshal([]byte(d.document(id, one.ID.Ordinal())), &c); err != nil {
				d.t.Fatal(err)
			}
			if c.Type != hub.CallbackBundle || c.Data.ID != bundle || c.Data.Number != bundle.Number() {
				d.t.Errorf("told of something else: %+v", c)
			}
			told = append(told, string(c.Data.Status))
		}
	}
	return told
}

// A bundle speaks for its parts: once, when the last of them has come to its end.
func TestBundleIsToldOnce(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	b := d.bundle()
	one, two := d.part(b, "dackel.xml"), d.part(b, "dackel.xml")
	d.close(b)
	d.end(one)
	d.run(one)
	if got := d.toldOf(b, one, two); len(got) != 0 || d.due(one) {
		t.Errorf("one of two: %v", got)
	}
	d.end(two)
	d.run(two)
	for range 3 {
		d.run(one)
		d.run(two)
	}
	if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"COMPLETED"}) || d.due(one) || d.due(two) {
		t.Errorf("told %v", got)
	}
	// Taken up again, and ended again: both are news.
	if err := d.store.Replay(t.Context(), one.Delivery(2), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: d.now}); err != nil {
		t.Fatal(err)
	}
	d.run(one)
	d.deliver(one, 2, "kasse-musterstadt", nil)
	d.run(one)
	if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"PROCESSING", "COMPLETED", "COMPLETED"}) {
		t.Errorf("told %v", got)
	}
}

// Both ends are there before anybody looked: it is told by one of them.
func TestBundleIsToldOnceWhereBothEndAtOnce(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	b := d.bundle()
	one, two := d.part(b, "dackel.xml"), d.part(b, "dackel.xml")
	d.close(b)
	d.end(one)
	d.end(two)
	d.run(one)
	d.run(two)
	if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"COMPLETED"}) {
		t.Errorf("told %v", got)
	}
}

// While a bundle is open it has not come to its end; closing it is what is told.
func TestBundleIsToldWhenItIsClosed(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	b := d.bundle()
	one, two := d.part(b, "dackel.xml"), d.part(b, "dackel.xml")
	d.end(one)
	d.end(two)
	d.run(one)
	d.run(two)
	if got := d.toldOf(b, one, two); len(got) != 0 || d.due(one) || d.due(two) {
		t.Errorf("an open bundle: %v", got)
	}
	d.close(b)
	if !d.due(two) {
		t.Error("nobody would notice that the ringing got lost")
	}
	d.run(two)
	d.run(one)
	if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"COMPLETED"}) || d.due(two) {
		t.Errorf("told %v", got)
	}
}

// What needs the citizen is told at once, and of each part.
func TestBundleIsToldWhenTheCitizenMustAct(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	b := d.bundle()
	one, two := d.part(b, "dackel.xml"), d.part(b, "labrador.xml") // another dog: they do not wait for each other
	for _, id := range []hub.ID{one, two} {
		tasks, err := d.store.Claim(t.Context(), store.Claim{System: "akte-musterstadt", Owner: "node", Now: d.now, Lease: 60e9, Limit: 1})
		if err != nil || len(tasks) != 1 || tasks[0].Delivery.ID != id.Delivery(1) {
			t.Fatalf("%+v, %v", tasks, err)
		}
		_, err = d.store.Record(t.Context(), &store.Record{
			Attempt: hub.Attempt{Delivery: id.Delivery(1), N: 1, At: d.now, Kind: "send", Outcome: "awaiting", Code: hub.CodePaymentOpen},
			Owner:   "node", Fence: tasks[0].Fence, State: hub.DeliveryAwaiting, NotBefore: d.now.Add(3600e9),
		})
		if err != nil {
			t.Fatal(err)
		}
		d.run(id)
	}
	if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"ACTION_REQUIRED", "ACTION_REQUIRED"}) {
		t.Errorf("told %v", got)
	}
}

// A part that was never planned has no delivery yet, and gets none by speaking for its
// bundle: put back by a person, it is planned.
func TestBundleIsToldByAPartWithAPlan(t *testing.T) {
	for name, closed := range map[string]bool{"while it is open": false, "when it is closed": true} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			d.callsBack(true)
			b := d.bundle()
			one := d.part(b, "dackel.xml")
			offered := d.Live
			d.reload(func(config.Binding) *config.Binding { return nil })
			two := d.part(b, "labrador.xml")
			d.Live = offered
			tasks, err := d.store.Claim(t.Context(), store.Claim{System: "akte-musterstadt", Owner: "node", Now: d.now, Lease: 60e9, Limit: 1})
			if err != nil || len(tasks) != 1 {
				t.Fatalf("%+v, %v", tasks, err)
			}
			_, err = d.store.Record(t.Context(), &store.Record{
				Attempt: hub.Attempt{Delivery: one.Delivery(1), N: 1, At: d.now, Kind: "send", Outcome: "awaiting", Code: hub.CodePaymentOpen},
				Owner:   "node", Fence: tasks[0].Fence, State: hub.DeliveryAwaiting, NotBefore: d.now.Add(3600e9),
			})
			if err != nil {
				t.Fatal(err)
			}
			if closed {
				d.close(b)
				for _, id := range []hub.ID{two, one} {
					if d.due(id) {
						d.run(id)
					}
				}
			}
			if err := d.store.Reopen(t.Context(), two, "operator:x", "offered again", d.now); err != nil {
				t.Fatal(err)
			}
			if got, want := states(d.run(two)), "running records:pending finance:waiting public-order:pending"; got != want {
				t.Errorf("put back, it is %s, want %s", got, want)
			}
			d.run(one)
			if got := d.toldOf(b, one, two); !slices.Equal(got, []string{"ACTION_REQUIRED"}) {
				t.Errorf("told %v", got)
			}
		})
	}
}

// A portal without callbacks is told nothing of bundles either.
func TestBundleOfAPortalWithoutCallbacks(t *testing.T) {
	d := newDesk(t)
	d.callsBack(false)
	b := d.bundle()
	one := d.part(b, "dackel.xml")
	d.end(one)
	d.run(one)
	d.close(b)
	if d.due(one) {
		t.Error("due for nobody")
	}
	if got := d.toldOf(b, one); len(got) != 0 {
		t.Errorf("told %v", got)
	}
}

// Mappings may name the bundle.
func TestMappingsKnowTheBundle(t *testing.T) {
	d := newDesk(t)
	b := d.bundle()
	for _, tt := range []struct {
		id   hub.ID
		want string
	}{{d.part(b, "dackel.xml"), b.String()}, {d.accept("labrador.xml", nil, nil), ""}} {
		c, err := d.store.Case(t.Context(), tt.id)
		if err != nil {
			t.Fatal(err)
		}
		w := &work{Flow: d.Flow, ctx: t.Context(), now: d.now, snapshot: d.Live.Get(), c: c}
		if err := open(w); err != nil {
			t.Fatal(err)
		}
		if got := w.env.Submission.Bundle; got != tt.want {
			t.Errorf("bundle %q, want %q", got, tt.want)
		}
	}
}
