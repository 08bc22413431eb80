package mapping

import (
	"strings"

	"github.com/antchfx/xpath"
	"github.com/beevik/etree"
)

// navigator shows an etree to antchfx/xpath. The root element takes the place of the
// document node, so that /halter/name starts at its children. Prefixes are always
// empty and namespaces real: a step without a prefix meets any namespace. Comments and
// processing instructions are not there; neighbouring text and CDATA are one text node.
type navigator struct {
	root, cur *etree.Element
	child     int // index of a text node in cur.Child, or -1
	attr      int // index of an attribute in cur.Attr, or -1
}

func newNavigator(root, cur *etree.Element) *navigator {
	return &navigator{root: root, cur: cur, child: -1, attr: -1}
}

func (n *navigator) same(o *navigator) bool { return *n == *o }

func (n *navigator) isNull() bool { return n.child < 0 && n.attr < 0 && isNil(n.cur) }

func (n *navigator) NodeType() xpath.NodeType {
	switch {
	case n.attr >= 0:
		return xpath.AttributeNode
	case n.child >= 0:
		return xpath.TextNode
	case n.cur == n.root:
		return xpath.RootNode
	}
	return xpath.ElementNode
}

func (n *navigator) LocalName() string {
	switch {
	case n.attr >= 0:
		return n.cur.Attr[n.attr].Key
	case n.child >= 0:
		return ""
	}
	return n.cur.Tag
}

func (n *navigator) Prefix() string { return "" }

// NamespaceURL is looked for by antchfx/xpath when a step has a bound prefix.
func (n *navigator) NamespaceURL() string {
	switch {
	case n.attr >= 0:
		return n.cur.Attr[n.attr].NamespaceURI()
	case n.child >= 0:
		return ""
	}
	return n.cur.NamespaceURI()
}

func (n *navigator) Value() string {
	switch {
	case n.attr >= 0:
		return bare(n.cur.Attr[n.attr].Value)
	case n.child >= 0:
		var b strings.Builder
		for _, t := range n.cur.Child[n.child:] {
			c, ok := t.(*etree.CharData)
			if !ok {
				break
			}
			b.WriteString(c.Data)
		}
		return b.String()
	}
	return textOf(n.cur)
}

func (n *navigator) Copy() xpath.NodeNavigator {
	c := *n
	return &c
}

func (n *navigator) MoveToRoot() { n.cur, n.child, n.attr = n.root, -1, -1 }

func (n *navigator) MoveToParent() bool {
	if n.attr >= 0 || n.child >= 0 {
		n.attr, n.child = -1, -1
		return true
	}
	if n.cur == n.root || n.cur.Parent() == nil {
		return false
	}
	n.cur = n.cur.Parent()
	return true
}

func (n *navigator) MoveToNextAttribute() bool {
	if n.child >= 0 {
		return false
	}
	for i := n.attr + 1; i < len(n.cur.Attr); i++ {
		if !isNamespaceDecl(&n.cur.Attr[i]) {
			n.attr = i
			return true
		}
	}
	return false
}

func (n *navigator) MoveToChild() bool {
	if n.attr >= 0 || n.child >= 0 {
		return false
	}
	return n.forward(n.cur, 0)
}

// forward stands on the first element or text of e from token i on.
func (n *navigator) forward(e *etree.Element, i int) bool {
	for ; i < len(e.Child); i++ {
		switch c := e.Child[i].(type) {
		case *etree.Element:
			n.cur, n.child = c, -1
			return true
		case *etree.CharData:
			if i > 0 {
				if _, text := e.Child[i-1].(*etree.CharData); text {
					continue
				}
			}
			n.cur, n.child = e, i
			return true
		}
	}
	return false
}

// place is the parent and the token index of the current element or text.
func (n *navigator) place() (*etree.Element, int, bool) {
	switch {
	case n.attr >= 0:
		return nil, 0, false
	case n.child >= 0:
		return n.cur, n.child, true
	case n.cur == n.root || n.cur.Parent() == nil:
		return nil, 0, false
	}
	return n.cur.Parent(), n.cur.Index(), true
}

func (n *navigator) MoveToFirst() bool {
	e, _, ok := n.place()
	return ok && n.forward(e, 0)
}

func (n *navigator) MoveToNext() bool {
	e, i, ok := n.place()
	return ok && n.forward(e, i+1)
}

func (n *navigator) MoveToPrevious() bool {
	e, i, ok := n.place()
	if !ok {
		return false
	}
	for i--; i >= 0; i-- {
		switch c := e.Child[i].(type) {
		case *etree.Element:
			n.cur, n.child = c, -1
			return true
		case *etree.CharData:
			if i > 0 {
				if _, text := e.Child[i-1].(*etree.CharData); text {
					continue
				}
			}
			n.cur, n.child = e, i
			return true
		}
	}
	return false
}

func (n *navigator) MoveTo(o xpath.NodeNavigator) bool {
	x, ok := o.(*navigator)
	if !ok || x.root != n.root {
		return false
	}
	*n = *x
	return true
}
