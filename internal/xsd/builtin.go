package xsd

const (
	schemaSpace   = "http://www.w3.org/2001/XMLSchema"
	instanceSpace = "http://www.w3.org/2001/XMLSchema-instance"
	xmlSpace      = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace    = "http://www.w3.org/2000/xmlns/"
)

// builtins are the specification's own types by local name.
type builtins struct {
	byName  map[string]*Type
	anyType *Type
	anySimp *Type
}

func newBuiltins() *builtins {
	b := &builtins{byName: map[string]*Type{}}
	b.anyType = &Type{name: Name{schemaSpace, "anyType"}, built: true, derived: byRestriction, state: buildDone}
	wild := &wildcard{any: true, process: processLax}
	b.anyType.complex = &complexType{
		content: contentMixed, wild: wild,
		particle: &particle{kind: particleSequence, min: 1, max: 1, parts: []*particle{
			{kind: particleAny, min: 0, max: unbounded, wild: wild, origin: 1},
		}},
	}
	b.byName["anyType"] = b.anyType
	b.anySimp = b.atomic("anySimpleType", b.anyType, primAny, lexAny, preserve)

	for name, prim := range map[string]primitive{
		"boolean": primBoolean, "decimal": primDecimal, "float": primFloat, "double": primDouble,
		"duration": primDuration, "dateTime": primDateTime, "time": primTime, "date": primDate,
		"gYearMonth": primGYearMonth, "gYear": primGYear, "gMonthDay": primGMonthDay, "gDay": primGDay,
		"gMonth": primGMonth, "hexBinary": primHexBinary, "base64Binary": primBase64, "anyURI": primAnyURI,
		"QName": primQName, "NOTATION": primNotation,
	} {
		b.atomic(name, b.anySimp, prim, lexAny, collapse)
	}
	text := b.atomic("string", b.anySimp, primString, lexAny, preserve)
	norm := b.atomic("normalizedString", text, primString, lexAny, replace)
	token := b.atomic("token", norm, primString, lexAny, collapse)
	b.atomic("language", token, primString, lexLanguage, collapse)
	nmtoken := b.atomic("NMTOKEN", token, primString, lexNmtoken, collapse)
	name := b.atomic("Name", token, primString, lexName, collapse)
	ncname := b.atomic("NCName", name, primString, lexNCName, collapse)
	b.atomic("ID", ncname, primString, lexID, collapse)
	idref := b.atomic("IDREF", ncname, primString, lexIDREF, collapse)
	entity := b.atomic("ENTITY", ncname, primString, lexEntity, collapse)
	b.listOf("NMTOKENS", nmtoken)
	b.listOf("IDREFS", idref)
	b.listOf("ENTITIES", entity)

	integer := b.integer("integer", b.byName["decimal"], "", "")
	nonPos := b.integer("nonPositiveInteger", integer, "", "0")
	b.integer("negativeInteger", nonPos, "", "-1")
	long := b.integer("long", integer, "-9223372036854775808", "9223372036854775807")
	i32 := b.integer("int", long, "-2147483648", "2147483647")
	i16 := b.integer("short", i32, "-32768", "32767")
	b.integer("byte", i16, "-128", "127")
	nonNeg := b.integer("nonNegativeInteger", integer, "0", "")
	u64 := b.integer("unsignedLong", nonNeg, "", "18446744073709551615")
	u32 := b.integer("unsignedInt", u64, "", "4294967295")
	u16 := b.integer("unsignedShort", u32, "", "65535")
	b.integer("unsignedByte", u16, "", "255")
	b.integer("positiveInteger", nonNeg, "1", "")
	return b
}

func (b *builtins) atomic(name string, base *Type, p primitive, l lexical, w whitespace) *Type {
	t := &Type{name: Name{schemaSpace, name}, base: base, derived: byRestriction, built: true, state: buildDone}
	t.simple = &simpleType{typ: t, prim: p, lex: l, space: w, facets: noFacets(), plain: true}
	b.byName[name] = t
	return t
}

func (b *builtins) listOf(name string, item *Type) {
	t := b.atomic(name, b.anySimp, primAny, lexAny, collapse)
	t.simple.variety, t.simple.item, t.simple.plain = listVariety, item.simple, false
	t.simple.facets.minLength = 1
}

func (b *builtins) integer(name string, base *Type, least, most string) *Type {
	t := b.atomic(name, base, primDecimal, lexInteger, collapse)
	f := &t.simple.facets
	f.minIncl, f.maxIncl = base.simple.facets.minIncl, base.simple.facets.maxIncl
	f.fractionDigits = 0
	if least != "" {
		f.minIncl = mustBound(least)
	}
	if most != "" {
		f.maxIncl = mustBound(most)
	}
	t.simple.plain = f.minIncl == nil && f.maxIncl == nil
	return t
}

func mustBound(s string) *bound {
	v, _ := primDecimal.parseOrdered(s)
	return &bound{lex: s, value: v}
}
