package xsd

import (
	"slices"
	"strconv"
	"strings"
)

// typeRef gives the type a QName names. Its content may not be built yet; needType sees to that.
func (c *compiler) typeRef(n *node, ref string) *Type {
	return c.namedType(n, ref, false)
}

func (c *compiler) namedType(n *node, ref string, original bool) *Type {
	name, ok := c.expand(n, ref)
	if !ok {
		return nil
	}
	if name.Space == schemaSpace {
		if t, ok := c.builtins.byName[name.Local]; ok {
			return t
		}
		if n.doc.target != schemaSpace {
			c.issue(n.at, "src-resolve", "XML Schema has no type %s", name.Local)
			return nil
		}
	}
	g := c.find(kindType, n, ref)
	if original {
		g = n.original(g)
	}
	if g == nil {
		return nil
	}
	c.buildType(g.typ, g.node)
	return g.typ
}

// simpleRef gives a simple type built; what is not one is an issue.
func (c *compiler) simpleRef(n *node, ref string) *Type {
	t := c.typeRef(n, ref)
	if t == nil {
		return nil
	}
	if t.state == buildRunning {
		c.issue(n.at, "st-props-correct.2", "type %s is defined by itself", t.name)
		return nil
	}
	if t.complex != nil || t.simple == nil {
		if t.complex != nil {
			c.issue(n.at, "src-resolve", "type %s is not a simple type", t.name)
		}
		return nil
	}
	return t
}

// buildType builds a global type at once if it is simple; complex types wait for their turn, unless
// something is derived from them (needType).
func (c *compiler) buildType(t *Type, n *node) {
	if n.is("simpleType") && t.state == buildWaiting {
		c.buildSimple(t, n)
	}
}

func (c *compiler) anonymousSimple(n *node) *Type {
	t := &Type{at: n.at}
	c.buildSimple(t, n)
	if t.simple == nil {
		return nil
	}
	return t
}

// buildSimple fills t; t.simple stays nil where the definition is wrong.
func (c *compiler) buildSimple(t *Type, n *node) {
	t.state = buildRunning
	defer func() { t.state = buildDone }()
	t.base = c.builtins.anySimp
	t.final = n.doc.final & (byRestriction | byList | byUnion)
	if n.has("final") {
		t.final = derivations(n.token("final"), byRestriction|byList|byUnion)
	}
	switch d := n.child("restriction", "list", "union"); {
	case d == nil:
		c.issue(n.at, "src-simple-type.1", "a simple type needs restriction, list or union")
	case d.is("restriction"):
		t.derived = byRestriction
		base := c.restrictionBase(d)
		if base == nil {
			return
		}
		if n.redef != nil && n.redef.typ == t && n.redef.hits == 0 {
			c.issue(n.at, "src-redefine.5", "a redefined type restricts itself")
		}
		if base.final&byRestriction != 0 {
			c.issue(d.at, "st-props-correct.3", "type %s is final for restriction", base.name)
		}
		if base == c.builtins.anySimp {
			c.issue(d.at, "st-restricts-atomic", "xs:anySimpleType cannot be restricted")
			return
		}
		t.base = base
		t.simple = c.restrict(t, base.simple, d)
	case d.is("list"):
		t.derived = byList
		c.buildList(t, d)
	default:
		t.derived = byUnion
		c.buildUnion(t, d)
	}
}

// restrictionBase gives the simple type a restriction starts from: named or inside.
func (c *compiler) restrictionBase(d *node) *Type {
	inner := d.child("simpleType")
	switch {
	case d.has("base") && inner != nil:
		c.issue(d.at, "src-simple-type.2", "a restriction has a base or a simpleType, not both")
	case inner != nil:
		return c.anonymousSimple(inner)
	case !d.has("base"):
		c.issue(d.at, "src-simple-type.2", "a restriction needs a base or a simpleType")
	default:
		t := c.namedType(d, d.token("base"), true)
		switch {
		case t == nil:
		case t.state == buildRunning:
			c.issue(d.at, "st-props-correct.2", "type %s is derived from itself", t.name)
		case t.complex != nil || t.state == buildWaiting || t == c.builtins.anyType:
			c.issue(d.at, "st-restricts-simple", "type %s is not a simple type", t.name)
		case t.simple != nil:
			return t
		}
	}
	return nil
}

