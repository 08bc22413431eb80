package sqlite

import (
	"context"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Notice implements store.Deliver.
func (s *Store) Notice(ctx context.Context, id hub.ID, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, d, err := t.find(id)
		if err != nil {
			return err
		}
		switch {
		case f.State == hub.SubmissionDamaged:
			return store.ErrDamaged
		case d.State == hub.DeliverySending:
			return fmt.Errorf("%w: the delivery is being asked for", store.ErrStale)
		case len(d.token) == 0:
			return fmt.Errorf("%w: there is nothing to ask by", store.ErrState)
		case d.State == hub.DeliveryAwaiting:
			return t.askNow(d, at)
		case !f.WithdrawnAt.IsZero() && !d.handedOn():
			return fmt.Errorf("%w: the submission was withdrawn", store.ErrState)
		case d.State == hub.DeliveryDelivered, d.State == hub.DeliveryParked, d.endedOverThere():
			return t.askAgain(f, d, at)
		}
		return fmt.Errorf("%w: the delivery is %s", store.ErrState, d.State)
	})
	if err != nil {
		return fmt.Errorf("notice about %s: %w", id, err)
	}
	return nil
}

// endedOverThere reports whether the system has ended the delivery, and no person here.
func (d *delivery) endedOverThere() bool {
	return d.State == hub.DeliveryClosed && d.last != nil && d.last.led == hub.DeliveryClosed
}

// askNow brings forward the time at which an awaiting delivery is asked for.
func (t *tx) askNow(d *delivery, at time.Time) error {
	if now := due(at); d.due > now {
		d.NotBefore, d.due = at, now
		return t.saveDelivery(d)
	}
	return nil
}

// askAgain takes up a delivery that had its answer: there is a newer one.
func (t *tx) askAgain(f *file, d *delivery, at time.Time) error {
	if f.State == hub.SubmissionSettled {
		if err := t.event(f.key, hub.Event{At: f.SettledAt, Type: "settled"}); err != nil {
			return err
		}
	}
	if err := t.event(f.key, hub.Event{At: at, Type: "noticed", Delivery: d.ID, Role: d.Role, System: d.System, Actor: "system:" + d.System}); err != nil {
		return err
	}
	d.Attempts, d.FirstAt, d.Uncertain, d.NotBefore = 0, time.Time{}, false, at
	switch d.State {
	case hub.DeliveryDelivered:
		d.Code = hub.CodeAskedAgain
	case hub.DeliveryParked:
		d.Code = ""
	}
	d.State, d.Reason, d.due = hub.DeliveryAwaiting, "", due(at)
	f.Version++
	if _, err := t.moved(f, d, at); err != nil {
		return err
	}
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	return t.requeue(f)
}
