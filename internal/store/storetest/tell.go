package storetest

import (
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// watched is a submission whose portal wants callbacks, with pending deliveries.
func (f *fixture) watched(systems ...string) hub.ID {
	f.Helper()
	id := f.accept()
	a := &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived}
	for i, s := range systems {
		a.Deliveries = append(a.Deliveries, f.pending(id, i+1, s))
	}
	f.advance(id, a)
	return id
}

// callback is the n-th delivery of a submission as the flow plans a callback.
func (f *fixture) callback(id hub.ID, n int) *store.NewDelivery {
	d := f.pending(id, n, "portal")
	d.Role, d.Optional = hub.RolePortal, true
	return &d
}

func (f *fixture) tell(id hub.ID, told hub.CaseStatus, callback *store.NewDelivery) {
	f.Helper()
	f.must(f.Tell(f.ctx, id, f.status(id).Submission.Version, &store.Tell{At: f.now, Told: told, Callback: callback}))
}

func (f *fixture) flowDue(when string, id hub.ID, want bool) {
	f.Helper()
	equal(f, "due for the flow "+when, slices.Contains(f.due(f.now.Add(time.Second)), id), want)
}

// While the status is news the flow is due, in the transaction that made it so and
// until it is told; nobody waits for a callback.
func tellNews(f *fixture) {
	id := f.watched("epayment", "records")
	equal(f, "told by the receipt", f.status(id).Submission.Told, hub.CaseReceived)
	f.flowDue("as long as nothing is news", id, false)
	if e := f.send("records", hub.DeliveryDelivered); e.News || e.FlowDue {
		f.Errorf("one of two is no news: %+v", e)
	}

	r := f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
	r.Attempt.Code = hub.CodePaymentOpen
	e, err := f.Record(f.ctx, r)
	f.must(err)
	equal(f, "news", e.News, true)
	equal(f, "ring", e.FlowDue, true)
	f.flowDue("with news", id, true)
	f.tell(id, hub.CaseActionRequired, f.callback(id, 3))
	f.flowDue("once it is told", id, false)
	equal(f, "told", f.status(id).Submission.Told, hub.CaseActionRequired)
	f.deliveryStates(id, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryPending)
	task := f.claimOne("portal")
	equal(f, "body", string(task.Body), string(document(id.Delivery(3)).Body))
	f.record(task, hub.DeliveryPending) // the portal is down

	f.pass(2 * time.Hour)
	if e := f.record(f.claimOne("epayment"), hub.DeliveryDelivered); !e.News || !e.Settled {
		f.Errorf("the end is news: %+v", e)
	}
	f.state(id, hub.SubmissionSettled)
	settled := f.status(id).Submission.SettledAt
	f.flowDue("with the end", id, true)
	f.pass(time.Minute)
	f.tell(id, hub.CaseCompleted, f.callback(id, 4))
	f.flowDue("once that is told", id, false)
	f.state(id, hub.SubmissionSettled)
	equal(f, "settled at", f.status(id).Submission.SettledAt, settled)
	f.deliveryStates(id, hub.DeliveryDelivered, hub.DeliveryDelivered, hub.DeliveryClosed, hub.DeliveryPending)
	equal(f, "code of the one that has not left", f.delivery(id.Delivery(3)).Code, hub.CodeSuperseded)
	if e := f.send("portal", hub.DeliveryDelivered); e.News || e.FlowDue || e.Settled {
		f.Errorf("a callback that arrives moves nothing: %+v", e)
	}
	f.figuresMatch([]hub.ID{id})
}

// A portal without callbacks costs nothing, and one that wants no more is told no more.
func tellNobody(f *fixture) {
	id := f.planned("records")
	if e := f.send("records", hub.DeliveryDelivered); e.News {
		f.Errorf("nobody wants to know: %+v", e)
	}
	f.flowDue("for nobody", id, false)

	id = f.watched("records")
	f.send("records", hub.DeliveryDelivered)
	f.tell(id, "", nil)
	f.flowDue("once nobody wants to know", id, false)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.send("records", hub.DeliveryDelivered)
	f.flowDue("for nobody any more", id, false)
}

