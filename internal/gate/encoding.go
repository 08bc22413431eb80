package gate

import (
	"bytes"
	"io"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
)

// encoding is one that the gate can read.
type encoding struct {
	name string // as reported
	make func(io.Reader) io.Reader
}

// The encodings that are let in, by their IANA names and the usual aliases.
var encodings = map[string]encoding{
	"utf-8":        {"UTF-8", nil},
	"utf8":         {"UTF-8", nil},
	"us-ascii":     {"US-ASCII", single(func(b byte) rune { return rune(b) }, 0x80)},
	"ascii":        {"US-ASCII", single(func(b byte) rune { return rune(b) }, 0x80)},
	"iso-8859-1":   {"ISO-8859-1", single(charmap.ISO8859_1.DecodeByte, 0x100)},
	"iso_8859-1":   {"ISO-8859-1", single(charmap.ISO8859_1.DecodeByte, 0x100)},
	"latin1":       {"ISO-8859-1", single(charmap.ISO8859_1.DecodeByte, 0x100)},
	"iso-8859-15":  {"ISO-8859-15", single(charmap.ISO8859_15.DecodeByte, 0x100)},
	"iso_8859-15":  {"ISO-8859-15", single(charmap.ISO8859_15.DecodeByte, 0x100)},
	"latin-9":      {"ISO-8859-15", single(charmap.ISO8859_15.DecodeByte, 0x100)},
	"windows-1252": {"windows-1252", single(windows1252, 0x100)},
	"cp1252":       {"windows-1252", single(windows1252, 0x100)},
	"utf-16":       {"UTF-16", nil},
}

// windows1252 leaves out the five bytes that windows-1252 does not define: browsers
// read them as control characters, which nobody has meant.
func windows1252(b byte) rune {
	if r := charmap.Windows1252.DecodeByte(b); r < 0x80 || r >= 0xA0 {
		return r
	}
	return utf8.RuneError
}

func findEncoding(name string) (encoding, bool) {
	e, ok := encodings[strings.ToLower(name)]
	return e, ok
}

// single makes a reader for an encoding of one byte a character, of which the
// bytes from limit on are not defined.
func single(decode func(byte) rune, limit int) func(io.Reader) io.Reader {
	var table [256]rune
	for i := range table {
		table[i] = utf8.RuneError
		if i < limit {
			table[i] = decode(byte(i))
		}
	}
	return func(in io.Reader) io.Reader { return &singleReader{in: in, table: &table} }
}

type singleReader struct {
	in    io.Reader
	table *[256]rune
	raw   [4096]byte
	stop  error
}

func (d *singleReader) Read(p []byte) (int, error) {
	if d.stop != nil {
		return 0, d.stop
	}
	n, err := d.in.Read(d.raw[:min(len(d.raw), len(p)/utf8.UTFMax)])
	out := p[:0]
	for _, b := range d.raw[:n] {
		if b < utf8.RuneSelf {
			out = append(out, b)
			continue
		}
		r := d.table[b]
		if r == utf8.RuneError {
			d.stop = errInvalidEncoding
			return len(out), d.stop
		}
		out = utf8.AppendRune(out, r)
	}
	d.stop = err
	return len(out), err
}

// utf16Reader is strict, unlike golang.org/x/text, which puts U+FFFD where half a
// character stands.
type utf16Reader struct {
	in   io.Reader
	big  bool
	raw  [4096]byte
	held int  // bytes at the front of raw that are half a unit
	high rune // a high surrogate that waits for its other half
	stop error
}

func (d *utf16Reader) Read(p []byte) (int, error) {
	if d.stop != nil {
		return 0, d.stop
	}
	room := min(len(d.raw), len(p)/utf8.UTFMax*2)
	n, err := d.in.Read(d.raw[d.held:room])
	n += d.held
	out := p[:0]
	i := 0
	for ; i+1 < n; i += 2 {
		u := rune(d.raw[i]) | rune(d.raw[i+1])<<8
		if d.big {
			u = rune(d.raw[i])<<8 | rune(d.raw[i+1])
		}
		switch {
		case d.high != 0:
			r := utf16.DecodeRune(d.high, u)
			if r == utf8.RuneError {
				d.stop = errInvalidEncoding
				return len(out), d.stop
			}
			out, d.high = utf8.AppendRune(out, r), 0
		case u >= 0xDC00 && u < 0xE000:
			d.stop = errInvalidEncoding
			return len(out), d.stop
		case u >= 0xD800 && u < 0xDC00:
			d.high = u
		default:
			out = utf8.AppendRune(out, u)
		}
	}
	d.held = n - i
	if d.held > 0 {
		d.raw[0] = d.raw[i]
	}
	if err == io.EOF && (d.held > 0 || d.high != 0) {
		err = errInvalidEncoding
	}
	d.stop = err
	return len(out), err
}

// bom looks at the first bytes and sets up UTF-16 where its mark says so. It
// gives the encoding that the bytes prove: UTF-8 and UTF-16 by their mark, ""
// for none; code is a refusal's, or "".
func (s *source) bom() (proven, code string) {
	s.have(4)
	b := s.buf[s.r:max(s.w, s.end)]
	switch {
	case bytes.HasPrefix(b, []byte{0xEF, 0xBB, 0xBF}):
		s.r += 3
		s.mark = s.r
		return "UTF-8", ""
	case bytes.HasPrefix(b, []byte{0xFF, 0xFE, 0, 0}), bytes.HasPrefix(b, []byte{0, 0, 0xFE, 0xFF}),
		bytes.HasPrefix(b, []byte{0, 0, 0, '<'}), bytes.HasPrefix(b, []byte{'<', 0, 0, 0}):
		return "UTF-32", codeCharset
	case bytes.HasPrefix(b, []byte{0xFE, 0xFF}), bytes.HasPrefix(b, []byte{0xFF, 0xFE}):
		s.recode(2, func(in io.Reader) io.Reader { return &utf16Reader{in: in, big: b[0] == 0xFE} })
		return "UTF-16", ""
	case bytes.HasPrefix(b, []byte{0, '<'}), bytes.HasPrefix(b, []byte{'<', 0}):
		return "UTF-16", codeEncodingConflict
	case bytes.HasPrefix(b, []byte{0x4C, 0x6F, 0xA7, 0x94}):
		return "EBCDIC", codeCharset
	}
	return "", ""
}

// recode reads everything behind r+skip anew through a decoder.
func (s *source) recode(skip int, decode func(io.Reader) io.Reader) {
	rest := s.buf[s.r+skip : s.end]
	var in io.Reader
	switch {
	case s.in == nil: // in memory: the body stays where it is
		in = bytes.NewReader(rest)
		if s.stop == errTooLarge {
			in = io.MultiReader(in, failing{errTooLarge})
		}
	case s.stop != nil && s.stop != errInvalidUTF8:
		in = io.MultiReader(bytes.NewReader(bytes.Clone(rest)), failing{s.stop})
	default:
		in = io.MultiReader(bytes.NewReader(bytes.Clone(rest)), s.in)
	}
	if s.own == nil {
		s.own = make([]byte, windowBytes)
	}
	s.locate(s.r)
	s.buf, s.in, s.stop = s.own, decode(in), nil
	s.r, s.w, s.end, s.mark = 0, 0, 0, 0
}

// failing is a reader that has come to its end.
type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }
