package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// few is how many deliveries one step changes where thousands may be meant: nobody
// waits long for the writer.
const few = 128

// Reached implements store.Deliver.
func (s *Store) Reached(ctx context.Context, ways map[string][]byte, at time.Time) (map[string]int, error) {
	before := make(map[string][]byte)
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT system, hash FROM way", nil, func(row []driver.Value) error {
			before[asString(row[0])] = bytes.Clone(asBytes(row[1]))
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read how the systems were reached: %w", err)
	}
	due := make(map[string]int)
	var news []string
	for _, system := range slices.Sorted(maps.Keys(ways)) {
		was, known := before[system]
		if known && bytes.Equal(was, ways[system]) {
			continue
		}
		news = append(news, system)
		if !known {
			continue
		}
		n, err := s.Hurry(ctx, system, "hub", at)
		if due[system] = n; err != nil {
			return due, err
		}
	}
	if len(news) == 0 {
		return due, nil
	}
	err = s.w.do(ctx, func(t *tx) error {
		for _, system := range news {
			if err := t.exec("INSERT OR REPLACE INTO way (system, hash) VALUES (?, ?)", system, ways[system]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return due, fmt.Errorf("note how the systems are reached: %w", err)
	}
	return due, nil
}

// Hurry implements store.Deliver.
func (s *Store) Hurry(ctx context.Context, system, actor string, at time.Time) (int, error) {
	at = stored(at)
	keys, err := s.keysOf(ctx, "SELECT key FROM delivery WHERE system = ? AND state IN (2, 4) AND due > ? ORDER BY key", system, due(at))
	if err != nil {
		return 0, fmt.Errorf("hurry what waits for system %s: %w", system, err)
	}
	n := 0
	for some := range slices.Chunk(keys, few) {
		done := 0
		err := s.w.do(ctx, func(t *tx) error {
			done = 0
			return t.each(some, func(f *file, d *delivery) error {
				if f.State == hub.SubmissionDamaged || d.State != hub.DeliveryPending && d.State != hub.DeliveryAwaiting || !d.NotBefore.After(at) {
					return nil // one that waits for its order is not put off by the clock
				}
				if !d.hurry(at) {
					return nil
				}
				d.due = due(d.NotBefore)
				done++
				return t.saveDelivery(d)
			})
		})
		if err != nil {
			return n, fmt.Errorf("hurry what waits for system %s: %w", system, err)
		}
		n += done
	}
	if n == 0 {
		return 0, nil
	}
	err = s.w.do(ctx, func(t *tx) error {
		t.audit(hub.AuditEntry{At: at, Actor: actor, Action: "hurried", Object: system, Reason: strconv.Itoa(n) + " deliveries do not wait for their next try any more"})
		return nil
	})
	if err != nil {
		return n, fmt.Errorf("hurry what waits for system %s: %w", system, err)
	}
	return n, nil
}

// hurry brings a delivery forward, one that may have arrived not before Settle has passed,
// and reports whether that is earlier than it was.
func (d *delivery) hurry(at time.Time) bool {
	if d.Uncertain {
		at = at.Add(store.Settle)
	}
	if !at.Before(d.NotBefore) {
		return false
	}
	d.NotBefore = at
	return true
}

// Strand implements store.Deliver.
func (s *Store) Strand(ctx context.Context, has func(system string) bool, at time.Time) (parked []store.Stranded, err error) {
	at = stored(at)
	for system, f := range s.tally.figures().Systems {
		if f.Pending+f.Awaiting == 0 || has(system) {
			continue
		}
		keys, err := s.chosen(ctx, "SELECT "+deliveryColumns+" FROM delivery WHERE system = ? AND state IN (2, 4) AND due IS NOT NULL ORDER BY key", system, (*delivery).mayStrand)
		if err != nil {
			return parked, fmt.Errorf("park what waits for system %s: %w", system, err)
		}
		for some := range slices.Chunk(keys, few) {
			var done []store.Stranded
			err := s.w.do(ctx, func(t *tx) error {
				done = nil
				return t.each(some, func(f *file, d *delivery) error {
					if f.State == hub.SubmissionDamaged || !d.mayStrand() {
						return nil
					}
					if err := t.strand(f, d, at); err != nil {
						return err
					}
					done = append(done, store.Stranded{ID: d.ID, System: system, Reason: d.Reason})
					return nil
				})
			})
			if err != nil {
				return parked, fmt.Errorf("park what waits for system %s: %w", system, err)
			}
			parked = append(parked, done...)
		}
	}
	return parked, nil
}

// mayStrand reports whether a delivery waits. What has had its answer, and is asked for
// another one, stands by that until its system is there: parked it would look open, and
// whoever ends it would end what had arrived.
func (d *delivery) mayStrand() bool {
	return (d.State == hub.DeliveryPending || d.State == hub.DeliveryAwaiting) && !hub.Stands(d.Code)
}

// strand parks one. Whether it was awaiting is kept, and so is what it can be asked by.
func (t *tx) strand(f *file, d *delivery, at time.Time) error {
	d.asked = d.State == hub.DeliveryAwaiting
	d.State, d.Reason, d.Code, d.due = hub.DeliveryParked, hub.ParkUnmapped, hub.CodeSystemGone, 0
	if d.asked || d.Uncertain || len(d.token) > 0 { // with a token it was taken over once
		d.Reason = hub.ParkUnclear
	}
	err := t.event(f.key, hub.Event{At: at, Type: "parked", Delivery: d.ID, Role: d.Role, System: d.System, Actor: "hub", Code: d.Code, Text: string(d.Reason)})
	if err != nil {
		return err
	}
	_, err = t.moved(f, d, at)
	return err
}

// Return implements store.Deliver.
func (s *Store) Return(ctx context.Context, has func(system string) bool, at time.Time) (back []hub.ID, err error) {
	at = stored(at)
	for system, f := range s.tally.figures().Systems {
		if f.Parked == 0 || !has(system) {
			continue
		}
		keys, err := s.chosen(ctx, "SELECT "+deliveryColumns+" FROM delivery INDEXED BY delivery_parked WHERE system = ? AND state = 6 ORDER BY key", system,
			func(d *delivery) bool { return d.Code == hub.CodeSystemGone })
		if err != nil {
			return back, fmt.Errorf("look for what waited for system %s: %w", system, err)
		}
		for some := range slices.Chunk(keys, few) {
			var done []hub.ID
			err := s.w.do(ctx, func(t *tx) error {
				done = nil
				return t.each(some, func(f *file, d *delivery) error {
					if !f.mayReturn(d) {
						return nil
					}
					done = append(done, d.ID)
					return t.bringBack(f, d, at)
				})
			})
			if err != nil {
				return back, fmt.Errorf("put back what waited for system %s: %w", system, err)
			}
			back = append(back, done...)
		}
	}
	return back, nil
}

// mayReturn reports whether a delivery is parked for want of its system alone. What was
// withdrawn or deleted meanwhile stays with a person, but for an open question.
func (f *file) mayReturn(d *delivery) bool {
	return d.State == hub.DeliveryParked && d.Code == hub.CodeSystemGone && f.State != hub.SubmissionDamaged &&
		(f.WithdrawnAt.IsZero() || d.asked || d.Role == hub.RolePortal) &&
		f.Erased.Payload.IsZero() && (f.Attachments == 0 || f.Erased.Attachments.IsZero())
}

// bringBack makes it what it was, with a schedule that begins anew.
func (t *tx) bringBack(f *file, d *delivery, at time.Time) error {
	d.Attempts, d.FirstAt, d.NotBefore = 0, time.Time{}, at
	d.State, d.Reason, d.Code = hub.DeliveryPending, "", ""
	switch {
	case d.asked:
		d.State = hub.DeliveryAwaiting
	case d.Uncertain:
		d.NotBefore = at.Add(store.Settle)
	}
	d.asked, d.due = false, due(d.NotBefore)
	return t.again(f, d, "hub", "its system is configured again", "same document", at)
}

// keysOf lists the keys of a system's deliveries.
func (s *Store) keysOf(ctx context.Context, query string, args ...any) (keys []int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(ctx, query, args, func(row []driver.Value) error {
			keys = append(keys, asInt(row[0]))
			return nil
		})
	})
	return keys, err
}

// chosen lists the keys of those of a system's deliveries that fit.
func (s *Store) chosen(ctx context.Context, query, system string, fits func(*delivery) bool) (keys []int64, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(ctx, query, []any{system}, func(row []driver.Value) error {
			if d, err := decodeDelivery(hub.ID{}, row); err == nil && fits(d) {
				keys = append(keys, d.key)
			}
			return nil
		})
	})
	return keys, err
}

// each goes through deliveries. One that cannot be read is left to its own turn.
func (t *tx) each(keys []int64, do func(*file, *delivery) error) error {
	for _, key := range keys {
		f, err := t.loadKey(submissionKey(key))
		switch {
		case t.broken != nil:
			return err
		case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
			continue
		case err != nil:
			return err
		}
		if d := f.delivery(key); d != nil {
			if err := do(f, d); err != nil {
				return err
			}
		}
	}
	return nil
}
