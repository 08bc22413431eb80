package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Record implements store.Deliver.
func (s *Store) Record(ctx context.Context, r *store.Record) (store.Effect, error) {
	switch r.State {
	case hub.DeliveryPending, hub.DeliveryAwaiting, hub.DeliveryDelivered, hub.DeliveryParked, hub.DeliveryClosed:
	default:
		return store.Effect{}, fmt.Errorf("record %s: %w: an attempt cannot end in %q", r.Attempt.Delivery, store.ErrState, r.State)
	}
	own := *r
	own.Attempt.At, own.NotBefore = stored(r.Attempt.At), stored(r.NotBefore)
	r = &own
	var effect store.Effect
	err := s.w.do(ctx, func(t *tx) (err error) {
		effect, err = t.record(r)
		return err
	})
	if err != nil {
		return store.Effect{}, fmt.Errorf("record %s: %w", r.Attempt.Delivery, err)
	}
	return effect, nil
}

func (t *tx) record(r *store.Record) (store.Effect, error) {
	f, d, err := t.find(r.Attempt.Delivery)
	if err != nil {
		return store.Effect{}, err
	}
	a := &attempt{Attempt: r.Attempt, detail: r.Detail, led: r.State, reason: r.Reason}
	if d.State != hub.DeliverySending || d.owner != r.Owner || d.fence != r.Fence {
		a.led, a.reason = "", ""
		if err := t.keep(d.key, a); err != nil {
			return store.Effect{}, err
		}
		return store.Effect{}, fmt.Errorf("%w: the lease was lost", store.ErrStale)
	}
	if r.NotCounted && d.Attempts > 0 {
		if d.Attempts--; d.Attempts == 0 {
			d.FirstAt = time.Time{}
		}
	}
	if r.NotCounted && d.last.sameAs(a) {
		d.last = nil // it takes that one's place: a hub may wait for a key for weeks
	}
	if r.State == hub.DeliveryDelivered && len(r.Answer) > 0 {
		f.changes(d)
	}
	f.owed = f.owes()
	f.learned = r.State == hub.DeliveryDelivered && !r.Same && d.Code == hub.CodeAskedAgain
	d.Uncertain = r.Uncertain
	d.NotBefore = r.NotBefore
	learned := r.State != hub.DeliveryAwaiting || len(r.Answer) > 0 || len(d.answer) == 0 && !hub.Stands(d.Code)
	switch {
	case r.State == hub.DeliveryDelivered && (hub.Stands(d.Code) || d.superseded()):
		d.Code = ""
	case d.superseded():
	case r.State != hub.DeliveryDelivered && learned && !r.KeepCode:
		d.Code = r.Attempt.Code
	}
	if learned && r.State != hub.DeliveryParked {
		d.answer = r.Answer
	}
	// What it can be asked by is kept, also of one that is closed or parked: put back,
	// it is looked up and not begun anew.
	if d.token = r.Token; r.State == hub.DeliveryDelivered && !r.KeepToken {
		d.token = nil
	}
	return t.outcome(f, d, a, stored(r.Attempt.At.Add(r.Attempt.Took)))
}

// sameAs reports whether an attempt tells nothing that the one before has not told.
func (a *attempt) sameAs(next *attempt) bool {
	return a != nil && a.Kind == next.Kind && a.Outcome == next.Outcome && a.Code == next.Code && a.N == next.N &&
		a.led == next.led && len(a.detail)+len(next.detail) == 0
}

// outcome ends an attempt: it frees the lease, and the submission's state and
// what may be rendered now follow.
func (t *tx) outcome(f *file, d *delivery, a *attempt, at time.Time) (store.Effect, error) {
	if d.last != nil {
		if err := t.keep(d.key, d.last); err != nil {
			return store.Effect{}, err
		}
	}
	d.last = a
	d.State, d.Reason = a.led, ""
	d.owner, d.lease, d.due = "", 0, 0
	switch d.State {
	case hub.DeliveryParked:
		d.Reason = a.reason
	case hub.DeliveryPending, hub.DeliveryAwaiting:
		if f.State != hub.SubmissionDamaged {
			d.due = due(d.NotBefore)
		}
	}
	if d.State == hub.DeliveryPending && d.asked {
		d.since = at // until then the system had it
	}
	if err := t.endWithdrawn(f, d, at); err != nil {
		return store.Effect{}, err
	}
	if err := t.refund(f, at); err != nil {
		return store.Effect{}, err
	}
	if f.learned || f.owed != f.owes() {
		f.newly()
	}
	if err := t.endSuperseded(f, d, at); err != nil {
		return store.Effect{}, err
	}
	delete(t.claimed, d.key)
	if d.State == hub.DeliveryClosed {
		if err := t.closeSuccessors(f, d, d.Code, "hub", "", at); err != nil {
			return store.Effect{}, err
		}
	}
	effect, err := t.moved(f, d, at)
	if err != nil || d.Role != hub.RolePortal {
		return effect, err
	}
	freed, err := t.release(callbackLine(f))
	if freed[d.System] {
		effect.Next = d.System
	}
	return effect, err
}

