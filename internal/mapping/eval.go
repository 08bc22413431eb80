package mapping

import (
	"fmt"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/beevik/etree"
	"github.com/expr-lang/expr/vm"
)

// refusal is why a value cannot be had; the field it belongs to makes a Hold of it.
// hard refusals are not subject to else.
type refusal struct {
	code    Code
	detail  string
	message string
	value   string
	hard    bool
}

func (r *refusal) Error() string { return r.message }

// state is one run of a mapping over one document. It is not for concurrent use;
// mappings keep a pool of them.
type state struct {
	m     *Mapping
	root  *etree.Element
	env   *Env
	scope *scope
	expr  exprEnv
	vms   []*vm.VM
	depth int // nesting of expressions: a let evaluated inside another expression

	free    []*scope
	sums    []Decimal
	records int // how many records have been written
	explain *explainer
	out     []byte
	scratch []byte
	nodes   []*etree.Element
	where   int   // the record being written, from 1, for holds
	broken  error // a number could not be drawn, through no fault of the document
}

// scope is what the innermost each, or a block with lets, adds to the paths and names.
type scope struct {
	parent *scope
	cur    *etree.Element
	pos    int
	att    *Attachment
	lets   []letValue
}

type letValue struct {
	done bool
	text string
	ref  *refusal
}

func (m *Mapping) start(root *etree.Element, env *Env) *state {
	st, _ := m.states.Get().(*state)
	if st == nil {
		st = &state{m: m}
		st.expr.St = st
	}
	if env == nil {
		env = &Env{}
	}
	st.root, st.env = root, env
	st.records, st.where = 0, 0
	st.sums = append(st.sums[:0], make([]Decimal, len(m.sumFields))...)
	st.out = st.out[:0]
	st.scope = nil
	st.push(root, 1, nil, m.top)
	return st
}

func (st *state) end() {
	for st.scope != nil {
		st.pop()
	}
	st.root, st.env, st.explain, st.broken = nil, nil, nil, nil
	if cap(st.out) > 1<<20 {
		st.out = nil
	}
	clear(st.nodes[:cap(st.nodes)])
	st.nodes = st.nodes[:0]
	st.m.states.Put(st)
}

func (st *state) push(cur *etree.Element, pos int, att *Attachment, b *block) {
	var s *scope
	if n := len(st.free); n > 0 {
		s, st.free = st.free[n-1], st.free[:n-1]
	} else {
		s = &scope{}
	}
	s.parent, s.cur, s.pos, s.att = st.scope, cur, pos, att
	s.lets = s.lets[:0]
	for range b.lets {
		s.lets = append(s.lets, letValue{})
	}
	st.scope = s
}

func (st *state) pop() {
	s := st.scope
	st.scope = s.parent
	s.parent, s.cur, s.att = nil, nil, nil
	st.free = append(st.free, s)
}

// letRef finds a let: how many scopes up, and which of the block's lets.
type letRef struct {
	up    int
	index int
	def   *field
}

// let evaluates a let in its own scope, once for each instance of it.
func (st *state) let(ref letRef) (string, *refusal) {
	s := st.scope
	for range ref.up {
		s = s.parent
	}
	v := &s.lets[ref.index]
	if !v.done {
		here := st.scope
		st.scope = s
		v.text, _, v.ref = st.value(ref.def)
		st.scope = here
		v.done = true
		if v.ref != nil {
			r := *v.ref
			r.message = "let " + ref.def.target + ": " + r.message
			v.ref = &r
		}
	}
	return v.text, v.ref
}

// value runs a field's pipeline. absent: the field is not to be written at all.
func (st *state) value(f *field) (text string, absent bool, ref *refusal) {
	if f.when != nil {
		yes, ref := f.when.truth(st)
		if ref != nil || !yes {
			return "", true, ref
		}
	}
	v, ref := f.src.get(st)
	before := v
	if ref == nil {
		v, ref = st.treat(f, v)
	}
	if st.explain != nil {
		st.explain.before = before
	}
	if ref != nil {
		if ref.value == "" {
			ref = ref.with(before)
		}
		if ref.hard || f.orElse.rule == ruleHold {
			return "", false, ref
		}
		switch f.orElse.rule {
		case ruleOmit:
			return "", true, st.missing(f)
		case ruleKeep:
			v = before
		default:
			v = f.orElse.text
		}
	}
	if v != "" && (!f.minding || strings.TrimSpace(v) != "") {
		return v, false, nil
	}
	if ref := st.missing(f); ref != nil {
		return "", false, ref
	}
	switch f.ifEmpty.rule {
	case ruleOmit:
		return "", true, nil
	case ruleConst:
		return f.ifEmpty.text, false, nil
	case ruleHold:
		return "", false, &refusal{code: CodeRequired, message: "is empty and may not be", hard: true}
	case ruleNull:
		return "", false, nil
	}
	return v, false, nil
}

func (r *refusal) with(value string) *refusal {
	c := *r
	c.value = value
	return &c
}

func (st *state) missing(f *field) *refusal {
	if f.required {
		return &refusal{code: CodeRequired, message: "is required, but " + f.src.text + " is empty", hard: true}
	}
	return nil
}

// treat applies in, lookup, map and the steps.
func (st *state) treat(f *field, v string) (string, *refusal) {
	if f.in != nil {
		return boolText(v != "" && f.in.Has(v)), nil
	}
	if f.lookup != nil && v != "" {
		out, ok := f.lookup.list.Lookup(v, f.lookup.column)
		if !ok {
			return "", f.lookup.miss(v)
		}
		v = out
	}
	if f.table != nil && v != "" {
		out, ok := f.table[v]
		if !ok {
			return "", &refusal{code: CodeUnknownCode, detail: "map", message: "the value is not in map"}
		}
		v = out
	}
	for i := range f.steps {
		s := &f.steps[i]
		if v == "" && !s.onEmpty {
			continue
		}
		out, ref := s.run(st, v)
		if ref != nil {
			if ref.value == "" {
				ref.value = v
			}
			return "", ref
		}
		v = out
	}
	return v, nil
}

func boolText(b bool) string {
	if b {
		return "true"
	}
	return "false"
}

func (l *lookup) miss(v string) *refusal {
	name := l.list.Name + "/" + l.column
	if l.list.Has(v) {
		return &refusal{code: CodeUnknownCode, detail: name, message: "the code has no " + l.column + " in code list " + l.list.Name}
	}
	return &refusal{code: CodeUnknownCode, detail: name, message: "the code is not in code list " + l.list.Name}
}

// hold gives a refusal its place.
func (st *state) hold(f *field, ref *refusal) *Hold {
	return &Hold{Mapping: st.m.Path, Line: f.line, Field: f.full, Record: st.where, Code: ref.code,
		Detail: ref.detail, Message: ref.message, Value: quoted(ref.value)}
}

// mostQuoted is how many characters of a value a hold repeats: a date may have a year
// of millions of digits, and a person reads no further.
const mostQuoted = 500

func quoted(v string) string {
	if len(v) <= mostQuoted {
		return v
	}
	n := 0
	for i := range v {
		if n++; n > mostQuoted {
			return fmt.Sprintf("%s… (%d characters)", v[:i], utf8.RuneCountInString(v))
		}
	}
	return v
}

// berlin is the time zone of German municipalities; the zone files are linked in.
var berlin = sync.OnceValue(func() *time.Location {
	loc, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		panic("the time zone Europe/Berlin is not linked in: " + err.Error())
	}
	return loc
})

func local(t time.Time) time.Time { return t.In(berlin()) }
