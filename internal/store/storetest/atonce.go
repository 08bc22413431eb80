package storetest

import (
	"bytes"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// leased asks that a delivery be claimed with the step that renders it.
func (f *fixture) leased(d store.NewDelivery) store.NewDelivery {
	d.Document.Lease = &store.Lease{Owner: node, Until: f.now.Add(time.Minute)}
	return d
}

// claimedAtOnce: a claim with the step that renders is the same as one after it.
func claimedAtOnce(f *fixture) {
	id := f.accept()
	plan := &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{
		f.leased(f.pending(id, 1, "records")), f.waiting(id, 2, "infoma", 1), f.pending(id, 3, "ordnung"),
	}}
	f.must(f.Advance(f.ctx, id, 1, plan))
	equal(f, "claimed", len(plan.Claimed), 1)
	task := plan.Claimed[0]
	equal(f, "claimed delivery", task.Delivery.ID, id.Delivery(1))
	equal(f, "its state before", task.Delivery.State, hub.DeliveryPending)
	equal(f, "its attempts", task.Delivery.Attempts, 1)
	equal(f, "its version", task.Submission.Version, f.status(id).Submission.Version)
	if !bytes.Equal(task.Body, plan.Deliveries[0].Document.Body) || !bytes.Equal(task.Head, plan.Deliveries[0].Document.Head) || len(task.DataKey) == 0 {
		f.Errorf("the task lacks what is to be sent: %+v", task)
	}
	f.deliveryState(id.Delivery(1), hub.DeliverySending)
	f.claimNone("records")
	f.claimOne("ordnung")

	e := f.record(task, hub.DeliveryDelivered)
	equal(f, "flow due", e.FlowDue, true)
	next := document(id.Delivery(2))
	next.Lease = &store.Lease{Owner: node, Until: f.now.Add(time.Minute)}
	step := &store.Advance{At: f.now, State: hub.SubmissionRunning, Rendered: []store.Rendered{*next}}
	f.must(f.Advance(f.ctx, id, f.status(id).Submission.Version, step))
	equal(f, "claimed then", len(step.Claimed), 1)
	f.deliveryState(id.Delivery(2), hub.DeliverySending)

	// The lease is one like any other: it ends, and somebody decides.
	f.pass(2 * time.Minute)
	expired, err := f.Expired(f.ctx, f.now, "", 10)
	f.must(err)
	equal(f, "expired", len(expired), 2) // and ordnung's
	f.must(f.Rescue(f.ctx, id.Delivery(2), node, false, f.now))
	again := f.claimOne("infoma")
	equal(f, "attempts after the rescue", again.Delivery.Attempts, 2)
	f.mustBe(f.recordStale(step.Claimed[0]), store.ErrStale)
}

func (f *fixture) recordStale(t store.Task) error {
	_, err := f.Record(f.ctx, f.outcome(t, hub.DeliveryDelivered))
	return err
}

func claimedAtOnceUnlessHeldOrPaused(f *fixture) {
	first, second := f.accept(ordered("chip")), f.accept(ordered("chip"))
	one := func(id hub.ID, system string) store.NewDelivery {
		d := f.leased(f.pending(id, 1, system))
		d.OrderKey = []byte("chip")
		return d
	}
	later := &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{one(second, "infoma")}}
	f.must(f.Advance(f.ctx, second, 1, later))
	equal(f, "claimed while an earlier one is not planned", len(later.Claimed), 0)
	f.deliveryState(second.Delivery(1), hub.DeliveryPending)
	f.claimNone("infoma")
	earlier := &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{one(first, "infoma")}}
	f.must(f.Advance(f.ctx, first, 1, earlier))
	equal(f, "claimed of the first", len(earlier.Claimed), 1)
	f.claimNone("infoma")
	f.record(earlier.Claimed[0], hub.DeliveryDelivered)
	equal(f, "what comes then", f.claimOne("infoma").Delivery.ID, second.Delivery(1))

	id := f.accept()
	f.must(f.Pause(f.ctx, "records", "operator:x", "moved", f.now))
	paused := &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.leased(f.pending(id, 1, "records"))}}
	f.must(f.Advance(f.ctx, id, 1, paused))
	equal(f, "claimed of a paused system", len(paused.Claimed), 0)
	f.deliveryState(id.Delivery(1), hub.DeliveryPending)
}

// progress is what Case says, without what never changes, at every moment.
func progress(f *fixture) {
	id := f.accept()
	same := func(when string) {
		f.Helper()
		c, err := f.Case(f.ctx, id)
		f.must(err)
		p, err := f.Progress(f.ctx, id)
		f.must(err)
		if p.Payload != nil { // at hand: all of it
			equal(f, when+": payload", string(p.Payload), string(c.Payload))
			equal(f, when+": meta", string(p.Meta), string(c.Meta))
			equal(f, when+": attachments", len(p.Attachments), len(c.Attachments))
		}
		equal(f, when+": version", p.Submission.Version, c.Submission.Version)
		equal(f, when+": state", p.Submission.State, c.Submission.State)
		equal(f, when+": data key", string(p.DataKey), string(c.DataKey))
		equal(f, when+": deliveries", len(p.Deliveries), len(c.Deliveries))
		for i := range c.Deliveries {
			equal(f, when+": delivery", p.Deliveries[i].State, c.Deliveries[i].State)
		}
		equal(f, when+": answers", len(p.Answers), len(c.Answers))
		for d, a := range c.Answers {
			equal(f, when+": answer", string(p.Answers[d]), string(a))
		}
		equal(f, when+": parked", len(p.Parked), len(c.Parked))
	}
	same("accepted")
	f.plan(id, f.pending(id, 1, "records"), f.pending(id, 2, "ordnung"), f.waiting(id, 3, "infoma", 1), f.waiting(id, 4, "portal", 2))
	same("planned")
	f.send("records", hub.DeliveryDelivered)
	same("one delivered, the flow is due")
	task := f.claimOne("ordnung")
	same("another one on its way")
	f.record(task, hub.DeliveryParked)
	same("it is parked")
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Rendered: []store.Rendered{*document(id.Delivery(3))}})
	same("advanced")
	f.send("infoma", hub.DeliveryDelivered)
	same("the last one that could")
	_, err := f.Progress(f.ctx, f.ids.New())
	f.mustBe(err, store.ErrNotFound)
}

// claimedAtOnceSendsTheNewest: a document that was never claimed, was mapped anew and
// is claimed with that step, is the new one in every later attempt too.
func claimedAtOnceSendsTheNewest(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "records"))
	_, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "mapped wrongly", f.now)
	f.must(err)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Anew: true, Actor: "operator:x", Reason: "mapping repaired", At: f.now}))
	anew := document(id.Delivery(1))
	anew.Body = []byte("mapped anew")
	anew.Lease = &store.Lease{Owner: node, Until: f.now.Add(time.Minute)}
	step := &store.Advance{At: f.now, State: hub.SubmissionRunning, Rendered: []store.Rendered{*anew}}
	f.must(f.Advance(f.ctx, id, f.status(id).Submission.Version, step))
	equal(f, "claimed with the step", len(step.Claimed), 1)
	equal(f, "its document", string(step.Claimed[0].Body), "mapped anew")
	f.record(step.Claimed[0], hub.DeliveryPending)
	f.pass(time.Hour)
	equal(f, "the document of the next attempt", string(f.claimOne("records").Body), "mapped anew")
}
