package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// ForgetAnswers implements store.Bundles.
func (s *Store) ForgetAnswers(ctx context.Context, closed, stale, at time.Time) (int, error) {
	at = stored(at)
	total := 0
	for after := int64(0); ; {
		var ids []hub.ID
		n := 0
		err := s.read(ctx, func(c *conn) error {
			return c.query(ctx, "SELECT "+bundleColumns+" FROM bundle WHERE key > ? ORDER BY key LIMIT ?", []any{after, int64(eraseBatch)}, func(row []driver.Value) error {
				n++
				after = asInt(row[0])
				if b, err := decodeBundle(row); err == nil && len(b.dataKey) > 0 {
					ids = append(ids, b.ID)
				}
				return nil
			})
		})
		if err != nil || n == 0 {
			return total, err
		}
		var destroyed [][]byte
		if len(ids) > 0 {
			err = s.w.do(ctx, func(t *tx) (err error) {
				destroyed = nil
				if err := t.secure(true); err != nil {
					return err
				}
				defer func() { err = errors.Join(err, t.secure(false)) }()
				for _, id := range ids {
					key, err := t.forgetAnswers(id, closed, stale, at)
					if t.broken != nil {
						return err
					}
					if err == nil && key != nil { // what is damaged is for whoever repairs it
						destroyed = append(destroyed, key)
					}
				}
				return nil
			})
			if err != nil {
				return total, fmt.Errorf("forget the answers of bundles: %w", err)
			}
		}
		for _, key := range destroyed {
			s.residue.add(key)
		}
		total += len(destroyed)
	}
}

// forgetAnswers gives the key that was destroyed, nil where it is not time yet.
func (t *tx) forgetAnswers(id hub.ID, closed, stale, at time.Time) ([]byte, error) {
	b, err := t.bundle(id)
	if err != nil {
		return nil, err
	}
	settled, erased, parts := 0, 0, 0
	keys, err := t.partsOf(b.key)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		f, err := t.loadKey(key)
		if t.broken != nil {
			return nil, err
		}
		parts++
		switch {
		case err != nil: // it cannot be read: not settled for certain
		case f.Hold.On():
			return nil, nil
		case f.State == hub.SubmissionErased:
			erased++
		case f.State == hub.SubmissionSettled:
			settled++
		}
	}
	done := b.Closed() && b.ClosedAt.Before(closed) && settled+erased == parts
	if !done && (parts == 0 || erased < parts) && !b.ChangedAt.Before(stale) {
		return nil, nil
	}
	return t.destroyAnswers(b, "hub", at)
}

// eraseAnswers destroys the answers of a bundle with the last of its submissions, the
// one that is being erased. Nil where others are still there.
func (t *tx) eraseAnswers(last *file, actor string, at time.Time) ([]byte, error) {
	b, err := t.bundle(last.Bundle)
	if t.broken != nil {
		return nil, err
	}
	if err != nil || len(b.dataKey) == 0 {
		return nil, nil // damaged: it is for whoever repairs it
	}
	keys, err := t.partsOf(b.key)
	if err != nil {
		return nil, err
	}
	for _, key := range keys {
		if key == last.key {
			continue
		}
		f, err := t.loadKey(key)
		if t.broken != nil {
			return nil, err
		}
		if err != nil || f.State != hub.SubmissionErased {
			return nil, nil
		}
	}
	return t.destroyAnswers(b, actor, at)
}

func (t *tx) destroyAnswers(b *bundle, actor string, at time.Time) ([]byte, error) {
	key := b.dataKey
	b.dataKey, b.answers = nil, nil
	if !b.Closed() {
		b.ClosedAt = at
	}
	if err := t.toScrub(key); err != nil {
		return nil, err
	}
	return key, t.bundleTold(b, "answers-forgotten", actor, at)
}

// partsOf are the keys of a bundle's submissions, in order of their receipt.
func (t *tx) partsOf(bundle int64) (keys []int64, err error) {
	err = t.query("SELECT key FROM bundle_part WHERE bundle = ? ORDER BY key", []any{bundle}, func(row []driver.Value) error {
		keys = append(keys, asInt(row[0]))
		return nil
	})
	return keys, err
}
