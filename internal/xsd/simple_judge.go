package xsd

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"unicode/utf8"
)

// fault is why a value is not of its type; nil is no fault. It carries nothing of the value.
type fault struct {
	rule, code string
	typ        *simpleType
	limit      string // of the facet, as the schema writes it
	actual     int    // the length or number of digits found
}

// valueContext is what judging a value needs beside the value: buffers kept from one to the next, the
// prefixes in force, and the document's IDs.
type valueContext struct {
	ns       Namespaces
	doc      *idTable // nil where values are of a schema, not of a document
	entities []string
	notation func(Name) bool
	space    []byte
	key      []byte
}

// check judges raw and, when wantKey, leaves in c.key what equal values of the same primitive type share.
func (t *simpleType) check(c *valueContext, raw []byte, wantKey bool) *fault {
	c.key, c.space = c.key[:0], c.space[:0]
	return t.judge(c, t.normalize(c, raw), wantKey)
}

// normalize applies the type's white space facet. The result is valid until the next check.
func (t *simpleType) normalize(c *valueContext, raw []byte) []byte {
	space := t.space
	if t.variety == listVariety {
		space = collapse
	}
	if t.variety == unionVariety || space == preserve || isNormal(raw, space) {
		return raw
	}
	from, out := len(c.space), c.space
	if space == replace {
		for _, b := range raw {
			if b == '\t' || b == '\n' || b == '\r' {
				b = ' '
			}
			out = append(out, b)
		}
	} else {
		for _, b := range raw {
			if isSpace(b) {
				if len(out) > from && out[len(out)-1] != ' ' {
					out = append(out, ' ')
				}
				continue
			}
			out = append(out, b)
		}
		if n := len(out); n > from && out[n-1] == ' ' {
			out = out[:n-1]
		}
	}
	c.space = out
	return out[from:]
}

func isSpace(b byte) bool { return b == ' ' || b == '\t' || b == '\n' || b == '\r' }

func isNormal(b []byte, space whitespace) bool {
	blank := space == collapse
	for _, c := range b {
		switch {
		case c == '\t' || c == '\n' || c == '\r', c == ' ' && blank:
			return false
		case space == collapse:
			blank = c == ' '
		}
	}
	return !blank || len(b) == 0
}

// judge appends the key of the value to c.key.
func (t *simpleType) judge(c *valueContext, b []byte, wantKey bool) *fault {
	key := wantKey || t.facets.enum != nil
	from := len(c.key)
	var length int
	switch t.variety {
	case listVariety:
		n, f := t.judgeItems(c, b, key)
		if f != nil {
			return f
		}
		length = n
	case unionVariety:
		norm, f := t.judgeMembers(c, b, key)
		if f != nil {
			return f
		}
		b = norm
	default:
		return t.judgeAtomic(c, b, key, from)
	}
	if t.plain {
		return nil
	}
	if f := t.checkPatterns(b); f != nil {
		return f
	}
	if t.variety == listVariety {
		if f := t.checkLength(length); f != nil {
			return f
		}
	}
	return t.checkEnum(c, from)
}

func (t *simpleType) judgeItems(c *valueContext, b []byte, key bool) (int, *fault) {
	n := 0
	b = bytes.TrimLeft(b, " ")
	if key {
		c.key = append(c.key, 'L')
	}
	for len(b) > 0 {
		end := bytes.IndexByte(b, ' ')
		if end < 0 {
			end = len(b)
		}
		from := len(c.key)
		if f := t.item.judge(c, b[:end], key); f != nil {
			return n, f
		}
		if key { // where an item ends, whatever octets it has
			c.key = binary.LittleEndian.AppendUint32(c.key, uint32(len(c.key)-from))
		}
		b = bytes.TrimLeft(b[end:], " ")
		n++
	}
	return n, nil
}

