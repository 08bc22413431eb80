package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func replaySame(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Hour)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.state(id, hub.SubmissionRunning)
	task := f.claimOne("infoma")
	d := task.Delivery
	if d.State != hub.DeliveryPending || d.Attempts != 1 || !d.FirstAt.Equal(f.now) || d.Uncertain || d.Reason != "" {
		f.Errorf("replayed: %+v, want a new life", d)
	}
	equal(f, "the same bytes", string(task.Body), string(document(d.ID).Body))
	f.record(task, hub.DeliveryDelivered)
	f.state(id, hub.SubmissionSettled)

	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}), store.ErrState)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Force: true, At: f.now}))
	s := f.status(id).Submission
	equal(f, "state", s.State, hub.SubmissionRunning)
	equal(f, "not settled", s.SettledAt.IsZero(), true)
	if e := f.send("infoma", hub.DeliveryDelivered); !e.Settled {
		f.Errorf("effect: %+v, want settled again", e)
	}
}

func replayAnew(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Anew: true, Actor: "operator:x", At: f.now}))
	f.deliveryState(id.Delivery(1), hub.DeliveryWaiting)
	f.claimNone("infoma")
	if got := f.due(f.now); !slices.Equal(got, []hub.ID{id}) {
		f.Fatalf("due: %v", got)
	}
	doc := document(id.Delivery(1))
	doc.Body, doc.SHA256, doc.Revision = []byte("another document"), "ab12", "r2"
	f.advance(id, &store.Advance{State: hub.SubmissionRunning, Rendered: []store.Rendered{*doc}})
	task := f.claimOne("infoma")
	equal(f, "new bytes", string(task.Body), "another document")
	equal(f, "new hash", task.Delivery.SHA256, "ab12")
	got, err := f.Document(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "new revision", got.Revision, "r2")
}

func replayRefuses(f *fixture) {
	id := f.accept()
	parked := f.pending(id, 3, "records")
	parked.State, parked.Document, parked.Reason = hub.DeliveryParked, nil, hub.ParkUnmapped
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1), parked)
	for n, what := range map[int]string{1: "pending", 2: "waiting", 3: "without a document"} {
		if err := f.Replay(f.ctx, id.Delivery(n), store.Replay{Force: true, At: f.now}); !errors.Is(err, store.ErrState) {
			f.Errorf("replay of a delivery that is %s: %v, want ErrState", what, err)
		}
	}
	f.claimOne("infoma")
	f.mustBe(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, At: f.now}), store.ErrState)
	f.must(f.Replay(f.ctx, id.Delivery(3), store.Replay{Anew: true, At: f.now}))
}

func closeDelivery(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1))
	_, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
	f.send("infoma", hub.DeliveryParked)
	e, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:x", "done by hand", f.now)
	f.must(err)
	if !e.FlowDue || e.Settled {
		f.Errorf("effect of closing a predecessor: %+v, want the flow to be due", e)
	}
	d := f.delivery(id.Delivery(1))
	if d.State != hub.DeliveryClosed || d.Reason != "" || !d.SettledAt.Equal(f.now) {
		f.Errorf("closed: %+v", d)
	}
	equal(f, "due", len(f.due(f.now)), 1)
	e, err = f.CloseDelivery(f.ctx, id.Delivery(2), "operator:x", "not needed", f.now)
	f.must(err)
	if !e.Settled {
		f.Errorf("effect of closing the last: %+v", e)
	}
	f.state(id, hub.SubmissionSettled)
	_, err = f.CloseDelivery(f.ctx, id.Delivery(2), "operator:x", "again", f.now)
	f.mustBe(err, store.ErrState)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", At: f.now}))
	f.claimOne("infoma")
}

