package xsd

import "strings"

type attrDecl struct {
	name  Name
	typ   *Type
	value *valueRule
	at    where
}

// occurs reads minOccurs and maxOccurs.
func (c *compiler) occurs(n *node) (lo, hi int) {
	lo, hi = 1, 1
	count := func(s string) int {
		v := 0
		for _, r := range strings.TrimPrefix(s, "+") {
			if v < maxCount {
				v = v*10 + int(r-'0')
			}
		}
		return v
	}
	if n.has("minOccurs") {
		lo = count(n.token("minOccurs"))
	}
	if n.has("maxOccurs") {
		if hi = unbounded; n.token("maxOccurs") != "unbounded" {
			hi = count(n.token("maxOccurs"))
		}
	}
	if hi != unbounded && lo > hi {
		c.issue(n.at, "p-props-correct.2.1", "minOccurs is greater than maxOccurs")
		hi = lo
	}
	return lo, hi
}

func (c *compiler) nextOrigin() int32 {
	c.origin++
	return c.origin
}

// particle builds a child of a model group; nil where nothing is to come of it.
func (c *compiler) particle(n *node) *particle {
	lo, hi := c.occurs(n)
	p := &particle{min: lo, max: hi, origin: c.nextOrigin(), at: n.at}
	switch n.name.Local {
	case "element":
		p.kind = particleElement
		if p.elem = c.localElement(n); p.elem == nil {
			return nil
		}
	case "any":
		p.kind = particleAny
		p.wild = c.wildcard(n)
	case "group":
		g := c.findOriginal(kindGroup, n, n.token("ref"))
		if g == nil {
			return nil
		}
		inner := c.groupOf(g, n)
		if inner == nil {
			return nil
		}
		if inner.kind == particleAll && hi != 1 {
			c.issue(n.at, "cos-all-limited.1.2", "an all group occurs once at most")
		}
		if g.node != nil && n.redef != nil && n.redef.orig == g && (lo != 1 || hi != 1) {
			c.issue(n.at, "src-redefine.6.1.2", "a redefined group refers to itself with one occurrence")
		}
		p.kind, p.parts = inner.kind, inner.parts
	default:
		c.groupParts(p, n)
	}
	if hi == 0 {
		return nil
	}
	return p
}

// groupParts fills p from a sequence, choice or all element.
func (c *compiler) groupParts(p *particle, n *node) {
	switch n.name.Local {
	case "sequence":
		p.kind = particleSequence
	case "choice":
		p.kind = particleChoice
	case "all":
		p.kind = particleAll
		if p.max != 1 || p.min > 1 {
			c.issue(n.at, "cos-all-limited.1", "an all group occurs once at most")
		}
	}
	for _, k := range n.kids {
		if k.is("annotation") {
			continue
		}
		q := c.particle(k)
		if q == nil {
			continue
		}
		if p.kind == particleAll && (q.max > 1 || q.max < 0) {
			c.issue(k.at, "cos-all-limited.2", "elements of an all group occur once at most")
			q.max = 1
		}
		if q.kind == particleAll {
			c.issue(k.at, "cos-all-limited.1.2", "an all group stands alone in a content model")
			continue
		}
		p.parts = append(p.parts, q)
	}
}

// groupOf gives the content of a model group definition.
func (c *compiler) groupOf(g *global, from *node) *particle {
	switch g.state {
	case buildRunning:
		c.issue(from.at, "mg-props-correct.2", "group %s contains itself", g.name)
		return nil
	case buildWaiting:
		g.state = buildRunning
		if k := g.node.child("sequence", "choice", "all"); k != nil {
			p := &particle{min: 1, max: 1, origin: c.nextOrigin(), at: k.at}
			c.groupParts(p, k)
			g.group = p
		}
		if g.orig != nil && g.hits > 1 {
			c.issue(g.node.at, "src-redefine.6.1", "a redefined group refers to itself once at most")
		}
		g.state = buildDone
	}
	return g.group
}

func (c *compiler) localElement(n *node) *element {
	if n.has("ref") {
		g := c.find(kindElement, n, n.token("ref"))
		if g == nil {
			return nil
		}
		return g.elem
	}
	e := &element{name: Name{Local: n.token("name")}, at: n.at}
	if form := n.token("form"); form == "qualified" || form == "" && n.doc.elemForm {
		e.name.Space = n.doc.target
	}
	c.fillElement(e, n)
	return e
}

// fillElement reads an element declaration, global or local. Its type's content comes later.
func (c *compiler) fillElement(e *element, n *node) {
	e.nillable = isTrue(n.token("nillable"))
	e.abstract = isTrue(n.token("abstract"))
	e.block = n.doc.block
	if n.has("block") {
		e.block = derivations(n.token("block"), byExtension|byRestriction|bySubstitution)
	}
	e.final = n.doc.final & (byExtension | byRestriction)
	if n.has("final") {
		e.final = derivations(n.token("final"), byExtension|byRestriction)
	}
	inner := n.child("simpleType", "complexType")
	switch {
	case inner != nil && n.has("type"):
		c.issue(n.at, "src-element.3", "an element has a type attribute or a type inside, not both")
	case inner != nil && inner.is("simpleType"):
		e.typ = c.anonymousSimple(inner)
	case inner != nil:
		t := &Type{at: inner.at}
		e.typ = t
		c.later = append(c.later, func() { c.buildComplex(t, inner) })
	case n.has("type"):
		e.typ = c.typeRef(n, n.token("type"))
	case e.head != nil:
		e.typ = e.head.typ
	default:
		e.typ = c.builtins.anyType
	}
	e.value = c.valueRule(n)
	c.elements = append(c.elements, e)
	for _, k := range n.kids {
		if childLetters[k.name.Local] == "k" {
			if ic := c.constraint(k); ic != nil {
				e.constraints = append(e.constraints, ic)
			}
		}
	}
}

func isTrue(s string) bool { return s == "true" || s == "1" }

func (c *compiler) valueRule(n *node) *valueRule {
	def, hasDef := n.attr("default")
	fix, hasFix := n.attr("fixed")
	switch {
	case hasDef && hasFix:
		c.issue(n.at, "src-element.1", "a value is default or fixed, not both")
	case hasDef:
		return &valueRule{lex: def, ns: schemaNames{n}}
	case hasFix:
		return &valueRule{fixed: true, lex: fix, ns: schemaNames{n}}
	}
	return nil
}

func (c *compiler) buildElement(g *global) {
	switch g.state {
	case buildDone, buildRunning:
		return
	}
	g.state = buildRunning
	n := g.node
	if n.has("substitutionGroup") {
		if h := c.find(kindElement, n, n.token("substitutionGroup")); h != nil {
			if h.state == buildRunning {
				c.issue(n.at, "e-props-correct.6", "element %s stands for itself", g.name)
			} else {
				c.buildElement(h)
				g.elem.head = h.elem
			}
		}
	}
	c.fillElement(g.elem, n)
	g.state = buildDone
}

func (c *compiler) wildcard(n *node) *wildcard {
	w := &wildcard{at: n.at}
	switch n.token("processContents") {
	case "lax":
		w.process = processLax
	case "skip":
		w.process = processSkip
	}
	switch s := n.token("namespace"); {
	case !n.has("namespace") || s == "##any":
		w.any = true
	case s == "##other":
		w.negated, w.not = true, n.doc.target
	default:
		for _, f := range strings.Fields(s) {
			switch f {
			case "##targetNamespace":
				f = n.doc.target
			case "##local":
				f = ""
			}
			w.list = append(w.list, f)
		}
	}
	return w
}
