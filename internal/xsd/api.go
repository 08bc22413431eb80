package xsd

import (
	"context"
	"fmt"
	"strings"
)

// Name is an expanded name. Space is empty for names in no namespace.
type Name struct{ Space, Local string }

func (n Name) String() string {
	if n.Space == "" {
		return n.Local
	}
	return "{" + n.Space + "}" + n.Local
}

// Attr is one attribute of a start tag; namespace declarations are not attributes. Line and Col may be
// zero, then findings carry the position of the element.
type Attr struct {
	Name      Name
	Value     string
	Line, Col int
}

// Pos is a place in a document; lines and columns count from 1.
type Pos struct{ Line, Col int }

// Namespaces answers which namespace a prefix stands for at the present element. The empty prefix asks
// for the default namespace.
type Namespaces interface {
	Lookup(prefix string) (uri string, ok bool)
}

// Options of one validator. The zero value is usable.
type Options struct {
	// MaxFindings bounds what Finish returns; 0 means 100. Once it is reached, nothing more is judged.
	MaxFindings int
	// TypeOf, if set, is told the type each element is judged by, before its content is seen. The type is
	// nil for elements that a schema's wildcard says to skip.
	TypeOf func(name Name, t *Type, pos Pos)
	// Context, if set, ends the judgement when it is done; Err then says so.
	Context context.Context
	// Entities names the unparsed entities the document's DTD declares. Values of type xs:ENTITY must be
	// among them.
	Entities []string
	// Roots, if not empty, are the only elements a document may start with.
	Roots []Name
}

// Finding is one thing that makes a document invalid.
type Finding struct {
	Line, Col int
	Path      string // the open elements, outermost first: /antrag/halter/@art
	Rule      string // the specification's rule and clause: cvc-complex-type.2.4
	Code      string // a stable word for machines: element-unexpected
	Value     string // what was found; may be personal data, no sentence repeats it
	De, En    string // what was found, what is allowed here, what was expected
}

func (f Finding) String() string {
	return fmt.Sprintf("%d:%d: %s: %s (%s)", f.Line, f.Col, f.Path, f.En, f.Rule)
}

// Issue is one thing that makes a schema unusable, or, as a warning, one it may not mean.
type Issue struct {
	File      string
	Line, Col int
	Rule      string // the specification's rule (src-resolve, ct-props-correct.3, …), or "unsupported", "limit"
	Text      string
}

func (i Issue) String() string {
	place := i.File
	if i.Line > 0 {
		place = fmt.Sprintf("%s:%d:%d", i.File, i.Line, i.Col)
	}
	return place + ": " + i.Text + " (" + i.Rule + ")"
}

// SchemaError lists everything that was found wrong with a schema; it has at least one issue.
type SchemaError struct{ Issues []Issue }

func (e *SchemaError) Error() string {
	lines := make([]string, len(e.Issues))
	for i, is := range e.Issues {
		lines[i] = is.String()
	}
	return strings.Join(lines, "\n")
}
