package flow

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// callsBack makes the sample portal one that wants callbacks, or no more.
func (d *desk) callsBack(yes bool) {
	d.t.Helper()
	snap := *d.Live.Get()
	snap.Portals = map[string]*config.Portal{}
	for name, p := range d.Live.Get().Portals {
		own := *p
		own.Callback = nil
		if yes && name == "buergerportal" {
			own.Callback = &config.System{Name: "rueckruf"}
		}
		snap.Portals[name] = &own
	}
	d.Live = config.NewLive(config.Source{}, &snap)
}

func (d *desk) told(id hub.ID) (told []string) {
	d.t.Helper()
	s, err := d.store.Submission(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	for _, one := range s.Deliveries {
		if one.Role != hub.RolePortal {
			continue
		}
		var c hub.Callback
		body := d.document(id, one.ID.Ordinal())
		if err := json.Unmarshal([]byte(body), &c); err != nil {
			d.t.Fatal(err)
		}
		if c.Type != hub.CallbackSubmission || c.Data.ID != id || c.Data.Number != id.Number() || !c.Timestamp.Equal(d.now) || !one.Optional || one.System != "rueckruf" {
			d.t.Errorf("%s of %+v", body, one)
		}
		if strings.Contains(body, "reference") != (d.Live.Get().Portals["buergerportal"].Hub != nil) {
			d.t.Errorf("%s", body)
		}
		for _, personal := range []string{"Beispiel", "276098", "HV-000", "hundeanmeldung", town} {
			if strings.Contains(body, personal) {
				d.t.Errorf("%q is in the callback: %s", personal, body)
			}
		}
		told = append(told, string(c.Data.Status)+" "+string(one.State))
	}
	return told
}

// due reports whether the flow has something to do for the submission.
func (d *desk) due(id hub.ID) bool {
	d.t.Helper()
	due, err := d.store.Due(d.t.Context(), d.now.Add(time.Second), store.Due{}, 10)
	if err != nil {
		d.t.Fatal(err)
	}
	return slices.ContainsFunc(due, func(one store.Due) bool { return one.ID == id })
}

// The end of a case is told once, by a delivery that is no part of it.
func TestTellsTheEnd(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	if d.due(id) || len(d.told(id)) > 0 {
		t.Errorf("the beginning is in the receipt: %v", d.told(id))
	}
	d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "1"})
	d.run(id)
	d.deliver(id, 2, "kasse-musterstadt", map[string]string{"kassenzeichen": "5.1"})
	if !d.due(id) {
		t.Error("nobody would notice that the ringing got lost")
	}
	d.woken = nil
	if got, want := states(d.run(id)), "settled records:delivered finance:delivered portal:pending"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if !slices.Equal(d.woken, []string{"rueckruf"}) {
		t.Errorf("woken: %v", d.woken)
	}
	for range 3 {
		d.run(id)
	}
	if got := d.told(id); !slices.Equal(got, []string{"COMPLETED pending"}) || d.due(id) {
		t.Errorf("told %v", got)
	}
}

// A hub that has handed the case on is told under which number it has it.
func TestTellsAnotherHubItsNumber(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	d.Live.Get().Portals["buergerportal"].Hub = &config.OtherHub{Issuer: "kreis"}
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	d.deliver(id, 1, "akte-musterstadt", nil)
	d.run(id)
	d.deliver(id, 2, "kasse-musterstadt", nil)
	d.run(id)
	if body := d.document(id, 3); !strings.Contains(body, `"reference":"BP-1"`) {
		t.Errorf("%s", body)
	}
	if body := d.told(id); len(body) != 1 {
		t.Errorf("%v", body)
	}
}

// What has changed again before it was told is told as it is now; what is back where
// it was is not told, unless a system has answered: it may be another answer.
func TestTellsWhatIsTrueNow(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	d.deliver(id, 1, "akte-musterstadt", nil)
	d.run(id)
	d.deliver(id, 2, "kasse-musterstadt", nil)
	d.run(id)
	again := func() {
		t.Helper()
		if err := d.store.Replay(t.Context(), id.Delivery(2), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: d.now}); err != nil {
			t.Fatal(err)
		}
	}
	again()
	d.deliver(id, 2, "kasse-musterstadt", nil)
	d.run(id)
	if got := d.told(id); len(got) != 1 || d.due(id) {
		t.Errorf("nothing has changed: %v", got)
	}
	again()
	d.run(id)
	if got, want := d.told(id), []string{"COMPLETED closed", "PROCESSING pending"}; !slices.Equal(got, want) || d.due(id) {
		t.Errorf("told %v, want %v", got, want)
	}
	d.deliver(id, 2, "kasse-musterstadt", nil)
	d.run(id)
	if got, want := d.told(id), []string{"COMPLETED closed", "PROCESSING closed", "COMPLETED pending"}; !slices.Equal(got, want) || d.due(id) {
		t.Errorf("told %v, want %v", got, want)
	}
	again()
	d.deliver(id, 2, "kasse-musterstadt", map[string]string{"kassenzeichen": "5.2"})
	d.run(id)
	if got := d.told(id); len(got) != 4 || got[3] != "COMPLETED pending" || d.due(id) {
		t.Errorf("of another answer it is told %v", got)
	}
}

