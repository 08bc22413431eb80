package xsd

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// tagEnd finds the > that ends the tag at the present place.
func (r *xmlReader) tagEnd() (int, error) {
	quote := byte(0)
	for i := 1; ; i++ {
		b := r.rest()
		if i >= len(b) {
			if !r.more() {
				if r.err != nil {
					return 0, r.err
				}
				return 0, r.errorf("a tag without end")
			}
			b = r.rest()
		}
		c := b[i]
		switch {
		case quote != 0:
			at := bytes.IndexByte(b[i:], quote)
			if at < 0 {
				i = len(b) - 1
				continue
			}
			i += at
			quote = 0
		case c == '"' || c == '\'':
			quote = c
		case c == '>':
			return i, nil
		case c == '<':
			return 0, r.errorf("< inside a tag")
		}
	}
}

// A document has few names and short values that come again; what is beyond is not kept.
const (
	maxWords = 4096
	maxWord  = 64
)

func (r *xmlReader) intern(b []byte) string {
	s, ok := r.words[string(b)]
	if !ok {
		s = string(b)
		if len(r.words) < maxWords && len(s) <= maxWord {
			r.words[s] = s
		}
	}
	return s
}

func (r *xmlReader) name(raw []byte) (*qname, error) {
	if q, ok := r.names[string(raw)]; ok {
		return q, nil
	}
	q := &qname{raw: string(raw)}
	prefix, local := []byte(nil), raw
	if i := bytes.IndexByte(raw, ':'); i >= 0 {
		prefix, local = raw[:i], raw[i+1:]
	}
	if prefix != nil && !isToken(prefix, true, false) || !isToken(local, true, false) {
		return nil, r.errorf("%q is not a name", raw)
	}
	q.prefix, q.local = r.intern(prefix), r.intern(local)
	q.xmlns = q.prefix == "xmlns" || q.raw == "xmlns"
	if len(r.names) < maxWords {
		r.names[q.raw] = q
	}
	return q, nil
}

func (r *xmlReader) endTag() error {
	end, err := r.tagEnd()
	if err != nil {
		return err
	}
	name := bytes.TrimRight(r.rest()[2:end], " \t\r\n")
	n := len(r.open) - 1
	if n < 0 || r.open[n].name != string(name) {
		if n < 0 {
			return r.errorf("</%s> closes nothing that is open", name)
		}
		return r.errorf("</%s> where <%s> is open", name, r.open[n].name)
	}
	pos := r.pos()
	r.take(end + 1)
	r.close(pos)
	return nil
}

func (r *xmlReader) close(pos Pos) {
	n := len(r.open) - 1
	r.ns = r.open[n].outer
	r.open = r.open[:n]
	r.to.end(pos)
}

func (r *xmlReader) startTag() error {
	end, err := r.tagEnd()
	if err != nil {
		return err
	}
	switch {
	case len(r.open) == 0 && r.root:
		return r.errorf("a second element follows the document's element")
	case len(r.open) >= maxDepth:
		return r.errorf("elements nest deeper than %d", maxDepth)
	}
	b := r.rest()[1:end]
	empty := len(b) > 0 && b[len(b)-1] == '/'
	if empty {
		b = b[:len(b)-1]
	}
	n := nameLength(b)
	tag, err := r.name(b[:n])
	if err != nil {
		return err
	}
	pos := r.pos()
	if err := r.readAttrs(b, n); err != nil {
		return err
	}
	r.root = true
	r.open = append(r.open, openTag{tag.raw, r.ns})
	if err := r.declare(); err != nil {
		return err
	}
	if err := r.resolveAttrs(); err != nil {
		return err
	}
	name, err := r.resolve(tag, true)
	if err != nil {
		return err
	}
	r.take(end + 1)
	r.to.start(name, r.attrs, r.ns, pos)
	if empty {
		r.close(pos)
	}
	return nil
}

func nameLength(b []byte) int {
	for i, c := range b {
		if c == '=' || isSpace(c) {
			return i
		}
	}
	return len(b)
}

// readAttrs reads the attributes of the tag b from n on into r.raw.
func (r *xmlReader) readAttrs(b []byte, n int) error {
	r.raw = r.raw[:0]
	line, col, from := r.line, r.col, -1 // b begins one byte after the present place
	for {
		i := n
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i == len(b) {
			return nil
		}
		if i == n {
			return r.errorf("attributes need blanks between them")
		}
		if from < 0 {
			line, col = advance(line, col+1, b[:i])
		} else {
			line, col = advance(line, col, b[from:i])
		}
		from = i
		name, err := r.name(b[i : i+nameLength(b[i:])])
		if err != nil {
			return err
		}
		i += len(name.raw)
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i == len(b) || b[i] != '=' {
			return r.errorf("attribute %s has no value", name.raw)
		}
		i++
		for i < len(b) && isSpace(b[i]) {
			i++
		}
		if i == len(b) || b[i] != '"' && b[i] != '\'' {
			return r.errorf("the value of attribute %s needs quotes", name.raw)
		}
		length := bytes.IndexByte(b[i+1:], b[i])
		if length < 0 {
			return r.errorf("the value of attribute %s has no end", name.raw)
		}
		if len(r.raw) == maxAttrs {
			return r.errorf("more than %d attributes", maxAttrs)
		}
		value, err := r.attrValue(b[i+1 : i+1+length])
		if err != nil {
			return err
		}
		r.raw = append(r.raw, rawAttr{name, value, Pos{line, col}})
		n = i + 2 + length
	}
}

