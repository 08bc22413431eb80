package config

import (
	"io/fs"

	"github.com/beevik/etree"

	"stellwerk/internal/mapping"
)

// compile makes the check of a schema that a mapping's output names.
var compile func(fsys fs.FS, file string) (mapping.Check, error)

var parseInput func(name string, data []byte) (*etree.Element, error)

func resolver(fsys fs.FS) mapping.Resolver { return nil }
