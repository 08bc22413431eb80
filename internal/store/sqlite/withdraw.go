package sqlite

import (
	"context"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Withdraw implements store.Intake.
func (s *Store) Withdraw(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		if err != nil {
			return err
		}
		switch {
		case !f.WithdrawnAt.IsZero():
			return nil
		case f.State == hub.SubmissionErased:
			return store.ErrErased
		case f.State == hub.SubmissionSettled, f.nothingToWithdraw():
			return fmt.Errorf("%w: nothing of it can be stopped any more", store.ErrState)
		}
		return t.withdraw(f, actor, reason, at)
	})
	if err != nil {
		return fmt.Errorf("withdraw %s: %w", id, err)
	}
	return nil
}

// nothingToWithdraw reports whether every delivery has left, or has ended.
func (f *file) nothingToWithdraw() bool {
	for _, d := range f.deliveries {
		if !d.State.Settled() && (d.State != hub.DeliveryAwaiting || d.handedOn()) && d.Role != hub.RolePortal {
			return false
		}
	}
	return len(f.deliveries) > 0
}

// handedOn reports whether the delivery lies with another hub, which may still stop it:
// it is told when it is asked the next time.
func (d *delivery) handedOn() bool { return d.Role == hub.RoleAuthority && len(d.token) > 0 }

// withdraw ends what has not left. What is being sent, or was taken over and is
// still to be answered, comes to its own end (outcome).
func (t *tx) withdraw(f *file, actor, reason string, at time.Time) error {
	f.WithdrawnAt = at
	for _, d := range f.deliveries {
		state, why := d.State, d.Reason
		switch {
		case d.Role == hub.RolePortal: // tells of the withdrawal, or is superseded
			continue
		case state == hub.DeliveryAwaiting && d.handedOn():
			if err := t.askNow(d, at); err != nil {
				return err
			}
			continue
		case d.Code == hub.CodeSystemGone && !d.asked && state == hub.DeliveryParked: // it does not go on by itself any more
		case state.Settled(), state == hub.DeliverySending, state == hub.DeliveryAwaiting, state == hub.DeliveryParked && why == hub.ParkUnclear:
			continue
		}
		d.State, d.Reason = f.ended(d)
		d.Code, d.due = hub.CodeWithdrawn, 0
		d.UpdatedAt = at
		d.records++
		if d.State.Settled() {
			d.SettledAt = at
		}
		if err := t.event(f.key, hub.Event{At: at, Type: string(d.State), Delivery: d.ID, Role: d.Role, System: d.System, Actor: actor, Code: hub.CodeWithdrawn, Text: string(d.Reason)}); err != nil {
			return err
		}
		if err := t.saveDelivery(d); err != nil {
			return err
		}
	}
	if err := t.refund(f, at); err != nil {
		return err
	}
	f.flowDue = 0
	f.Version++
	if len(f.deliveries) == 0 {
		f.SettledAt = at
		f.Reason, f.Code = "", "" // also of a damaged one: mended, it waits for nobody
		if f.State != hub.SubmissionDamaged {
			f.State = hub.SubmissionSettled
		}
		if f.State == hub.SubmissionSettled {
			f.tellUnplanned(at)
		}
	}
	f.follow(at)
	f.news(at)
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	if _, err := t.unqueue(f); err != nil {
		return err
	}
	return t.told(f, nil, "withdrawn", actor, reason, "", at)
}

// ended is how a delivery of a withdrawn submission ends that is not sent again:
// with a person where it may have arrived, with nothing otherwise.
func (f *file) ended(d *delivery) (hub.DeliveryState, hub.ParkReason) {
	if d.Uncertain {
		return hub.DeliveryParked, hub.ParkUnclear
	}
	return hub.DeliveryClosed, ""
}

// refund puts a payment before a person that was made for what the citizen has taken back:
// nothing that waited for it has left, or is still on its way.
func (t *tx) refund(f *file, at time.Time) error {
	if f.WithdrawnAt.IsZero() {
		return nil
	}
	i := slices.IndexFunc(f.deliveries, func(d *delivery) bool {
		return d.Role == hub.RolePayment && d.State == hub.DeliveryDelivered
	})
	if i < 0 || slices.ContainsFunc(f.paidFor(f.deliveries[i]), func(d *delivery) bool { return d.State != hub.DeliveryClosed }) {
		return nil
	}
	d := f.deliveries[i]
	d.State, d.Reason, d.Code, d.due = hub.DeliveryParked, hub.ParkRefund, hub.CodeRefund, 0
	d.UpdatedAt, d.SettledAt = at, time.Time{}
	d.records++
	if err := t.event(f.key, hub.Event{At: at, Type: string(d.State), Delivery: d.ID, Role: d.Role, System: d.System, Actor: "hub", Code: hub.CodeRefund, Text: string(d.Reason)}); err != nil {
		return err
	}
	return t.saveDelivery(d)
}

// paidFor are the required deliveries that wait, directly or not, for a payment, and all
// required ones where none does.
func (f *file) paidFor(payment *delivery) (all []*delivery) {
	behind := map[int]bool{payment.ID.Ordinal(): true}
	for again := true; again; {
		again = false
		for _, d := range f.deliveries {
			if n := d.ID.Ordinal(); !behind[n] && slices.ContainsFunc(d.After, func(n int) bool { return behind[n] }) {
				behind[n], again = true, true
			}
		}
	}
	for _, d := range f.deliveries {
		if d != payment && !d.Optional && (len(behind) == 1 || behind[d.ID.Ordinal()]) {
			all = append(all, d)
		}
	}
	return all
}

// owes reports whether a fee of a withdrawn case has to be given back.
func (f *file) owes() bool {
	return !f.WithdrawnAt.IsZero() && f.stands().Action.Do == hub.DoRefund
}

// endWithdrawn keeps what an attempt left to be tried again, or to be decided by a
// person, from being sent: the citizen has taken it back meanwhile.
func (t *tx) endWithdrawn(f *file, d *delivery, at time.Time) error {
	if f.WithdrawnAt.IsZero() || d.Role == hub.RolePortal || d.State != hub.DeliveryPending && (d.State != hub.DeliveryParked || d.Reason == hub.ParkUnclear) {
		return nil
	}
	d.State, d.Reason = f.ended(d)
	d.Code, d.due = hub.CodeWithdrawn, 0
	return t.event(f.key, hub.Event{At: at, Type: string(d.State), Delivery: d.ID, Role: d.Role, System: d.System, Actor: "hub", Code: hub.CodeWithdrawn, Text: string(d.Reason)})
}
