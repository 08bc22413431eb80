package storetest

import (
	"bytes"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func replaySame(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Hour)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.state(id, hub.SubmissionRunning)
	task := f.claimOne("infoma")
	d := task.Delivery
	if d.State != hub.DeliveryPending || d.Attempts != 1 || !d.FirstAt.Equal(f.now) || d.Uncertain || d.Reason != "" {
		f.Errorf("replayed: %+v, want a new life", d)
	}
	equal(f, "the same bytes", string(task.Body), string(document(d.ID).Body))
	f.record(task, hub.DeliveryDelivered)
	f.state(id, hub.SubmissionSettled)

	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}), store.ErrState)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Force: true, At: f.now}))
	s := f.status(id).Submission
	equal(f, "state", s.State, hub.SubmissionRunning)
	equal(f, "not settled", s.SettledAt.IsZero(), true)
	if e := f.send("infoma", hub.DeliveryDelivered); !e.Settled {
		f.Errorf("effect: %+v, want settled again", e)
	}
}

func replayAnew(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Anew: true, Actor: "operator:x", At: f.now}))
	f.deliveryState(id.Delivery(1), hub.DeliveryWaiting)
	f.claimNone("infoma")
	if got := f.due(f.now); !slices.Equal(got, []hub.ID{id}) {
		f.Fatalf("due: %v", got)
	}
	doc := document(id.Delivery(1))
	doc.Body, doc.SHA256, doc.Revision = []byte("another document"), "ab12", "r2"
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*doc}})
	task := f.claimOne("infoma")
	equal(f, "new bytes", string(task.Body), "another document")
	equal(f, "new hash", task.Delivery.SHA256, "ab12")
	got, err := f.Document(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "new revision", got.Revision, "r2")
}

func replayRefuses(f *fixture) {
	id := f.accept()
	parked := f.pending(id, 3, "records")
	parked.State, parked.Document, parked.Reason = hub.DeliveryParked, nil, hub.ParkUnmapped
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1), parked)
	for n, what := range map[int]string{1: "pending", 2: "waiting", 3: "without a document"} {
		if err := f.Replay(f.ctx, id.Delivery(n), store.Replay{Force: true, At: f.now}); !errors.Is(err, store.ErrState) {
			f.Errorf("replay of a delivery that is %s: %v, want ErrState", what, err)
		}
	}
	f.claimOne("infoma")
	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, At: f.now}), store.ErrState)
	f.mustBe(f.Replay(f.ctx, id.Delivery(3), store.Replay{At: f.now}), store.ErrUnrendered)
	f.must(f.Replay(f.ctx, id.Delivery(3), store.Replay{Anew: true, At: f.now}))
}

func closeDelivery(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1))
	task := f.claimOne("infoma")
	_, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
	f.record(task, hub.DeliveryParked)
	e, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "done by hand", f.now)
	f.must(err)
	if !e.FlowDue || e.Settled {
		f.Errorf("effect of closing a predecessor: %+v, want the flow to be due", e)
	}
	d := f.delivery(id.Delivery(1))
	if d.State != hub.DeliveryClosed || d.Reason != "" || !d.SettledAt.Equal(f.now) {
		f.Errorf("closed: %+v", d)
	}
	equal(f, "due", len(f.due(f.now)), 1)
	e, err = f.CloseDelivery(f.ctx, id.Delivery(2), "operator:x", "not needed", f.now)
	f.must(err)
	if !e.Settled {
		f.Errorf("effect of closing the last: %+v", e)
	}
	f.state(id, hub.SubmissionSettled)
	_, err = f.CloseDelivery(f.ctx, id.Delivery(2), "operator:x", "again", f.now)
	f.mustBe(err, store.ErrState)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}))
	f.claimOne("infoma")
}