// What a person does with a case is news, too: it is taken up again, it is ended.
func tellWhatPeopleDo(f *fixture) {
	id := f.watched("records")
	f.send("records", hub.DeliveryDelivered)
	f.tell(id, hub.CaseCompleted, f.callback(id, 2))
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.flowDue("when it is taken up again", id, true)
	// It is over before anybody was told: there is nothing to tell, and nothing to do.
	r := f.outcome(f.claimOne("records"), hub.DeliveryDelivered)
	r.Answer = nil
	_, err := f.Record(f.ctx, r)
	f.must(err)
	f.tell(id, hub.CaseCompleted, nil)
	f.flowDue("when it is as it was", id, false)
	f.deliveryState(id.Delivery(2), hub.DeliveryPending)
	// But for an answer, which may be a new one.
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.send("records", hub.DeliveryDelivered)
	equal(f, "news of the second end", hub.News(f.status(id).Submission.Told, hub.CaseCompleted), true)
	f.tell(id, hub.CaseCompleted, f.callback(id, 3))
	f.flowDue("once it is told again", id, false)
	f.deliveryState(id.Delivery(2), hub.DeliveryClosed)

	parked := f.accept()
	f.advance(parked, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-offered", Told: hub.CaseReceived})
	f.flowDue("while a person looks", parked, false)
	_, err = f.CloseDelivery(f.ctx, parked, "operator:x", "y", f.now)
	f.must(err)
	f.flowDue("when a person ends it", parked, true)
	f.tell(parked, hub.CaseRejected, f.callback(parked, 1))
	f.deliveryStates(parked, hub.DeliveryPending)
	f.state(parked, hub.SubmissionSettled)

	closed := f.watched("waste")
	f.send("waste", hub.DeliveryParked)
	f.flowDue("while a clerk looks", closed, false)
	e, err := f.CloseDelivery(f.ctx, closed.Delivery(1), "operator:x", "y", f.now)
	f.must(err)
	equal(f, "news", e.News, true)
	f.flowDue("when a clerk ends it", closed, true)
}

// A withdrawal is told as well, and leaves callbacks alone.
func tellWithdrawal(f *fixture) {
	id := f.watched("epayment", "records")
	r := f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
	r.Attempt.Code = hub.CodePaymentOpen
	_, err := f.Record(f.ctx, r)
	f.must(err)
	f.tell(id, hub.CaseActionRequired, f.callback(id, 3))
	f.withdraw(id)
	f.flowDue("with the withdrawal", id, true)
	f.deliveryState(id.Delivery(3), hub.DeliveryPending)
	f.tell(id, hub.CaseCancelled, f.callback(id, 4))
	f.deliveryState(id.Delivery(3), hub.DeliveryClosed)
	task := f.claimOne("portal")
	f.record(task, hub.DeliveryPending)
	f.deliveryState(id.Delivery(4), hub.DeliveryPending) // and is tried again
	f.pass(2 * time.Hour)
	f.send("portal", hub.DeliveryDelivered)

	// What has left cannot be taken back because a callback is under way.
	left := f.watched("records")
	f.send("records", hub.DeliveryDelivered)
	f.tell(left, hub.CaseCompleted, f.callback(left, 2))
	f.mustBe(f.Withdraw(f.ctx, left, "portal:soest", "", f.now), store.ErrState)
}

// A callback that is being sent when the next one is planned is not tried again.
func tellWhileOneIsSent(f *fixture) {
	id := f.watched("records")
	f.send("records", hub.DeliveryDelivered)
	f.tell(id, hub.CaseCompleted, f.callback(id, 2))
	sending := f.claimOne("portal")
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.tell(id, hub.CaseProcessing, f.callback(id, 3))
	f.deliveryState(id.Delivery(2), hub.DeliverySending)
	f.claimNone("portal") // it could be there before the one that is on its way
	if e := f.record(sending, hub.DeliveryPending); e.Next != "portal" {
		f.Errorf("effect %+v: the next one is free", e)
	}
	f.deliveryState(id.Delivery(2), hub.DeliveryClosed)
	equal(f, "code", f.delivery(id.Delivery(2)).Code, hub.CodeSuperseded)
	sending = f.claimOne("portal")
	equal(f, "the one that is sent", sending.Delivery.ID, id.Delivery(3))

	// The hub goes down with one on its way: the next one waits until that is cleared up.
	f.send("records", hub.DeliveryDelivered)
	f.tell(id, hub.CaseCompleted, f.callback(id, 4))
	f.claimNone("portal")
	f.pass(2 * time.Hour)
	f.claimNone("portal")
	f.must(f.Rescue(f.ctx, id.Delivery(3), node, false, f.now))
	equal(f, "code", f.delivery(id.Delivery(3)).Code, hub.CodeSuperseded)
	f.record(f.claimOne("portal"), hub.DeliveryDelivered)
	equal(f, "code of the one that arrived", f.delivery(id.Delivery(4)).Code, "")

	// By hand it may be sent again: as it was, a callback has no mapping.
	f.must(f.Replay(f.ctx, id.Delivery(2), store.Replay{Anew: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.deliveryState(id.Delivery(2), hub.DeliveryPending)
}

// What was deleted before it was told is told no more, and callbacks under way end.
func tellErased(f *fixture) {
	id := f.watched("records")
	f.send("records", hub.DeliveryDelivered)
	f.tell(id, hub.CaseCompleted, f.callback(id, 2))
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
	f.tell(id, hub.CaseProcessing, f.callback(id, 3))
	f.send("records", hub.DeliveryDelivered)
	f.flowDue("with the end", id, true)
	f.pass(time.Hour)
	f.erased(f.order(id))
	f.flowDue("of what is gone", id, false)
	f.claimNone("portal")
}

func tellRefuses(f *fixture) {
	id := f.watched("records")
	version := f.status(id).Submission.Version
	refused := func(want error, version int64, change func(*store.NewDelivery)) {
		f.Helper()
		c := f.callback(id, 2)
		change(c)
		f.mustBe(f.Tell(f.ctx, id, version, &store.Tell{At: f.now, Told: hub.CaseCompleted, Callback: c}), want)
	}
	refused(store.ErrStale, version+1, func(*store.NewDelivery) {})
	refused(store.ErrState, version, func(c *store.NewDelivery) { c.ID = id.Delivery(1); c.Document.Delivery = c.ID })
	refused(store.ErrState, version, func(c *store.NewDelivery) { c.Role = "finance" })
	refused(store.ErrState, version, func(c *store.NewDelivery) { c.Optional = false })
	refused(store.ErrState, version, func(c *store.NewDelivery) { c.Document = nil })
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	refused(store.ErrDamaged, f.status(id).Submission.Version, func(*store.NewDelivery) {})
	equal(f, "deliveries", len(f.status(id).Deliveries), 1)
	f.mustBe(f.Tell(f.ctx, f.ids.New(), 1, &store.Tell{At: f.now}), store.ErrNotFound)
}

// A new answer is news even where the status is the same as before.
func tellNewAnswer(f *fixture) {
	id := f.watched("kreis")
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "first")
	f.tell(id, hub.CaseCompleted, f.callback(id, 2))
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	f.flowDue("while it is asked for", id, false)
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "second")
	f.flowDue("with the new answer", id, true)
}

// tellSameAnswer: a system rings twice, and the second time has nothing new.
func tellSameAnswer(f *fixture) {
	id := f.watched("kreis")
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "first")
	f.tell(id, hub.CaseCompleted, f.callback(id, 2))
	same := func() {
		t := f.claimOne("kreis")
		equal(f, "the answer before", string(t.Answer), "first")
		r := f.outcome(t, hub.DeliveryAwaiting) // it cannot be asked just now
		r.Answer, r.Token, r.KeepToken = nil, []byte("sealed token"), true
		_, err := f.Record(f.ctx, r)
		f.must(err)
		f.pass(time.Hour)
		r = f.outcome(f.claimOne("kreis"), hub.DeliveryDelivered)
		r.Answer, r.Token, r.KeepToken, r.Same = []byte("first"), []byte("sealed token"), true, true
		_, err = f.Record(f.ctx, r)
		f.must(err)
	}
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	equal(f, "code while it is asked for", f.delivery(id.Delivery(1)).Code, hub.CodeAskedAgain)
	same()
	f.flowDue("with the same answer", id, false)
	equal(f, "told", f.status(id).Submission.Told, hub.CaseCompleted)
	equal(f, "code in the end", f.delivery(id.Delivery(1)).Code, "")

	// Asked for once more before the portal was told of a replay: that stays news.
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "again", At: f.now}))
	f.tell(id, hub.CaseProcessing, f.callback(id, 3))
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "first")
	f.flowDue("before it is told", id, true)
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	same()
	f.flowDue("as long as it is not told", id, true)
}

