package web

import (
	"context"
	"fmt"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// What stands beside the states of a system.
const (
	heldByOrder = "order" // an earlier submission of the same order key has not come to its end
	heldByGone  = "gone"  // the configuration does not know the system any more
)

// addHeld says of every delivery that is due what keeps it from being sent.
func (s *Server) addHeld(ctx context.Context, out *admin.Submission) error {
	if out.State == hub.SubmissionDamaged {
		return nil
	}
	for i := range out.Deliveries {
		d := &out.Deliveries[i]
		if d.State != hub.DeliveryPending && d.State != hub.DeliveryAwaiting {
			continue
		}
		held, err := s.held(ctx, d.ID, d.System)
		if err != nil {
			return fmt.Errorf("what holds %s back: %w", d.ID, err)
		}
		d.Held = held
	}
	return nil
}

// held is nil where nothing holds the delivery back.
func (d *desk) held(ctx context.Context, id hub.ID, system string) (*admin.Held, error) {
	before, err := d.Store.Predecessor(ctx, id)
	if err != nil {
		return nil, err
	}
	if !before.Zero() {
		earlier, err := d.Store.Submission(ctx, before)
		if err != nil {
			return nil, err
		}
		return &admin.Held{By: heldByOrder, Number: before.Number(), State: earlier.Submission.State}, nil
	}
	if d.Live.Get().Systems[system] == nil {
		return &admin.Held{By: heldByGone}, nil
	}
	paused, err := d.Store.Paused(ctx)
	if err != nil {
		return nil, err
	}
	now := stands(system, d.Live.Get().Systems[system], store.SystemFigures{}, paused, d.Breakers()[system], d.Now())
	switch {
	case now.State != systemReady:
	case now.Breaker == "half-open": // one is tried; the others wait for what becomes of it
		now.State = systemBroken
	default:
		return nil, nil
	}
	return &admin.Held{By: now.State, Reason: now.Paused, Until: now.Until}, nil
}
