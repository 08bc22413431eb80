package gate

import (
	"bytes"
	"io"
	"strconv"
	"strings"
)

// level is an open JSON object or array.
type level struct {
	array   bool
	element bool // it has an element of its own; only an array that is a member has none
	name    Name // its element's name; for an array that is a member the name of its items
	key     string
	index   int // of the array's item that stands here
	keys    int // where its keys begin in scanner.keys
	members int
	table   int // 1 + its place in scanner.tables, 0 while it has few keys
}

// rootName is what the element of a JSON document's top-level object is called,
// itemName that of the items of an array inside an array.
const (
	rootName = "object"
	itemName = "item"
)

// json scans one document: RFC 8259, and stricter where the text says so.
func (s *scanner) json(m media, res *Result) error {
	if s.end == 0 && s.stop != nil {
		return s.ended(codeEmpty, &s.lim)
	}
	s.encoding = "UTF-8"
	if e, ok := findEncoding(m.charset); m.charset != "" && (!ok || e.name != "UTF-8") {
		return s.refuse(codeCharset, s.r, m.charset, 0)
	}
	raw := s.buf[s.r:max(s.w, s.end)]
	for _, mark := range []string{"\xEF\xBB\xBF", "\xFE\xFF", "\xFF\xFE"} {
		if bytes.HasPrefix(raw, []byte(mark)) {
			return s.refuse(codeJSONBOM, s.r, "", 0)
		}
	}
	s.blanks()
	if !s.have(1) {
		return s.ended(codeEmpty, &s.lim)
	}
	if s.buf[s.r] != '{' {
		return s.refuse(codeJSONTop, s.r, "", 0)
	}
	res.Root = Name{Local: rootName}
	if err := s.jsonValue(res.Root, true); err != nil {
		return err
	}
	for len(s.open) > 0 {
		var err error
		if s.open[len(s.open)-1].array {
			err = s.item()
		} else {
			err = s.member()
		}
		if err != nil {
			return err
		}
	}
	s.blanks()
	if s.have(1) {
		return s.refuse(codeJSONTrailing, s.r, "", 0)
	}
	if s.stop != io.EOF {
		return s.ended("", &s.lim)
	}
	return nil
}

// peek skips white space and gives the next byte.
func (s *scanner) peek() (byte, error) {
	if s.r < s.w && s.buf[s.r] > ' ' {
		return s.buf[s.r], nil
	}
	s.blanks()
	if !s.have(1) {
		return 0, s.ended(codeJSONEnd, &s.lim)
	}
	return s.buf[s.r], nil
}

// member takes the next member of the innermost object, or its end.
func (s *scanner) member() error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	l := &s.open[len(s.open)-1]
	l.key = ""
	if c == '}' {
		return s.closeLevel()
	}
	if l.members > 0 {
		if c != ',' {
			return s.refuse(codeJSONSyntax, s.r, "", 0)
		}
		s.r++
		if c, err = s.peek(); err != nil {
			return err
		}
	}
	if c != '"' {
		return s.refuse(codeJSONSyntax, s.r, "", 0)
	}
	at := s.locate(s.r)
	key, err := s.key(at)
	if err != nil {
		return err
	}
	l.members++
	if s.held++; s.held > s.lim.Members {
		return refusal(codeLimitMembers, at, "", s.lim.Members)
	}
	name := s.str(key)
	l.key = name
	if code := s.duplicate(l, key); code != "" {
		return refusal(code, at, name, 0)
	}
	if c, err = s.peek(); err != nil {
		return err
	}
	if c != ':' {
		return s.refuse(codeJSONSyntax, s.r, "", 0)
	}
	s.r++
	return s.jsonValue(Name{Local: name}, true)
}

// item takes the next item of the innermost array, or its end.
func (s *scanner) item() error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	l := &s.open[len(s.open)-1]
	if c == ']' {
		return s.closeLevel()
	}
	if l.index >= 0 {
		if c != ',' {
			return s.refuse(codeJSONSyntax, s.r, "", 0)
		}
		s.r++
	}
	l.index++
	name := l.name
	if l.element {
		name = Name{Local: itemName}
	}
	return s.jsonValue(name, false)
}

// jsonValue takes a value whole, or opens an object or array.
func (s *scanner) jsonValue(name Name, member bool) error {
	c, err := s.peek()
	if err != nil {
		return err
	}
	at := s.locate(s.r)
	if err := s.node(at); err != nil {
		return err
	}
	switch {
	case c == '{' || c == '[':
		if len(s.open) >= s.lim.Depth {
			return refusal(codeLimitDepth, at, "", s.lim.Depth)
		}
		s.r++
		l := level{array: c == '[', name: name, index: -1, keys: len(s.keys)}
		l.element = !l.array || !member
		switch {
		case !l.element:
			if s.arrays != nil {
				err = s.arrays.StartArray(name, at)
			}
		case l.array:
			err = s.startValue(name, KindArray, at)
		default:
			err = s.startValue(name, KindObject, at)
		}
		s.open = append(s.open, l)
		return err
	case c == '"':
		if err := s.startValue(name, KindString, at); err != nil {
			return err
		}
		s.r++
		if err := s.jsonString(); err != nil {
			return err
		}
	case c == '-' || c >= '0' && c <= '9':
		if err := s.startValue(name, KindNumber, at); err != nil {
			return err
		}
		if err := s.number(at); err != nil {
			return err
		}
	case isASCIILetter(c):
		if err := s.literal(name, at); err != nil {
			return err
		}
	default:
		return s.refuse(codeJSONSyntax, s.r, "", 0)
	}
	if s.h != nil {
		return s.h.End(name, at)
	}
	return nil
}

