package storetest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func acceptedIsThere(f *fixture) {
	a := f.acceptance()
	a.Attachments = []store.SealedAttachment{{N: 1, Info: []byte("sealed info"), File: "x/1"}, {N: 2, Info: []byte("more"), File: "x/2"}}
	a.Submission.Attachments = 2
	_, err := f.Accept(f.ctx, a)
	f.must(err)

	s := f.status(a.Submission.ID)
	if !reflect.DeepEqual(s.Submission, a.Submission) {
		f.Errorf("the submission is\n%+v, want\n%+v", s.Submission, a.Submission)
	}
	equal(f, "deliveries", len(s.Deliveries), 0)
	c, err := f.Case(f.ctx, a.Submission.ID)
	f.must(err)
	if !bytes.Equal(c.Payload, a.Payload) || !bytes.Equal(c.Meta, a.Meta) || !bytes.Equal(c.DataKey, a.DataKey) || !reflect.DeepEqual(c.Attachments, a.Attachments) {
		f.Errorf("the case is %+v, want what was accepted", c)
	}
	if got, err := f.Submission(f.ctx, a.Submission.ID.Delivery(3)); err != nil || got.Submission.ID != a.Submission.ID {
		f.Errorf("a delivery's id should lead to its submission: %v", err)
	}
}

func acceptRefusesNonsense(f *fixture) {
	for name, change := range map[string]func(*store.Acceptance){
		"no id":         func(a *store.Acceptance) { a.Submission.ID = hub.ID{} },
		"a delivery":    func(a *store.Acceptance) { a.Submission.ID = a.Submission.ID.Delivery(1) },
		"another state": func(a *store.Acceptance) { a.Submission.State = hub.SubmissionRunning },
		"attachment out": func(a *store.Acceptance) {
			a.Submission.Attachments, a.Attachments = 1, []store.SealedAttachment{{N: 1, File: "../x"}}
		},
		"miscounted": func(a *store.Acceptance) { a.Submission.Attachments = 1 },
	} {
		a := f.acceptance()
		change(a)
		if _, err := f.Accept(f.ctx, a); err == nil {
			f.Errorf("%s: accepted", name)
		}
	}
	rows, err := f.List(f.ctx, store.Filter{})
	f.must(err)
	equal(f, "submissions", len(rows), 0)
}

func idempotencyKey(f *fixture) {
	a := f.acceptance()
	_, err := f.Earlier(f.ctx, a.Submission.Portal, a.Key, a.Fingerprint)
	f.mustBe(err, store.ErrNotFound)
	first, err := f.Accept(f.ctx, a)
	f.must(err)

	again := *a
	again.Submission.ID = f.ids.New()
	again.Answer = []byte("another answer")
	for range 2 {
		got, err := f.Accept(f.ctx, &again)
		f.must(err)
		if got.ID != first.ID || !got.Replayed || !bytes.Equal(got.Answer, a.Answer) {
			f.Fatalf("repeated key: %+v, want the first answer", got)
		}
	}
	got, err := f.Earlier(f.ctx, a.Submission.Portal, a.Key, a.Fingerprint)
	f.must(err)
	if got.ID != first.ID || !got.Replayed || !bytes.Equal(got.Answer, a.Answer) {
		f.Fatalf("earlier: %+v, want the first answer", got)
	}

	other := again
	other.Fingerprint[0] ^= 1
	_, err = f.Accept(f.ctx, &other)
	f.mustBe(err, store.ErrKeyReused)
	_, err = f.Earlier(f.ctx, a.Submission.Portal, a.Key, other.Fingerprint)
	f.mustBe(err, store.ErrKeyReused)

	portal := again
	portal.Submission.Portal = "iserlohn"
	if got, err := f.Accept(f.ctx, &portal); err != nil || got.Replayed {
		f.Fatalf("another portal's key: %+v, %v; want a new submission", got, err)
	}
	rows, err := f.List(f.ctx, store.Filter{})
	f.must(err)
	equal(f, "submissions", len(rows), 2)
}

func forgetKeys(f *fixture) {
	old := f.acceptance()
	_, err := f.Accept(f.ctx, old)
	f.must(err)
	f.pass(time.Hour)
	young := f.acceptance()
	_, err = f.Accept(f.ctx, young)
	f.must(err)

	n, err := f.ForgetKeys(f.ctx, f.now)
	f.must(err)
	equal(f, "forgotten", n, 1)
	_, err = f.Earlier(f.ctx, "soest", old.Key, old.Fingerprint)
	f.mustBe(err, store.ErrNotFound)
	_, err = f.Earlier(f.ctx, "soest", young.Key, young.Fingerprint)
	f.must(err)
	again := f.acceptance()
	again.Key = old.Key
	if got, err := f.Accept(f.ctx, again); err != nil || got.Replayed {
		f.Fatalf("a forgotten key: %+v, %v; want a new submission", got, err)
	}
	f.state(old.Submission.ID, hub.SubmissionAccepted)
	n, err = f.ForgetKeys(f.ctx, f.now.Add(time.Hour))
	f.must(err)
	equal(f, "forgotten at last", n, 2)
}

