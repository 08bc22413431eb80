package storetest

import (
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func claimGivesDueOnes(f *fixture) {
	id := f.accept(func(a *store.Acceptance) {
		a.Attachments = []store.SealedAttachment{{N: 1, Info: []byte("info"), File: "x/1"}}
		a.Submission.Attachments = 1
	})
	late := f.pending(id, 2, "infoma")
	late.NotBefore = f.now.Add(time.Hour)
	f.plan(id, f.pending(id, 1, "infoma"), late, f.pending(id, 3, "records"))

	next, err := f.NextDue(f.ctx, "infoma")
	f.must(err)
	equal(f, "next due", next, f.now)
	f.pass(time.Second)
	task := f.claimOne("infoma")
	d := task.Delivery
	if d.ID != id.Delivery(1) || d.State != hub.DeliveryPending || d.Attempts != 1 || d.Role != "role-infoma" {
		f.Errorf("task's delivery: %+v", d)
	}
	equal(f, "task's submission", task.Submission.ID, id)
	equal(f, "data key", string(task.DataKey), "wrapped "+id.String())
	equal(f, "head", string(task.Head), "head")
	equal(f, "body", string(task.Body), string(document(d.ID).Body))
	equal(f, "attachments", len(task.Attachments), 1)
	equal(f, "attachment", task.Attachments[0].File, "x/1")
	f.deliveryState(d.ID, hub.DeliverySending)
	equal(f, "first attempt", f.delivery(d.ID).FirstAt, f.now)
	f.claimNone("infoma")
	next, err = f.NextDue(f.ctx, "infoma")
	f.must(err)
	equal(f, "next due", next, late.NotBefore)
	f.pass(time.Hour)
	equal(f, "later delivery", f.claimOne("infoma").Delivery.ID, late.ID)
	next, err = f.NextDue(f.ctx, "infoma")
	f.must(err)
	equal(f, "nothing due", next.IsZero(), true)
	f.claimNone("nobody")
}

func claimLimit(f *fixture) {
	var ids []hub.ID
	for range 7 {
		ids = append(ids, f.planned("infoma"))
		f.pass(time.Second)
	}
	var got []hub.ID
	for _, want := range []int{3, 3, 1, 0} {
		tasks := f.claimSome("infoma", 3)
		equal(f, "tasks", len(tasks), want)
		for _, t := range tasks {
			got = append(got, t.Submission.ID)
		}
	}
	for i := range ids {
		equal(f, "oldest first", got[i], ids[i])
	}
}

func recordDelivered(f *fixture) {
	id := f.planned("infoma", "records")
	v := f.status(id).Submission.Version
	task := f.claimOne("infoma")
	f.pass(time.Second)
	if e := f.record(task, hub.DeliveryDelivered); e != (store.Effect{}) {
		f.Errorf("effect of the first: %+v, want none", e)
	}
	d := f.delivery(id.Delivery(1))
	equal(f, "state", d.State, hub.DeliveryDelivered)
	equal(f, "settled at", d.SettledAt, f.now.Add(5*time.Millisecond))
	f.state(id, hub.SubmissionRunning)
	if got := f.status(id).Submission.Version; got <= v {
		f.Errorf("version %d after a record, want more than %d", got, v)
	}
	if e := f.send("records", hub.DeliveryDelivered); !e.Settled || !e.FlowDue {
		f.Errorf("effect of the last: %+v, want settled", e)
	}
	s := f.status(id).Submission
	equal(f, "state", s.State, hub.SubmissionSettled)
	equal(f, "settled at", s.SettledAt, f.now.Add(5*time.Millisecond))
	f.pass(24 * time.Hour)
	f.claimNone("infoma")
}

func recordRetry(f *fixture) {
	id := f.planned("infoma")
	first := f.now
	f.send("infoma", hub.DeliveryPending)
	d := f.delivery(id.Delivery(1))
	if d.State != hub.DeliveryPending || d.Code != "connection-refused" || d.Attempts != 1 || !d.NotBefore.Equal(f.now.Add(time.Hour)) {
		f.Errorf("after a retry: %+v", d)
	}
	f.claimNone("infoma")
	f.pass(time.Hour - time.Microsecond)
	f.claimNone("infoma")
	f.pass(time.Microsecond)
	task := f.claimOne("infoma")
	equal(f, "attempts", task.Delivery.Attempts, 2)
	equal(f, "first attempt", task.Delivery.FirstAt, first)
	r := f.outcome(task, hub.DeliveryPending)
	r.Uncertain = true
	_, err := f.Record(f.ctx, r)
	f.must(err)
	equal(f, "uncertain", f.delivery(id.Delivery(1)).Uncertain, true)
	f.pass(time.Hour)
	equal(f, "uncertain for the next attempt", f.claimOne("infoma").Delivery.Uncertain, true)
}

func recordAwaiting(f *fixture) {
	id := f.planned("epayment")
	f.send("epayment", hub.DeliveryAwaiting)
	f.deliveryState(id.Delivery(1), hub.DeliveryAwaiting)
	f.state(id, hub.SubmissionRunning)
	f.claimNone("epayment")
	f.pass(time.Hour)
	task := f.claimOne("epayment")
	equal(f, "state before the claim", task.Delivery.State, hub.DeliveryAwaiting)
	equal(f, "token", string(task.Token), "sealed token")
	if e := f.record(task, hub.DeliveryDelivered); !e.Settled {
		f.Errorf("effect: %+v", e)
	}
	c, err := f.Case(f.ctx, id)
	f.must(err)
	equal(f, "answer", string(c.Answers[id.Delivery(1)]), "sealed answer of "+id.Delivery(1).String())
}

// What is told of an answer is the last one that there was: while the system is
// asked, and after an asking that taught nothing.
func recordAwaitingLearnsNothing(f *fixture) {
	id := f.planned("epayment")
	d := id.Delivery(1)
	told := func(when, want, code string) {
		f.Helper()
		equal(f, "answer "+when, string(f.status(id).Answers[d]), want)
		equal(f, "code "+when, f.delivery(d).Code, code)
	}
	told("before", "", "")
	r := f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
	told("while it is sent", "", "")
	r.Attempt.Code = "payment-open"
	_, err := f.Record(f.ctx, r)
	f.must(err)
	told("that came", "sealed link", "payment-open")
	equal(f, "data key", string(f.status(id).DataKey), "wrapped "+id.String())
	f.pass(2 * time.Hour)
	r = f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
	told("while it is asked for", "sealed link", "payment-open")
	r.Attempt.Code, r.Answer = "http-503", nil
	_, err = f.Record(f.ctx, r)
	f.must(err)
	told("after an asking that taught nothing", "sealed link", "payment-open")
	f.pass(2 * time.Hour)
	f.record(f.claimOne("epayment"), hub.DeliveryPending)
	told("of a message that is to be sent again", "", "connection-refused")
}

func recordParked(f *fixture) {
	id := f.planned("infoma", "records")
	f.send("infoma", hub.DeliveryParked)
	d := f.delivery(id.Delivery(1))
	if d.State != hub.DeliveryParked || d.Reason != hub.ParkRefused || d.Code != "iban-wrong" {
		f.Errorf("parked delivery: %+v", d)
	}
	f.state(id, hub.SubmissionParked)
	f.pass(1000 * time.Hour)
	f.claimNone("infoma")
	if e := f.send("records", hub.DeliveryDelivered); e.Settled {
		f.Error("settled with a parked delivery")
	}
	f.state(id, hub.SubmissionParked)
	c, err := f.Case(f.ctx, id)
	f.must(err)
	equal(f, "detail", string(c.Parked[id.Delivery(1)]), "sealed detail")
}

func recordNotCounted(f *fixture) {
	id := f.planned("infoma")
	task := f.claimOne("infoma")
	r := f.outcome(task, hub.DeliveryPending)
	r.NotCounted = true
	_, err := f.Record(f.ctx, r)
	f.must(err)
	d := f.delivery(id.Delivery(1))
	equal(f, "attempts", d.Attempts, 0)
	equal(f, "no first attempt", d.FirstAt.IsZero(), true)
	f.pass(time.Hour)
	equal(f, "attempts with the next claim", f.claimOne("infoma").Delivery.Attempts, 1)
}

// putBackAgain: a delivery that waits for a key is put back every minute, and its story
// says so once, until there is something else to tell.
func putBackAgain(f *fixture) {
	id := f.planned("infoma")
	for _, code := range []string{"no-key", "no-key", "no-key", "breaker-open", "no-key", "no-key"} {
		r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
		r.NotCounted, r.Attempt.Code, r.Attempt.At, r.Detail = true, code, f.now, nil
		_, err := f.Record(f.ctx, r)
		f.must(err)
		f.pass(time.Hour)
	}
	f.send("infoma", hub.DeliveryPending) // this one was tried
	f.pass(time.Hour)
	f.send("infoma", hub.DeliveryPending)
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	var codes []string
	for _, a := range attempts {
		codes = append(codes, a.Code)
	}
	if want := []string{"no-key", "breaker-open", "no-key", "connection-refused", "connection-refused"}; !slices.Equal(codes, want) {
		f.Errorf("the story tells %v, want %v", codes, want)
	}
	equal(f, "when it was put back last", attempts[2].At, f.now.Add(-3*time.Hour).Add(time.Hour))
}

func recordStale(f *fixture) {
	id := f.planned("infoma")
	lost := f.claimOne("infoma")
	f.mustBeStale(lost, func(r *store.Record) { r.Owner = "node-2" })
	f.mustBeStale(lost, func(r *store.Record) { r.Fence++ })
	f.pass(2 * time.Minute)
	f.must(f.Rescue(f.ctx, id.Delivery(1), node, false, f.now))
	f.mustBeStale(lost, func(*store.Record) {})
	again := f.claimOne("infoma")
	if again.Fence == lost.Fence {
		f.Error("the fence is the same after a second claim")
	}
	f.mustBeStale(lost, func(*store.Record) {})
	f.deliveryState(id.Delivery(1), hub.DeliverySending)
	f.record(again, hub.DeliveryDelivered)
	f.mustBeStale(again, func(*store.Record) {})
	f.state(id, hub.SubmissionSettled)
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "attempts kept for the story", len(attempts), 7)
	_, err = f.Record(f.ctx, f.outcome(again, hub.DeliveryWaiting))
	f.mustBe(err, store.ErrState)
}

