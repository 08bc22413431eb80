package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Replay implements store.Operate.
func (s *Store) Replay(ctx context.Context, id hub.ID, r store.Replay) error {
	r.At = stored(r.At)
	err := s.w.do(ctx, func(t *tx) error { return t.putBack(id, r) })
	if err != nil {
		return fmt.Errorf("replay %s: %w", id, err)
	}
	return nil
}

// ReplayAll implements store.Operate.
func (s *Store) ReplayAll(ctx context.Context, ids []hub.ID, r store.Replay) ([]error, error) {
	r.At = stored(r.At)
	errs := make([]error, len(ids))
	err := s.w.do(ctx, func(t *tx) error {
		for i, id := range ids {
			switch errs[i] = t.putBack(id, r); {
			case errs[i] == nil:
			case t.broken != nil || !isVerdict(errs[i]):
				return errs[i]
			default:
				errs[i] = fmt.Errorf("replay %s: %w", id, errs[i])
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("replay %d deliveries: %w", len(ids), err)
	}
	return errs, nil
}

// putBack is Replay within a step.
func (t *tx) putBack(id hub.ID, r store.Replay) error {
	f, d, err := t.find(id)
	if err != nil {
		return err
	}
	switch {
	case f.State == hub.SubmissionDamaged:
		return store.ErrDamaged
	case !f.WithdrawnAt.IsZero():
		return store.ErrWithdrawn
	case !f.Erased.Payload.IsZero(), f.Attachments > 0 && !f.Erased.Attachments.IsZero():
		return store.ErrErased
	case d.State == hub.DeliveryParked, d.State == hub.DeliveryClosed:
	case d.State == hub.DeliveryDelivered && r.Force:
	case d.State == hub.DeliveryPending && r.Force && !r.Anew && len(d.order) > 0:
		return t.goAhead(f, d, r)
	default:
		return fmt.Errorf("%w: the delivery is %s", store.ErrState, d.State)
	}
	if d.Role == hub.RolePortal {
		r.Anew = false // it has no mapping; the portal reads the status anyway
	}
	if !r.Anew && !d.rendered {
		return store.ErrUnrendered
	}
	return t.replay(f, d, r)
}

// goAhead lets a delivery go that an earlier case holds back. It holds back whoever comes
// behind it as before.
func (t *tx) goAhead(f *file, d *delivery, r store.Replay) error {
	held, err := t.isHeld(f, d)
	if err != nil {
		return err
	}
	if !held {
		return fmt.Errorf("%w: nothing holds the delivery back", store.ErrState)
	}
	delete(t.held[string(d.order)], d.key)
	d.order, d.UpdatedAt = nil, r.At
	d.hurry(r.At)
	d.due = due(d.NotBefore)
	d.records++
	if err := t.saveDelivery(d); err != nil {
		return err
	}
	return t.told(f, d, "replayed", r.Actor, r.Reason, "ahead of earlier cases", r.At)
}

func (t *tx) replay(f *file, d *delivery, r store.Replay) error {
	// A new life: the schedule begins anew, and whoever sends it again has decided
	// what an uncertain attempt was worth.
	d.Attempts, d.FirstAt, d.Uncertain, d.NotBefore = 0, time.Time{}, false, r.At
	d.answer = nil
	if hub.Stands(d.Code) {
		d.Code = "" // it has had its say
	}
	d.State, d.Reason, d.due = hub.DeliveryPending, "", due(r.At)
	kind := "same document"
	if r.Anew {
		d.State, d.due = hub.DeliveryWaiting, 0
		f.flowDue = due(r.At)
		kind = "mapped anew"
	}
	return t.again(f, d, r.Actor, r.Reason, kind, r.At)
}

// again writes a delivery that was put back, and what follows for its submission.
func (t *tx) again(f *file, d *delivery, actor, reason, kind string, at time.Time) error {
	if f.State == hub.SubmissionSettled && d.Role != hub.RolePortal {
		if err := t.event(f.key, hub.Event{At: f.SettledAt, Type: "settled"}); err != nil {
			return err
		}
	}
	f.Version++
	if _, err := t.moved(f, d, at); err != nil {
		return err
	}
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	if err := t.requeue(f); err != nil {
		return err
	}
	return t.told(f, d, "replayed", actor, reason, kind, at)
}

// told writes what a person did with a delivery into the story and the trail.
func (t *tx) told(f *file, d *delivery, action, actor, reason, code string, at time.Time) error {
	e := hub.Event{At: at, Type: action, Actor: actor, Code: code, Text: reason}
	object := f.ID
	if d != nil {
		e.Delivery, e.Role, e.System = d.ID, d.Role, d.System
		object = d.ID
	}
	t.audit(hub.AuditEntry{At: at, Actor: actor, Action: action, Object: object.String(), Reason: reason})
	return t.event(f.key, e)
}

// Reopen implements store.Operate.
func (s *Store) Reopen(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		if err != nil {
			return err
		}
		if f.State != hub.SubmissionParked || len(f.deliveries) > 0 {
			return fmt.Errorf("%w: only a parked submission without deliveries is reopened", store.ErrState)
		}
		if !f.WithdrawnAt.IsZero() { // an earlier version has mended one to this state
			return store.ErrWithdrawn
		}
		f.State, f.Reason, f.Code = hub.SubmissionAccepted, "", ""
		f.flowDue = due(at)
		f.Version++
		if err := t.saveSubmission(f.submission); err != nil {
			return err
		}
		return t.told(f, nil, "reopened", actor, reason, "", at)
	})
	if err != nil {
		return fmt.Errorf("reopen %s: %w", id, err)
	}
	return nil
}

// CloseDelivery implements store.Operate.
func (s *Store) CloseDelivery(ctx context.Context, id hub.ID, actor, reason string, at time.Time) (store.Effect, error) {
	at = stored(at)
	var effect store.Effect
	err := s.w.do(ctx, func(t *tx) error {
		effect = store.Effect{}
		if id.Ordinal() == 0 {
			return t.closeSubmission(id, actor, reason, at)
		}
		f, d, err := t.find(id)
		if err != nil {
			return err
		}
		if f.State == hub.SubmissionDamaged {
			return store.ErrDamaged
		}
		if d.State == hub.DeliverySending || d.State.Settled() {
			return fmt.Errorf("%w: the delivery is %s", store.ErrState, d.State)
		}
		owed := f.owes()
		again := d.Code == hub.CodeAskedAgain
		d.State, d.Reason, d.due = hub.DeliveryClosed, "", 0
		if again { // only the question ends; what it has answered stands
			d.State, d.Code = hub.DeliveryDelivered, ""
		}
		if err := t.told(f, d, "closed", actor, reason, "", at); err != nil {
			return err
		}
		if err := t.refund(f, at); err != nil {
			return err
		}
		if owed != f.owes() {
			f.newly()
		}
		if d.Role == hub.RolePayment && !again {
			if err := t.closeSuccessors(f, d, hub.CodeUnpaid, actor, reason, at); err != nil {
				return err
			}
		}
		effect, err = t.moved(f, d, at)
		return err
	})
	if err != nil {
		return store.Effect{}, fmt.Errorf("close %s: %w", id, err)
	}
	if id.Ordinal() == 0 {
		effect.Settled = true
	}
	return effect, nil
}

// closeSubmission ends a parked submission that has no deliveries, or a damaged one.
func (t *tx) closeSubmission(id hub.ID, actor, reason string, at time.Time) error {
	f, err := t.load(id)
	if f != nil && f.submission != nil && f.was == hub.SubmissionDamaged {
		return t.closeDamaged(f, actor, reason, at)
	}
	if err != nil {
		return err
	}
	if f.State != hub.SubmissionParked || len(f.deliveries) > 0 {
		return fmt.Errorf("%w: only a parked submission without deliveries, or a damaged one, is closed as a whole", store.ErrState)
	}
	return t.settle(f, actor, reason, at)
}

// Pause implements store.Operate.
func (s *Store) Pause(ctx context.Context, system, actor, reason string, at time.Time) error {
	err := s.w.do(ctx, func(t *tx) error {
		t.paused = nil
		t.audit(hub.AuditEntry{At: at, Actor: actor, Action: "paused", Object: system, Reason: reason})
		return t.exec("INSERT OR REPLACE INTO pause (system, reason, at) VALUES (?, ?, ?)", system, reason, micros(at))
	})
	if err != nil {
		return fmt.Errorf("pause system %s: %w", system, err)
	}
	return nil
}

// Resume implements store.Operate.
func (s *Store) Resume(ctx context.Context, system, actor string, at time.Time) error {
	err := s.w.do(ctx, func(t *tx) error {
		n, err := t.changed("DELETE FROM pause WHERE system = ?", system)
		if err != nil || n == 0 {
			return err
		}
		t.paused = nil
		t.audit(hub.AuditEntry{At: at, Actor: actor, Action: "resumed", Object: system})
		return nil
	})
	if err != nil {
		return fmt.Errorf("resume system %s: %w", system, err)
	}
	return nil
}

// pauses are the paused systems as the writer knows them.
func (t *tx) pauses() (map[string]string, error) {
	if t.paused != nil {
		return t.paused, nil
	}
	paused, err := readPauses(context.Background(), t.c)
	if err != nil {
		t.broken = err
		return nil, err
	}
	t.paused = paused
	return paused, nil
}

func readPauses(ctx context.Context, c *conn) (map[string]string, error) {
	paused := make(map[string]string)
	err := c.query(ctx, "SELECT system, reason FROM pause", nil, func(row []driver.Value) error {
		paused[asString(row[0])] = asString(row[1])
		return nil
	})
	return paused, err
}

// Paused implements store.Operate.
func (s *Store) Paused(ctx context.Context) (paused map[string]string, err error) {
	err = s.read(ctx, func(c *conn) (err error) {
		paused, err = readPauses(ctx, c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list paused systems: %w", err)
	}
	return paused, nil
}

// Figures implements store.Operate.
func (s *Store) Figures(ctx context.Context) (*store.Figures, error) {
	f := s.tally.figures()
	err := s.read(ctx, func(c *conn) error {
		for name, system := range f.Systems {
			var err error
			if system.Pending+system.Sending > 0 {
				system.OldestWaiting, err = waiting(ctx, c, "state IN (2, 3)", name)
			}
			if err == nil && system.Awaiting > 0 {
				system.OldestAsked, err = waiting(ctx, c, "state = 4", name)
			}
			if err != nil {
				return err
			}
			f.Systems[name] = system
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the figures: %w", err)
	}
	return f, nil
}

// oldestLooks bounds how many rows are read for it.
const oldestLooks = 1000

// waiting is since when the delivery of a system in some states has been open that has
// been so for the longest; zero where there is none, or no row can be read. None has been
// open before it was received, so the rows are read in order of the receipt until there
// can be no older one.
func waiting(ctx context.Context, c *conn, states, system string) (oldest time.Time, err error) {
	var keys []int64
	err = c.query(ctx, "SELECT key FROM delivery WHERE system = ? AND "+states+" AND due IS NOT NULL", []any{system}, func(row []driver.Value) error {
		keys = append(keys, asInt(row[0]))
		return nil
	})
	if err != nil {
		return time.Time{}, err
	}
	slices.Sort(keys)
	for _, key := range keys[:min(len(keys), oldestLooks)] {
		if !oldest.IsZero() && !idOf(key).Time().Before(oldest) {
			break
		}
		err := c.query(ctx, "SELECT "+deliveryColumns+" FROM delivery WHERE key = ?", []any{key}, func(row []driver.Value) error {
			d, err := decodeDelivery(hub.ID{}, row)
			if err == nil && !d.since.IsZero() && (oldest.IsZero() || d.since.Before(oldest)) {
				oldest = d.since
			}
			return nil
		})
		if err = named(err); err != nil && !errors.Is(err, store.ErrDamaged) {
			return time.Time{}, err
		}
	}
	return oldest, nil
}

// LastRun implements store.Operate.
func (s *Store) LastRun(ctx context.Context, job string) (time.Time, error) {
	var at time.Time
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT at FROM job WHERE name = ?", []any{"job " + job}, func(row []driver.Value) error {
			at = fromMicros(asInt(row[0]))
			return nil
		})
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("last run of %s: %w", job, err)
	}
	return at, nil
}

// SetLastRun implements store.Operate.
func (s *Store) SetLastRun(ctx context.Context, job string, at time.Time) error {
	err := s.w.do(ctx, func(t *tx) error {
		return t.exec("INSERT OR REPLACE INTO job (name, at) VALUES (?, ?)", "job "+job, micros(at))
	})
	if err != nil {
		return fmt.Errorf("set the last run of %s: %w", job, err)
	}
	return nil
}

// Healthy implements store.Operate.
func (s *Store) Healthy(ctx context.Context) error {
	if s.space.full() {
		return fmt.Errorf("take new submissions: %w", store.ErrFull)
	}
	if err := s.w.do(ctx, (*tx).beat); err != nil {
		return fmt.Errorf("write to the store: %w", err)
	}
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT at FROM job WHERE name = ''", nil, func([]driver.Value) error { return nil })
	})
	if err != nil {
		return fmt.Errorf("read the store: %w", err)
	}
	return nil
}