func closeSubmission(f *fixture) {
	id := f.accept()
	_, err := f.CloseDelivery(f.ctx, id, "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
	f.advance(id, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	e, err := f.CloseDelivery(f.ctx, id, "operator:x", "sent to the Kreis", f.now)
	f.must(err)
	equal(f, "settled", e.Settled, true)
	s := f.status(id).Submission
	if s.State != hub.SubmissionSettled || !s.SettledAt.Equal(f.now) || s.Reason != "" {
		f.Errorf("closed: %+v", s)
	}
	with := f.planned("infoma")
	_, err = f.CloseDelivery(f.ctx, with, "operator:x", "y", f.now)
	f.mustBe(err, store.ErrState)
}

func (f *fixture) list(filter store.Filter) []hub.ID {
	f.Helper()
	rows, err := f.List(f.ctx, filter)
	f.must(err)
	var ids []hub.ID
	for _, r := range rows {
		ids = append(ids, r.Submission.ID)
	}
	return ids
}

func listFilters(f *fixture) {
	start := f.now
	iserlohn := f.accept(func(a *store.Acceptance) {
		a.Submission.Municipality, a.Submission.Service, a.Submission.Portal = "05962024", "reitkennzeichen", "iserlohn"
	})
	f.pass(time.Hour)
	running := f.planned("infoma", "records")
	f.pass(time.Hour)
	parked := f.planned("records", "infoma")
	for _, t := range f.claimSome("infoma", 10) {
		if t.Submission.ID == parked {
			f.record(t, hub.DeliveryParked)
		} else {
			f.record(t, hub.DeliveryPending)
		}
	}
	f.pass(time.Hour)
	unmapped := f.accept()
	f.advance(unmapped, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	f.pass(time.Hour)
	settled := f.planned("waste")
	f.send("waste", hub.DeliveryDelivered)
	first, last, err := hub.ParseNumber(parked.Number())
	f.must(err)

	for _, test := range []struct {
		name   string
		filter store.Filter
		want   []hub.ID
	}{
		{"all", store.Filter{}, []hub.ID{settled, unmapped, parked, running, iserlohn}},
		{"municipality", store.Filter{Municipality: "05962024"}, []hub.ID{iserlohn}},
		{"service", store.Filter{Service: "reitkennzeichen"}, []hub.ID{iserlohn}},
		{"portal", store.Filter{Portal: "iserlohn"}, []hub.ID{iserlohn}},
		{"accepted", store.Filter{State: hub.SubmissionAccepted}, []hub.ID{iserlohn}},
		{"running", store.Filter{State: hub.SubmissionRunning}, []hub.ID{running}},
		{"parked", store.Filter{State: hub.SubmissionParked}, []hub.ID{unmapped, parked}},
		{"settled", store.Filter{State: hub.SubmissionSettled}, []hub.ID{settled}},
		{"damaged", store.Filter{State: hub.SubmissionDamaged}, nil},
		{"delivery parked", store.Filter{DeliveryState: hub.DeliveryParked}, []hub.ID{parked}},
		{"delivery parked in system", store.Filter{DeliveryState: hub.DeliveryParked, System: "infoma"}, []hub.ID{parked}},
		{"delivery parked elsewhere", store.Filter{DeliveryState: hub.DeliveryParked, System: "records"}, nil},
		{"delivery pending in system", store.Filter{DeliveryState: hub.DeliveryPending, System: "records"}, []hub.ID{parked, running}},
		{"delivery pending", store.Filter{DeliveryState: hub.DeliveryPending}, []hub.ID{parked, running}},
		{"delivery delivered in system", store.Filter{DeliveryState: hub.DeliveryDelivered, System: "waste"}, []hub.ID{settled}},
		{"system", store.Filter{System: "waste"}, []hub.ID{settled}},
		{"refused", store.Filter{Reason: hub.ParkRefused}, []hub.ID{parked}},
		{"unmapped", store.Filter{Reason: hub.ParkUnmapped}, []hub.ID{unmapped}},
		{"code of a delivery", store.Filter{Code: "iban-wrong"}, []hub.ID{parked}},
		{"code of a retry", store.Filter{Code: "connection-refused"}, []hub.ID{running}},
		{"code of a submission", store.Filter{Code: "not-competent"}, []hub.ID{unmapped}},
		{"conditions meet in one delivery", store.Filter{DeliveryState: hub.DeliveryParked, System: "infoma", Reason: hub.ParkRefused, Code: "iban-wrong"}, []hub.ID{parked}},
		{"conditions in different deliveries", store.Filter{System: "records", Code: "iban-wrong"}, nil},
		{"since", store.Filter{Since: start.Add(3 * time.Hour)}, []hub.ID{settled, unmapped}},
		{"until", store.Filter{Until: start.Add(time.Hour)}, []hub.ID{running, iserlohn}},
		{"number", store.Filter{First: first, Last: last}, []hub.ID{parked}},
	} {
		if got := f.list(test.filter); !slices.Equal(got, test.want) {
			f.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	rows, err := f.List(f.ctx, store.Filter{State: hub.SubmissionRunning})
	f.must(err)
	equal(f, "deliveries in a line", len(rows[0].Deliveries), 2)
}

func listPages(f *fixture) {
	var want []hub.ID
	for i := range 120 {
		id := f.accept(func(a *store.Acceptance) {
			if i%3 == 0 {
				a.Submission.Service = "abfallbehaelter-anmeldung"
			}
		})
		want = append(want, id)
	}
	slices.Reverse(want)
	equal(f, "without a limit", len(f.list(store.Filter{})), 50)
	equal(f, "a limit beyond the most", len(f.list(store.Filter{Limit: 5000})), 120)
	for _, service := range []string{"", "abfallbehaelter-anmeldung"} {
		var got []hub.ID
		for before := (hub.ID{}); ; {
			page := f.list(store.Filter{Service: service, Before: before, Limit: 7})
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			before = page[len(page)-1]
		}
		if service == "" && !slices.Equal(got, want) || service != "" && len(got) != 40 {
			f.Errorf("pages of %q give %d submissions", service, len(got))
		}
	}
}

func search(f *fixture) {
	hash := func(s string) []byte { return []byte(fmt.Sprintf("%-16s", s)) }
	find := func(s string) []hub.ID { return f.list(store.Filter{Search: hash(s), Limit: 1000}) }
	var odd []hub.ID
	for i := range 300 {
		id := f.accept()
		f.advance(id, &store.Advance{State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{f.pending(id, 1, "infoma")},
			Search: [][]byte{hash(fmt.Sprint("chip ", i)), hash([]string{"even", "odd"}[i%2])}})
		if i%2 == 1 {
			odd = append(odd, id)
		}
		if i == 17 {
			defer func() {
				if got := find("chip 17"); !slices.Equal(got, []hub.ID{id}) {
					f.Errorf("chip 17: %v, want %s", got, id)
				}
			}()
		}
	}
	slices.Reverse(odd)
	if got := find("odd"); !slices.Equal(got, odd) {
		f.Errorf("odd ones: %d, want %d", len(got), len(odd))
	}
	equal(f, "unknown", len(find("unknown")), 0)
	equal(f, "search and another condition", len(f.list(store.Filter{Search: hash("odd"), State: hub.SubmissionSettled})), 0)
}

func events(f *fixture) {
	id := f.accept()
	f.pass(time.Second)
	f.plan(id, f.pending(id, 1, "infoma"))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryPending)
	f.pass(time.Hour)
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Hour)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryDelivered)
	f.pass(time.Second)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Force: true, Actor: "operator:y", Reason: "lost over there", At: f.now}))
	f.pass(time.Second)
	f.send("infoma", hub.DeliveryParked)
	f.pass(time.Second)
	_, err := f.CloseDelivery(f.ctx, id.Delivery(1), "operator:y", "by hand", f.now)
	f.must(err)
	story, err := f.Events(f.ctx, id)
	f.must(err)
	var types []string
	for _, e := range story {
		types = append(types, e.Type)
	}
	want := []string{"accepted", "planned", "attempt", "attempt", "parked", "replayed", "attempt", "delivered", "settled", "replayed", "attempt", "parked", "closed", "settled"}
	if !slices.Equal(types, want) {
		f.Fatalf("the story is %v, want %v", types, want)
	}
	equal(f, "actor", story[0].Actor, "portal:soest")
	if e := story[5]; e.Actor != "operator:x" || e.Text != "repaired" || e.Delivery != id.Delivery(1) || e.System != "infoma" {
		f.Errorf("replay in the story: %+v", e)
	}
	if e := story[4]; e.Code != "iban-wrong" || e.Text != "refused" || e.Role != "role-infoma" {
		f.Errorf("park in the story: %+v", e)
	}

	parked := f.accept()
	f.advance(parked, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped, Code: "not-competent"})
	f.must(f.Reopen(f.ctx, parked, "operator:x", "route repaired", f.now.Add(time.Second)))
	story, err = f.Events(f.ctx, parked)
	f.must(err)
	if len(story) != 3 || story[1].Type != "parked" || story[1].Code != "not-competent" || story[2].Type != "reopened" {
		f.Errorf("story of a parked submission: %+v", story)
	}
}

