package web

import (
	"context"
	"errors"
	"net/http"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// hold keeps a submission from being deleted, whatever the rules say or anybody
// orders.
func (d *desk) hold(ctx context.Context, actor, name, why string) (*store.Status, error) {
	return d.holding(ctx, name, why, func(id hub.ID, why string) error {
		return d.Store.Hold(ctx, id, hub.Hold{Since: d.Now(), By: actor, Reason: why})
	})
}

// release lifts a hold.
func (d *desk) release(ctx context.Context, actor, name, why string) (*store.Status, error) {
	return d.holding(ctx, name, why, func(id hub.ID, why string) error {
		err := d.Store.Release(ctx, id, actor, why, d.Now())
		if errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrErased) {
			err = &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "no legal hold keeps the submission"}
		}
		return err
	})
}

func (d *desk) holding(ctx context.Context, name, why string, do func(hub.ID, string) error) (*store.Status, error) {
	why, err := reason(why)
	if err != nil {
		return nil, err
	}
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	if err := do(status.Submission.ID, why); err != nil {
		return nil, err
	}
	return d.Store.Submission(ctx, status.Submission.ID)
}

// onSubmission is a call that does something to a submission for a reason.
func (s *Server) onSubmission(do func(ctx context.Context, actor, name, why string) (*store.Status, error)) call {
	return func(r *http.Request, actor string) (any, error) {
		var why admin.Reason
		if err := decode(r, small, &why); err != nil {
			return nil, err
		}
		status, err := do(r.Context(), actor, r.PathValue("id"), why.Reason)
		if err != nil {
			return nil, err
		}
		return s.submissionForm(status), nil
	}
}
