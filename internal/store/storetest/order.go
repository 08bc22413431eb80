package storetest

import (
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// inOrder is a submission with an order key and pending deliveries.
func (f *fixture) inOrder(key string, systems ...string) hub.ID {
	f.Helper()
	id := f.accept(ordered(key))
	f.planOrdered(id, key, systems...)
	return id
}

func (f *fixture) planOrdered(id hub.ID, key string, systems ...string) {
	f.Helper()
	var all []store.NewDelivery
	for i, s := range systems {
		d := f.pending(id, i+1, s)
		d.OrderKey = []byte(key)
		all = append(all, d)
	}
	f.plan(id, all...)
}

func orderHoldsBack(f *fixture) {
	first := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	other := f.inOrder("another chip", "infoma")
	tasks := f.claimSome("infoma", 10)
	equal(f, "tasks", len(tasks), 2)
	equal(f, "first task", tasks[0].Submission.ID, first)
	equal(f, "second task", tasks[1].Submission.ID, other)
	f.claimNone("infoma")
	f.record(tasks[0], hub.DeliveryPending)
	f.claimNone("infoma") // due again later, and not settled
	f.pass(time.Hour)
	again := f.claimOne("infoma")
	equal(f, "claimed again", again.Submission.ID, first)
	e := f.record(again, hub.DeliveryDelivered)
	equal(f, "system to look at next", e.Next, "infoma")
	equal(f, "freed", f.claimOne("infoma").Submission.ID, second)
}

func orderUnplannedHoldsBack(f *fixture) {
	first := f.accept(ordered("chip"))
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	f.claimNone("infoma")
	// The plan of the first has nothing for this system.
	f.planOrdered(first, "chip", "records")
	equal(f, "freed by the plan", f.claimOne("infoma").Submission.ID, second)

	third := f.accept(ordered("tag"))
	f.pass(time.Second)
	fourth := f.inOrder("tag", "infoma")
	f.advance(third, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "x"})
	f.claimNone("infoma")
	_, err := f.CloseDelivery(f.ctx, third, "operator:x", "withdrawn", f.now)
	f.must(err)
	equal(f, "freed by closing the submission", f.claimOne("infoma").Submission.ID, fourth)
}

func orderParkedHoldsBack(f *fixture) {
	first := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	f.record(f.claimSome("infoma", 1)[0], hub.DeliveryParked)
	f.claimNone("infoma")
	f.pass(24 * time.Hour)
	f.claimNone("infoma")
	f.must(f.Replay(f.ctx, first.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}))
	equal(f, "replayed", f.claimOne("infoma").Submission.ID, first)
	f.claimNone("infoma")
	_ = second
}

func orderOtherSystemsAreFree(f *fixture) {
	f.inOrder("chip", "infoma")
	f.pass(time.Second)
	second := f.inOrder("chip", "records", "infoma")
	equal(f, "to the other system", f.claimOne("records").Submission.ID, second)
	equal(f, "to the same system", len(f.claimSome("infoma", 10)), 1)
}

func orderDamagedAndClosedDoNot(f *fixture) {
	first := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	third := f.inOrder("chip", "infoma")
	f.send("infoma", hub.DeliveryParked)
	f.claimNone("infoma")
	e, err := f.CloseDelivery(f.ctx, first.Delivery(1), "operator:x", "sent by hand", f.now)
	f.must(err)
	equal(f, "system to look at next", e.Next, "infoma")
	task := f.claimOne("infoma")
	equal(f, "freed by closing", task.Submission.ID, second)
	f.claimNone("infoma")
	f.must(f.Damage(f.ctx, second, "payload", f.now))
	equal(f, "freed by the damage", f.claimOne("infoma").Submission.ID, third)
}

func orderNamesThePredecessor(f *fixture) {
	before := func(id hub.ID, n int, want hub.ID) {
		f.Helper()
		got, err := f.Predecessor(f.ctx, id.Delivery(n))
		f.must(err)
		equal(f, "predecessor", got, want)
	}
	first := f.accept(ordered("chip"))
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma", "records")
	f.pass(time.Second)
	third := f.inOrder("chip", "infoma")
	free := f.planned("infoma")
	before(second, 1, first) // not planned yet
	before(free, 1, hub.ID{})
	f.planOrdered(first, "chip", "infoma")
	before(first, 1, hub.ID{})
	before(second, 1, first)
	before(second, 2, hub.ID{}) // another system
	before(third, 1, first)
	for _, task := range f.claimSome("infoma", 10) {
		f.record(task, hub.DeliveryParked)
	}
	before(second, 1, first)
	_, err := f.CloseDelivery(f.ctx, first.Delivery(1), "operator:x", "by hand", f.now)
	f.must(err)
	before(second, 1, hub.ID{})
	before(third, 1, second)
}

