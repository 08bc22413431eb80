package route

import (
	"context"
	"io/fs"

	"github.com/beevik/etree"

	"stellwerk/internal/gate"
)

// Schema is a compiled schema; nil where a format has none yet.
type Schema = gate.Schema

// CompileSchema compiles a JSON Schema (.json). It may refer to files of fsys,
// and to nothing else.
func CompileSchema(fsys fs.FS, file string) (Schema, error) {
	return gate.CompileJSON(fsys, file)
}

// compile compiles an input's schema. XML is judged by the mappings' required
// fields alone.
func compile(fsys fs.FS, file, format string) (Schema, error) {
	if format == "xml" {
		return nil, nil
	}
	return CompileSchema(fsys, file)
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
