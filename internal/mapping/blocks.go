package mapping

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

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
	} else {
		c.output(o.vals["output"])
	}
	c.blocks(o) // without a format, too: what is wrong there is wrong in every one
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
		if o.has(key) && !flat && c.m.Format != "" {
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
	c.elsewhere("header", c.m.header)
	c.elsewhere("trailer", c.m.trailer)
}

// elsewhere warns of a csv header or trailer that names a column of the records in another
// place: it has columns of its own, in the order of its fields.
func (c *compiler) elsewhere(what string, b *block) {
	if c.m.Format != CSV || b == nil || len(c.m.blocks) == 0 {
		return
	}
	for i, f := range b.fields {
		at := slices.IndexFunc(c.m.blocks[0].fields, func(x *field) bool { return x.target == f.target })
		if at >= 0 && at != i {
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1, Severity: Warning,
				Message:    fmt.Sprintf("%s: %s is column %d of the records and column %d here", what, f.target, at+1, i+1),
				Suggestion: `each field is the next column; fill those before it, with const: ""`})
		}
	}
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
	if flat || b.each == nil || c.m.Format == "" {
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
	if c.m.Format == XML || c.m.Format == JSON {
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
			c.clash(f, &b.record.Fields[i])
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

// clash complains of a last step that brings the value into the form which the layout
// brings it into: it would be refused in every document, or moved by two places twice.
func (c *compiler) clash(f *field, l *LayoutField) {
	if len(f.steps) == 0 {
		return
	}
	last, why := f.steps[len(f.steps)-1], ""
	switch {
	case l.date != nil && last.name == "date":
		format, err := parseDateFormat(last.args[0])
		if sample, errSample := parseMoment("2026-02-03T04:05:06"); err == nil && errSample == nil {
			if again, err := parseMoment(format.format(sample)); err != nil || again.day != sample.day {
				why = "the step writes a date that the layout cannot read"
			}
		}
	case l.decimal != "" && last.comma():
		why = "the step writes a comma, and the layout reads a number with a point"
	case l.decimal == "implied" && last.name == "cents":
		why = "the step writes cents, and the layout would make cents of them once more"
	}
	if why != "" {
		c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1,
			Message: f.target + ": " + why, Suggestion: "leave the step " + last.name + " out: the layout has the form"})
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