// A payment that a person closes was not made: nobody serves what waits for it,
// until a person decides otherwise.
func closePayment(f *fixture) {
	id := f.accept()
	payment := f.pending(id, 1, "payment")
	payment.Role = hub.RolePayment
	f.plan(id, payment, f.pending(id, 2, "records"), f.waiting(id, 3, "district", 1), f.waiting(id, 4, "citizen", 3), f.waiting(id, 5, "finance", 2))
	f.send("payment", hub.DeliveryParked)
	e, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "paid by nobody", f.now)
	f.must(err)
	if e.FlowDue || e.Settled {
		f.Errorf("effect of closing a payment: %+v, want none", e)
	}
	for n, want := range map[int]hub.DeliveryState{1: hub.DeliveryClosed, 2: hub.DeliveryPending, 3: hub.DeliveryClosed, 4: hub.DeliveryClosed, 5: hub.DeliveryWaiting} {
		f.deliveryState(id.Delivery(n), want)
	}
	equal(f, "code of a successor", f.delivery(id.Delivery(4)).Code, hub.CodeUnpaid)
	events, err := f.Events(f.ctx, id)
	f.must(err)
	for _, n := range []int{3, 4} {
		if !slices.ContainsFunc(events, func(e hub.Event) bool {
			return e.Delivery == id.Delivery(n) && e.Type == "closed" && e.Actor == "operator:x" && e.Text == "paid by nobody" && e.Code == hub.CodeUnpaid
		}) {
			f.Errorf("the story does not tell who closed delivery %d and why: %+v", n, events)
		}
	}
	if e := f.send("records", hub.DeliveryDelivered); !e.FlowDue {
		f.Errorf("the other predecessor: %+v, want the flow to be due", e)
	}
	// Paid at the counter after all: a person lets the district have it.
	f.must(f.Replay(f.ctx, id.Delivery(3), store.Replay{Anew: true, Actor: "operator:x", Reason: "paid in cash", At: f.now}))
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(id.Delivery(3))}})
	equal(f, "goes on", f.claimOne("district").Delivery.ID, id.Delivery(3))
}

// What is due, or is asked for by the clock, is ended as well: its system may be
// gone for good. It is never claimed again.
func closeDue(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "gone"), f.pending(id, 2, "epayment"))
	f.send("epayment", hub.DeliveryAwaiting)
	for n, system := range map[int]string{1: "gone", 2: "epayment"} {
		_, err := f.CloseDelivery(f.ctx, id.Delivery(n), "operator:x", "the system is gone", f.now)
		f.must(err)
		f.deliveryState(id.Delivery(n), hub.DeliveryClosed)
		f.pass(100 * 24 * time.Hour)
		f.claimNone(system)
		due, err := f.NextDue(f.ctx, system)
		f.must(err)
		equal(f, "nothing is due any more", due.IsZero(), true)
	}
	f.state(id, hub.SubmissionSettled)
	got, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "open for it", got.Systems["gone"], store.SystemFigures{})
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}))
	f.claimOne("gone")
}

func closeSubmission(f *fixture) {
	id := f.accept()
	_, err := f.CloseDelivery(f.ctx, id, "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	e, err := f.CloseDelivery(f.ctx, id, "operator:x", "sent to the Kreis", f.now)
	f.must(err)
	equal(f, "settled", e.Settled, true)
	s := f.status(id).Submission
	if s.State != hub.SubmissionSettled || !s.SettledAt.Equal(f.now) || s.Reason != "" {
		f.Errorf("closed: %+v", s)
	}
	with := f.planned("infoma")
	_, err = f.CloseDelivery(f.ctx, with, "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
}

func events(f *fixture) {
	id := f.accept()
	f.pass(time.Second)
	f.plan(id, f.pending(id, 1, "infoma"))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryPending)
	f.pass(time.Hour)
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Hour)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryDelivered)
	f.pass(time.Second)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:y", Reason: "lost over there", At: f.now}))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Second)
	_, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:y", "by hand", f.now)
	f.must(err)
	story, err := f.Events(f.ctx, id)
	f.must(err)
	var types []string
	for _, e := range story {
		types = append(types, e.Type)
	}
	want := []string{"accepted", "planned", "attempt", "attempt", "parked", "replayed", "attempt", "delivered", "settled", "replayed", "attempt", "parked", "closed", "settled"}
	if !slices.Equal(types, want) {
		f.Fatalf("the story is %v, want %v", types, want)
	}
	equal(f, "actor", story[0].Actor, "portal:soest")
	if e := story[5]; e.Actor != "operator:x" || e.Text != "repaired" || e.Delivery != id.Delivery(1) || e.System != "infoma" {
		f.Errorf("replay in the story: %+v", e)
	}
	if e := story[4]; e.Code != "iban-wrong" || e.Text != "refused" || e.Role != "role-infoma" {
		f.Errorf("park in the story: %+v", e)
	}

	parked := f.accept()
	f.advance(parked, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	f.must(f.Reopen(f.ctx, parked, "operator:x", "route repaired", f.now.Add(time.Second)))
	story, err = f.Events(f.ctx, parked)
	f.must(err)
	if len(story) != 3 || story[1].Type != "parked" || story[1].Code != "not-competent" || story[2].Type != "reopened" {
		f.Errorf("story of a parked submission: %+v", story)
	}
}

