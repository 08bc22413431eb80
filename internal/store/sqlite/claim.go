package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Claim implements store.Deliver. The leases are written with everybody else's
// steps; the documents are read afterwards, outside the writer.
func (s *Store) Claim(ctx context.Context, c store.Claim) ([]store.Task, error) {
	c.Now = stored(c.Now)
	var claimed []leased
	err := s.w.do(ctx, func(t *tx) (err error) {
		claimed, err = t.claim(c)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("claim for system %s: %w", c.System, err)
	}
	if len(claimed) == 0 {
		return nil, nil
	}
	tasks, err := s.documents(ctx, c, claimed)
	if err != nil {
		err = errors.Join(err, s.giveBack(claimed, c))
		return nil, fmt.Errorf("claim for system %s: %w", c.System, err)
	}
	return tasks, nil
}

// leased is a delivery that was claimed, and the number of its document.
type leased struct {
	task     store.Task
	document int64
}

// claimLooks bounds how many deliveries one claim looks at, so that a long queue
// behind one that is stuck does not keep the writer.
const claimLooks = 1024

func (t *tx) claim(c store.Claim) ([]leased, error) {
	paused, err := t.pauses()
	if err != nil {
		return nil, err
	}
	if _, is := paused[c.System]; is {
		return nil, nil
	}
	if !t.looked[c.System] {
		if err := t.lookAgain(c); err != nil {
			return nil, err
		}
		t.looked[c.System] = true
	}
	var tasks []leased
	// Those held back are put off and do not come again, so the next round sees
	// others. What is beyond the bound comes with the next claim.
	for looked := 0; looked < claimLooks && len(tasks) < c.Limit; {
		keys, err := t.candidates(c, c.Limit-len(tasks))
		if err != nil {
			return nil, err
		}
		looked += max(len(keys), 32)
		for _, key := range keys {
			task, err := t.lease(key, c)
			if err != nil {
				return nil, err
			}
			if task != nil {
				tasks = append(tasks, *task)
			}
		}
		if len(keys) == 0 {
			break
		}
	}
	return tasks, nil
}

// dueOf lists a system's due deliveries by their state. The state stands in the text:
// where it is bound, SQLite plans the statement anew for every value, since it decides
// which partial indexes there are.
var dueOf = map[int64]string{
	statePending:  "SELECT due, key FROM delivery WHERE system = ? AND state = 2 AND due <= ? ORDER BY due, key LIMIT ?",
	stateAwaiting: "SELECT due, key FROM delivery WHERE system = ? AND state = 4 AND due <= ? ORDER BY due, key LIMIT ?",
}

// candidates are the system's due deliveries, what is due longest first.
func (t *tx) candidates(c store.Claim, limit int) ([]int64, error) {
	type candidate struct{ due, key int64 }
	var found []candidate
	collect := func(row []driver.Value) error {
		if key := asInt(row[1]); !t.corrupt[key] {
			found = append(found, candidate{asInt(row[0]), key})
		}
		return nil
	}
	for _, state := range [...]int64{statePending, stateAwaiting} {
		if t.tally.of(count{countDeliveries + state, c.System}) == 0 {
			continue
		}
		if err := t.query(dueOf[state], []any{c.System, due(c.Now), int64(limit + len(t.corrupt))}, collect); err != nil {
			return nil, err
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(a.due, b.due), cmp.Compare(a.key, b.key))
	})
	keys := make([]int64, 0, limit)
	for _, f := range found[:min(limit, len(found))] {
		keys = append(keys, f.key)
	}
	return keys, nil
}

