package flow

import (
	"context"
	"errors"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// crossed is a store in which somebody else is faster: the first steps find the case
// changed, ended or damaged.
type crossed struct {
	flowStore
	with  error
	first int // so many steps
	steps int
}

func (c *crossed) Advance(ctx context.Context, id hub.ID, version int64, a *store.Advance) error {
	if c.steps++; c.steps <= c.first {
		return c.with
	}
	return c.flowStore.Advance(ctx, id, version, a)
}

// A step that somebody else was faster than is decided anew, a few times; after that it is
// left to the sweep. What has ended meanwhile is no error, and anything else is one.
func TestSomebodyElseWasFaster(t *testing.T) {
	disk := errors.New("disk")
	for name, test := range map[string]struct {
		crossed
		steps int
		want  error
		state hub.SubmissionState
	}{
		"once":        {crossed{with: store.ErrStale, first: 1}, 2, nil, hub.SubmissionRunning},
		"ever again":  {crossed{with: store.ErrStale, first: 99}, 3, nil, hub.SubmissionAccepted},
		"withdrawn":   {crossed{with: store.ErrWithdrawn, first: 99}, 1, nil, hub.SubmissionAccepted},
		"deleted":     {crossed{with: store.ErrErased, first: 99}, 1, nil, hub.SubmissionAccepted},
		"damaged":     {crossed{with: store.ErrDamaged, first: 99}, 1, nil, hub.SubmissionAccepted},
		"a full disk": {crossed{with: disk, first: 99}, 1, disk, hub.SubmissionAccepted},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			c := test.crossed
			c.flowStore, d.Store = d.Store, &c
			id := d.accept("labrador.xml", nil, nil)
			if err := d.Run(t.Context(), id); !errors.Is(err, test.want) || err != nil && test.want == nil {
				t.Errorf("%v, want %v", err, test.want)
			}
			s, err := d.store.Submission(t.Context(), id)
			if err != nil || s.Submission.State != test.state || c.steps != test.steps {
				t.Errorf("it is %s after %d steps, %v", s.Submission.State, c.steps, err)
			}
			if woken := len(d.woken) > 0; woken != (test.state == hub.SubmissionRunning) {
				t.Errorf("woken %v", d.woken)
			}
			if kept := d.warm.get(id) != nil; kept != (test.state == hub.SubmissionRunning) {
				t.Errorf("it is kept open: %v", kept)
			}
		})
	}
}

// What a step did is told with its moment.
func TestWhatAStepTells(t *testing.T) {
	d := newDesk(t)
	var told []Step
	d.Advanced = func(s Step) { told = append(told, s) }
	id := d.accept("labrador.xml", nil, nil)
	d.now = d.now.Add(time.Hour)
	began := d.now
	d.Wake = func(string) { d.now = d.now.Add(time.Second) } // so long it takes
	s := d.run(id)
	if len(told) != 1 || told[0].Planned != len(s.Deliveries) || told[0].Planned == 0 || told[0].Unmapped != 0 || told[0].Took <= 0 {
		t.Errorf("%+v", told)
	}
	events, err := d.store.Events(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	planned := false
	for _, e := range events {
		if e.Type == "planned" {
			planned = e.At.Equal(began)
		}
	}
	if !planned {
		t.Errorf("when was it planned: %+v", events)
	}
}

// A damaged case alerts once, whoever rings again.
func TestDamageAlertsOnce(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, func(a *store.Acceptance) { a.Submission.SHA256[0] ^= 1 })
	for range 3 {
		if s := d.run(id); s.Submission.State != hub.SubmissionDamaged || len(d.alert) != 1 {
			t.Errorf("it is %s, alerts %v", s.Submission.State, d.alert)
		}
	}
}

// Nothing of a deleted case stays in memory, and a late bell for it is no error.
func TestForget(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	d.run(id)
	cases, err := d.store.Cases(t.Context(), []hub.ID{id})
	if err != nil {
		t.Fatal(err)
	}
	d.ahead.put(cases)
	if d.warm.get(id) == nil || !d.ahead.has(id) {
		t.Fatal("it is not in memory")
	}
	d.Forget(id)
	if d.warm.get(id) != nil || d.ahead.has(id) {
		t.Error("it is in memory still")
	}
	if err := d.store.Withdraw(t.Context(), id, "portal:p", "", d.now); err != nil {
		t.Fatal(err)
	}
	done, err := d.store.Erase(t.Context(), []store.Erase{{ID: id, Payload: true, Attachments: true, Metadata: true, Order: d.ids.New(), Actor: "hub", Rule: "r", At: d.now}})
	if err != nil || len(done) != 1 || done[0].Err != nil {
		t.Fatalf("%+v, %v", done, err)
	}
	if err := d.Run(t.Context(), id); err != nil || len(d.alert) != 0 {
		t.Errorf("%v, alerts %v", err, d.alert)
	}
}
