package web

import (
	"context"
	"errors"
	"slices"

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
	page func(context.Context, query) (ids []hub.ID, next hub.ID, err error)
	one  func(context.Context, hub.ID) error
}

// carryOut goes through what the filter chooses. What is older goes first. A
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
	var ids []hub.ID
	for q.Limit = 1000; ; {
		page, next, err := o.page(ctx, q)
		if err != nil {
			return nil, err
		}
		ids = append(ids, page...)
		if next.Zero() || len(ids) > maxMany || !o.dry && len(ids) > o.limit {
			break
		}
		q.Before = next
	}
	out.Matched, out.More = len(ids), len(ids) > o.limit
	if o.dry {
		return out, nil
	}
	ids = ids[:min(o.limit, len(ids))]
	slices.Reverse(ids)
	for _, id := range ids {
		err := o.one(ctx, id)
		if err == nil {
			out.Done++
			continue
		}
		out.Refused = append(out.Refused, refused{ID: id, Err: err})
		if !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrStale) && !errors.Is(err, store.ErrNotFound) {
			out.More = true
			break
		}
	}
	return out, nil
}

// chosen gives a page of the deliveries that are in the state the filter names,
// which is not parked.
func (d *desk) chosen(ctx context.Context, q query) (ids []hub.ID, next hub.ID, err error) {
	rows, next, err := d.list(ctx, "", q)
	for _, r := range rows {
		for _, del := range r.Deliveries {
			if del.State == q.DeliveryState && (q.System == "" || del.System == q.System) && (q.Code == "" || del.Code == q.Code) {
				ids = append(ids, del.ID)
			}
		}
	}
	return ids, next, err
}
