package storetest

import (
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// has says that these systems are there.
func has(systems ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(systems, s) }
}

func reachedInAnotherWay(f *fixture) {
	reached := func(way string) int {
		f.Helper()
		due, err := f.Reached(f.ctx, map[string][]byte{"infoma": []byte(way), "records": []byte("the same")}, f.now)
		f.must(err)
		equal(f, "deliveries to a system that is reached as before", due["records"], 0)
		return due["infoma"]
	}
	equal(f, "the first time", reached("one"), 0)
	id := f.planned("infoma", "records")
	certain, other := f.claimOne("infoma"), f.claimOne("records")
	for _, task := range []store.Task{certain, other} {
		r := f.outcome(task, hub.DeliveryPending)
		r.NotBefore = f.now.Add(6 * time.Hour)
		_, err := f.Record(f.ctx, r)
		f.must(err)
	}
	uncertain := f.planned("infoma")
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
	r.NotBefore, r.Uncertain = f.now.Add(6*time.Hour), true
	_, err := f.Record(f.ctx, r)
	f.must(err)

	equal(f, "the same way", reached("one"), 0)
	f.claimNone("infoma")
	equal(f, "another way", reached("two"), 2)
	task := f.claimOne("infoma")
	equal(f, "due at once", task.Delivery.ID, id.Delivery(1))
	equal(f, "its place in the schedule", task.Delivery.Attempts, 2)
	f.pass(store.Settle)
	equal(f, "due a moment later", f.claimOne("infoma").Delivery.ID, uncertain.Delivery(1))
	f.claimNone("records")
	equal(f, "noted", reached("two"), 0)
	equal(f, "trail", f.trail("hurried"), 1)
}

func hurry(f *fixture) {
	id := f.planned("infoma")
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryAwaiting)
	r.NotBefore = f.now.Add(6 * time.Hour)
	_, err := f.Record(f.ctx, r)
	f.must(err)
	n, err := f.Hurry(f.ctx, "infoma", "operator:x", f.now)
	f.must(err)
	equal(f, "hurried", n, 1)
	task := f.claimOne("infoma")
	equal(f, "what it was", task.Delivery.State, hub.DeliveryAwaiting)
	f.record(task, hub.DeliveryDelivered)
	f.state(id, hub.SubmissionSettled)
	n, err = f.Hurry(f.ctx, "infoma", "operator:x", f.now)
	f.must(err)
	equal(f, "nothing waits", n, 0)
	equal(f, "trail", f.trail("hurried"), 1)
}

// What is parked for want of its system has its reason, is in the counts and the story,
// and is what it was once its system is back.
func strandAndReturn(f *fixture) {
	id := f.planned("infoma", "records", "payment")
	r := f.outcome(f.claimOne("payment"), hub.DeliveryAwaiting)
	r.NotBefore, r.Token = f.now.Add(time.Hour), []byte("sealed token")
	_, err := f.Record(f.ctx, r)
	f.must(err)
	sending := f.claimOne("records")

	parked, err := f.Strand(f.ctx, has("records"), f.now)
	f.must(err)
	equal(f, "parked", len(parked), 2)
	f.deliveryState(sending.Delivery.ID, hub.DeliverySending)
	for n, want := range map[int]hub.ParkReason{1: hub.ParkUnmapped, 3: hub.ParkUnclear} {
		d := f.delivery(id.Delivery(n))
		if d.State != hub.DeliveryParked || d.Reason != want || d.Code != hub.CodeSystemGone {
			f.Errorf("delivery %d: %+v", n, d)
		}
	}
	f.state(id, hub.SubmissionParked)
	figures, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "unclear", figures.Parked[hub.ParkUnclear], 1)
	equal(f, "parked at infoma", figures.Systems["infoma"].Parked, 1)
	parked, err = f.Strand(f.ctx, has("records"), f.now)
	f.must(err)
	equal(f, "parked again", len(parked), 0)

	back, err := f.Return(f.ctx, has("records"), f.now)
	f.must(err)
	equal(f, "back while they are gone", len(back), 0)
	f.pass(time.Hour)
	back, err = f.Return(f.ctx, has("infoma", "payment", "records"), f.now)
	f.must(err)
	equal(f, "back", len(back), 2)
	f.state(id, hub.SubmissionRunning)
	equal(f, "sent anew", f.claimOne("infoma").Delivery.State, hub.DeliveryPending)
	asked := f.claimOne("payment")
	equal(f, "asked for", asked.Delivery.State, hub.DeliveryAwaiting)
	equal(f, "what it is asked by", string(asked.Token), "sealed token")
	equal(f, "trail", f.trail("replayed"), 2)
}

