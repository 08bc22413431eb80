package storetest

import (
	"bytes"
	"encoding/hex"
	"errors"
	"slices"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// settledCase is a submission with everything: two deliveries, attempts, an answer.
func (f *fixture) settledCase(change ...func(*store.Acceptance)) hub.ID {
	f.Helper()
	id := f.accept(change...)
	f.advance(id, &store.Advance{
		State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma"), f.pending(id, 2, "records")},
		Search: [][]byte{[]byte("hash of " + id.String()), []byte("the same hash...")},
	})
	f.send("infoma", hub.DeliveryPending)
	f.send("records", hub.DeliveryDelivered)
	f.pass(2 * time.Hour)
	f.send("infoma", hub.DeliveryDelivered)
	f.state(id, hub.SubmissionSettled)
	return id
}

func (f *fixture) order(id hub.ID) store.Erase {
	return store.Erase{ID: id, Payload: true, Attachments: true, Metadata: true, Order: f.ids.New(), Actor: "operator:x", Reason: "Ticket 12", At: f.now}
}

func (f *fixture) erase(orders ...store.Erase) []store.Erased {
	f.Helper()
	done, err := f.Erase(f.ctx, orders)
	f.must(err)
	equal(f, "answers", len(done), len(orders))
	return done
}

func (f *fixture) erased(o store.Erase) hub.Deletion {
	f.Helper()
	e := f.erase(o)[0]
	f.must(e.Err)
	return e.Deletion
}

func eraseWhole(f *fixture) {
	id := f.settledCase()
	other := f.settledCase()
	before := f.status(id).Submission
	f.pass(time.Minute)
	o := f.order(id)
	d := f.erased(o)
	if d.N != 1 || d.Order != o.Order || d.Actor != "operator:x" || d.Reason != "Ticket 12" || d.Submission != id || !d.At.Equal(f.now) ||
		!d.SettledAt.Equal(before.SettledAt) || !d.KeyDestroyed || !slices.Equal(d.Parts, []string{hub.PartPayload, hub.PartMetadata}) || len(d.SHA256) != 64 {
		f.Fatalf("%+v", d)
	}
	if !slices.Equal(d.Recipients, []string{"infoma", "records"}) {
		f.Errorf("who has it: %v", d.Recipients)
	}
	// meta, payload, two answers, three details.
	if c := d.Counts; c.Records != 7 || c.Documents != 2 || c.SearchHashes != 2 || c.Attachments != 0 || c.Rows != 5 || c.Bytes == 0 {
		f.Errorf("%+v", c)
	}
	s := f.status(id)
	after := s.Submission
	if after.State != hub.SubmissionErased || len(s.Deliveries) != 0 || !after.Erased.Payload.Equal(f.now) || !after.Erased.Metadata.Equal(f.now) ||
		after.Version <= before.Version || after.Trace != "" || after.Consent != (hub.Consent{}) || after.SHA256 != [32]byte{} ||
		after.Municipality != before.Municipality || after.Portal != before.Portal || !after.ReceivedAt.Equal(before.ReceivedAt) || !after.SettledAt.Equal(before.SettledAt) {
		f.Errorf("what is left: %+v", s)
	}
	_, err := f.Case(f.ctx, id)
	f.mustBe(err, store.ErrErased)
	_, err = f.Document(f.ctx, id.Delivery(1))
	f.mustBe(err, store.ErrErased)
	_, err = f.Attempts(f.ctx, id.Delivery(1))
	f.mustBe(err, store.ErrErased)
	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:x", Reason: "y", At: f.now}), store.ErrErased)
	f.mustBe(f.Withdraw(f.ctx, id, "portal:soest", "", f.now), store.ErrErased)
	f.mustBe(f.Hold(f.ctx, id, hub.Hold{Since: f.now, By: "operator:x", Reason: "y"}), store.ErrErased)
	f.mustBe(f.erase(f.order(id))[0].Err, store.ErrErased)
	rows, err := f.List(f.ctx, store.Filter{Search: []byte("hash of " + id.String())})
	f.must(err)
	equal(f, "found by its hash", len(rows), 0)
	rows, err = f.List(f.ctx, store.Filter{Search: []byte("the same hash...")})
	f.must(err)
	if len(rows) != 1 || rows[0].Submission.ID != other {
		f.Errorf("the other one's hash: %+v", rows)
	}
	f.figuresMatch([]hub.ID{id, other})

	// The neighbour is whole.
	c, err := f.Case(f.ctx, other)
	f.must(err)
	equal(f, "the neighbour's answers", len(c.Answers), 2)
	_, err = f.Document(f.ctx, other.Delivery(2))
	f.must(err)

	// The record stays, and the trail has its digest.
	all, err := f.Deletions(f.ctx, store.DeletionFilter{Submission: id})
	f.must(err)
	if len(all) != 1 || all[0].SHA256 != d.SHA256 || all[0].Counts != d.Counts || !all[0].At.Equal(d.At) {
		f.Errorf("%+v", all)
	}
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	if e := trail[len(trail)-1]; e.Action != "erased" || e.Object != id.String() || e.Actor != "operator:x" || !bytes.Contains([]byte(e.Reason), []byte(d.SHA256)) {
		f.Errorf("the audit trail ends with %+v", e)
	}
	f.chainHolds()
}

// eraseInSteps: the payload goes first, and the attachments after it; only then is
// nothing left that the key opens.
func eraseInSteps(f *fixture) {
	id := f.settledCase(func(a *store.Acceptance) {
		a.Submission.Attachments = 1
		a.Attachments = []store.SealedAttachment{{N: 1, Info: []byte("sealed info"), File: "day/file"}}
	})
	step := func(change func(*store.Erase)) hub.Deletion {
		f.Helper()
		f.pass(time.Hour)
		o := f.order(id)
		o.Payload, o.Attachments, o.Metadata, o.Reason, o.Rule = false, false, false, "", "a rule"
		change(&o)
		return f.erased(o)
	}
	first := step(func(o *store.Erase) { o.Payload = true })
	if first.KeyDestroyed || !slices.Equal(first.Parts, []string{hub.PartPayload}) || first.Counts.Documents != 2 || first.Counts.Rows != 0 || first.Rule != "a rule" {
		f.Fatalf("%+v", first)
	}
	f.state(id, hub.SubmissionSettled)
	_, err := f.Case(f.ctx, id)
	f.mustBe(err, store.ErrErased)
	_, err = f.Document(f.ctx, id.Delivery(1))
	f.mustBe(err, store.ErrErased)
	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Anew: true, Force: true, Actor: "operator:x", Reason: "y", At: f.now}), store.ErrErased)
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "attempts are told", len(attempts), 2)
	for _, a := range attempts {
		equal(f, "their details", len(a.Detail), 0)
	}
	rows, err := f.List(f.ctx, store.Filter{Search: []byte("hash of " + id.String())})
	f.must(err)
	equal(f, "it is still found", len(rows), 1)
	story, err := f.Events(f.ctx, id)
	f.must(err)
	equal(f, "the story ends with", story[len(story)-1].Type, "erased")
	keys := f.wrapped()
	equal(f, "the key is there", len(keys[id]) > 0, true)

	second := step(func(o *store.Erase) { o.Attachments = true })
	if !second.KeyDestroyed || !slices.Equal(second.Parts, []string{hub.PartAttachments}) {
		f.Fatalf("%+v", second)
	}
	equal(f, "the key is there", len(f.wrapped()[id]), 0)
	o := f.order(id)
	o.Metadata = false
	f.mustBe(f.erase(o)[0].Err, store.ErrErased)

	third := step(func(o *store.Erase) { o.Metadata = true })
	if third.KeyDestroyed || third.N != 3 || !slices.Equal(third.Parts, []string{hub.PartMetadata}) || third.Counts.SearchHashes != 2 || third.Counts.Rows < 5 {
		f.Fatalf("%+v", third)
	}
	f.state(id, hub.SubmissionErased)
	all, err := f.Deletions(f.ctx, store.DeletionFilter{Limit: 2})
	f.must(err)
	if len(all) != 2 || all[0].N != 3 || all[1].N != 2 {
		f.Errorf("newest first: %+v", all)
	}
	all, err = f.Deletions(f.ctx, store.DeletionFilter{Before: 2, Order: first.Order})
	f.must(err)
	if len(all) != 1 || all[0].N != 1 {
		f.Errorf("by its order: %+v", all)
	}
	f.figuresMatch([]hub.ID{id})
	f.chainHolds()
}