func (f *fixture) mustBeStale(t store.Task, change func(*store.Record)) {
	f.Helper()
	r := f.outcome(t, hub.DeliveryDelivered)
	change(r)
	_, err := f.Record(f.ctx, r)
	f.mustBe(err, store.ErrStale)
}

// submissionStateFollows is the rule as a table: what the deliveries are, and
// what the submission becomes.
func submissionStateFollows(f *fixture) {
	type d struct {
		state    hub.DeliveryState
		optional bool
	}
	const delivered, parked, pending, awaiting = hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryPending, hub.DeliveryAwaiting
	for _, test := range []struct {
		deliveries []d
		want       hub.SubmissionState
	}{
		{[]d{{delivered, false}}, hub.SubmissionSettled},
		{[]d{{delivered, false}, {delivered, true}}, hub.SubmissionSettled},
		{[]d{{delivered, false}, {parked, true}}, hub.SubmissionSettled},
		{[]d{{parked, true}}, hub.SubmissionSettled},
		{[]d{{delivered, false}, {pending, true}}, hub.SubmissionRunning},
		{[]d{{delivered, false}, {awaiting, false}}, hub.SubmissionRunning},
		{[]d{{parked, true}, {pending, false}}, hub.SubmissionRunning},
		{[]d{{parked, false}, {pending, false}}, hub.SubmissionParked},
		{[]d{{pending, false}, {parked, false}}, hub.SubmissionParked},
		{[]d{{parked, false}, {delivered, false}}, hub.SubmissionParked},
		{[]d{{pending, false}, {pending, false}}, hub.SubmissionRunning},
	} {
		id := f.accept()
		var all []store.NewDelivery
		for i, d := range test.deliveries {
			n := f.pending(id, i+1, "infoma")
			n.Optional = d.optional
			all = append(all, n)
		}
		f.plan(id, all...)
		for _, task := range f.claimSome("infoma", 10) {
			f.record(task, test.deliveries[task.Delivery.ID.Ordinal()-1].state)
		}
		if got := f.status(id).Submission.State; got != test.want {
			f.Errorf("%+v: %s, want %s", test.deliveries, got, test.want)
		}
	}
}

