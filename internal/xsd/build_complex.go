package xsd

import "slices"

// needType builds a type something is derived from.
func (c *compiler) needType(t *Type) bool {
	if t.state == buildWaiting {
		if g := c.globals[kindType][t.name]; g != nil {
			for ; g != nil; g = g.orig {
				if g.typ == t {
					c.buildComplex(t, g.node)
				}
			}
		}
	}
	return t.state == buildDone
}

// buildComplex fills a complex type; a simple one is left to buildType.
func (c *compiler) buildComplex(t *Type, n *node) {
	if t.state != buildWaiting {
		return
	}
	if n.is("simpleType") {
		c.buildType(t, n)
		return
	}
	t.state = buildRunning
	t.complex = &complexType{}
	t.base, t.derived = c.builtins.anyType, byRestriction
	t.abstract = isTrue(n.token("abstract"))
	t.block, t.final = n.doc.block&(byExtension|byRestriction), n.doc.final&(byExtension|byRestriction)
	if n.has("block") {
		t.block = derivations(n.token("block"), byExtension|byRestriction)
	}
	if n.has("final") {
		t.final = derivations(n.token("final"), byExtension|byRestriction)
	}
	c.types = append(c.types, t)
	switch content := n.child("simpleContent", "complexContent"); {
	case content == nil:
		c.complexContent(t, n, n, isTrue(n.token("mixed")))
	case content.is("simpleContent"):
		c.simpleContent(t, n, content)
	default:
		mixed := isTrue(n.token("mixed"))
		if content.has("mixed") {
			mixed = isTrue(content.token("mixed"))
		}
		d := content.child("restriction", "extension")
		c.derive(t, n, d)
		c.complexContent(t, n, d, mixed)
	}
	if n.redef != nil && n.redef.typ == t && n.redef.hits == 0 {
		c.issue(n.at, "src-redefine.5", "a redefined type is derived from itself")
	}
	t.state = buildDone
}

// derive finds the base type of a derivation and checks that it may be one.
func (c *compiler) derive(t *Type, n, d *node) {
	t.derived = byRestriction
	if d.is("extension") {
		t.derived = byExtension
	}
	base := c.namedType(d, d.token("base"), true)
	if base == nil {
		return
	}
	if !c.needType(base) {
		if base.state == buildRunning {
			c.issue(d.at, "ct-props-correct.3", "type %s is derived from itself", base.name)
		}
		return
	}
	if base.final&t.derived != 0 {
		c.issue(d.at, "cos-ct-extends.1.1", "type %s is final for this derivation", base.name)
	}
	t.base = base
}

// complexContent builds elements and attributes from d, which is the type itself where it is not derived.
func (c *compiler) complexContent(t *Type, n, d *node, mixed bool) {
	ct := t.complex
	if d != n && t.base.complex == nil {
		c.issue(d.at, "src-ct.1", "type %s is simple; it is extended by simpleContent", t.base.name)
		return
	}
	own := c.explicitContent(d)
	ct.content = contentElements
	if mixed {
		ct.content = contentMixed
	} else if own == nil {
		ct.content = contentEmpty
	}
	ct.particle = own
	base := t.base.complex
	if d != n && t.derived == byExtension {
		c.extendContent(t, base, own, mixed, d)
	}
	set := c.attributes(d)
	if d == n {
		c.setAttributes(t, set, nil)
		return
	}
	if t.derived == byRestriction {
		c.restrictedContent(t, base, d)
	}
	c.setAttributes(t, set, base)
}

// explicitContent gives the particle of d; nil for content that is empty by definition.
func (c *compiler) explicitContent(d *node) *particle {
	k := d.child("group", "all", "choice", "sequence")
	if k == nil {
		return nil
	}
	p := c.particle(k)
	if p == nil {
		return nil
	}
	if len(p.parts) == 0 && (p.kind == particleSequence || p.kind == particleAll || p.kind == particleChoice && p.min == 0) {
		return nil
	}
	return p
}