func attemptsAndDocument(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1))
	doc, err := f.Document(f.ctx, id.Delivery(1))
	f.must(err)
	want := document(id.Delivery(1))
	if doc.Delivery != want.Delivery || !bytes.Equal(doc.Head, want.Head) || !bytes.Equal(doc.Body, want.Body) || doc.SHA256 != want.SHA256 || doc.Revision != "r1" {
		f.Errorf("document: %+v, want %+v", doc, want)
	}
	_, err = f.Document(f.ctx, id.Delivery(2))
	f.mustBe(err, store.ErrNotFound)
	for i := range 5 {
		task := f.claimOne("infoma")
		r := f.outcome(task, hub.DeliveryPending)
		r.Detail = []byte{byte(i)}
		_, err := f.Record(f.ctx, r)
		f.must(err)
		f.pass(time.Hour)
	}
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "attempts", len(attempts), 5)
	for i, a := range attempts {
		if a.N != i+1 || a.Delivery != id.Delivery(1) || a.Node != node || a.Kind != "send" || a.Outcome != "retry" || a.Code != "connection-refused" || a.Took != took || !bytes.Equal(a.Detail, []byte{byte(i)}) {
			f.Errorf("attempt %d: %+v", i, a)
		}
	}
	none, err := f.Attempts(f.ctx, id.Delivery(2))
	f.must(err)
	equal(f, "attempts of a waiting delivery", len(none), 0)
}

func municipalities(f *fixture) {
	all, err := f.Municipalities(f.ctx)
	f.must(err)
	equal(f, "municipalities of an empty store", len(all), 0)
	for _, ags := range []string{"05974044", "05962024", "05974044", "05974040"} {
		f.accept(func(a *store.Acceptance) { a.Submission.Municipality = ags })
	}
	all, err = f.Municipalities(f.ctx)
	f.must(err)
	equal(f, "municipalities", strings.Join(all, " "), "05962024 05974040 05974044")
}

func figures(f *fixture) {
	start := f.now
	f.accept()
	f.pass(time.Minute)
	f.planned("infoma", "records")
	f.pass(time.Minute)
	f.planned("infoma", "epayment")
	unmapped := f.accept()
	f.advance(unmapped, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped})
	settled := f.planned("waste")
	f.send("waste", hub.DeliveryDelivered)
	f.record(f.claimSome("infoma", 1)[0], hub.DeliveryParked)
	f.send("epayment", hub.DeliveryAwaiting)
	f.claimOne("infoma")

	got, err := f.Figures(f.ctx)
	f.must(err)
	for state, n := range map[hub.SubmissionState]int64{hub.SubmissionAccepted: 1, hub.SubmissionRunning: 1, hub.SubmissionParked: 2, hub.SubmissionSettled: 1, hub.SubmissionDamaged: 0} {
		equal(f, "submissions "+string(state), got.Submissions[state], n)
	}
	equal(f, "refused", got.Parked[hub.ParkRefused], 1)
	equal(f, "unmapped", got.Parked[hub.ParkUnmapped], 1)
	equal(f, "records", got.Systems["records"], store.SystemFigures{Pending: 1, OldestWaiting: start.Add(time.Minute)})
	equal(f, "infoma", got.Systems["infoma"], store.SystemFigures{Sending: 1, Parked: 1, OldestWaiting: start.Add(2 * time.Minute)})
	equal(f, "epayment", got.Systems["epayment"], store.SystemFigures{Awaiting: 1, OldestAsked: start.Add(2 * time.Minute)})
	equal(f, "waste", got.Systems["waste"], store.SystemFigures{})

	f.must(f.Damage(f.ctx, settled, "x", f.now))
	got, err = f.Figures(f.ctx)
	f.must(err)
	equal(f, "damaged", got.Submissions[hub.SubmissionDamaged], 1)
	equal(f, "settled", got.Submissions[hub.SubmissionSettled], 0)
}

