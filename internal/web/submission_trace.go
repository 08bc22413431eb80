package web

import (
	"context"
	"encoding/json"
	"fmt"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// story is a submission with everything that happened to it.
type story struct {
	*store.Status
	Reference string // the portal's own
	Events    []hub.Event
	Attempts  []hub.Attempt // in order of deliveries, details opened
	Withheld  string        // why references and details are missing, where they are
}

// trace tells a submission's whole story. Details may quote what a citizen wrote,
// so opening them is audited; where they cannot be opened, the rest is told.
func (d *desk) trace(ctx context.Context, actor, name string) (*story, error) {
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	id := status.Submission.ID
	s := &story{Status: status}
	if s.Events, err = d.Store.Events(ctx, id); err != nil {
		return nil, fmt.Errorf("read events of %s: %w", id, err)
	}
	sealed := map[hub.ID][]store.SealedAttempt{}
	for _, delivery := range status.Deliveries {
		if sealed[delivery.ID], err = d.Store.Attempts(ctx, delivery.ID); err != nil {
			return nil, fmt.Errorf("read attempts of %s: %w", delivery.ID, err)
		}
	}
	if err := d.details(ctx, actor, s, sealed); err != nil {
		s.Withheld = problemOf(err).Detail
		s.Attempts = s.Attempts[:0]
		for _, delivery := range status.Deliveries {
			for _, a := range sealed[delivery.ID] {
				s.Attempts = append(s.Attempts, a.Attempt)
			}
		}
	}
	return s, nil
}

// details opens the reference and the attempts' details.
func (d *desk) details(ctx context.Context, actor string, s *story, sealed map[hub.ID][]store.SealedAttempt) error {
	id := s.Submission.ID
	c, err := d.Store.Case(ctx, id)
	if err != nil {
		return err
	}
	if err := d.audit(ctx, actor, "trace-read", id.String(), ""); err != nil {
		return err
	}
	o, err := d.opening(ctx, c)
	if err != nil {
		return err
	}
	plain, err := o.open(ctx, hub.RecordMeta, c.Meta)
	if err != nil {
		return err
	}
	var meta hub.Meta
	if err := json.Unmarshal(plain, &meta); err != nil {
		return d.damaged(ctx, id, hub.RecordMeta, err)
	}
	s.Reference = meta.Reference
	for _, delivery := range s.Deliveries {
		if delivery.Reason == hub.ParkUnmapped && delivery.Code != hub.CodeSystemGone && len(c.Parked[delivery.ID]) > 0 {
			// The mapping comes first: it is why nothing was tried.
			plain, err := o.open(ctx, hub.RecordDetail(delivery.ID, 0), c.Parked[delivery.ID])
			if err != nil {
				return err
			}
			if !hasMapping(sealed[delivery.ID]) {
				s.Attempts = append(s.Attempts, hub.Attempt{Delivery: delivery.ID, At: delivery.UpdatedAt, Kind: "map",
					Outcome: "held", Code: delivery.Code, Detail: detailText(plain)})
			}
		}
		for _, a := range sealed[delivery.ID] {
			plain, err := o.open(ctx, hub.RecordDetail(delivery.ID, a.N), a.Detail)
			if err != nil {
				return err
			}
			a.Attempt.Detail = detailText(plain)
			s.Attempts = append(s.Attempts, a.Attempt)
		}
	}
	return nil
}

func hasMapping(attempts []store.SealedAttempt) bool {
	return len(attempts) > 0 && attempts[0].N == 0
}
