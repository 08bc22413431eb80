package flow

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// index has a submission found by what people search by: before anything may park it as
// a whole, since what waits for a person, or was ended by one, is searched for and
// erased by person like any other.
func (w *work) index() {
	s := &w.c.Submission
	if planned(w.c) {
		return // and indexed with its plan
	}
	var r *route.Route
	if b, ok := w.snapshot.Binding(s.Municipality, s.Service); ok {
		r = b.Route
	} else {
		r = w.snapshot.Routes[s.Service]
	}
	if r != nil { // a service that was taken away as a whole has no keys any more
		for name, values := range r.KeyValues(w.root) {
			for _, v := range values {
				w.step.Search = append(w.step.Search, w.Vault.Hash("search:"+name, s.Municipality, v))
			}
		}
	}
	if name := w.env.Meta.Account["surname"]; name != "" { // whose account it is may be somebody else
		w.step.Search = append(w.step.Search, w.Vault.Hash("search:name", s.Municipality, name))
	}
	if w.env.Submission.Reference != "" {
		w.step.Search = append(w.step.Search, w.Vault.Hash("search:reference", s.Municipality, w.env.Submission.Reference))
	}
}

// planned reports whether a case has deliveries of its own: a callback is none.
func planned(c *store.Case) bool {
	return slices.ContainsFunc(c.Deliveries, func(d hub.Delivery) bool { return d.Role != hub.RolePortal })
}

// indexEnded indexes a submission that was withdrawn before it was planned, which
// leaves the flow with nothing to do for it.
func (f *Flow) indexEnded(ctx context.Context, w *work) error {
	s := &w.c.Submission
	if w.c.Payload == nil && w.opened == nil {
		c, err := f.Store.Case(ctx, s.ID)
		if err != nil {
			return fmt.Errorf("read submission %s: %w", s.ID, err)
		}
		w.c.Meta, w.c.Payload, w.c.Attachments = c.Meta, c.Payload, c.Attachments
	}
	err := guarded("open", w, open)
	if damaged := new(damagedError); errors.As(err, &damaged) {
		return f.damage(ctx, s.ID, damaged.what, err)
	}
	if err != nil && !errors.Is(err, errDone) {
		return fmt.Errorf("open submission %s: %w", s.ID, err)
	}
	if err == nil {
		w.index()
	}
	if err := f.Store.Tell(ctx, s.ID, s.Version, &store.Tell{At: w.now, Told: s.Told, Search: w.step.Search}); err != nil {
		return fmt.Errorf("index submission %s: %w", s.ID, err)
	}
	return nil
}
