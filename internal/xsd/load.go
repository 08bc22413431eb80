package xsd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Bounds of one schema.
const (
	maxDocuments = 2_000
	maxIssues    = 200
)

// kind is a symbol space of a schema.
type kind byte

const (
	kindType kind = iota
	kindElement
	kindAttribute
	kindGroup
	kindAttrGroup
	kindNotation
	kinds
)

var kindWords = [kinds]string{"type", "element", "attribute", "group", "attribute group", "notation"}

// global is one top-level definition or declaration.
type global struct {
	kind kind
	name Name
	node *node
	orig *global // what it redefines
	hits int     // references of a redefinition to what it redefines

	state buildState
	typ   *Type
	elem  *element
	attr  *attrDecl
	group *particle
	attrs *attrSet
}

type documentKey struct{ file, target string }

// compiler turns schema documents into a Schema.
type compiler struct {
	ctx      context.Context
	src      Source
	issues   []Issue
	warnings []Issue
	seen     map[Issue]bool
	builtins *builtins
	sets     *setCache
	grammar  *grammar

	docs    map[documentKey]*document
	ordered []*document
	globals [kinds]map[Name]*global
	missing map[string]Issue // namespaces whose import found no file
	broken  bool             // a document could not be read or is not a schema's
	unit    int

	later       []func()
	types       []*Type    // all complex types, to be given models
	elements    []*element // all declarations
	constraints map[Name]*constraint
	origin      int32
	syms        map[Name]int32
	ns          valueContext
}

func (c *compiler) issue(at where, rule, format string, args ...any) {
	is := Issue{at.file, at.line, at.col, rule, fmt.Sprintf(format, args...)}
	if len(c.issues) < maxIssues && !c.seen[is] {
		c.seen[is] = true
		c.issues = append(c.issues, is)
	}
}

func (c *compiler) warn(at where, rule, format string, args ...any) {
	c.warnings = append(c.warnings, Issue{at.file, at.line, at.col, rule, fmt.Sprintf(format, args...)})
}

// load reads a document and all it includes and imports. The target is that of the including document
// for includes, what the import asks for otherwise.
func (c *compiler) load(file, target string, include bool, from where) *document {
	if c.ctx.Err() != nil {
		return nil
	}
	for _, key := range []documentKey{{file, target}} {
		if d, ok := c.docs[key]; ok {
			return d
		}
	}
	if len(c.docs) >= maxDocuments {
		c.issue(from, "limit", "more than %d schema documents", maxDocuments)
		return nil
	}
	root := c.read(file, from)
	if root == nil {
		c.docs[documentKey{file, target}] = nil
		return nil
	}
	d := &document{file: file, root: root, imports: map[string]bool{}, ids: map[string]bool{}, unit: c.unit}
	d.target = root.token("targetNamespace")
	switch {
	case include && d.target == "" && target != "":
		d.target, d.chameleon = target, true
	case d.target != target && include:
		c.issue(from, "src-include.2.1", "%s is of namespace %q, the including schema of %q", file, d.target, target)
		c.docs[documentKey{file, target}] = nil
		return nil
	case d.target != target:
		c.issue(from, "src-import.3", "%s is of namespace %q, not %q", file, d.target, target)
		c.docs[documentKey{file, target}] = nil
		return nil
	}
	c.docs[documentKey{file, target}] = d
	c.ordered = append(c.ordered, d)
	adopt(root, d)
	if !c.checkTree(root, nil) {
		c.broken = true
		return d
	}
	d.elemForm = root.token("elementFormDefault") == "qualified"
	d.attrForm = root.token("attributeFormDefault") == "qualified"
	d.block = derivations(root.token("blockDefault"), byExtension|byRestriction|bySubstitution)
	d.final = derivations(root.token("finalDefault"), byExtension|byRestriction|byList|byUnion)
	for _, k := range root.kids {
		switch k.name.Local {
		case "include":
			c.include(d, k)
		case "import":
			c.importDoc(d, k)
		case "redefine":
			c.redefine(d, k)
		}
	}
	for _, k := range root.kids {
		if kd, ok := kindOf(k); ok {
			c.register(kd, Name{d.target, k.token("name")}, k)
		}
	}
	return d
}

func adopt(n *node, d *document) {
	n.doc = d
	for _, k := range n.kids {
		adopt(k, d)
	}
}

func kindOf(n *node) (kind, bool) {
	switch n.name.Local {
	case "simpleType", "complexType":
		return kindType, true
	case "element":
		return kindElement, true
	case "attribute":
		return kindAttribute, true
	case "group":
		return kindGroup, true
	case "attributeGroup":
		return kindAttrGroup, true
	case "notation":
		return kindNotation, true
	}
	return 0, false
}

