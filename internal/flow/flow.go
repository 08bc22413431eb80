// Package flow takes a submission from accepted to its deliveries. What it does
// is the list in stages, read aloud: open, check, plan, wait, render. Each stage is one
// file; together they decide one step, which is written in one transaction.
//
// The flow runs again whenever a delivery has settled and another one waited for
// it: what the first one's system answered is open to the second one's mapping.
// It talks to no backend and never looks at what another submission holds.
package flow

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// Flow runs submissions through the stages. Its fields are set once, before use.
type Flow struct {
	Store flowStore
	Vault *vault.Vault
	Live  *config.Live
	Log   *slog.Logger
	Now   func() time.Time
	// Reserve asks a system for room for one delivery, so that it is claimed in the
	// step that renders it; nil where it has none now. Every Room is used or left.
	Reserve func(system string) Room
	// Wait returns as soon as there is room at all these systems, and after a moment at the
	// latest; nil where nobody waits.
	Wait func(ctx context.Context, systems []string)
	// Wake tells the deliverer that a system has something due.
	Wake func(system string)
	// Ring announces a submission to the flow itself, for Sweep; false where too many
	// bells wait.
	Ring func(id hub.ID) bool
	// Busy reports whether so many bells wait that Sweep should not add to them; nil
	// for never.
	Busy func() bool
	// Advanced is told what a step did; for metrics.
	Advanced func(Step)
	// Alert is told what an operator must look at now.
	Alert func(what string, id hub.ID, err error)

	running running
	warm    warm
	memory  memory
	ahead   ahead
	resting resting
}

type flowStore interface {
	store.Flow
	Bundle(ctx context.Context, id hub.ID) (*store.BundleCase, error)
	Number(ctx context.Context, o store.NumberOrder) (int64, error)
}

// Room is a place at a system, kept free for one delivery.
type Room interface {
	Lease() store.Lease
	Use(t store.Task) // sends it
	Leave()
}

// Step is what one run did, for metrics.
type Step struct {
	Planned  int
	Unmapped int
	Took     time.Duration
}

// stages are the way of a submission. A stage that returns errDone ends the run:
// what was decided so far is written.
var stages = []struct {
	name string
	run  func(*work) error
}{
	{"open", open},
	{"check", check},
	{"plan", plan},
	{"wait", wait},
	{"render", render},
}

var errDone = errors.New("nothing more to decide")

// Run does everything the flow can do for a submission now. It is safe to call
// at any time and from several nodes: the step is written only if nobody else
// has changed the submission meanwhile.
func (f *Flow) Run(ctx context.Context, id hub.ID) error {
	if !f.running.begin(id) {
		return nil
	}
	defer f.running.drop(id)
	for {
		if err := f.run(ctx, id); !f.running.again(id) {
			return err
		}
	}
}

func (f *Flow) run(ctx context.Context, id hub.ID) error {
	for range 3 {
		err := f.once(ctx, id)
		if errors.Is(err, vault.ErrNoKey) {
			f.resting.put(id, f.Now().Add(rest))
		}
		if !errors.Is(err, store.ErrStale) {
			return err
		}
	}
	return nil // left to the scan
}

// Forget lets go of what is held in memory of a submission whose content was deleted.
func (f *Flow) Forget(id hub.ID) {
	f.warm.forget(id)
	f.ahead.take(id)
}

func (f *Flow) once(ctx context.Context, id hub.ID) error {
	w := &work{Flow: f, ctx: ctx, now: f.Now(), snapshot: f.Live.Get()}
	defer w.leave()
	if err := w.read(id); err != nil {
		if errors.Is(err, store.ErrErased) {
			f.warm.forget(id)
			return nil
		}
		if errors.Is(err, store.ErrDamaged) {
			return f.damage(ctx, id, "row", err)
		}
		return fmt.Errorf("read submission %s: %w", id, err)
	}
	if s := &w.c.Submission; s.State == hub.SubmissionDamaged || s.State == hub.SubmissionParked && s.Unplanned() {
		f.warm.forget(id) // a person makes it due again, a bell does not
		return nil
	}
	search, err := w.searchEnded()
	if err != nil {
		return f.unlessEnded(id, err)
	}
	if told, err := f.tell(ctx, w.c, search); err != nil {
		return f.unlessEnded(id, err)
	} else if told {
		w.leave()              // or the next one would wait for the memory of this one
		return f.once(ctx, id) // with what is there now
	}
	if s := &w.c.Submission; !s.WithdrawnAt.IsZero() || s.State == hub.SubmissionSettled {
		f.warm.forget(id) // it has ended: nothing is planned or rendered any more
		return f.unlessEnded(id, f.nothingToTell(ctx, w.c, search))
	}
	w.step.At = w.now
	for _, s := range stages {
		err := guarded(s.name, w, s.run)
		if errors.Is(err, errDone) {
			break
		}
		var damaged *damagedError
		if errors.As(err, &damaged) {
			return f.damage(ctx, id, damaged.what, err)
		}
		if err != nil {
			return fmt.Errorf("%s submission %s: %w", s.name, id, err)
		}
	}
	w.step.State = w.state()
	if s := &w.c.Submission; s.Told == "" && wantsCallbacks(w.snapshot, s) {
		w.step.Told = hub.CaseReceived // by the receipt
	}
	if err := f.Store.Advance(ctx, id, w.c.Submission.Version, &w.step); err != nil {
		return f.unlessEnded(id, fmt.Errorf("advance submission %s: %w", id, err))
	}
	w.send()
	w.keepWarm()
	if f.Advanced != nil {
		f.Advanced(Step{Planned: len(w.step.Deliveries), Unmapped: w.unmapped, Took: f.Now().Sub(w.now)})
	}
	return nil
}

// unlessEnded is no error where somebody has withdrawn, deleted or set aside the
// submission between reading it and the step: there is nothing left to do for it.
func (f *Flow) unlessEnded(id hub.ID, err error) error {
	if errors.Is(err, store.ErrWithdrawn) || errors.Is(err, store.ErrErased) || errors.Is(err, store.ErrDamaged) {
		f.warm.forget(id)
		return nil
	}
	return err
}

// guarded runs a stage; a panic parks the submission instead of meeting it again
// at every scan.
func guarded(name string, w *work, run func(*work) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			w.Log.Error("a stage of the flow panicked", "stage", name, "submission", w.c.Submission.ID.String(), "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
			w.dismiss()
			w.step = store.Advance{At: w.now, Search: w.step.Search}
			w.park("internal-error")
			err = errDone
		}
	}()
	return run(w)
}

type damagedError struct {
	what string
	err  error
}

func (e *damagedError) Error() string { return e.what + ": " + e.err.Error() }
func (e *damagedError) Unwrap() error { return e.err }

// damage sets the submission aside with an alert. Its neighbours go on.
func (f *Flow) damage(ctx context.Context, id hub.ID, what string, cause error) error {
	f.warm.forget(id)
	f.Log.Error("a stored record is damaged; the submission is set aside", "submission", id.String(), "record", what)
	if f.Alert != nil {
		f.Alert("damaged", id, cause)
	}
	if err := f.Store.Damage(ctx, id, what, f.Now()); err != nil {
		return fmt.Errorf("set submission %s aside: %w", id, err)
	}
	return nil
}
