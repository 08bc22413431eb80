package mapping

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// xmlHead is the part of the root tag that never changes.
func (c *compiler) xmlHead() {
	out, used := &c.m.out, map[string]bool{}
	for _, b := range c.m.blocks {
		if b.tree != nil {
			usedPrefixes(b.tree, used)
			out.nil = out.nil || hasNull(b.tree)
		}
	}
	if prefix, _, ok := splitName(out.root); ok {
		used[prefix] = true
	}
	var b strings.Builder
	fmt.Fprintf(&b, "<?xml version=\"1.0\" encoding=%q", strings.ToUpper(out.cs.name))
	if out.standalone {
		b.WriteString(` standalone="yes"`)
	}
	b.WriteString("?>\n<" + out.root)
	attr := func(name, value string) {
		b.WriteString(" " + name + `="`)
		b.Write(must(appendEscaped(nil, &out.cs, value, true)))
		b.WriteByte('"')
	}
	if out.namespace != "" {
		attr("xmlns", out.namespace)
	}
	for _, p := range c.m.prefixes {
		if used[p] {
			attr("xmlns:"+p, c.ns[p])
		}
	}
	if out.nil {
		attr("xmlns:xsi", "http://www.w3.org/2001/XMLSchema-instance")
	}
	if out.location != "" {
		attr("xsi:schemaLocation", out.location)
	}
	c.m.head = b.String()
}

func must(b []byte, _ rune) []byte { return b }

// xml writes the document.
func (st *state) xml(b *block) *Hold {
	st.out = append(st.out, st.m.head...)
	if _, h := st.element(b.tree, st.m.out.root, 0); h != nil {
		return h
	}
	st.out = append(st.out, '\n')
	return nil
}

func (st *state) newline(depth int) {
	if st.m.out.indent {
		st.out = append(st.out, '\n')
		for range depth {
			st.out = append(st.out, ' ', ' ')
		}
	}
}

// element writes attributes, content and the end tag of an element whose start tag is
// open. wrote says whether there is anything in it: a constant attribute (the listURI of a
// code) is nothing where the content is missing.
func (st *state) element(n *tnode, name string, depth int) (wrote bool, h *Hold) {
	for _, a := range n.attrs {
		text, absent, h := st.leaf(a.f)
		if h != nil {
			return false, h
		}
		if absent {
			continue
		}
		st.out = append(st.out, ' ')
		st.out = append(st.out, a.name...)
		st.out = append(st.out, '=', '"')
		if h := st.escaped(a.f, text, true); h != nil {
			return false, h
		}
		st.out = append(st.out, '"')
		wrote = wrote || !a.f.constant || len(n.kids) == 0
	}
	st.out = append(st.out, '>')
	open := len(st.out)
	block := false
	for _, k := range n.kids {
		if k.name == textName {
			text, absent, h := st.leaf(k.f)
			if h != nil {
				return false, h
			}
			if !absent {
				if h := st.escaped(k.f, text, false); h != nil {
					return false, h
				}
				wrote = true
			}
			continue
		}
		some, h := st.child(k, depth+1)
		if h != nil {
			return false, h
		}
		block = block || some
	}
	if len(st.out) == open {
		st.out = append(st.out[:open-1], '/', '>')
		return wrote || block, nil
	}
	if block {
		st.newline(depth)
	}
	st.endTag(name)
	return wrote || block, nil
}

func (st *state) endTag(name string) {
	st.out = append(st.out, '<', '/')
	st.out = append(st.out, name...)
	st.out = append(st.out, '>')
}

func (st *state) startTag(name string, depth int) {
	st.newline(depth)
	st.out = append(st.out, '<')
	st.out = append(st.out, name...)
}

// child writes one place of the tree: once, for each node, or not at all.
func (st *state) child(n *tnode, depth int) (wrote bool, h *Hold) {
	if n.f == nil || n.f.inner == nil {
		return st.one(n, depth)
	}
	h = st.repeat(n.f, func() *Hold {
		some, h := st.one(n, depth)
		wrote = wrote || some
		return h
	})
	if h == nil && !wrote {
		h = st.none(n.f)
	}
	return wrote, h
}

// none complains about a required repetition of which nothing came.
func (st *state) none(f *field) *Hold {
	if f.required && f.each != nil {
		return st.fail(f, &refusal{code: CodeRequired, message: "at least one is required, but " + f.each.text + " gives none"})
	}
	return nil
}

// one writes an element; if nothing is in it, it takes it back.
func (st *state) one(n *tnode, depth int) (bool, *Hold) {
	start := len(st.out)
	f := n.f
	if f != nil && !f.group {
		text, absent, h := st.leaf(f)
		if h != nil || absent {
			return false, h
		}
		st.startTag(n.name, depth)
		switch {
		case text == "" && f.ifEmpty.rule == ruleNull:
			st.out = append(st.out, ` xsi:nil="true"/>`...)
			return true, nil
		case text == "":
			st.out = append(st.out, '/', '>')
			return true, nil
		}
		st.out = append(st.out, '>')
		if h := st.escaped(f, text, false); h != nil {
			return false, h
		}
		st.endTag(n.name)
		return true, nil
	}
	st.startTag(n.name, depth)
	content := n
	keep := false
	if f != nil {
		content, keep = f.inner.tree, f.ifEmpty.rule == ruleKeep
	}
	wrote, h := st.element(content, n.name, depth)
	if h == nil && !wrote && !keep {
		st.out = st.out[:start]
	}
	return wrote || keep, h
}

func (st *state) escaped(f *field, s string, attr bool) *Hold {
	out, bad := appendEscaped(st.out, &st.m.out.cs, s, attr)
	if bad != fits {
		return st.fail(f, badCharacter("cannot stand in XML", string(bad)).with(s))
	}
	st.out = out
	return nil
}

// appendEscaped writes text so that a parser gives back exactly s: what it would
// normalise or what the encoding lacks goes as a character reference. What no XML can
// hold is given back, fits if there is nothing such.
func appendEscaped(b []byte, cs *charset, s string, attr bool) ([]byte, rune) {
	plain := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 || r == 0xFFFE || r == 0xFFFF {
				return b, r
			}
			if cs.utf8 && r != 0x85 && r != 0x2028 {
				i += size
				continue
			}
			b = append(b, s[plain:i]...)
			if x, ok := cs.byteOf(r); ok {
				b = append(b, x)
			} else {
				b = append(b, "&#"...)
				b = strconv.AppendInt(b, int64(r), 10)
				b = append(b, ';')
			}
			i += size
			plain = i
			continue
		}
		var ref string
		switch c {
		case '<':
			ref = "&lt;"
		case '>':
			ref = "&gt;"
		case '&':
			ref = "&amp;"
		case '\r':
			ref = "&#13;"
		case '"':
			if attr {
				ref = "&quot;"
			}
		case '\n':
			if attr {
				ref = "&#10;"
			}
		case '\t':
			if attr {
				ref = "&#9;"
			}
		default:
			if c < ' ' {
				return b, rune(c)
			}
		}
		if ref != "" {
			b = append(b, s[plain:i]...)
			b = append(b, ref...)
			plain = i + 1
		}
		i++
	}
	return append(b, s[plain:]...), fits
}

// byteOf is the single byte of a character, if the encoding has one.
func (c *charset) byteOf(r rune) (byte, bool) {
	if c.utf8 {
		return 0, false
	}
	return c.enc(r)
}
