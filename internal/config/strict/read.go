// Package strict reads YAML the way this house wants it: one document, no key
// twice, nothing that YAML lets mean something else than it says, and every
// complaint at once with file, line and column. It knows no configuration.
//
// Refused, each with a remedy: unknown keys, repeated keys, anchors, aliases,
// merge keys, tags, more than one document, unquoted numbers with a leading zero
// (an AGS or a postcode would lose it), empty values, and yes/no for true/false.
package strict

import (
	"bytes"
	"errors"
	"io"
	"regexp"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/mapping"
)

// Finding and Findings are the house's complaints about files.
type (
	Finding  = mapping.Finding
	Findings = mapping.Findings
)

// MaxSize bounds a configuration file, in bytes.
const MaxSize = 4 << 20

const (
	maxDepth = 40
	quoted   = yaml.SingleQuotedStyle | yaml.DoubleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle
)

// leadingZero is a number to YAML 1.1 (octal) and to people an AGS or a postcode.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+([.eE][-+0-9_eE]*)?$`)

// Read parses one file. The node is its top value, nil exactly if a finding is an
// error.
func Read(path string, data []byte) (*yaml.Node, Findings) {
	r := reader{path: path}
	top := r.parse(data)
	if top != nil {
		r.walk(top, 0)
	}
	if r.found.HasErrors() {
		return nil, r.found.Sort()
	}
	return top, nil
}

type reader struct {
	path  string
	found Findings
}

func (r *reader) complain(line, column int, message, remedy string) {
	r.found = append(r.found, Finding{File: r.path, Line: line, Column: column, Message: message, Suggestion: remedy})
}

func (r *reader) parse(data []byte) *yaml.Node {
	if len(data) > MaxSize {
		r.complain(0, 0, "is larger than 4 MB", "")
		return nil
	}
	if line, column, what := mapping.NotText(data); what != "" {
		r.complain(line, column, what, "save the file as UTF-8")
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		r.complain(0, 0, err.Error(), "")
		return nil
	}
	var doc, next yaml.Node
	switch err := loader.Load(&doc); {
	case errors.Is(err, io.EOF):
		r.complain(1, 1, "is empty", "")
		return nil
	case err != nil:
		r.syntax(err)
		return nil
	}
	switch err := loader.Load(&next); {
	case err == nil:
		r.complain(next.Line, next.Column, "a second document begins here", "one file is one document: remove the line ---")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil
	}
	if len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
		r.complain(1, 1, "is empty", "")
		return nil
	}
	return doc.Content[0]
}

func (r *reader) syntax(err error) {
	var one *yaml.LoadError
	var many *yaml.LoadErrors
	if errors.As(err, &many) && len(many.Errors) > 0 {
		one = many.Errors[0]
	}
	if one == nil && !errors.As(err, &one) {
		r.complain(0, 0, "is not YAML: "+err.Error(), "")
		return
	}
	r.complain(max(one.Mark.Line, 1), max(one.Mark.Column, 1), "is not YAML: "+one.Message, "")
}

func (r *reader) walk(n *yaml.Node, depth int) {
	if depth > maxDepth {
		r.complain(n.Line, n.Column, "is nested too deeply", "")
		return
	}
	if n.Kind == yaml.AliasNode {
		r.complain(n.Line, n.Column, "the alias *"+n.Value+" is not read here", "write the value out")
		return
	}
	if n.Anchor != "" {
		r.complain(n.Line, n.Column, "the anchor &"+n.Anchor+" is not read here", "write the value out where it is needed")
	}
	if n.Style&yaml.TaggedStyle != 0 {
		r.complain(n.Line, n.Column, "the tag "+n.Tag+" is not read here", "quote the value if it is text")
	}
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Style&quoted == 0 && leadingZero.MatchString(n.Value) {
			r.complain(n.Line, n.Column, n.Value+" begins with a zero that a number loses", `write "`+n.Value+`"`)
		}
	case yaml.MappingNode:
		r.keys(n)
	}
	for _, c := range n.Content {
		r.walk(c, depth+1)
	}
}

func (r *reader) keys(n *yaml.Node) {
	seen := map[string]*yaml.Node{}
	for i := 0; i < len(n.Content); i += 2 {
		k := n.Content[i]
		switch {
		case k.Tag == "!!merge":
			r.complain(k.Line, k.Column, "the merge key << is not read here", "write the keys out")
		case k.Kind != yaml.ScalarNode && k.Kind != yaml.AliasNode:
			r.complain(k.Line, k.Column, "a key must be a word", "")
		case k.Value == "":
			r.complain(n.Content[i+1].Line, n.Content[i+1].Column, "there is no key before the colon", "")
		case seen[k.Value] != nil:
			r.complain(k.Line, k.Column, k.Value+" is here for the second time", "the first is in line "+itoa(seen[k.Value].Line))
		default:
			seen[k.Value] = k
		}
	}
}
