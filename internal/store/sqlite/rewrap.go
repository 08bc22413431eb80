package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"fmt"

	"stellwerk/internal/hub"
)

// Rewrap implements store.Operate.
func (s *Store) Rewrap(ctx context.Context, batch int, fn func(id hub.ID, municipality string, wrapped []byte) ([]byte, error)) (int, error) {
	changed := 0
	for after := int64(0); ; {
		var files []*submission
		var damage error
		err := s.read(ctx, func(c *conn) error {
			return c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE key > ? ORDER BY key LIMIT ?", []any{after, int64(max(batch, 1))}, func(row []driver.Value) error {
				after = asInt(row[0])
				f, err := decodeSubmission(row)
				if err != nil && damage == nil {
					damage = err
				}
				files = append(files, f)
				return nil
			})
		})
		if err != nil {
			return changed, fmt.Errorf("rewrap data keys: %w", err)
		}
		if len(files) == 0 {
			n, err := s.rewrapBundles(ctx, batch, fn)
			return changed + n, err
		}
		fresh := make(map[hub.ID][2][]byte)
		for _, f := range files {
			if len(f.dataKey) == 0 {
				continue // damaged, or destroyed
			}
			wrapped, err := fn(f.ID, f.Municipality, f.dataKey)
			if err != nil {
				return changed, fmt.Errorf("rewrap the data key of %s: %w", f.ID, err)
			}
			if wrapped != nil {
				fresh[f.ID] = [2][]byte{f.dataKey, wrapped}
			}
		}
		n, err := s.rewrapped(ctx, fresh)
		changed += n
		if err != nil {
			return changed, fmt.Errorf("rewrap data keys: %w", err)
		}
	}
}

// rewrapped stores data keys that still are what they were.
func (s *Store) rewrapped(ctx context.Context, fresh map[hub.ID][2][]byte) (int, error) {
	if len(fresh) == 0 {
		return 0, nil
	}
	n := 0
	err := s.w.do(ctx, func(t *tx) error {
		n = 0
		for id, keys := range fresh {
			f, err := t.load(id)
			if t.broken != nil {
				return err
			}
			if f == nil || f.submission == nil || !bytes.Equal(f.dataKey, keys[0]) {
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
	return n, err
}
