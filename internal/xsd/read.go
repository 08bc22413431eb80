package xsd

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"strings"

	"golang.org/x/text/encoding/ianaindex"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"
)

// scope is one namespace declaration and those it stands in; nil is the scope of a document.
type scope struct {
	prefix, uri string
	outer       *scope
}

// Lookup implements Namespaces.
func (s *scope) Lookup(prefix string) (string, bool) {
	if prefix == "xml" {
		return xmlSpace, true
	}
	for ; s != nil; s = s.outer {
		if s.prefix == prefix {
			return s.uri, s.uri != "" || prefix == ""
		}
	}
	return "", prefix == ""
}

// sink takes the parts of a document. What start and text are given is theirs until they return.
type sink interface {
	start(name Name, attrs []Attr, ns *scope, pos Pos)
	text(data []byte, pos Pos)
	end(pos Pos)
	unparsed(entity string)
}

// XMLError says that a document is not well-formed, or uses what is refused everywhere.
type XMLError struct {
	Line, Col int
	Text      string
}

func (e *XMLError) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Col, e.Text) }

// Bounds of documents and schemas read here: how deep elements nest, the attributes and length of one tag.
const (
	maxDepth = 5_000
	maxAttrs = 2_000
	maxTag   = 16 << 20
)

// decoded gives the document in UTF-8, by its byte order mark or its declaration.
func decoded(in io.Reader) (io.Reader, error) {
	buf := bufio.NewReaderSize(in, 4<<10)
	head, err := buf.Peek(200)
	if err != nil && err != io.EOF {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(head, []byte{0xFF, 0xFE}), bytes.HasPrefix(head, []byte{0xFE, 0xFF}):
		return transform.NewReader(buf, unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewDecoder()), nil
	case bytes.HasPrefix(head, []byte{'<', 0}):
		return transform.NewReader(buf, unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM).NewDecoder()), nil
	case bytes.HasPrefix(head, []byte{0, '<'}):
		return transform.NewReader(buf, unicode.UTF16(unicode.BigEndian, unicode.IgnoreBOM).NewDecoder()), nil
	case bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}):
		_, err := buf.Discard(3)
		return buf, err
	}
	label := strings.ToLower(declaredEncoding(head))
	if label == "" || label == "utf-8" || label == "utf8" || label == "us-ascii" {
		return buf, nil
	}
	enc, err := ianaindex.IANA.Encoding(label)
	if err != nil || enc == nil {
		return nil, &XMLError{1, 1, fmt.Sprintf("encoding %q is not known", label)}
	}
	return transform.NewReader(buf, enc.NewDecoder()), nil
}

func declaredEncoding(head []byte) string {
	if !bytes.HasPrefix(head, []byte("<?xml")) {
		return ""
	}
	decl, _, _ := bytes.Cut(head, []byte("?>"))
	_, rest, ok := bytes.Cut(decl, []byte("encoding"))
	if !ok {
		return ""
	}
	rest = bytes.TrimLeft(rest, " \t\r\n=")
	if len(rest) == 0 {
		return ""
	}
	if end := bytes.IndexByte(rest[1:], rest[0]); end >= 0 {
		return string(rest[1 : 1+end])
	}
	return ""
}

// xmlReader reads well-formed XML with namespaces and hands its parts on; nothing of the document is
// kept but the open tags. It fetches nothing, and knows no entities but those that are plain text.
type xmlReader struct {
	window
	to     sink
	ns     *scope
	open   []openTag
	attrs  []Attr
	words  map[string]string // strings met before
	names  map[string]*qname
	raw    []rawAttr
	value  []byte
	root   bool
	begun  bool
	inline [4]byte

	entities map[string]string
}

type openTag struct {
	name  string
	outer *scope
}

// qname is a name as documents write it.
type qname struct {
	raw, prefix, local string
	xmlns              bool // a namespace declaration
}

type rawAttr struct {
	name  *qname
	value string
	pos   Pos
}

