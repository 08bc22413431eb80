package xsd

// restriction checks Particle Valid (Restriction), clause 3.9.6 of the specification, word by word: it
// asks for less than that every instance of the derived type be one of the base, and for more.
type restriction struct {
	c     *compiler
	subst *substitutions
	steps int
}

// A comparison longer than this is given up in favour of the schema.
const maxRestrictionSteps = 2_000_000

// checkRestriction compares the content of a restricted type with its base's.
func (c *compiler) checkRestriction(t *Type, subst *substitutions) {
	if t.derived != byRestriction || t.base == nil || t.base == c.builtins.anyType || t.base.complex == nil {
		return
	}
	own, base := t.complex.particle, t.base.complex.particle
	if own == nil || base == nil || t.complex.content == contentText {
		return
	}
	r := &restriction{c: c, subst: subst}
	if !r.holds(own, base) {
		c.issue(t.at, "derivation-ok-restriction.5.4.2", "the content model is no restriction of that of %s", t.base.name)
	}
}

// checkGroup compares a redefined group that does not refer to itself with what it redefines.
func (c *compiler) checkGroup(g *global, subst *substitutions) {
	if g.orig == nil || g.hits > 0 || g.group == nil {
		return
	}
	old := c.groupOf(g.orig, g.node)
	r := &restriction{c: c, subst: subst}
	if old == nil || !r.holds(g.group, old) {
		c.issue(g.node.at, "src-redefine.6.2.2", "group %s is no restriction of what it redefines", g.name)
	}
}

func (r *restriction) holds(d, b *particle) bool {
	d, b = r.simplified(d), r.simplified(b)
	return r.valid(d, b)
}

// simplified gives the particle without the groups the specification calls pointless. Groups that many
// refer to are written out, so that what comes out is a tree, within the bound of steps.
func (r *restriction) simplified(p *particle) *particle {
	if r.steps++; r.steps > maxRestrictionSteps/10 {
		r.steps = maxRestrictionSteps
		return p
	}
	if p.kind == particleElement || p.kind == particleAny {
		return p
	}
	out := *p
	out.parts = nil
	for _, q := range p.parts {
		if r.steps >= maxRestrictionSteps {
			return p
		}
		s := r.simplified(q)
		inline := s.min == 1 && s.max == 1 && s.kind == p.kind && (p.kind == particleSequence || p.kind == particleChoice)
		switch {
		case inline:
			out.parts = append(out.parts, s.parts...)
		case s.isEmptyGroup():
		default:
			out.parts = append(out.parts, s)
		}
	}
	if len(out.parts) == 1 && p.min == 1 && p.max == 1 {
		return out.parts[0]
	}
	return &out
}

func (p *particle) isEmptyGroup() bool {
	return p.kind != particleElement && p.kind != particleAny && len(p.parts) == 0 && (p.kind != particleChoice || p.min == 0)
}

// ofChoice is the origin of the members asChoice makes.
const ofChoice = -1

// asChoice turns an element others may stand for into the choice of all of them.
func (r *restriction) asChoice(p *particle) *particle {
	if p.kind != particleElement || p.origin == ofChoice {
		return p
	}
	members := r.subst.members(p.elem)
	if len(members) < 2 {
		return p
	}
	out := &particle{kind: particleChoice, min: p.min, max: p.max, at: p.at}
	for _, e := range members {
		out.parts = append(out.parts, &particle{kind: particleElement, min: 1, max: 1, elem: e, at: p.at, origin: ofChoice})
	}
	return out
}

func rangeOK(lo, hi, baseLo, baseHi int) bool {
	return lo >= baseLo && (baseHi < 0 || hi >= 0 && hi <= baseHi)
}

// valid tells whether d is a valid restriction of b.
func (r *restriction) valid(d, b *particle) bool {
	if r.steps++; r.steps > maxRestrictionSteps {
		return true
	}
	if d.kind == particleElement && b.kind == particleElement && d.elem.name == b.elem.name {
		return rangeOK(d.min, d.max, b.min, b.max) && r.sameElement(d.elem, b.elem)
	}
	b = r.asChoice(b)
	if b.kind != particleElement && b.kind != particleAny {
		d = r.asChoice(d)
	}
	switch d.kind {
	case particleElement:
		switch b.kind {
		case particleElement:
			return false // another name
		case particleAny:
			return b.wild.allows(d.elem.name.Space) && rangeOK(d.min, d.max, b.min, b.max)
		}
		group := &particle{kind: b.kind, min: 1, max: 1, parts: []*particle{d}}
		if b.kind == particleChoice {
			return r.recurseLax(group, b)
		}
		return r.recurse(group, b)
	case particleAny:
		return b.kind == particleAny && rangeOK(d.min, d.max, b.min, b.max) && d.wild.within(b.wild) && d.wild.process <= b.wild.process
	case particleAll:
		switch b.kind {
		case particleAny:
			return r.underWildcard(d, b)
		case particleAll:
			return r.recurse(d, b)
		}
	case particleChoice:
		switch b.kind {
		case particleAny:
			return r.underWildcard(d, b)
		case particleChoice:
			return r.recurseLax(d, b)
		}
	case particleSequence:
		switch b.kind {
		case particleAny:
			return r.underWildcard(d, b)
		case particleAll:
			return r.recurseUnordered(d, b)
		case particleChoice:
			return r.mapAndSum(d, b)
		case particleSequence:
			return r.recurse(d, b)
		}
	}
	return false
}

