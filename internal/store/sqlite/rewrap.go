package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Rewrap implements store.Operate.
func (s *Store) Rewrap(ctx context.Context, batch int, fn func(id hub.ID, municipality string, wrapped []byte) ([]byte, error)) (int, error) {
	changed, unread := 0, store.UnreadKeys(0)
	for after := int64(0); ; {
		files, skipped, err := s.keysBehind(ctx, &after, max(batch, 1))
		if err != nil {
			return changed, fmt.Errorf("rewrap data keys: %w", err)
		}
		unread += skipped
		if len(files) == 0 && skipped == 0 {
			n, err := s.rewrapBundles(ctx, batch, fn, &unread)
			if err == nil && unread > 0 {
				err = unread
			}
			return changed + n, err
		}
		fresh := make(map[hub.ID][2][]byte)
		for _, f := range files {
			if len(f.dataKey) == 0 {
				continue // destroyed
			}
			wrapped, err := fn(f.ID, f.Municipality, f.dataKey)
			if err != nil {
				return changed, fmt.Errorf("rewrap the data key of %s: %w", f.ID, err)
			}
			if wrapped != nil {
				fresh[f.ID] = [2][]byte{f.dataKey, wrapped}
			}
		}
		n, missed, err := s.rewrapped(ctx, fresh)
		if errors.Is(err, store.ErrDamaged) { // a page beside them: one by one
			err = nil
			for id, keys := range fresh {
				one, not, e := s.rewrapped(ctx, map[hub.ID][2][]byte{id: keys})
				if n, missed = n+one, missed+not; errors.Is(e, store.ErrDamaged) {
					missed++
				} else if err = e; err != nil {
					break
				}
			}
		}
		changed, unread = changed+n, unread+missed
		if err != nil {
			return changed, fmt.Errorf("rewrap data keys: %w", err)
		}
	}
}

// keysBehind reads the next submissions and moves after behind them; skipped is how many
// of them cannot be read, with their pages or alone.
func (s *Store) keysBehind(ctx context.Context, after *int64, batch int) (files []*submission, skipped store.UnreadKeys, err error) {
	from := *after
	each := func(row []driver.Value) error {
		*after = max(*after, asInt(row[0]))
		f, err := decodeSubmission(row)
		if err != nil {
			skipped++
			return nil
		}
		files = append(files, f)
		return nil
	}
	err = s.read(ctx, func(c *conn) error {
		err := c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE key > ? ORDER BY key LIMIT ?", []any{from, int64(batch)}, each)
		if !errors.Is(named(err), store.ErrDamaged) {
			return err
		}
		*after, files, skipped = from, nil, 0
		return walkAround(ctx, c, from, batch, each, func(key int64) {
			*after = max(*after, key)
			skipped++
		})
	})
	return files, skipped, err
}

// rewrapped stores data keys that still are what they were; missed is how many are on a
// page that the writer cannot read.
func (s *Store) rewrapped(ctx context.Context, fresh map[hub.ID][2][]byte) (n int, missed store.UnreadKeys, err error) {
	if len(fresh) == 0 {
		return 0, 0, nil
	}
	err = s.w.do(ctx, func(t *tx) error {
		n, missed = 0, 0
		for id, keys := range fresh {
			f, err := t.load(id)
			if t.broken != nil {
				return err
			}
			if f == nil || f.submission == nil || !bytes.Equal(f.dataKey, keys[0]) {
				if err != nil { // else it is another one by now
					missed++
				}
				continue
			}
			f.dataKey = keys[1]
			if err := t.toScrub(keys[0]); err != nil {
				return err
			}
			if err := t.saveSubmission(f.submission); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	if err != nil {
		return 0, 0, err // rolled back
	}
	return n, missed, nil
}
