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