// A portal that wants no callbacks costs nothing, and one that wants no more is told
// no more.
func TestTellsNobodyWhoDoesNotAsk(t *testing.T) {
	d := newDesk(t)
	d.callsBack(false)
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	d.deliver(id, 1, "akte-musterstadt", nil)
	d.callsBack(true) // named only now: what is under way is told from its next step on
	d.run(id)
	d.callsBack(false)
	d.deliver(id, 2, "kasse-musterstadt", nil)
	d.run(id)
	if got := d.told(id); len(got) > 0 || d.due(id) {
		t.Errorf("told %v", got)
	}
	other := d.accept("dackel.xml", nil, nil)
	d.run(other)
	d.deliver(other, 1, "akte-musterstadt", nil)
	d.run(other)
	d.deliver(other, 2, "kasse-musterstadt", nil)
	if d.due(other) {
		t.Error("the flow is due for nobody")
	}
}

// Where the key that seals it is gone nothing is told, and nothing is tried for ever.
func TestTellsNothingWithoutAKey(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	d.deliver(id, 1, "akte-musterstadt", nil)
	d.run(id)
	d.deliver(id, 2, "kasse-musterstadt", nil)
	c, err := d.store.Case(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	c.DataKey = []byte("no key")
	if told, err := d.tell(t.Context(), c, nil); err != nil || !told {
		t.Fatal(told, err)
	}
	if got := d.told(id); len(got) > 0 || d.due(id) {
		t.Errorf("told %v", got)
	}
	if err := d.store.Tell(t.Context(), id, c.Submission.Version, &store.Tell{At: d.now}); !errors.Is(err, store.ErrStale) {
		t.Errorf("somebody told it twice: %v", err)
	}
}

// What was withdrawn before it was planned, or set aside and given up, is told as any other
// end. Whoever wants no callbacks is told nothing, and nothing is left to do.
func TestTellsWhatEndedBeforeItsPlan(t *testing.T) {
	flip := func(a *store.Acceptance) { a.Payload[len(a.Payload)/2] ^= 1 }
	for name, test := range map[string]struct {
		spoil func(*store.Acceptance)
		end   func(*desk, hub.ID) error
		told  string
	}{
		"withdrawn": {nil, func(d *desk, id hub.ID) error { return d.store.Withdraw(d.t.Context(), id, "operator:x", "y", d.now) }, "CANCELLED pending"},
		"damaged and closed": {flip, func(d *desk, id hub.ID) error {
			d.run(id)
			_, err := d.store.CloseDelivery(d.t.Context(), id, "operator:x", "y", d.now)
			return err
		}, "REJECTED pending"},
	} {
		for _, wants := range []bool{true, false} {
			d := newDesk(t)
			d.callsBack(wants)
			id := d.accept("dackel.xml", nil, test.spoil)
			if err := test.end(d, id); err != nil {
				t.Fatal(err)
			}
			if !d.due(id) {
				t.Errorf("%s: nobody would notice that the ringing got lost", name)
			}
			s := d.run(id)
			d.run(id)
			if got := d.told(id); wants && !slices.Equal(got, []string{test.told}) || !wants && len(got) > 0 {
				t.Errorf("%s, wanted %v: told %v", name, wants, got)
			}
			if s.Submission.State != hub.SubmissionSettled || d.due(id) {
				t.Errorf("%s: %s, due %v", name, s.Submission.State, d.due(id))
			}
		}
	}
}

// What was set aside under way and is given up is told, too, with what is known of it.
func TestTellsWhatWasDamagedAndClosed(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	id := d.accept("dackel.xml", nil, nil)
	d.run(id)
	d.deliver(id, 1, "akte-musterstadt", nil)
	if err := d.store.Damage(t.Context(), id, "delivery 2", d.now); err != nil {
		t.Fatal(err)
	}
	if _, err := d.store.CloseDelivery(t.Context(), id, "operator:x", "y", d.now); err != nil {
		t.Fatal(err)
	}
	if !d.due(id) {
		t.Error("nobody would notice that the ringing got lost")
	}
	d.run(id)
	if got := d.told(id); !slices.Equal(got, []string{"COMPLETED pending"}) || d.due(id) {
		t.Errorf("told %v", got)
	}
}
