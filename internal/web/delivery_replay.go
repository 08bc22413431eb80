package web

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// putBack is how deliveries are put back.
type putBack struct {
	Anew   bool // map anew with today's configuration; otherwise the same bytes
	Force  bool // also where it was delivered
	Actor  string
	Reason string
}

// replay puts one parked, delivered or closed delivery back.
func (d *desk) replay(ctx context.Context, id hub.ID, p putBack) (*store.Status, error) {
	if _, _, err := d.delivery(ctx, id); err != nil {
		return nil, err
	}
	var err error
	if p.Reason, err = reason(p.Reason); err != nil {
		return nil, err
	}
	if err := d.replayOne(ctx, id, p); err != nil {
		return nil, err
	}
	return d.Store.Submission(ctx, id.Submission())
}

func (d *desk) replayOne(ctx context.Context, id hub.ID, p putBack) error {
	_, delivery, err := d.delivery(ctx, id)
	if err != nil {
		return err
	}
	err = d.Store.Replay(ctx, id, store.Replay{Anew: p.Anew, Force: p.Force, Actor: p.Actor, Reason: p.Reason, At: d.Now()})
	if err != nil {
		return fmt.Errorf("replay %s: %w", id, err)
	}
	// Whichever of the two has something to do now; a bell too many is harmless.
	d.Wake(delivery.System)
	d.Ring(id.Submission())
	return nil
}

// reopen sends a submission that was parked before it was planned through the
// flow again, with today's configuration.
func (d *desk) reopen(ctx context.Context, actor, name, why string) (*store.Status, error) {
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if why, err = reason(why); err != nil {
		return nil, err
	}
	if err := d.reopenOne(ctx, status.Submission.ID, actor, why); err != nil {
		return nil, err
	}
	return d.Store.Submission(ctx, status.Submission.ID)
}

func (d *desk) reopenOne(ctx context.Context, id hub.ID, actor, why string) error {
	if err := d.Store.Reopen(ctx, id, actor, why, d.Now()); err != nil {
		return fmt.Errorf("reopen %s: %w", id, err)
	}
	d.Ring(id)
	return nil
}

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

// maxReplay bounds one order; a second one goes on.
const maxReplay = 100_000

// replayMany puts back what the filter chooses: what is parked, or, with force,
// what is in the delivery state it names. With dry it only counts. What is older
// goes first. A delivery that has changed meanwhile is left out and named; an
// error of the store ends the order, and what was done stays done.
func (d *desk) replayMany(ctx context.Context, q query, p putBack, limit int, dry bool) (*many, error) {
	if limit == 0 {
		limit = 1000
	}
	if limit < 0 || limit > maxReplay {
		return nil, wrong("the limit of a replay is 1 to %d", maxReplay)
	}
	var err error
	if p.Reason, err = reason(p.Reason); err != nil && !dry {
		return nil, err
	}
	if q.Number != "" || q.Value != "" {
		return nil, wrong("a replay by filter takes no number and no search; replay the delivery itself")
	}
	if q.DeliveryState != "" && q.DeliveryState != hub.DeliveryParked && !p.Force {
		return nil, wrong("deliveries that are not parked are put back with force only")
	}
	out := &many{}
	var ids []hub.ID
	for q.Limit = 1000; ; {
		page, next, err := d.replayable(ctx, q, p.Anew)
		if err != nil {
			return nil, err
		}
		ids = append(ids, page...)
		if next.Zero() || len(ids) > maxReplay || !dry && len(ids) > limit {
			break
		}
		q.Before = next
	}
	out.Matched, out.More = len(ids), len(ids) > limit
	if dry {
		return out, nil
	}
	ids = ids[:min(limit, len(ids))]
	slices.Reverse(ids)
	for _, id := range ids {
		if id.Ordinal() == 0 {
			err = d.reopenOne(ctx, id, p.Actor, p.Reason)
		} else {
			err = d.replayOne(ctx, id, p)
		}
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

// replayable gives a page of ids that can be put back. A submission as a whole is
// only among them where everything is to be mapped anew.
func (d *desk) replayable(ctx context.Context, q query, anew bool) (ids []hub.ID, next hub.ID, err error) {
	if q.DeliveryState == "" || q.DeliveryState == hub.DeliveryParked {
		items, next, err := d.parked(ctx, q)
		for _, i := range items {
			switch {
			case i.Delivery != nil:
				ids = append(ids, i.Delivery.ID)
			case anew && i.Reason != damagedReason:
				ids = append(ids, i.Submission.ID)
			}
		}
		return ids, next, err
	}
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
