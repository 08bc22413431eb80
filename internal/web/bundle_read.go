package web

import (
	"context"
	"fmt"
	"net/http"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// bundleID finds a bundle by its id or its number; of those that share a number the
// newest is taken.
func (d *desk) bundleID(ctx context.Context, name string) (hub.ID, error) {
	if id, err := hub.ParseID(name); err == nil {
		return id, nil
	}
	first, last, err := hub.ParseNumber(name)
	if err != nil {
		return hub.ID{}, err
	}
	found, err := d.Store.FindBundles(ctx, first, last, 100)
	if err != nil {
		return hub.ID{}, fmt.Errorf("look up a number: %w", err)
	}
	if len(found) == 0 {
		return hub.ID{}, store.ErrNotFound
	}
	return found[len(found)-1].ID, nil
}

func (s *Server) apiBundle(r *http.Request, _ string) (any, error) {
	id, err := s.bundleID(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	b, err := s.Store.Bundle(r.Context(), id)
	if err != nil {
		return nil, err
	}
	story, err := s.Store.BundleEvents(r.Context(), id)
	if err != nil {
		return nil, err
	}
	return s.bundleForm(b, story), nil
}

func (s *Server) bundleForm(b *store.BundleCase, story []hub.Event) admin.Bundle {
	snap, told := s.Live.Get(), b.Standing()
	out := admin.Bundle{
		ID: b.Bundle.ID, Number: b.Bundle.ID.Number(), Bundle: b.Bundle.Name, Portal: b.Bundle.Portal, State: "open",
		Status: told.Status, Told: told.Text.De, OpenedAt: b.Bundle.OpenedAt, ClosedAt: b.Bundle.ClosedAt, Revision: b.Bundle.Revision,
		Submissions: make([]admin.Submission, len(b.Parts)), Events: story,
	}
	if b.Bundle.Closed() {
		out.State = "closed"
	}
	if form := snap.Bundles[b.Bundle.Name]; form != nil {
		out.Title = form.Title
	}
	for i := range b.Parts {
		out.Submissions[i] = submissionForm(snap, &b.Parts[i].Submission, b.Parts[i].Deliveries)
	}
	return out
}
