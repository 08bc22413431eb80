package gate

import (
	"hash/maphash"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// jsonString takes a string's characters behind its first quote, in pieces.
func (s *scanner) jsonString() error {
	length := 0
	for {
		i := s.r
		buf := s.buf[:s.w]
		for i < len(buf) && class[buf[i]]&stopString == 0 {
			i++
		}
		if err := s.emit(buf[s.r:i], s.r, &length); err != nil {
			return err
		}
		s.r = i
		if i == len(buf) {
			if !s.fill() {
				return s.ended(codeJSONEnd, &s.lim)
			}
			continue
		}
		switch buf[i] {
		case '"':
			s.r++
			return nil
		case '\\':
			at := s.locate(s.r)
			r, err := s.escape()
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
		default:
			return s.refuse(codeJSONControl, i, "", 0)
		}
	}
}

// key takes an object's key with its quotes. The bytes are valid until the scan
// goes on.
func (s *scanner) key(at Pos) ([]byte, error) {
	s.r++
	s.vals = s.vals[:0]
	for {
		n := 0
		for s.r+n < s.w && class[s.buf[s.r+n]]&stopString == 0 {
			n++
		}
		if len(s.vals)+n > s.lim.NameBytes {
			return nil, refusal(codeLimitName, at, "", s.lim.NameBytes)
		}
		s.vals = append(s.vals, s.buf[s.r:s.r+n]...)
		s.r += n
		if s.r == s.w {
			if !s.fill() {
				return nil, s.ended(codeJSONEnd, &s.lim)
			}
			continue
		}
		switch s.buf[s.r] {
		case '"':
			s.r++
			return s.vals, nil
		case '\\':
			r, err := s.escape()
			if err != nil {
				return nil, err
			}
			s.vals = utf8.AppendRune(s.vals, r)
		default:
			return nil, s.refuse(codeJSONControl, s.r, "", 0)
		}
	}
}

// escape takes an escape at r, both halves of a surrogate pair together.
func (s *scanner) escape() (rune, error) {
	if !s.have(2) {
		return 0, s.ended(codeJSONEnd, &s.lim)
	}
	at := s.locate(s.r)
	c := s.buf[s.r+1]
	if c != 'u' {
		s.r += 2
		switch c {
		case '"', '\\', '/':
			return rune(c), nil
		case 'b':
			return '\b', nil
		case 'f':
			return '\f', nil
		case 'n':
			return '\n', nil
		case 'r':
			return '\r', nil
		case 't':
			return '\t', nil
		}
		return 0, refusal(codeJSONEscape, at, "", 0)
	}
	r, err := s.hex4(at)
	if err != nil {
		return 0, err
	}
	switch {
	case r == 0:
		return 0, refusal(codeJSONNUL, at, "", 0)
	case !utf16.IsSurrogate(r):
		return r, nil
	case r >= 0xDC00 || !s.begins(`\u`):
		return 0, refusal(codeJSONSurrogate, at, "", 0)
	}
	low, err := s.hex4(at)
	if err != nil {
		return 0, err
	}
	if r = utf16.DecodeRune(r, low); r == utf8.RuneError {
		return 0, refusal(codeJSONSurrogate, at, "", 0)
	}
	return r, nil
}

// hex4 takes \uXXXX.
func (s *scanner) hex4(at Pos) (rune, error) {
	if !s.have(6) {
		return 0, s.ended(codeJSONEnd, &s.lim)
	}
	var r rune
	for _, c := range s.buf[s.r+2 : s.r+6] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c|0x20 >= 'a' && c|0x20 <= 'f':
			r = r<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, refusal(codeJSONEscape, at, "", 0)
		}
	}
	s.r += 6
	return r, nil
}

// fewKeys is how many keys of an object are compared one by one.
const fewKeys = 24

// seed makes the hashes of keys unpredictable for senders.
var seed = maphash.MakeSeed()

// duplicate remembers a key of an object by two hashes, of the key and of its
// folded form, and gives the code of a refusal if the object has it already. 64
// bits of a secret hash stand for a key: that two keys of one document meet by
// chance is less likely than a broken memory chip.
func (s *scanner) duplicate(l *level, key []byte) string {
	exact := uint32(maphash.Bytes(seed, key))
	s.vals = appendFolded(s.vals[:len(key):cap(s.vals)], key) // key stands at the front of vals
	folded := maphash.Bytes(seed, s.vals[len(key):])
	s.vals = s.vals[:len(key)]

	// A key is kept as 64 bits of its folded form in keys, the exact one beside it.
	if l.table == 0 {
		for i := l.keys; i < len(s.keys); i += 2 {
			if s.keys[i] == folded {
				return duplicateCode(uint32(s.keys[i+1]) == exact)
			}
		}
		s.keys = append(s.keys, folded, uint64(exact))
		if l.members > fewKeys {
			t := make(map[uint64]uint32, 4*fewKeys)
			for i := l.keys; i < len(s.keys); i += 2 {
				t[s.keys[i]] = uint32(s.keys[i+1])
			}
			s.keys = s.keys[:l.keys]
			s.tables = append(s.tables, t)
			l.table = len(s.tables)
		}
		return ""
	}
	t := s.tables[l.table-1]
	if other, ok := t[folded]; ok {
		return duplicateCode(other == exact)
	}
	t[folded] = exact
	return ""
}

func duplicateCode(same bool) string {
	if same {
		return codeJSONDuplicate
	}
	return codeJSONDuplicateCase
}

// appendFolded appends key with every character replaced by the smallest of those
// that differ from it only in case, as encoding/json folds field names.
func appendFolded(b, key []byte) []byte {
	for i := 0; i < len(key); {
		if c := key[i]; c < utf8.RuneSelf {
			if c >= 'a' && c <= 'z' {
				c -= 'a' - 'A'
			}
			b = append(b, c)
			i++
			continue
		}
		r, n := utf8.DecodeRune(key[i:])
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				r = next
				break
			}
			r = next
		}
		b = utf8.AppendRune(b, r)
		i += n
	}
	return b
}