func attemptsAndDocument(f *fixture) {
	id := f.accept()
	f.plan(id, f.pending(id, 1, "infoma"), f.waiting(id, 2, "citizen", 1))
	doc, err := f.Document(f.ctx, id.Delivery(1))
	f.must(err)
	want := document(id.Delivery(1))
	if doc.Delivery != want.Delivery || !bytes.Equal(doc.Head, want.Head) || !bytes.Equal(doc.Body, want.Body) || doc.SHA256 != want.SHA256 || doc.Revision != "r1" {
		f.Errorf("document: %+v, want %+v", doc, want)
	}
	_, err = f.Document(f.ctx, id.Delivery(2))
	f.mustBe(err, store.ErrNotFound)
	for i := range 5 {
		task := f.claimOne("infoma")
		r := f.outcome(task, hub.DeliveryPending)
		r.Detail = []byte{byte(i)}
		_, err := f.Record(f.ctx, r)
		f.must(err)
		f.pass(time.Hour)
	}
	attempts, err := f.Attempts(f.ctx, id.Delivery(1))
	f.must(err)
	equal(f, "attempts", len(attempts), 5)
	for i, a := range attempts {
		if a.N != i+1 || a.Delivery != id.Delivery(1) || a.Node != node || a.Kind != "send" || a.Outcome != "retry" || a.Code != "connection-refused" || a.Took != 5*time.Millisecond || !bytes.Equal(a.Detail, []byte{byte(i)}) {
			f.Errorf("attempt %d: %+v", i, a)
		}
	}
	none, err := f.Attempts(f.ctx, id.Delivery(2))
	f.must(err)
	equal(f, "attempts of a waiting delivery", len(none), 0)
}

