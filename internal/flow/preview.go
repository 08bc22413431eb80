package flow

import (
	"context"
	"errors"
	"fmt"

	"github.com/beevik/etree"

	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
)

// Preview is a document as it would leave.
type Preview struct {
	Role     string
	System   string
	Mapping  string
	After    []string // roles whose answers it waits for: they are empty in a preview
	Document mapping.Document
	Hold     *mapping.Hold // instead of a document: what a person would have to decide
}

// PreviewOf plans and renders without keeping or sending anything; given are the numbers
// that were given away so far. The error is a *mapping.Hold where the route itself needs
// a person.
func PreviewOf(ctx context.Context, snap *config.Snapshot, ags, service string, root *etree.Element, env mapping.Env, given []store.NumberRange) ([]Preview, error) {
	binding, ok := snap.Binding(ags, service)
	if !ok {
		return nil, fmt.Errorf("%s does not offer %s", ags, service)
	}
	env.Municipality = mapping.Municipality{AGS: binding.Competent.AGS, ARS: binding.Competent.ARS, Name: binding.Competent.Name}
	env.Ordinances, env.Next = binding.Competent.Ordinances, upcoming(binding.Competent, given)
	chosen, err := binding.Route.Plan(root, &env)
	if err != nil {
		return nil, err
	}
	var out []Preview
	for _, i := range chosen {
		d := &binding.Deliveries[i]
		if d.System == nil {
			continue
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		p := Preview{Role: d.Route.To, System: d.System.Name, Mapping: d.Mapping.Path, After: d.Route.After}
		p.Document, err = d.Mapping.Apply(root, &env)
		if err != nil && !errors.As(err, &p.Hold) {
			return nil, fmt.Errorf("render %s: %w", p.Role, err)
		}
		out = append(out, p)
	}
	return out, nil
}