// orderManyBehindOne: those held back do not hide the others, however many.
func orderManyBehindOne(f *fixture) {
	f.inOrder("chip", "infoma")
	f.send("infoma", hub.DeliveryParked)
	for range 150 {
		f.inOrder("chip", "infoma")
	}
	free := f.inOrder("another", "infoma")
	for range 200 {
		if tasks := f.claimSome("infoma", 1); len(tasks) == 1 {
			equal(f, "claimed", tasks[0].Submission.ID, free)
			return
		}
	}
	f.Fatal("a delivery behind many that are held back is never claimed")
}

// Several that had ended are put back in one step and in order: what is about the same
// thing leaves as it came. One that cannot be put back keeps nobody else.
func orderPutBackTogether(f *fixture) {
	first, second := f.inOrder("chip", "infoma"), f.inOrder("chip", "infoma")
	f.send("infoma", hub.DeliveryDelivered)
	f.send("infoma", hub.DeliveryDelivered)
	open, unknown := f.planned("records").Delivery(1), f.ids.New().Delivery(1)
	errs, err := f.ReplayAll(f.ctx, []hub.ID{open, first.Delivery(1), unknown, second.Delivery(1)},
		store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now})
	f.must(err)
	f.mustBe(errs[0], store.ErrState)
	f.must(errs[1])
	f.mustBe(errs[2], store.ErrNotFound)
	f.must(errs[3])
	t := f.claimOne("infoma")
	equal(f, "the first one leaves", t.Delivery.ID, first.Delivery(1))
	f.claimNone("infoma")
	f.record(t, hub.DeliveryDelivered)
	equal(f, "the second one follows", f.claimOne("infoma").Delivery.ID, second.Delivery(1))
	f.deliveryState(open, hub.DeliveryPending)
}

// A person may let a case go ahead of the earlier one that holds it back: somebody else's
// number was a mistake. It holds back the later ones itself, and order-by is kept for the rest.
func orderGoesAhead(f *fixture) {
	stranger := f.inOrder("chip", "infoma")
	f.pass(time.Second)
	honest := f.inOrder("chip", "infoma", "records")
	f.pass(time.Second)
	later := f.inOrder("chip", "infoma")
	f.record(f.claimSome("infoma", 1)[0], hub.DeliveryParked)
	f.claimNone("infoma")
	order := store.Replay{Force: true, Actor: "operator:x", Reason: "another dog", At: f.now}
	f.mustBe(f.Replay(f.ctx, honest.Delivery(1), store.Replay{Actor: "operator:x", Reason: "y", At: f.now}), store.ErrState)
	f.mustBe(f.Replay(f.ctx, honest.Delivery(2), order), store.ErrState) // nothing holds it back
	f.must(f.Replay(f.ctx, honest.Delivery(1), order))
	task := f.claimOne("infoma")
	equal(f, "goes ahead", task.Submission.ID, honest)
	f.record(task, hub.DeliveryPending)
	f.pass(time.Hour)
	task = f.claimOne("infoma")
	equal(f, "tried again, still ahead", task.Submission.ID, honest)
	f.record(task, hub.DeliveryDelivered)
	f.claimNone("infoma")
	_, err := f.CloseDelivery(f.ctx, stranger.Delivery(1), "operator:x", "no dog of that number", f.now)
	f.must(err)
	equal(f, "freed", f.claimOne("infoma").Submission.ID, later)
	f.figuresMatch([]hub.ID{stranger, honest, later})
}

