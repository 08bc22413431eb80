package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// The bounds of a list.
const (
	listDefault = 50
	listMost    = 1000
)

// List implements store.Operate. What is indexed or cheap is asked in SQL, the
// rest is looked at row by row.
func (s *Store) List(ctx context.Context, f store.Filter) ([]store.Row, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = listDefault
	}
	limit = min(limit, listMost)
	var rows []store.Row
	err := s.read(ctx, func(c *conn) error {
		where, args := conditions(f)
		if len(f.Search) > 0 {
			keys, err := searched(ctx, c, f.Search)
			if err != nil || len(keys) == 0 {
				return err
			}
			where = append(where, "key IN ("+strings.Join(keys, ",")+")")
		}
		before := int64(-1)
		if !f.Before.Zero() {
			before = submissionKey(keyOf(f.Before))
		}
		for len(rows) < limit {
			page, last, err := readPage(ctx, c, where, args, before, limit)
			if errors.Is(named(err), store.ErrDamaged) {
				page, last, err = readAround(ctx, c, where, args, before, limit, f.State == hub.SubmissionDamaged || len(where) == 0)
			}
			if err != nil {
				return err
			}
			for _, sub := range page {
				row, ok, err := lineOf(ctx, c, f, sub)
				if err != nil {
					return err
				}
				if ok && len(rows) < limit {
					rows = append(rows, row)
				}
			}
			if len(page) < limit {
				return nil
			}
			before = last
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list submissions: %w", err)
	}
	return rows, nil
}

// conditions is the part of a filter that SQL can tell.
func conditions(f store.Filter) (where []string, args []any) {
	add := func(cond string, arg ...any) {
		where = append(where, cond)
		args = append(args, arg...)
	}
	if f.Municipality != "" {
		add("municipality = ?", f.Municipality)
	}
	if f.Service != "" {
		add("service = ?", f.Service)
	}
	if f.Portal != "" {
		add("portal = ?", f.Portal)
	}
	switch f.State {
	case "":
	case hub.SubmissionParked, hub.SubmissionDamaged:
		add("state IN (3, 5) AND state = ?", submissionNumber(f.State))
	default:
		add("state = ?", submissionNumber(f.State))
	}
	if !f.Bundle.Zero() {
		add("key IN (SELECT p.key FROM bundle_part p WHERE p.bundle = ?)", keyOf(f.Bundle))
	}
	if f.Held {
		add("key IN (SELECT key FROM hold)")
	}
	if !f.First.Zero() {
		add("key >= ?", submissionKey(keyOf(f.First)))
	}
	if !f.Last.Zero() {
		add("key <= ?", keyOf(f.Last))
	}
	// An id is made within a day of the receipt; the exact time is looked at later.
	if !f.Since.IsZero() {
		add("key >= ?", keyAt(f.Since.Add(-24*time.Hour)))
	}
	if !f.Until.IsZero() {
		add("key <= ?", keyAt(f.Until.Add(24*time.Hour)))
	}
	if cond, arg := deliveryCondition(f); cond != "" {
		add(cond, arg...)
	}
	return where, args
}

// deliveryCondition narrows a list to submissions that have such a delivery; what
// is rare or open has an index, the rest is looked for backwards from the newest.
func deliveryCondition(f store.Filter) (cond string, args []any) {
	and, args := "", []any(nil)
	if f.System != "" {
		and, args = " AND system = ?", []any{f.System}
	}
	const parked, open = "SELECT key & ~255 FROM delivery WHERE state = 6", "SELECT key & ~255 FROM delivery WHERE due IS NOT NULL"
	some := parked + and
	switch f.DeliveryState {
	case hub.DeliveryParked:
	case hub.DeliveryPending, hub.DeliverySending, hub.DeliveryAwaiting:
		some = open + and + " AND state = ?"
		args = append(args, deliveryNumber(f.DeliveryState))
	case "":
		if f.Reason == "" && f.Code == "" {
			if f.System == "" {
				return "", nil
			}
			return anyDelivery + and + ")", args
		}
		if f.Reason == "" {
			some += " UNION " + open + and
			args = append(args, args...)
		}
		if f.System == "" {
			some += " UNION SELECT key FROM submission WHERE state IN (3, 5)"
		}
	default:
		return anyDelivery + and + " AND state = ?)", append(args, deliveryNumber(f.DeliveryState))
	}
	return "key IN (" + some + ")", args
}

const anyDelivery = "EXISTS (SELECT 1 FROM delivery d WHERE d.key > submission.key AND d.key <= submission.key + 255"

// keyAt is the first key of a moment.
func keyAt(at time.Time) int64 {
	var id hub.ID
	ms := max(at.UnixMilli(), int64(keyEpoch))
	for i := range 6 {
		id[i] = byte(ms >> (40 - 8*i))
	}
	return keyOf(id)
}

func readPage(ctx context.Context, c *conn, where []string, args []any, before int64, limit int) (page []*submission, last int64, err error) {
	if before >= 0 {
		where = append(where[:len(where):len(where)], "key < ?")
		args = append(args[:len(args):len(args)], before)
	}
	text := "SELECT " + submissionColumns + " FROM submission"
	if len(where) > 0 {
		text += " WHERE " + strings.Join(where, " AND ")
	}
	args = append(args[:len(args):len(args)], int64(limit))
	err = c.once(ctx, text+" ORDER BY key DESC LIMIT ?", args, func(row []driver.Value) error {
		sub, err := decodeSubmission(row)
		if err != nil && !errors.Is(err, store.ErrDamaged) {
			return err
		}
		page = append(page, sub)
		last = sub.key
		return nil
	})
	return page, last, err
}

// readAround is readPage where a page of the submissions is corrupt: it takes their keys
// from an index and reads them in parts, which get smaller around what cannot be read. Of
// that only the key is known; it is told where damaged ones are wanted, or all.
func readAround(ctx context.Context, c *conn, where []string, args []any, before int64, limit int, unreadable bool) (page []*submission, last int64, err error) {
	const some = 512
	if before < 0 {
		before = math.MaxInt64
	}
	where = where[:len(where):len(where)]
	part := append(where, "key >= ?")
	one := append(where, "key = ?") // which looks at no neighbour
	var read func(keys []int64) error
	read = func(keys []int64) error {
		where, args, before := part, append(args[:len(args):len(args)], keys[len(keys)-1]), keys[0]+1
		if len(keys) == 1 {
			where, before = one, -1
		}
		rows, _, err := readPage(ctx, c, where, args, before, limit)
		switch {
		case err == nil:
			page = append(page, rows...)
			return nil
		case !errors.Is(named(err), store.ErrDamaged):
			return err
		case len(keys) > 1:
			if err := read(keys[:len(keys)/2]); err != nil {
				return err
			}
			return read(keys[len(keys)/2:])
		case unreadable:
			s := &submission{key: keys[0], was: hub.SubmissionDamaged}
			s.ID, s.State = idOf(keys[0]), hub.SubmissionDamaged
			s.ReceivedAt = s.ID.Time()
			page = append(page, s)
		}
		return nil
	}
	for len(page) < limit {
		var keys []int64
		err := c.query(ctx, "SELECT key FROM submission INDEXED BY submission_municipality WHERE key < ? ORDER BY key DESC LIMIT ?", []any{before, int64(some)}, func(row []driver.Value) error {
			keys = append(keys, asInt(row[0]))
			return nil
		})
		if err != nil {
			return nil, 0, err
		}
		if len(keys) == 0 {
			break
		}
		if err := read(keys); err != nil {
			return nil, 0, err
		}
		before = keys[len(keys)-1]
	}
	if page = page[:min(len(page), limit)]; len(page) > 0 {
		last = page[len(page)-1].key
	}
	return page, last, nil
}

// lineOf completes a line with its deliveries and looks at the rest of the filter.
func lineOf(ctx context.Context, c *conn, f store.Filter, sub *submission) (store.Row, bool, error) {
	if !f.Since.IsZero() && sub.ReceivedAt.Before(f.Since) || !f.Until.IsZero() && sub.ReceivedAt.After(f.Until) {
		return store.Row{}, false, nil
	}
	if !f.First.Zero() && bytes.Compare(sub.ID[:], f.First[:]) < 0 || !f.Last.Zero() && bytes.Compare(sub.ID[:], f.Last[:]) > 0 {
		return store.Row{}, false, nil
	}
	deliveries, err := readDeliveries(ctx, c, sub.ID)
	if err != nil && !errors.Is(named(err), store.ErrDamaged) {
		return store.Row{}, false, err
	}
	if err != nil {
		sub.State = hub.SubmissionDamaged
	}
	whole := &file{submission: sub, deliveries: deliveries}
	status := whole.status()
	row := store.Row{Submission: status.Submission, Deliveries: status.Deliveries,
		Damage: sub.State == hub.SubmissionDamaged && sub.was != hub.SubmissionDamaged}
	return row, f.DeliveryState == "" && f.System == "" && f.Reason == "" && f.Code == "" || matches(f, row), nil
}

// matches reports whether one delivery meets all of the filter's conditions for
// deliveries, or the submission itself is parked as asked for.
func matches(f store.Filter, row store.Row) bool {
	for _, d := range row.Deliveries {
		if f.DeliveryState == "" && (f.Reason != "" || f.Code != "") && d.State.Settled() {
			continue
		}
		if (f.DeliveryState == "" || d.State == f.DeliveryState) && (f.System == "" || d.System == f.System) &&
			(f.Reason == "" || d.Reason == f.Reason) && (f.Code == "" || d.Code == f.Code) {
			return true
		}
	}
	s := row.Submission
	return f.DeliveryState == "" && f.System == "" && s.Reason != "" &&
		(f.Reason == "" || s.Reason == f.Reason) && (f.Code == "" || s.Code == f.Code)
}

// searched gives the keys of the submissions with a search hash, as SQL text:
// they are numbers.
func searched(ctx context.Context, c *conn, hash []byte) ([]string, error) {
	var keys []string
	err := c.query(ctx, "WITH RECURSIVE runs (n) AS (SELECT max(run) FROM search UNION ALL SELECT n - 1 FROM runs WHERE n > (SELECT min(run) FROM search)) "+
		"SELECT DISTINCT s.key FROM runs JOIN search s ON s.run = runs.n AND s.hash = ?", []any{hash}, func(row []driver.Value) error {
		keys = append(keys, fmt.Sprint(asInt(row[0])))
		return nil
	})
	return keys, err
}

// Municipalities implements store.Operate: it leaps from one to the next in their index.
func (s *Store) Municipalities(ctx context.Context) ([]string, error) {
	var all []string
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "WITH RECURSIVE m (ags) AS (SELECT min(municipality) FROM submission UNION ALL "+
			"SELECT (SELECT min(municipality) FROM submission WHERE municipality > m.ags) FROM m WHERE m.ags IS NOT NULL) "+
			"SELECT ags FROM m WHERE ags IS NOT NULL", nil, func(row []driver.Value) error {
			all = append(all, asString(row[0]))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list the municipalities: %w", err)
	}
	return all, nil
}
