package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// file is a submission with its deliveries, in order of their ordinals.
type file struct {
	*submission
	deliveries []*delivery
	// owed and learned are set within a step: whether a fee had to be given back before it,
	// and whether what was asked for again has a new answer.
	owed, learned bool
	// untold is set within a step before which the portal did not know the status: where it
	// is as told behind the step, it has changed and changed back.
	untold bool
}

// readFile reads a submission and, where it is to, its deliveries, on any
// connection.
func readFile(ctx context.Context, c *conn, key int64, whole bool) (*file, error) {
	f := &file{}
	var damage error
	err := c.query(ctx, "SELECT "+submissionColumns+" FROM submission WHERE key = ?", []any{key}, func(row []driver.Value) error {
		f.submission, damage = decodeSubmission(row)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read a submission: %w", err)
	}
	if f.submission == nil {
		return nil, fmt.Errorf("submission: %w", store.ErrNotFound)
	}
	if !whole || damage == nil && f.planned == 0 {
		return f, damage
	}
	f.deliveries, err = readDeliveries(ctx, c, f.ID)
	if err != nil && !errors.Is(err, store.ErrDamaged) {
		return nil, err
	}
	for _, d := range f.deliveries {
		d.aside = f.was == hub.SubmissionDamaged
		d.wasAside = d.aside
	}
	return f, errors.Join(damage, err)
}

// readDeliveries gives those that could be read, and ErrDamaged where one was not.
func readDeliveries(ctx context.Context, c *conn, id hub.ID) ([]*delivery, error) {
	key := keyOf(id)
	var all []*delivery
	var damage error
	err := c.query(ctx, "SELECT "+deliveryColumns+" FROM delivery WHERE key > ? AND key <= ?", []any{key, key | ordinalMask}, func(row []driver.Value) error {
		d, err := decodeDelivery(id, row)
		if err != nil && damage == nil {
			damage = err
		}
		all = append(all, d)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the deliveries of %s: %w", id, named(err))
	}
	return all, damage
}

// delivery of the file by its id, nil where there is none.
func (f *file) delivery(key int64) *delivery {
	for _, d := range f.deliveries {
		if d.key == key {
			return d
		}
	}
	return nil
}

// version is the submission's version as everybody else knows it.
func (f *file) version() int64 {
	v := f.Version
	for _, d := range f.deliveries {
		v += d.records
	}
	return v
}

// status is the file as callers get it.
func (f *file) status() store.Status {
	s := store.Status{Submission: f.Submission, DataKey: f.dataKey}
	s.Submission.Version = f.version()
	if len(f.deliveries) > 0 {
		s.Deliveries = make([]hub.Delivery, len(f.deliveries))
		for i, d := range f.deliveries {
			s.Deliveries[i] = d.clone()
			if d.answer != nil && d.told() {
				if s.Answers == nil {
					s.Answers = make(map[hub.ID][]byte)
				}
				s.Answers[d.ID] = d.answer
			}
		}
	}
	return s
}

// told reports whether the delivery's answer is one to go by. That of a fee that is to be
// given back has what it was paid under.
func (d *delivery) told() bool {
	if d.Code == hub.CodeRefund || d.Code == hub.CodeRemoteRefund {
		return true
	}
	return d.State == hub.DeliveryDelivered || d.State == hub.DeliveryAwaiting || d.State == hub.DeliverySending && d.token != nil
}

// recent keeps the files in use: what was used lately, in two generations of
// bounded size.
type recent struct{ young, old map[int64]*file }

const generation = 2048

func (r *recent) get(key int64) *file {
	if f := r.young[key]; f != nil {
		return f
	}
	f := r.old[key]
	if f != nil {
		r.put(key, f)
	}
	return f
}

func (r *recent) put(key int64, f *file) {
	if r.young == nil || len(r.young) >= generation {
		r.old, r.young = r.young, make(map[int64]*file, generation)
	}
	r.young[key] = f
}

func (r *recent) drop() { r.young, r.old = nil, nil }