// A person who has parked cases of another reason in front of them decides about those.
func returnLeavesTheRest(f *fixture) {
	refused := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	gone := f.planned("infoma")
	_, err := f.Strand(f.ctx, has(), f.now)
	f.must(err)
	f.must(f.Damage(f.ctx, gone, "a record", f.now))
	back, err := f.Return(f.ctx, has("infoma"), f.now)
	f.must(err)
	equal(f, "back", len(back), 0)
	f.deliveryState(refused.Delivery(1), hub.DeliveryParked)
}

// strandLeavesAnswers: what has had its answer stands by it, and waits to be asked again
// until its system is there: a person who ends it would end what had arrived.
func strandLeavesAnswers(f *fixture) {
	var all []hub.ID
	for _, end := range []struct {
		state  hub.DeliveryState
		code   string
		status hub.CaseStatus
	}{
		{hub.DeliveryDelivered, "completed", hub.CaseCompleted},
		{hub.DeliveryClosed, hub.CodeRemoteCancelled, hub.CaseCancelled},
		{hub.DeliveryClosed, hub.CodeRemoteRefund, hub.CaseCancelled},
	} {
		id := f.planned(end.code)
		all = append(all, id)
		r := f.outcome(f.claimOne(end.code), end.state)
		r.Attempt.Code, r.Token, r.KeepToken, r.Answer = end.code, []byte("sealed token"), true, []byte("first")
		_, err := f.Record(f.ctx, r)
		f.must(err)
		f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
		parked, err := f.Strand(f.ctx, has(), f.now)
		f.must(err)
		equal(f, "parked", len(parked), 0)
		s := f.status(id)
		equal(f, "status", hub.StandingOf(&s.Submission, s.Deliveries).Status, end.status)
		_, err = f.Return(f.ctx, has(end.code), f.now)
		f.must(err)
		task := f.claimOne(end.code)
		equal(f, "asked", task.Delivery.State, hub.DeliveryAwaiting)
		r = f.outcome(task, hub.DeliveryAwaiting)
		r.Answer, r.Token, r.KeepToken = nil, []byte("sealed token"), true
		_, err = f.Record(f.ctx, r)
		f.must(err)
		_, err = f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "nobody can be asked any more", f.now)
		f.must(err)
		s = f.status(id)
		equal(f, "status when a person has ended the question", hub.StandingOf(&s.Submission, s.Deliveries).Status, end.status)
		equal(f, "state", s.Submission.State, hub.SubmissionSettled)
	}
	f.figuresMatch(all)
}

// strandWhatWasTakenOnce: a person has put back what a system had taken over, such as a payment
// that may have been paid late. It is looked up and not begun anew, and nobody may take it for
// what has never left.
func strandWhatWasTakenOnce(f *fixture) {
	id := f.planned("payment")
	r := f.outcome(f.claimOne("payment"), hub.DeliveryClosed)
	r.Attempt.Code, r.Token = hub.CodePaymentLapsed, []byte("sealed token")
	_, err := f.Record(f.ctx, r)
	f.must(err)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "paid late", At: f.now}))
	_, err = f.Strand(f.ctx, has(), f.now)
	f.must(err)
	equal(f, "reason", f.delivery(id.Delivery(1)).Reason, hub.ParkUnclear)
	_, err = f.Return(f.ctx, has("payment"), f.now)
	f.must(err)
	equal(f, "what it is asked by", string(f.claimOne("payment").Token), "sealed token")
}

