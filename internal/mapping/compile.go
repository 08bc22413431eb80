package mapping

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"

	"go.yaml.in/yaml/v4"
)

// compiler turns the YAML of one mapping file into a Mapping.
type compiler struct {
	r        *reader
	m        *Mapping
	res      Resolver
	ns       map[string]string
	defs     map[string]stepDef
	scopes   []*cscope
	counting bool // in header or trailer
	answers  map[string]bool
	read     map[string]bool // absolute input paths
	at       *yaml.Node      // what is being compiled: the place of what it reads
	lists    map[string]*CodeList
	ranges   map[string]bool
}

// cscope is a block while its fields are compiled.
type cscope struct {
	block *block
	base  []readPath // where relative paths start
}

func (c *compiler) enter(b *block) {
	base := []readPath{{absolute: true}}
	if n := len(c.scopes); n > 0 {
		base = c.scopes[n-1].base
	}
	if b.each != nil && b.each.path != nil {
		base = resolve(base, b.each.path.reads)
	}
	c.scopes = append(c.scopes, &cscope{b, base})
}

func (c *compiler) leave() { c.scopes = c.scopes[:len(c.scopes)-1] }

// resolve makes paths absolute.
func resolve(base, paths []readPath) (out []readPath) {
	for _, p := range paths {
		if p.absolute {
			out = append(out, clean(p))
			continue
		}
		for _, b := range base {
			out = append(out, clean(readPath{absolute: true, steps: append(slices.Clone(b.steps), p.steps...)}))
		}
	}
	return out
}

func clean(p readPath) readPath {
	var steps []string
	for _, s := range p.steps {
		if s != ".." {
			steps = append(steps, s)
		} else if n := len(steps); n > 0 && steps[n-1] != "**" {
			steps = steps[:n-1]
		}
	}
	return readPath{absolute: true, steps: steps}
}

// reads notes what a path reads, for coverage.
func (c *compiler) reads(p *inputPath) {
	base := []readPath{{absolute: true}}
	if n := len(c.scopes); n > 0 {
		base = c.scopes[n-1].base
	}
	for _, r := range resolve(base, p.reads) {
		at := "/" + strings.Join(r.steps, "/")
		if !c.read[at] && c.at != nil {
			c.m.readAt = append(c.m.readAt, inputRead{steps: r.steps, line: c.at.Line, column: c.at.Column})
		}
		c.read[at] = true
	}
}

// look says what is being compiled, until it is done.
func (c *compiler) look(n *yaml.Node) (done func()) {
	before := c.at
	c.at = n
	return func() { c.at = before }
}

// let finds a name in this block and those around it.
func (c *compiler) let(name string) (letRef, bool) {
	for up := range c.scopes {
		for i, l := range c.scopes[len(c.scopes)-1-up].block.lets {
			if l.target == name {
				return letRef{up: up, index: i, def: l}, true
			}
		}
	}
	return letRef{}, false
}

func (c *compiler) letNames() (names []string) {
	for _, s := range c.scopes {
		for _, l := range s.block.lets {
			names = append(names, l.target)
		}
	}
	return names
}

func (c *compiler) letIndex(ref letRef) int {
	c.m.letRefs = append(c.m.letRefs, ref)
	return len(c.m.letRefs) - 1
}

func (m *Mapping) letAt(_ *state, i int) letRef { return m.letRefs[i] }

func (c *compiler) inAttachment() bool {
	return slices.ContainsFunc(c.scopes, func(s *cscope) bool { return s.block.each != nil && s.block.each.attachments })
}

// lets compiles let; a let sees those above it.
func (c *compiler) lets(b *block, o *object) {
	o.pairs("let", func(k, v *yaml.Node) {
		if !isIdentifier(k.Value) || slices.Contains(reservedNames, k.Value) {
			c.r.addf(k, "%s cannot be the name of a let: letters, digits and _, no word of expressions", k.Value)
			return
		}
		if f := c.field(k, v, "", true); f != nil {
			b.lets = append(b.lets, f)
		}
	})
}

// reservedNames have a meaning in expressions.
var reservedNames = func() []string {
	names := []string{"submission", "municipality", "meta", "attachments", "position", "answer", "ordinance", "lookup", "inList",
		"count", "sum", "all", "any", "none", "one", "filter", "len"}
	for _, f := range exprFunctions() {
		names = append(names, f.name)
	}
	return names
}()

// lookup finds LIST/COLUMN, or LIST alone.
func (c *compiler) lookup(ref string, column bool) (*lookup, error) {
	name, col := ref, ""
	if column {
		i := strings.LastIndexByte(ref, '/')
		if i <= 0 || i == len(ref)-1 {
			return nil, fmt.Errorf("%s is not LIST/COLUMN", ref)
		}
		name, col = ref[:i], ref[i+1:]
	}
	l, known := c.lists[name]
	if !known {
		var err error
		if l, err = c.res.CodeList(c.m.Path, name); err != nil {
			return nil, c.missing("code list", name, err)
		}
		c.lists[name] = l
	}
	if l == nil {
		return nil, fmt.Errorf("code list %s is broken", name)
	}
	if column && !slices.Contains(l.Columns, col) {
		return nil, fmt.Errorf("code list %s has no column %s%s", name, col, inParens(didYouMean(col, l.Columns)))
	}
	return &lookup{l, col}, nil
}

func (c *compiler) lookupIndex(ref string, column bool) (int, error) {
	l, err := c.lookup(ref, column)
	if err != nil {
		return 0, err
	}
	c.m.lookups = append(c.m.lookups, l)
	return len(c.m.lookups) - 1, nil
}

// missing words why a named file cannot be used; findings of a broken one are taken over.
func (c *compiler) missing(what, name string, err error) error {
	var broken *FindingsError
	if errors.As(err, &broken) {
		c.r.findings = append(c.r.findings, broken.Findings...)
		return fmt.Errorf("%s %s is broken", what, name)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no %s %s", what, name)
	}
	return fmt.Errorf("%s %s: %v", what, name, err)
}

// sumOf gives the index of a field's sum over the records.
func (c *compiler) sumOf(name string) int {
	i := slices.Index(c.m.sumFields, name)
	if i < 0 {
		c.m.sumFields = append(c.m.sumFields, name)
		i = len(c.m.sumFields) - 1
	}
	return i
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}