var nilAttr = []byte("true")

func (s *scanner) startValue(name Name, k Kind, at Pos) error {
	if s.h == nil {
		return nil
	}
	st := &s.start
	st.Name, st.Pos, st.Kind, st.Attrs = name, at, k, st.Attrs[:0]
	if k == KindNull {
		st.Attrs = append(st.Attrs, Attr{Name: Name{Local: "nil"}, Value: nilAttr, Pos: at})
	}
	return s.h.Start(st)
}

func (s *scanner) closeLevel() error {
	at := s.locate(s.r)
	s.r++
	l := s.open[len(s.open)-1]
	s.open = s.open[:len(s.open)-1]
	s.keys = s.keys[:l.keys]
	s.held -= l.members
	if l.table > 0 {
		s.tables[l.table-1] = nil
		s.tables = s.tables[:l.table-1]
	}
	switch {
	case l.element && s.h != nil:
		return s.h.End(l.name, at)
	case !l.element && s.arrays != nil:
		return s.arrays.EndArray(l.name, at)
	}
	return nil
}

// literal takes true, false or null.
func (s *scanner) literal(name Name, at Pos) error {
	for _, word := range []string{"true", "false", "null"} {
		if !s.begins(word) || s.have(len(word)+1) && isWord(s.buf[s.r+len(word)]) {
			continue
		}
		kind := KindBool
		if word == "null" {
			kind = KindNull
		}
		if err := s.startValue(name, kind, at); err != nil {
			return err
		}
		var err error
		if kind == KindBool && s.h != nil {
			err = s.h.Text(s.buf[s.r:s.r+len(word)], at)
		}
		s.r += len(word)
		return err
	}
	if s.stop != nil && s.stop != io.EOF && s.w-s.r < 5 {
		return s.ended("", &s.lim)
	}
	return refusal(codeJSONLiteral, at, "", 0)
}

func isWord(c byte) bool { return isASCIILetter(c) || c >= '0' && c <= '9' || c == '_' || c >= 0x80 }

// number takes a number, whose text is kept as it is written.
func (s *scanner) number(at Pos) error {
	n := 0
	for {
		for s.r+n < s.w && isNumber(s.buf[s.r+n]) {
			n++
		}
		if n > s.lim.NumberBytes {
			return refusal(codeLimitNumber, at, "", s.lim.NumberBytes)
		}
		if s.r+n < s.w || !s.fill() {
			break
		}
	}
	text := s.buf[s.r : s.r+n]
	rest := bytes.TrimPrefix(text, []byte{'-'})
	whole := digits(rest)
	ok := whole == 1 || whole > 1 && rest[0] != '0'
	rest = rest[whole:]
	if len(rest) > 0 && rest[0] == '.' {
		k := digits(rest[1:])
		ok = ok && k > 0
		rest = rest[1+k:]
	}
	exponent := 0
	if len(rest) > 0 && rest[0]|0x20 == 'e' {
		rest = rest[1:]
		if len(rest) > 0 && (rest[0] == '+' || rest[0] == '-') {
			rest = rest[1:]
		}
		k := digits(rest)
		ok = ok && k > 0
		if e := bytes.TrimLeft(rest[:k], "0"); len(e) > 3 {
			exponent = maxExponent + 1
		}
		rest = rest[k:]
	}
	if !ok || len(rest) > 0 || s.have(n+1) && isWord(s.buf[s.r+n]) {
		return refusal(codeJSONNumber, at, "", 0)
	}
	if exponent > maxExponent {
		return refusal(codeLimitNumber, at, "", s.lim.NumberBytes)
	}
	var err error
	if s.h != nil {
		err = s.h.Text(s.buf[s.r:s.r+n], at)
	}
	s.r += n
	return err
}

func isNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c|0x20 == 'e'
}

func digits(b []byte) int {
	n := 0
	for n < len(b) && b[n] >= '0' && b[n] <= '9' {
		n++
	}
	return n
}

// pointer says where in the document the scan stands.
func (s *scanner) pointer() string {
	var b strings.Builder
	for _, l := range s.open {
		switch {
		case l.array && l.index >= 0:
			b.WriteByte('/')
			b.WriteString(strconv.Itoa(l.index))
		case !l.array && l.members > 0 && l.key != "":
			if !plain(l.key) {
				return b.String()
			}
			b.WriteByte('/')
			b.WriteString(l.key)
		default:
			return b.String()
		}
	}
	return b.String()
}
