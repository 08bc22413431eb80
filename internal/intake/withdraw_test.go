package intake

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func TestWithdraw(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	path := "/v1/submissions/" + r.ID.String()
	first := w.do("POST", path+"/withdrawal", "")
	if first.StatusCode != 200 {
		t.Fatalf("%d %s", first.StatusCode, first.body)
	}
	var s Status
	first.decode(t, &s)
	if s.State != hub.SubmissionSettled || s.Withdrawal == nil || !s.Withdrawal.At.Equal(w.clock()) || s.Text != "Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet." {
		t.Fatalf("%s", first.body)
	}
	w.advance(time.Hour)
	// Again, by number, and read: the same.
	for _, again := range []answer{w.do("POST", "/v1/submissions/"+r.Number+"/withdrawal", ""), w.do("GET", path, "")} {
		if again.StatusCode != 200 || string(again.body) != string(first.body) {
			t.Errorf("%d %s\nfirst %s", again.StatusCode, again.body, first.body)
		}
	}
	// The receipt is kept: the submission is not pushed a second time.
	if a := w.submit("k-1"); a.StatusCode != 202 || w.accepted(a).ID != r.ID {
		t.Errorf("repeated: %d %s", a.StatusCode, a.body)
	}
	if a := w.do("GET", path+"/events", "", "Accept-Language", "en"); !strings.Contains(string(a.body), `"type":"withdrawn","text":"Withdrawn."`) {
		t.Errorf("%s", a.body)
	}
	trail, err := w.store.Store.(store.Operate).AuditTrail(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(trail, func(e hub.AuditEntry) bool {
		return e.Action == "withdrawn" && e.Actor == "portal:soest" && e.Object == r.ID.String()
	}) {
		t.Errorf("audit: %v %+v", err, trail)
	}
}

func TestWithdrawRefused(t *testing.T) {
	w := newWorld(t)
	r := w.accepted(w.submit("k-1"))
	path := "/v1/submissions/" + r.ID.String() + "/withdrawal"
	w.refused(w.do("POST", path, "", "Authorization", "Bearer "+keyIserlohn), CodeSubmission)
	w.refused(w.do("POST", "/v1/submissions/x/withdrawal", ""), CodeSubmission)
	w.refused(w.do("GET", path, ""), CodeMethod)
	w.refused(w.do("POST", path, "", "Authorization", "Bearer x"), CodeUnauthenticated)

	journal := w.store.Store.(store.Store)
	end(t, journal, r.ID, w.clock())
	w.refused(w.do("POST", path, ""), CodeWithdrawal)
	s, err := journal.Submission(t.Context(), r.ID)
	if err != nil || !s.Submission.WithdrawnAt.IsZero() {
		t.Errorf("refused: %v %+v", err, s)
	}
	other := w.accepted(w.submit("k-2"))
	w.store.set(func(f *faults) { f.withdraw = store.ErrFull })
	w.refused(w.do("POST", "/v1/submissions/"+other.ID.String()+"/withdrawal", ""), CodeFull)
	w.store.set(func(f *faults) { f.withdraw = errors.New("disk on fire") })
	w.refused(w.do("POST", "/v1/submissions/"+other.ID.String()+"/withdrawal", ""), CodeUnavailable)
}

// At a counter the audit trail says who took the case back, and only there.
func TestWithdrawAtTheCounter(t *testing.T) {
	w := newWorld(t)
	desk := []string{"Authorization", "Bearer " + keyCounter}
	r := w.accepted(w.submit("k-1", append(desk, "Stellwerk-Clerk", "Brandt")...))
	path := "/v1/submissions/" + r.ID.String() + "/withdrawal"
	a := w.do("POST", path, "", desk...)
	w.refused(a, CodeMetaInvalid)
	if !strings.Contains(string(a.body), `"header":"Stellwerk-Clerk","rule":"required"`) {
		t.Errorf("%s", a.body)
	}
	mine := w.accepted(w.submit("k-2"))
	a = w.do("POST", "/v1/submissions/"+mine.ID.String()+"/withdrawal", "", "Stellwerk-Clerk", "Brandt")
	w.refused(a, CodeMetaInvalid)
	if !strings.Contains(string(a.body), `"rule":"counter-only"`) {
		t.Errorf("%s", a.body)
	}
	if a := w.do("POST", path, "", append(desk, "Stellwerk-Clerk", "Frau Übel")...); a.StatusCode != 200 {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	trail, err := w.store.Store.(store.Operate).AuditTrail(t.Context(), 0, 100)
	if err != nil || !slices.ContainsFunc(trail, func(e hub.AuditEntry) bool {
		return e.Action == "withdrawn" && e.Actor == "counter:theke/Frau Übel" && e.Object == r.ID.String()
	}) {
		t.Errorf("audit: %v %+v", err, trail)
	}
}

// end brings a submission to its end at one system.
func end(t *testing.T, journal store.Store, id hub.ID, now time.Time) {
	t.Helper()
	ctx := context.Background()
	d := hub.Delivery{ID: id.Delivery(1), Role: "records", System: "akte", State: hub.DeliveryPending, NotBefore: now}
	err := journal.Advance(ctx, id, 1, &store.Advance{At: now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{{
		Delivery: d, Document: &store.Rendered{Delivery: d.ID, Head: []byte("h"), Body: []byte("b"), SHA256: "00", Revision: "r"},
	}}})
	if err != nil {
		t.Fatal(err)
	}
	tasks, err := journal.Claim(ctx, store.Claim{System: "akte", Owner: "n", Now: now, Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 {
		t.Fatalf("claim: %v %v", tasks, err)
	}
	if _, err := journal.Record(ctx, &store.Record{
		Attempt: hub.Attempt{Delivery: d.ID, N: 1, At: now, Kind: "send", Outcome: "delivered"},
		Owner:   "n", Fence: tasks[0].Fence, State: hub.DeliveryDelivered,
	}); err != nil {
		t.Fatal(err)
	}
}

func TestWhatAWithdrawalTells(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	of := func(states ...hub.DeliveryState) *hub.Withdrawal {
		var all []hub.Delivery
		for i, s := range states {
			all = append(all, hub.Delivery{Role: string(rune('a' + i)), State: s})
		}
		return hub.WithdrawalOf(&hub.Submission{WithdrawnAt: at}, all)
	}
	if hub.WithdrawalOf(&hub.Submission{}, nil) != nil {
		t.Error("nobody has withdrawn it")
	}
	w := of(hub.DeliveryDelivered, hub.DeliveryAwaiting, hub.DeliveryClosed, hub.DeliverySending, hub.DeliveryParked)
	if strings.Join(w.Left, "") != "ab" || strings.Join(w.Cancelled, "") != "c" || strings.Join(w.Open, "") != "de" {
		t.Errorf("%+v", w)
	}
}

// What was erased is told: without content the status, without metadata 410; the
// receipt stays the receipt.
func TestStatusOfWhatWasErased(t *testing.T) {
	w := newWorld(t)
	first := w.submit("k-1")
	r := w.accepted(first)
	path := "/v1/submissions/" + r.ID.String()
	w.do("POST", path+"/withdrawal", "")
	journal := w.store.Store.(store.Store)
	erase := func(o store.Erase) {
		t.Helper()
		o.ID, o.Actor, o.Reason, o.At = r.ID, "operator:x", "y", w.clock()
		done, err := journal.Erase(t.Context(), []store.Erase{o})
		if err != nil || done[0].Err != nil {
			t.Fatalf("%v %v", err, done)
		}
	}
	erase(store.Erase{Payload: true})
	var s Status
	w.do("GET", path, "").decode(t, &s)
	if s.State != hub.SubmissionSettled || s.Erased == nil || !s.Erased.Payload.Equal(w.clock()) || s.Withdrawal == nil {
		t.Errorf("%+v", s)
	}
	erase(store.Erase{Metadata: true})
	for _, a := range []answer{w.do("GET", path, ""), w.do("GET", path+"/events", ""), w.do("POST", path+"/withdrawal", ""), w.do("GET", "/v1/submissions/"+r.Number, "")} {
		w.refused(a, CodeErased)
	}
	w.refused(w.do("GET", path, "", "Authorization", "Bearer "+keyIserlohn), CodeSubmission)
	if again := w.submit("k-1"); again.StatusCode != 202 || string(again.body) != string(first.body) {
		t.Errorf("%d %s\nfirst %s", again.StatusCode, again.body, first.body)
	}
}
