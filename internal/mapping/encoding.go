package mapping

import (
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// charset is the encoding of a target. The 8-bit ones have one byte a character.
type charset struct {
	name  string
	utf8  bool
	table *charmap.Charmap // nil: ASCII or UTF-8
	enc   func(rune) (byte, bool)
}

func asciiOnly(r rune) (byte, bool) { return byte(r), r < utf8.RuneSelf }

func eightBit(m *charmap.Charmap) func(rune) (byte, bool) {
	return func(r rune) (byte, bool) {
		if r < utf8.RuneSelf {
			return byte(r), true
		}
		if r < 0xA0 { // C1 controls are no text
			return 0, false
		}
		return m.EncodeRune(r)
	}
}

func charsets() []charset {
	list := []charset{{name: "utf-8", utf8: true}, {name: "us-ascii", enc: asciiOnly}}
	for _, x := range []struct {
		name  string
		table *charmap.Charmap
	}{
		{"iso-8859-1", charmap.ISO8859_1}, {"iso-8859-2", charmap.ISO8859_2}, {"iso-8859-15", charmap.ISO8859_15},
		{"windows-1250", charmap.Windows1250}, {"windows-1252", charmap.Windows1252},
		{"cp437", charmap.CodePage437}, {"cp850", charmap.CodePage850},
	} {
		list = append(list, charset{name: x.name, table: x.table, enc: eightBit(x.table)})
	}
	return list
}

// charsetByName knows the names above and their usual spellings.
func charsetByName(name string) (charset, bool) {
	n := strings.ToLower(name)
	switch n {
	case "ascii":
		n = "us-ascii"
	case "utf8":
		n = "utf-8"
	case "latin1":
		n = "iso-8859-1"
	case "cp1252", "windows1252":
		n = "windows-1252"
	case "ibm850":
		n = "cp850"
	case "ibm437":
		n = "cp437"
	}
	list := charsets()
	i := slices.IndexFunc(list, func(c charset) bool { return c.name == n })
	if i < 0 {
		return charset{}, false
	}
	return list[i], true
}

func charsetNames() (names []string) {
	for _, c := range charsets() {
		names = append(names, c.name)
	}
	return names
}

func (c *charset) holds(r rune) bool {
	if c.utf8 {
		return true
	}
	_, ok := c.enc(r)
	return ok
}

// fits stands for no character where one without a place is asked for: 0 is a character too.
const fits rune = -1

// append writes s in the encoding. bad is the first character that has no place, or fits; n is how
// many characters were written. Text is composed first where a letter may be one byte.
func (c *charset) append(b []byte, s string) (out []byte, n int, bad rune) {
	if c.utf8 {
		for i, r := range s {
			if r == utf8.RuneError {
				if _, size := utf8.DecodeRuneInString(s[i:]); size == 1 {
					return b, n, r
				}
			}
			n++
		}
		return append(b, s...), n, fits
	}
	if !isASCII(s) {
		s = norm.NFC.String(s)
	}
	for _, r := range s {
		x, ok := c.enc(r)
		if !ok {
			return b, n, r
		}
		b = append(b, x)
		n++
	}
	return b, n, fits
}

// decode makes written text readable again.
func (c *charset) decode(b []byte) string {
	if c.table != nil {
		if s, err := c.table.NewDecoder().String(string(b)); err == nil {
			return s
		}
	}
	return string(b)
}
