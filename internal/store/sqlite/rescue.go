package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Expired implements store.Deliver. A lease that this process has given is no
// leftover of a start, whoever asks.
func (s *Store) Expired(ctx context.Context, now time.Time, owner string, limit int) ([]store.Expired, error) {
	var found []store.Expired
	err := s.w.do(ctx, func(t *tx) error {
		found = nil
		var keys []int64
		err := t.query("SELECT d.key FROM tally t JOIN delivery d ON d.system = t.name AND d.state = 3 AND d.due IS NOT NULL "+
			"WHERE t.what = ? AND t.n <> 0 AND (d.due <= ? OR ?) ORDER BY d.key", []any{int64(countDeliveries + stateSending), due(now), number(owner != "")}, func(row []driver.Value) error {
			keys = append(keys, asInt(row[0]))
			return nil
		})
		if err != nil {
			return err
		}
		for _, key := range keys {
			if len(found) >= limit {
				break
			}
			f, err := t.loadKey(submissionKey(key))
			if t.broken != nil {
				return err
			}
			if err != nil {
				continue // damaged; nothing of it is sent
			}
			d := f.delivery(key)
			if d == nil || d.State != hub.DeliverySending {
				continue
			}
			if d.lease <= micros(now) || d.owner == owner && !t.claimed[key] {
				found = append(found, store.Expired{ID: d.ID, System: d.System, Owner: d.owner})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("list expired leases: %w", err)
	}
	return found, nil
}

func number(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// Rescue implements store.Deliver.
func (s *Store) Rescue(ctx context.Context, id hub.ID, owner string, park bool, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		f, d, err := t.find(id)
		if err != nil {
			return err
		}
		if d.State != hub.DeliverySending || d.owner != owner || d.lease > micros(at) && t.claimed[d.key] {
			return fmt.Errorf("%w: somebody was faster", store.ErrStale)
		}
		a := &attempt{
			Attempt: hub.Attempt{Delivery: d.ID, N: d.Attempts, At: at, Node: owner, Kind: "rescue", Outcome: "unknown", Code: "interrupted"},
			led:     hub.DeliveryPending,
		}
		f.owed, f.learned = f.owes(), false
		d.NotBefore = at
		switch {
		case park:
			a.led, a.reason = hub.DeliveryParked, hub.ParkUnclear
		case d.asked:
			a.led = hub.DeliveryAwaiting
		}
		if a.led != hub.DeliveryAwaiting {
			d.Uncertain = true
			if !d.superseded() {
				d.Code = a.Code
			}
		}
		_, err = t.outcome(f, d, a, at)
		return err
	})
	if err != nil {
		return fmt.Errorf("rescue %s: %w", id, err)
	}
	return nil
}