// wrapped are all data keys.
func (f *fixture) wrapped() map[hub.ID][]byte {
	f.Helper()
	keys := map[hub.ID][]byte{}
	_, err := f.Rewrap(f.ctx, 10, func(id hub.ID, _ string, wrapped []byte) ([]byte, error) {
		keys[id] = wrapped
		return nil, nil
	})
	f.must(err)
	return keys
}

func eraseRefuses(f *fixture) {
	accepted := f.accept()
	running := f.planned("infoma")
	parked := f.planned("records")
	f.send("records", hub.DeliveryParked)
	damaged := f.settledCase2("waste")
	f.must(f.Damage(f.ctx, damaged, "payload", f.now))
	held := f.settledCase2("dms")
	f.must(f.Hold(f.ctx, held, hub.Hold{Since: f.now, By: "operator:x", Reason: "Klage"}))
	good := f.settledCase2("portal")
	ids := []hub.ID{accepted, running, parked, damaged, held, f.ids.New(), good}
	var orders []store.Erase
	for _, id := range ids {
		orders = append(orders, f.order(id))
	}
	done := f.erase(orders...)
	for i, want := range []error{store.ErrState, store.ErrState, store.ErrState, store.ErrState, store.ErrHeld, store.ErrNotFound, nil} {
		if !errors.Is(done[i].Err, want) || (want != nil) != (done[i].Deletion.N == 0) {
			f.Errorf("%d: %v, want %v", i, done[i].Err, want)
		}
	}
	equal(f, "an earlier refusal costs no number", done[6].Deletion.N, int64(1))
	for _, id := range []hub.ID{accepted, running, parked} {
		if _, err := f.Case(f.ctx, id); err != nil {
			f.Errorf("%s was refused and changed: %v", id, err)
		}
	}
	f.figuresMatch([]hub.ID{accepted, running, parked, damaged, held, good})

	// Withdrawn or closed, it can be erased; so can what was held.
	f.must(f.Withdraw(f.ctx, accepted, "operator:x", "y", f.now))
	f.must(f.Release(f.ctx, held, "operator:x", "the suit is over", f.now))
	f.mustBe(f.Release(f.ctx, held, "operator:x", "again", f.now), store.ErrState)
	for _, id := range []hub.ID{accepted, held} {
		f.erased(f.order(id))
	}
}

