package route

import (
	"context"
	"io/fs"

	"github.com/beevik/etree"

	"stellwerk/internal/gate"
)

// Schema is a compiled schema; nil where a format has none yet.
type Schema = gate.Schema

func compile(fsys fs.FS, file, format string) (Schema, error) { return nil, nil }

func parse(e *Example) (*etree.Element, error) {
	doc, err := gate.Tree(context.Background(), e.Body, "application/"+e.Format, gate.Limits{})
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// judge sends an example through the gate, as a portal's submission would go.
func (r *Route) judge(e *Example) error {
	var o gate.Options
	for i := range r.Inputs {
		if r.Inputs[i].Format == e.Format {
			o.Schema = r.Inputs[i].Schema // the last one: the newest
		}
	}
	_, err := gate.Check(context.Background(), e.Body, "application/"+e.Format, o)
	return err
}
