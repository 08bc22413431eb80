package storetest

import (
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func (f *fixture) withdraw(id hub.ID) {
	f.Helper()
	f.pass(time.Second)
	f.must(f.Withdraw(f.ctx, id, "portal:soest", "", f.now))
}

// deliveryStates are the deliveries' states in order.
func (f *fixture) deliveryStates(id hub.ID, want ...hub.DeliveryState) {
	f.Helper()
	s := f.status(id)
	if len(s.Deliveries) != len(want) {
		f.Fatalf("%d deliveries, want %d", len(s.Deliveries), len(want))
	}
	for i, d := range s.Deliveries {
		if d.State != want[i] {
			f.Errorf("delivery %d is %s, want %s", i+1, d.State, want[i])
		}
	}
}

func withdrawBeforeThePlan(f *fixture) {
	id := f.accept(ordered("chip"))
	version := f.status(id).Submission.Version
	f.withdraw(id)
	s := f.status(id).Submission
	if s.State != hub.SubmissionSettled || !s.SettledAt.Equal(f.now) || !s.WithdrawnAt.Equal(f.now) || s.Version <= version {
		f.Fatalf("withdrawn: %+v", s)
	}
	// Nobody has made it known to the search; that is the flow's last work for it.
	equal(f, "due for the flow", len(f.due(f.now)), 1)
	for range 2 { // once more adds nothing
		f.must(f.Tell(f.ctx, id, f.status(id).Submission.Version, &store.Tell{At: f.now, Search: [][]byte{[]byte("hash of the name")}}))
	}
	equal(f, "due for the flow", len(f.due(f.now)), 0)
	found, err := f.List(f.ctx, store.Filter{Search: []byte("hash of the name")})
	f.must(err)
	equal(f, "found by its hash", len(found), 1)
	s = f.status(id).Submission
	// A flow that had read it before plans nothing any more.
	err = f.Advance(f.ctx, id, s.Version, &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")}})
	f.mustBe(err, store.ErrWithdrawn)
	f.mustBe(err, store.ErrState)
	f.claimNone("infoma")
	f.mustBe(f.Reopen(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
	// It holds nobody back.
	later := f.accept(ordered("chip"))
	d := f.pending(later, 1, "infoma")
	d.OrderKey = []byte("chip")
	f.plan(later, d)
	equal(f, "the later one", f.claimOne("infoma").Submission.ID, later)
	f.figuresMatch([]hub.ID{id, later})

	// The same for one that waits for a person before it was planned.
	parked := f.accept()
	f.advance(parked, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "no-delivery"})
	f.withdraw(parked)
	if s := f.status(parked).Submission; s.State != hub.SubmissionSettled || s.Reason != "" || s.Code != "" {
		f.Errorf("parked and withdrawn: %+v", s)
	}
	f.figuresMatch([]hub.ID{id, later, parked})
}

func withdrawInTheMiddle(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.pending(id, 2, "records"), f.pending(id, 3, "waste"), f.waiting(id, 4, "citizen", 1))
	f.send("infoma", hub.DeliveryDelivered)
	f.send("waste", hub.DeliveryParked)
	f.withdraw(id)
	f.state(id, hub.SubmissionSettled)
	f.deliveryStates(id, hub.DeliveryDelivered, hub.DeliveryClosed, hub.DeliveryClosed, hub.DeliveryClosed)
	s := f.status(id)
	for _, d := range s.Deliveries[1:] {
		if d.Code != hub.CodeWithdrawn || d.Reason != "" || !d.SettledAt.Equal(f.now) {
			f.Errorf("closed: %+v", d)
		}
	}
	f.claimNone("records")
	equal(f, "due for the flow", len(f.due(f.now.Add(time.Hour))), 0)
	for n := range 4 {
		err := f.Replay(f.ctx, id.Delivery(n+1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now})
		f.mustBe(err, store.ErrWithdrawn)
	}
	f.figuresMatch([]hub.ID{id})

	// Once more changes nothing, whoever says it.
	at := s.Submission.WithdrawnAt
	f.withdraw(id)
	f.must(f.Withdraw(f.ctx, id, "operator:x", "again", f.now))
	again := f.status(id).Submission
	if again.Version != s.Submission.Version || !again.WithdrawnAt.Equal(at) {
		f.Errorf("again: %+v", again)
	}
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	told := 0
	for _, e := range trail {
		if e.Action == "withdrawn" {
			told++
			if e.Actor != "portal:soest" || e.Object != id.String() {
				f.Errorf("audit: %+v", e)
			}
		}
	}
	equal(f, "audit lines", told, 1)
	story, err := f.Events(f.ctx, id)
	f.must(err)
	closed := map[string]int{}
	for _, e := range story {
		closed[e.Type]++
	}
	if closed["withdrawn"] != 1 || closed["closed"] != 3 {
		f.Errorf("the story: %v", closed)
	}
}

// withdrawWhileSending: nothing is torn. What then arrives has left, what would be
// tried again is not, and nobody forgets what may have arrived.
func withdrawWhileSending(f *fixture) {
	systems := []string{"a", "b", "c", "d", "e", "g"}
	id := f.planned(systems...)
	tasks := map[string]store.Task{}
	for _, s := range systems {
		tasks[s] = f.claimOne(s)
	}
	f.withdraw(id)
	f.state(id, hub.SubmissionRunning)
	for _, d := range f.status(id).Deliveries {
		equal(f, "nothing is torn", d.State, hub.DeliverySending)
	}
	f.record(tasks["a"], hub.DeliveryDelivered)
	f.record(tasks["b"], hub.DeliveryPending)
	f.record(tasks["c"], hub.DeliveryParked) // refused
	uncertain := f.outcome(tasks["d"], hub.DeliveryPending)
	uncertain.Uncertain = true
	_, err := f.Record(f.ctx, uncertain)
	f.must(err)
	f.record(tasks["e"], hub.DeliveryAwaiting)
	f.pass(2 * time.Minute)
	for _, e := range f.expired("") {
		f.must(f.Rescue(f.ctx, e.ID, e.Owner, false, f.now))
	}
	f.deliveryStates(id, hub.DeliveryDelivered, hub.DeliveryClosed, hub.DeliveryClosed, hub.DeliveryParked, hub.DeliveryAwaiting, hub.DeliveryParked)
	for _, n := range []int{4, 6} {
		d := f.delivery(id.Delivery(n))
		if d.Reason != hub.ParkUnclear || d.Code != hub.CodeWithdrawn || !d.Uncertain {
			f.Errorf("it may have arrived: %+v", d)
		}
	}
	f.pass(2 * time.Hour)
	for _, s := range systems {
		if s != "e" {
			f.claimNone(s)
		}
	}
	// What was taken over is asked for as ever.
	asked := f.claimOne("e")
	equal(f, "asked", asked.Delivery.State, hub.DeliveryAwaiting)
	f.record(asked, hub.DeliveryDelivered)
	f.state(id, hub.SubmissionParked)
	for _, n := range []int{4, 6} {
		_, err := f.CloseDelivery(f.ctx, id.Delivery(n), "operator:x", "it did not arrive", f.now)
		f.must(err)
	}
	f.state(id, hub.SubmissionSettled)
	w := hub.WithdrawalOf(&f.status(id).Submission, f.status(id).Deliveries)
	equal(f, "left", len(w.Left), 2)
	equal(f, "cancelled", len(w.Cancelled), 4)
	equal(f, "open", len(w.Open), 0)
	f.figuresMatch([]hub.ID{id})
}

// withdrawWhatMayHaveArrived: a person has to look at what is unclear already, or
// waits for another try after an attempt that may have reached the system.
func withdrawWhatMayHaveArrived(f *fixture) {
	id := f.planned("a", "b", "c")
	uncertain := f.outcome(f.claimOne("a"), hub.DeliveryPending)
	uncertain.Uncertain = true
	_, err := f.Record(f.ctx, uncertain)
	f.must(err)
	unclear := f.outcome(f.claimOne("b"), hub.DeliveryParked)
	unclear.Reason, unclear.Uncertain = hub.ParkUnclear, true
	_, err = f.Record(f.ctx, unclear)
	f.must(err)
	f.withdraw(id)
	f.deliveryStates(id, hub.DeliveryParked, hub.DeliveryParked, hub.DeliveryClosed)
	for n, code := range map[int]string{1: hub.CodeWithdrawn, 2: "iban-wrong"} { // what a person has to look at already is left as it is
		d := f.delivery(id.Delivery(n))
		if d.Reason != hub.ParkUnclear || d.Code != code || !d.SettledAt.IsZero() {
			f.Errorf("it may have arrived: %+v, want code %s", d, code)
		}
	}
	f.state(id, hub.SubmissionParked)
	f.figuresMatch([]hub.ID{id})
}

// What was taken over comes to its own end, asked for when it is time; what has been handed
// on and has ended there is left alone.
func withdrawLeavesWhatWasTaken(f *fixture) {
	id := f.accept()
	authority := f.pending(id, 2, "kreis")
	authority.Role = hub.RoleAuthority
	f.plan(id, f.pending(id, 1, "payment"), authority, f.pending(id, 3, "infoma"), f.pending(id, 4, "slow"))
	f.send("payment", hub.DeliveryAwaiting)
	r := f.outcome(f.claimOne("kreis"), hub.DeliveryDelivered)
	r.Token, r.KeepToken = []byte("sealed token"), true
	_, err := f.Record(f.ctx, r)
	f.must(err)
	slow := f.claimOne("slow")
	f.withdraw(id)
	f.deliveryStates(id, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryClosed, hub.DeliverySending)
	for _, system := range []string{"payment", "kreis", "infoma"} {
		f.claimNone(system)
	}
	// Whoever has parked it as unclear knows why.
	r = f.outcome(slow, hub.DeliveryParked)
	r.Reason, r.Attempt.Code, r.Uncertain = hub.ParkUnclear, "timeout", true
	_, err = f.Record(f.ctx, r)
	f.must(err)
	if d := f.delivery(id.Delivery(4)); d.State != hub.DeliveryParked || d.Reason != hub.ParkUnclear || d.Code != "timeout" {
		f.Errorf("unclear: %+v", d)
	}
	f.pass(time.Hour)
	equal(f, "asked for in its time", f.claimOne("payment").Delivery.State, hub.DeliveryAwaiting)
}

func withdrawTooLate(f *fixture) {
	left := f.accept() // one delivery has ended, one was taken over, and a callback is no part of the case
	callback := f.pending(left, 3, "callback")
	callback.Role, callback.Optional = hub.RolePortal, true
	f.plan(left, f.pending(left, 1, "records"), f.pending(left, 2, "payment"), callback)
	f.send("records", hub.DeliveryDelivered)
	f.send("payment", hub.DeliveryAwaiting)
	settled := f.planned("infoma")
	f.send("infoma", hub.DeliveryDelivered)
	awaited := f.planned("infoma")
	f.send("infoma", hub.DeliveryAwaiting)
	closed := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	_, err := f.CloseDelivery(f.ctx, closed.Delivery(1), "operator:x", "y", f.now)
	f.must(err)
	for _, id := range []hub.ID{settled, awaited, closed, left} {
		before := f.status(id).Submission
		f.mustBe(f.Withdraw(f.ctx, id, "portal:soest", "", f.now), store.ErrState)
		if after := f.status(id).Submission; after.Version != before.Version || !after.WithdrawnAt.IsZero() {
			f.Errorf("refused, and changed: %+v", after)
		}
	}
	f.mustBe(f.Withdraw(f.ctx, f.ids.New(), "portal:soest", "", f.now), store.ErrNotFound)
}

// withdrawDamaged: what is set aside can be taken back, too; mended, it has ended.
func withdrawDamaged(f *fixture) {
	id := f.planned("infoma", "records")
	f.send("records", hub.DeliveryDelivered)
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.withdraw(id)
	f.state(id, hub.SubmissionDamaged)
	f.deliveryStates(id, hub.DeliveryClosed, hub.DeliveryDelivered)
	f.must(f.Mend(f.ctx, id, "operator:x", "restored", f.now))
	f.state(id, hub.SubmissionSettled)
	unplanned := f.accept()
	f.must(f.Damage(f.ctx, unplanned, "payload", f.now))
	f.withdraw(unplanned)
	f.must(f.Mend(f.ctx, unplanned, "operator:x", "restored", f.now))
	f.state(unplanned, hub.SubmissionSettled)
	f.flowDue("which makes it found, and tells the portal", unplanned, true)
	f.tell(unplanned, hub.CaseCancelled, nil)
	equal(f, "due for the flow", len(f.due(f.now)), 0)
	f.figuresMatch([]hub.ID{id, unplanned})
}

// One that waited for a person before it was set aside has ended when it is mended: nobody
// plans what was taken back.
func withdrawParkedAndDamaged(f *fixture) {
	id := f.accept()
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-offered"})
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.withdraw(id)
	f.state(id, hub.SubmissionDamaged)
	f.must(f.Mend(f.ctx, id, "operator:x", "restored", f.now))
	f.state(id, hub.SubmissionSettled)
	equal(f, "parked for", f.status(id).Submission.Reason, hub.ParkReason(""))
	f.mustBe(f.Reopen(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
	f.tell(id, "", nil) // it may have been parked by a version that made nothing known
	equal(f, "due", len(f.due(f.now)), 0)
	f.figuresMatch([]hub.ID{id})
}

// What another hub decides for can still be stopped over there: it is asked for at once.
func withdrawHandedOn(f *fixture) {
	for _, role := range []string{hub.RoleAuthority, "payment"} {
		id := f.accept()
		d := f.pending(id, 1, "kreis")
		d.Role = role
		f.plan(id, d)
		f.answered(f.claimOne("kreis"), hub.DeliveryAwaiting, "link")
		f.claimNone("kreis")
		err := f.Withdraw(f.ctx, id, "portal:soest", "", f.now)
		if role != hub.RoleAuthority { // it has left, and nobody can take it back
			f.mustBe(err, store.ErrState)
			continue
		}
		f.must(err)
		f.state(id, hub.SubmissionRunning)
		t := f.claimOne("kreis")
		equal(f, "withdrawn", t.Submission.WithdrawnAt.Equal(f.now), true)
		equal(f, "state before", t.Delivery.State, hub.DeliveryAwaiting)
		f.answered(t, hub.DeliveryClosed, "")
		f.state(id, hub.SubmissionSettled)
	}
}

// A fee that is paid for what was taken back waits for a person, whichever came first; so
// it does not where what it was paid for has left.
func withdrawPaid(f *fixture) {
	payment := func(id hub.ID, told hub.CaseStatus) {
		a := &store.Advance{State: hub.SubmissionRunning, Told: told, Deliveries: []store.NewDelivery{f.pending(id, 1, "epay"), f.waiting(id, 2, "district", 1), f.waiting(id, 3, "finance", 1)}}
		a.Deliveries[0].Role, a.Deliveries[2].Optional = hub.RolePayment, true
		f.advance(id, a)
	}
	owed := func(id hub.ID) {
		f.Helper()
		d := f.delivery(id.Delivery(1))
		if d.State != hub.DeliveryParked || d.Reason != hub.ParkRefund || d.Code != hub.CodeRefund || !d.SettledAt.IsZero() {
			f.Errorf("nobody gives the fee back: %+v", d)
		}
		f.state(id, hub.SubmissionParked)
	}
	late := f.accept()
	payment(late, hub.CaseReceived)
	r := f.outcome(f.claimOne("epay"), hub.DeliveryAwaiting)
	r.Attempt.Code = hub.CodePaymentOpen
	_, err := f.Record(f.ctx, r)
	f.must(err)
	f.withdraw(late)
	f.tell(late, hub.CaseCancelled, nil)
	f.flowDue("told", late, false)
	f.pass(2 * time.Hour)
	if e := f.answered(f.claimOne("epay"), hub.DeliveryDelivered, "kassenzeichen"); !e.News {
		f.Error("the portal does not hear that the fee is paid")
	}
	owed(late)
	f.flowDue("when it is paid", late, true)
	f.tell(late, hub.CaseCancelled, nil)
	f.mustBe(f.Replay(f.ctx, late.Delivery(1), store.Replay{Actor: "operator:x", Reason: "y", At: f.now}), store.ErrWithdrawn)
	_, err = f.CloseDelivery(f.ctx, late.Delivery(1), "operator:x", "given back", f.now)
	f.must(err)
	f.state(late, hub.SubmissionSettled)
	f.flowDue("when it is given back", late, true)
	f.tell(late, hub.CaseCancelled, nil)

	early := f.accept()
	payment(early, "")
	f.send("epay", hub.DeliveryDelivered)
	f.withdraw(early)
	owed(early)

	done := f.accept()
	payment(done, "")
	f.send("epay", hub.DeliveryDelivered)
	f.advance(done, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(done.Delivery(2))}})
	sent := f.claimOne("district")
	f.withdraw(done)
	f.state(done, hub.SubmissionRunning)
	f.record(sent, hub.DeliveryDelivered)
	f.state(done, hub.SubmissionSettled)

	refused := f.accept()
	payment(refused, "")
	f.send("epay", hub.DeliveryDelivered)
	f.advance(refused, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(refused.Delivery(2))}})
	sent = f.claimOne("district")
	f.withdraw(refused)
	f.record(sent, hub.DeliveryPending)
	owed(refused)
	f.figuresMatch([]hub.ID{late, early, done, refused})
}