// settledCase2 is a settled submission with one delivery to a system.
func (f *fixture) settledCase2(system string) hub.ID {
	f.Helper()
	id := f.planned(system)
	f.send(system, hub.DeliveryDelivered)
	return id
}

// holds: set and lifted, seen in lists, with a line in the trail and none in the
// story that portals read.
func holds(f *fixture) {
	id, other := f.planned("infoma"), f.planned("infoma")
	h := hub.Hold{Since: f.now, By: "operator:x", Reason: "Klage 7 K 12/26"}
	version := f.status(id).Submission.Version
	f.must(f.Hold(f.ctx, id, h))
	f.pass(time.Hour)
	f.must(f.Hold(f.ctx, id, hub.Hold{Since: f.now, By: "operator:y", Reason: "another"}))
	s := f.status(id).Submission
	if s.Hold != h || s.Version != version {
		f.Errorf("held: %+v", s)
	}
	rows, err := f.List(f.ctx, store.Filter{Held: true})
	f.must(err)
	if len(rows) != 1 || rows[0].Submission.ID != id || rows[0].Submission.Hold != h {
		f.Errorf("list: %+v", rows)
	}
	// Nothing else stops.
	equal(f, "due", len(f.claimSome("infoma", 10)), 2)
	f.must(f.Release(f.ctx, id, "operator:y", "over", f.now))
	f.mustBe(f.Release(f.ctx, other, "operator:y", "over", f.now), store.ErrState)
	if f.status(id).Submission.Hold.On() {
		f.Error("it is still held")
	}
	rows, err = f.List(f.ctx, store.Filter{Held: true})
	f.must(err)
	equal(f, "held", len(rows), 0)
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	var told []string
	for _, e := range trail {
		if e.Action == "held" || e.Action == "released" {
			told = append(told, e.Action+" "+e.Actor+" "+e.Reason)
		}
	}
	if !slices.Equal(told, []string{"held operator:x Klage 7 K 12/26", "released operator:y over"}) {
		f.Errorf("audit: %q", told)
	}
	story, err := f.Events(f.ctx, id)
	f.must(err)
	for _, e := range story {
		if e.Type == "held" || e.Type == "released" {
			f.Errorf("the story tells %+v", e)
		}
	}
}