func pausedIsNotClaimed(f *fixture) {
	f.planned("infoma", "records")
	f.must(f.Pause(f.ctx, "infoma", "operator:x", "update", f.now))
	f.claimNone("infoma")
	f.claimOne("records")
	paused, err := f.Paused(f.ctx)
	f.must(err)
	equal(f, "paused systems", len(paused), 1)
	equal(f, "reason", paused["infoma"], "update")
	next, err := f.NextDue(f.ctx, "infoma")
	f.must(err)
	equal(f, "nothing falls due while paused", next.IsZero(), true)
	f.must(f.Resume(f.ctx, "infoma", "operator:x", f.now))
	f.must(f.Resume(f.ctx, "infoma", "operator:x", f.now))
	f.claimOne("infoma")
	paused, err = f.Paused(f.ctx)
	f.must(err)
	equal(f, "paused systems", len(paused), 0)
}

func (f *fixture) expired(owner string) []store.Expired {
	f.Helper()
	all, err := f.Expired(f.ctx, f.now, owner, 10)
	f.must(err)
	return all
}

func leaseExpires(f *fixture) {
	id := f.planned("infoma")
	f.planned("records")
	f.claimOne("infoma")
	equal(f, "expired at once", len(f.expired("")), 0)
	f.pass(time.Minute)
	all := f.expired("")
	equal(f, "expired", len(all), 1)
	equal(f, "expired", all[0], store.Expired{ID: id.Delivery(1), System: "infoma", Owner: node})
	f.claimNone("infoma") // not before it was rescued
}

