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
	lists    map[string]*CodeList
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
		c.read["/"+strings.Join(r.steps, "/")] = true
	}
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

var mappingKeys = []string{"revision", "title", "namespaces", "output", "each", "when", "if-none", "let", "fields", "header", "trailer",
	"records", "unused", "tests"}

// mapping reads the whole file.
func (c *compiler) mapping(root *yaml.Node) {
	o := c.r.object(root, "a mapping", mappingKeys...)
	if root.Kind != yaml.MappingNode {
		return
	}
	c.m.Revision = o.integer("revision", 0, 1, 1000000)
	if !o.has("revision") {
		c.r.addf(root, "a mapping needs revision")
	}
	o.pairs("namespaces", func(k, v *yaml.Node) {
		if !isName(k.Value) || slices.Contains(reservedPrefixes, k.Value) || strings.HasPrefix(strings.ToLower(k.Value), "xml") {
			c.r.addf(k, "%s cannot be a prefix", k.Value)
			return
		}
		c.ns[k.Value] = c.r.scalar(v, k.Value)
		c.m.prefixes = append(c.m.prefixes, k.Value)
	})
	if !o.has("output") {
		c.r.addf(root, "a mapping needs output")
		return
	}
	c.output(o.vals["output"])
	if c.m.Format == "" {
		return
	}
	c.blocks(o)
	c.unused(o)
	c.tests(o)
}

// blocks compiles the records, header and trailer.
func (c *compiler) blocks(o *object) {
	c.m.top = &block{line: 1}
	c.enter(c.m.top)
	defer c.leave()
	flat := c.m.Format == CSV || c.m.Format == Fixed
	for _, key := range []string{"header", "trailer", "records"} {
		if o.has(key) && !flat {
			c.r.addf(o.keys[key], "%s is for csv and fixed", key)
		}
	}
	if o.has("records") {
		for _, key := range []string{"each", "when", "fields", "if-none"} {
			if o.has(key) {
				c.r.addf(o.keys[key], "%s stands in the entries of records, not beside it", key)
			}
		}
		c.lets(c.m.top, o)
		if c.m.Format == CSV {
			c.r.addf(o.keys["records"], "csv has one type of record; use each and fields")
		}
		for _, n := range o.seq("records") {
			ro := c.r.object(n, "a record", "type", "each", "when", "if-none", "let", "fields")
			c.m.blocks = append(c.m.blocks, c.record(ro, ro.need("type", "a record")))
		}
	} else {
		c.single(o, flat)
	}
	c.counting = true
	c.m.header = c.edge(o, "header")
	c.m.trailer = c.edge(o, "trailer")
	c.counting = false
	c.sums()
}

// single compiles each, when and fields at the top of the file.
func (c *compiler) single(o *object, flat bool) {
	if !o.has("fields") {
		c.r.addf(o.node, "a mapping needs fields")
		return
	}
	if !o.has("each") {
		// one record: the lets are seen by header and trailer too
		c.lets(c.m.top, o)
	}
	b := c.record(o, "record")
	if flat || b.each == nil {
		c.m.blocks = []*block{b}
		return
	}
	// XML and JSON: the records become a repeated group below record, or of the root
	f := &field{target: c.m.out.record, full: c.m.out.record, line: o.keys["each"].Line, group: true, each: b.each, inner: b, when: nil, sum: -1}
	outer := &block{line: f.line, fields: []*field{f}}
	if c.m.Format == XML && f.target == "" {
		c.r.add(o.keys["each"], "each at the top of an XML mapping needs output.record", "name the element that each record becomes")
		return
	}
	b.counts = true
	outer.tree = c.tree(outer)
	c.m.wrapped = true
	c.m.blocks = []*block{outer}
}

// record compiles one block of records. Its lets are in the block itself if it repeats.
func (c *compiler) record(o *object, typ string) *block {
	b := &block{line: o.node.Line}
	top := o.keys["output"] != nil
	if o.has("each") {
		b.each = c.each(o)
	}
	b.send = o.oneOf("if-none", "hold", "hold", "send") == "send"
	c.enter(b)
	defer c.leave()
	if o.has("each") || !top {
		c.lets(b, o)
	}
	if o.has("when") {
		b.when = c.conditionAt(o, "when")
	}
	if c.m.layout != nil {
		if b.record = c.m.layout.Record(typ); b.record == nil {
			c.r.addf(o.at("type"), "layout %s has no record type %s", c.m.layout.Name, typ)
		}
	}
	c.fields(b, o, "")
	return b
}