func figures(f *fixture) {
	start := f.now
	f.accept()
	f.pass(time.Minute)
	f.planned("infoma", "records")
	f.pass(time.Minute)
	f.planned("infoma", "epayment")
	unmapped := f.accept()
	f.advance(unmapped, &store.Advance{State: hub.SubmissionParked, Reason: hub.ParkUnmapped})
	settled := f.planned("waste")
	f.send("waste", hub.DeliveryDelivered)
	f.record(f.claimSome("infoma", 1)[0], hub.DeliveryParked)
	f.send("epayment", hub.DeliveryAwaiting)
	f.claimOne("infoma")

	got, err := f.Figures(f.ctx)
	f.must(err)
	for state, n := range map[hub.SubmissionState]int64{hub.SubmissionAccepted: 1, hub.SubmissionRunning: 1, hub.SubmissionParked: 2, hub.SubmissionSettled: 1, hub.SubmissionDamaged: 0} {
		equal(f, "submissions "+string(state), got.Submissions[state], n)
	}
	equal(f, "refused", got.Parked[hub.ParkRefused], 1)
	equal(f, "unmapped", got.Parked[hub.ParkUnmapped], 1)
	equal(f, "records", got.Systems["records"], store.SystemFigures{Pending: 1, Oldest: start.Add(time.Minute)})
	equal(f, "infoma", got.Systems["infoma"], store.SystemFigures{Sending: 1, Parked: 1, Oldest: start.Add(2 * time.Minute)})
	equal(f, "epayment", got.Systems["epayment"], store.SystemFigures{Awaiting: 1, Oldest: start.Add(2 * time.Minute)})
	equal(f, "waste", got.Systems["waste"], store.SystemFigures{})

	f.must(f.Damage(f.ctx, settled, "x", f.now))
	got, err = f.Figures(f.ctx)
	f.must(err)
	equal(f, "damaged", got.Submissions[hub.SubmissionDamaged], 1)
	equal(f, "settled", got.Submissions[hub.SubmissionSettled], 0)
}

