package web

import (
	"context"
	"fmt"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// closeSubmission ends a submission that was parked before it had deliveries,
// or a damaged one.
func (d *desk) closeSubmission(ctx context.Context, actor, name, why string) (*store.Status, error) {
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	return d.closeDelivery(ctx, actor, status.Submission.ID, why)
}

// closeDelivery ends a delivery that has not settled and is not being sent: it was dealt with on another
// way, or is no longer wanted. The id may be that of a parked submission without
// deliveries, or of a damaged one.
func (d *desk) closeDelivery(ctx context.Context, actor string, id hub.ID, why string) (*store.Status, error) {
	why, err := reason(why)
	if err != nil {
		return nil, err
	}
	effect, err := d.Store.CloseDelivery(ctx, id, actor, why, d.Now())
	if err != nil {
		return nil, fmt.Errorf("close %s: %w", id, err)
	}
	if effect.FlowDue {
		d.Ring(id.Submission())
	}
	if effect.Next != "" {
		d.Wake(effect.Next)
	}
	return d.Store.Submission(ctx, id.Submission())
}

// closeMany ends what the filter chooses: what is parked, or what is in the
// delivery state it names. What is damaged is closed by its number only. With dry
// it only counts.
func (d *desk) closeMany(ctx context.Context, q query, actor, why string, limit int, dry bool) (*many, error) {
	why, err := reason(why)
	if err != nil && !dry {
		return nil, err
	}
	switch q.DeliveryState {
	case "", hub.DeliveryParked:
	case hub.DeliveryWaiting, hub.DeliveryPending, hub.DeliveryAwaiting:
		if q.System == "" {
			return nil, wrong("what is not parked is closed for one system at a time: name it")
		}
	default:
		return nil, wrong("what is %s is not closed; there are parked, waiting, pending, awaiting", q.DeliveryState)
	}
	return order{limit: limit, dry: dry, page: d.candidates(true, unclosable),
		some: each(func(ctx context.Context, id hub.ID) error {
			_, err := d.closeDelivery(ctx, actor, id, why)
			return err
		}),
	}.carryOut(ctx, q)
}

// unclosable says why the store would not close a delivery.
func unclosable(s *hub.Submission, _ *hub.Delivery) error {
	if s.State == hub.SubmissionDamaged {
		return store.ErrDamaged
	}
	return nil
}
