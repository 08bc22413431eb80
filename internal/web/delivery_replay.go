package web

import (
	"context"
	"fmt"

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

// replayMany puts back what the filter chooses: what is parked, or, with force,
// what is in the delivery state it names. With dry it only counts.
func (d *desk) replayMany(ctx context.Context, q query, p putBack, limit int, dry bool) (*many, error) {
	var err error
	if p.Reason, err = reason(p.Reason); err != nil && !dry {
		return nil, err
	}
	if q.DeliveryState != "" && q.DeliveryState != hub.DeliveryParked && !p.Force {
		return nil, wrong("deliveries that are not parked are put back with force only")
	}
	return order{limit: limit, dry: dry,
		page: func(ctx context.Context, q query) ([]hub.ID, hub.ID, error) { return d.replayable(ctx, q, p.Anew) },
		one: func(ctx context.Context, id hub.ID) error {
			if id.Ordinal() == 0 {
				return d.reopenOne(ctx, id, p.Actor, p.Reason)
			}
			return d.replayOne(ctx, id, p)
		}}.carryOut(ctx, q)
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
	return d.chosen(ctx, q)
}