// read gives the root of a schema document, nil if it is none.
func (c *compiler) read(file string, from where) *node {
	in, err := c.src.Open(file)
	if err != nil {
		c.broken = true
		c.issue(from, "src-resolve", "read %s: %v", file, err)
		return nil
	}
	defer in.Close()
	root, err := readTree(c.ctx, file, in)
	if err != nil {
		c.broken = true
		at := where{file: file}
		var bad *XMLError
		if errors.As(err, &bad) {
			at.line, at.col = bad.Line, bad.Col
			err = errors.New(bad.Text)
		}
		c.issue(at, "xml", "%v", err)
		return nil
	}
	if !root.is("schema") {
		c.broken = true
		c.issue(root.at, "src-include.1", "<%s> is not the schema element of XML Schema", root.name)
		return nil
	}
	return root
}

func (c *compiler) include(d *document, n *node) {
	location := n.token("schemaLocation")
	file, ok := c.src.Resolve(d.file, location, "")
	if !ok {
		c.missingFile(n, d.target, location, "include")
		return
	}
	c.load(file, d.target, true, n.at)
}

func (c *compiler) importDoc(d *document, n *node) {
	space := n.token("namespace")
	switch {
	case n.has("namespace") && space == d.target:
		c.issue(n.at, "src-import.1.1", "a schema does not import its own namespace")
		return
	case !n.has("namespace") && d.target == "":
		c.issue(n.at, "src-import.1.2", "a schema without a namespace imports by namespace")
		return
	}
	d.imports[space] = true
	location := n.token("schemaLocation")
	file, ok := c.src.Resolve(d.file, location, space)
	if !ok {
		if location != "" {
			c.missingFile(n, space, location, "import")
		}
		return
	}
	c.unit++
	c.load(file, space, false, n.at)
}

func (c *compiler) missingFile(n *node, space, location, what string) {
	c.warn(n.at, "src-resolve", "%s: nothing is there for %q", what, location)
	if _, ok := c.missing[space]; !ok {
		c.missing[space] = c.warnings[len(c.warnings)-1]
	}
}

// redefine includes a document and puts the new definitions before the old ones.
func (c *compiler) redefine(d *document, n *node) {
	location := n.token("schemaLocation")
	file, ok := c.src.Resolve(d.file, location, "")
	if !ok {
		if slices.ContainsFunc(n.kids, func(k *node) bool { return !k.is("annotation") }) {
			c.issue(n.at, "src-redefine.2", "nothing is there for %q", location)
			c.broken = true
		}
		return
	}
	if c.load(file, d.target, true, n.at) == nil {
		return
	}
	for _, k := range n.kids {
		kd, ok := kindOf(k)
		if !ok {
			continue
		}
		name := Name{d.target, k.token("name")}
		old := c.globals[kd][name]
		if old == nil {
			c.issue(k.at, "src-redefine", "%s defines no %s %s to redefine", location, kindWords[kd], name)
			continue
		}
		if old.node == k {
			continue
		}
		if slices.Contains(n.kids, old.node) {
			c.issue(k.at, "sch-props-correct.2", "%s %s is redefined twice", kindWords[kd], name)
			continue
		}
		g := &global{kind: kd, name: name, node: k, orig: old}
		c.begin(g)
		c.globals[kd][name] = g
		mark(k, g)
	}
}

func mark(n *node, g *global) {
	n.redef = g
	for _, k := range n.kids {
		mark(k, g)
	}
}

// begin gives a type or element its identity, so that others may refer to it before it is built.
func (c *compiler) begin(g *global) {
	switch g.kind {
	case kindType:
		g.typ = &Type{name: g.name, at: g.node.at}
	case kindElement:
		g.elem = &element{name: g.name, at: g.node.at}
	}
}

func (c *compiler) register(kd kind, name Name, n *node) {
	if old := c.globals[kd][name]; old != nil {
		for ; old != nil; old = old.orig {
			if old.node == n || old.node.at.file != n.at.file && sameTree(old.node, n) {
				return
			}
			if old.node.doc.unit != n.doc.unit && old.node.at.file != n.at.file {
				c.warn(n.at, "sch-props-correct.2", "%s %s is taken from %s", kindWords[kd], name, old.node.at.file)
				return
			}
		}
		c.issue(n.at, "sch-props-correct.2", "%s %s is there already", kindWords[kd], name)
		return
	}
	g := &global{kind: kd, name: name, node: n}
	c.begin(g)
	c.globals[kd][name] = g
}

// sameTree tells whether two definitions say the same.
func sameTree(a, b *node) bool {
	if a.name != b.name || len(a.attrs) != len(b.attrs) || len(a.kids) != len(b.kids) {
		return false
	}
	for i := range a.attrs {
		if a.attrs[i].Name != b.attrs[i].Name || a.attrs[i].Value != b.attrs[i].Value {
			return false
		}
	}
	for i := range a.kids {
		if !sameTree(a.kids[i], b.kids[i]) {
			return false
		}
	}
	return true
}

