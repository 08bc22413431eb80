package web

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

func TestReplayManyCountsThenDoes(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		f.parked("http-422")
	}
	f.parked("http-400")
	whole, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), whole, 1, &store.Advance{At: f.now, State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"}))

	order := admin.ReplayMany{Replay: admin.Replay{Reason: "Kasse repariert"}, Filter: admin.Filter{System: system, Code: "http-422"}, DryRun: true, Limit: 2}
	o, err := f.client.ReplayMany(t.Context(), order)
	f.must(err)
	if o.Matched != 3 || o.Done != 0 || !o.More || !o.DryRun || len(f.woke) > 0 {
		t.Errorf("dry run: %+v, woke %v", o, f.woke)
	}
	order.DryRun = false
	o, err = f.client.ReplayMany(t.Context(), order)
	f.must(err)
	if o.Done != 2 || !o.More {
		t.Errorf("limited: %+v", o)
	}
	o, err = f.client.ReplayMany(t.Context(), admin.ReplayMany{Replay: admin.Replay{Reason: "neue Zuordnung", Anew: true}})
	f.must(err)
	if o.Done != 3 || o.More { // one of 422, one of 400, and the whole submission
		t.Errorf("everything anew: %+v", o)
	}
	if s, err := f.client.Submission(t.Context(), whole.String()); err != nil || s.State != hub.SubmissionAccepted {
		t.Errorf("the submission without deliveries is %s (%v), want accepted again", s.State, err)
	}
	for name, bad := range map[string]admin.ReplayMany{
		"limit":  {Replay: admin.Replay{Reason: "x"}, Limit: maxMany + 1},
		"number": {Replay: admin.Replay{Reason: "x"}, Filter: admin.Filter{Number: whole.Number()}},
		"search": {Replay: admin.Replay{Reason: "x"}, Filter: admin.Filter{Search: "1"}},
	} {
		if _, err := f.client.ReplayMany(t.Context(), bad); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestCloseManyCountsThenDoes(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		f.parked("http-422")
	}
	other, _ := f.parked("http-400")
	whole, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), whole, 1, &store.Advance{At: f.now, State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"}))
	damaged, _ := f.accept("<hund/>")
	f.must(f.store.Damage(t.Context(), damaged, "payload", f.now))
	waits, key := f.accept("<hund/>")
	f.plan(waits, key, "{}", "1")

	order := admin.CloseMany{Filter: admin.Filter{System: system, Code: "http-422"}, DryRun: true, Limit: 2}
	o, err := f.client.CloseMany(t.Context(), order)
	f.must(err)
	if o.Matched != 3 || o.Done != 0 || !o.More || !o.DryRun || len(f.audited("closed")) != 0 {
		t.Errorf("dry run: %+v", o)
	}
	order.DryRun = false
	_, err = f.client.CloseMany(t.Context(), order)
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid) // no reason
	order.Reason = "von Hand gebucht"
	o, err = f.client.CloseMany(t.Context(), order)
	f.must(err)
	if o.Done != 2 || !o.More || len(f.audited("closed")) != 2 {
		t.Errorf("limited: %+v", o)
	}
	if s, err := f.client.Submission(t.Context(), other.String()); err != nil || s.State != hub.SubmissionParked {
		t.Errorf("another cause: %s, %v", s.State, err)
	}
	o, err = f.client.CloseMany(t.Context(), admin.CloseMany{Reason: "alles von Hand", Filter: admin.Filter{Municipality: ags}})
	f.must(err)
	if o.Done != 3 || o.More { // one of 422, one of 400, and the whole submission
		t.Errorf("everything parked: %+v", o)
	}
	for id, want := range map[hub.ID]hub.SubmissionState{whole: hub.SubmissionSettled, damaged: hub.SubmissionDamaged, waits: hub.SubmissionRunning} {
		if s, err := f.client.Submission(t.Context(), id.String()); err != nil || s.State != want {
			t.Errorf("%s is %s (%v), want %s", id, s.State, err, want)
		}
	}
	for _, bad := range []admin.CloseMany{
		{Reason: "x", Filter: admin.Filter{DeliveryState: hub.DeliveryPending}},
		{Reason: "x", Filter: admin.Filter{DeliveryState: hub.DeliveryDelivered, System: system}},
		{Reason: "x", Filter: admin.Filter{System: system}, Limit: maxMany + 1},
		{Reason: "x", Filter: admin.Filter{Search: "1"}},
	} {
		_, err := f.client.CloseMany(t.Context(), bad)
		f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	}
	o, err = f.client.CloseMany(t.Context(), admin.CloseMany{Reason: "System ist weg", Filter: admin.Filter{DeliveryState: hub.DeliveryPending, System: system}})
	f.must(err)
	if o.Done != 1 {
		t.Errorf("what is pending there: %+v", o)
	}
}

