package xsd

import (
	"slices"
	"unicode"
)

// charset is a set of characters as sorted, disjoint, non-touching ranges: lo, hi, lo, hi …
type charset []rune

const maxRune = unicode.MaxRune

func (s charset) contains(r rune) bool {
	lo, hi := 0, len(s)/2
	for lo < hi {
		m := (lo + hi) / 2
		switch {
		case r < s[2*m]:
			hi = m
		case r > s[2*m+1]:
			lo = m + 1
		default:
			return true
		}
	}
	return false
}

// normal sorts and merges ranges in any order.
func (s charset) normal() charset {
	type span struct{ lo, hi rune }
	spans := make([]span, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		spans = append(spans, span{s[i], s[i+1]})
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.lo) - int(b.lo) })
	out := make(charset, 0, len(s))
	for _, sp := range spans {
		if n := len(out); n > 0 && sp.lo <= out[n-1]+1 {
			out[n-1] = max(out[n-1], sp.hi)
			continue
		}
		out = append(out, sp.lo, sp.hi)
	}
	return out
}

// negate needs a normal set.
func (s charset) negate() charset {
	out := make(charset, 0, len(s)+2)
	next := rune(0)
	for i := 0; i < len(s); i += 2 {
		if s[i] > next {
			out = append(out, next, s[i]-1)
		}
		next = s[i+1] + 1
	}
	if next <= maxRune {
		out = append(out, next, maxRune)
	}
	return out
}

func (s charset) without(t charset) charset {
	return append(s.negate(), t...).normal().negate()
}

func tableSet(tables ...*unicode.RangeTable) charset {
	var s charset
	for _, t := range tables {
		for _, r := range t.R16 {
			s = appendStride(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
		for _, r := range t.R32 {
			s = appendStride(s, rune(r.Lo), rune(r.Hi), rune(r.Stride))
		}
	}
	return s.normal()
}

func appendStride(s charset, lo, hi, stride rune) charset {
	if stride == 1 {
		return append(s, lo, hi)
	}
	for r := lo; r <= hi; r += stride {
		s = append(s, r, r)
	}
	return s
}

// category gives the characters of a Unicode general category as patterns name it (L, Lu, Nd, Cn …).
func category(name string) (charset, bool) {
	switch name {
	case "Cs": // surrogates are no characters of a document
		return nil, false
	case "Cn":
		var all []*unicode.RangeTable
		for n, t := range unicode.Categories {
			if len(n) == 2 && n != "Cn" && n != "LC" {
				all = append(all, t)
			}
		}
		return tableSet(all...).negate(), true
	case "C":
		cn, _ := category("Cn")
		return append(tableSet(unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs), cn...).normal(), true
	}
	if len(name) > 2 || name == "LC" {
		return nil, false
	}
	t, ok := unicode.Categories[name]
	if !ok {
		return nil, false
	}
	return tableSet(t), true
}