// edge compiles header or trailer. A layout that has one needs no fields in the mapping
// if all of it is constant or counted.
func (c *compiler) edge(o *object, key string) *block {
	if c.m.Format != CSV && c.m.Format != Fixed {
		return nil
	}
	b := &block{}
	if c.m.layout != nil {
		b.record = c.m.layout.Record(key)
	}
	if !o.has(key) {
		if b.record == nil {
			return nil
		}
		c.place(b, o.node)
		return b
	}
	n := o.vals[key]
	b.line = n.Line
	if c.m.layout != nil && b.record == nil {
		c.r.addf(o.keys[key], "layout %s has no %s", c.m.layout.Name, key)
		return nil
	}
	eo := c.r.object(n, key, "fields", "let")
	c.enter(b)
	defer c.leave()
	c.lets(b, eo)
	c.fields(b, eo, "")
	return b
}

// fields compiles the fields of a block and puts them in their places.
func (c *compiler) fields(b *block, o *object, prefix string) {
	o.pairs("fields", func(k, v *yaml.Node) {
		if f := c.field(k, v, prefix, false); f != nil {
			b.fields = append(b.fields, f)
		}
	})
	if o.has("fields") && len(o.vals["fields"].Content) == 0 && c.m.layout == nil {
		c.r.addf(o.at("fields"), "fields is empty")
	}
	switch c.m.Format {
	case Fixed:
		c.place(b, o.at("fields"))
	case XML, JSON:
		b.tree = c.tree(b)
	}
}

// place ties fields to the layout's fields and says which of them nobody fills.
func (c *compiler) place(b *block, at *yaml.Node) {
	if b.record == nil {
		return
	}
	names := b.record.Names()
	b.slots, b.sums = make([]*field, len(b.record.Fields)), make([]int, len(b.record.Fields))
	for i := range b.record.Fields {
		if s := b.record.Fields[i].sum; s != "" {
			b.sums[i] = c.sumOf(s)
		}
	}
	for _, f := range b.fields {
		i := slices.IndexFunc(b.record.Fields, func(l LayoutField) bool { return l.Name == f.target })
		switch {
		case i < 0:
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1, Suggestion: didYouMean(f.target, names),
				Message: fmt.Sprintf("%s is not a field of record type %s in layout %s", f.target, b.record.Name, c.m.layout.Path)})
		case !slices.Contains(names, f.target):
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1,
				Message: f.target + " is filled by the layout itself"})
		default:
			b.slots[i] = f
		}
	}
	for i := range b.record.Fields {
		l := &b.record.Fields[i]
		if l.optional || !slices.Contains(names, l.Name) || slices.ContainsFunc(b.fields, func(f *field) bool { return f.target == l.Name }) {
			continue
		}
		c.m.unfilled = append(c.m.unfilled, l.Name)
		c.r.warnf(at, "nothing fills %s of record type %s (%s:%d); it stays blank", l.Name, b.record.Name, c.m.layout.Path, l.Line)
	}
}

// sums ties the sums that layout and trailer ask for to the fields they add up.
func (c *compiler) sums() {
	for i, name := range c.m.sumFields {
		found := false
		for _, b := range c.m.blocks {
			for _, f := range b.fields {
				if f.target == name {
					f.sum, found = i, true
				}
			}
		}
		if !found {
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: 1, Column: 1, Message: "a sum of " + name + " is asked for, but no field of that name is filled"})
		}
	}
}

// unused reads the paths that are left out on purpose.
func (c *compiler) unused(o *object) {
	for _, n := range o.seq("unused") {
		p, err := compilePath(c.r.scalar(n, "unused"), c.ns)
		if err != nil || p.exprs != nil && len(p.reads) != 1 {
			c.r.addf(n, "unused: a path is wanted: %v", err)
			continue
		}
		for _, r := range resolve([]readPath{{absolute: true}}, p.reads) {
			c.m.unusedPaths = append(c.m.unusedPaths, "/"+strings.Join(r.steps, "/"))
		}
	}
}

func sorted(set map[string]bool) []string {
	out := make([]string, 0, len(set))
	for s := range set {
		out = append(out, s)
	}
	sort.Strings(out)
	return out
}
