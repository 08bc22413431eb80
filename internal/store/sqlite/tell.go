package sqlite

import (
	"context"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// news makes the flow due where the portal is to be told of the case, and reports
// whether that was new. It costs nothing where the portal wants no callbacks.
func (f *file) news(at time.Time) bool {
	if f.Told == "" || f.State == hub.SubmissionDamaged || f.State == hub.SubmissionErased || !hub.News(f.Told, f.standing()) {
		return false
	}
	if f.flowDue != 0 {
		return false
	}
	f.flowDue = due(at)
	return true
}

// changes notes, before a part of the case is delivered with an answer, whether the portal
// knows the status as it is.
func (f *file) changes(d *delivery) {
	f.untold = (f.Told.Final() || f.Told == hub.CaseActionRequired) && d.Role != hub.RolePortal && hub.News(f.Told, f.standing())
}

// changedBack makes the status news where it was another one that nobody was told of: it
// is as it was, but the answer may be a new one.
func (f *file) changedBack() bool {
	back := f.untold && f.Told == f.standing()
	if f.untold = false; back {
		f.Told = hub.CaseProcessing
	}
	return back
}

// standing is the case's status as everybody tells it.
func (f *file) standing() hub.CaseStatus { return f.stands().Status }

func (f *file) stands() hub.Standing {
	all := make([]hub.Delivery, len(f.deliveries))
	for i, d := range f.deliveries {
		all[i] = d.Delivery
	}
	return hub.StandingOf(&f.Submission, all)
}

// newly makes the status news although it is as it was: something else has changed that
// the portal reads with it.
func (f *file) newly() {
	if f.Told != "" {
		f.Told = hub.CaseProcessing
	}
}

// tellUnplanned makes the flow due for what has ended before it was planned: no step may
// have made it known to those who search, or noted whether its portal wants callbacks.
func (f *file) tellUnplanned(at time.Time) {
	if f.Told == "" && len(f.deliveries) == 0 {
		f.flowDue = due(at)
	}
}

// Tell implements store.Flow.
func (s *Store) Tell(ctx context.Context, id hub.ID, version int64, tell *store.Tell) error {
	at, p := stored(tell.At), &plan{}
	var callback *delivery
	if n := tell.Callback; n != nil {
		if n.ID.Submission() != id || n.ID.Ordinal() == 0 || n.Role != hub.RolePortal || !n.Optional || n.State != hub.DeliveryPending || n.Document == nil {
			return fmt.Errorf("tell of %s: %w: that is no callback", id, store.ErrState)
		}
		callback = &delivery{Delivery: n.Delivery, key: keyOf(n.ID)}
		callback.UpdatedAt, callback.NotBefore = at, stored(n.NotBefore)
		callback.render(n.Document, s.document(p, n.Document))
		p.rows = append(p.rows, callback.key, callback.System, deliveryNumber(callback.State), null(callback.due), callback.encode())
	}
	err := s.w.do(ctx, func(t *tx) error { return t.tell(id, version, tell, callback, p, at) })
	if err != nil {
		return fmt.Errorf("tell of %s: %w", id, err)
	}
	return nil
}

func (t *tx) tell(id hub.ID, version int64, tell *store.Tell, callback *delivery, p *plan, at time.Time) error {
	f, err := t.load(id)
	if err != nil {
		return err
	}
	switch v := f.version(); {
	case f.State == hub.SubmissionDamaged:
		return store.ErrDamaged
	case v != version:
		return fmt.Errorf("%w: version is %d and not %d", store.ErrStale, v, version)
	case callback != nil && f.delivery(callback.key) != nil:
		return fmt.Errorf("%w: delivery %s is there already", store.ErrState, callback.ID)
	}
	if tell.Bundle != nil {
		if err := t.tellBundle(f, tell.Bundle, callback != nil, at); err != nil {
			return err
		}
	}
	for _, d := range f.deliveries {
		if callback == nil || d.Role != hub.RolePortal {
			continue
		}
		if err := t.supersede(f, d, at); err != nil {
			return err
		}
	}
	if callback != nil {
		own := *callback // a transaction may be tried again
		f.deliveries = append(f.deliveries, &own)
		f.planned++
		t.tally.delivery(&own)
		if err := t.insertRows("INSERT INTO delivery (key, system, state, due, body)", deliveryInsert, p.rows); err != nil {
			return err
		}
		if err := t.insertRows(intoRendered, documentColumns, p.documents); err != nil {
			return err
		}
	}
	if err := t.index(tell.Search, f.key); err != nil {
		return err
	}
	f.Told = tell.Told
	if f.State != hub.SubmissionAccepted && !f.ready() {
		f.flowDue = 0
	}
	f.news(at)
	f.Version++
	return t.saveSubmission(f.submission)
}

// supersede closes a callback that has not left: the next one tells more. One that is
// being sent comes to its end, and is not tried again.
func (t *tx) supersede(f *file, d *delivery, at time.Time) error {
	switch {
	case d.State.Settled():
		return nil
	case d.State == hub.DeliverySending:
		d.Code = hub.CodeSuperseded
		return t.saveDelivery(d)
	}
	d.State, d.Reason, d.Code, d.due = hub.DeliveryClosed, "", hub.CodeSuperseded, 0
	d.UpdatedAt, d.SettledAt = at, at
	d.records++
	if err := t.saveDelivery(d); err != nil {
		return err
	}
	return t.closedAsSuperseded(f, d, at)
}

func (t *tx) closedAsSuperseded(f *file, d *delivery, at time.Time) error {
	return t.event(f.key, hub.Event{At: at, Type: "closed", Delivery: d.ID, Role: d.Role, System: d.System, Actor: "hub", Code: hub.CodeSuperseded})
}

// superseded reports whether a newer callback was planned while this one was being sent.
func (d *delivery) superseded() bool {
	return d.Role == hub.RolePortal && d.Code == hub.CodeSuperseded
}

// endSuperseded keeps a callback from being tried again that was being sent when a
// newer one was planned.
func (t *tx) endSuperseded(f *file, d *delivery, at time.Time) error {
	if !d.superseded() || d.State != hub.DeliveryPending && d.State != hub.DeliveryParked {
		return nil
	}
	d.State, d.Reason, d.due = hub.DeliveryClosed, "", 0
	return t.closedAsSuperseded(f, d, at)
}

// callbackLine names the callbacks that leave one behind the other: those of a
// submission, or of all parts of a bundle. A newer one could be there before one that is
// still on its way.
func callbackLine(f *file) string {
	if f.Bundle.Zero() {
		return fmt.Sprintf("callbacks of %d", f.key)
	}
	return fmt.Sprintf("callbacks of bundle %d", keyOf(f.Bundle))
}

// mustQueue reports whether another callback of the same line is on its way.
func (t *tx) mustQueue(f *file, d *delivery) (bool, error) {
	if d.Role != hub.RolePortal {
		return false, nil
	}
	keys := []int64{f.key}
	if !f.Bundle.Zero() {
		var err error
		if keys, err = t.partsOf(keyOf(f.Bundle)); err != nil {
			return false, err
		}
	}
	for _, key := range keys {
		other, err := t.loadKey(key)
		if t.broken != nil {
			return false, err
		}
		if err != nil {
			continue // damaged; nothing of it is sent
		}
		for _, o := range other.deliveries {
			if o.Role == hub.RolePortal && o.State == hub.DeliverySending {
				return true, nil
			}
		}
	}
	return false, nil
}
