package flow

import (
	"context"
	"errors"
	"fmt"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// Difference is what another configuration would make of one delivery of a
// submission. It has values of the submission: they are personal.
type Difference struct {
	Role, Mapping string
	System, Was   string // Was is the old system where it is another one
	Added         bool   // the delivery would be there
	Removed       bool   // it would not
	Changes       []mapping.Change
}

// ErrNotComparable is the answer for a submission that cannot be opened or planned
// under both configurations.
var ErrNotComparable = errors.New("the submission cannot be compared")

// Compare renders a stored submission under two configurations and says what
// differs, field by field. Nothing is kept and nothing is sent; numbers of ranges
// are not drawn.
func (f *Flow) Compare(ctx context.Context, id hub.ID, before, after *config.Snapshot) ([]Difference, error) {
	c, err := f.Store.Case(ctx, id)
	if errors.Is(err, store.ErrErased) {
		return nil, fmt.Errorf("%w: %w", ErrNotComparable, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read submission %s: %w", id, err)
	}
	w := &work{Flow: f, ctx: ctx, now: f.Now(), c: c}
	if err := guarded("open", w, open); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotComparable, err)
	}
	was, err := w.explain(before)
	if err != nil {
		return nil, err
	}
	is, err := w.explain(after)
	if err != nil {
		return nil, err
	}
	var out []Difference
	for _, role := range is.roles {
		a, b := was.by[role], is.by[role]
		d := Difference{Role: role, Mapping: b.mapping, System: b.system}
		if a == nil {
			d.Added = true
		} else if d.Changes = mapping.Compare(a.fields, b.fields); a.system != b.system {
			d.Was = a.system
		}
		if d.Added || d.Was != "" || len(d.Changes) > 0 {
			out = append(out, d)
		}
	}
	for _, role := range was.roles {
		if a := was.by[role]; is.by[role] == nil {
			out = append(out, Difference{Role: role, Mapping: a.mapping, System: a.system, Removed: true})
		}
	}
	return out, nil
}

// explained is a submission under one configuration.
type explained struct {
	roles []string
	by    map[string]*explainedDelivery
}

type explainedDelivery struct {
	system, mapping string
	fields          []mapping.FieldResult
}

func (w *work) explain(snap *config.Snapshot) (_ *explained, err error) {
	w.snapshot = snap
	if err := guarded("check", w, check); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotComparable, err)
	}
	defer func() {
		if p := recover(); p != nil { // a mapping at fault must not end the comparison of the others
			err = fmt.Errorf("%w: a mapping panicked", ErrNotComparable)
		}
	}()
	env := *w.env
	env.Next = func(string, string) (string, error) { return "0", nil }
	chosen, err := w.binding.Route.Plan(w.root, &env)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotComparable, err)
	}
	out := &explained{by: map[string]*explainedDelivery{}}
	for _, i := range chosen {
		d := &w.binding.Deliveries[i]
		if d.System == nil {
			continue
		}
		one := env
		one.Submission.Delivery = w.c.Submission.ID.Delivery(1).String() // the same on both sides: an ordinal may move
		out.roles = append(out.roles, d.Route.To)
		out.by[d.Route.To] = &explainedDelivery{system: d.System.Name, mapping: d.Mapping.Path, fields: d.Mapping.Explain(w.root, &one)}
	}
	return out, nil
}
