package xsd

import "slices"

// attrSet is the attributes of an attribute group or a type being built.
type attrSet struct {
	uses []*attrUse
	wild *wildcard
}

func (s *attrSet) find(n Name) *attrUse {
	for _, u := range s.uses {
		if u.name == n {
			return u
		}
	}
	return nil
}

// setAttributes puts together what the type has of its own and what it takes from base.
func (c *compiler) setAttributes(t *Type, own *attrSet, base *complexType) {
	ct := t.complex
	ct.wild = own.wild
	if t.derived == byExtension { // prohibited is a word for restrictions
		own.uses = slices.DeleteFunc(own.uses, func(u *attrUse) bool { return u.prohibited })
	}
	uses := own.uses
	if base != nil {
		if t.derived == byExtension {
			ct.wild = c.unionWild(base.wild, own.wild, t.at)
		} else {
			c.restrictedAttributes(t, own, base)
		}
		for _, b := range base.attrs {
			o := own.find(b.name)
			switch {
			case o == nil:
				uses = append(uses, b)
			case t.derived == byExtension:
				c.issue(o.at, "ct-props-correct.4", "attribute %s is in the base type already", b.name)
			}
		}
	}
	uses = slices.DeleteFunc(slices.Clone(uses), func(u *attrUse) bool { return u.prohibited })
	ids := 0
	for _, u := range uses {
		if isID(u.typ) {
			ids++
		}
		if u.required {
			ct.required++
		}
		ct.defaults = ct.defaults || u.value != nil
	}
	if ids > 1 {
		c.issue(t.at, "ct-props-correct.5", "a type has one attribute of type ID at most")
	}
	ct.attrs, ct.hasID = uses, ids > 0
}

func isID(s *simpleType) bool { return s != nil && s.variety == atomicVariety && s.lex == lexID }

// restrictedAttributes checks that a restriction's attributes are the base's, and no looser.
func (c *compiler) restrictedAttributes(t *Type, own *attrSet, base *complexType) {
	for _, o := range own.uses {
		var b *attrUse
		for _, u := range base.attrs {
			if u.name == o.name {
				b = u
			}
		}
		switch {
		case b == nil && o.prohibited:
		case b == nil:
			if base.wild == nil || !base.wild.allows(o.name.Space) {
				c.issue(o.at, "derivation-ok-restriction.2.2", "attribute %s is not in the base type", o.name)
			}
		case b.required && (o.prohibited || !o.required):
			c.issue(o.at, "derivation-ok-restriction.2.1.1", "attribute %s is required by the base type", o.name)
		case !o.prohibited && o.typ != nil && b.typ != nil && !simpleDerives(o.typ, b.typ, c.builtins.anySimp):
			c.issue(o.at, "derivation-ok-restriction.2.1.2", "the type of attribute %s is not derived from the base's", o.name)
		case !o.prohibited && b.value != nil && b.value.fixed:
			b, o := b, o
			c.later = append(c.later, func() {
				if o.value == nil || !o.value.fixed || o.value.key != b.value.key {
					c.issue(o.at, "derivation-ok-restriction.2.1.3", "attribute %s is fixed to another value by the base type", o.name)
				}
			})
		}
	}
	if own.wild == nil || t.base == c.builtins.anyType {
		return
	}
	if base.wild == nil || !own.wild.within(base.wild) {
		c.issue(own.wild.at, "derivation-ok-restriction.4.2", "anyAttribute allows what the base type does not")
	} else if own.wild.process > base.wild.process {
		c.issue(own.wild.at, "derivation-ok-restriction.4.3", "anyAttribute is laxer than the base type's")
	}
}

// attributes reads the attribute declarations of d.
func (c *compiler) attributes(d *node) *attrSet {
	set := &attrSet{}
	var groupWild []*wildcard
	var own *wildcard
	for _, k := range d.kids {
		switch k.name.Local {
		case "attribute":
			if u := c.attributeUse(k); u != nil {
				c.addUse(set, u)
			}
		case "attributeGroup":
			g := c.findOriginal(kindAttrGroup, k, k.token("ref"))
			if g == nil {
				continue
			}
			inner := c.attrGroup(g, k)
			if inner == nil {
				continue
			}
			for _, u := range inner.uses {
				c.addUse(set, u)
			}
			if inner.wild != nil {
				groupWild = append(groupWild, inner.wild)
			}
		case "anyAttribute":
			own = c.wildcard(k)
		}
	}
	set.wild = own
	for _, w := range groupWild {
		if set.wild == nil {
			set.wild = w
			continue
		}
		set.wild = c.intersectWild(set.wild, w, d.at)
	}
	return set
}

func (c *compiler) addUse(set *attrSet, u *attrUse) {
	if old := set.find(u.name); old != nil {
		if old != u {
			c.issue(u.at, "ct-props-correct.4", "attribute %s is declared twice", u.name)
		}
		return
	}
	set.uses = append(set.uses, u)
}

