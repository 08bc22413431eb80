package mapping

import "github.com/beevik/etree"

// repeat runs f in the scope of a group or a repeated field, for each of its nodes.
func (st *state) repeat(f *field, do func() *Hold) *Hold {
	b := f.inner
	return st.eachOf(b, func() *Hold {
		if f.group && f.when != nil {
			if yes, ref := f.when.truth(st); ref != nil {
				return st.fail(f, ref)
			} else if !yes {
				return nil
			}
		}
		if b.when != nil {
			if yes, ref := b.when.truth(st); ref != nil {
				return st.fail(f, ref)
			} else if !yes {
				return nil
			}
		}
		if !b.counts {
			return do()
		}
		st.where = st.records + 1
		h := do()
		st.records++
		return h
	})
}

// eachOf runs do for each node of the block, in a scope of its own.
func (st *state) eachOf(b *block, do func() *Hold) *Hold {
	in := func(cur *etree.Element, pos int, att *Attachment) *Hold {
		st.push(cur, pos, att, b)
		defer st.pop()
		return do()
	}
	switch {
	case b.each == nil:
		return in(st.scope.cur, st.scope.pos, nil)
	case b.each.attachments:
		for i := range st.env.Attachments {
			if h := in(st.scope.cur, i+1, &st.env.Attachments[i]); h != nil {
				return h
			}
		}
		return nil
	}
	base := len(st.nodes)
	st.nodes = b.each.path.elements(st.root, st.scope.cur, st.nodes)
	end := len(st.nodes)
	for i := base; i < end; i++ {
		if h := in(st.nodes[i], i-base+1, nil); h != nil {
			return h
		}
	}
	st.nodes = st.nodes[:base]
	return nil
}
