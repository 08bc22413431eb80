package storetest

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"reflect"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// opening is a good one with a key of its own.
func (f *fixture) opening() *store.BundleOpening {
	f.n++
	id := f.ids.New()
	return &store.BundleOpening{
		Bundle: hub.Bundle{ID: id, Name: "umzugsmappe", Portal: "soest", OpenedAt: f.now, ChangedAt: f.now, Revision: "r1", Version: 1},
		Key:    fmt.Sprintf("key-%d", f.n), Fingerprint: sha256.Sum256([]byte("opening of " + id.String())),
		DataKey: []byte("wrapped " + id.String()), Answers: []byte("sealed answers"), Actor: "portal:soest",
	}
}

func (f *fixture) bundle() hub.ID {
	f.Helper()
	o := f.opening()
	got, err := f.OpenBundle(f.ctx, o)
	f.must(err)
	if got.Bundle != o.Bundle || got.Replayed {
		f.Fatalf("open %+v: %+v", o.Bundle, got)
	}
	return o.Bundle.ID
}

func (f *fixture) bundleCase(id hub.ID) *store.BundleCase {
	f.Helper()
	b, err := f.Bundle(f.ctx, id)
	f.must(err)
	return b
}

// close closes a bundle of which nobody is told.
func (f *fixture) close(id hub.ID) {
	f.Helper()
	ring, err := f.CloseBundle(f.ctx, id, "portal:soest", f.now)
	f.must(err)
	equal(f, "to be rung", ring, hub.ID{})
}

func in(bundle hub.ID, part string) func(*store.Acceptance) {
	return func(a *store.Acceptance) { a.Submission.Bundle, a.Submission.Part = bundle, part }
}

func bundleOpened(f *fixture) {
	o := f.opening()
	_, err := f.OpenBundle(f.ctx, o)
	f.must(err)
	want := &store.BundleCase{Bundle: o.Bundle, DataKey: o.DataKey, Answers: o.Answers}
	if got := f.bundleCase(o.Bundle.ID); !reflect.DeepEqual(got, want) {
		f.Fatalf("the bundle is\n%+v, want\n%+v", got, want)
	}
	id := f.ids.New()
	_, err = f.Bundle(f.ctx, id)
	f.mustBe(err, store.ErrNotFound)
	f.mustBe(f.AnswerBundle(f.ctx, id, nil, "x", f.now), store.ErrNotFound)
	_, err = f.CloseBundle(f.ctx, id, "x", f.now)
	f.mustBe(err, store.ErrNotFound)
	_, err = f.BundleEvents(f.ctx, id)
	f.mustBe(err, store.ErrNotFound)

	for name, change := range map[string]func(*store.BundleOpening){
		"no id":   func(o *store.BundleOpening) { o.Bundle.ID = hub.ID{} },
		"closed":  func(o *store.BundleOpening) { o.Bundle.ClosedAt = f.now },
		"version": func(o *store.BundleOpening) { o.Bundle.Version = 2 },
	} {
		o := f.opening()
		change(o)
		if _, err := f.OpenBundle(f.ctx, o); err == nil {
			f.Errorf("%s: opened", name)
		}
	}
}

func bundleKey(f *fixture) {
	o := f.opening()
	first, err := f.OpenBundle(f.ctx, o)
	f.must(err)
	again := *o
	again.Bundle.ID = f.ids.New()
	got, err := f.OpenBundle(f.ctx, &again)
	f.must(err)
	if got.Bundle != first.Bundle || !got.Replayed {
		f.Fatalf("repeated key: %+v, want the first bundle", got)
	}
	other := again
	other.Fingerprint[0] ^= 1
	_, err = f.OpenBundle(f.ctx, &other)
	f.mustBe(err, store.ErrKeyReused)
	portal := again
	portal.Bundle.Portal = "iserlohn"
	if got, err := f.OpenBundle(f.ctx, &portal); err != nil || got.Replayed {
		f.Fatalf("another portal's key: %+v, %v; want a new bundle", got, err)
	}
	// A submission with the same key is something else.
	a := f.acceptance()
	a.Key = o.Key
	if got, err := f.Accept(f.ctx, a); err != nil || got.Replayed {
		f.Fatalf("a submission with the bundle's key: %+v, %v; want a new one", got, err)
	}
	n, err := f.ForgetKeys(f.ctx, f.now.Add(time.Hour))
	f.must(err)
	equal(f, "forgotten", n, 3)
	again.Bundle.ID = f.ids.New()
	if got, err := f.OpenBundle(f.ctx, &again); err != nil || got.Replayed {
		f.Fatalf("a forgotten key: %+v, %v; want a new bundle", got, err)
	}
}

