package storetest

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func (f *fixture) due(before time.Time) []hub.ID {
	f.Helper()
	found, err := f.Due(f.ctx, before, store.Due{}, 100)
	f.must(err)
	ids := make([]hub.ID, len(found))
	for i, one := range found {
		ids[i] = one.ID
	}
	return ids
}

func dueAndAdvance(f *fixture) {
	first := f.accept()
	f.pass(time.Second)
	second := f.accept()
	f.pass(time.Second)
	if got := f.due(f.now); !slices.Equal(got, []hub.ID{first, second}) {
		f.Fatalf("due: %v, want both, oldest first", got)
	}
	if got := f.due(f.now.Add(-2 * time.Second).Add(time.Millisecond)); !slices.Equal(got, []hub.ID{first}) {
		f.Fatalf("due for two seconds: %v, want the first", got)
	}
	page, err := f.Due(f.ctx, f.now, store.Due{}, 1)
	if err != nil || len(page) != 1 || page[0] != (store.Due{ID: first, Since: f.now.Add(-2 * time.Second)}) {
		f.Fatalf("one that is due: %v, %v", page, err)
	}
	if page, err = f.Due(f.ctx, f.now, page[0], 1); err != nil || len(page) != 1 || page[0].ID != second {
		f.Fatalf("the one behind it: %v, %v", page, err)
	}
	if page, err = f.Due(f.ctx, f.now, page[0], 1); err != nil || len(page) != 0 {
		f.Fatalf("behind the last one: %v, %v", page, err)
	}

	d1, d2 := f.pending(first, 1, "infoma"), f.waiting(first, 2, "records", 1)
	d1.Optional, d1.NotBefore = true, f.now.Add(time.Minute)
	parked := f.pending(first, 3, "public-order")
	parked.State, parked.Document, parked.Reason, parked.Code, parked.Detail = hub.DeliveryParked, nil, hub.ParkUnmapped, "breed-unknown", []byte("why")
	f.advance(first, &store.Advance{State: hub.SubmissionParked, Deliveries: []store.NewDelivery{d1, d2, parked}, Search: [][]byte{[]byte("0123456789abcdef")}})

	if got := f.due(f.now); !slices.Equal(got, []hub.ID{second}) {
		f.Fatalf("due after planning: %v, want only the second", got)
	}
	s := f.status(first)
	equal(f, "state", s.Submission.State, hub.SubmissionParked)
	equal(f, "own reason", s.Submission.Reason, "")
	equal(f, "deliveries", len(s.Deliveries), 3)
	got := s.Deliveries[0]
	if got.ID != d1.ID || got.Role != d1.Role || got.System != "infoma" || got.Document != "doc" || !got.Optional || got.State != hub.DeliveryPending || !got.NotBefore.Equal(d1.NotBefore) || got.SHA256 != d1.Document.SHA256 {
		f.Errorf("planned delivery is %+v, want %+v", got, d1.Delivery)
	}
	if got := s.Deliveries[1]; got.State != hub.DeliveryWaiting || !slices.Equal(got.After, []int{1}) || got.SHA256 != "" {
		f.Errorf("waiting delivery is %+v", got)
	}
	if got := s.Deliveries[2]; got.State != hub.DeliveryParked || got.Reason != hub.ParkUnmapped || got.Code != "breed-unknown" {
		f.Errorf("parked delivery is %+v", got)
	}
	c, err := f.Case(f.ctx, first)
	f.must(err)
	if !bytes.Equal(c.Parked[parked.ID], []byte("why")) || len(c.Parked) != 1 {
		f.Errorf("details of parked deliveries: %v", c.Parked)
	}
}

func advanceRefuses(f *fixture) {
	id := f.accept()
	run := &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")}}
	f.mustBe(f.Advance(f.ctx, id, 2, run), store.ErrStale)
	f.must(f.Advance(f.ctx, id, 1, run))
	f.mustBe(f.Advance(f.ctx, id, 1, run), store.ErrStale)
	v := f.status(id).Submission.Version
	if v <= 1 {
		f.Fatalf("version %d after an advance, want more than 1", v)
	}
	f.mustBe(f.Advance(f.ctx, id, v, run), store.ErrState) // the delivery is there already
	f.mustBe(f.Advance(f.ctx, id, v, &store.Advance{At: f.now, State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(id.Delivery(1))}}), store.ErrState)
	f.mustBe(f.Advance(f.ctx, id, v, &store.Advance{At: f.now, State: hub.SubmissionRunning, Unmapped: []store.Unmapped{{Delivery: id.Delivery(1)}}}), store.ErrState)
	f.mustBe(f.Advance(f.ctx, id, v, &store.Advance{At: f.now, State: hub.SubmissionAccepted}), store.ErrState)
	bare := f.pending(id, 2, "records")
	bare.Document = nil
	f.mustBe(f.Advance(f.ctx, id, v, &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{bare}}), store.ErrState)
	if err := f.Advance(f.ctx, id, v, &store.Advance{At: f.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(f.ids.New(), 1, "records")}}); err == nil {
		f.Fatal("a delivery of another submission is taken")
	}
	s := f.status(id)
	equal(f, "version after refusals", s.Submission.Version, v)
	equal(f, "deliveries after refusals", len(s.Deliveries), 1)
	f.claimOne("infoma")
}