func (c *compiler) extendContent(t *Type, base *complexType, own *particle, mixed bool, d *node) {
	ct := t.complex
	switch {
	case base.content == contentText:
		if own != nil || mixed {
			c.issue(d.at, "cos-ct-extends.1.4", "type %s has text alone; elements cannot be added", t.base.name)
		}
		ct.content, t.simple = contentText, t.base.simple
		return
	case own == nil && !mixed:
		ct.content, ct.particle = base.content, base.particle
		return
	case base.content == contentEmpty:
		return
	case (base.content == contentMixed) != mixed:
		c.issue(d.at, "cos-ct-extends.1.4.2.2.2.2.1", "an extension is mixed exactly if its base is")
		return
	}
	switch {
	case own == nil:
		ct.particle = base.particle
	case base.particle == nil:
	case isAll(base.particle) || isAll(own):
		c.issue(d.at, "cos-all-limited.1.2", "an all group cannot be extended, nor extend elements")
	default:
		ct.particle = &particle{kind: particleSequence, min: 1, max: 1, origin: c.nextOrigin(), at: d.at,
			parts: []*particle{base.particle, own}}
	}
}

func isAll(p *particle) bool { return allGroup(p) != nil }

func (c *compiler) restrictedContent(t *Type, base *complexType, d *node) {
	ct := t.complex
	switch {
	case t.base == c.builtins.anyType:
	case base.content == contentText && ct.content != contentText:
		c.issue(d.at, "derivation-ok-restriction.5", "type %s has text alone; it is restricted by simpleContent", t.base.name)
	case ct.content == contentMixed && base.content != contentMixed:
		c.issue(d.at, "derivation-ok-restriction.5.3.2", "a restriction is not mixed where its base is not")
	case ct.content == contentEmpty && base.content != contentEmpty && !base.particle.emptiable():
		c.issue(d.at, "derivation-ok-restriction.5.2.2", "the base type %s needs elements; its restriction cannot be empty", t.base.name)
	case ct.particle != nil && base.content == contentEmpty:
		c.issue(d.at, "derivation-ok-restriction.5", "the base type %s is empty; its restriction has elements", t.base.name)
	}
}

func (c *compiler) simpleContent(t *Type, n, content *node) {
	d := content.child("restriction", "extension")
	c.derive(t, n, d)
	ct := t.complex
	ct.content = contentText
	base := t.base
	var baseSet *complexType
	switch {
	case base == c.builtins.anyType:
		if d.has("base") {
			c.issue(d.at, "src-ct.2", "simpleContent needs a base with text")
		}
		t.simple = c.builtins.anySimp.simple
		return
	case base.complex == nil && t.derived == byRestriction:
		c.issue(d.at, "src-ct.2", "simpleContent restricts complex types only; %s is simple", base.name)
		return
	case base.complex == nil:
		t.simple = base.simple
	default:
		baseSet = base.complex
		t.simple = c.restrictedText(t, base, d)
	}
	if t.simple == nil {
		t.simple = c.builtins.anySimp.simple
	}
	c.setAttributes(t, c.attributes(d), baseSet)
}

// restrictedText gives the text type of a type with simple content made from a complex one.
func (c *compiler) restrictedText(t *Type, base *Type, d *node) *simpleType {
	inner := d.child("simpleType")
	text := base.simple
	mixedBase := base.complex.content == contentMixed && base.complex.particle.emptiable()
	switch {
	case t.derived == byExtension && base.complex.content != contentText,
		t.derived == byRestriction && base.complex.content != contentText && !(mixedBase && inner != nil):
		c.issue(d.at, "src-ct.2", "type %s has no text that simpleContent could be made of", base.name)
		return nil
	case t.derived == byExtension:
		return text
	}
	if inner != nil {
		st := c.anonymousSimple(inner)
		if st == nil {
			return nil
		}
		if base.complex.content == contentText && !simpleDerives(st.simple, text, c.builtins.anySimp) {
			c.issue(inner.at, "derivation-ok-restriction.5.2.1", "the type inside is not derived from the base type's")
		}
		text = st.simple
	}
	holder := &Type{name: t.name, base: text.typ, derived: byRestriction, at: d.at, state: buildDone}
	st := c.restrict(holder, text, d)
	holder.simple = st
	return st
}

// simpleDerives tells whether s is t, restricts it, or is a member of the union t.
func simpleDerives(s, t *simpleType, top *Type) bool {
	if t.typ == top {
		return true
	}
	for x := s.typ; x != nil && x.complex == nil; x = x.base {
		if x == t.typ {
			return true
		}
	}
	if t.variety == unionVariety && t.facets.none() {
		// Unions in unions are flat here: one is a member of the other if all its members are.
		if s.variety == unionVariety && s.plain && !slices.ContainsFunc(s.members, func(m *simpleType) bool { return !slices.Contains(t.members, m) }) {
			return true
		}
		for _, m := range t.members {
			if simpleDerives(s, m, top) {
				return true
			}
		}
	}
	return false
}
