package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"stellwerk/internal/config"
	"stellwerk/internal/flow"
	"stellwerk/internal/hub"
	"stellwerk/internal/web"
	"stellwerk/internal/web/admin"
)

// load reads the folder anew, with changes laid over it, and puts nothing in force.
func (a *App) load(changes fs.FS) (*config.Snapshot, config.Findings) {
	src := source(a.opts.Dir, a.opts.Now)
	src.Changes = changes
	return config.Load(src)
}

// compare says what another configuration would make of a submission.
func (a *App) compare(ctx context.Context, id hub.ID, before, after *config.Snapshot) ([]web.Difference, error) {
	all, err := a.flow.Compare(ctx, id, before, after)
	if errors.Is(err, flow.ErrNotComparable) {
		return nil, fmt.Errorf("%w: %s", web.ErrNotComparable, id)
	}
	if err != nil {
		return nil, err
	}
	out := make([]web.Difference, len(all))
	for i, d := range all {
		out[i] = web.Difference{Role: d.Role, Mapping: d.Mapping, System: d.System, Was: d.Was, Added: d.Added, Removed: d.Removed}
		for _, c := range d.Changes {
			out[i].Changes = append(out[i].Changes, admin.FieldChange{Record: c.Record, Field: c.Target, Old: c.Old, New: c.New, OldState: c.OldState, NewState: c.NewState})
		}
	}
	return out, nil
}
