package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// reader collects findings while one YAML file is read. Scalars are taken as they
// are written: 85.80 stays "85.80" and never passes through a float.
type reader struct {
	file     string
	lines    []string // of the file
	findings Findings
}

func (r *reader) add(n *yaml.Node, message, suggestion string) {
	line, col := 0, 0
	if n != nil {
		line, col = n.Line, n.Column
	}
	r.findings = append(r.findings, Finding{File: r.file, Line: line, Column: col, Message: message, Suggestion: suggestion})
}

func (r *reader) addf(n *yaml.Node, format string, args ...any) {
	r.add(n, fmt.Sprintf(format, args...), "")
}

func (r *reader) warnf(n *yaml.Node, format string, args ...any) {
	r.addf(n, format, args...)
	r.findings[len(r.findings)-1].Severity = Warning
}

// leadingZero is what YAML readers turn into another number: 01067, 05974040, 007.5.
var leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+(\.[0-9_]*)?$`)

// maxYAMLBytes bounds what a configuration file may hold; a code list of a country's
// municipalities fits many times.
const maxYAMLBytes = 16 << 20

// read parses one document and refuses what the house does not write: several
// documents, anchors, aliases, tags, repeated keys, unquoted leading zeros.
func (r *reader) read(data []byte) *yaml.Node {
	if len(data) > maxYAMLBytes {
		r.addf(nil, "the file has %d bytes; at most %d are read", len(data), maxYAMLBytes)
		return nil
	}
	if line, column, what := NotText(data); what != "" {
		r.findings = append(r.findings, Finding{File: r.file, Line: line, Column: column, Message: what, Suggestion: "save the file as UTF-8"})
		return nil
	}
	loader, err := yaml.NewLoader(bytes.NewReader(data))
	if err != nil {
		r.syntax(err)
		return nil
	}
	var doc, next yaml.Node
	if err := loader.Load(&doc); err != nil {
		r.syntax(err)
		return nil
	}
	switch err := loader.Load(&next); {
	case err == nil:
		r.add(&next, "a second document begins here", "one file is one document: remove the line ---")
		return nil
	case !errors.Is(err, io.EOF):
		r.syntax(err)
		return nil
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 || doc.Content[0].Tag == "!!null" {
		r.syntax(io.EOF)
		return nil
	}
	r.lines = strings.Split(string(data), "\n")
	root := doc.Content[0]
	if !r.strict(root) {
		return nil
	}
	return root
}

func (r *reader) syntax(err error) {
	f := Finding{File: r.file, Line: 1, Column: 1, Message: "not YAML: " + err.Error()}
	var one *yaml.LoadError
	switch {
	case errors.Is(err, io.EOF):
		f.Message = "the file is empty"
	case errors.As(err, &one):
		f.Line, f.Column, f.Message = max(one.Mark.Line, 1), max(one.Mark.Column, 1), "not YAML: "+one.Message
	}
	r.findings = append(r.findings, f)
}

func (r *reader) strict(n *yaml.Node) bool {
	ok := true
	bad := func(n *yaml.Node, msg, sug string) {
		r.add(n, msg, sug)
		ok = false
	}
	if n.Anchor != "" {
		bad(n, "anchors are not used here: &"+n.Anchor, "write the value out")
	}
	switch n.Kind {
	case yaml.AliasNode:
		bad(n, "aliases are not used here: *"+n.Value, "write the value out")
		return false
	case yaml.ScalarNode:
		if n.Style&yaml.TaggedStyle != 0 {
			bad(n, "tags are not used here: "+n.Tag, "quote the value if it is text")
		}
		if n.Style == 0 && leadingZero.MatchString(n.Value) {
			bad(n, n.Value+" has a leading zero and is not quoted", `write "`+n.Value+`"`)
		}
	case yaml.MappingNode:
		seen := map[string]int{}
		for i := 0; i+1 < len(n.Content); i += 2 {
			k := n.Content[i]
			if k.Kind != yaml.ScalarNode {
				bad(k, "a key is a single word here", "")
				continue
			}
			if k.Value == "" {
				bad(n.Content[i+1], "there is no key before the colon", "")
				continue
			}
			if v := n.Content[i+1]; n.Style&yaml.FlowStyle != 0 && v.Kind == yaml.ScalarNode && v.Value == "" && v.Style == 0 && i > 0 && isNumber(k.Value) && isNumber(n.Content[i-1].Value) {
				bad(n.Content[i-1], "a comma parts entries here", "write decimals with a point: "+n.Content[i-1].Value+"."+k.Value)
				return false
			}
			if first, dup := seen[k.Value]; dup {
				bad(k, k.Value+" is given twice, first in line "+strconv.Itoa(first), "")
			}
			seen[k.Value] = k.Line
		}
	}
	for _, c := range n.Content {
		ok = r.strict(c) && ok
	}
	return ok
}

func isNumber(s string) bool { return s != "" && all(s, isDigit) }

// object is a YAML map whose keys are checked against what the place allows.
type object struct {
	r    *reader
	node *yaml.Node
	keys map[string]*yaml.Node // key → key node
	vals map[string]*yaml.Node
}

// object reads a map; unknown keys are findings. It never returns nil.
func (r *reader) object(n *yaml.Node, what string, allowed ...string) *object {
	o := &object{r: r, node: n, keys: map[string]*yaml.Node{}, vals: map[string]*yaml.Node{}}
	if n == nil {
		return o
	}
	if n.Kind != yaml.MappingNode {
		r.add(n, what+" is a map of settings", "")
		return o
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		if !slices.Contains(allowed, k.Value) {
			r.add(k, k.Value+" is not a setting of "+what, didYouMean(k.Value, allowed))
			continue
		}
		o.keys[k.Value], o.vals[k.Value] = k, n.Content[i+1]
	}
	return o
}

func (o *object) has(key string) bool { return o.vals[key] != nil }

// at is the node to blame for key: its value, or the object if it is absent.
func (o *object) at(key string) *yaml.Node {
	if n := o.vals[key]; n != nil {
		return n
	}
	return o.node
}

// str reads a scalar as it is written; absent is "".
func (o *object) str(key string) string {
	n := o.vals[key]
	if n == nil {
		return ""
	}
	return o.r.scalar(n, key)
}

func (o *object) need(key, what string) string {
	s := o.str(key)
	if s == "" && (o.vals[key] == nil || o.vals[key].Kind == yaml.ScalarNode) {
		o.r.addf(o.at(key), "%s needs %s", what, key)
	}
	return s
}

func (r *reader) scalar(n *yaml.Node, what string) string {
	if n.Kind != yaml.ScalarNode {
		r.add(n, what+" is a single value", "")
		return ""
	}
	if n.Style == 0 && (n.Value == "null" || n.Value == "~" || n.Value == "") {
		r.add(n, what+" has no value", `write "" for an empty text`)
		return ""
	}
	return n.Value
}

func (o *object) boolean(key string, dflt bool) bool {
	n := o.vals[key]
	if n == nil {
		return dflt
	}
	switch n.Value {
	case "true":
		return true
	case "false":
		return false
	}
	o.r.addf(n, "%s is true or false", key)
	return dflt
}

func (o *object) integer(key string, dflt, lo, hi int) int {
	n := o.vals[key]
	if n == nil {
		return dflt
	}
	v, err := strconv.Atoi(n.Value)
	if err != nil || n.Kind != yaml.ScalarNode || v < lo || v > hi {
		o.r.addf(n, "%s is a whole number from %d to %d", key, lo, hi)
		return dflt
	}
	return v
}

// oneOf reads a word of a fixed set; absent is dflt.
func (o *object) oneOf(key, dflt string, allowed ...string) string {
	if !o.has(key) {
		return dflt
	}
	v := o.str(key)
	if v != "" && !slices.Contains(allowed, v) {
		o.r.add(o.vals[key], fmt.Sprintf("%s is not %s", v, key), didYouMean(v, allowed))
		return dflt
	}
	return v
}

// list gives the items of a sequence; a scalar counts as a list of one.
func (o *object) list(key string) []*yaml.Node {
	n := o.vals[key]
	if n == nil {
		return nil
	}
	if n.Kind == yaml.ScalarNode {
		return []*yaml.Node{n}
	}
	return o.seq(key)
}

// seq gives the items of a sequence; anything else is a finding.
func (o *object) seq(key string) []*yaml.Node {
	n := o.vals[key]
	if n == nil {
		return nil
	}
	if n.Kind != yaml.SequenceNode {
		o.r.addf(n, "%s is a list", key)
		return nil
	}
	return n.Content
}

// pairs walks a map with free keys in file order.
func (r *reader) pairs(n *yaml.Node, what string, f func(k, v *yaml.Node)) {
	if n == nil {
		return
	}
	if n.Kind != yaml.MappingNode {
		r.add(n, what+" is a map", "")
		return
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		f(n.Content[i], n.Content[i+1])
	}
}

func (o *object) pairs(key string, f func(k, v *yaml.Node)) {
	if o.has(key) {
		o.r.pairs(o.vals[key], key, f)
	}
}

// open reads a configuration file.
func (r *reader) open(fsys fs.FS, what string) []byte {
	data, err := fs.ReadFile(fsys, r.file)
	if err != nil {
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		r.addf(nil, "read %s: %v", what, err)
		return nil
	}
	return data
}