func (c *compiler) buildList(t *Type, d *node) {
	inner := d.child("simpleType")
	var item *Type
	switch {
	case d.has("itemType") && inner != nil, !d.has("itemType") && inner == nil:
		c.issue(d.at, "src-simple-type.3", "a list has an itemType or a simpleType")
		return
	case inner != nil:
		item = c.anonymousSimple(inner)
	default:
		item = c.simpleRef(d, d.token("itemType"))
	}
	if item == nil {
		return
	}
	if item.final&byList != 0 {
		c.issue(d.at, "st-props-correct.4.2.1", "type %s is final for lists", item.name)
	}
	if hasList(item.simple) {
		c.issue(d.at, "cos-st-restricts.2.1", "a list's items are not lists themselves")
		return
	}
	t.simple = &simpleType{typ: t, variety: listVariety, space: collapse, item: item.simple, size: item.simple.size, facets: noFacets(), plain: true}
}

func hasList(s *simpleType) bool {
	if s.variety == listVariety {
		return true
	}
	for _, m := range s.members {
		if hasList(m) {
			return true
		}
	}
	return false
}

// maxMembers bounds how many types a value may have to be tried by.
const maxMembers = 5_000

// flat gives the members of a union that adds nothing to them, so that none is tried twice.
func flat(s *simpleType) []*simpleType {
	if s.variety == unionVariety && s.plain {
		return s.members
	}
	return []*simpleType{s}
}

func (c *compiler) buildUnion(t *Type, d *node) {
	var members []*simpleType
	size, found := 0, 0
	add := func(m *Type) {
		if m == nil {
			return
		}
		if m.final&byUnion != 0 {
			c.issue(d.at, "st-props-correct.4.2.2", "type %s is final for unions", m.name)
		}
		for _, s := range flat(m.simple) {
			if !slices.Contains(members, s) && size <= maxMembers {
				members = append(members, s)
				size += max(s.size, 1)
			}
		}
		found++
	}
	refs := strings.Fields(d.token("memberTypes"))
	for _, ref := range refs {
		add(c.simpleRef(d, ref))
	}
	for _, k := range d.kids {
		if k.is("simpleType") {
			refs = append(refs, "")
			add(c.anonymousSimple(k))
		}
	}
	if len(refs) == 0 {
		c.issue(d.at, "src-union-memberTypes-or-simpleTypes", "a union needs members")
	}
	if found < len(refs) || found == 0 {
		return
	}
	if size > maxMembers {
		c.issue(d.at, "limit", "a union of more than %d types", maxMembers)
		return
	}
	t.simple = &simpleType{typ: t, variety: unionVariety, members: members, size: size, facets: noFacets(), plain: true}
}

// restrict makes the simple type that the facets of d make of base; nil when they are wrong.
func (c *compiler) restrict(t *Type, base *simpleType, d *node) *simpleType {
	s := *base
	s.typ = t
	f := &facetBuilder{c: c, base: base, to: &s, own: map[string]bool{}}
	good := true
	for _, k := range d.kids {
		if childLetters[k.name.Local] == "f" && !f.facet(k) {
			good = false
		}
	}
	if !f.finish(d) || !good {
		return nil
	}
	s.plain = s.facets.none()
	return &s
}

// facetBuilder merges the facets of one derivation step into those of the base.
type facetBuilder struct {
	c     *compiler
	base  *simpleType
	to    *simpleType
	own   map[string]bool
	step  patternStep
	enum  map[string]struct{}
	words []string
}

func (f *facetBuilder) wrong(n *node, rule, format string, args ...any) bool {
	f.c.issue(n.at, rule, format, args...)
	return false
}

func (f *facetBuilder) applies(name string) bool {
	s := f.base
	switch name {
	case "pattern":
		return true
	case "enumeration": // a boolean has no use for it
		return s.variety != atomicVariety || s.prim != primBoolean
	case "length", "minLength", "maxLength":
		if s.variety == atomicVariety {
			switch s.prim {
			case primString, primHexBinary, primBase64, primAnyURI, primQName, primNotation:
				return true
			}
			return false
		}
		return s.variety == listVariety
	case "whiteSpace":
		return s.variety != unionVariety
	case "totalDigits", "fractionDigits":
		return s.variety == atomicVariety && s.prim == primDecimal
	}
	return s.variety == atomicVariety && s.prim.ordered()
}

