package xsd

import (
	"fmt"
	"strings"
)

// verdict is a finding without its place.
type verdict struct{ rule, code, de, en string }

func (v *Validator) report(f *frame, t verdict) { v.add(f.pos, v.path(), t, "") }

func (v *Validator) reportAt(_ *frame, pos Pos, t verdict, value string) {
	v.add(pos, v.path(), t, value)
}

func (v *Validator) reportAttr(f *frame, a *Attr, t verdict) {
	pos := f.pos
	if a.Line > 0 {
		pos = Pos{a.Line, a.Col}
	}
	v.add(pos, v.path()+"/@"+shorten(a.Name.Local), t, a.Value)
}

func (v *Validator) reportNode(n *icNode, t verdict) { v.add(n.pos, n.path, t, "") }

// complainOnce reports the first of several things that are wrong with the content of up.
func (v *Validator) complainOnce(f, up *frame, t func() verdict) {
	if !up.off {
		up.off = true
		v.report(f, t())
	}
}

// Values longer than this are cut in findings.
const maxValue = 1_000

func (v *Validator) add(pos Pos, path string, t verdict, value string) {
	if v.full {
		return
	}
	if len(value) > maxValue {
		value = value[:maxValue] + "…"
	}
	v.findings = append(v.findings, Finding{
		Line: pos.Line, Col: pos.Col, Path: path, Rule: t.rule, Code: t.code, Value: strings.ToValidUTF8(strings.Clone(value), ""), De: t.de, En: t.en,
	})
	v.full = len(v.findings) >= v.opts.MaxFindings
}

// path names the open elements, outermost first; of very deep ones the ends.
func (v *Validator) path() string {
	var b strings.Builder
	for i := range v.frames[:v.depth] {
		if v.depth > 40 && i == 20 {
			b.WriteString("/…")
		}
		if v.depth > 40 && i >= 20 && i < v.depth-20 {
			continue
		}
		b.WriteByte('/')
		b.WriteString(shorten(v.frames[i].name.Local))
	}
	return b.String()
}

// shorten keeps the names a document brings to a length a sentence can bear.
func shorten(s string) string {
	const most = 80
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}

// recover decides how to go on after a child that is not allowed. When a few missing elements before it
// explain it, they are what is reported and the model goes on behind it. Otherwise the child is reported,
// and judged by its own declaration if the model has one. ok is false where nothing is known of it.
func (v *Validator) recover(f, up *frame, sym int32) (match, bool) {
	m := up.typ.complex.model
	if missing, next := skipTo(m, up.progress.state, sym); next != nil {
		if !up.off {
			v.report(f, v.elementMissing(f.name, up, missing))
		}
		up.off = false
		up.progress.state = next.next
		return match{elem: next.elem}, true
	}
	if !up.off {
		v.report(f, v.elementUnexpected(f.name, up, sym))
	}
	up.off = true
	if e := m.element(sym); e != nil {
		return match{elem: e}, true
	}
	return match{}, false
}

// maxSkip bounds the search for missing elements.
const (
	maxSkip       = 3
	maxSkipStates = 200
)

// skipTo looks for the fewest elements whose absence explains sym. It knows automata only.
func skipTo(m *model, from, sym int32) (missing []*element, next *transition) {
	if m.states == nil || sym < 0 {
		return nil, nil
	}
	type step struct {
		state int32
		by    *element
		prev  int
	}
	queue, seen := []step{{from, nil, -1}}, map[int32]bool{from: true}
	for i, depth, last := 0, 0, 1; i < len(queue) && depth < maxSkip; i++ {
		if i == last {
			depth, last = depth+1, len(queue)
			if depth == maxSkip {
				break
			}
		}
		st := &m.states[queue[i].state]
		for k := range st.elems {
			t := &st.elems[k]
			if seen[t.next] || len(queue) >= maxSkipStates {
				continue
			}
			seen[t.next] = true
			queue = append(queue, step{t.next, t.elem, i})
			if hit := m.states[t.next].find(sym); hit != nil {
				for j := len(queue) - 1; queue[j].prev >= 0; j = queue[j].prev {
					missing = append([]*element{queue[j].by}, missing...)
				}
				return missing, hit
			}
		}
	}
	return nil, nil
}

// element finds the declaration the model has for a name, wherever in it.
func (m *model) element(sym int32) *element {
	if sym < 0 {
		return nil
	}
	for i := range m.states {
		if t := m.states[i].find(sym); t != nil {
			return t.elem
		}
	}
	for _, a := range m.all {
		if a.sym == sym {
			return a.elem
		}
	}
	if m.program != nil {
		for i := range m.program.code {
			if in := &m.program.code[i]; in.op == opElement {
				for _, e := range m.subst.members(in.elem) {
					if e.sym == sym {
						return e
					}
				}
			}
		}
	}
	return nil
}

// takeIDs books the IDs and references of a value that was judged good.
func (v *Validator) takeIDs(f *frame, a *Attr) {
	for _, e := range v.ids.pending {
		if e.ref {
			if _, ok := v.ids.ids[e.value]; ok {
				continue
			}
			if v.ids.refs == nil {
				v.ids.refs = map[string]openRef{}
			}
			if _, ok := v.ids.refs[e.value]; !ok {
				ref := openRef{pos: f.pos, path: v.path()}
				if a != nil {
					ref.path += "/@" + a.Name.Local
					if a.Line > 0 {
						ref.pos = Pos{a.Line, a.Col}
					}
				}
				v.ids.refs[e.value] = ref
			}
			continue
		}
		if _, twice := v.ids.ids[e.value]; twice {
			if a != nil {
				v.reportAttr(f, a, v.idTwice())
			} else {
				v.reportAt(f, f.pos, v.idTwice(), e.value)
			}
			continue
		}
		if v.ids.ids == nil {
			v.ids.ids = map[string]struct{}{}
		}
		v.ids.ids[e.value] = struct{}{}
		delete(v.ids.refs, e.value)
	}
	v.ids.pending = v.ids.pending[:0]
}

// openRefs reports the references whose IDs never came, in the order of the document.
func (v *Validator) openRefs() {
	for len(v.ids.refs) > 0 && !v.full {
		var first string
		var at openRef
		for id, r := range v.ids.refs {
			if first == "" || r.pos.Line < at.pos.Line || r.pos.Line == at.pos.Line && (r.pos.Col < at.pos.Col || r.pos.Col == at.pos.Col && id < first) {
				first, at = id, r
			}
		}
		delete(v.ids.refs, first)
		v.add(at.pos, at.path, v.refUnknown(), first)
	}
}

// names lists elements for a sentence, at most eight of them.
func names(elems []*element, wilds []*wildcard, and, others, anyOther string) string {
	const most = 8
	var out []string
	seen := map[string]bool{}
	for _, e := range elems {
		n := "<" + e.name.Local + ">"
		if !seen[n] && !e.abstract {
			seen[n] = true
			out = append(out, n)
		}
	}
	if len(wilds) > 0 {
		out = append(out, anyOther)
	}
	if len(out) > most {
		return strings.Join(out[:most], ", ") + fmt.Sprintf(others, len(out)-most)
	}
	if len(out) > 1 {
		return strings.Join(out[:len(out)-1], ", ") + and + out[len(out)-1]
	}
	return strings.Join(out, "")
}