func bundleParts(f *fixture) {
	b := f.bundle()
	alone := f.accept()
	first := f.accept(in(b, "hund-abmelden"))
	second := f.accept(in(b, "hund-anmelden"))
	f.plan(second, f.pending(second, 1, "infoma"))
	c := f.bundleCase(b)
	if len(c.Parts) != 2 || !reflect.DeepEqual(c.Parts[0], *f.status(first)) || !reflect.DeepEqual(c.Parts[1], *f.status(second)) {
		f.Fatalf("the parts are %+v", c.Parts)
	}
	equal(f, "version", c.Bundle.Version, 3)
	s := f.status(second).Submission
	equal(f, "bundle", s.Bundle, b)
	equal(f, "part", s.Part, "hund-anmelden")
	kase, err := f.Case(f.ctx, first)
	f.must(err)
	equal(f, "bundle of the case", kase.Submission.Bundle, b)
	equal(f, "bundle of another", f.status(alone).Submission.Bundle, hub.ID{})

	rows, err := f.List(f.ctx, store.Filter{Bundle: b})
	f.must(err)
	equal(f, "listed", len(rows), 2)
	equal(f, "newest first", rows[0].Submission.ID, second)
	rows, err = f.List(f.ctx, store.Filter{Bundle: f.bundle()})
	f.must(err)
	equal(f, "of an empty one", len(rows), 0)

	// What a damaged part was for is not lost with it.
	f.must(f.Damage(f.ctx, first, "payload", f.now))
	c = f.bundleCase(b)
	equal(f, "state of the damaged part", c.Parts[0].Submission.State, hub.SubmissionDamaged)
	equal(f, "its part", c.Parts[0].Submission.Part, "hund-abmelden")
}

func bundleRefusesParts(f *fixture) {
	b := f.bundle()
	a := f.acceptance()
	in(b, "hund-anmelden")(a)
	_, err := f.Accept(f.ctx, a)
	f.must(err)

	unknown := f.acceptance()
	in(f.ids.New(), "x")(unknown)
	_, err = f.Accept(f.ctx, unknown)
	f.mustBe(err, store.ErrNotFound)
	others := f.acceptance()
	in(b, "x")(others)
	others.Submission.Portal = "iserlohn"
	_, err = f.Accept(f.ctx, others)
	f.mustBe(err, store.ErrNotFound)

	f.close(b)
	late := f.acceptance()
	in(b, "x")(late)
	_, err = f.Accept(f.ctx, late)
	f.mustBe(err, store.ErrState)
	for _, r := range []*store.Acceptance{unknown, others, late} {
		_, err := f.Submission(f.ctx, r.Submission.ID)
		f.mustBe(err, store.ErrNotFound)
		_, err = f.Earlier(f.ctx, r.Submission.Portal, r.Key, r.Fingerprint)
		f.mustBe(err, store.ErrNotFound)
	}
	// What was accepted before is answered all the same.
	again := *a
	again.Submission.ID = f.ids.New()
	got, err := f.Accept(f.ctx, &again)
	f.must(err)
	if !got.Replayed || got.ID != a.Submission.ID {
		f.Errorf("repeated after the end: %+v", got)
	}
	equal(f, "parts", len(f.bundleCase(b).Parts), 1)
}

