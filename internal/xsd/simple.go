package xsd

import (
	"math"
)

// primitive is one of the nineteen primitive types, or anySimpleType.
type primitive byte

const (
	primAny primitive = iota
	primString
	primBoolean
	primDecimal
	primFloat
	primDouble
	primDuration
	primDateTime
	primTime
	primDate
	primGYearMonth
	primGYear
	primGMonthDay
	primGDay
	primGMonth
	primHexBinary
	primBase64
	primAnyURI
	primQName
	primNotation
)

func (p primitive) isTime() bool { return p >= primDateTime && p <= primGMonth }

func (p primitive) ordered() bool { return p >= primDecimal && p <= primGMonth }

// lexical is what built-in derived types ask beyond their primitive type.
type lexical byte

const (
	lexAny lexical = iota
	lexInteger
	lexName
	lexNCName
	lexNmtoken
	lexLanguage
	lexID
	lexIDREF
	lexEntity
)

type variety byte

const (
	atomicVariety variety = iota
	listVariety
	unionVariety
)

type whitespace byte

const (
	preserve whitespace = iota
	replace
	collapse
)

// simpleType judges values. Facets of all steps of the derivation are merged into it.
type simpleType struct {
	typ     *Type // the type this belongs to, for its name
	variety variety
	prim    primitive
	lex     lexical
	space   whitespace
	item    *simpleType   // of a list
	members []*simpleType // of a union
	facets  facets
	size    int  // types a value may have to be tried by
	plain   bool // nothing but a lexical form and white space: no facet to judge
}

// bound is a facet's value in the value space.
type bound struct {
	lex   string
	value ordered
}

// ordered is a value of a type that has an order.
type ordered struct {
	dec decimal
	num float64
	at  dateTime
	dur duration
}

type facets struct {
	length, minLength, maxLength int // -1 absent
	totalDigits, fractionDigits  int
	minIncl, maxIncl             *bound
	minExcl, maxExcl             *bound
	enum                         map[string]struct{} // by key
	enumLex                      []string
	patterns                     []patternStep // each must match
	fixed                        map[string]bool
}

// patternStep holds the patterns of one derivation step, of which one must match.
type patternStep struct {
	any    []*regex
	source []string
}

func noFacets() facets {
	return facets{length: -1, minLength: -1, maxLength: -1, totalDigits: -1, fractionDigits: -1}
}

func (f *facets) none() bool {
	return f.length < 0 && f.minLength < 0 && f.maxLength < 0 && f.totalDigits < 0 && f.fractionDigits < 0 &&
		f.minIncl == nil && f.maxIncl == nil && f.minExcl == nil && f.maxExcl == nil && f.enum == nil &&
		len(f.patterns) == 0
}

// compare orders two values of the primitive type; ok is false where they have no order.
func (p primitive) compare(a, b *ordered) (int, bool) {
	switch {
	case p == primDecimal:
		return a.dec.compare(b.dec), true
	case p == primFloat || p == primDouble:
		switch {
		case math.IsNaN(a.num) && math.IsNaN(b.num):
			return 0, true
		case math.IsNaN(a.num) || math.IsNaN(b.num):
			return 0, false
		case a.num < b.num:
			return -1, true
		case a.num > b.num:
			return 1, true
		}
		return 0, true
	case p == primDuration:
		return a.dur.compare(b.dur)
	}
	return a.at.compare(b.at)
}

// parseOrdered reads a facet's value, which is kept: the bytes are its own.
func (p primitive) parseOrdered(s string) (v ordered, ok bool) {
	b := []byte(s)
	switch {
	case p == primDecimal:
		v.dec, ok = parseDecimal(b)
	case p == primFloat || p == primDouble:
		v.num, ok = parseFloat(b, p)
	case p == primDuration:
		v.dur, ok = parseDuration(b)
	case p.isTime():
		v.at, ok = parseTime(p, b)
	}
	return v, ok
}