// tellRings: what has ended stands as it stood while it is asked for again. What rings for
// nothing tells nothing; an end that is over again is told, and then the next one.
func tellRings(f *fixture) {
	var all []hub.ID
	for _, end := range []struct {
		state  hub.DeliveryState
		code   string
		status hub.CaseStatus
	}{
		{hub.DeliveryClosed, hub.CodeRemoteCancelled, hub.CaseCancelled},
		{hub.DeliveryClosed, hub.CodeRemoteRejected, hub.CaseRejected},
		{hub.DeliveryDelivered, "completed", hub.CaseCompleted},
	} {
		id := f.watched(end.code)
		answer := func(state hub.DeliveryState, code, answer string) {
			f.Helper()
			r := f.outcome(f.claimOne(end.code), state)
			r.Attempt.Code, r.Token, r.KeepToken, r.Answer = code, []byte("sealed token"), true, []byte(answer)
			r.Same = answer == "first"
			_, err := f.Record(f.ctx, r)
			f.must(err)
			f.pass(2 * time.Hour)
		}
		stands := func(when string, want hub.CaseStatus) {
			f.Helper()
			s := f.status(id)
			equal(f, "status "+when, hub.StandingOf(&s.Submission, s.Deliveries).Status, want)
		}
		answer(end.state, end.code, "first")
		f.tell(id, end.status, nil)
		for range 2 {
			f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
			f.flowDue("while it is asked for", id, false)
			stands("while it is asked for", end.status)
			answer(hub.DeliveryAwaiting, "http-503", "") // it cannot be asked just now
			stands("while it cannot be asked", end.status)
			answer(end.state, end.code, "first")
			f.flowDue("with the same end", id, false)
			stands("with the same end", end.status)
		}
		f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
		answer(hub.DeliveryAwaiting, "processing", "taken up again")
		f.flowDue("when it is taken up again", id, true)
		stands("when it is taken up again", hub.CaseProcessing)
		f.tell(id, hub.CaseProcessing, nil)
		answer(end.state, end.code, "second")
		f.flowDue("with the second end", id, true)
		f.tell(id, end.status, nil)
		// A person puts it back: its end is over, whatever is known of it.
		f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}))
		answer(hub.DeliveryAwaiting, "http-503", "")
		stands("when it is put back", hub.CaseProcessing)
		all = append(all, id)
	}
	f.figuresMatch(all)
}