// sameElement is NameAndTypeOK without the name and the occurrences.
func (r *restriction) sameElement(d, b *element) bool {
	if d == b {
		return true
	}
	if d.nillable && !b.nillable || b.block&^d.block != 0 {
		return false
	}
	if b.value != nil && b.value.fixed && (d.value == nil || !d.value.fixed || d.value.key != b.value.key) {
		return false
	}
	for _, ic := range d.constraints {
		found := false
		for _, other := range b.constraints {
			found = found || ic == other
		}
		if !found {
			return false
		}
	}
	return d.typ == nil || b.typ == nil || r.c.derivedOK(d.typ, b.typ, byExtension|byList|byUnion)
}

// recurse maps the parts of d to parts of b in order; parts of b left out must be emptiable.
func (r *restriction) recurse(d, b *particle) bool {
	if !rangeOK(d.min, d.max, b.min, b.max) {
		return false
	}
	at := 0
next:
	for _, p := range d.parts {
		for ; at < len(b.parts); at++ {
			if r.valid(p, b.parts[at]) {
				at++
				continue next
			}
			if !b.parts[at].emptiable() {
				return false
			}
		}
		return false
	}
	for ; at < len(b.parts); at++ {
		if !b.parts[at].emptiable() {
			return false
		}
	}
	return true
}

// recurseLax maps the parts of d to parts of b in order.
func (r *restriction) recurseLax(d, b *particle) bool {
	if !rangeOK(d.min, d.max, b.min, b.max) {
		return false
	}
	at := 0
next:
	for _, p := range d.parts {
		for ; at < len(b.parts); at++ {
			if r.valid(p, b.parts[at]) {
				at++
				continue next
			}
		}
		return false
	}
	return true
}

// recurseUnordered maps each part of d to another part of b; those left out must be emptiable.
func (r *restriction) recurseUnordered(d, b *particle) bool {
	if !rangeOK(d.min, d.max, b.min, b.max) {
		return false
	}
	used := make([]bool, len(b.parts))
next:
	for _, p := range d.parts {
		for i, q := range b.parts {
			if !used[i] && r.valid(p, q) {
				used[i] = true
				continue next
			}
		}
		return false
	}
	for i, q := range b.parts {
		if !used[i] && !q.emptiable() {
			return false
		}
	}
	return true
}

// mapAndSum maps each part of a sequence to some part of a choice, which must occur often enough for all.
func (r *restriction) mapAndSum(d, b *particle) bool {
next:
	for _, p := range d.parts {
		for _, q := range b.parts {
			if r.valid(p, q) {
				continue next
			}
		}
		return false
	}
	hi := d.max
	if hi > 0 {
		hi *= len(d.parts)
	}
	return rangeOK(d.min*len(d.parts), hi, b.min, b.max)
}

// underWildcard compares a group with a wildcard: each member by its name, the group by its total.
func (r *restriction) underWildcard(d, b *particle) bool {
	free := *b
	free.min, free.max = 0, unbounded
	for _, p := range d.parts {
		if !r.valid(p, &free) {
			return false
		}
	}
	if r.steps > maxRestrictionSteps {
		return true
	}
	lo, hi := d.total()
	return rangeOK(lo, hi, b.min, b.max)
}

// total is the effective total range: how many elements the particle takes.
func (p *particle) total() (lo, hi int) {
	if p.kind == particleElement || p.kind == particleAny {
		return p.min, p.max
	}
	for i, q := range p.parts {
		l, h := q.total()
		switch {
		case p.kind != particleChoice:
			lo = min(lo+l, maxCount)
			if hi >= 0 {
				hi = min(hi+h, maxCount)
			}
			if h < 0 {
				hi = unbounded
			}
		case i == 0:
			lo, hi = l, h
		default:
			lo = min(lo, l)
			if h < 0 || hi < 0 {
				hi = unbounded
			} else {
				hi = max(hi, h)
			}
		}
	}
	lo = times(lo, p.min)
	switch {
	case hi == 0 || p.max == 0:
		return lo, 0
	case hi < 0 || p.max < 0:
		return lo, unbounded
	}
	return lo, times(hi, p.max)
}

func times(a, b int) int {
	if a > 0 && b > maxCount/a {
		return maxCount
	}
	return a * b
}
