package storetest

import (
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// What was not counted leaves the clock of a delivery that was tried before: it is given
// up when it would have been.
func recordNotCountedLater(f *fixture) {
	id := f.planned("infoma")
	first := f.now
	f.send("infoma", hub.DeliveryPending)
	f.pass(time.Hour)
	r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
	r.NotCounted = true
	_, err := f.Record(f.ctx, r)
	f.must(err)
	d := f.delivery(id.Delivery(1))
	equal(f, "attempts", d.Attempts, 1)
	equal(f, "first attempt", d.FirstAt, first)
}

// A code that says that the system may be at work is kept where an attempt has taught
// nothing, and goes with one that has.
func recordKeepsTheCode(f *fixture) {
	id := f.planned("infoma")
	for _, step := range []struct {
		code string
		keep bool
		want string
	}{{"timeout", false, "timeout"}, {"connection-refused", true, "timeout"}, {"http-503", true, "timeout"}, {"not-found", false, "not-found"}} {
		r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
		r.Attempt.Code, r.KeepCode, r.Uncertain = step.code, step.keep, true
		_, err := f.Record(f.ctx, r)
		f.must(err)
		equal(f, "code after "+step.code, f.delivery(id.Delivery(1)).Code, step.want)
		f.pass(time.Hour)
	}
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "the story has its own", attempts[1].Code, "connection-refused")
}

// What is awaited may bring news: another link, or the first one that there is.
func recordAwaitingNews(f *fixture) {
	id := f.planned("epayment")
	d := id.Delivery(1)
	for _, step := range []struct{ answer, code, want, told string }{
		{"", "payment-open", "", "payment-open"},
		{"", "action-required", "", "action-required"}, // nothing was known that it could take away
		{"link", "payment-open", "link", "payment-open"},
		{"", "http-503", "link", "payment-open"},
		{"newer link", "action-required", "newer link", "action-required"},
	} {
		r := f.outcome(f.claimOne("epayment"), hub.DeliveryAwaiting)
		r.Answer, r.Attempt.Code = nil, step.code
		if step.answer != "" {
			r.Answer = []byte(step.answer)
		}
		_, err := f.Record(f.ctx, r)
		f.must(err)
		equal(f, "answer", string(f.status(id).Answers[d]), step.want)
		equal(f, "code", f.delivery(d).Code, step.told)
		f.pass(time.Hour)
	}
}

// Only what says the same takes the place of the attempt before it in the story.
func putBackForAnotherReason(f *fixture) {
	same := func(*store.Record) {}
	for name, test := range map[string]struct {
		change func(*store.Record)
		want   int
	}{
		"the same":        {same, 1},
		"another code":    {func(r *store.Record) { r.Attempt.Code = "breaker-open" }, 2},
		"another kind":    {func(r *store.Record) { r.Attempt.Kind = "ask" }, 2},
		"another outcome": {func(r *store.Record) { r.Attempt.Outcome = "unknown" }, 2},
		"another number":  {func(r *store.Record) { r.Attempt.N++ }, 2},
		"another state":   {func(r *store.Record) { r.State = hub.DeliveryAwaiting }, 2},
		"a detail":        {func(r *store.Record) { r.Detail = []byte("sealed detail") }, 2},
	} {
		id := f.planned("infoma")
		for _, change := range []func(*store.Record){same, test.change} {
			r := f.outcome(f.claimOne("infoma"), hub.DeliveryPending)
			r.NotCounted, r.Attempt.Code, r.Detail = true, "no-key", nil
			change(r)
			_, err := f.Record(f.ctx, r)
			f.must(err)
			f.pass(time.Hour)
		}
		attempts, err := f.Attempts(f.ctx, id.Delivery(1))
		f.must(err)
		equal(f, name+": attempts", len(attempts), test.want)
		f.send("infoma", hub.DeliveryDelivered)
	}
}

// What ends while its submission is damaged is written down, and nothing follows from it.
func recordOfADamagedOne(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.pending(id, 2, "records"), f.waiting(id, 3, "citizen", 1))
	finance, records := f.claimOne("infoma"), f.claimOne("records")
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	if e := f.record(finance, hub.DeliveryDelivered); e.FlowDue || e.Settled {
		f.Errorf("effect: %+v, want none", e)
	}
	f.record(records, hub.DeliveryPending)
	f.state(id, hub.SubmissionDamaged)
	f.deliveryState(id.Delivery(1), hub.DeliveryDelivered)
	f.deliveryState(id.Delivery(2), hub.DeliveryPending)
	f.pass(2 * time.Hour)
	f.claimNone("records")
	next, err := f.NextDue(f.ctx, "records")
	f.must(err)
	equal(f, "nothing falls due", next.IsZero(), true)
	due, err := f.Due(f.ctx, f.now, store.Due{}, 10)
	f.must(err)
	equal(f, "due to the flow", len(due), 0)
}
