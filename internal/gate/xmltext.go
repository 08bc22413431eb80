package gate

import (
	"bytes"
	"unicode/utf8"
)

// emit hands a piece of text on and counts it.
func (s *scanner) emit(b []byte, at int, length *int) error {
	if room := s.lim.TextBytes - *length; len(b) > room {
		return s.refuse(codeLimitText, at+room, "", s.lim.TextBytes)
	}
	*length += len(b)
	if s.h == nil || len(b) == 0 {
		return nil
	}
	return s.h.Text(b, s.locate(at))
}

var newline = []byte{'\n'}

// text takes character data up to the next '<'.
func (s *scanner) text() error {
	length := 0
	for {
		i := s.r
		buf := s.buf[:s.w]
		for {
			for i < len(buf) && class[buf[i]]&stopText == 0 {
				i++
			}
			if i+2 >= len(buf) {
				break
			}
			// Most brackets and most characters that begin with 0xEF are just text.
			if c := buf[i]; c == ']' && (buf[i+1] != ']' || buf[i+2] != '>') {
				i++
			} else if c == 0xEF && !s.noncharacter(i) {
				i += 3
			} else {
				break
			}
		}
		if i > s.r {
			if err := s.emit(buf[s.r:i], s.r, &length); err != nil {
				return err
			}
			s.r = i
		}
		if i == len(buf) {
			if !s.fill() {
				return s.ended(codeXMLEnd, &s.lim)
			}
			continue
		}
		switch buf[i] {
		case '<':
			return nil
		case '&':
			at := s.locate(s.r)
			r, err := s.reference()
			if err != nil {
				return err
			}
			var one [utf8.UTFMax]byte
			n := utf8.EncodeRune(one[:], r)
			if length += n; length > s.lim.TextBytes {
				return refusal(codeLimitText, at, "", s.lim.TextBytes)
			}
			if s.h != nil {
				s.vals = append(s.vals[:0], one[:n]...)
				if err := s.h.Text(s.vals, at); err != nil {
					return err
				}
			}
		case ']':
			if s.begins("]]>") {
				return s.refuse(codeXMLCDATAEnd, s.r, "", 0)
			}
			if err := s.emit(s.buf[s.r:s.r+1], s.r, &length); err != nil {
				return err
			}
			s.r++
		case '\r':
			if err := s.lineEnd(&length); err != nil {
				return err
			}
		case 0xEF:
			if s.noncharacter(i) {
				return s.refuse(codeXMLCharacter, i, "", 0)
			}
			if err := s.emit(buf[i:i+3], i, &length); err != nil {
				return err
			}
			s.r += 3
		default:
			return s.refuse(codeXMLCharacter, i, "", 0)
		}
	}
}

// lineEnd takes the CR at r: the LF behind it stays as text, a lone CR becomes one.
func (s *scanner) lineEnd(length *int) error {
	if s.have(2) && s.buf[s.r+1] == '\n' {
		s.r++
		return nil
	}
	err := s.emit(newline, s.r, length)
	s.r++
	return err
}

// cdata takes a CDATA section, whose text is text like any other.
func (s *scanner) cdata() error {
	s.r += len("<![CDATA[")
	length := 0
	for {
		i := s.r
		buf := s.buf[:s.w]
		for i < len(buf) && (class[buf[i]]&stopText == 0 || buf[i] == '<' || buf[i] == '&') {
			i++
		}
		if err := s.emit(buf[s.r:i], s.r, &length); err != nil {
			return err
		}
		s.r = i
		if i == len(buf) {
			if !s.fill() {
				return s.ended(codeXMLEnd, &s.lim)
			}
			continue
		}
		n := 1
		switch buf[i] {
		case ']':
			if s.begins("]]>") {
				s.r += 3
				return nil
			}
		case '\r':
			if err := s.lineEnd(&length); err != nil {
				return err
			}
			continue
		case 0xEF:
			if s.noncharacter(i) {
				return s.refuse(codeXMLCharacter, i, "", 0)
			}
			n = 3
		default:
			return s.refuse(codeXMLCharacter, i, "", 0)
		}
		if err := s.emit(s.buf[s.r:s.r+n], s.r, &length); err != nil {
			return err
		}
		s.r += n
	}
}

