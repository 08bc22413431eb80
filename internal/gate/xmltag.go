package gate

import (
	"bytes"
	"unicode/utf8"
)

// span is an attribute's value in scanner.vals and the name it was written with.
type span struct {
	q        *qname
	from, to int
}

// rawName takes a name at r and gives it as it was written; unknown ones are
// checked and remembered.
func (s *scanner) rawName() (*qname, error) {
	n := 0
	for {
		for s.r+n < s.w && class[s.buf[s.r+n]]&inName != 0 {
			n++
		}
		if n > s.lim.NameBytes {
			return nil, s.refuse(codeLimitName, s.r, "", s.lim.NameBytes)
		}
		if s.r+n < s.w {
			break
		}
		if !s.fill() {
			return nil, s.ended(codeXMLEnd, &s.lim)
		}
	}
	raw := s.buf[s.r : s.r+n]
	q, ok := s.qnames[string(raw)]
	if !ok {
		colon, bad := splitName(raw)
		if bad >= 0 {
			s.r += bad
			return nil, s.refuse(s.charCode(codeXMLName), s.r, "", 0)
		}
		q = s.add(raw, colon)
	}
	s.r += n
	return q, nil
}

// startTag takes a start tag or an empty-element tag.
func (s *scanner) startTag() error {
	at := s.locate(s.r)
	s.r++
	q, err := s.rawName()
	if err != nil {
		return err
	}
	if len(s.stack) >= s.lim.Depth {
		return refusal(codeLimitDepth, at, "", s.lim.Depth)
	}
	if err := s.node(at); err != nil {
		return err
	}
	st := &s.start
	st.Pos, st.Kind, st.scope = at, KindElement, &s.scope
	st.Attrs, st.Decls = st.Attrs[:0], st.Decls[:0]
	s.spans, s.vals = s.spans[:0], s.vals[:0]
	own := len(s.scope)
	empty, err := s.attributes(q)
	if err != nil {
		return err
	}
	if st.Name, err = s.resolve(q, at, true); err != nil {
		return err
	}
	if len(st.Attrs) > 0 {
		if err := s.resolveAttrs(); err != nil {
			return err
		}
	}
	if s.h != nil {
		if err := s.h.Start(st); err != nil {
			return err
		}
	}
	if empty {
		if s.h != nil {
			if err := s.h.End(st.Name, at); err != nil {
				return err
			}
		}
		s.scope = s.scope[:own]
		return nil
	}
	s.stack = append(s.stack, frame{q, st.Name, own})
	return nil
}

// attributes takes everything up to the end of a tag.
func (s *scanner) attributes(element *qname) (empty bool, err error) {
	for count := 0; ; {
		if s.r < s.w && s.buf[s.r] == '>' {
			s.r++
			return false, nil
		}
		blanks := s.blanks()
		if !s.have(1) {
			return false, s.ended(codeXMLEnd, &s.lim)
		}
		switch c := s.buf[s.r]; {
		case c == '>':
			s.r++
			return false, nil
		case c == '/':
			if !s.have(2) {
				return false, s.ended(codeXMLEnd, &s.lim)
			}
			if s.buf[s.r+1] != '>' {
				return false, s.refuse(codeXMLTag, s.r, element.raw, 0)
			}
			s.r += 2
			return true, nil
		case blanks == 0 || class[c]&inName == 0:
			return false, s.refuse(s.charCode(codeXMLTag), s.r, element.raw, 0)
		}
		if count++; count > s.lim.Attributes {
			return false, s.refuse(codeLimitAttributes, s.r, element.raw, s.lim.Attributes)
		}
		if err := s.attribute(); err != nil {
			return false, err
		}
	}
}

// attribute takes name="value".
func (s *scanner) attribute() error {
	at := s.locate(s.r)
	q, err := s.rawName()
	if err != nil {
		return err
	}
	if err := s.node(at); err != nil {
		return err
	}
	if err := s.expect('=', q); err != nil {
		return err
	}
	if !s.have(1) {
		return s.ended(codeXMLEnd, &s.lim)
	}
	quote := s.buf[s.r]
	if quote != '"' && quote != '\'' {
		return s.refuse(s.charCode(codeXMLAttribute), s.r, q.raw, 0)
	}
	s.r++
	from := len(s.vals)
	if err := s.value(quote, q); err != nil {
		return err
	}
	if q.prefix == "xmlns" || q.raw == "xmlns" {
		return s.declare(q, s.vals[from:], at)
	}
	s.start.Attrs = append(s.start.Attrs, Attr{Pos: at})
	s.spans = append(s.spans, span{q, from, len(s.vals)})
	return nil
}

// expect takes S? c S?.
func (s *scanner) expect(c byte, q *qname) error {
	if s.r+1 < s.w && s.buf[s.r] == c && class[s.buf[s.r+1]]&isSpace == 0 {
		s.r++
		return nil
	}
	s.blanks()
	if !s.have(1) {
		return s.ended(codeXMLEnd, &s.lim)
	}
	if s.buf[s.r] != c {
		return s.refuse(s.charCode(codeXMLAttribute), s.r, q.raw, 0)
	}
	s.r++
	s.blanks()
	return nil
}