// manyKeys has more keys than any implementation keeps together.
func manyKeys(f *fixture) {
	const n = 5000
	all := make([]*store.Acceptance, n)
	for i := range all {
		all[i] = f.acceptance()
		all[i].Payload = nil
	}
	f.parallel(32, n, func(i int) error {
		_, err := f.Accept(f.ctx, all[i])
		return err
	})
	f.parallel(8, n/7, func(i int) error {
		a := all[i*7]
		got, err := f.Earlier(f.ctx, "soest", a.Key, a.Fingerprint)
		if err == nil && got.ID != a.Submission.ID {
			err = fmt.Errorf("key %s leads to %s, want %s", a.Key, got.ID, a.Submission.ID)
		}
		return err
	})
	forgotten, err := f.ForgetKeys(f.ctx, f.now.Add(time.Hour))
	f.must(err)
	equal(f, "forgotten", forgotten, n)
}

func cancelledContext(f *fixture) {
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	a := f.acceptance()
	_, err := f.Accept(ctx, a)
	if err == nil {
		f.state(a.Submission.ID, hub.SubmissionAccepted)
		return
	}
	f.mustBe(err, context.Canceled)
	_, err = f.Submission(f.ctx, a.Submission.ID)
	f.mustBe(err, store.ErrNotFound)
}

func unknownIDs(f *fixture) {
	known := f.planned("infoma")
	id := f.ids.New()
	for name, call := range map[string]func(hub.ID) error{
		"Submission": func(id hub.ID) error { _, err := f.Submission(f.ctx, id); return err },
		"Case":       func(id hub.ID) error { _, err := f.Case(f.ctx, id); return err },
		"Advance": func(id hub.ID) error {
			return f.Advance(f.ctx, id, 1, &store.Advance{At: f.now, State: hub.SubmissionRunning})
		},
		"Damage": func(id hub.ID) error { return f.Damage(f.ctx, id, "x", f.now) },
		"Events": func(id hub.ID) error { _, err := f.Events(f.ctx, id); return err },
		"Reopen": func(id hub.ID) error { return f.Reopen(f.ctx, id, "x", "x", f.now) },
		"Mend":   func(id hub.ID) error { return f.Mend(f.ctx, id, "x", "x", f.now) },
	} {
		if err := call(id); !errors.Is(err, store.ErrNotFound) {
			f.Errorf("%s: %v, want ErrNotFound", name, err)
		}
	}
	for name, call := range map[string]func(hub.ID) error{
		"Record": func(id hub.ID) error {
			_, err := f.Record(f.ctx, &store.Record{Attempt: hub.Attempt{Delivery: id}, State: hub.DeliveryDelivered})
			return err
		},
		"Rescue":        func(id hub.ID) error { return f.Rescue(f.ctx, id, node, false, f.now) },
		"Attempts":      func(id hub.ID) error { _, err := f.Attempts(f.ctx, id); return err },
		"Predecessor":   func(id hub.ID) error { _, err := f.Predecessor(f.ctx, id); return err },
		"Document":      func(id hub.ID) error { _, err := f.Document(f.ctx, id); return err },
		"Replay":        func(id hub.ID) error { return f.Replay(f.ctx, id, store.Replay{At: f.now}) },
		"CloseDelivery": func(id hub.ID) error { _, err := f.CloseDelivery(f.ctx, id, "x", "x", f.now); return err },
	} {
		for _, id := range []hub.ID{id.Delivery(1), known.Delivery(2)} {
			if err := call(id); !errors.Is(err, store.ErrNotFound) {
				f.Errorf("%s: %v, want ErrNotFound", name, err)
			}
		}
	}
}

func healthy(f *fixture) {
	f.must(f.Healthy(f.ctx))
	f.must(f.Healthy(f.ctx))
}

func jobs(f *fixture) {
	at, err := f.LastRun(f.ctx, "sweep")
	f.must(err)
	equal(f, "before the first run", at.IsZero(), true)
	f.must(f.SetLastRun(f.ctx, "sweep", f.now))
	f.must(f.SetLastRun(f.ctx, "sweep", f.now.Add(time.Hour)))
	f.must(f.SetLastRun(f.ctx, "forget", f.now))
	at, err = f.LastRun(f.ctx, "sweep")
	f.must(err)
	equal(f, "last run", at, f.now.Add(time.Hour))
}
