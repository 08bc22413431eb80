package storetest

import (
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func (f *fixture) damageAndMend(id hub.ID) {
	f.Helper()
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.pass(time.Second)
	f.must(f.Mend(f.ctx, id, "operator:x", "payload restored", f.now))
}

func mend(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1))
	f.mustBe(f.Mend(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
	f.damageAndMend(id)
	f.state(id, hub.SubmissionRunning)
	equal(f, "due for the flow", len(f.due(f.now)), 0)
	figures, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "damaged", figures.Submissions[hub.SubmissionDamaged], 0)
	equal(f, "running", figures.Submissions[hub.SubmissionRunning], 1)
	story, err := f.Events(f.ctx, id)
	f.must(err)
	last := story[len(story)-1]
	if last.Type != "mended" || last.Actor != "operator:x" || last.Text != "payload restored" {
		f.Errorf("the story ends with %+v", last)
	}
	trail, err := f.AuditTrail(f.ctx, 0, 10)
	f.must(err)
	if e := trail[len(trail)-1]; e.Action != "mended" || e.Object != id.String() || e.Reason != "payload restored" {
		f.Errorf("the audit trail ends with %+v", e)
	}
	if e := f.send("infoma", hub.DeliveryDelivered); !e.FlowDue {
		f.Errorf("effect after mending: %+v, want the flow to be due", e)
	}

	fresh := f.accept()
	f.damageAndMend(fresh)
	f.state(fresh, hub.SubmissionAccepted)
	equal(f, "the unplanned one is due", slices.Contains(f.due(f.now), fresh), true)
	f.plan(fresh, f.pending(fresh, 1, "infoma"))
	f.claimOne("infoma")
}

// mendWhatWasOnItsWay: what was being sent is rescued, what waits for an answer
// is asked for again, and what the flow had still to do is due.
func mendWhatWasOnItsWay(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.pending(id, 2, "records"), f.pending(id, 3, "waste"), f.waiting(id, 4, "citizen", 3))
	f.send("records", hub.DeliveryAwaiting)
	f.claimOne("infoma")
	waste := f.claimOne("waste")
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.record(waste, hub.DeliveryDelivered)
	f.pass(2 * time.Hour)
	f.claimNone("records")
	f.must(f.Mend(f.ctx, id, "operator:x", "restored", f.now))
	f.state(id, hub.SubmissionRunning)
	equal(f, "the successor is due", slices.Contains(f.due(f.now), id), true)
	equal(f, "asked again", f.claimOne("records").Delivery.State, hub.DeliveryAwaiting)
	expired := f.expired("")
	equal(f, "expired", len(expired), 1)
	equal(f, "the expired one", expired[0].ID, id.Delivery(1))
	f.must(f.Rescue(f.ctx, expired[0].ID, expired[0].Owner, false, f.now))
	f.claimOne("infoma")
}

// mendKeepsTheEnd: what had come to an end, or waited for a person, still has.
func mendKeepsTheEnd(f *fixture) {
	settled := f.planned("infoma")
	f.send("infoma", hub.DeliveryDelivered)
	end := f.status(settled).Submission.SettledAt
	f.pass(time.Hour)
	f.damageAndMend(settled)
	f.state(settled, hub.SubmissionSettled)
	equal(f, "settled at", f.status(settled).Submission.SettledAt, end)

	parked := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.damageAndMend(parked)
	f.state(parked, hub.SubmissionParked)
	f.claimNone("infoma")

	whole := f.accept()
	f.advance(whole, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	f.damageAndMend(whole)
	f.state(whole, hub.SubmissionParked)
	equal(f, "code", f.status(whole).Submission.Code, "not-competent")
	equal(f, "due", len(f.due(f.now)), 0)
	f.must(f.Reopen(f.ctx, whole, "operator:x", "again", f.now))
}

func mendInOrder(f *fixture) {
	first := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	f.damageAndMend(first)
	equal(f, "the mended one goes first", f.claimOne("infoma").Submission.ID, first)
	f.claimNone("infoma")
	_ = second
}

func closeDamaged(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.pending(id, 2, "records"), f.pending(id, 3, "waste"), f.waiting(id, 4, "citizen", 1))
	f.send("records", hub.DeliveryDelivered)
	f.send("waste", hub.DeliveryParked)
	sending := f.claimOne("infoma")
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	_, err := f.CloseDelivery(f.ctx, id.Delivery(3), "operator:x", "y", f.now)
	f.mustBe(err, store.ErrDamaged)
	f.pass(time.Minute)
	e, err := f.CloseDelivery(f.ctx, id, "operator:x", "submitted again", f.now)
	f.must(err)
	equal(f, "settled", e.Settled, true)
	s := f.status(id)
	if s.Submission.State != hub.SubmissionSettled || !s.Submission.SettledAt.Equal(f.now) {
		f.Errorf("closed: %+v", s.Submission)
	}
	for i, want := range []hub.DeliveryState{hub.DeliveryClosed, hub.DeliveryDelivered, hub.DeliveryClosed, hub.DeliveryClosed} {
		equal(f, "delivery", s.Deliveries[i].State, want)
	}
	_, err = f.Record(f.ctx, f.outcome(sending, hub.DeliveryDelivered))
	f.mustBe(err, store.ErrStale)
	equal(f, "expired", len(f.expired("")), 0)
	trail, err := f.AuditTrail(f.ctx, 0, 10)
	f.must(err)
	if e := trail[len(trail)-1]; e.Action != "closed" || e.Object != id.String() || e.Reason != "submitted again" {
		f.Errorf("the audit trail ends with %+v", e)
	}
	f.figuresMatch([]hub.ID{id})
	got, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "damaged", got.Submissions[hub.SubmissionDamaged], 0)
	f.mustBe(f.Mend(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
}

// A damaged case that was closed counts again as any other: what is put back of it is open.
func closedDamagedCounts(f *fixture) {
	id := f.planned("infoma", "records", "waste")
	f.send("records", hub.DeliveryParked)
	f.send("waste", hub.DeliveryDelivered)
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	_, err := f.CloseDelivery(f.ctx, id, "operator:x", "given up", f.now)
	f.must(err)
	for n := 1; n <= 3; n++ {
		f.must(f.Replay(f.ctx, id.Delivery(n), store.Replay{Force: true, Actor: "operator:x", Reason: "after all", At: f.now}))
	}
	f.figuresMatch([]hub.ID{id})
	f.send("infoma", hub.DeliveryParked)
	f.figuresMatch([]hub.ID{id})
}
