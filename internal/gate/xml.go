package gate

import (
	"bytes"
	"io"
	"strings"
)

// frame is an open element.
type frame struct {
	q    *qname
	name Name
	own  int // bindings in scope before it
}

// xml scans one document: production [1] of XML 1.0, without doctypedecl.
func (s *scanner) xml(m media, res *Result) error {
	if s.end == 0 && s.stop != nil {
		return s.ended(codeEmpty, &s.lim)
	}
	if err := s.prolog(m); err != nil {
		return err
	}
	if err := s.misc(codeXMLNoRoot); err != nil {
		return err
	}
	if err := s.startTag(); err != nil {
		return err
	}
	res.Root = s.start.Name
	for len(s.stack) > 0 {
		if err := s.text(); err != nil {
			return err
		}
		if err := s.markup(); err != nil {
			return err
		}
	}
	err := s.misc("")
	if err == io.EOF {
		return nil
	}
	if err == nil {
		return s.refuse(codeXMLSecondRoot, s.r, "", 0)
	}
	return err
}

// markup takes what stands at a '<' inside the root element.
func (s *scanner) markup() error {
	if !s.have(2) {
		return s.ended(codeXMLEnd, &s.lim)
	}
	switch s.buf[s.r+1] {
	case '/':
		return s.endTag()
	case '!':
		if s.begins("<![CDATA[") {
			return s.cdata()
		}
		return s.comment()
	case '?':
		return s.instruction()
	}
	return s.startTag()
}

// misc skips comments, instructions and white space outside of the root element,
// up to a start tag. At the regular end of the body it refuses with the given
// code, or gives io.EOF where there is none.
func (s *scanner) misc(atEnd string) error {
	for {
		s.blanks()
		if !s.have(1) {
			if s.stop == io.EOF && atEnd == "" {
				return io.EOF
			}
			return s.ended(atEnd, &s.lim)
		}
		if s.buf[s.r] != '<' {
			return s.refuse(s.charCode(codeXMLOutside), s.r, "", 0)
		}
		if !s.have(2) {
			return s.ended(codeXMLEnd, &s.lim)
		}
		var err error
		switch s.buf[s.r+1] {
		case '!':
			err = s.comment()
		case '?':
			err = s.instruction()
		case '/':
			return s.refuse(codeXMLTag, s.r, "", 0)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// charCode is codeXMLCharacter if what stands at r is no XML character, else other.
func (s *scanner) charCode(other string) string {
	if c := s.buf[s.r]; c < 0x20 && class[c]&isSpace == 0 || c == 0xEF && s.noncharacter(s.r) {
		return codeXMLCharacter
	}
	return other
}

// blanks skips white space and says how much there was.
func (s *scanner) blanks() (n int) {
	for {
		for s.r < s.w && class[s.buf[s.r]]&isSpace != 0 {
			s.r++
			n++
		}
		if s.r < s.w || !s.fill() {
			return n
		}
	}
}

// begins reports whether the text stands at r.
func (s *scanner) begins(text string) bool {
	return s.have(len(text)) && string(s.buf[s.r:s.r+len(text)]) == text
}

// noncharacter reports whether U+FFFE or U+FFFF stands at i, where 0xEF does.
func (s *scanner) noncharacter(i int) bool {
	return s.buf[i+1] == 0xBF && s.buf[i+2] >= 0xBE
}

// prolog settles the encoding by the byte order mark and the XML declaration.
func (s *scanner) prolog(m media) error {
	proven, code := s.bom()
	if code != "" {
		return s.refuse(code, s.r, proven, 0)
	}
	s.encoding = proven
	declared := ""
	if s.begins("<?xml") && s.have(6) && class[s.buf[s.r+5]]&isSpace != 0 {
		var err error
		if declared, err = s.declaration(); err != nil {
			return err
		}
	}
	if proven == "" {
		s.encoding = "UTF-8"
	}
	if declared != "" {
		e, ok := findEncoding(declared)
		if !ok {
			return s.refuse(codeCharset, s.r, declared, 0)
		}
		if proven != "" && e.name != proven || proven == "" && e.name == "UTF-16" {
			return s.refuse(codeEncodingConflict, s.r, "", 0)
		}
		s.encoding = e.name
		if e.make != nil {
			s.recode(0, e.make)
		}
	}
	if m.charset != "" {
		if e, ok := findEncoding(m.charset); !ok {
			return s.refuse(codeCharset, s.r, m.charset, 0)
		} else if e.name != s.encoding {
			return s.refuse(codeEncodingConflict, s.r, "", 0)
		}
	}
	return nil
}

// declaration takes <?xml … ?> and gives the encoding it names.
func (s *scanner) declaration() (string, error) {
	// It is short and in ASCII in every encoding let in; a long one is no declaration.
	const most = 256
	s.have(most)
	b := s.buf[s.r:min(s.w, s.r+most)]
	end := bytes.Index(b, []byte("?>"))
	if end < 0 {
		if len(b) < most {
			return "", s.ended(codeXMLEnd, &s.lim)
		}
		return "", s.refuse(codeXMLDeclaration, s.r, "", 0)
	}
	rest := b[5:end]
	version, rest, ok := pseudo(rest, "version")
	if !ok || !strings.HasPrefix(version, "1.") || strings.Trim(version[2:], "0123456789") != "" || len(version) < 3 {
		return "", s.refuse(codeXMLDeclaration, s.r, "", 0)
	}
	if version != "1.0" {
		return "", s.refuse(codeXMLVersion, s.r, "", 0)
	}
	encoding, after, ok := pseudo(rest, "encoding")
	if ok {
		rest = after
		if !isEncodingName(encoding) {
			return "", s.refuse(codeXMLDeclaration, s.r, "", 0)
		}
	}
	if standalone, after, ok := pseudo(rest, "standalone"); ok {
		rest = after
		if standalone != "yes" && standalone != "no" {
			return "", s.refuse(codeXMLDeclaration, s.r, "", 0)
		}
	}
	if len(bytes.Trim(rest, " \t\r\n")) > 0 {
		return "", s.refuse(codeXMLDeclaration, s.r, "", 0)
	}
	s.r += end + 2
	return encoding, nil
}

// pseudo takes S name Eq "value" from the front.
func pseudo(b []byte, name string) (value string, rest []byte, ok bool) {
	t := bytes.TrimLeft(b, " \t\r\n")
	if len(t) == len(b) || !bytes.HasPrefix(t, []byte(name)) {
		return "", b, false
	}
	t = bytes.TrimLeft(t[len(name):], " \t\r\n")
	if len(t) == 0 || t[0] != '=' {
		return "", b, false
	}
	t = bytes.TrimLeft(t[1:], " \t\r\n")
	if len(t) == 0 || t[0] != '"' && t[0] != '\'' {
		return "", b, false
	}
	end := bytes.IndexByte(t[1:], t[0])
	if end < 0 {
		return "", b, false
	}
	return string(t[1 : 1+end]), t[end+2:], true
}

func isEncodingName(n string) bool {
	return n != "" && isASCIILetter(n[0]) && plain(strings.ReplaceAll(n, ":", " "))
}