func bundleLife(f *fixture) {
	b := f.bundle()
	f.pass(time.Hour)
	f.must(f.AnswerBundle(f.ctx, b, []byte("other answers"), "portal:soest", f.now))
	if got := f.bundleCase(b); !bytes.Equal(got.Answers, []byte("other answers")) || got.Bundle.Version != 2 {
		f.Fatalf("answered: %+v", got)
	}
	f.pass(time.Hour)
	id := f.accept(in(b, "hund-anmelden"))
	f.plan(id, f.pending(id, 1, "infoma"))
	f.pass(time.Hour)
	f.send("infoma", hub.DeliveryDelivered)
	f.pass(time.Hour)
	closed := f.now
	f.close(b)
	f.pass(time.Hour)
	f.close(b)
	equal(f, "closed", f.bundleCase(b).Bundle.ClosedAt, closed)
	f.mustBe(f.AnswerBundle(f.ctx, b, nil, "portal:soest", f.now), store.ErrState)

	story, err := f.BundleEvents(f.ctx, b)
	f.must(err)
	var told string
	for _, e := range story {
		told += " " + e.Type
		if e.Type == "part-added" && (e.Delivery != id || e.Text != "hund-anmelden") {
			f.Errorf("%+v", e)
		}
	}
	equal(f, "story", told, " opened answers-changed part-added part-settled closed")
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	var noted string
	for _, e := range trail {
		if e.Object == b.String() {
			noted += " " + e.Action
		}
	}
	equal(f, "trail", noted, " bundle-opened bundle-answers-changed bundle-closed")
	_, err = audit.Verify(audit.Head{}, trail)
	f.must(err)
}

func bundleFind(f *fixture) {
	var all []hub.ID
	for range 3 {
		all = append(all, f.bundle())
		f.pass(time.Second)
	}
	for _, id := range all {
		first, last, err := hub.ParseNumber(id.Number())
		f.must(err)
		got, err := f.FindBundles(f.ctx, first, last, 2)
		f.must(err)
		if len(got) != 1 || got[0].ID != id {
			f.Errorf("number of %s: %+v", id, got)
		}
	}
	got, err := f.FindBundles(f.ctx, all[0], all[2], 2)
	f.must(err)
	if len(got) != 2 || got[0].ID != all[0] || got[1].ID != all[1] {
		f.Errorf("found %+v", got)
	}
}

func bundleRewrap(f *fixture) {
	sub := f.accept()
	var ids []hub.ID
	for range 5 {
		ids = append(ids, f.bundle())
	}
	n, err := f.Rewrap(f.ctx, 2, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		if id != sub && municipality != "soest" {
			f.Errorf("bundle %s is bound to %q, want its portal", id, municipality)
		}
		return append([]byte("again "), wrapped...), nil
	})
	f.must(err)
	equal(f, "changed", n, 6)
	for _, id := range ids {
		c := f.bundleCase(id)
		equal(f, "data key", string(c.DataKey), "again wrapped "+id.String())
		equal(f, "version", c.Bundle.Version, 1)
	}
}