// readXML reads a document to its end.
func readXML(ctx context.Context, in io.Reader, to sink) error {
	src, err := decoded(in)
	if err != nil {
		return err
	}
	r := &xmlReader{to: to, words: map[string]string{}, names: map[string]*qname{}}
	r.window = window{src: src, line: 1, col: 1, buf: make([]byte, 0, 64<<10)}
	for n := 0; ; n++ {
		if n&255 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		more, err := r.next()
		if err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if len(r.open) > 0 {
		return r.errorf("the document ends inside <%s>", r.open[len(r.open)-1].name)
	}
	if !r.root {
		return r.errorf("the document has no element")
	}
	return nil
}

// next reads one piece of text or one piece of markup.
func (r *xmlReader) next() (bool, error) {
	if !r.need(1) {
		return false, r.err
	}
	b := r.rest()
	if b[0] != '<' {
		r.begun = true
		return true, r.chars()
	}
	r.need(9)
	b = r.rest()
	first := !r.begun
	r.begun = true
	switch {
	case bytes.HasPrefix(b, []byte("<!--")):
		return true, r.comment()
	case bytes.HasPrefix(b, []byte("<![CDATA[")):
		if len(r.open) == 0 {
			return false, r.errorf("text outside of the document's element")
		}
		r.take(9)
		return true, r.cdata()
	case bytes.HasPrefix(b, []byte("<?")):
		return true, r.instruction(first)
	case bytes.HasPrefix(b, []byte("<!")):
		return true, r.doctype()
	case bytes.HasPrefix(b, []byte("</")):
		return true, r.endTag()
	}
	return true, r.startTag()
}

// chars reads text up to the next markup, or as much of it as the window holds.
func (r *xmlReader) chars() error {
	b := r.rest()
	if b[0] == '&' {
		pos := r.pos()
		end := bytes.IndexByte(b, ';')
		for end < 0 && len(b) < 64 && r.more() {
			b = r.rest()
			end = bytes.IndexByte(b, ';')
		}
		out, n, err := r.reference(b, r.inline[:0]) // an entity may be longer
		if err != nil {
			return err
		}
		r.take(n)
		return r.emit(out, pos, false)
	}
	end := bytes.IndexByte(b, '<')
	if amp := bytes.IndexByte(b[:max(end, 0)], '&'); amp >= 0 {
		end = amp
	} else if end < 0 {
		end = bytes.IndexByte(b, '&')
	}
	if end < 0 {
		if end = r.whole(b); end == 0 {
			if r.more() {
				return nil
			}
			if end = len(b); r.err != nil {
				return r.err
			}
		}
	}
	pos := r.pos()
	chunk := b[:end]
	if bytes.Contains(chunk, []byte("]]>")) {
		return r.errorf("]]> in text")
	}
	err := r.emit(chunk, pos, true)
	r.take(end)
	return err
}

// whole gives how much of b ends at a character's end and before what belongs together.
func (r *xmlReader) whole(b []byte) int {
	n := len(b)
	for n > 0 && len(b)-n < 3 && (b[n-1] == ']' || b[n-1] == '\r') {
		n--
	}
	if n > 0 && b[n-1] >= 0x80 {
		for i := 1; i <= 4 && i <= n; i++ {
			if b[n-i]&0xC0 == 0xC0 {
				return n - i
			}
		}
	}
	return n
}

func (r *xmlReader) emit(b []byte, pos Pos, raw bool) error {
	if raw {
		if err := r.legal(b); err != nil {
			return err
		}
		b = lineEnds(b)
	}
	if len(r.open) == 0 {
		if len(bytes.TrimLeft(b, " \t\r\n")) > 0 || !raw {
			return r.errorf("text outside of the document's element")
		}
		return nil
	}
	r.to.text(b, pos)
	return nil
}

// lineEnds turns \r\n and \r into \n, in place.
func lineEnds(b []byte) []byte {
	if bytes.IndexByte(b, '\r') < 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	for i, c := range b {
		if c == '\r' {
			if i+1 < len(b) && b[i+1] == '\n' {
				continue
			}
			c = '\n'
		}
		out = append(out, c)
	}
	return out
}

func (r *xmlReader) cdata() error {
	for {
		b := r.rest()
		if end := bytes.Index(b, []byte("]]>")); end >= 0 {
			if end > 0 {
				if err := r.emit(b[:end], r.pos(), true); err != nil {
					return err
				}
			}
			r.take(end + 3)
			return nil
		}
		if n := r.whole(b); n > 0 {
			if err := r.emit(b[:n], r.pos(), true); err != nil {
				return err
			}
			r.take(n)
		}
		if !r.more() {
			return r.errorf("CDATA section without end")
		}
	}
}

func (r *xmlReader) comment() error {
	r.take(4)
	for {
		b := r.rest()
		if end := bytes.Index(b, []byte("--")); end >= 0 && end+2 < len(b) {
			if b[end+2] != '>' {
				return r.errorf("-- inside a comment")
			}
			if err := r.legal(b[:end]); err != nil {
				return err
			}
			r.take(end + 3)
			return nil
		}
		if n := r.whole(b) - 2; n > 0 {
			for n > 0 && b[n]&0xC0 == 0x80 {
				n--
			}
			if err := r.legal(b[:n]); err != nil {
				return err
			}
			r.take(n)
		}
		if !r.more() {
			return r.errorf("comment without end")
		}
	}
}

func (r *xmlReader) instruction(first bool) error {
	end, ok := r.find("?>")
	if !ok {
		return r.errorf("processing instruction without end")
	}
	if end < 2 { // <?>: the end is no other place than the beginning
		return r.errorf("processing instruction without a name")
	}
	b := r.rest()[2:end]
	name := b
	if i := bytes.IndexAny(b, " \t\r\n"); i >= 0 {
		name = b[:i]
	}
	if !isToken(name, true, false) {
		return r.errorf("processing instruction without a name")
	}
	if strings.EqualFold(string(name), "xml") && (!first || string(name) != "xml") {
		return r.errorf("the XML declaration stands at the beginning of a document only")
	}
	if err := r.legal(b); err != nil {
		return err
	}
	r.take(end + 2)
	return nil
}
