package storetest

import (
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// answered sends a delivery that may be asked for again, and records its outcome.
func (f *fixture) answered(t store.Task, state hub.DeliveryState, answer string) store.Effect {
	f.Helper()
	r := f.outcome(t, state)
	r.Token, r.KeepToken, r.Answer = []byte("sealed token"), true, []byte(answer)
	e, err := f.Record(f.ctx, r)
	f.must(err)
	return e
}

func (f *fixture) noticed(id hub.ID) (n int) {
	f.Helper()
	events, err := f.Events(f.ctx, id)
	f.must(err)
	for _, e := range events {
		if e.Type == "noticed" {
			n++
		}
	}
	return n
}

func noticeAwaiting(f *fixture) {
	id := f.planned("kreis")
	f.answered(f.claimOne("kreis"), hub.DeliveryAwaiting, "link")
	f.claimNone("kreis")
	for range 2 { // said twice, it is asked for once
		f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	}
	t := f.claimOne("kreis")
	equal(f, "state before", t.Delivery.State, hub.DeliveryAwaiting)
	equal(f, "token", string(t.Token), "sealed token")
	equal(f, "in the story", f.noticed(id), 0)
	f.mustBe(f.Notice(f.ctx, id.Delivery(1), f.now), store.ErrStale)
	f.claimNone("kreis")
	f.answered(t, hub.DeliveryDelivered, "done")
	f.state(id, hub.SubmissionSettled)
}

func noticeSettled(f *fixture) {
	id := f.planned("kreis", "records")
	f.send("records", hub.DeliveryDelivered)
	if e := f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "first"); !e.Settled {
		f.Fatalf("effect: %+v", e)
	}
	f.pass(48 * time.Hour)
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	f.state(id, hub.SubmissionRunning)
	equal(f, "not settled", f.status(id).Submission.SettledAt.IsZero(), true)
	equal(f, "in the story", f.noticed(id), 1)
	f.deliveryState(id.Delivery(2), hub.DeliveryDelivered)
	t := f.claimOne("kreis")
	if d := t.Delivery; d.State != hub.DeliveryAwaiting || d.Attempts != 1 || !d.FirstAt.Equal(f.now) {
		f.Errorf("asked for again: %+v", d)
	}
	equal(f, "token", string(t.Token), "sealed token")
	if e := f.answered(t, hub.DeliveryDelivered, "second"); !e.Settled {
		f.Errorf("effect: %+v, want settled again", e)
	}
	c, err := f.Case(f.ctx, id)
	f.must(err)
	equal(f, "answer", string(c.Answers[id.Delivery(1)]), "second")
	f.claimNone("kreis")
	settled := 0
	events, err := f.Events(f.ctx, id)
	f.must(err)
	for _, e := range events {
		if e.Type == "settled" {
			settled++
		}
	}
	equal(f, "settled in the story", settled, 2)
}

// What was asked for after its end, when the process went down, is asked for again: it was
// taken, and is not sent a second time.
func noticeRescued(f *fixture) {
	for _, end := range []hub.DeliveryState{hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryClosed} {
		id := f.planned("kreis")
		f.answered(f.claimOne("kreis"), end, "first")
		f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
		for range 2 {
			f.claimOne("kreis")
			f.pass(2 * time.Hour)
			f.must(f.Rescue(f.ctx, id.Delivery(1), node, false, f.now))
			if d := f.delivery(id.Delivery(1)); d.State != hub.DeliveryAwaiting || d.Uncertain {
				f.Errorf("%s, asked for and rescued: %+v", end, d)
			}
		}
		f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "second")
		f.state(id, hub.SubmissionSettled)
	}
}

func noticeParked(f *fixture) {
	id := f.planned("kreis")
	f.answered(f.claimOne("kreis"), hub.DeliveryParked, "")
	f.state(id, hub.SubmissionParked)
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	f.state(id, hub.SubmissionRunning)
	equal(f, "reason", f.delivery(id.Delivery(1)).Reason, hub.ParkReason(""))
	figures, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "parked", figures.Parked[hub.ParkRefused]+figures.Parked[hub.ParkUnclear], int64(0))
	equal(f, "awaiting", figures.Systems["kreis"].Awaiting, int64(1))
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "after all")
	f.state(id, hub.SubmissionSettled)
}

func noticeEnded(f *fixture) {
	id := f.planned("kreis")
	if e := f.answered(f.claimOne("kreis"), hub.DeliveryClosed, ""); !e.Settled {
		f.Fatalf("effect: %+v", e)
	}
	f.must(f.Notice(f.ctx, id.Delivery(1), f.now))
	f.state(id, hub.SubmissionRunning)
	f.answered(f.claimOne("kreis"), hub.DeliveryDelivered, "after all")
	f.state(id, hub.SubmissionSettled)
}

func noticeRefuses(f *fixture) {
	id := f.planned("kreis", "records")
	notice := func(n int) error { return f.Notice(f.ctx, id.Delivery(n), f.now) }
	f.mustBe(notice(1), store.ErrState) // pending: nothing to ask by
	t := f.claimOne("kreis")
	f.mustBe(notice(1), store.ErrStale)
	r := f.outcome(t, hub.DeliveryDelivered)
	r.Token = []byte("sealed token") // not kept: a system that has nothing more to say
	_, err := f.Record(f.ctx, r)
	f.must(err)
	f.mustBe(notice(1), store.ErrState)
	f.answered(f.claimOne("records"), hub.DeliveryParked, "")
	_, err = f.CloseDelivery(f.ctx, id.Delivery(2), "operator:x", "by hand", f.now)
	f.must(err)
	f.mustBe(notice(2), store.ErrState) // what a person has ended stays ended
	f.state(id, hub.SubmissionSettled)
	f.mustBe(notice(3), store.ErrNotFound)
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.mustBe(notice(1), store.ErrDamaged)
}