// A callback of a bundle is written once, whichever of its parts was faster.
func bundleTold(f *fixture) {
	b := f.bundle()
	part := func(system string) hub.ID {
		id := f.accept(in(b, "hund-anmelden"))
		f.advance(id, &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived, Deliveries: []store.NewDelivery{f.pending(id, 1, system)}})
		f.send(system, hub.DeliveryDelivered)
		f.tell(id, hub.CaseCompleted, nil)
		return id
	}
	one, two := part("infoma"), part("akte")
	f.flowDue("while it is open", two, false)
	stale := f.status(two).Submission.Version
	ring, err := f.CloseBundle(f.ctx, b, "portal:soest", f.now)
	f.must(err)
	equal(f, "to be rung", ring, two)
	f.flowDue("once it is closed", two, true)
	f.flowDue("for one part alone", one, false)
	// A step that has seen it open is stale, or the news would be lost.
	f.mustBe(f.Tell(f.ctx, two, stale, &store.Tell{At: f.now, Told: hub.CaseCompleted}), store.ErrStale)
	tell := func(id hub.ID, was, told hub.CaseStatus) error {
		return f.Tell(f.ctx, id, f.status(id).Submission.Version, &store.Tell{
			At: f.now, Told: hub.CaseCompleted, Callback: f.callback(id, 2), Bundle: &store.TellBundle{Was: was, Told: told}})
	}
	f.must(tell(two, "", hub.CaseCompleted))
	f.flowDue("once it is told", two, false)
	equal(f, "told", f.bundleCase(b).Bundle.Told, hub.CaseCompleted)
	f.mustBe(tell(one, "", hub.CaseCompleted), store.ErrStale)
	equal(f, "callbacks of the slower one", len(f.status(one).Deliveries), 1)
	equal(f, "callbacks", len(f.status(two).Deliveries), 2)
	// One that has not left is superseded, whichever part it was by.
	f.must(tell(one, hub.CaseCompleted, hub.CaseProcessing))
	equal(f, "the earlier one", f.delivery(two.Delivery(2)).Code, hub.CodeSuperseded)
	f.deliveryState(two.Delivery(2), hub.DeliveryClosed)
	f.deliveryState(one.Delivery(2), hub.DeliveryPending)
	// One that is on its way is waited for, and not tried again behind a newer one.
	sending := f.claimOne("portal")
	f.must(f.Tell(f.ctx, two, f.status(two).Submission.Version, &store.Tell{
		At: f.now, Told: hub.CaseCompleted, Callback: f.callback(two, 3), Bundle: &store.TellBundle{Was: hub.CaseProcessing, Told: hub.CaseCompleted}}))
	f.claimNone("portal")
	f.record(sending, hub.DeliveryPending)
	equal(f, "the one that was on its way", f.delivery(one.Delivery(2)).Code, hub.CodeSuperseded)
	sending = f.claimOne("portal")
	equal(f, "the newest one", sending.Delivery.ID, two.Delivery(3))
	f.record(sending, hub.DeliveryDelivered)

	// A callback tells of every part that needs the citizen now; none of them tells it again.
	b = f.bundle()
	done, asking := part("records"), f.accept(in(b, "reiten"))
	f.advance(asking, &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived, Deliveries: []store.NewDelivery{f.pending(asking, 1, "pay")}})
	r := f.outcome(f.claimOne("pay"), hub.DeliveryAwaiting)
	r.Attempt.Code = hub.CodePaymentOpen
	_, err = f.Record(f.ctx, r)
	f.must(err)
	stale = f.status(asking).Submission.Version
	f.must(f.Tell(f.ctx, done, f.status(done).Submission.Version, &store.Tell{
		At: f.now, Told: hub.CaseCompleted, Callback: f.callback(done, 2), Bundle: &store.TellBundle{Told: hub.CaseActionRequired}}))
	equal(f, "what the portal knows of the other part", f.status(asking).Submission.Told, hub.CaseActionRequired)
	f.mustBe(f.Tell(f.ctx, asking, stale, &store.Tell{At: f.now, Told: hub.CaseActionRequired, Callback: f.callback(asking, 2)}), store.ErrStale)

	// Nobody wants to know: nothing is due.
	b = f.bundle()
	quiet := f.accept(in(b, "hund-anmelden"))
	f.plan(quiet, f.pending(quiet, 1, "infoma"))
	f.send("infoma", hub.DeliveryDelivered)
	f.close(b)
	f.flowDue("for nobody", quiet, false)
}

