package mapping

import (
	"strconv"
	"strings"

	"github.com/antchfx/xpath"
	"github.com/beevik/etree"
)

// walk follows a plain path. It notes the first hit, counts the hits up to limit, and
// keeps the elements if keep is set.
type walk struct {
	first *etree.Element
	attr  *etree.Attr
	n     int
	limit int
	keep  bool
	found []*etree.Element
}

func (w *walk) run(root, e *etree.Element, steps []pathStep) {
	if len(steps) == 0 {
		w.hit(e, nil)
		return
	}
	s := &steps[0]
	switch s.kind {
	case stepParent:
		if e != root && e.Parent() != nil {
			w.run(root, e.Parent(), steps[1:])
		}
	case stepAttr:
		for i := range e.Attr {
			a := &e.Attr[i]
			if a.Key != s.local || isNamespaceDecl(a) {
				continue
			}
			if s.bound && a.NamespaceURI() != s.space {
				continue
			}
			w.hit(e, a)
		}
	default:
		for _, t := range e.Child {
			c, ok := t.(*etree.Element)
			if !ok || s.kind == stepChild && (c.Tag != s.local || s.bound && c.NamespaceURI() != s.space) {
				continue
			}
			if w.run(root, c, steps[1:]); w.n >= w.limit {
				return
			}
		}
	}
}

func (w *walk) hit(e *etree.Element, a *etree.Attr) {
	if a == nil && isNil(e) {
		return
	}
	if w.n++; w.n == 1 {
		w.first, w.attr = e, a
	}
	if w.keep {
		w.found = append(w.found, e)
	}
}

func isNamespaceDecl(a *etree.Attr) bool {
	return a.Space == "xmlns" || a.Space == "" && a.Key == "xmlns"
}

func (p *inputPath) start(root, cur *etree.Element) *etree.Element {
	if p.absolute {
		return root
	}
	return cur
}

// text gives the text of the node that p finds; n is how many nodes were found, 2
// standing for more than one. A function that gives a text, a number or a truth counts as one.
func (p *inputPath) text(root, cur *etree.Element) (text string, n int) {
	if p.exprs == nil {
		w := walk{limit: 2}
		w.run(root, p.start(root, cur), p.steps)
		switch {
		case w.n == 0:
			return "", 0
		case w.attr != nil:
			return bare(w.attr.Value), w.n
		}
		return textOf(w.first), w.n
	}
	e := p.exprs.Get().(*xpath.Expr)
	defer p.exprs.Put(e)
	switch v := e.Evaluate(newNavigator(root, cur)).(type) {
	case string:
		return v, 1
	case bool:
		return strconv.FormatBool(v), 1
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), 1
	case *xpath.NodeIterator:
		var first navigator
		for v.MoveNext() {
			nav := v.Current().(*navigator)
			if nav.isNull() || n > 0 && nav.same(&first) {
				continue
			}
			if n++; n == 1 {
				first = *nav
				text = nav.Value()
			} else {
				return text, n
			}
		}
	}
	return text, n
}

// elements appends the elements that p finds to into, without nulls and repetitions.
func (p *inputPath) elements(root, cur *etree.Element, into []*etree.Element) []*etree.Element {
	if p.exprs == nil {
		w := walk{limit: int(^uint(0) >> 1), keep: true, found: into}
		w.run(root, p.start(root, cur), p.steps)
		return w.found
	}
	e := p.exprs.Get().(*xpath.Expr)
	defer p.exprs.Put(e)
	it, ok := e.Evaluate(newNavigator(root, cur)).(*xpath.NodeIterator)
	if !ok {
		return into
	}
	seen := map[*etree.Element]bool{}
	for it.MoveNext() {
		nav := it.Current().(*navigator)
		if nav.attr >= 0 || nav.child >= 0 || nav.isNull() || seen[nav.cur] {
			continue
		}
		seen[nav.cur] = true
		into = append(into, nav.cur)
	}
	return into
}

// texts calls f with the text of every node that p finds.
func (p *inputPath) texts(root, cur *etree.Element, f func(string)) {
	if p.exprs != nil {
		x := p.exprs.Get().(*xpath.Expr)
		defer p.exprs.Put(x)
		it, ok := x.Evaluate(newNavigator(root, cur)).(*xpath.NodeIterator)
		if !ok {
			s, _ := p.text(root, cur)
			f(s)
			return
		}
		seen := map[navigator]bool{}
		for it.MoveNext() {
			nav := it.Current().(*navigator)
			if !nav.isNull() && !seen[*nav] {
				seen[*nav] = true
				f(nav.Value())
			}
		}
		return
	}
	if p.endsInAttribute() {
		up := inputPath{absolute: p.absolute, steps: p.steps[:len(p.steps)-1]}
		last := inputPath{steps: p.steps[len(p.steps)-1:]}
		for _, e := range up.elements(root, cur, nil) {
			if s, n := last.text(root, e); n > 0 {
				f(s)
			}
		}
		return
	}
	for _, e := range p.elements(root, cur, nil) {
		f(textOf(e))
	}
}

// count is how many nodes p finds.
func (p *inputPath) count(root, cur *etree.Element) int {
	n := 0
	p.texts(root, cur, func(string) { n++ })
	return n
}

// textOf is the value of an element: all text in it, bare.
func textOf(e *etree.Element) string {
	if len(e.Child) == 1 {
		if c, ok := e.Child[0].(*etree.CharData); ok {
			return bare(c.Data)
		}
	}
	if len(e.Child) == 0 {
		return ""
	}
	var b strings.Builder
	appendText(&b, e)
	return bare(b.String())
}

// bare drops the white space around a value. To a schema <gross> true </gross> is true, so
// it must be to whatever decides by it.
func bare(s string) string {
	if s == "" || s[0] > ' ' && s[len(s)-1] > ' ' {
		return s
	}
	return strings.Trim(s, " \t\r\n")
}

func appendText(b *strings.Builder, e *etree.Element) {
	for _, t := range e.Child {
		switch c := t.(type) {
		case *etree.CharData:
			b.WriteString(c.Data)
		case *etree.Element:
			appendText(b, c)
		}
	}
}
