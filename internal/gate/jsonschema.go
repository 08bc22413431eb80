package gate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// JSONSchema is a compiled JSON Schema, draft 2020-12. Formats are checked.
type JSONSchema struct {
	schema *jsonschema.Schema
	known  map[string]bool // the property names that the schema itself has
}

// schemaBase is where the files of a schema seem to lie, so that they can refer to
// each other by their names.
const schemaBase = "schema:///"

// formats are those that are checked. A schema that asks for another one would be
// obeyed in silence by nobody, so it does not compile.
var formats = []string{
	"json-pointer", "relative-json-pointer", "uuid", "duration", "ipv4", "ipv6", "hostname", "email",
	"date", "time", "date-time", "uri", "iri", "uri-reference", "iri-reference", "uri-template", "regex",
}

// CompileJSON compiles the schema in the named file of fsys. It may refer to other
// files of fsys by relative names; nothing is loaded from anywhere else.
func CompileJSON(fsys fs.FS, name string) (*JSONSchema, error) {
	l := &schemaLoader{fsys: fsys, known: make(map[string]bool)}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	c.UseLoader(l)
	schema, err := c.Compile(schemaBase + path.Clean(name))
	if err != nil {
		return nil, fmt.Errorf("compile schema %s: %w", name, err)
	}
	if l.unknown != "" {
		return nil, fmt.Errorf("compile schema %s: format %q is not checked here; known are %s", name, l.unknown, strings.Join(formats, ", "))
	}
	return &JSONSchema{schema: schema, known: l.known}, nil
}

// Format implements Schema.
func (s *JSONSchema) Format() Format { return FormatJSON }

// Judge implements Schema. The judge holds the whole document, and takes a slot
// once that costs more than 256 KiB.
func (s *JSONSchema) Judge(ctx context.Context, max int, large *Slots) Judge {
	return &jsonJudge{schema: s, ctx: ctx, max: max, large: large}
}

type schemaLoader struct {
	fsys    fs.FS
	known   map[string]bool
	unknown string // a format that is not checked
}

// Load implements jsonschema.URLLoader.
func (l *schemaLoader) Load(location string) (any, error) {
	name, ok := strings.CutPrefix(location, schemaBase)
	if !ok {
		return nil, errors.New("it refers to " + location + ", which is not loaded; put the schema beside it and refer to it by its file name")
	}
	name, err := url.PathUnescape(name)
	if err != nil {
		return nil, err
	}
	f, err := l.fsys.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	doc, err := jsonschema.UnmarshalJSON(f)
	if err != nil {
		return nil, err
	}
	l.survey(doc)
	return doc, nil
}

// survey collects property names and looks for formats that are not checked.
func (l *schemaLoader) survey(v any) {
	switch v := v.(type) {
	case []any:
		for _, x := range v {
			l.survey(x)
		}
	case map[string]any:
		for key, x := range v {
			switch key {
			case "const", "enum", "default", "examples":
				continue // instances, not schemas
			case "format":
				if f, ok := x.(string); ok && !slices.Contains(formats, f) {
					l.unknown = f
				}
			case "properties":
				if props, ok := x.(map[string]any); ok {
					for name, p := range props {
						l.known[name] = true
						l.survey(p)
					}
					continue
				}
			}
			l.survey(x)
		}
	}
}
