package web

import (
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// What keeps a delivery from being sent is said with it.
func TestHeldIsNamed(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	held := func(by, reason string) {
		t.Helper()
		s, err := f.client.Submission(t.Context(), id.String())
		f.must(err)
		tr, err := f.client.Trace(t.Context(), id.String())
		f.must(err)
		a, b := s.Deliveries[0].Held, tr.Deliveries[0].Held
		if by == "" {
			if a != nil || b != nil {
				t.Fatalf("held by %+v, %+v; want by nothing", a, b)
			}
			return
		}
		if a == nil || b == nil || *a != *b || a.By != by || a.Reason != reason {
			t.Fatalf("held by %+v, %+v; want by %s %q", a, b, by, reason)
		}
	}
	held("", "")
	f.breakers[system] = "open"
	held("broken", "")
	f.breakers[system] = "half-open"
	held("broken", "")
	_, err := f.client.Pause(t.Context(), system, "Jahresabschluss")
	f.must(err)
	held("paused", "Jahresabschluss")
	delete(f.server.Live.Get().Systems, system)
	held("gone", "")
}

func TestHeldByAnEarlierOne(t *testing.T) {
	f := newFixture(t)
	var ids []hub.ID
	for range 2 {
		f.now = f.now.Add(time.Second)
		id, key := f.accept("<hund/>")
		d := id.Delivery(1)
		f.must(f.store.Advance(t.Context(), id, 1, &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{{
			OrderKey: []byte("chip"), Document: &store.Rendered{Delivery: d, Head: key.Seal(hub.RecordHead(d), []byte("{}")), Body: key.Seal(hub.RecordBody(d), nil)},
			Delivery: hub.Delivery{ID: d, Role: "finance", System: system, Document: "finance", State: hub.DeliveryPending, NotBefore: f.now}}}}))
		ids = append(ids, id)
		if len(ids) == 1 {
			f.record(key, hub.DeliveryParked, hub.ParkRefused, "http-422", "")
		}
	}
	s, err := f.client.Submission(t.Context(), ids[1].String())
	f.must(err)
	if h := s.Deliveries[0].Held; h == nil || h.By != "order" || h.Number != ids[0].Number() || h.State != hub.SubmissionParked {
		t.Errorf("held by %+v, want by %s", h, ids[0].Number())
	}
}
