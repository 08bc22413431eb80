package xsd

import (
	"bytes"
	"strings"
)

// Bounds of the entities a document may declare.
const (
	maxEntities = 200
	maxEntity   = 1_000
)

// doctype passes a DOCTYPE. Of a DTD it reads the entities of the internal subset: the unparsed ones, by
// name, and those that are plain text. Any other is refused where it is used.
func (r *xmlReader) doctype() error {
	if r.root || !bytes.HasPrefix(r.rest(), []byte("<!DOCTYPE")) {
		return r.errorf("a declaration is not allowed here")
	}
	depth, quote := 0, byte(0)
	for i := 0; ; i++ {
		for i >= len(r.rest()) {
			if !r.more() {
				return r.errorf("DOCTYPE without end")
			}
		}
		if r.rest()[i] == '<' && quote == 0 {
			r.need(i + len("<!ENTITY")) // what it begins may reach beyond the window
		}
		b := r.rest()
		c := b[i]
		switch {
		case quote != 0:
			if c == quote {
				quote = 0
			}
		case c == '<' && bytes.HasPrefix(b[i:], []byte("<!--")), c == '<' && bytes.HasPrefix(b[i:], []byte("<?")):
			stop := []byte("-->")
			if b[i+1] == '?' {
				stop = []byte("?>")
			}
			end := bytes.Index(b[i:], stop)
			for end < 0 && r.more() {
				end = bytes.Index(r.rest()[i:], stop)
			}
			if end < 0 {
				return r.errorf("DOCTYPE without end")
			}
			i += end + len(stop) - 1
		case c == '"' || c == '\'':
			quote = c
		case c == '[' || c == '<':
			depth++
			if bytes.HasPrefix(b[i:], []byte("<!ENTITY")) {
				r.need(i + 2*maxEntity)
				if err := r.entity(r.rest()[i+len("<!ENTITY"):]); err != nil {
					return err
				}
			}
		case c == ']':
			depth--
		case c == '>':
			if depth--; depth == 0 {
				err := r.legal(b[:i])
				r.take(i + 1)
				return err
			}
		}
	}
}

// entity reads one declaration; one longer than the window is not kept.
func (r *xmlReader) entity(b []byte) error {
	name, rest := word(b)
	if name == "" || name == "%" {
		return nil // used in the DTD alone, which is not read
	}
	if len(r.entities) >= maxEntities {
		return r.errorf("more than %d entities", maxEntities)
	}
	kind, rest := word(rest)
	switch {
	case kind == "SYSTEM" || kind == "PUBLIC":
		end := bytes.IndexByte(rest, '>')
		f := strings.Fields(string(rest[:max(end, 0)]))
		if len(f) > 2 && f[len(f)-2] == "NDATA" {
			r.to.unparsed(name)
		}
	case kind != "" && (kind[0] == '"' || kind[0] == '\''):
		at := bytes.IndexAny(b, `"'`)
		end := bytes.IndexByte(b[at+1:], b[at])
		if end < 0 || end > maxEntity {
			return nil
		}
		text := b[at+1 : at+1+end]
		if _, known := r.entities[name]; known || bytes.ContainsAny(text, "&<%") || r.legal(text) != nil {
			return nil
		}
		if r.entities == nil {
			r.entities = map[string]string{}
		}
		r.entities[name] = string(text)
	}
	return nil
}

// word gives the next word of b and what follows it.
func word(b []byte) (string, []byte) {
	b = bytes.TrimLeft(b, " \t\r\n")
	end := bytes.IndexAny(b, " \t\r\n>")
	if end < 0 {
		end = len(b)
	}
	return string(b[:end]), b[end:]
}
