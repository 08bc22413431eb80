package mapping

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// transliterate writes s with the letters A to Z and what else ASCII holds. Letters that
// keep accepts stay as they are. The rules are those of the search form of DIN 91379
// (ICAO Doc 9303): ä ae, ö oe, ü ue, å aa, ß ss, ø oe, þ th; other marks fall away. Greek
// follows ISO 843, Cyrillic the Bulgarian law of 2009, letter by letter. A character
// without a rule is returned as bad.
func transliterate(s string, keep func(rune) bool) (out string, bad rune, ok bool) {
	if isASCII(s) {
		return s, 0, true
	}
	t := translit{keep: keep, in: norm.NFC.String(s)}
	t.out.Grow(len(s) + 8)
	for t.i < len(t.in) {
		r, size := utf8.DecodeRuneInString(t.in[t.i:])
		t.i += size
		if !t.rune(r) {
			return "", r, false
		}
	}
	return t.out.String(), 0, true
}

func isASCII(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

type translit struct {
	keep func(rune) bool
	in   string
	i    int // behind the current rune
	out  strings.Builder
	last rune // the base letter that a following mark belongs to
}

func (t *translit) rune(r rune) bool {
	if r < utf8.RuneSelf || t.keep != nil && t.keep(r) {
		t.out.WriteRune(r)
		t.last = r
		return true
	}
	if s, rule := letterRules[r]; rule {
		t.write(s, unicode.IsUpper(r))
		t.last = 0
		return true
	}
	if 0x300 <= r && r <= 0x36F {
		t.mark(r)
		return true
	}
	parts := []rune(norm.NFD.String(string(r)))
	if len(parts) < 2 {
		return false
	}
	base := parts[0]
	if s, rule := letterRules[base]; rule {
		t.write(s, unicode.IsUpper(base))
		return true
	}
	if base >= utf8.RuneSelf {
		return false
	}
	t.out.WriteRune(base)
	t.last = base
	for _, m := range parts[1:] {
		t.mark(m)
	}
	return true
}

// mark drops a combining mark, but for the two that add a letter.
func (t *translit) mark(m rune) {
	var add string
	switch lower := unicode.ToLower(t.last); {
	case m == 0x308 && (lower == 'a' || lower == 'o' || lower == 'u'):
		add = "e"
	case m == 0x30A && lower == 'a':
		add = "a"
	default:
		return
	}
	if unicode.IsUpper(t.last) && !t.lowerFollows() {
		add = strings.ToUpper(add)
	}
	t.out.WriteString(add)
	t.last = 0
}

// write puts a replacement in the case of its neighbours: Þor is Thor, ÞOR is THOR.
func (t *translit) write(s string, upper bool) {
	if upper && len(s) > 1 && t.lowerFollows() {
		s = s[:1] + strings.ToLower(s[1:])
	}
	t.out.WriteString(s)
}

// lowerFollows looks at the next letter; where none follows, at the one before: a
// single capital is written Ae, the last letter of CAFÄ as AE.
func (t *translit) lowerFollows() bool {
	for _, r := range t.in[t.i:] {
		if unicode.Is(unicode.Mn, r) {
			continue
		}
		if unicode.IsLetter(r) {
			return unicode.IsLower(r)
		}
		break
	}
	_, size := utf8.DecodeLastRuneInString(t.in[:t.i])
	before, _ := utf8.DecodeLastRuneInString(t.in[:t.i-size])
	return !unicode.IsUpper(before)
}

// searchForm is the search form of DIN 91379: capital basic letters; what is not a
// letter of a name stays if it is ASCII.
func searchForm(s string) (string, rune, bool) {
	out, bad, ok := transliterate(s, nil)
	return strings.ToUpper(out), bad, ok
}