// lease claims one delivery; nil where it is held back or its submission had to
// be set aside.
func (t *tx) lease(key int64, c store.Claim) (*leased, error) {
	f, err := t.loadKey(submissionKey(key))
	switch {
	case t.broken != nil:
		return nil, err
	case errors.Is(err, store.ErrDamaged) && f != nil && f.was != hub.SubmissionDamaged:
		return nil, t.damage(f, err.Error(), c.Now)
	case errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
		// Not even the submission can be read, so it cannot be set aside in writing.
		t.pass(submissionKey(key))
		t.log.Error("a page of the store cannot be read; its neighbours go on", "system", c.System, "error", err)
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	d := f.delivery(key)
	if d == nil || f.State == hub.SubmissionDamaged || d.State != hub.DeliveryPending && d.State != hub.DeliveryAwaiting {
		t.pass(f.key)
		return nil, t.damage(f, fmt.Sprintf("delivery %d is due and should not be", ordinal(key)), c.Now)
	}
	if held, err := t.isHeld(f, d); err != nil {
		return nil, err
	} else if held {
		return nil, t.hold(string(d.order), d, c.Now)
	}
	if on, err := t.mustQueue(f, d); err != nil {
		return nil, err
	} else if on {
		return nil, t.hold(callbackLine(f), d, c.Now)
	}
	before := d.claim(c.Owner, c.Now.Add(c.Lease), c.Now)
	t.claimed[d.key] = true
	if err := t.saveDelivery(d); err != nil {
		if errors.Is(named(err), store.ErrDamaged) {
			// A page beside it is corrupt. This transaction is lost, the next one
			// passes over it.
			t.corrupt[key] = true
			t.log.Error("a page of the store cannot be written; its neighbours go on", "delivery", d.ID.String(), "system", d.System, "error", err)
		}
		return nil, err
	}
	l := &leased{store.Task{Delivery: before, Submission: f.Submission, DataKey: f.dataKey, Token: d.token, Answer: d.answer, Fence: d.fence}, d.document}
	l.task.Submission.Version = f.version()
	return l, nil
}

// claim leases a delivery and gives it as it was before, this attempt counted.
func (d *delivery) claim(owner string, until, now time.Time) hub.Delivery {
	d.Attempts++
	if d.FirstAt.IsZero() {
		d.FirstAt = now
	}
	before := d.clone()
	d.asked = d.State == hub.DeliveryAwaiting
	d.State, d.owner, d.lease = hub.DeliverySending, owner, micros(until)
	d.due = d.lease
	d.fence++
	d.UpdatedAt = now
	return before
}

// giveBack ends the leases of what cannot be read now: nothing of it was sent, so it is
// due as before.
func (s *Store) giveBack(claimed []leased, c store.Claim) error {
	return s.w.do(context.Background(), func(t *tx) error {
		for i := range claimed {
			task := &claimed[i].task
			f, d, err := t.find(task.Delivery.ID)
			if t.broken != nil {
				return err
			}
			if err != nil || d.State != hub.DeliverySending || d.owner != c.Owner || d.fence != task.Fence {
				continue
			}
			d.State, d.owner, d.lease, d.due = task.Delivery.State, "", 0, 0
			if f.State != hub.SubmissionDamaged {
				d.due = due(d.NotBefore)
			}
			if d.Attempts--; d.Attempts == 0 {
				d.FirstAt = time.Time{}
			}
			d.UpdatedAt = c.Now
			delete(t.claimed, d.key)
			if err := t.saveDelivery(d); err != nil {
				return err
			}
		}
		return nil
	})
}

// documents gives the tasks with what they are to send. A task whose document is not
// there any more is set aside as damaged, the others go on.
func (s *Store) documents(ctx context.Context, c store.Claim, claimed []leased) ([]store.Task, error) {
	tasks := make([]store.Task, len(claimed))
	numbered, older := make(map[int64]*store.Task), make(map[int64]*store.Task)
	attached := false
	for i := range tasks {
		t := &tasks[i]
		*t = claimed[i].task
		key := keyOf(t.Delivery.ID)
		attached = attached || t.Submission.Attachments > 0
		if d := s.fresh.document(key); d != nil {
			t.Head, t.Body = d.Head, d.Body
			s.fresh.drop(key)
		} else if n := claimed[i].document; n > 0 {
			numbered[n] = t
		} else {
			older[key] = t
		}
	}
	if len(numbered)+len(older) == 0 && !attached {
		return tasks, nil
	}
	err := s.read(ctx, func(r *conn) error {
		if err := readDocuments(r, "rendered", "n", numbered); err != nil {
			return err
		}
		if err := readDocuments(r, "document", "key", older); err != nil {
			return err
		}
		for i := range tasks {
			if tasks[i].Submission.Attachments == 0 {
				continue
			}
			var content store.Case
			if err := readContent(ctx, r, keyOf(tasks[i].Submission.ID), math.MaxInt64, &content); err != nil {
				if !errors.Is(named(err), store.ErrDamaged) {
					return err
				}
				tasks[i].Head = nil
			}
			tasks[i].Attachments = content.Attachments
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	whole := tasks[:0]
	for _, t := range tasks {
		if t.Head != nil {
			whole = append(whole, t)
			continue
		}
		what := fmt.Sprintf("the document of delivery %d cannot be read", t.Delivery.ID.Ordinal())
		if err := s.Damage(ctx, t.Submission.ID, what, c.Now); err != nil {
			return nil, err
		}
	}
	return whole, nil
}

// NextDue implements store.Deliver.
func (s *Store) NextDue(ctx context.Context, system string) (time.Time, error) {
	var next time.Time
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT min(a) FROM ("+
			"SELECT min(due) AS a FROM delivery WHERE system = ?1 AND state = 2 AND due IS NOT NULL UNION ALL "+
			"SELECT min(due) FROM delivery WHERE system = ?1 AND state = 4 AND due IS NOT NULL) "+
			"WHERE NOT EXISTS (SELECT 1 FROM pause WHERE system = ?1)", []any{system}, func(row []driver.Value) error {
			next = fromMicros(asInt(row[0]))
			return nil
		})
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("next due for system %s: %w", system, err)
	}
	return next, nil
}