func auditTrail(f *fixture) {
	id := f.planned("infoma")
	f.send("infoma", hub.DeliveryParked)
	f.must(f.Replay(f.ctx, id.Delivery(1), store.Replay{Actor: "operator:x", Reason: "repaired", At: f.now}))
	f.must(f.Pause(f.ctx, "infoma", "operator:x", "update", f.now))
	f.must(f.Resume(f.ctx, "infoma", "operator:x", f.now))
	f.must(f.Audit(f.ctx,
		hub.AuditEntry{At: f.now, Actor: "operator:x", Action: "reloaded", Object: "configuration"},
		hub.AuditEntry{At: f.now, Actor: "hub", Action: "started", Object: node, Reason: "r2"}))
	trail, err := f.AuditTrail(f.ctx, 0, 100)
	f.must(err)
	var actions []string
	for _, e := range trail {
		actions = append(actions, e.Action)
	}
	if want := []string{"accepted", "replayed", "paused", "resumed", "reloaded", "started"}; !slices.Equal(actions, want) {
		f.Fatalf("the trail is %v, want %v", actions, want)
	}
	if e := trail[0]; e.Actor != "portal:soest" || e.Object != id.String() || e.Seq != 1 || !e.At.Equal(f.now) {
		f.Errorf("first entry: %+v", e)
	}
	_, err = audit.Verify(audit.Head{}, trail)
	f.must(err)
	rest, err := f.AuditTrail(f.ctx, 6, 100)
	f.must(err)
	equal(f, "from an entry in the middle of a step", len(rest), 1)
	equal(f, "its action", rest[0].Action, "started")
	some, err := f.AuditTrail(f.ctx, 2, 3)
	f.must(err)
	equal(f, "limited", len(some), 3)
	equal(f, "first of the limited", some[0].Seq, 2)
	none, err := f.AuditTrail(f.ctx, 7, 3)
	f.must(err)
	equal(f, "beyond the end", len(none), 0)
}

func rewrap(f *fixture) {
	var ids []hub.ID
	for range 25 {
		ids = append(ids, f.planned("infoma"))
	}
	seen := 0
	n, err := f.Rewrap(f.ctx, 10, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		seen++
		if municipality != "05974040" || string(wrapped) != "wrapped "+id.String() {
			f.Errorf("rewrap of %s in %s: %q", id, municipality, wrapped)
		}
		if id == ids[3] {
			return nil, nil
		}
		return append([]byte("again "), wrapped...), nil
	})
	f.must(err)
	equal(f, "seen", seen, 25)
	equal(f, "changed", n, 24)
	for i, id := range ids {
		c, err := f.Case(f.ctx, id)
		f.must(err)
		want := "again wrapped " + id.String()
		if i == 3 {
			want = "wrapped " + id.String()
		}
		equal(f, "data key", string(c.DataKey), want)
	}
	broken := errors.New("no key")
	_, err = f.Rewrap(f.ctx, 10, func(hub.ID, string, []byte) ([]byte, error) { return nil, broken })
	f.mustBe(err, broken)
}
