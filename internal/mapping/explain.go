package mapping

import "github.com/beevik/etree"

// FieldResult is what became of one target field, for the workbench and mapping diff.
type FieldResult struct {
	Record    int    // from 1; 0 in header and trailer
	Target    string // full target path
	Source    string // the source as written in the file
	Line      int
	Before    string // the source's value
	After     string // the value in the target
	Paragraph string // the law that an ordinance's rate rests on
	Present   bool   // false: omitted from the target, or held
	Hold      *Hold  // why it is held; the other fields are still evaluated
}

type explainer struct {
	results   []FieldResult
	before    string
	paragraph string
}

func (e *explainer) note(st *state, f *field, text string, present bool) {
	if !present {
		text = ""
	}
	e.results = append(e.results, FieldResult{Record: st.where, Target: f.full, Source: f.src.text, Line: f.line,
		Before: e.before, After: text, Paragraph: e.paragraph, Present: present})
}

func (e *explainer) blame(st *state, f *field, h *Hold) {
	n := len(e.results)
	if n > 0 && e.results[n-1].Target == f.full && e.results[n-1].Hold != nil && e.results[n-1].Record == st.where {
		return // a consequence of the first
	}
	if n == 0 || e.results[n-1].Target != f.full {
		e.results = append(e.results, FieldResult{Record: st.where, Target: f.full, Line: f.line})
		n++
	}
	e.results[n-1].Hold, e.results[n-1].Present = h, false
}

// Explain evaluates every field and says what became of each, holds included: all that
// stand in the way of the document, where Apply stops at the first. Numbers of ranges are
// drawn by env.Next as in Apply; give one that does not count.
func (m *Mapping) Explain(root *etree.Element, env *Env) []FieldResult {
	if m.Format == Original {
		return nil // it has no fields
	}
	st := m.start(root, env)
	defer st.end()
	st.explain = &explainer{}
	body, h := st.render()
	results := st.explain.results
	for _, r := range results {
		if r.Hold != nil {
			return results
		}
	}
	if h == nil {
		if _, h = st.fileName(); h == nil {
			h = st.check(body)
		}
	}
	if h != nil {
		results = append(results, FieldResult{Target: h.Field, Line: h.Line, Hold: h})
	}
	return results
}
