package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// tnode is one place in the tree of a target document: an element, an attribute or the
// text of an XML document, a member of a JSON document.
type tnode struct {
	name  string
	index int    // name[2]: which of several of this name; 0: the only one
	f     *field // leaf or group; nil: a place that other targets go through
	attrs []*tnode
	kids  []*tnode
}

// textName is the target that is the text of the element itself.
const textName = "."

// tree arranges the fields of a block; targets that share a beginning share its places.
func (c *compiler) tree(b *block) *tnode {
	top := &tnode{}
	for _, f := range b.fields {
		if err := c.plant(top, f); err != nil {
			c.r.findings = append(c.r.findings, Finding{File: c.m.Path, Line: f.line, Column: 1, Message: fmt.Sprintf("%s: %v", f.target, err)})
		}
	}
	return top
}

func (c *compiler) plant(at *tnode, f *field) error {
	segments, err := c.segments(f.target)
	if err != nil {
		return err
	}
	for i, s := range segments {
		last := i == len(segments)-1
		list := &at.kids
		if strings.HasPrefix(s.name, "@") && c.m.Format == XML {
			if !last || f.group || f.each != nil {
				return fmt.Errorf("an attribute has nothing below it and is not repeated")
			}
			s.name = s.name[1:]
			list = &at.attrs
		}
		if s.name == textName && (f.group || f.each != nil) {
			return fmt.Errorf("the text of an element has nothing below it and is not repeated")
		}
		j := slices.IndexFunc(*list, func(n *tnode) bool { return n.name == s.name && n.index == s.index })
		switch {
		case j < 0:
			n := &tnode{name: s.name, index: s.index}
			if last {
				n.f = f
			}
			*list = place(*list, n)
			at = n
		case last && c.m.Format == XML && (*list)[j].f == nil && f.inner == nil && !(*list)[j].hasText():
			(*list)[j].kids = slices.Insert((*list)[j].kids, 0, &tnode{name: textName, f: f})
		case !last && c.m.Format == XML && (*list)[j].f != nil && (*list)[j].f.inner == nil:
			at = (*list)[j] // a value that gets attributes: it becomes the text
			at.kids, at.f = []*tnode{{name: textName, f: at.f}}, nil
		case last || (*list)[j].f != nil:
			return fmt.Errorf("the target is given twice, or is a value that has targets below it")
		default:
			at = (*list)[j]
		}
	}
	return nil
}

func (n *tnode) hasText() bool {
	return slices.ContainsFunc(n.kids, func(k *tnode) bool { return k.name == textName })
}

// place puts a node at the end, but one of several of the same name behind its like.
func place(list []*tnode, n *tnode) []*tnode {
	if n.index > 0 {
		for i := len(list) - 1; i >= 0; i-- {
			if list[i].name == n.name && list[i].index > 0 {
				return slices.Insert(list, i+1, n)
			}
		}
	}
	return append(list, n)
}

type segment struct {
	name  string
	index int
}

// segments parts a target path.
func (c *compiler) segments(target string) ([]segment, error) {
	if c.m.Format == JSON && target == "" {
		return []segment{{}}, nil
	}
	if target == textName && c.m.Format == XML {
		return []segment{{name: textName}}, nil
	}
	var out []segment
	var b strings.Builder
	flush := func() error {
		s := segment{name: b.String()}
		b.Reset()
		if open := strings.IndexByte(s.name, '['); open > 0 && strings.HasSuffix(s.name, "]") {
			n, err := strconv.Atoi(s.name[open+1 : len(s.name)-1])
			if err != nil || n < 1 || n > 1000 {
				return fmt.Errorf("%s is not name[1], name[2], …", s.name)
			}
			s.name, s.index = s.name[:open], n
		}
		if c.m.Format == XML && s.name != textName && !c.targetName(strings.TrimPrefix(s.name, "@")) {
			return fmt.Errorf("%s", c.badName(strings.TrimPrefix(s.name, "@")))
		}
		if s.name == "" {
			return fmt.Errorf("a step of the target is empty")
		}
		out = append(out, s)
		return nil
	}
	for i := 0; i < len(target); i++ {
		switch ch := target[i]; {
		case c.m.Format == JSON && ch == '\\' && i+1 < len(target):
			i++
			b.WriteByte(target[i])
		case ch == '/' || c.m.Format == JSON && ch == '.':
			if err := flush(); err != nil {
				return nil, err
			}
		default:
			b.WriteByte(ch)
		}
	}
	return out, flush()
}

// usedPrefixes lists the prefixes of a tree's names.
func usedPrefixes(n *tnode, into map[string]bool) {
	if prefix, _, ok := splitName(n.name); ok && prefix != "" {
		into[prefix] = true
	}
	for _, a := range n.attrs {
		usedPrefixes(a, into)
	}
	for _, k := range n.kids {
		usedPrefixes(k, into)
	}
	if n.f != nil && n.f.inner != nil && n.f.inner.tree != nil {
		usedPrefixes(n.f.inner.tree, into)
	}
}

// hasNull reports a leaf that may become xsi:nil.
func hasNull(n *tnode) bool {
	if n.f != nil && (n.f.ifEmpty.rule == ruleNull || n.f.inner != nil && n.f.inner.tree != nil && hasNull(n.f.inner.tree)) {
		return true
	}
	return slices.ContainsFunc(n.kids, hasNull)
}
