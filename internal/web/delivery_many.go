package web

import (
	"context"
	"errors"
	"slices"
	"sync"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// many is what became of an order on several deliveries.
type many struct {
	Matched int
	Done    int
	Refused []refused
	More    bool // there are more than the limit
}

// refused is a delivery for which the order was not carried out.
type refused struct {
	ID  hub.ID
	Err error
}

// maxMany bounds one order; a second one goes on.
const maxMany = 100_000

// order is what is to be done with everything that a filter chooses.
type order struct {
	limit int
	dry   bool // only count
	// page gives what there is to be done in a page of the filter.
	page func(context.Context, query) (page []candidate, next hub.ID, err error)
	// some carries it out on a few, in their order, and says what became of each. Where the
	// order does not matter: each.
	some func(context.Context, []candidate) []error
}

// candidate is what an order may be carried out on.
type candidate struct {
	ID     hub.ID
	System string // of a delivery
	Unfit  error  // why it would be refused as it stands; nil where nothing speaks against it
}

// carryOut goes through what the filter chooses, a few at a time. What is older goes first. A
// delivery that has changed meanwhile is left out and named; an error of the store
// ends the order, and what was done stays done.
func (o order) carryOut(ctx context.Context, q query) (*many, error) {
	if o.limit == 0 {
		o.limit = 1000
	}
	if o.limit < 0 || o.limit > maxMany {
		return nil, wrong("the limit of an order is 1 to %d", maxMany)
	}
	if q.Number != "" || q.Value != "" {
		return nil, wrong("an order by filter takes no number and no search; name the delivery itself")
	}
	out := &many{}
	var all []candidate
	for q.Limit = 1000; ; {
		page, next, err := o.page(ctx, q)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if next.Zero() || len(all) > maxMany || !o.dry && len(all) > o.limit {
			break
		}
		q.Before = next
	}
	out.Matched, out.More = len(all), len(all) > o.limit
	if o.dry {
		for _, c := range slices.Backward(all) {
			if c.Unfit != nil {
				out.Refused = append(out.Refused, refused{ID: c.ID, Err: c.Unfit})
			}
		}
		return out, nil
	}
	all = all[:min(o.limit, len(all))]
	slices.Reverse(all)
	stop := false
	for some := range slices.Chunk(all, together) {
		for i, err := range o.some(ctx, some) {
			if err == nil {
				out.Done++
				continue
			}
			out.Refused = append(out.Refused, refused{ID: some[i].ID, Err: err})
			stop = stop || !itsOwn(err)
		}
		if stop {
			out.More = true
			break
		}
	}
	return out, nil
}

// together is how many are done at once: one sync serves them all, so that thousands
// take seconds on a slow disk, too, and not minutes.
const together = 64

// each carries an order out on a few at once.
func each(one func(context.Context, hub.ID) error) func(context.Context, []candidate) []error {
	return func(ctx context.Context, some []candidate) []error {
		errs := make([]error, len(some))
		var all sync.WaitGroup
		for i, c := range some {
			all.Go(func() { errs[i] = one(ctx, c.ID) })
		}
		all.Wait()
		return errs
	}
}

// itsOwn reports whether an error is about the one delivery, and says nothing about
// the next. What is damaged is set aside, and keeps nobody else's from going on.
func itsOwn(err error) bool {
	return errors.Is(err, store.ErrState) || errors.Is(err, store.ErrStale) || errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrDamaged)
}

// unfit says why the store would refuse an order for a delivery, for whoever counts first;
// nil: it would not.
type unfit func(*hub.Submission, *hub.Delivery) error

// candidates gives pages of what an order is for: the deliveries in the state that the
// filter names, and what is parked where it names none. A parked submission as a whole is
// among it where whole is set.
func (d *desk) candidates(whole bool, why unfit) func(context.Context, query) ([]candidate, hub.ID, error) {
	return func(ctx context.Context, q query) (page []candidate, next hub.ID, err error) {
		if q.DeliveryState != "" && q.DeliveryState != hub.DeliveryParked {
			return d.chosen(ctx, q, why)
		}
		items, next, err := d.parked(ctx, q)
		for i := range items {
			switch it := &items[i]; {
			case it.Delivery != nil:
				page = append(page, candidate{it.Delivery.ID, it.Delivery.System, why(&it.Submission, it.Delivery)})
			case whole && it.Reason != damagedReason:
				page = append(page, candidate{ID: it.Submission.ID})
			}
		}
		return page, next, err
	}
}

// chosen gives a page of the deliveries that are in the state the filter names,
// which is not parked.
func (d *desk) chosen(ctx context.Context, q query, why unfit) (page []candidate, next hub.ID, err error) {
	rows, next, err := d.list(ctx, "", q)
	for i := range rows {
		r := &rows[i]
		for n := range r.Deliveries {
			del := &r.Deliveries[n]
			if del.State == q.DeliveryState && (q.System == "" || del.System == q.System) && (q.Code == "" || del.Code == q.Code) {
				page = append(page, candidate{del.ID, del.System, why(&r.Submission, del)})
			}
		}
	}
	return page, next, err
}
