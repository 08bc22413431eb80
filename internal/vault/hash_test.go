package vault

import (
	"bytes"
	"testing"
)

func TestHashForgivesSpelling(t *testing.T) {
	ring, err := Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := Parse(ring)
	if err != nil {
		t.Fatal(err)
	}
	same := [][2]string{
		{"276098100000017", "276 0981 0000 0017"}, {"276098100000017", "276-098-100000017"},
		{"Müller", "MÜLLER"}, {"Jo\u0308rg", "Jörg"}, {"BP-2026/004711", "bp 2026 004711"},
		{"Weiß", "WEISS"}, {"Groß", "GROẞ"}, {"O'Neill", "O’Neill"}, {"Müller-Lüdenscheidt", "Müller–Lüdenscheidt"},
		{"O'Neill", "O´Neill"}, {"O'Neill", "O‘Neill"}, {"O'Neill", "O′Neill"}, {"Müller-Lüdenscheidt", "Müller\u2011Lüdenscheidt"}, {"Müller-Lüdenscheidt", "Müller—Lüdenscheidt"},
		{"Lüdenscheidt", "Lüden\u00adscheidt"}, {"Café", "Cafe\u0301"},
	}
	for _, p := range same {
		if !bytes.Equal(v.Hash("search:x", "05974040", p[0]), v.Hash("search:x", "05974040", p[1])) {
			t.Errorf("%q does not find %q", p[1], p[0])
		}
	}
	other := [][2]string{{"276098100000017", "276098100000018"}, {"Müller", "Mueller"}, {"", "0"}}
	for _, p := range other {
		if bytes.Equal(v.Hash("search:x", "05974040", p[0]), v.Hash("search:x", "05974040", p[1])) {
			t.Errorf("%q finds %q", p[1], p[0])
		}
	}
	h := v.Hash("search:x", "05974040", "a")
	if bytes.Equal(h, v.Hash("search:y", "05974040", "a")) || bytes.Equal(h, v.Hash("search:x", "05962024", "a")) {
		t.Error("a hash tells something across purposes or municipalities")
	}
}