// closeSuccessors ends what waits, directly or not, for a delivery that will not
// succeed any more: the citizen has ended it, or a person a payment.
func (t *tx) closeSuccessors(f *file, ended *delivery, code, actor, reason string, at time.Time) error {
	over := map[int]bool{ended.ID.Ordinal(): true}
	for again := true; again; {
		again = false
		for _, d := range f.deliveries {
			if d.State != hub.DeliveryWaiting || !slices.ContainsFunc(d.After, func(n int) bool { return over[n] }) {
				continue
			}
			over[d.ID.Ordinal()], again = true, true
			d.State, d.Code, d.due = hub.DeliveryClosed, code, 0
			d.UpdatedAt, d.SettledAt = at, at
			d.records++
			if err := t.saveDelivery(d); err != nil {
				return err
			}
			if err := t.told(f, d, "closed", actor, reason, code, at); err != nil {
				return err
			}
		}
	}
	return nil
}

// moved writes a delivery that has changed its state and everything that follows
// from it.
func (t *tx) moved(f *file, d *delivery, at time.Time) (store.Effect, error) {
	var effect store.Effect
	d.UpdatedAt = at
	d.records++
	d.SettledAt = time.Time{}
	if d.State.Settled() {
		d.SettledAt = at
	}
	if err := t.saveDelivery(d); err != nil {
		return effect, err
	}
	was := f.State
	changed := f.follow(at)
	if d.State.Settled() && f.State != hub.SubmissionDamaged && f.flowDue == 0 && f.ready() {
		f.flowDue, changed = due(at), true
		effect.FlowDue = true
	}
	if f.State == hub.SubmissionSettled && was != hub.SubmissionSettled {
		effect.Settled, effect.FlowDue = true, true
	}
	if f.changedBack() {
		changed = true
	}
	if f.news(at) {
		effect.News, effect.FlowDue, changed = true, true, true
	}
	if changed {
		if err := t.saveSubmission(f.submission); err != nil {
			return effect, err
		}
	}
	if f.flowDue != 0 && f.State != hub.SubmissionAccepted && f.State != hub.SubmissionDamaged {
		t.arrived = append(t.arrived, arrival{-f.key, f.progress(), 2048})
	}
	if !d.over() {
		return effect, nil
	}
	systems, err := t.unqueue(f)
	if systems[d.System] {
		effect.Next = d.System
	}
	return effect, err
}

// follow makes the submission's state what its deliveries' states say, and
// reports whether it has changed.
func (f *file) follow(at time.Time) bool {
	if f.State == hub.SubmissionDamaged || f.State == hub.SubmissionErased || f.Reason != "" {
		return false
	}
	state := hub.SubmissionSettled
	for _, d := range f.deliveries {
		switch {
		case d.Role == hub.RolePortal: // no part of the case
		case d.State.Settled(), d.Optional && d.State == hub.DeliveryParked:
		case d.State == hub.DeliveryParked:
			state = hub.SubmissionParked
		case state == hub.SubmissionSettled:
			state = hub.SubmissionRunning
		}
	}
	if state == f.State {
		return false
	}
	f.State, f.SettledAt = state, time.Time{}
	if state == hub.SubmissionSettled {
		f.SettledAt = at
	}
	return true
}

// ready reports whether a delivery waits whose predecessors have all settled.
func (f *file) ready() bool {
	for _, d := range f.deliveries {
		if d.State == hub.DeliveryWaiting && f.settled(d.After) {
			return true
		}
	}
	return false
}

// settled reports whether the deliveries with these ordinals have settled. One
// that the plan has left out does not hold up its successors.
func (f *file) settled(ordinals []int) bool {
	for _, n := range ordinals {
		if d := f.delivery(f.key | int64(n)); d != nil && !d.State.Settled() {
			return false
		}
	}
	return true
}

// Extend implements store.Deliver.
func (s *Store) Extend(ctx context.Context, owner string, ids []hub.ID, until time.Time) error {
	err := s.w.do(ctx, func(t *tx) error {
		for _, id := range ids {
			_, d, err := t.find(id)
			if t.broken != nil {
				return err
			}
			if err != nil || d.State != hub.DeliverySending || d.owner != owner {
				continue // it is somebody else's now; Record will say so
			}
			d.lease = micros(until)
			d.due = d.lease
			if err := t.saveDelivery(d); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("extend leases: %w", err)
	}
	return nil
}
