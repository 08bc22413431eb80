package web

import (
	"context"
	"errors"
	"net/http"

	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// withdraw takes a submission back for the citizen: what has not left is closed.
func (d *desk) withdraw(ctx context.Context, actor, name, why string) (*store.Status, error) {
	why, err := reason(why)
	if err != nil {
		return nil, err
	}
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	id := status.Submission.ID
	if err := d.Store.Withdraw(ctx, id, actor, why, d.Now()); err != nil {
		if errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrErased) {
			return nil, &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState,
				Detail: "everything of " + id.Number() + " has left, or has come to its end: there is nothing to stop; whoever has the document must be told by the citizen"}
		}
		return nil, err
	}
	d.Ring(id) // the flow lets go of what it holds
	return d.Store.Submission(ctx, id)
}
