package xsd

import (
	"cmp"
	"context"
	"slices"
)

// Schema is a compiled schema. It is immutable and safe for concurrent use.
type Schema struct {
	syms       map[Name]int32
	elements   map[Name]*element
	types      map[Name]*Type
	attributes map[Name]*attrDecl
	notations  map[Name]bool
	builtins   *builtins
	files      []string
	warnings   []Issue
}

// Warnings lists what the schema may not mean: imports nothing was found for, and definitions that two
// imported documents bring.
func (s *Schema) Warnings() []Issue { return slices.Clone(s.warnings) }

// Files lists the documents the schema was made of, in the order they were met.
func (s *Schema) Files() []string { return slices.Clone(s.files) }

// Roots lists the global elements: those a document may start with.
func (s *Schema) Roots() []Name {
	var out []Name
	for n, e := range s.elements {
		if !e.abstract {
			out = append(out, n)
		}
	}
	slices.SortFunc(out, func(a, b Name) int { return cmp.Or(cmp.Compare(a.Space, b.Space), cmp.Compare(a.Local, b.Local)) })
	return out
}

// Type gives a global or built-in type; nil if there is none of that name.
func (s *Schema) Type(n Name) *Type { return s.lookupType(n) }

// ElementType gives the declared type of a global element; nil if there is none of that name.
func (s *Schema) ElementType(n Name) *Type {
	if e := s.elements[n]; e != nil {
		return e.typ
	}
	return nil
}

func (s *Schema) lookupType(n Name) *Type {
	if t := s.types[n]; t != nil {
		return t
	}
	if n.Space == schemaSpace {
		return s.builtins.byName[n.Local]
	}
	return nil
}

