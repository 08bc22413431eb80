package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"

	"stellwerk/internal/store"
)

// Number implements store.Numbers.
func (s *Store) Number(ctx context.Context, o store.NumberOrder) (n int64, err error) {
	err = s.w.do(ctx, func(t *tx) (err error) {
		n, err = t.number(&o)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("draw from the number range %s of %s: %w", o.Range, o.Municipality, err)
	}
	return n, nil
}

func (t *tx) number(o *store.NumberOrder) (int64, error) {
	f, err := t.load(o.Submission)
	if err != nil {
		return 0, err
	}
	if !f.Erased.Metadata.IsZero() {
		return 0, store.ErrErased
	}
	n, given, err := t.one("SELECT n FROM number WHERE key = ? AND municipality = ? AND name = ? AND record = ?", f.key, o.Municipality, o.Range, o.Record)
	if err != nil || given {
		return n, err
	}
	last, begun, err := t.one("SELECT last FROM number_range WHERE municipality = ? AND name = ?", o.Municipality, o.Range)
	if err != nil {
		return 0, err
	}
	if n = o.First; begun && last >= n {
		n = last + 1
	}
	if n > o.Last {
		return 0, store.ErrUsedUp
	}
	if err := t.exec("INSERT OR REPLACE INTO number_range (municipality, name, last) VALUES (?, ?, ?)", o.Municipality, o.Range, n); err != nil {
		return 0, err
	}
	return n, t.exec("INSERT INTO number (key, municipality, name, record, n) VALUES (?, ?, ?, ?, ?)", f.key, o.Municipality, o.Range, o.Record, n)
}

// one reads one number, where there is a row.
func (t *tx) one(query string, args ...any) (n int64, is bool, err error) {
	err = t.query(query, args, func(row []driver.Value) error {
		n, is = asInt(row[0]), true
		return nil
	})
	return n, is, err
}

// Ranges implements store.Numbers.
func (s *Store) Ranges(ctx context.Context) ([]store.NumberRange, error) {
	var all []store.NumberRange
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT municipality, name, last FROM number_range ORDER BY municipality, name", nil, func(row []driver.Value) error {
			all = append(all, store.NumberRange{Municipality: asString(row[0]), Range: asString(row[1]), Last: asInt(row[2])})
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the number ranges: %w", err)
	}
	return all, nil
}