// judgeMembers finds the first member type the value is of, and gives the value as that type reads it.
func (t *simpleType) judgeMembers(c *valueContext, b []byte, key bool) ([]byte, *fault) {
	from, ids := len(c.key), c.doc.mark()
	for _, m := range t.members {
		norm := m.normalize(c, b)
		if m.judge(c, norm, key) == nil {
			return norm, nil
		}
		c.key = c.key[:from]
		c.doc.reset(ids)
	}
	return b, &fault{rule: "cvc-datatype-valid.1.2.3", code: "value-no-member", typ: t}
}

func (t *simpleType) judgeAtomic(c *valueContext, b []byte, key bool, from int) *fault {
	if t.prim <= primString || t.prim == primAnyURI {
		return t.judgeText(c, b, key, from)
	}
	f := &t.facets
	var v ordered
	length := -1
	switch t.prim {
	case primBoolean:
		truth := byte('0')
		switch string(b) {
		case "true", "1":
			truth = '1'
		case "false", "0":
		default:
			return t.malformed()
		}
		if key {
			c.key = append(c.key, 'b', truth)
		}
	case primDecimal:
		d, ok := parseDecimal(b)
		if !ok || t.lex == lexInteger && bytes.IndexByte(b, '.') >= 0 {
			return t.malformed()
		}
		v.dec = d
		if f.totalDigits >= 0 && d.totalDigits() > f.totalDigits {
			return &fault{"cvc-totalDigits-valid", "value-digits", t, strconv.Itoa(f.totalDigits), d.totalDigits()}
		}
		if f.fractionDigits >= 0 && len(d.frac) > f.fractionDigits {
			return &fault{"cvc-fractionDigits-valid", "value-fraction", t, strconv.Itoa(f.fractionDigits), len(d.frac)}
		}
		if key {
			c.key = d.appendKey(append(c.key, 'd'))
		}
	case primFloat, primDouble:
		n, ok := parseFloat(b, t.prim)
		if !ok {
			return t.malformed()
		}
		v.num = n
		if key {
			c.key = append(c.key, primKey(t.prim))
			c.key = strconv.AppendFloat(c.key, n+0, 'g', -1, 64)
		}
	case primDuration:
		d, ok := parseDuration(b)
		if !ok {
			return t.malformed()
		}
		v.dur = d
		if key {
			c.key = d.appendKey(append(c.key, primKey(t.prim)))
		}
	case primHexBinary:
		if !isHex(b) {
			return t.malformed()
		}
		length = len(b) / 2
		if key {
			c.key = append(c.key, 'h')
			c.key, _ = hex.AppendDecode(c.key, b)
		}
	case primBase64:
		n, ok := base64Length(b)
		if !ok {
			return t.malformed()
		}
		length = n
		if key {
			c.key = append(c.key, 'B')
			c.key, _ = base64.StdEncoding.AppendDecode(c.key, bytes.ReplaceAll(b, []byte(" "), nil))
		}
	case primQName, primNotation:
		name, ok := resolveQName(c.ns, b)
		if !ok {
			return t.malformed()
		}
		if t.prim == primNotation && c.notation != nil && !c.notation(name) {
			return t.malformed()
		}
		if key {
			c.key = append(append(append(append(c.key, 'q'), name.Space...), '}'), name.Local...)
		}
	default:
		at, ok := parseTime(t.prim, b)
		if !ok {
			return t.malformed()
		}
		v.at = at
		if key {
			c.key = at.appendKey(append(c.key, primKey(t.prim)))
		}
	}
	if t.prim.ordered() {
		return t.checkFacets(c, b, length, &v, from)
	}
	return t.checkFacets(c, b, length, nil, from)
}

// judgeText is judgeAtomic for values that are their own text, which most are.
func (t *simpleType) judgeText(c *valueContext, b []byte, key bool, from int) *fault {
	if t.lex != lexAny && !t.lexicalOK(c, b) || t.prim == primAnyURI && !isURI(b) {
		return t.malformed()
	}
	if key {
		c.key = append(append(c.key, primKey(t.prim)), b...)
	}
	if t.lex >= lexID && !c.note(t, b) {
		return &fault{rule: "cvc-id.1", code: "entity-unknown", typ: t}
	}
	length := -1
	if f := &t.facets; f.length >= 0 || f.minLength >= 0 || f.maxLength >= 0 {
		length = utf8.RuneCount(b)
	}
	return t.checkFacets(c, b, length, nil, from)
}