func parkedByTheFlow(f *fixture) {
	id := f.accept()
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	s := f.status(id).Submission
	equal(f, "state", s.State, hub.SubmissionParked)
	equal(f, "reason", s.Reason, hub.ParkUnmapped)
	equal(f, "code", s.Code, "not-competent")
	equal(f, "due", len(f.due(f.now.Add(time.Hour))), 0)
}

func damage(f *fixture) {
	id, other := f.planned("infoma", "records"), f.planned("infoma")
	task := f.claimOne("records")
	v := f.status(id).Submission.Version
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.must(f.Damage(f.ctx, id, "payload", f.now))
	f.state(id, hub.SubmissionDamaged)
	if got := f.claimOne("infoma"); got.Delivery.ID != other.Delivery(1) {
		f.Errorf("claim gives %s, want the neighbour's delivery", got.Delivery.ID)
	}
	f.mustBe(f.Advance(f.ctx, id, v+1, &store.Advance{At: f.now, State: hub.SubmissionRunning}), store.ErrDamaged)
	// What is on its way comes to its end, and changes nothing.
	if e := f.record(task, hub.DeliveryDelivered); e.Settled || e.FlowDue {
		f.Errorf("effect of an outcome in a damaged submission: %+v", e)
	}
	f.state(id, hub.SubmissionDamaged)
	f.deliveryState(id.Delivery(2), hub.DeliveryDelivered)
	f.mustBe(f.Replay(f.ctx, id.Delivery(2), store.Replay{Force: true, At: f.now}), store.ErrDamaged)

	fresh := f.accept()
	f.must(f.Damage(f.ctx, fresh, "meta", f.now))
	equal(f, "due", len(f.due(f.now.Add(time.Hour))), 0)
	rows, err := f.List(f.ctx, store.Filter{State: hub.SubmissionDamaged})
	f.must(err)
	equal(f, "damaged submissions in the list", len(rows), 2)
}

// The citizen has ended the payment: what waits for it never happens, the rest does.
func closedTakesItsSuccessorsAlong(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "payment"), f.pending(id, 2, "records"), f.waiting(id, 3, "district", 1), f.waiting(id, 4, "citizen", 3), f.waiting(id, 5, "finance", 2))
	r := f.outcome(f.claimOne("payment"), hub.DeliveryClosed)
	r.Attempt.Code, r.Token = "payment-cancelled", []byte("sealed token")
	e, err := f.Record(f.ctx, r)
	f.must(err)
	if e.FlowDue || e.Settled {
		f.Errorf("effect: %+v", e)
	}
	for n, want := range map[int]hub.DeliveryState{1: hub.DeliveryClosed, 2: hub.DeliveryPending, 3: hub.DeliveryClosed, 4: hub.DeliveryClosed, 5: hub.DeliveryWaiting} {
		f.deliveryState(id.Delivery(n), want)
	}
	equal(f, "code of a successor", f.delivery(id.Delivery(4)).Code, "payment-cancelled")
	if e := f.send("records", hub.DeliveryDelivered); !e.FlowDue {
		f.Errorf("the other predecessor: %+v, want the flow to be due", e)
	}
	// Paid after all: put back, it is asked for by what is known of it.
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "paid late", At: f.now}))
	equal(f, "token of a replay", string(f.claimOne("payment").Token), "sealed token")
}

func successorsAfterPredecessors(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "records"), f.pending(id, 2, "payment"), f.waiting(id, 3, "finance", 1, 2), f.waiting(id, 4, "citizen", 3))
	if e := f.send("records", hub.DeliveryDelivered); e.FlowDue || e.Settled {
		f.Fatalf("one of two predecessors: %+v", e)
	}
	equal(f, "due", len(f.due(f.now)), 0)
	f.pass(time.Second)
	if e := f.send("payment", hub.DeliveryDelivered); !e.FlowDue || e.Settled {
		f.Fatalf("the second predecessor: %+v, want the flow to be due", e)
	}
	if got := f.due(f.now.Add(time.Second)); !slices.Equal(got, []hub.ID{id}) {
		f.Fatalf("due: %v", got)
	}
	c, err := f.Case(f.ctx, id)
	f.must(err)
	equal(f, "answers", len(c.Answers), 2)
	equal(f, "answer", string(c.Answers[id.Delivery(1)]), "sealed answer of "+id.Delivery(1).String())

	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*document(id.Delivery(3))}})
	equal(f, "due after rendering", len(f.due(f.now.Add(time.Hour))), 0)
	task := f.claimOne("finance")
	equal(f, "body", string(task.Body), string(document(id.Delivery(3)).Body))
	f.record(task, hub.DeliveryDelivered)
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Unmapped: []store.Unmapped{{Delivery: id.Delivery(4), Code: "no-address", Detail: []byte("why")}}})
	d := f.delivery(id.Delivery(4))
	if d.State != hub.DeliveryParked || d.Reason != hub.ParkUnmapped || d.Code != "no-address" {
		f.Errorf("unmapped delivery: %+v", d)
	}
	c, err = f.Case(f.ctx, id)
	f.must(err)
	equal(f, "detail", string(c.Parked[id.Delivery(4)]), "why")
}