// attrValue resolves references and turns literal line breaks and tabs into blanks.
func (r *xmlReader) attrValue(b []byte) (string, error) {
	if err := r.legal(b); err != nil {
		return "", err
	}
	if !bytes.ContainsAny(b, "&<\t\n\r") {
		return r.intern(b), nil
	}
	out := r.value[:0]
	for i := 0; i < len(b); i++ {
		switch c := b[i]; c {
		case '<':
			return "", r.errorf("< in an attribute's value")
		case '\r':
			if i+1 < len(b) && b[i+1] == '\n' {
				continue
			}
			out = append(out, ' ')
		case '\t', '\n':
			out = append(out, ' ')
		case '&':
			var n int
			var err error
			if out, n, err = r.reference(b[i:], out); err != nil {
				return "", err
			}
			i += n - 1
		default:
			out = append(out, c)
		}
	}
	r.value = out
	return string(out), nil
}

// reference appends what the reference b begins with stands for, and gives its length.
func (r *xmlReader) reference(b, out []byte) ([]byte, int, error) {
	end := bytes.IndexByte(b, ';')
	if end < 0 {
		return nil, 0, r.errorf("& begins a reference that has no ;")
	}
	name := string(b[1:end])
	switch name {
	case "lt":
		return append(out, '<'), end + 1, nil
	case "gt":
		return append(out, '>'), end + 1, nil
	case "amp":
		return append(out, '&'), end + 1, nil
	case "quot":
		return append(out, '"'), end + 1, nil
	case "apos":
		return append(out, '\''), end + 1, nil
	}
	if len(name) > 1 && name[0] == '#' {
		digits, base := name[1:], 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		n, err := strconv.ParseUint(digits, base, 32)
		if err != nil || !isXMLChar(rune(n)) || n > maxRune {
			return nil, 0, r.errorf("&%s; is no character of XML", name)
		}
		return utf8.AppendRune(out, rune(n)), end + 1, nil
	}
	if text, ok := r.entities[name]; ok {
		return append(out, text...), end + 1, nil
	}
	if isNCName(name) {
		return nil, 0, r.errorf("entity &%s; is not known; of the entities of a DTD, plain text alone is supported", name)
	}
	return nil, 0, r.errorf("& begins no reference; as a character it is written &amp;")
}

// declare takes the namespace declarations of the tag into the scope.
func (r *xmlReader) declare() error {
	for _, a := range r.raw {
		if !a.name.xmlns {
			continue
		}
		if a.name.prefix == "" {
			if a.value == xmlSpace || a.value == xmlnsSpace {
				return r.errorf("%s cannot be the default namespace", a.value)
			}
			r.ns = &scope{"", a.value, r.ns}
			continue
		}
		prefix := a.name.local
		if a.value == "" || prefix == "xmlns" || (prefix == "xml") != (a.value == xmlSpace) || a.value == xmlnsSpace {
			return r.errorf("prefix %s cannot be declared so", prefix)
		}
		r.ns = &scope{prefix, a.value, r.ns}
	}
	return nil
}

func (r *xmlReader) resolveAttrs() error {
	r.attrs = r.attrs[:0]
	for i, a := range r.raw {
		for _, b := range r.raw[:i] {
			if a.name.raw == b.name.raw {
				return r.errorf("attribute %s stands twice", a.name.raw)
			}
		}
		if a.name.xmlns {
			continue
		}
		name, err := r.resolve(a.name, false)
		if err != nil {
			return err
		}
		if name.Space != "" && a.name.prefix != "xml" {
			for j := range r.attrs {
				if r.attrs[j].Name == name {
					return r.errorf("attribute %s stands twice", a.name.raw)
				}
			}
		}
		r.attrs = append(r.attrs, Attr{Name: name, Value: a.value, Line: a.pos.Line, Col: a.pos.Col})
	}
	return nil
}

func (r *xmlReader) resolve(q *qname, element bool) (Name, error) {
	if q.prefix == "" && !element {
		return Name{Local: q.local}, nil
	}
	space, ok := r.ns.Lookup(q.prefix)
	if !ok {
		return Name{}, r.errorf("prefix %s is not declared", q.prefix)
	}
	return Name{space, q.local}, nil
}
