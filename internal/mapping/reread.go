package mapping

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf8"
)

// reread parses a written XML document again, independently of the writer: balanced tags,
// unique attributes, legal characters and references, one root, nothing after it. It knows
// exactly the XML that the writer uses and refuses everything else; a whole parser would
// take longer than the mapping. Where a schema is named, its check parses once more.
func reread(b []byte) error {
	r := rereader{b: b}
	if !bytes.HasPrefix(b, []byte("<?xml ")) {
		return errors.New("no XML declaration")
	}
	end := bytes.Index(b, []byte("?>\n"))
	if end < 0 {
		return errors.New("the XML declaration is not closed")
	}
	r.i = end + 3
	if bytes.Contains(b[:end], []byte("UTF-8")) {
		if !utf8.Valid(b) {
			return errors.New("not UTF-8")
		}
		if bytes.Contains(b, []byte("\uFFFE")) || bytes.Contains(b, []byte("\uFFFF")) {
			return errors.New("a character that XML does not have")
		}
	}
	if err := r.content(); err != nil {
		return fmt.Errorf("at byte %d: %w", r.i, err)
	}
	return nil
}

type rereader struct {
	b    []byte
	i    int
	open [][]byte
}

func (r *rereader) content() error {
	done := false
	for r.i < len(r.b) {
		if r.b[r.i] != '<' {
			if err := r.text(len(r.open) > 0); err != nil {
				return err
			}
			continue
		}
		if done {
			return errors.New("a second root")
		}
		if err := r.tag(); err != nil {
			return err
		}
		done = len(r.open) == 0
	}
	if !done {
		return errors.New("it ends inside an element")
	}
	return nil
}

func (r *rereader) text(inside bool) error {
	for r.i < len(r.b) && r.b[r.i] != '<' {
		c := r.b[r.i]
		switch {
		case !inside && c != '\n':
			return errors.New("text outside the root")
		case c == '&':
			if err := r.reference(); err != nil {
				return err
			}
			continue
		case c < ' ' && c != '\n' && c != '\t', c == '>':
			return errors.New("a character that has to be escaped")
		}
		r.i++
	}
	return nil
}

func (r *rereader) reference() error {
	end := bytes.IndexByte(r.b[r.i:min(len(r.b), r.i+12)], ';')
	if end < 0 {
		return errors.New("a reference is not closed")
	}
	switch ref := string(r.b[r.i+1 : r.i+end]); {
	case ref == "lt", ref == "gt", ref == "amp", ref == "quot":
	case len(ref) > 1 && ref[0] == '#' && all(ref[1:], isDigit):
		if n, err := strconv.ParseUint(ref[1:], 10, 32); err != nil || !isXMLCharacter(rune(min(n, 0x110000))) {
			return errors.New("a reference to a character that XML does not have")
		}
	default:
		return errors.New("an unknown reference")
	}
	r.i += end + 1
	return nil
}

// isXMLCharacter follows Char of XML 1.0.
func isXMLCharacter(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r <= 0xD7FF || 0xE000 <= r && r <= 0xFFFD || 0x10000 <= r && r <= 0x10FFFF
}

func (r *rereader) name() []byte {
	start := r.i
	for r.i < len(r.b) && bytes.IndexByte([]byte(" \n\t=/><\"'&"), r.b[r.i]) < 0 {
		r.i++
	}
	return r.b[start:r.i]
}

func (r *rereader) tag() error {
	r.i++
	if r.i < len(r.b) && r.b[r.i] == '/' {
		r.i++
		name := r.name()
		if n := len(r.open); n == 0 || !bytes.Equal(r.open[n-1], name) || r.i >= len(r.b) || r.b[r.i] != '>' {
			return errors.New("an end tag that fits no start tag")
		}
		r.open = r.open[:len(r.open)-1]
		r.i++
		return nil
	}
	name := r.name()
	if _, _, ok := splitName(string(name)); !ok {
		return errors.New("a tag without a name")
	}
	var buf [8][]byte
	attrs := buf[:0]
	for r.i < len(r.b) {
		switch r.b[r.i] {
		case '>':
			r.i++
			r.open = append(r.open, name)
			return nil
		case '/':
			if r.i+1 < len(r.b) && r.b[r.i+1] == '>' {
				r.i += 2
				return nil
			}
			return errors.New("a stray /")
		case ' ':
			r.i++
			attr, err := r.attribute()
			if err != nil {
				return err
			}
			for _, a := range attrs {
				if bytes.Equal(a, attr) {
					return errors.New("an attribute is given twice")
				}
			}
			attrs = append(attrs, attr)
		default:
			return errors.New("a tag is not closed")
		}
	}
	return errors.New("it ends inside a tag")
}

func (r *rereader) attribute() ([]byte, error) {
	name := r.name()
	if _, _, ok := splitName(string(name)); !ok || !bytes.HasPrefix(r.b[r.i:], []byte(`="`)) {
		return nil, errors.New("an attribute without a value")
	}
	r.i += 2
	for r.i < len(r.b) && r.b[r.i] != '"' {
		switch c := r.b[r.i]; {
		case c == '&':
			if err := r.reference(); err != nil {
				return nil, err
			}
			continue
		case c < ' ' || c == '<':
			return nil, errors.New("a character that has to be escaped")
		}
		r.i++
	}
	if r.i >= len(r.b) {
		return nil, errors.New("an attribute is not closed")
	}
	r.i++
	return name, nil
}
