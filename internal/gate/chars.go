package gate

import "unicode/utf8"

// What a byte means in each place. A scanning loop runs over the bytes that have
// none of the bits it asks for.
const (
	stopText   = 1 << iota // in text: '<', '&', ']', CR, controls, 0xEF
	stopAttr               // in an attribute value: quotes, '<', '&', white space but blanks, controls, 0xEF
	stopSkip               // in comments and processing instructions: '-', '?', controls, 0xEF
	stopString             // in a JSON string: '"', '\', controls
	inName                 // may be part of a name
	isSpace                // XML white space
)

// 0xEF begins U+FFFE and U+FFFF, the only characters of valid UTF-8 besides the
// controls that XML forbids.
var class = func() (t [256]uint8) {
	for c := range 0x20 {
		t[c] = stopText | stopAttr | stopSkip | stopString
	}
	for _, c := range "\t\n" {
		t[c] &^= stopText | stopSkip
	}
	t['\r'] &^= stopSkip
	for _, c := range " \t\r\n" {
		t[c] |= isSpace
	}
	for _, c := range "<&]" {
		t[c] |= stopText
	}
	for _, c := range "<&\"'" {
		t[c] |= stopAttr
	}
	t['-'] |= stopSkip
	t['?'] |= stopSkip
	t['"'] |= stopString
	t['\\'] |= stopString
	t[0xEF] |= stopText | stopAttr | stopSkip
	for c := '0'; c <= '9'; c++ {
		t[c] |= inName
	}
	for c := 'a'; c <= 'z'; c++ {
		t[c] |= inName
		t[c-'a'+'A'] |= inName
	}
	for _, c := range "_-.:" {
		t[c] |= inName
	}
	for c := utf8.RuneSelf; c < 256; c++ {
		t[c] |= inName
	}
	return t
}()

// isChar is XML's production Char.
func isChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' ||
		r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= 0x10FFFF
}

// isNameStart is NameStartChar of the fifth edition, without the colon.
func isNameStart(r rune) bool {
	if r < utf8.RuneSelf {
		return r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	return r >= 0xC0 && r <= 0x2FF && r != 0xD7 && r != 0xF7 ||
		r >= 0x370 && r <= 0x1FFF && r != 0x37E || r == 0x200C || r == 0x200D ||
		r >= 0x2070 && r <= 0x218F || r >= 0x2C00 && r <= 0x2FEF || r >= 0x3001 && r <= 0xD7FF ||
		r >= 0xF900 && r <= 0xFDCF || r >= 0xFDF0 && r <= 0xFFFD || r >= 0x10000 && r <= 0xEFFFF
}

// isNameChar is NameChar of the fifth edition, without the colon.
func isNameChar(r rune) bool {
	return isNameStart(r) || r == '-' || r == '.' || r >= '0' && r <= '9' ||
		r == 0xB7 || r >= 0x300 && r <= 0x36F || r == 0x203F || r == 0x2040
}

// splitName checks a QName and gives the place of its colon, -1 for none. bad is
// the byte where it stops being one, or -1.
func splitName(raw []byte) (colon, bad int) {
	colon = -1
	start := true
	for i := 0; i < len(raw); {
		r, n := utf8.DecodeRune(raw[i:])
		switch {
		case r == ':' && colon < 0 && !start:
			colon, start = i, true
		case start && isNameStart(r), !start && isNameChar(r):
			start = false
		default:
			return colon, i
		}
		i += n
	}
	if start {
		return colon, max(0, len(raw)-1)
	}
	return colon, -1
}