// checkFacets judges what has the right form: by its length where it has one, by its
// place in the order where it has one, and by its key, which begins at from.
func (t *simpleType) checkFacets(c *valueContext, b []byte, length int, v *ordered, from int) *fault {
	if t.plain {
		return nil
	}
	if err := t.checkPatterns(b); err != nil {
		return err
	}
	if length >= 0 {
		if err := t.checkLength(length); err != nil {
			return err
		}
	}
	if v != nil {
		if err := t.checkBounds(v); err != nil {
			return err
		}
	}
	return t.checkEnum(c, from)
}

func primKey(p primitive) byte { return 'A' + 32 + byte(p) }

func (t *simpleType) malformed() *fault {
	return &fault{rule: "cvc-datatype-valid.1.2.1", code: "value-malformed", typ: t}
}

func (t *simpleType) lexicalOK(c *valueContext, b []byte) bool {
	switch t.lex {
	case lexName:
		return isToken(b, true, true)
	case lexNCName, lexID, lexIDREF, lexEntity:
		return isToken(b, true, false)
	case lexNmtoken:
		return isToken(b, false, true)
	case lexLanguage:
		return isLanguage(b)
	}
	return true
}

func (t *simpleType) checkPatterns(b []byte) *fault {
next:
	for _, step := range t.facets.patterns {
		for _, re := range step.any {
			if re.Match(b) {
				continue next
			}
		}
		return &fault{rule: "cvc-pattern-valid", code: "value-pattern", typ: t, limit: step.source[0]}
	}
	return nil
}

func (t *simpleType) checkLength(n int) *fault {
	f := &t.facets
	switch {
	case f.length >= 0 && n != f.length:
		return &fault{"cvc-length-valid", "value-length", t, strconv.Itoa(f.length), n}
	case f.minLength >= 0 && n < f.minLength:
		return &fault{"cvc-minLength-valid", "value-short", t, strconv.Itoa(f.minLength), n}
	case f.maxLength >= 0 && n > f.maxLength:
		return &fault{"cvc-maxLength-valid", "value-long", t, strconv.Itoa(f.maxLength), n}
	}
	return nil
}

func (t *simpleType) checkBounds(v *ordered) *fault {
	f := &t.facets
	if b := f.minIncl; b != nil {
		if c, ok := t.prim.compare(v, &b.value); !ok || c < 0 {
			return &fault{rule: "cvc-minInclusive-valid", code: "value-small", typ: t, limit: b.lex}
		}
	}
	if b := f.minExcl; b != nil {
		if c, ok := t.prim.compare(v, &b.value); !ok || c <= 0 {
			return &fault{rule: "cvc-minExclusive-valid", code: "value-small", typ: t, limit: b.lex}
		}
	}
	if b := f.maxIncl; b != nil {
		if c, ok := t.prim.compare(v, &b.value); !ok || c > 0 {
			return &fault{rule: "cvc-maxInclusive-valid", code: "value-large", typ: t, limit: b.lex}
		}
	}
	if b := f.maxExcl; b != nil {
		if c, ok := t.prim.compare(v, &b.value); !ok || c >= 0 {
			return &fault{rule: "cvc-maxExclusive-valid", code: "value-large", typ: t, limit: b.lex}
		}
	}
	return nil
}

func (t *simpleType) checkEnum(c *valueContext, from int) *fault {
	if t.facets.enum == nil {
		return nil
	}
	if _, ok := t.facets.enum[string(c.key[from:])]; !ok {
		return &fault{rule: "cvc-enumeration-valid", code: "value-not-listed", typ: t}
	}
	return nil
}
