package xsd

import (
	"context"
	"io"
	"strings"
)

// node is an element of a schema document.
type node struct {
	name  Name
	attrs []Attr
	ns    *scope
	kids  []*node
	text  string // of elements that have text, outside of annotations: none is allowed
	at    where
	doc   *document
	redef *global // the definition this is part of redefines that one
}

// document is one schema document, read once for each target namespace it is included into.
type document struct {
	file      string
	root      *node
	target    string
	chameleon bool // has no namespace of its own and took on the including one's
	unit      int  // documents that include each other make one unit
	elemForm  bool // elementFormDefault is qualified
	attrForm  bool
	block     derivation
	final     derivation
	imports   map[string]bool
	ids       map[string]bool
}

func (n *node) attr(local string) (string, bool) {
	for i := range n.attrs {
		if n.attrs[i].Name.Local == local && n.attrs[i].Name.Space == "" {
			return n.attrs[i].Value, true
		}
	}
	return "", false
}

// token is an attribute's value without the blanks around it; "" if it is absent.
func (n *node) token(local string) string {
	s, _ := n.attr(local)
	return strings.Join(strings.Fields(s), " ")
}

func (n *node) has(local string) bool {
	_, ok := n.attr(local)
	return ok
}

// is tells whether n is the schema element of that name.
func (n *node) is(local string) bool { return n.name.Local == local && n.name.Space == schemaSpace }

// child gives the first child of that name, nil if there is none.
func (n *node) child(locals ...string) *node {
	for _, k := range n.kids {
		for _, l := range locals {
			if k.is(l) {
				return k
			}
		}
	}
	return nil
}

// tree builds nodes from a document. The content of annotations is not kept.
type tree struct {
	file  string
	root  *node
	stack []*node
	skip  int // open elements inside of documentation or appinfo
}

func readTree(ctx context.Context, file string, in io.Reader) (*node, error) {
	t := &tree{file: file}
	if err := readXML(ctx, in, t); err != nil {
		return nil, err
	}
	return t.root, nil
}

func (t *tree) start(name Name, attrs []Attr, ns *scope, pos Pos) {
	if t.skip > 0 {
		t.skip++
		return
	}
	n := &node{name: name, ns: ns, at: where{t.file, pos.Line, pos.Col}}
	n.attrs = append(n.attrs, attrs...)
	if len(t.stack) == 0 {
		t.root = n
	} else {
		up := t.stack[len(t.stack)-1]
		up.kids = append(up.kids, n)
	}
	t.stack = append(t.stack, n)
	if n.is("documentation") || n.is("appinfo") {
		t.skip = 1
	}
}

func (t *tree) text(data []byte, _ Pos) {
	if t.skip == 0 {
		n := t.stack[len(t.stack)-1]
		if s := strings.TrimSpace(string(data)); n.text == "" && s != "" {
			n.text = s
		}
	}
}

func (t *tree) end(Pos) {
	if t.skip > 1 {
		t.skip--
		return
	}
	t.skip = 0
	t.stack = t.stack[:len(t.stack)-1]
}

func (t *tree) unparsed(string) {}
