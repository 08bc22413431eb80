package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"maps"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// holdFor is how long Claim looks away from a delivery that an earlier one holds
// back. Whatever frees it brings it back at once; should that ever be missed, it
// comes back by itself.
const holdFor = 30 * time.Second

// queue puts the submission in the sequence of an order key.
func (t *tx) queue(f *file, order []byte) error {
	if len(order) == 0 || bytes.Equal(order, f.order) {
		return nil // Accept has done it, and replay for what was settled
	}
	return t.enqueue(order, f.key)
}

func (t *tx) enqueue(order []byte, key int64) error {
	if len(order) == 0 || !t.queues.add(order, key) {
		return nil
	}
	return t.write("INSERT OR IGNORE INTO queue (key, hash) VALUES (?, ?)", key, order)
}

// requeue puts a submission back into its sequences, after a replay.
func (t *tx) requeue(f *file) error {
	for _, order := range f.orders() {
		if err := t.enqueue(order, f.key); err != nil {
			return err
		}
	}
	return nil
}

// unqueue is called when the submission or one of its deliveries has moved on:
// it leaves its sequences where nothing of it is open, and in any case whoever
// waits behind it may be free now. It gives the systems concerned.
func (t *tx) unqueue(f *file) (map[string]bool, error) {
	var systems map[string]bool
	for _, order := range f.orders() {
		if f.done() && t.queues.remove(order, f.key) {
			if err := t.write("DELETE FROM queue WHERE key = ? AND hash = ?", f.key, order); err != nil {
				return nil, err
			}
		}
		freed, err := t.release(string(order))
		if err != nil {
			return nil, err
		}
		if systems == nil {
			systems = freed
		}
		maps.Copy(systems, freed)
	}
	return systems, nil
}

// orders are the order keys of a submission, usually one.
func (f *file) orders() [][]byte {
	var all [][]byte
	add := func(order []byte) {
		for _, o := range all {
			if bytes.Equal(o, order) {
				return
			}
		}
		if len(order) > 0 {
			all = append(all, order)
		}
	}
	add(f.order)
	for _, d := range f.deliveries {
		add(d.order)
	}
	return all
}

// done reports whether nothing of the submission can hold back another one.
func (f *file) done() bool {
	if f.State == hub.SubmissionDamaged {
		return true
	}
	if len(f.deliveries) == 0 {
		return f.State == hub.SubmissionSettled || f.State == hub.SubmissionErased
	}
	if f.State == hub.SubmissionAccepted {
		return false
	}
	for _, d := range f.deliveries {
		if !d.over() && d.Role != hub.RolePortal {
			return false
		}
	}
	return true
}

// over reports whether nothing of a delivery is sent any more: it has settled, or its fee
// is to be given back.
func (d *delivery) over() bool {
	return d.State.Settled() || d.State == hub.DeliveryParked && d.Reason == hub.ParkRefund
}

// holds reports whether the submission holds back a later delivery with the same order
// key: it is not planned yet, or has one for the same system or role that is not over.
// A role may have got another system meanwhile: the document that is still to be mapped
// goes there then. What is damaged holds nobody back.
func (f *file) holds(later *delivery) bool {
	if f.State == hub.SubmissionDamaged || f.State == hub.SubmissionErased {
		return false
	}
	if f.State == hub.SubmissionAccepted || len(f.deliveries) == 0 && f.State != hub.SubmissionSettled {
		return true
	}
	for _, d := range f.deliveries {
		if (d.System == later.System || d.Role == later.Role) && !d.over() {
			return true
		}
	}
	return false
}

// isHeld reports whether an earlier submission holds a delivery back.
func (t *tx) isHeld(f *file, d *delivery) (bool, error) {
	if len(d.order) == 0 {
		return false, nil
	}
	for key := range t.queues.before(d.order, f.key) {
		f, err := t.loadKey(key)
		switch {
		case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
			continue // a damaged one is set aside when its own turn comes
		case err != nil:
			return false, err
		case f.holds(d):
			return true, nil
		}
	}
	return false, nil
}

// Predecessor implements store.Operate.
func (s *Store) Predecessor(ctx context.Context, id hub.ID) (before hub.ID, err error) {
	err = s.read(ctx, func(c *conn) error {
		f, err := readWhole(ctx, c, id)
		if err != nil {
			return err
		}
		d := f.delivery(keyOf(id))
		if d == nil {
			return fmt.Errorf("delivery: %w", store.ErrNotFound)
		}
		if len(d.order) == 0 || d.State != hub.DeliveryPending && d.State != hub.DeliveryAwaiting {
			return nil
		}
		for _, key := range s.queues.seen(d.order, f.key) {
			e, err := readFile(ctx, c, key, true)
			switch err = named(err); {
			case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
				continue
			case err != nil:
				return err
			case e.holds(d):
				before = e.ID
				return nil
			}
		}
		return nil
	})
	if err != nil {
		return hub.ID{}, fmt.Errorf("predecessor of %s: %w", id, err)
	}
	return before, nil
}

// hold puts a delivery off that is held back by others of its line: an order key, or
// callbackLine.
func (t *tx) hold(line string, d *delivery, now time.Time) error {
	d.due = due(now.Add(holdFor))
	held := t.held[line]
	if held == nil {
		held = make(map[int64]bool)
		t.held[line] = held
	}
	held[d.key] = true
	return t.exec("UPDATE delivery SET due = ? WHERE key = ?", d.due, d.key)
}

// lookAgain brings back, at a system's first claim, what an earlier process put off
// behind others: that one took along who waits for whom. Claim decides anew.
func (t *tx) lookAgain(c store.Claim) error {
	var keys []int64
	for _, state := range [...]int64{statePending, stateAwaiting} {
		if err := t.query("SELECT key FROM delivery WHERE system = ? AND state = ? AND due > ? AND due <= ? ORDER BY due LIMIT ?",
			[]any{c.System, state, due(c.Now), due(c.Now.Add(holdFor)), int64(claimLooks)}, func(row []driver.Value) error {
				keys = append(keys, asInt(row[0]))
				return nil
			}); err != nil {
			return err
		}
	}
	for _, key := range keys {
		f, err := t.loadKey(submissionKey(key))
		if t.broken != nil {
			return err
		}
		if err != nil || f.State == hub.SubmissionDamaged {
			continue // its own turn will come
		}
		d := f.delivery(key)
		if d == nil || len(d.order) == 0 && d.Role != hub.RolePortal || d.due == due(d.NotBefore) {
			continue
		}
		d.due = due(d.NotBefore)
		if err := t.exec("UPDATE delivery SET due = ? WHERE key = ?", d.due, d.key); err != nil {
			return err
		}
	}
	return nil
}

// release brings back what was put off in a line and gives the systems concerned. Claim
// decides anew.
func (t *tx) release(line string) (map[string]bool, error) {
	held := t.held[line]
	if held == nil {
		return nil, nil
	}
	systems := make(map[string]bool)
	for key := range held {
		f, err := t.loadKey(submissionKey(key))
		if errors.Is(err, store.ErrDamaged) || errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		d := f.delivery(key)
		if d == nil || d.State != hub.DeliveryPending && d.State != hub.DeliveryAwaiting || f.State == hub.SubmissionDamaged {
			continue
		}
		d.due = due(d.NotBefore)
		systems[d.System] = true
		if err := t.exec("UPDATE delivery SET due = ? WHERE key = ?", d.due, d.key); err != nil {
			return nil, err
		}
	}
	delete(t.held, line)
	return systems, nil
}