// What was planned for one system goes to the one that has the role when it is mapped.
func movesWithItsRole(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.pending(id, 2, "records"))
	failed := f.outcome(f.claimOne("infoma"), hub.DeliveryParked)
	failed.Token = []byte("sealed token")
	_, err := f.Record(f.ctx, failed)
	f.must(err)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Anew: true, Actor: "operator:x", Reason: "moved", At: f.now}))
	doc := document(id.Delivery(1))
	doc.System, doc.Mapping = "mach", "mach-doc"
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*doc}})
	f.claimNone("infoma")
	task := f.claimOne("mach")
	equal(f, "document", task.Delivery.Document, "mach-doc")
	equal(f, "token", len(task.Token), 0)
	figures, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "sending at the new one", figures.Systems["mach"].Sending, 1)
	equal(f, "parked at the old one", figures.Systems["infoma"].Parked, 0)
	f.record(task, hub.DeliveryDelivered)
	equal(f, "system", f.delivery(id.Delivery(1)).System, "mach")
}

func reopen(f *fixture) {
	id := f.accept()
	f.mustBe(f.Reopen(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	v := f.status(id).Submission.Version
	f.must(f.Reopen(f.ctx, id, "operator:x", "route repaired", f.now))
	s := f.status(id).Submission
	if s.State != hub.SubmissionAccepted || s.Reason != "" || s.Code != "" || s.Version <= v {
		f.Errorf("reopened: %+v", s)
	}
	if got := f.due(f.now); !slices.Equal(got, []hub.ID{id}) {
		f.Errorf("due: %v", got)
	}
	f.plan(id, f.pending(id, 1, "infoma"))
	f.mustBe(f.Reopen(f.ctx, id, "operator:x", "y", f.now), store.ErrState)
}

// What Cases gives of several is what Case says of each; the rest is left out.
func casesAreCase(f *fixture) {
	erased := f.settledCase()
	f.erased(f.order(erased))
	parked := f.accept()
	d := f.pending(parked, 1, "infoma")
	d.State, d.Document, d.Reason, d.Code, d.Detail = hub.DeliveryParked, nil, hub.ParkUnmapped, "breed-unknown", []byte("why")
	f.advance(parked, &store.Advance{State: hub.SubmissionParked, Deliveries: []store.NewDelivery{d}})
	planned, damaged := f.planned("infoma", "records"), f.accept()
	f.must(f.Damage(f.ctx, damaged, "payload", f.now))
	missing := f.ids.New()

	cases, err := f.Cases(f.ctx, []hub.ID{damaged, planned, missing, parked, erased})
	f.must(err)
	var ids []hub.ID
	for _, c := range cases {
		ids = append(ids, c.Submission.ID)
		alone, err := f.Case(f.ctx, c.Submission.ID)
		f.must(err)
		if diff := cmp.Diff(alone, c); diff != "" {
			f.Errorf("together it is another case than alone:\n%s", diff)
		}
	}
	if !slices.Equal(ids, []hub.ID{planned, parked}) {
		f.Errorf("cases of %v, want %v", ids, []hub.ID{planned, parked})
	}
}

// What was parked before its plan is known by its hashes already when it is planned in the
// end, however many others came between.
func flowIndexesOnce(f *fixture) {
	id := f.accept()
	mine, others := [][]byte{[]byte("a hash of sixteen")}, make([][]byte, 600)
	for i := range others {
		others[i] = fmt.Appendf(nil, "another hash %d", i)
	}
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-offered", Search: mine})
	f.advance(f.accept(), &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-offered", Search: others})
	f.must(f.Reopen(f.ctx, id, "operator:x", "offered again", f.now))
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Search: mine, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")}})
	f.send("infoma", hub.DeliveryDelivered)
	if d := f.erased(f.order(id)); d.Counts.SearchHashes != 1 {
		f.Errorf("the proof counts %d search hashes, want 1", d.Counts.SearchHashes)
	}
}