// eraseOptional: what was optional and waited for a person has nothing to wait with.
func eraseOptional(f *fixture) {
	id := f.accept(ordered("chip"))
	d := f.pending(id, 2, "citizen")
	d.Optional, d.OrderKey = true, []byte("chip")
	f.plan(id, f.pending(id, 1, "infoma"), d)
	f.send("citizen", hub.DeliveryParked)
	f.send("infoma", hub.DeliveryDelivered)
	f.state(id, hub.SubmissionSettled)
	o := f.order(id)
	o.Metadata = false
	f.erased(o)
	f.deliveryStates(id, hub.DeliveryDelivered, hub.DeliveryClosed)
	f.state(id, hub.SubmissionSettled)
	f.figuresMatch([]hub.ID{id})
	f.erased(f.order(id))
	f.figuresMatch([]hub.ID{id})
}

// Who had taken it over has it, also where it has ended since: the proof names them.
func eraseNamesWhoHadIt(f *fixture) {
	id := f.accept()
	a := &store.Advance{State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{
		f.pending(id, 1, "epay"), f.pending(id, 2, "kreis"), f.pending(id, 3, "asked"), f.waiting(id, 4, "nobody", 1)}}
	a.Deliveries[0].Role = hub.RolePayment
	f.advance(id, a)
	f.send("epay", hub.DeliveryDelivered)
	f.answered(f.claimOne("kreis"), hub.DeliveryClosed, "")
	f.answered(f.claimOne("asked"), hub.DeliveryAwaiting, "link")
	f.withdraw(id)
	_, err := f.CloseDelivery(f.ctx, id.Delivery(3), "operator:x", "by hand", f.now)
	f.must(err)
	equal(f, "the fee is owed", f.delivery(id.Delivery(1)).Reason, hub.ParkRefund)
	_, err = f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "given back", f.now)
	f.must(err)
	done, err := f.Erase(f.ctx, []store.Erase{{ID: id, Metadata: true, Actor: "operator:x", Reason: "by order", At: f.now}})
	f.must(err)
	f.must(done[0].Err)
	if got := done[0].Deletion.Recipients; !slices.Equal(got, []string{"epay", "kreis", "asked"}) {
		f.Errorf("who has it: %v", got)
	}
}

