package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Mend implements store.Operate.
func (s *Store) Mend(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		if err != nil {
			return err // what cannot be read has not been restored
		}
		if f.State != hub.SubmissionDamaged {
			return fmt.Errorf("%w: the submission is %s and not damaged", store.ErrState, f.State)
		}
		f.mend(at)
		if err := t.saveSubmission(f.submission); err != nil {
			return err
		}
		for _, d := range f.deliveries {
			d.aside = false
			t.tally.delivery(d)
		}
		if err := t.dueAgain(f); err != nil {
			return err
		}
		if !f.done() {
			if err := t.requeue(f); err != nil {
				return err
			}
		}
		if err := t.partBack(f, false, at); err != nil {
			return err
		}
		return t.told(f, nil, "mended", actor, reason, "", at)
	})
	if err != nil {
		return fmt.Errorf("mend %s: %w", id, err)
	}
	return nil
}

// mend gives a damaged submission the state that the rest of it says.
func (f *file) mend(at time.Time) {
	f.Version++
	settled := f.SettledAt
	switch {
	case !f.Erased.Metadata.IsZero():
		f.State = hub.SubmissionErased
	case f.Reason != "":
		f.State = hub.SubmissionParked
	case len(f.deliveries) > 0:
		f.State = hub.SubmissionRunning
		f.follow(at)
	case settled.IsZero():
		f.State = hub.SubmissionAccepted
		f.flowDue = due(at)
	default:
		f.State = hub.SubmissionSettled
		f.tellUnplanned(at)
	}
	f.SettledAt = time.Time{}
	if f.State == hub.SubmissionSettled || f.State == hub.SubmissionErased {
		if f.SettledAt = settled; settled.IsZero() {
			f.SettledAt = at
		}
	}
	if f.ready() {
		f.flowDue = due(at)
	}
	f.news(at)
}

// dueAgain puts back what Damage took out of the queue. What was being sent is
// due when its lease ends, so Rescue finds it.
func (t *tx) dueAgain(f *file) error {
	for _, d := range f.deliveries {
		switch d.State {
		case hub.DeliveryPending, hub.DeliveryAwaiting:
			d.due = due(d.NotBefore)
		case hub.DeliverySending:
			d.due = max(d.lease, 1)
		default:
			continue
		}
		if err := t.saveDelivery(d); err != nil {
			return err
		}
	}
	return nil
}

// closeDamaged ends a damaged submission for good. What cannot be read of its
// rows is given up with it: whoever closes it has decided that.
func (t *tx) closeDamaged(f *file, actor, reason string, at time.Time) error {
	if t.unreadable[f.key] != 0 {
		return fmt.Errorf("a page of %s cannot be written: %w", f.ID, store.ErrDamaged)
	}
	if f.Version == 0 {
		if err := t.salvage(f.submission, at); err != nil {
			return err
		}
	}
	for _, d := range f.deliveries {
		d.aside = false // it may be put back, and counts then
		if d.State.Settled() {
			t.tally.delivery(d)
			continue
		}
		delete(t.claimed, d.key)
		d.State, d.Reason = hub.DeliveryClosed, ""
		d.owner, d.lease, d.due = "", 0, 0
		d.UpdatedAt, d.SettledAt = at, at
		d.records++
		if err := t.saveDelivery(d); err != nil {
			return err
		}
	}
	f.planned = max(f.planned, int64(len(f.deliveries)))
	if err := t.settle(f, actor, reason, at); err != nil {
		return err
	}
	return t.partBack(f, true, at)
}

// salvage finds elsewhere what deleting goes by and an unreadable row does not tell:
// a legal hold, and that there are attachments. The row's data key goes with the row.
func (t *tx) salvage(s *submission, at time.Time) error {
	err := t.query("SELECT key FROM hold WHERE key = ?", []any{s.key}, func([]driver.Value) error {
		s.Hold = hub.Hold{Since: at, By: "hub", Reason: "held before its row was damaged; the audit trail says by whom and why"}
		return nil
	})
	if err != nil {
		return err
	}
	err = t.query("SELECT count(*) FROM attachment WHERE key = ?", []any{s.key}, func(row []driver.Value) error {
		s.Attachments = int(asInt(row[0]))
		return nil
	})
	if err != nil || s.lost == nil {
		return err
	}
	return t.toScrub(s.lost)
}

// settle ends a submission by a person's word.
func (t *tx) settle(f *file, actor, reason string, at time.Time) error {
	f.State, f.Reason, f.Code, f.SettledAt, f.flowDue = hub.SubmissionSettled, "", "", at, 0
	f.news(at)
	if len(f.dataKey) > 0 {
		f.tellUnplanned(at)
	}
	if !f.Erased.Metadata.IsZero() {
		f.State = hub.SubmissionErased
	}
	f.Version++
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	if _, err := t.unqueue(f); err != nil {
		return err
	}
	return t.told(f, nil, "closed", actor, reason, "", at)
}
