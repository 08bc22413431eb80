package sqlite

import (
	"context"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// Damage implements store.Flow.
func (s *Store) Damage(ctx context.Context, id hub.ID, what string, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		if f == nil || f.submission == nil {
			return err
		}
		return t.damage(f, what, at)
	})
	if err != nil {
		return fmt.Errorf("set %s aside as damaged: %w", id, err)
	}
	return nil
}

// damage sets a submission aside. Where its rows cannot be read, only the
// columns in the clear are changed and the rest is left for whoever repairs it.
func (t *tx) damage(f *file, what string, at time.Time) error {
	if f.was == hub.SubmissionDamaged {
		return nil
	}
	var err error
	if f.State == hub.SubmissionDamaged {
		t.tally.submission(&submission{Submission: hub.Submission{State: hub.SubmissionDamaged}, was: f.was, wasFor: f.wasFor})
		t.fresh.drop(f.key, -f.key)
		err = t.exec("UPDATE submission SET state = ?, flow_due = NULL WHERE key = ?", int64(stateDamaged), f.key)
	} else {
		f.State, f.flowDue = hub.SubmissionDamaged, 0
		f.Version++
		err = t.saveSubmission(f.submission)
	}
	if err != nil {
		return err
	}
	if err := t.undue(f); err != nil {
		return err
	}
	t.log.Error("a stored record is damaged; the submission is set aside", "submission", f.ID.String(), "municipality", f.Municipality, "record", what)
	if err := t.event(f.key, hub.Event{At: at, Type: "damaged", Actor: "hub", Text: what}); err != nil {
		return err
	}
	t.audit(hub.AuditEntry{At: at, Actor: "hub", Action: "damaged", Object: f.ID.String(), Reason: what})
	for _, d := range f.deliveries {
		if d.State != hub.DeliverySending {
			d.due = 0
		}
		d.aside = true
		t.tally.delivery(d)
		if _, err := t.release(string(d.order)); err != nil {
			return err
		}
	}
	_, err = t.release(string(f.order))
	return err
}

// undue takes the deliveries of a damaged submission out of the queue, except
// those that are being sent. Where their page is corrupt, claims pass over them as
// long as this process runs, and then find them damaged.
func (t *tx) undue(f *file) error {
	if t.unreadable[f.key] != 0 {
		t.pass(f.key)
		return nil
	}
	return t.exec("UPDATE delivery SET due = NULL WHERE key > ? AND key <= ? AND due IS NOT NULL AND state <> 3", f.key, f.key|ordinalMask)
}

// pass makes claims look away from a submission's deliveries.
func (t *tx) pass(key int64) {
	for n := range int64(ordinalMask) {
		t.passed = append(t.passed, key|(n+1))
	}
}