// eraseKeepsTheReceipt: the promise to a repeated idempotency key outlives the
// content, as long as keys are kept.
func eraseKeepsTheReceipt(f *fixture) {
	a := f.acceptance()
	_, err := f.Accept(f.ctx, a)
	f.must(err)
	id := a.Submission.ID
	f.must(f.Withdraw(f.ctx, id, "portal:soest", "", f.now))
	f.erased(f.order(id))
	again := func() {
		f.Helper()
		b := *a
		b.Submission.ID = f.ids.New()
		got, err := f.Accept(f.ctx, &b)
		f.must(err)
		if got.ID != id || !got.Replayed || !bytes.Equal(got.Answer, a.Answer) {
			f.Errorf("again: %+v", got)
		}
		b.Fingerprint[0]++
		_, err = f.Accept(f.ctx, &b)
		f.mustBe(err, store.ErrKeyReused)
	}
	again()
	n, err := f.ForgetReceipts(f.ctx, f.now.Add(-31*24*time.Hour))
	f.must(err)
	equal(f, "receipts forgotten too early", n, 0)
	again()
	f.pass(32 * 24 * time.Hour)
	_, err = f.ForgetKeys(f.ctx, f.now.Add(-30*24*time.Hour))
	f.must(err)
	n, err = f.ForgetReceipts(f.ctx, f.now.Add(-31*24*time.Hour))
	f.must(err)
	equal(f, "receipts forgotten", n, 1)
	b := *a
	b.Submission.ID = f.ids.New()
	got, err := f.Accept(f.ctx, &b)
	f.must(err)
	equal(f, "the key is new again", got.Replayed, false)
	f.state(id, hub.SubmissionErased)
}

func walk(f *fixture) {
	var want, got []hub.ID
	for range 5 {
		want = append(want, f.accept())
		f.pass(time.Second)
	}
	for after := (hub.ID{}); ; {
		page, err := f.Walk(f.ctx, after, 2)
		f.must(err)
		for _, s := range page {
			got = append(got, s.ID)
			after = s.ID
		}
		if len(page) < 2 {
			break
		}
	}
	if !slices.Equal(got, want) {
		f.Errorf("%v, want %v", got, want)
	}
}

// eraseMany: more than fit into one transaction, while others write.
func eraseMany(f *fixture) {
	var orders []store.Erase
	for range 80 {
		id := f.accept()
		f.must(f.Withdraw(f.ctx, id, "portal:soest", "", f.now))
		orders = append(orders, f.order(id))
	}
	for i, e := range f.erase(orders...) {
		f.must(e.Err)
		equal(f, "number", e.Deletion.N, int64(i+1))
	}
	did, err := f.Scrub(f.ctx)
	f.must(err)
	if did.Keys != 80 || did.Remaining != 0 || !did.Log {
		f.Errorf("%+v", did)
	}
	did, err = f.Scrub(f.ctx)
	f.must(err)
	equal(f, "keys to look for again", did.Keys, 0)
	f.chainHolds()
}

// chainHolds verifies the whole audit trail.
func (f *fixture) chainHolds() {
	f.Helper()
	trail, err := f.AuditTrail(f.ctx, 0, 10_000)
	f.must(err)
	if _, err := audit.Verify(audit.Head{}, trail); err != nil {
		f.Error(err)
	}
}

// cutAudit: the old end of the trail goes, the rest can still be verified.
func cutAudit(f *fixture) {
	for range 5 {
		f.accept()
		f.pass(time.Hour)
	}
	whole, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	start, err := f.AuditStart(f.ctx)
	f.must(err)
	equal(f, "the trail is whole", start, store.AuditStart{})
	start, err = f.CutAudit(f.ctx, whole[0].At, "hub", "nothing is that old", f.now)
	f.must(err)
	equal(f, "nothing was cut", start, store.AuditStart{})
	start, err = f.CutAudit(f.ctx, whole[3].At, "hub", "10 years", f.now)
	f.must(err)
	equal(f, "it begins behind", start, store.AuditStart{Seq: whole[2].Seq, Hash: whole[2].Hash})
	again, err := f.AuditStart(f.ctx)
	f.must(err)
	equal(f, "and says so again", again, start)
	rest, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	if len(rest) != 3 || rest[0].Seq != whole[3].Seq {
		f.Fatalf("the rest: %+v", rest)
	}
	if e := rest[2]; e.Action != store.ActionCut || e.Object != start.String() || e.Actor != "hub" || e.Reason != "10 years" {
		f.Errorf("its own entry: %+v", e)
	}
	head := audit.Head{Seq: start.Seq}
	hash, err := hex.DecodeString(start.Hash)
	f.must(err)
	copy(head.Hash[:], hash)
	_, err = audit.Verify(head, rest)
	f.must(err)
	f.accept()
	rest, err = f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	_, err = audit.Verify(head, rest)
	f.must(err)
}