// reference takes an entity or character reference at r.
func (s *scanner) reference() (rune, error) {
	if s.refs++; s.refs > s.lim.References {
		return 0, s.refuse(codeLimitReferences, s.r, "", s.lim.References)
	}
	if !s.have(2) {
		return 0, s.ended(codeXMLEnd, &s.lim)
	}
	if s.buf[s.r+1] == '#' {
		return s.charReference()
	}
	at := s.locate(s.r)
	s.r++
	if class[s.buf[s.r]]&inName == 0 {
		return 0, refusal(codeXMLReference, at, "", 0)
	}
	q, err := s.rawName()
	if err != nil {
		return 0, err
	}
	if !s.have(1) {
		return 0, s.ended(codeXMLEnd, &s.lim)
	}
	if s.buf[s.r] != ';' {
		return 0, refusal(codeXMLReference, at, "", 0)
	}
	s.r++
	switch q.raw {
	case "lt":
		return '<', nil
	case "gt":
		return '>', nil
	case "amp":
		return '&', nil
	case "quot":
		return '"', nil
	case "apos":
		return '\'', nil
	}
	return 0, refusal(codeXMLEntity, at, q.raw, 0)
}

func (s *scanner) charReference() (rune, error) {
	at := s.locate(s.r)
	s.r += 2
	if !s.have(1) {
		return 0, s.ended(codeXMLEnd, &s.lim)
	}
	base := rune(10)
	if s.buf[s.r] == 'x' {
		base = 16
		s.r++
	}
	var r rune
	for digits := 0; ; digits++ {
		if !s.have(1) {
			return 0, s.ended(codeXMLEnd, &s.lim)
		}
		c := s.buf[s.r]
		d := rune(-1)
		switch {
		case c >= '0' && c <= '9':
			d = rune(c - '0')
		case base == 16 && c|0x20 >= 'a' && c|0x20 <= 'f':
			d = rune(c|0x20-'a') + 10
		}
		if d < 0 {
			if c != ';' || digits == 0 {
				return 0, refusal(codeXMLReference, at, "", 0)
			}
			s.r++
			break
		}
		if r = r*base + d; r > utf8.MaxRune {
			return 0, refusal(codeXMLCharRef, at, "", 0)
		}
		s.r++
	}
	if !isChar(r) {
		return 0, refusal(codeXMLCharRef, at, "", 0)
	}
	return r, nil
}

// comment takes a comment, and refuses a DOCTYPE and everything else that begins
// with "<!".
func (s *scanner) comment() error {
	if !s.begins("<!--") {
		switch {
		case s.begins("<!DOCTYPE"):
			return s.refuse(codeXMLDoctype, s.r, "", 0)
		case s.w-s.r < 9 && s.stop != nil && (bytes.HasPrefix([]byte("<!DOCTYPE"), s.buf[s.r:s.w]) ||
			bytes.HasPrefix([]byte("<!--"), s.buf[s.r:s.w])):
			return s.ended(codeXMLEnd, &s.lim)
		}
		return s.refuse(codeXMLMarkup, s.r, "", 0)
	}
	s.r += 4
	for {
		if err := s.skip('-'); err != nil {
			return err
		}
		if !s.have(3) {
			if s.have(2) && s.buf[s.r+1] != '-' {
				s.r++
				continue
			}
			return s.ended(codeXMLEnd, &s.lim)
		}
		if s.buf[s.r+1] != '-' {
			s.r++
			continue
		}
		if s.buf[s.r+2] != '>' {
			return s.refuse(codeXMLComment, s.r, "", 0)
		}
		s.r += 3
		return nil
	}
}

// instruction takes a processing instruction.
func (s *scanner) instruction() error {
	at := s.locate(s.r)
	s.r += 2
	q, err := s.rawName()
	if err != nil {
		return err
	}
	if q.prefix != "" {
		return refusal(codeXMLInstruction, at, "", 0)
	}
	if len(q.raw) == 3 && bytes.EqualFold([]byte(q.raw), []byte("xml")) {
		return refusal(codeXMLDeclaration, at, "", 0)
	}
	if !s.have(2) {
		return s.ended(codeXMLEnd, &s.lim)
	}
	if class[s.buf[s.r]]&isSpace == 0 && string(s.buf[s.r:s.r+2]) != "?>" {
		return s.refuse(s.charCode(codeXMLInstruction), s.r, "", 0)
	}
	for {
		if err := s.skip('?'); err != nil {
			return err
		}
		if !s.have(2) {
			return s.ended(codeXMLEnd, &s.lim)
		}
		if s.buf[s.r+1] == '>' {
			s.r += 2
			return nil
		}
		s.r++
	}
}

// skip goes on to the next c.
func (s *scanner) skip(c byte) error {
	for {
		i := s.r
		buf := s.buf[:s.w]
		for i < len(buf) && class[buf[i]]&stopSkip == 0 {
			i++
		}
		s.r = i
		switch {
		case i == len(buf):
			if !s.fill() {
				return s.ended(codeXMLEnd, &s.lim)
			}
		case buf[i] == c:
			return nil
		case buf[i] == '-' || buf[i] == '?' || buf[i] == 0xEF && !s.noncharacter(i):
			s.r++
		default:
			return s.refuse(codeXMLCharacter, i, "", 0)
		}
	}
}