func auditTrail(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.must(f.Pause(f.ctx, "infoma", "operator:x", "update", f.now))
	f.must(f.Resume(f.ctx, "infoma", "operator:x", f.now))
	f.must(f.Audit(f.ctx,
		hub.AuditEntry{At: f.now, Actor: "operator:x", Action: "reloaded", Object: "configuration"},
		hub.AuditEntry{At: f.now, Actor: "hub", Action: "started", Object: node, Reason: "r2"}))
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	var actions []string
	for _, e := range trail {
		actions = append(actions, e.Action)
	}
	if want := []string{"accepted", "replayed", "paused", "resumed", "reloaded", "started"}; !slices.Equal(actions, want) {
		f.Fatalf("the trail is %v, want %v", actions, want)
	}
	if e := trail[0]; e.Actor != "portal:soest" || e.Object != id.String() || e.Seq != 1 || !e.At.Equal(f.now) {
		f.Errorf("first entry: %+v", e)
	}
	_, err = audit.Verify(audit.Head{}, trail)
	f.must(err)
	rest, err := f.AuditTrail(f.ctx, 6, 100)
	f.must(err)
	equal(f, "from an entry in the middle of a step", len(rest), 1)
	equal(f, "its action", rest[0].Action, "started")
	some, err := f.AuditTrail(f.ctx, 2, 3)
	f.must(err)
	equal(f, "limited", len(some), 3)
	equal(f, "first of the limited", some[0].Seq, 2)
	none, err := f.AuditTrail(f.ctx, 7, 3)
	f.must(err)
	equal(f, "beyond the end", len(none), 0)

	tail, err := f.AuditTail(f.ctx, 0, 4)
	f.must(err)
	equal(f, "from the end", numbers(tail), "6 5 4 3")
	tail, err = f.AuditTail(f.ctx, 6, 1)
	f.must(err)
	equal(f, "from the middle of a step", numbers(tail), "5")
	tail, err = f.AuditTail(f.ctx, 3, 100)
	f.must(err)
	equal(f, "to the beginning", numbers(tail), "2 1")
	tail, err = f.AuditTail(f.ctx, 1, 100)
	f.must(err)
	equal(f, "before the first", numbers(tail), "")
}

// numbers are the sequence numbers of entries, in their order.
func numbers(entries []hub.AuditEntry) string {
	var all []string
	for _, e := range entries {
		all = append(all, strconv.FormatInt(e.Seq, 10))
	}
	return strings.Join(all, " ")
}

func rewrap(f *fixture) {
	var ids []hub.ID
	for range 25 {
		ids = append(ids, f.planned("infoma"))
	}
	seen, last := 0, ""
	n, err := f.Rewrap(f.ctx, 10, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		if seen > 0 && id.String() <= last {
			f.Errorf("%s comes after %s, want the oldest first", id, last)
		}
		last = id.String()
		seen++
		if municipality != "05974040" || string(wrapped) != "wrapped "+id.String() {
			f.Errorf("rewrap of %s in %s: %q", id, municipality, wrapped)
		}
		if id == ids[3] {
			return nil, nil
		}
		return append([]byte("again "), wrapped...), nil
	})
	f.must(err)
	equal(f, "seen", seen, 25)
	equal(f, "changed", n, 24)
	for i, id := range ids {
		c, err := f.Case(f.ctx, id)
		f.must(err)
		want := "again wrapped " + id.String()
		if i == 3 {
			want = "wrapped " + id.String()
		}
		equal(f, "data key", string(c.DataKey), want)
	}
	broken := errors.New("no key")
	_, err = f.Rewrap(f.ctx, 10, func(hub.ID, string, []byte) ([]byte, error) { return nil, broken })
	f.mustBe(err, broken)
}
