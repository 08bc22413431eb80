package xsd

import "unicode/utf8"

// nameStart and nameRest are the characters of names by the fifth edition of XML 1.0, without the colon.
var (
	nameStart = charset{
		'A', 'Z', '_', '_', 'a', 'z', 0xC0, 0xD6, 0xD8, 0xF6, 0xF8, 0x2FF, 0x370, 0x37D, 0x37F, 0x1FFF,
		0x200C, 0x200D, 0x2070, 0x218F, 0x2C00, 0x2FEF, 0x3001, 0xD7FF, 0xF900, 0xFDCF, 0xFDF0, 0xFFFD,
		0x10000, 0xEFFFF,
	}
	nameRest = charset{'-', '.', '0', '9', 0xB7, 0xB7, 0x300, 0x36F, 0x203F, 0x2040}
)

// recentNames remembers the numbers of names of the schema that were met lately:
// comparing two names costs less than hashing one.
type recentNames [64]struct {
	name Name
	sym  int32
}

// sym is the number of a name in the schema, -1 where it has none.
func (r *recentNames) sym(s *Schema, n Name) int32 {
	l := n.Local
	if l == "" {
		return -1
	}
	recent := &r[(len(l)<<3^int(l[0])^int(l[len(l)-1])<<1)%len(r)]
	if recent.name == n {
		return recent.sym
	}
	sym, ok := s.syms[n]
	if !ok {
		return -1
	}
	recent.name, recent.sym = n, sym
	return sym
}

func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r == '_'
	}
	return nameStart.contains(r)
}

// isToken tells whether b is a Name (start, colon), an NCName (start) or an Nmtoken (colon).
func isToken(b []byte, start, colon bool) bool {
	if len(b) == 0 {
		return false
	}
	for i := 0; i < len(b); {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			if r, size = utf8.DecodeRune(b[i:]); r == utf8.RuneError && size == 1 {
				return false
			}
		}
		ok := colon && r == ':' || isNameStart(r)
		if !ok && (i > 0 || !start) {
			ok = nameRest.contains(r)
		}
		if !ok {
			return false
		}
		i += size
	}
	return true
}

func isNCName(s string) bool { return isToken([]byte(s), true, false) }

// isLanguage: [a-zA-Z]{1,8}(-[a-zA-Z0-9]{1,8})*
func isLanguage(b []byte) bool {
	n, first := 0, true
	for _, c := range b {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' && !first:
			if n++; n > 8 {
				return false
			}
		case c == '-' && n > 0:
			n, first = 0, false
		default:
			return false
		}
	}
	return n > 0
}
