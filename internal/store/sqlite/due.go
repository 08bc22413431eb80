package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/store"
)

// Due implements store.Flow.
func (s *Store) Due(ctx context.Context, before time.Time, behind store.Due, limit int) ([]store.Due, error) {
	var found []store.Due
	err := s.read(ctx, func(c *conn) error {
		from := []any{due(before), micros(behind.Since), keyOf(behind.ID), int64(limit)}
		err := c.query(ctx, "SELECT id, flow_due"+dueSubmissions, from, func(row []driver.Value) error {
			one := store.Due{Since: fromMicros(asInt(row[1]))}
			copy(one.ID[:], asBytes(row[0]))
			found = append(found, one)
			return nil
		})
		if errors.Is(named(err), store.ErrDamaged) {
			found, err = s.dueAround(ctx, c, from, limit)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("list what is due: %w", err)
	}
	return found, nil
}

// dueSubmissions is what is due behind a time and a key. The index alone has all of it.
const dueSubmissions = " FROM submission WHERE flow_due <= ? AND (flow_due, key) > (?, ?) ORDER BY flow_due, key LIMIT ?"

// dueAround is Due where a page of the submissions is corrupt: it passes over those on it.
func (s *Store) dueAround(ctx context.Context, c *conn, from []any, limit int) (found []store.Due, err error) {
	for more := true; more && len(found) < limit; {
		var keys, since []int64
		err := c.query(ctx, "SELECT key, flow_due"+dueSubmissions, from, func(row []driver.Value) error {
			keys, since = append(keys, asInt(row[0])), append(since, asInt(row[1]))
			return nil
		})
		if err != nil {
			return nil, err
		}
		more = len(keys) == limit
		for i := 0; i < len(keys) && len(found) < limit; i++ {
			one := store.Due{Since: fromMicros(since[i])}
			err := c.query(ctx, "SELECT id FROM submission WHERE key = ?", []any{keys[i]}, func(row []driver.Value) error {
				copy(one.ID[:], asBytes(row[0]))
				return nil
			})
			switch {
			case err == nil && !one.ID.Zero():
				found = append(found, one)
			case err == nil: // deleted meanwhile
			case !errors.Is(named(err), store.ErrDamaged):
				return nil, err
			default:
				if _, told := s.unreadable.LoadOrStore(keys[i], true); !told {
					s.log.Error("a page of the store cannot be read; its neighbours go on", "key", keys[i], "error", err)
				}
			}
			from[1], from[2] = since[i], keys[i]
		}
	}
	return found, nil
}