// value takes an attribute's value behind its first quote and appends it to vals,
// normalised as CDATA (section 3.3.3: there is no DTD that says otherwise).
func (s *scanner) value(quote byte, q *qname) error {
	from := len(s.vals)
	for {
		i := s.r
		buf := s.buf[:s.w]
		for i < len(buf) && class[buf[i]]&stopAttr == 0 {
			i++
		}
		if room := min(s.lim.AttributeBytes+from, s.lim.TagBytes) - len(s.vals); i-s.r > room {
			return s.refuse(codeLimitAttribute, s.r+max(room, 0), "", s.lim.AttributeBytes)
		}
		s.vals = append(s.vals, buf[s.r:i]...)
		s.r = i
		if i == len(buf) {
			if !s.fill() {
				return s.ended(codeXMLEnd, &s.lim)
			}
			continue
		}
		switch c := buf[i]; c {
		case quote:
			s.r++
			return nil
		case '"', '\'':
			s.vals = append(s.vals, c)
			s.r++
		case '\r':
			s.have(2)
			if s.r++; s.r < s.w && s.buf[s.r] == '\n' {
				s.r++
			}
			s.vals = append(s.vals, ' ')
		case '\t', '\n':
			s.vals = append(s.vals, ' ')
			s.r++
		case '&':
			var one [utf8.UTFMax]byte
			r, err := s.reference()
			if err != nil {
				return err
			}
			s.vals = append(s.vals, one[:utf8.EncodeRune(one[:], r)]...)
		case '<':
			return s.refuse(codeXMLLess, i, q.raw, 0)
		case 0xEF:
			if s.noncharacter(i) {
				return s.refuse(codeXMLCharacter, i, "", 0)
			}
			s.vals = append(s.vals, buf[i:i+3]...)
			s.r += 3
		default:
			return s.refuse(codeXMLCharacter, i, "", 0)
		}
	}
}

// declare takes xmlns="uri" or xmlns:prefix="uri".
func (s *scanner) declare(q *qname, uri []byte, at Pos) error {
	if len(uri) > s.lim.NamespaceBytes {
		return refusal(codeLimitNamespace, at, "", s.lim.NamespaceBytes)
	}
	prefix := ""
	if q.prefix != "" {
		prefix = q.local
	}
	u := s.str(uri)
	switch {
	case prefix == "xmlns", u == xmlnsSpace, (prefix == "xml") != (u == xmlSpace):
		return refusal(codeXMLReserved, at, "", 0)
	case prefix != "" && u == "":
		return refusal(codeXMLNoNamespace, at, prefix, 0)
	}
	for _, d := range s.start.Decls {
		if d.Prefix == prefix {
			return refusal(codeXMLDuplicate, at, q.raw, 0)
		}
	}
	if len(s.scope) >= s.lim.Namespaces {
		return refusal(codeLimitNamespaces, at, "", s.lim.Namespaces)
	}
	s.scope = append(s.scope, binding{prefix, u})
	s.start.Decls = append(s.start.Decls, Decl{prefix, u, at})
	return nil
}

// resolve gives a written name its namespace.
func (s *scanner) resolve(q *qname, at Pos, element bool) (Name, error) {
	if q.prefix == "" && !element {
		return Name{Local: q.local}, nil
	}
	if q.prefix == "xmlns" {
		return Name{}, refusal(codeXMLReserved, at, "", 0)
	}
	uri, ok := lookup(s.scope, q.prefix)
	if !ok {
		return Name{}, refusal(codeXMLPrefix, at, q.prefix, 0)
	}
	return Name{uri, q.prefix, q.local}, nil
}

// resolveAttrs gives the attributes names and values and finds duplicates: no two
// may have the same local name in the same namespace.
func (s *scanner) resolveAttrs() error {
	attrs := s.start.Attrs
	for i := range attrs {
		sp := s.spans[i]
		name, err := s.resolve(sp.q, attrs[i].Pos, false)
		if err != nil {
			return err
		}
		attrs[i].Name, attrs[i].Value = name, s.vals[sp.from:sp.to:sp.to]
	}
	if len(attrs) <= 12 {
		for i := 1; i < len(attrs); i++ {
			for j := range i {
				if attrs[i].Name.Local == attrs[j].Name.Local && attrs[i].Name.Space == attrs[j].Name.Space {
					return refusal(codeXMLDuplicate, attrs[i].Pos, s.spans[i].q.raw, 0)
				}
			}
		}
		return nil
	}
	if s.seen == nil {
		s.seen = make(map[Name]struct{})
	}
	clear(s.seen)
	for i, a := range attrs {
		key := Name{Space: a.Name.Space, Local: a.Name.Local}
		if _, ok := s.seen[key]; ok {
			return refusal(codeXMLDuplicate, a.Pos, s.spans[i].q.raw, 0)
		}
		s.seen[key] = struct{}{}
	}
	return nil
}

// endTag takes the end tag of the element that was opened last.
func (s *scanner) endTag() error {
	f := &s.stack[len(s.stack)-1]
	raw := f.q.raw
	s.have(len(raw) + 3)
	at := s.locate(s.r)
	rest := s.buf[s.r+2 : s.w]
	if len(rest) <= len(raw) && bytes.HasPrefix([]byte(raw), rest) {
		return s.ended(codeXMLEnd, &s.lim)
	}
	if len(rest) <= len(raw) || string(rest[:len(raw)]) != raw || class[rest[len(raw)]]&inName != 0 {
		return refusal(codeXMLMismatch, at, raw, 0)
	}
	s.r += 2 + len(raw)
	if s.buf[s.r] != '>' {
		s.blanks()
		if !s.have(1) {
			return s.ended(codeXMLEnd, &s.lim)
		}
		if s.buf[s.r] != '>' {
			return s.refuse(s.charCode(codeXMLTag), s.r, raw, 0)
		}
	}
	s.r++
	name, own := f.name, f.own
	s.stack = s.stack[:len(s.stack)-1]
	if s.h != nil {
		if err := s.h.End(name, at); err != nil {
			return err
		}
	}
	s.scope = s.scope[:own]
	return nil
}