func (f *facetBuilder) facet(n *node) bool {
	name := n.name.Local
	if !f.applies(name) {
		return f.wrong(n, "cos-applicable-facets", "%s does not apply to this type", name)
	}
	value, _ := n.attr("value")
	switch name {
	case "pattern":
		re, err := compilePattern(value, f.c.sets)
		if err != nil {
			return f.wrong(n, "src-pattern-value", "pattern %q: %v", value, err)
		}
		f.step.any = append(f.step.any, re)
		f.step.source = append(f.step.source, value)
		return true
	case "enumeration":
		return f.enumeration(n, value)
	}
	if f.own[name] {
		return f.wrong(n, "src-single-facet-value", "%s stands twice", name)
	}
	f.own[name] = true
	value = strings.Join(strings.Fields(value), " ")
	isFixed := n.token("fixed") == "true" || n.token("fixed") == "1"
	var good, changed bool
	switch name {
	case "length", "minLength", "maxLength", "totalDigits", "fractionDigits":
		good, changed = f.count(n, name, value)
	case "whiteSpace":
		good, changed = f.space(n, value)
	default:
		good, changed = f.bound(n, name, value)
	}
	if !good {
		return false
	}
	if changed && f.base.facets.fixed[name] {
		return f.wrong(n, name+"-fixed", "%s is fixed in the base type", name)
	}
	if isFixed && !f.to.facets.fixed[name] {
		all := map[string]bool{name: true}
		for k := range f.to.facets.fixed {
			all[k] = true
		}
		f.to.facets.fixed = all
	}
	return true
}

func (f *facetBuilder) enumeration(n *node, value string) bool {
	f.c.ns.ns = schemaNames{n}
	raw := []byte(value)
	if f.base.prim == primNotation && f.base.variety == atomicVariety {
		name, ok := f.c.expand(n, strings.TrimSpace(value))
		if !ok || f.c.globals[kindNotation][name] == nil {
			return f.wrong(n, "enumeration-required-notation", "%q is no declared notation", value)
		}
	}
	if fl := f.base.check(&f.c.ns, raw, true); fl != nil {
		return f.wrong(n, "enumeration-valid-restriction", "%q is not of the base type (%s)", value, fl.rule)
	}
	if f.enum == nil {
		f.enum = map[string]struct{}{}
	}
	f.enum[string(f.c.ns.key)] = struct{}{}
	f.words = append(f.words, value)
	return true
}

// schemaNames resolves prefixes as the schema document at n has them.
type schemaNames struct{ n *node }

func (s schemaNames) Lookup(prefix string) (string, bool) {
	uri, ok := s.n.ns.Lookup(prefix)
	if ok && uri == "" && s.n.doc.chameleon {
		uri = s.n.doc.target
	}
	return uri, ok
}

func (f *facetBuilder) count(n *node, name, value string) (good, changed bool) {
	d, ok := parseDecimal([]byte(value))
	if !ok || strings.Contains(value, ".") || d.neg || name == "totalDigits" && len(d.whole) == 0 {
		return f.wrong(n, "s4s-att-invalid-value", "%s: %q is no count", name, value), false
	}
	v := 1 << 30
	if len(d.whole) < 10 {
		v, _ = strconv.Atoi("0" + string(d.whole))
	}
	b, to := &f.base.facets, &f.to.facets
	slot := func(fs *facets) *int {
		switch name {
		case "length":
			return &fs.length
		case "minLength":
			return &fs.minLength
		case "maxLength":
			return &fs.maxLength
		case "totalDigits":
			return &fs.totalDigits
		}
		return &fs.fractionDigits
	}
	old := *slot(b)
	*slot(to) = v
	if old >= 0 {
		bad := v > old
		switch name {
		case "length":
			bad = v != old
		case "minLength":
			bad = v < old
		}
		if bad {
			return f.wrong(n, name+"-valid-restriction", "%s %d does not restrict the base type's %d", name, v, old), true
		}
	}
	return true, v != old
}