// Compile reads the schema documents at the locations, all they include and import, and makes one schema
// of them. The error is a *SchemaError unless the context ended.
func Compile(ctx context.Context, src Source, locations ...string) (*Schema, error) {
	c := &compiler{
		ctx: ctx, src: src, builtins: newBuiltins(), sets: newSetCache(),
		docs: map[documentKey]*document{}, missing: map[string]Issue{}, seen: map[Issue]bool{},
		constraints: map[Name]*constraint{}, syms: map[Name]int32{}, origin: 10,
	}
	c.grammar = newGrammar(c.sets)
	for k := range c.globals {
		c.globals[k] = map[Name]*global{}
	}
	c.ns.notation = func(n Name) bool { return c.globals[kindNotation][n] != nil }
	for _, l := range locations {
		c.root(l)
	}
	if len(c.ordered) > 0 && !c.broken && ctx.Err() == nil {
		c.build()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if len(c.issues) > 0 {
		return nil, &SchemaError{Issues: c.issues}
	}
	return c.schema(), nil
}

func (c *compiler) root(location string) {
	file, ok := c.src.Resolve("", location, "")
	if !ok {
		c.issue(where{file: location}, "src-resolve", "there is no such file")
		return
	}
	root := c.read(file, where{file: location})
	if root == nil {
		return
	}
	c.unit++
	c.load(file, root.token("targetNamespace"), false, where{file: file})
}

// build makes all components. Cancellation is looked at between them.
func (c *compiler) build() {
	for _, g := range c.sorted(kindType) {
		for ; g != nil; g = g.orig {
			c.buildComplex(g.typ, g.node)
		}
	}
	for _, g := range c.sorted(kindAttribute) {
		c.buildAttribute(g)
	}
	for _, g := range c.sorted(kindAttrGroup) {
		c.attrGroup(g, g.node)
	}
	for _, g := range c.sorted(kindGroup) {
		c.groupOf(g, g.node)
	}
	for _, g := range c.sorted(kindElement) {
		c.buildElement(g)
	}
	for len(c.later) > 0 && c.ctx.Err() == nil {
		run := c.later
		c.later = nil
		for _, f := range run {
			f()
		}
	}
	if len(c.issues) > 0 || c.ctx.Err() != nil {
		return
	}
	for _, e := range c.elements {
		if e.typ == nil && e.head != nil {
			e.typ = e.head.typ
		}
		c.checkElement(e)
	}
	c.models()
}

// sorted lists definitions in the order they stand in, so that issues come in that order.
func (c *compiler) sorted(k kind) []*global {
	out := make([]*global, 0, len(c.globals[k]))
	for _, g := range c.globals[k] {
		out = append(out, g)
	}
	slices.SortFunc(out, func(a, b *global) int {
		x, y := a.node.at, b.node.at
		return cmp.Or(cmp.Compare(x.file, y.file), cmp.Compare(x.line, y.line), cmp.Compare(x.col, y.col))
	})
	return out
}

// checkElement checks what needs the element's type to be built.
func (c *compiler) checkElement(e *element) {
	t := e.typ
	if t == nil {
		return
	}
	if e.head != nil {
		if e.head.typ != nil && !c.derivedOK(t, e.head.typ, e.head.final) {
			c.issue(e.at, "e-props-correct.4", "the type of %s is not derived from that of %s, or the latter is final", e.name, e.head.name)
		}
	}
	c.checkNotation(t.simple, e.at)
	if e.value == nil {
		return
	}
	switch {
	case t.simple != nil:
		if isID(t.simple) {
			c.issue(e.at, "e-props-correct.5", "an element of type ID has no default or fixed value")
			return
		}
		c.checkValue(t.simple, e.value, e.at, "e-props-correct.2")
	case t.complex == nil:
	case t.complex.content != contentMixed || !t.complex.particle.emptiable():
		c.issue(e.at, "cos-valid-default.2", "element %s has a value, but its type has no text alone", e.name)
	default:
		e.value.key = e.value.lex
	}
}

// checkNotation sees that xs:NOTATION is not used as it is: a schema lists the notations it means.
func (c *compiler) checkNotation(s *simpleType, at where) {
	if s != nil && s.variety == atomicVariety && s.prim == primNotation && s.facets.enum == nil {
		c.issue(at, "enumeration-required-notation", "xs:NOTATION needs an enumeration")
	}
}

// derivedOK tells whether t is other or derived from it without a way that is blocked.
func (c *compiler) derivedOK(t, other *Type, blocked derivation) bool {
	return derivedOK(t, other, blocked, c.builtins.anySimp)
}

func derivedOK(t, other *Type, blocked derivation, top *Type) bool {
	for x := t; x != nil; x = x.base {
		if x == other {
			return true
		}
		if x.derived&blocked != 0 && x.complex != nil {
			return false
		}
		if x.complex == nil && blocked&byRestriction != 0 && x.derived == byRestriction {
			break
		}
	}
	if t.complex == nil && other.complex == nil && other.simple != nil && t.simple != nil && other.simple.variety == unionVariety && blocked&byRestriction == 0 {
		return simpleDerives(t.simple, other.simple, top)
	}
	return false
}

// symbol gives the number of a name, a new one if it has none.
func (c *compiler) symbol(n Name) int32 {
	id, ok := c.syms[n]
	if !ok {
		id = int32(len(c.syms))
		c.syms[n] = id
	}
	return id
}

// models numbers all names and compiles the content models.
func (c *compiler) models() {
	subst := c.substitutions()
	for _, e := range c.elements {
		e.sym = c.symbol(e.name)
	}
	c.types = append(c.types, c.builtins.anyType)
	for _, t := range c.types {
		ct := t.complex
		for _, u := range ct.attrs {
			u.sym = c.symbol(u.name)
		}
		ct.attrs = slices.Clone(ct.attrs)
		slices.SortFunc(ct.attrs, func(a, b *attrUse) int { return cmp.Compare(a.sym, b.sym) })
	}
	for _, g := range c.sorted(kindGroup) {
		for ; g != nil; g = g.orig {
			c.checkGroup(g, subst)
		}
	}
	for _, t := range c.types {
		if c.ctx.Err() != nil {
			return
		}
		ct := t.complex
		if ct.content == contentText || ct.particle == nil {
			continue
		}
		c.checkConsistent(t, subst)
		c.checkRestriction(t, subst)
		m, amb, ok := compileModel(ct.particle, subst)
		switch {
		case !ok:
			c.issue(t.at, "limit", "the content model is too large")
		case amb != nil && amb.wild && amb.name.Local == "":
			c.issue(t.at, "cos-nonambig", "two wildcards of the content model allow the same element")
		case amb != nil && amb.wild:
			c.issue(t.at, "cos-nonambig", "element %s and a wildcard of the content model compete", amb.name)
		case amb != nil:
			c.issue(t.at, "cos-nonambig", "element %s can be attributed to two particles of the content model", amb.name)
		}
		ct.model = m
	}
}

// checkConsistent sees that elements of one name in a content model have one type.
func (c *compiler) checkConsistent(t *Type, subst *substitutions) {
	seen := map[Name]*element{}
	visited := map[*particle]bool{}
	var walk func(p *particle)
	walk = func(p *particle) {
		if visited[p] {
			return
		}
		visited[p] = true
		if p.kind == particleElement {
			for _, e := range subst.members(p.elem) {
				if old := seen[e.name]; old != nil && old != e && (old.typ != e.typ || e.typ == nil || e.typ.name.Local == "") {
					c.issue(t.at, "cos-element-consistent", "element %s stands in one content model with two types", e.name)
				}
				seen[e.name] = e
			}
		}
		for _, q := range p.parts {
			walk(q)
		}
	}
	walk(t.complex.particle)
}

// substitutions finds who may stand for whom.
func (c *compiler) substitutions() *substitutions {
	s := &substitutions{of: map[*element][]*element{}}
	for _, e := range c.elements {
		for h := e.head; h != nil; h = h.head {
			if h == e { // a circle, reported already
				break
			}
			if c.mayStandFor(e, h) {
				if s.of[h] == nil {
					s.of[h] = []*element{h}
				}
				s.of[h] = append(s.of[h], e)
			}
		}
	}
	return s
}

func (c *compiler) mayStandFor(e, head *element) bool {
	if head.block&bySubstitution != 0 || e.typ == nil || head.typ == nil {
		return false
	}
	blocked := head.block | head.typ.block
	for t := e.typ; t != nil && t != head.typ; t = t.base {
		if t.base != nil && t.base != head.typ {
			blocked |= t.base.block
		}
	}
	return c.derivedOK(e.typ, head.typ, blocked)
}

func (c *compiler) schema() *Schema {
	s := &Schema{
		syms: c.syms, elements: map[Name]*element{}, types: map[Name]*Type{}, attributes: map[Name]*attrDecl{},
		notations: map[Name]bool{}, builtins: c.builtins, warnings: c.warnings,
	}
	for n, g := range c.globals[kindElement] {
		s.elements[n] = g.elem
	}
	for n, g := range c.globals[kindType] {
		s.types[n] = g.typ
	}
	for n, g := range c.globals[kindAttribute] {
		s.attributes[n] = g.attr
	}
	for n := range c.globals[kindNotation] {
		s.notations[n] = true
	}
	for _, d := range c.ordered {
		s.files = append(s.files, d.file)
	}
	return s
}