// derivations reads a block or final attribute; those that do not apply are left out.
func derivations(s string, applicable derivation) derivation {
	if s == "#all" {
		return applicable
	}
	var d derivation
	for _, w := range strings.Fields(s) {
		switch w {
		case "extension":
			d |= byExtension
		case "restriction":
			d |= byRestriction
		case "substitution":
			d |= bySubstitution
		case "list":
			d |= byList
		case "union":
			d |= byUnion
		}
	}
	return d & applicable
}

// expand gives the name a QName of a schema document stands for.
func (c *compiler) expand(n *node, s string) (Name, bool) {
	q, ok := splitQName(s)
	if !ok {
		c.issue(n.at, "src-resolve", "%q is no qualified name", s)
		return Name{}, false
	}
	space, ok := n.ns.Lookup(q.Space)
	if !ok {
		c.issue(n.at, "src-resolve", "prefix %s is not declared", q.Space)
		return Name{}, false
	}
	if space == "" && n.doc.chameleon {
		space = n.doc.target
	}
	return Name{space, q.Local}, true
}

// find gives the definition that attribute attr of n refers to, nil (and an issue) if there is none.
func (c *compiler) find(kd kind, n *node, ref string) *global {
	name, ok := c.expand(n, ref)
	if !ok {
		return nil
	}
	if name.Space != n.doc.target && !n.doc.imports[name.Space] {
		what := fmt.Sprintf("namespace %q", name.Space)
		if name.Space == "" {
			what = "no namespace"
		}
		c.issue(n.at, "src-resolve.4", "%s %s: the schema does not import %s", kindWords[kd], name, what)
		return nil
	}
	g := c.globals[kd][name]
	if g == nil && kd == kindAttribute && name.Space == xmlSpace {
		g = c.xmlAttribute(name)
	}
	if g == nil && kd == kindAttribute && isXsi(name) {
		g = c.xsiAttribute(name)
	}
	if g == nil {
		hint := ""
		if w, ok := c.missing[name.Space]; ok {
			hint = fmt.Sprintf("; %s (%s:%d)", w.Text, w.File, w.Line)
		}
		c.issue(n.at, "src-resolve", "there is no %s %s%s", kindWords[kd], name, hint)
	}
	return g
}

// findOriginal is find for what a redefinition may say of itself: base types and group references.
func (c *compiler) findOriginal(kd kind, n *node, ref string) *global {
	return n.original(c.find(kd, n, ref))
}

// original gives what a reference to g means at n: inside of a redefinition of g, what that redefines.
func (n *node) original(g *global) *global {
	for x := g; x != nil && n.redef != nil; x = x.orig {
		if x == n.redef {
			x.hits++
			return x.orig
		}
	}
	return g
}

// xmlAttribute declares the attributes of the XML namespace, for schemas that import it from nowhere.
func (c *compiler) xmlAttribute(name Name) *global {
	typ := map[string]string{"lang": "language", "base": "anyURI", "id": "ID", "space": "NCName"}[name.Local]
	if typ == "" {
		return nil
	}
	t := c.builtins.byName[typ]
	switch name.Local {
	case "lang": // or empty
		empty := &simpleType{typ: t, prim: primString, facets: noFacets()}
		empty.facets.length = 0
		t = &Type{base: c.builtins.anySimp, derived: byUnion, state: buildDone}
		t.simple = &simpleType{typ: t, variety: unionVariety, facets: noFacets(), plain: true,
			members: []*simpleType{c.builtins.byName[typ].simple, empty}}
	case "space":
		s := *t.simple
		t = &Type{base: t, derived: byRestriction, state: buildDone, simple: &s}
		s.typ, s.plain = t, false
		s.facets.enumLex = []string{"default", "preserve"}
		s.facets.enum = map[string]struct{}{}
		for _, w := range s.facets.enumLex {
			s.facets.enum[string(primKey(primString))+w] = struct{}{}
		}
	}
	return c.builtinAttribute(name, t, xmlSpace)
}

// xsiAttribute gives the four declarations that every schema has (3.2.7).
func (c *compiler) xsiAttribute(name Name) *global {
	var t *Type
	switch name.Local {
	case "type":
		t = c.builtins.byName["QName"]
	case "nil":
		t = c.builtins.byName["boolean"]
	case "noNamespaceSchemaLocation":
		t = c.builtins.byName["anyURI"]
	default:
		t = &Type{base: c.builtins.anySimp, derived: byList, state: buildDone}
		t.simple = &simpleType{typ: t, variety: listVariety, space: collapse, item: c.builtins.byName["anyURI"].simple, facets: noFacets(), plain: true}
	}
	return c.builtinAttribute(name, t, instanceSpace)
}

func (c *compiler) builtinAttribute(name Name, t *Type, file string) *global {
	g := &global{kind: kindAttribute, name: name, state: buildDone, attr: &attrDecl{name: name, typ: t}}
	g.node = &node{name: Name{schemaSpace, "attribute"}, at: where{file: file}}
	c.globals[kindAttribute][name] = g
	return g
}