func (f *facetBuilder) space(n *node, value string) (good, changed bool) {
	words := map[string]whitespace{"preserve": preserve, "replace": replace, "collapse": collapse}
	w, ok := words[value]
	if !ok {
		return f.wrong(n, "s4s-att-invalid-value", "whiteSpace: %q is not one of preserve, replace, collapse", value), false
	}
	if w < f.base.space {
		return f.wrong(n, "whiteSpace-valid-restriction", "whiteSpace %s does not restrict the base type's", value), true
	}
	f.to.space = w
	return true, w != f.base.space
}

func (f *facetBuilder) bound(n *node, name, value string) (good, changed bool) {
	b, ok := f.base.prim.parseOrdered(value)
	if !ok {
		return f.wrong(n, "s4s-att-invalid-value", "%s: %q is not of the base type", name, value), false
	}
	to, old := &f.to.facets, &f.base.facets
	nb := &bound{lex: value, value: b}
	var same *bound
	switch name {
	case "minInclusive":
		to.minIncl, to.minExcl, same = nb, nil, old.minIncl
	case "minExclusive":
		to.minExcl, to.minIncl, same = nb, nil, old.minExcl
	case "maxInclusive":
		to.maxIncl, to.maxExcl, same = nb, nil, old.maxIncl
	case "maxExclusive":
		to.maxExcl, to.maxIncl, same = nb, nil, old.maxExcl
	}
	changed = true
	if same != nil {
		cmp, ok := f.base.prim.compare(&nb.value, &same.value)
		changed = !ok || cmp != 0
	}
	if !changed {
		return true, false
	}
	f.c.ns.ns = schemaNames{n}
	// A bound is a value of the base type.
	fl := f.base.check(&f.c.ns, []byte(value), false)
	if fl != nil && fl.rule != "cvc-pattern-valid" && fl.rule != "cvc-enumeration-valid" {
		return f.wrong(n, name+"-valid-restriction", "%s %s is outside of the base type (%s)", name, value, fl.rule), true
	}
	return true, true
}

// finish checks the facets against each other.
func (f *facetBuilder) finish(d *node) bool {
	to := &f.to.facets
	if f.step.any != nil {
		to.patterns = append(to.patterns[:len(to.patterns):len(to.patterns)], f.step)
	}
	if f.enum != nil {
		to.enum, to.enumLex = f.enum, f.words
	}
	good := true
	if to.minLength >= 0 && to.maxLength >= 0 && to.minLength > to.maxLength {
		good = f.wrong(d, "minLength-less-than-equal-to-maxLength", "minLength is greater than maxLength")
	}
	if to.length >= 0 && (to.minLength > to.length || to.maxLength >= 0 && to.maxLength < to.length) {
		good = f.wrong(d, "length-minLength-maxLength", "length contradicts minLength or maxLength")
	}
	b := &f.base.facets
	if to.length >= 0 && (f.own["minLength"] && b.minLength != to.minLength || f.own["maxLength"] && b.maxLength != to.maxLength) {
		good = f.wrong(d, "length-minLength-maxLength", "length excludes minLength and maxLength")
	}
	if to.totalDigits >= 0 && to.fractionDigits > to.totalDigits {
		good = f.wrong(d, "fractionDigits-totalDigits", "fractionDigits is greater than totalDigits")
	}
	if f.own["minInclusive"] && f.own["minExclusive"] || f.own["maxInclusive"] && f.own["maxExclusive"] {
		good = f.wrong(d, "minInclusive-minExclusive", "a bound is inclusive or exclusive, not both")
	}
	if !f.ordered() {
		good = f.wrong(d, "minInclusive-less-than-equal-to-maxInclusive", "the lower bound is above the upper one")
	}
	return good
}

func (f *facetBuilder) ordered() bool {
	to, p := &f.to.facets, f.to.prim
	check := func(lo, hi *bound, strict bool) bool {
		if lo == nil || hi == nil {
			return true
		}
		cmp, ok := p.compare(&lo.value, &hi.value)
		return ok && (cmp < 0 || cmp == 0 && !strict)
	}
	return check(to.minIncl, to.maxIncl, false) && check(to.minExcl, to.maxExcl, false) &&
		check(to.minIncl, to.maxExcl, true) && check(to.minExcl, to.maxIncl, true)
}
