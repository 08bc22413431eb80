package mapping

import "unicode/utf8"

// json writes the document.
func (st *state) json(b *block) *Hold {
	if len(b.tree.kids) == 1 && b.tree.kids[0].name == "" { // each at the top: an array
		if _, h := st.array(b.tree.kids[0], 0); h != nil {
			return h
		}
		if len(st.out) == 0 {
			st.out = append(st.out, "[]"...)
		}
	} else if _, h := st.object(b.tree, 0, true); h != nil {
		return h
	}
	st.out = append(st.out, '\n')
	return nil
}

// object writes the members that have a value; without one it writes nothing, unless keep.
func (st *state) object(n *tnode, depth int, keep bool) (wrote bool, h *Hold) {
	start := len(st.out)
	st.out = append(st.out, '{')
	for i := 0; i < len(n.kids); i++ {
		k := n.kids[i]
		at := len(st.out)
		if wrote {
			st.out = append(st.out, ',')
		}
		st.newline(depth + 1)
		st.out = appendJSONString(st.out, k.name)
		st.out = append(st.out, ':')
		if st.m.out.indent {
			st.out = append(st.out, ' ')
		}
		var some bool
		if k.index > 0 {
			some, i, h = st.indexed(n.kids, i, depth+1)
		} else {
			some, h = st.member(k, depth+1)
		}
		if h != nil {
			return false, h
		}
		if !some {
			st.out = st.out[:at]
		}
		wrote = wrote || some
	}
	if !wrote && !keep {
		st.out = st.out[:start]
		return false, nil
	}
	if wrote {
		st.newline(depth)
	}
	st.out = append(st.out, '}')
	return true, nil
}

// indexed writes name[1], name[2] … as one array; last is the index of the last of them.
func (st *state) indexed(kids []*tnode, i, depth int) (wrote bool, last int, h *Hold) {
	start := len(st.out)
	st.out = append(st.out, '[')
	last = i
	for ; last < len(kids) && kids[last].name == kids[i].name && kids[last].index > 0; last++ {
		at := len(st.out)
		if wrote {
			st.out = append(st.out, ',')
		}
		st.newline(depth + 1)
		some, h := st.member(kids[last], depth+1)
		if h != nil {
			return false, last, h
		}
		if !some {
			st.out = st.out[:at]
		}
		wrote = wrote || some
	}
	if !wrote {
		st.out = st.out[:start]
		return false, last - 1, nil
	}
	st.newline(depth)
	st.out = append(st.out, ']')
	return true, last - 1, nil
}

// member writes the value of one place.
func (st *state) member(n *tnode, depth int) (wrote bool, h *Hold) {
	switch {
	case n.f == nil:
		return st.object(n, depth, false)
	case n.f.each != nil:
		return st.array(n, depth)
	case n.f.inner != nil:
		h = st.repeat(n.f, func() *Hold {
			var h *Hold
			wrote, h = st.item(n.f, depth)
			return h
		})
		return wrote, h
	}
	return st.item(n.f, depth)
}

func (st *state) array(n *tnode, depth int) (wrote bool, h *Hold) {
	start := len(st.out)
	st.out = append(st.out, '[')
	h = st.repeat(n.f, func() *Hold {
		at := len(st.out)
		if wrote {
			st.out = append(st.out, ',')
		}
		st.newline(depth + 1)
		some, h := st.item(n.f, depth+1)
		if h != nil {
			return h
		}
		if !some {
			st.out = st.out[:at]
		}
		wrote = wrote || some
		return nil
	})
	switch {
	case h != nil:
		return false, h
	case !wrote && n.f.ifEmpty.rule != ruleKeep:
		st.out = st.out[:start]
		return false, st.none(n.f)
	case wrote:
		st.newline(depth)
	}
	st.out = append(st.out, ']')
	return true, nil
}

// item writes one value in the current scope.
func (st *state) item(f *field, depth int) (bool, *Hold) {
	if f.group {
		return st.object(f.inner.tree, depth, f.ifEmpty.rule == ruleKeep && f.each == nil)
	}
	text, absent, h := st.leaf(f)
	if h != nil || absent {
		return false, h
	}
	if text == "" && (f.ifEmpty.rule == ruleNull || f.typ != "string") {
		st.out = append(st.out, "null"...)
		return true, nil
	}
	switch f.typ {
	case "number", "integer":
		d, err := ParseDecimal(text)
		if err == nil && f.typ == "integer" {
			d, err = exactly(d, 0)
		}
		if err != nil {
			return false, st.fail(f, notANumber(err).with(text))
		}
		st.out = d.append(st.out, '.')
	case "boolean":
		switch text {
		case "true", "1":
			st.out = append(st.out, "true"...)
		case "false", "0":
			st.out = append(st.out, "false"...)
		default:
			return false, st.fail(f, refused("true or false").with(text))
		}
	default:
		if !utf8.ValidString(text) {
			return false, st.fail(f, (&refusal{code: CodeCharacter, message: "the value is not valid UTF-8"}).with(text))
		}
		st.out = appendJSONString(st.out, text)
	}
	return true, nil
}

const hex = "0123456789abcdef"

// appendJSONString quotes s; letters stay as they are, as UTF-8.
func appendJSONString(b []byte, s string) []byte {
	b = append(b, '"')
	plain := 0
	for i := 0; i < len(s); i++ {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c != 0x7F {
			continue
		}
		b = append(b, s[plain:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		}
		plain = i + 1
	}
	b = append(b, s[plain:]...)
	return append(b, '"')
}
