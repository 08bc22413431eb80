package web

import (
	"context"
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
	unfit := func(s *hub.Submission, del *hub.Delivery) error { return unreplayable(s, del, p.Anew) }
	return order{limit: limit, dry: dry,
		page: d.candidates(p.Anew, unfit), // what was never planned is mapped anew or not at all
		some: func(ctx context.Context, some []candidate) []error { return d.replaySome(ctx, some, p) },
	}.carryOut(ctx, q)
}

// replaySome puts deliveries back in one step, the older ones first, so that order-by holds
// among them: what had ended holds nobody back before it is put back itself. Submissions
// that were never planned hold back as they are, so they go through the flow at once.
func (d *desk) replaySome(ctx context.Context, some []candidate, p putBack) []error {
	var whole, parts []candidate
	var ids []hub.ID
	for _, c := range some {
		if c.ID.Ordinal() == 0 {
			whole = append(whole, c)
			continue
		}
		parts, ids = append(parts, c), append(ids, c.ID)
	}
	reopened := each(func(ctx context.Context, id hub.ID) error { return d.reopenOne(ctx, id, p.Actor, p.Reason) })(ctx, whole)
	done := make([]error, len(ids))
	if len(ids) > 0 {
		var err error
		done, err = d.Store.ReplayAll(ctx, ids, store.Replay{Anew: p.Anew, Force: p.Force, Actor: p.Actor, Reason: p.Reason, At: d.Now()})
		if err != nil {
			done = slices.Repeat([]error{err}, len(ids))
		}
	}
	wake := map[string]bool{}
	for i, c := range parts {
		if done[i] == nil {
			wake[c.System] = true
			d.Ring(c.ID.Submission())
		}
	}
	for system := range wake {
		d.Wake(system)
	}
	errs := make([]error, len(some))
	for i, c := range some {
		from := &done
		if c.ID.Ordinal() == 0 {
			from = &reopened
		}
		errs[i], *from = (*from)[0], (*from)[1:]
	}
	return errs
}

// unreplayable says why the store would not put a delivery back as it stands.
func unreplayable(s *hub.Submission, del *hub.Delivery, anew bool) error {
	switch {
	case s.State == hub.SubmissionDamaged:
		return store.ErrDamaged
	case !s.WithdrawnAt.IsZero():
		return store.ErrWithdrawn
	case !s.Erased.Payload.IsZero(), s.Attachments > 0 && !s.Erased.Attachments.IsZero():
		return store.ErrErased
	case (!anew || del.Role == hub.RolePortal) && del.SHA256 == "":
		return store.ErrUnrendered
	}
	return nil
}
