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