func leaseExtended(f *fixture) {
	id := f.planned("infoma")
	task := f.claimOne("infoma")
	f.must(f.Extend(f.ctx, node, []hub.ID{id.Delivery(1), f.ids.New().Delivery(1)}, f.now.Add(2*time.Minute)))
	f.must(f.Extend(f.ctx, "node-2", []hub.ID{id.Delivery(1)}, f.now.Add(time.Hour))) // it is not theirs
	f.pass(time.Minute)
	equal(f, "expired before its extended end", len(f.expired("")), 0)
	f.mustBe(f.Rescue(f.ctx, id.Delivery(1), node, false, f.now), store.ErrStale)
	f.pass(time.Minute)
	equal(f, "expired at its extended end", len(f.expired("")), 1)
	f.record(task, hub.DeliveryDelivered)
	equal(f, "expired when recorded", len(f.expired("")), 0)
}

func rescue(f *fixture) {
	again, parked := f.planned("infoma"), f.planned("records")
	f.claimOne("infoma")
	f.claimOne("records")
	f.pass(2 * time.Minute)
	f.mustBe(f.Rescue(f.ctx, again.Delivery(1), "node-2", false, f.now), store.ErrStale)
	f.must(f.Rescue(f.ctx, again.Delivery(1), node, false, f.now))
	f.mustBe(f.Rescue(f.ctx, again.Delivery(1), node, false, f.now), store.ErrStale)
	f.must(f.Rescue(f.ctx, parked.Delivery(1), node, true, f.now))

	d := f.delivery(again.Delivery(1))
	if d.State != hub.DeliveryPending || !d.Uncertain || d.Attempts != 1 {
		f.Errorf("rescued: %+v", d)
	}
	task := f.claimOne("infoma")
	if !task.Delivery.Uncertain || task.Delivery.Attempts != 2 {
		f.Errorf("claimed after the rescue: %+v", task.Delivery)
	}
	d = f.delivery(parked.Delivery(1))
	if d.State != hub.DeliveryParked || d.Reason != hub.ParkUnclear || !d.Uncertain {
		f.Errorf("parked by the rescue: %+v", d)
	}
	f.state(parked, hub.SubmissionParked)
	attempts, err := f.Attempts(f.ctx, parked.Delivery(1))
	f.must(err)
	equal(f, "attempts", len(attempts), 1)
	equal(f, "kind", attempts[0].Kind, "rescue")
}

// What was only being asked for when the process went down is asked for again: it was taken
// before, and nothing of it is uncertain.
func rescueOfAQuestion(f *fixture) {
	id := f.planned("epayment")
	r := f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
	r.Attempt.Code = hub.CodePaymentOpen
	_, err := f.Record(f.ctx, r)
	f.must(err)
	for range 2 {
		f.pass(2 * time.Hour)
		f.claimOne("epayment")
		f.pass(2 * time.Hour)
		f.must(f.Rescue(f.ctx, id.Delivery(1), node, false, f.now))
		if d := f.delivery(id.Delivery(1)); d.State != hub.DeliveryAwaiting || d.Uncertain || d.Code != hub.CodePaymentOpen {
			f.Errorf("rescued: %+v", d)
		}
	}
	equal(f, "token", string(f.claimOne("epayment").Token), "sealed token")

	// Put back by a person it is sent, and then it is uncertain.
	f.pass(2 * time.Hour)
	f.must(f.Rescue(f.ctx, id.Delivery(1), node, true, f.now))
	f.deliveryState(id.Delivery(1), hub.DeliveryParked)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "y", At: f.now}))
	f.claimOne("epayment")
	f.pass(2 * time.Hour)
	f.must(f.Rescue(f.ctx, id.Delivery(1), node, false, f.now))
	if d := f.delivery(id.Delivery(1)); d.State != hub.DeliveryPending || !d.Uncertain {
		f.Errorf("rescued: %+v", d)
	}
}