func (c *compiler) attrGroup(g *global, from *node) *attrSet {
	switch g.state {
	case buildRunning:
		c.issue(from.at, "src-attribute_group.3", "attribute group %s contains itself", g.name)
		return nil
	case buildWaiting:
		g.state = buildRunning
		g.attrs = c.attributes(g.node)
		g.attrs.uses = slices.DeleteFunc(g.attrs.uses, func(u *attrUse) bool { return u.prohibited })
		if g.orig != nil {
			c.redefinedAttributes(g)
		}
		g.state = buildDone
	}
	return g.attrs
}

// redefinedAttributes checks a redefined group that does not refer to itself: it restricts the old one.
func (c *compiler) redefinedAttributes(g *global) {
	if g.hits > 1 {
		c.issue(g.node.at, "src-redefine.7.1", "a redefined attribute group refers to itself once at most")
	}
	if g.hits > 0 {
		return
	}
	old := c.attrGroup(g.orig, g.node)
	if old == nil {
		return
	}
	as := &Type{derived: byRestriction, base: &Type{}}
	c.restrictedAttributes(as, g.attrs, &complexType{attrs: old.uses, wild: old.wild})
	for _, u := range old.uses {
		if u.required && g.attrs.find(u.name) == nil {
			c.issue(g.node.at, "src-redefine.7.2", "attribute %s is required by what is redefined", u.name)
		}
	}
}

func (c *compiler) attributeUse(n *node) *attrUse {
	u := &attrUse{at: n.at, value: c.valueRule(n)}
	switch n.token("use") {
	case "required":
		u.required = true
	case "prohibited":
		u.prohibited = true
	}
	if u.value != nil && !u.value.fixed && (u.required || u.prohibited) {
		c.issue(n.at, "src-attribute.2", "an attribute with a default is optional")
	}
	if n.has("ref") {
		g := c.find(kindAttribute, n, n.token("ref"))
		if g == nil {
			return nil
		}
		c.buildAttribute(g)
		u.name = g.name
		if g.attr.typ != nil {
			u.typ = g.attr.typ.simple
		}
		if v := g.attr.value; v != nil {
			switch {
			case u.value == nil:
				u.value = v
			case v.fixed && !u.value.fixed:
				c.issue(n.at, "au-props-correct.2", "attribute %s is fixed by its declaration", u.name)
			case v.fixed:
				own := u.value
				c.later = append(c.later, func() {
					if own.key != v.key {
						c.issue(n.at, "au-props-correct.2", "attribute %s is fixed to another value by its declaration", u.name)
					}
				})
			}
		}
	} else {
		u.name = Name{Local: n.token("name")}
		if form := n.token("form"); form == "qualified" || form == "" && n.doc.attrForm {
			u.name.Space = n.doc.target
		}
		c.checkAttrName(u.name, n)
		if t := c.attributeType(n); t != nil {
			u.typ = t.simple
		}
	}
	if u.typ == nil {
		u.typ = c.builtins.anySimp.simple
	}
	c.checkNotation(u.typ, n.at)
	if u.value != nil && u.value.key == "" {
		c.checkAttrValue(u.typ, u.value, n)
	}
	return u
}

func (c *compiler) checkAttrName(name Name, n *node) {
	if name.Local == "xmlns" {
		c.issue(n.at, "no-xmlns", "xmlns is no attribute")
	}
	if name.Space == instanceSpace {
		c.issue(n.at, "no-xsi", "attributes of %s are not declared", instanceSpace)
	}
}

func (c *compiler) attributeType(n *node) *Type {
	inner := n.child("simpleType")
	switch {
	case inner != nil && n.has("type"):
		c.issue(n.at, "src-attribute.4", "an attribute has a type attribute or a type inside, not both")
		return nil
	case inner != nil:
		return c.anonymousSimple(inner)
	case n.has("type"):
		return c.simpleRef(n, n.token("type"))
	}
	return c.builtins.anySimp
}

func (c *compiler) buildAttribute(g *global) {
	if g.state != buildWaiting {
		return
	}
	g.state = buildRunning
	n := g.node
	g.attr = &attrDecl{name: g.name, at: n.at, value: c.valueRule(n)}
	c.checkAttrName(g.name, n)
	g.attr.typ = c.attributeType(n)
	if g.attr.typ != nil && g.attr.typ.simple != nil && g.attr.value != nil {
		c.checkAttrValue(g.attr.typ.simple, g.attr.value, n)
	}
	g.state = buildDone
}

func (c *compiler) checkAttrValue(s *simpleType, v *valueRule, n *node) {
	if isID(s) {
		c.issue(n.at, "a-props-correct.3", "an attribute of type ID has no default or fixed value")
		return
	}
	c.checkValue(s, v, n.at, "a-props-correct.2")
}

// checkValue judges a default or fixed value by its type and keeps its key.
func (c *compiler) checkValue(s *simpleType, v *valueRule, at where, rule string) {
	c.ns.ns = v.ns
	if f := s.check(&c.ns, []byte(v.lex), true); f != nil {
		c.issue(at, rule, "value %q is not of the type (%s)", v.lex, f.rule)
		return
	}
	v.key = string(c.ns.key)
}
