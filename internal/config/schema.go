package config

import (
	"context"
	"io/fs"
	"path"
	"strings"

	"github.com/beevik/etree"

	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// resolver finds what mappings name: code lists, layouts and schemas.
func resolver(fsys fs.FS) mapping.Resolver {
	return mapping.Files{FS: fsys, Compile: func(fsys fs.FS, file string) (mapping.Check, error) {
		schema, err := route.CompileSchema(fsys, file)
		if err != nil {
			return nil, err
		}
		return func(document []byte) error {
			_, err := gate.Check(context.Background(), document, "application/"+string(schema.Format()), gate.Options{Schema: schema})
			return err
		}, nil
	}}
}

// parseInput reads the document of a mapping's test as a portal's would be read.
func parseInput(name string, data []byte) (*etree.Element, error) {
	doc, err := gate.Tree(context.Background(), data, "application/"+strings.TrimPrefix(path.Ext(name), "."), gate.Limits{})
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}