// What a step has told as news is none any more when the next one is a rescue.
func withdrawPaidIsToldOnce(f *fixture) {
	id := f.accept()
	a := &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived, Deliveries: []store.NewDelivery{f.pending(id, 1, "epay"), f.waiting(id, 2, "district", 1), f.pending(id, 3, "finance")}}
	a.Deliveries[0].Role, a.Deliveries[2].Optional = hub.RolePayment, true
	f.advance(id, a)
	paying := f.claimOne("epay")
	f.answered(f.claimOne("finance"), hub.DeliveryAwaiting, "link")
	f.withdraw(id)
	f.record(paying, hub.DeliveryDelivered)
	equal(f, "parked for", f.delivery(id.Delivery(1)).Reason, hub.ParkRefund)
	f.tell(id, hub.CaseCancelled, nil)
	f.flowDue("told", id, false)
	f.pass(2 * time.Hour)
	f.claimOne("finance")
	f.pass(2 * time.Hour)
	f.must(f.Rescue(f.ctx, id.Delivery(3), node, false, f.now))
	f.flowDue("by a rescue that changes nothing", id, false)
}

// What was taken back may be paid at the other hub later: its notice is followed, and the
// portal is told when it is known, not before.
func withdrawPaidThere(f *fixture) {
	id := f.accept()
	d := f.pending(id, 1, "kreis")
	d.Role = hub.RoleAuthority
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived, Deliveries: []store.NewDelivery{d}})
	f.answered(f.claimOne("kreis"), hub.DeliveryAwaiting, "link")
	f.withdraw(id)
	ended := func(code string) {
		f.Helper()
		r := f.outcome(f.claimOne("kreis"), hub.DeliveryClosed)
		r.Attempt.Code, r.Token, r.KeepToken = code, []byte("sealed token"), true
		_, err := f.Record(f.ctx, r)
		f.must(err)
	}
	ended(hub.CodeRemoteCancelled)
	f.tell(id, hub.CaseCancelled, nil)
	for i, code := range []string{hub.CodeRemoteRefund, hub.CodeRemoteRefund, hub.CodeRemoteCancelled} {
		f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
		f.flowDue("while it is asked for", id, false)
		ended(code)
		f.state(id, hub.SubmissionSettled)
		f.flowDue("with the answer "+code, id, i != 1)
		f.tell(id, hub.CaseCancelled, nil)
	}
	f.figuresMatch([]hub.ID{id})
}
