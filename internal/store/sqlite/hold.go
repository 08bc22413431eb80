package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Walk implements store.Erasure.
func (s *Store) Walk(ctx context.Context, after hub.ID, limit int) ([]hub.Submission, error) {
	from := int64(-1)
	if !after.Zero() {
		from = submissionKey(keyOf(after))
	}
	var all []hub.Submission
	each := func(row []driver.Value) error {
		sub, err := decodeSubmission(row)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}
		all = append(all, sub.Submission)
		return nil
	}
	err := s.read(ctx, func(c *conn) error {
		err := c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE key > ? ORDER BY key LIMIT ?", []any{from, int64(limit)}, each)
		if !errors.Is(named(err), store.ErrDamaged) {
			return err
		}
		all = nil
		return walkAround(ctx, c, from, limit, each, func(key int64) {
			id := idOf(key)
			all = append(all, hub.Submission{ID: id, State: hub.SubmissionDamaged, ReceivedAt: id.Time()})
		})
	})
	if err != nil {
		return nil, fmt.Errorf("walk through the submissions: %w", err)
	}
	return all, nil
}

// walkAround is Walk where a page of the submissions is corrupt: it takes their keys from
// an index, and tells of those that cannot be read.
func walkAround(ctx context.Context, c *conn, from int64, limit int, each func([]driver.Value) error, unreadable func(key int64)) error {
	var keys []int64
	err := c.query(ctx, "SELECT key FROM submission INDEXED BY submission_municipality WHERE key > ? ORDER BY key LIMIT ?", []any{from, int64(limit)}, func(row []driver.Value) error {
		keys = append(keys, asInt(row[0]))
		return nil
	})
	for i := 0; err == nil && i < len(keys); i++ {
		err = c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE key = ?", []any{keys[i]}, each)
		if errors.Is(named(err), store.ErrDamaged) {
			unreadable(keys[i])
			err = nil
		}
	}
	return err
}

// Hold implements store.Erasure. A hold is the town hall's business: it stands in
// the row and in the audit trail, not in the story that portals read.
func (s *Store) Hold(ctx context.Context, id hub.ID, h hub.Hold) error {
	h.Since = stored(h.Since)
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		switch {
		case err != nil:
			return err
		case f.State == hub.SubmissionErased:
			return store.ErrErased
		case f.Hold.On():
			return nil
		}
		f.Hold = h
		if err := t.exec("INSERT OR REPLACE INTO hold (key) VALUES (?)", f.key); err != nil {
			return err
		}
		t.audit(hub.AuditEntry{At: h.Since, Actor: h.By, Action: "held", Object: f.ID.String(), Reason: h.Reason})
		return t.saveSubmission(f.submission)
	})
	if err != nil {
		return fmt.Errorf("hold %s: %w", id, err)
	}
	return nil
}

// Release implements store.Erasure.
func (s *Store) Release(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error {
	err := s.w.do(ctx, func(t *tx) error {
		f, err := t.load(id)
		switch {
		case err != nil:
			return err
		case !f.Hold.On():
			return fmt.Errorf("%w: there is no hold", store.ErrState)
		}
		f.Hold = hub.Hold{}
		if err := t.exec("DELETE FROM hold WHERE key = ?", f.key); err != nil {
			return err
		}
		t.audit(hub.AuditEntry{At: stored(at), Actor: actor, Action: "released", Object: f.ID.String(), Reason: reason})
		return t.saveSubmission(f.submission)
	})
	if err != nil {
		return fmt.Errorf("release %s: %w", id, err)
	}
	return nil
}