// withdrawnWhileStranded: what may have arrived does not go on by itself any more once the
// citizen has taken it back, so it does not say that it waits for its system.
func withdrawnWhileStranded(f *fixture) {
	id := f.planned("infoma", "payment", "records")
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
	r.Uncertain = true
	_, err := f.Record(f.ctx, r)
	f.must(err)
	r = f.outcome(f.claimOne("payment"), hub.DeliveryAwaiting)
	r.Token = []byte("sealed token")
	_, err = f.Record(f.ctx, r)
	f.must(err)
	_, err = f.Strand(f.ctx, has(), f.now)
	f.must(err)
	f.withdraw(id)
	f.deliveryStates(id, hub.DeliveryParked, hub.DeliveryParked, hub.DeliveryClosed)
	equal(f, "it may have arrived", f.delivery(id.Delivery(1)).Code, hub.CodeWithdrawn)
	equal(f, "it is asked once its system is back", f.delivery(id.Delivery(2)).Code, hub.CodeSystemGone)
	back, err := f.Return(f.ctx, has("infoma", "payment", "records"), f.now)
	f.must(err)
	equal(f, "back", len(back), 1)
	f.claimNone("infoma")
	equal(f, "asked", f.claimOne("payment").Delivery.State, hub.DeliveryAwaiting)
	f.figuresMatch([]hub.ID{id})
}

// trail counts the audit entries of an action.
func (f *fixture) trail(action string) (n int) {
	f.Helper()
	entries, err := f.AuditTail(f.ctx, 0, 1000)
	f.must(err)
	for _, e := range entries {
		if e.Action == action {
			n++
		}
	}
	return n
}

// What a delivery has waited for before it could be sent does not count as waiting for its
// system: not a predecessor, not a person, not a citizen who took weeks to pay.
func waitsSince(f *fixture) {
	since := func(what string, want time.Time) {
		f.Helper()
		got, err := f.Figures(f.ctx)
		f.must(err)
		equal(f, what, got.Systems["infoma"].OldestWaiting, want)
	}
	early := f.accept()
	f.plan(early, f.pending(early, 1, "epayment"), f.waiting(early, 2, "infoma", 1))
	f.send("epayment", hub.DeliveryAwaiting)
	f.pass(20 * 24 * time.Hour)
	since("nothing to send", time.Time{})
	later := f.planned("infoma")
	planned := f.now
	f.pass(time.Hour)
	f.send("epayment", hub.DeliveryDelivered)
	f.advance(early, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(early.Delivery(2))}})
	paid := f.now
	since("planned before the payment came", planned)

	f.pass(time.Hour)
	for range 2 { // a retry goes on waiting
		r := f.outcome(f.claimSome("infoma", 1)[0], hub.DeliveryPending)
		r.NotBefore = f.now.Add(time.Minute)
		_, err := f.Record(f.ctx, r)
		f.must(err)
	}
	since("retried", planned)
	put := f.claimSome("infoma", 0)
	equal(f, "nothing is due", len(put), 0)
	f.pass(time.Minute)
	back := f.outcome(f.claimSome("infoma", 1)[0], hub.DeliveryPending)
	back.NotCounted, back.NotBefore = true, f.now.Add(time.Minute)
	_, err := f.Record(f.ctx, back)
	f.must(err)
	since("put back untried", planned)

	f.pass(time.Hour)
	for _, task := range f.claimSome("infoma", 2) {
		state := hub.DeliveryPending
		if task.Delivery.ID == later.Delivery(1) {
			state = hub.DeliveryParked
		}
		f.record(task, state)
	}
	since("the other one is parked", paid)
	f.pass(30 * 24 * time.Hour)
	f.must(f.Replay(f.ctx, later.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	since("one is put back", paid)
	for _, task := range f.claimSome("infoma", 2) {
		if task.Delivery.ID == early.Delivery(2) {
			f.record(task, hub.DeliveryDelivered)
		}
	}
	since("that alone is left", f.now)
}

// A system that had a delivery for weeks, and then could not be asked, is waited for from
// then on.
func waitsSinceTheQuestion(f *fixture) {
	f.planned("infoma")
	f.send("infoma", hub.DeliveryAwaiting)
	f.pass(20 * 24 * time.Hour)
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
	r.NotBefore = f.now.Add(time.Hour)
	_, err := f.Record(f.ctx, r)
	f.must(err)
	got, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "since", got.Systems["infoma"].OldestWaiting, r.Attempt.At.Add(r.Attempt.Took).Truncate(time.Microsecond))
}
