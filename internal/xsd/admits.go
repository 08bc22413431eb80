package xsd

import (
	"slices"
	"strings"
)

// Admits tells whether a valid document may have something at a path below its root
// element. Steps are local names, @names last; * is any element, ** any number of them.
// Where the schema lets in what it does not name, everything is admitted.
func (s *Schema) Admits(steps []string) bool {
	w := walk{schema: s, seen: map[walkAt]bool{}}
	for _, e := range s.elements {
		if w.admits(e.typ, steps) {
			return true
		}
	}
	return false
}

// walk is one question; seen ends at what contains itself.
type walk struct {
	schema *Schema
	seen   map[walkAt]bool
}

type walkAt struct {
	typ  *Type
	left int // steps
}

func (w *walk) admits(t *Type, steps []string) bool {
	at := walkAt{t, len(steps)}
	if len(steps) == 0 {
		return true
	}
	if w.seen[at] {
		return false
	}
	w.seen[at] = true
	for _, t := range w.forms(t) {
		if w.within(t, steps) {
			return true
		}
	}
	return false
}

// forms are the types that an element of type t may have: its own and, by xsi:type, those
// derived from it.
func (w *walk) forms(t *Type) []*Type {
	out := []*Type{t}
	for _, other := range w.schema.types {
		if other != t && other.Derives(t) {
			out = append(out, other)
		}
	}
	return out
}

func (w *walk) within(t *Type, steps []string) bool {
	step, rest := steps[0], steps[1:]
	if t.complex == nil {
		return step == "**" && w.admits(t, rest)
	}
	if name, ok := strings.CutPrefix(step, "@"); ok {
		return t.complex.wild != nil || slices.ContainsFunc(t.complex.attrs, func(a *attrUse) bool { return name == "*" || a.name.Local == name })
	}
	if step == "**" && w.admits(t, rest) {
		return true
	}
	return w.among(t.complex.particle, func(e *element) bool {
		switch step {
		case "**":
			return w.admits(e.typ, steps)
		case "*", e.name.Local:
			return w.admits(e.typ, rest)
		}
		return false
	})
}

// among asks for each element that a particle names, or what may stand for it.
func (w *walk) among(p *particle, ask func(*element) bool) bool {
	if p == nil || p.max == 0 {
		return false
	}
	switch p.kind {
	case particleAny:
		return true
	case particleElement:
		if ask(p.elem) {
			return true
		}
		for _, e := range w.schema.elements {
			for head := e.head; head != nil; head = head.head {
				if head.name == p.elem.name && ask(e) {
					return true
				}
			}
		}
		return false
	}
	return slices.ContainsFunc(p.parts, func(part *particle) bool { return w.among(part, ask) })
}