// A role that has got another system keeps its order: what was planned for the one before
// goes to the new one when it is mapped, and until then nobody overtakes it there.
func orderFollowsTheRole(f *fixture) {
	ordered := func(key, system string, make func(id hub.ID) store.NewDelivery) hub.ID {
		id := f.accept(ordered(key))
		d := make(id)
		d.Role, d.System, d.OrderKey = "finance", system, []byte(key)
		all := []store.NewDelivery{d}
		if len(d.After) > 0 {
			p := f.pending(id, d.After[0], "payment")
			p.OrderKey = []byte(key)
			all = append(all, p)
		}
		f.plan(id, all...)
		f.pass(time.Second)
		return id
	}
	sent := func(id hub.ID) store.NewDelivery { return f.pending(id, 1, "infoma") }
	unpaid := ordered("chip", "infoma", func(id hub.ID) store.NewDelivery { return f.waiting(id, 1, "infoma", 2) })
	later := ordered("chip", "kasse", sent)
	f.claimNone("kasse")
	before, err := f.Predecessor(f.ctx, later.Delivery(1))
	f.must(err)
	equal(f, "predecessor", before, unpaid)
	f.send("payment", hub.DeliveryDelivered)
	r := document(unpaid.Delivery(1))
	r.System, r.Mapping = "kasse", "doc"
	f.advance(unpaid, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*r}})
	task := f.claimOne("kasse")
	equal(f, "first", task.Submission.ID, unpaid)
	f.record(task, hub.DeliveryDelivered)
	equal(f, "then", f.claimOne("kasse").Submission.ID, later)

	gone := ordered("tag", "infoma", sent)
	_, err = f.Strand(f.ctx, has("kasse"), f.now)
	f.must(err)
	behind := ordered("tag", "kasse", sent)
	f.claimNone("kasse")
	_, err = f.CloseDelivery(f.ctx, gone.Delivery(1), "operator:x", "sent by hand", f.now)
	f.must(err)
	equal(f, "freed", f.claimOne("kasse").Submission.ID, behind)
}

// What a system may be at work on is not asked about at once because a person is in a hurry.
func orderGoesAheadUnclear(f *fixture) {
	first := f.inOrder("chip", "infoma")
	f.record(f.claimOne("infoma"), hub.DeliveryParked)
	_, err := f.CloseDelivery(f.ctx, first.Delivery(1), "operator:x", "y", f.now)
	f.must(err)
	f.pass(time.Second)
	second := f.inOrder("chip", "infoma")
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
	r.Uncertain, r.Attempt.Code, r.NotBefore = true, "timeout", f.now.Add(time.Hour)
	_, err = f.Record(f.ctx, r)
	f.must(err)
	f.must(f.Replay(f.ctx, first.Delivery(1), store.Replay{Actor: "operator:x", Reason: "y", At: f.now}))
	f.must(f.Replay(f.ctx, second.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "z", At: f.now}))
	equal(f, "claimed", f.claimOne("infoma").Submission.ID, first)
	f.claimNone("infoma")
	f.pass(store.Settle)
	t := f.claimOne("infoma")
	equal(f, "claimed behind its moment", t.Submission.ID, second)
	equal(f, "it is asked about", t.Delivery.Uncertain, true)
}

// A fee that waits to be given back keeps nobody: whoever has withdrawn submits anew about
// the same thing, and is served at once.
func orderRefundHoldsNobodyBack(f *fixture) {
	withdrawn := func(key string) hub.ID {
		id := f.accept(ordered(key))
		payment, register := f.pending(id, 1, "epay"), f.waiting(id, 2, "register", 1)
		payment.Role = hub.RolePayment
		payment.OrderKey, register.OrderKey = []byte(key), []byte(key)
		f.plan(id, payment, register)
		return id
	}
	paid := withdrawn("chip")
	f.send("epay", hub.DeliveryDelivered)
	f.withdraw(paid)
	equal(f, "parked for", f.delivery(paid.Delivery(1)).Reason, hub.ParkRefund)
	f.pass(time.Second)
	second := f.inOrder("chip", "epay")
	t := f.claimOne("epay")
	equal(f, "the next one", t.Submission.ID, second)
	f.record(t, hub.DeliveryDelivered)

	late := withdrawn("tag")
	paying := f.claimOne("epay")
	f.withdraw(late)
	f.pass(time.Second)
	third := f.inOrder("tag", "epay")
	f.claimNone("epay")
	e := f.record(paying, hub.DeliveryDelivered)
	equal(f, "parked for", f.delivery(late.Delivery(1)).Reason, hub.ParkRefund)
	equal(f, "system to look at next", e.Next, "epay")
	equal(f, "freed", f.claimOne("epay").Submission.ID, third)
	before, err := f.Predecessor(f.ctx, third.Delivery(1))
	f.must(err)
	equal(f, "predecessor", before, hub.ID{})
	_, err = f.CloseDelivery(f.ctx, late.Delivery(1), "operator:x", "given back", f.now)
	f.must(err)
	f.figuresMatch([]hub.ID{paid, second, late, third})
}
