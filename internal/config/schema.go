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

// counting is a Resolver that notes which files were asked for, by path.
type counting struct {
	mapping.Resolver
	asked map[string]bool
}

func (c counting) CodeList(from, name string) (*mapping.CodeList, error) {
	list, err := c.Resolver.CodeList(from, name)
	if list != nil {
		c.asked["mappings/"+list.Path] = true
	}
	return list, err
}

func (c counting) Layout(from, name string) (*mapping.Layout, error) {
	layout, err := c.Resolver.Layout(from, name)
	if layout != nil {
		c.asked["mappings/"+layout.Path] = true
	}
	return layout, err
}

// parseInput reads the document of a mapping's test as a portal's would be read.
func parseInput(name string, data []byte) (*etree.Element, error) {
	doc, err := gate.Tree(context.Background(), data, "application/"+strings.TrimPrefix(path.Ext(name), "."), gate.Limits{})
	if err != nil {
		return nil, err
	}
	return doc.Root(), nil
}
