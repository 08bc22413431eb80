package gate

import (
	"context"
	"regexp"
	"strings"
	"sync"

	"stellwerk/internal/xsd"
)

// XMLSchema judges XML by a compiled XSD while it streams past; it never holds a
// document.
type XMLSchema struct {
	schema *xsd.Schema
	roots  []xsd.Name
	judges sync.Pool // of *xmlJudge for the usual number of findings
}

// NewXMLSchema makes a Schema of a compiled one. If roots are given, a document may
// start with no other element.
func NewXMLSchema(schema *xsd.Schema, roots ...xsd.Name) *XMLSchema {
	return &XMLSchema{schema: schema, roots: roots}
}

// Format implements Schema.
func (s *XMLSchema) Format() Format { return FormatXML }

// Judge implements Schema.
func (s *XMLSchema) Judge(ctx context.Context, max int, _ *Slots) Judge {
	j, ok := s.judges.Get().(*xmlJudge)
	if !ok || j.max != max {
		// One more than wanted tells that there are more.
		j = &xmlJudge{home: &s.judges, max: max, validator: s.schema.NewValidator(xsd.Options{MaxFindings: max + 1, Roots: s.roots})}
	}
	j.validator.SetContext(ctx)
	return j
}

type xmlJudge struct {
	home      *sync.Pool
	max       int
	validator *xsd.Validator
	attrs     []xsd.Attr
}

// Start implements Handler.
func (j *xmlJudge) Start(s *Start) error {
	j.attrs = j.attrs[:0]
	for i := range s.Attrs {
		a := &s.Attrs[i]
		j.attrs = append(j.attrs, xsd.Attr{
			Name: xsd.Name{Space: a.Name.Space, Local: a.Name.Local}, Value: string(a.Value), Line: a.Pos.Line, Col: a.Pos.Column,
		})
	}
	j.validator.Start(xsd.Name{Space: s.Name.Space, Local: s.Name.Local}, j.attrs, s, xsd.Pos{Line: s.Pos.Line, Col: s.Pos.Column})
	return j.validator.Err()
}

// Text implements Handler.
func (j *xmlJudge) Text(b []byte, at Pos) error {
	j.validator.Text(b, xsd.Pos{Line: at.Line, Col: at.Column})
	return nil
}

// End implements Handler.
func (j *xmlJudge) End(_ Name, at Pos) error {
	j.validator.End(xsd.Pos{Line: at.Line, Col: at.Column})
	return nil
}

// Finish implements Judge.
func (j *xmlJudge) Finish() ([]Finding, bool, error) {
	found := j.validator.Finish()
	if err := j.validator.Err(); err != nil {
		return nil, false, err
	}
	var all []Finding
	for _, f := range found[:min(len(found), j.max)] {
		all = append(all, Finding{
			Rule: f.Rule, Line: f.Line, Column: f.Col, Path: nameablePath(f.Path), De: nameableTags(f.De), En: nameableTags(f.En),
		})
	}
	return all, len(found) > j.max, nil
}

// Release implements Judge.
func (j *xmlJudge) Release() {
	j.validator.Reset()
	j.validator.SetContext(context.Background())
	clear(j.attrs[:cap(j.attrs)])
	j.home.Put(j)
}

// The names of elements may come from the document. Those that are not made like
// the names that schemas have are not repeated.
var (
	tagInSentence = regexp.MustCompile(`<[^<>]*>`)
	schemaName    = regexp.MustCompile(`^@?[A-Za-z_][A-Za-z0-9_.-]{0,79}$`)
)

func nameableTags(s string) string {
	return tagInSentence.ReplaceAllStringFunc(s, func(tag string) string {
		if schemaName.MatchString(tag[1 : len(tag)-1]) {
			return tag
		}
		return "<…>"
	})
}

func nameablePath(path string) string {
	steps := strings.Split(path, "/")
	for i, step := range steps {
		if i > 0 && !schemaName.MatchString(step) {
			steps[i] = "…"
		}
	}
	return strings.Join(steps, "/")
}