// A bundle that was closed while a part was set aside ends when that is mended, or given
// up: the portal is told, by a part that can be told of.
func bundleToldOfTheMended(f *fixture) {
	for _, mended := range []bool{true, false} {
		b := f.bundle()
		var parts []hub.ID
		for range 2 {
			id := f.accept(in(b, "hund-anmelden"))
			f.advance(id, &store.Advance{State: hub.SubmissionRunning, Told: hub.CaseReceived, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")}})
			f.send("infoma", hub.DeliveryDelivered)
			f.tell(id, hub.CaseCompleted, nil)
			parts = append(parts, id)
		}
		f.must(f.Damage(f.ctx, parts[1], "payload", f.now))
		f.close(b)
		f.flowDue("while one is set aside", parts[0], false)
		if mended {
			f.must(f.Mend(f.ctx, parts[1], "operator:x", "restored", f.now))
		} else {
			_, err := f.CloseDelivery(f.ctx, parts[1], "operator:x", "given up", f.now)
			f.must(err)
		}
		due := f.due(f.now.Add(time.Second))
		if len(due) != 1 || mended != (due[0] == parts[1]) {
			f.Errorf("mended %t: due for the flow are %v of %v", mended, due, parts)
		}
		equal(f, "status", f.bundleCase(b).Standing().Status, hub.CaseCompleted)
		for _, id := range due {
			f.must(f.Tell(f.ctx, id, f.status(id).Submission.Version, &store.Tell{At: f.now, Told: hub.CaseCompleted, Callback: f.callback(id, 2), Bundle: &store.TellBundle{Told: hub.CaseCompleted}}))
			f.flowDue("once it is told", id, false)
		}
	}
}

// Answers are kept as long as they may be needed, and no longer.
func bundleForgets(f *fixture) {
	const month, year = 30 * 24 * time.Hour, 365 * 24 * time.Hour
	sent := func(b hub.ID) hub.ID {
		id := f.accept(in(b, "hund-anmelden"))
		f.plan(id, f.pending(id, 1, "infoma"))
		return id
	}
	open, closed, busy, erased := f.bundle(), f.bundle(), f.bundle(), f.bundle()
	sent(closed)
	f.send("infoma", hub.DeliveryDelivered)
	f.close(closed)
	gone := sent(erased)
	f.send("infoma", hub.DeliveryDelivered)
	other := sent(erased)
	f.send("infoma", hub.DeliveryDelivered)
	sent(busy)
	f.close(busy)
	forget := func(want int) {
		f.Helper()
		n, err := f.ForgetAnswers(f.ctx, f.now.Add(-month), f.now.Add(-year), f.now)
		f.must(err)
		equal(f, "forgotten", n, want)
	}
	kept := func(want bool, all ...hub.ID) {
		f.Helper()
		for _, b := range all {
			c := f.bundleCase(b)
			if (len(c.DataKey) > 0) != want || (len(c.Answers) > 0) != want {
				f.Errorf("bundle %s: key %q, answers %q; want kept: %t", b, c.DataKey, c.Answers, want)
			}
		}
	}
	forget(0)
	erase := func(id hub.ID) {
		f.Helper()
		done, err := f.Erase(f.ctx, []store.Erase{{ID: id, Metadata: true, Order: f.ids.New(), Actor: "operator:x", Reason: "asked for", At: f.now}})
		f.must(err)
		f.must(done[0].Err)
	}
	erase(gone)
	kept(true, erased)
	erase(other) // the last one of it
	kept(false, erased)
	equal(f, "closed with it", f.bundleCase(erased).Bundle.ClosedAt, f.now)
	f.pass(month + time.Hour)
	held := f.bundleCase(closed).Parts[0].Submission.ID
	f.must(f.Hold(f.ctx, held, hub.Hold{Since: f.now, By: "operator:x", Reason: "lawsuit"}))
	forget(0)
	f.must(f.Release(f.ctx, held, "operator:x", "over", f.now))
	forget(1) // closed and settled for a month
	kept(false, closed)
	kept(true, open, busy)
	equal(f, "what is told of it", f.bundleCase(erased).Standing().Status, hub.CaseCompleted)
	equal(f, "parts of a closed one", len(f.bundleCase(closed).Parts), 1)
	forget(0)
	f.must(f.AnswerBundle(f.ctx, open, []byte("later answers"), "portal:soest", f.now))
	f.pass(year - time.Hour)
	forget(1) // on its way or not, nobody has touched it for a year
	kept(false, busy)
	kept(true, open)
	f.pass(2 * time.Hour)
	forget(1)
	kept(false, open)
	f.mustBe(f.AnswerBundle(f.ctx, open, []byte("too late"), "portal:soest", f.now), store.ErrState)
	n, err := f.Rewrap(f.ctx, 10, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		if municipality == "soest" {
			f.Errorf("there is no key of %s to be wrapped", id)
		}
		return nil, nil
	})
	f.must(err)
	equal(f, "rewrapped", n, 0)
	scrubbed, err := f.Scrub(f.ctx)
	f.must(err)
	equal(f, "destroyed keys", scrubbed.Keys, 6) // of two submissions and four bundles
	equal(f, "left in the file", scrubbed.Remaining, 0)
}
