package xsd

// derivation is a set of the ways types and elements are derived and substituted.
type derivation byte

const (
	byRestriction derivation = 1 << iota
	byExtension
	bySubstitution
	byList
	byUnion
)

// Type is a simple or complex type of a compiled schema.
type Type struct {
	name    Name
	base    *Type
	derived derivation // how it is made from base
	final   derivation
	block   derivation
	built   bool // a built-in type

	abstract bool
	simple   *simpleType // of simple types, and the text of complex types with simple content
	complex  *complexType
	at       where
	state    buildState
}

type buildState byte

const (
	buildWaiting buildState = iota
	buildRunning
	buildDone
)

// Name is the expanded name; anonymous types have none.
func (t *Type) Name() Name { return t.name }

// Base is the type this one is derived from; nil for xs:anyType.
func (t *Type) Base() *Type { return t.base }

// IsSimple tells whether elements of this type have text alone and no attributes.
func (t *Type) IsSimple() bool { return t.complex == nil }

// IsBuiltin tells whether the type is one of the specification's own.
func (t *Type) IsBuiltin() bool { return t.built }

// Derives tells whether t is other or derived from it.
func (t *Type) Derives(other *Type) bool {
	for ; t != nil; t = t.base {
		if t == other {
			return true
		}
	}
	return false
}

type contentKind byte

const (
	contentEmpty contentKind = iota
	contentText
	contentElements
	contentMixed
)

type complexType struct {
	content  contentKind
	particle *particle // nil for none
	attrs    []*attrUse
	wild     *wildcard
	model    *model
	required int  // attributes that must be there
	hasID    bool // one of the attributes is an ID
	defaults bool // some attribute has a value when it is absent
}

type attrUse struct {
	name       Name
	sym        int32
	typ        *simpleType
	required   bool
	prohibited bool // only while types are being built
	value      *valueRule
	at         where
}

// valueRule is a default or fixed value.
type valueRule struct {
	fixed bool
	lex   string
	key   string // of fixed values, by the declared type
	ns    Namespaces
}

type element struct {
	name        Name
	sym         int32
	typ         *Type
	nillable    bool
	abstract    bool
	value       *valueRule
	final       derivation
	block       derivation
	head        *element
	constraints []*constraint
	at          where
}

type particleKind byte

const (
	particleElement particleKind = iota
	particleAny
	particleSequence
	particleChoice
	particleAll
)

// unbounded is a maxOccurs; other counts are saturated below it.
const (
	unbounded = -1
	maxCount  = 1 << 40
)

type particle struct {
	kind     particleKind
	min, max int
	elem     *element
	wild     *wildcard
	parts    []*particle
	origin   int32 // which particle of the schema this is, copies being the same one
	at       where

	known     bool // the two below are computed; groups are shared, and so is the answer
	canEmpty  bool // one occurrence may take nothing
	consuming int  // how many elements and wildcards one occurrence names, copies counted, saturated
}

// emptiable tells whether the particle accepts nothing.
func (p *particle) emptiable() bool {
	if p == nil || p.min == 0 {
		return true
	}
	p.measure()
	return p.canEmpty
}

// weight is the number of consuming instructions one occurrence takes, saturated.
func (p *particle) weight() int {
	p.measure()
	return p.consuming
}

func (p *particle) measure() {
	if p.known {
		return
	}
	p.known = true
	if p.kind == particleElement || p.kind == particleAny {
		p.consuming = 1
		return
	}
	p.canEmpty = p.kind != particleChoice
	for _, q := range p.parts {
		if p.kind == particleChoice {
			p.canEmpty = p.canEmpty || q.emptiable()
		} else {
			p.canEmpty = p.canEmpty && q.emptiable()
		}
		n := q.weight()
		if q.max > 1 {
			n *= min(q.max, maxCopies+1)
		}
		p.consuming = min(p.consuming+n, 1<<20)
	}
	if p.kind == particleChoice && len(p.parts) == 0 {
		p.consuming = 1 // an empty choice accepts nothing at all
	}
}

type processing byte

const (
	processStrict processing = iota
	processLax
	processSkip
)

// wildcard allows names by their namespace: all, all but not and none, or those of list.
type wildcard struct {
	any     bool
	negated bool
	not     string
	list    []string
	process processing
	at      where
}

func (w *wildcard) allows(space string) bool {
	switch {
	case w.any:
		return true
	case w.negated:
		return space != w.not && space != ""
	}
	for _, s := range w.list {
		if s == space {
			return true
		}
	}
	return false
}

// where is a place in a schema document.
type where struct {
	file      string
	line, col int
}