// What is damaged keeps nobody else's from being put back, closed or counted.
func TestManyGoOnBehindADamagedOne(t *testing.T) {
	f := newFixture(t)
	var ids hub.IDs
	all := []candidate{{ID: ids.New()}, {ID: ids.New()}, {ID: ids.New()}}
	of := order{page: func(context.Context, query) ([]candidate, hub.ID, error) { return all, hub.ID{}, nil },
		some: each(func(_ context.Context, id hub.ID) error {
			if id == all[1].ID {
				return fmt.Errorf("replay %s: %w", id, store.ErrDamaged)
			}
			return nil
		})}
	m, err := of.carryOut(t.Context(), query{})
	f.must(err)
	if m.Done != 2 || m.More || len(m.Refused) != 1 || m.Refused[0].ID != all[1].ID {
		t.Errorf("%+v, want the two that can be read put back", m)
	}
}

// Thousands are not done one sync after the other, and where the store fails no more of
// them are begun.
func TestManyAreDoneTogether(t *testing.T) {
	f := newFixture(t)
	var ids hub.IDs
	all := make([]candidate, 3*together)
	for i := range all {
		all[i].ID = ids.New()
	}
	page := func(context.Context, query) ([]candidate, hub.ID, error) { return all, hub.ID{}, nil }
	var met sync.WaitGroup
	met.Add(together)
	var n atomic.Int64
	m, err := order{page: page, some: each(func(context.Context, hub.ID) error {
		if n.Add(1) <= together {
			met.Done()
			met.Wait() // for the others of the first few: one by one it waits for ever
		}
		return nil
	})}.carryOut(t.Context(), query{})
	f.must(err)
	if m.Done != len(all) || m.More {
		t.Errorf("%+v, want all done", m)
	}
	n.Store(0)
	m, err = order{page: page, some: each(func(context.Context, hub.ID) error { n.Add(1); return store.ErrFull })}.carryOut(t.Context(), query{})
	f.must(err)
	if m.Done != 0 || !m.More || n.Load() != together {
		t.Errorf("on a full disk: %+v after %d", m, n.Load())
	}
}

// What had ended is put back in the order in which it came, though many are at once: the
// later one of two about one dog never leaves first.
func TestManyArePutBackInOrder(t *testing.T) {
	f := newFixture(t)
	var ids []hub.ID
	for range 2 {
		id, key := f.accept("<hund/>")
		f.ordered = []byte("one dog")
		ids = append(ids, f.plan(id, key, `{"chip":"1"}`, "276098100000017"))
		f.record(key, hub.DeliveryDelivered, "", "", "")
	}
	h := &hasty{Store: f.store, f: f, slow: ids[0], others: make(chan struct{})}
	f.server.Store = h
	m, err := f.server.replayMany(t.Context(), query{Filter: store.Filter{DeliveryState: hub.DeliveryDelivered}}, putBack{Force: true, Actor: "operator:x", Reason: "after a restore"}, 0, false)
	f.must(err)
	if m.Done != 2 || len(h.sent) != 1 || h.sent[0] != ids[0] {
		t.Errorf("%+v: sent %v of %v, want the first one and the second one behind it", m, h.sent, ids)
	}
}

// A dry run counts what would be done, and says what would not.
func TestDryRunSaysWhatWouldBeRefused(t *testing.T) {
	f := newFixture(t)
	f.parked("http-422")
	id, _ := f.accept("<hund/>")
	f.must(f.store.Advance(t.Context(), id, 1, &store.Advance{At: f.now, State: hub.SubmissionParked,
		Deliveries: []store.NewDelivery{{Delivery: hub.Delivery{ID: id.Delivery(1), Role: "finance", System: system, Document: "finance",
			State: hub.DeliveryParked, Reason: hub.ParkUnmapped, Code: "no-rate", UpdatedAt: f.now}}}}))
	for anew, want := range map[bool]int{false: 1, true: 0} {
		order := admin.ReplayMany{Replay: admin.Replay{Reason: "Ticket 1", Anew: anew}, DryRun: true}
		o, err := f.client.ReplayMany(t.Context(), order)
		f.must(err)
		if o.Matched != 2 || len(o.Refused) != want || want == 1 && !strings.Contains(o.Refused[0].Detail, "--anew") {
			t.Errorf("anew %v: %+v", anew, o)
		}
	}
}
