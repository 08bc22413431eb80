package web

import (
	"context"
	"errors"
	"fmt"

	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// Rendered is one document that a submission would cause.
type Rendered struct {
	Role, System, Mapping string
	Name, ContentType     string
	Body                  []byte
	After                 []string // roles whose answers it waits for: they are empty in a dry run
	Hold                  string   // instead of a document: what a person would have to decide
}

// dryRun gives the documents that a submission would cause. Nothing is kept or sent.
func (d *desk) dryRun(ctx context.Context, in admin.Render) ([]Rendered, error) {
	if err := d.known(ctx, store.Filter{Municipality: in.Municipality, Service: in.Service}); err != nil {
		return nil, err
	}
	if _, ok := d.Live.Get().Binding(in.Municipality, in.Service); !ok {
		return nil, wrong("municipality %q does not offer the service %q", in.Municipality, in.Service)
	}
	docs, err := d.Render(ctx, in)
	var hold *mapping.Hold
	if errors.As(err, &hold) {
		return nil, &admin.Problem{Status: 422, Code: admin.CodeHeld, Detail: hold.Message}
	}
	if err != nil {
		return nil, &admin.Problem{Status: 422, Code: admin.CodeInvalid, Detail: fmt.Sprintf("the payload cannot be rendered: %v", err)}
	}
	return docs, nil
}
