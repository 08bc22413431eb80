package route

import (
	"context"
	"io/fs"
	gopath "path"

	"github.com/beevik/etree"

	"stellwerk/internal/gate"
	"stellwerk/internal/xsd"
)

// Schema is a compiled schema.
type Schema = gate.Schema

// CompileSchema compiles an XSD (.xsd) or a JSON Schema (any other ending). It may
// refer to files of fsys, and to nothing else.
func CompileSchema(fsys fs.FS, file string) (Schema, error) {
	if gopath.Ext(file) != ".xsd" {
		return gate.CompileJSON(fsys, file)
	}
	s, err := xsd.Compile(context.Background(), xsd.Files(fsys, nil), file)
	if err != nil {
		return nil, err
	}
	return gate.NewXMLSchema(s), nil
}

func parse(e *Example) (*etree.Element, error) {
	doc, err := gate.Tree(context.Background(), e.Body, "application/"+e.Format, gate.Limits{})
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}

// inputOf gives the input that an example is for: the version it names, else the
// one with the latest from, whatever the day is. Nil where there is none.
func (r *Route) inputOf(e *Example, version string) *Input {
	var best *Input
	for i := range r.Inputs {
		in := &r.Inputs[i]
		if in.Format != e.Format || version != "" && in.Version != version {
			continue
		}
		if best == nil || !in.From.Before(best.From) {
			best = in
		}
	}
	return best
}

// judge sends an example through the gate, as a portal's submission would go.
func judge(e *Example, in *Input) error {
	_, err := gate.Check(context.Background(), e.Body, "application/"+e.Format, gate.Options{Schema: in.Schema})
	return err
}
