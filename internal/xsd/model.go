package xsd

import (
	"cmp"
	"encoding/binary"
	"slices"
)

// model judges the children of one element. Exactly one of its forms is used: a deterministic automaton,
// an all group, or a program with counters.
type model struct {
	states  []modelState // the automaton; state 0 is the start
	all     []allMember
	allSkip bool // the all group may be absent as a whole
	program *program
	subst   *substitutions
}

type modelState struct {
	accept bool
	elems  []transition // by symbol
	wilds  []wildTransition
}

type transition struct {
	sym  int32
	next int32
	elem *element
}

type wildTransition struct {
	wild *wildcard
	next int32
}

type allMember struct {
	sym      int32
	bit      int
	required bool
	elem     *element
}

// substitutions lists, for each head, the elements that may stand for it, itself included.
type substitutions struct{ of map[*element][]*element }

func (s *substitutions) members(e *element) []*element {
	if m, ok := s.of[e]; ok {
		return m
	}
	return []*element{e}
}

// Bounds of one automaton; larger models are judged by their program.
const (
	maxModelStates      = 10_000
	maxModelTransitions = 400_000
)

// ambiguity is a violation of Unique Particle Attribution.
type ambiguity struct {
	name Name
	wild bool
}

// compileModel makes the model of p, which may be nil.
func compileModel(p *particle, subst *substitutions) (*model, *ambiguity, bool) {
	m := &model{subst: subst}
	if all := allGroup(p); all != nil {
		return m, m.compileAll(all, p), true
	}
	pr := compileParticle(p, false)
	if pr.tooLarge {
		return nil, nil, false
	}
	if len(pr.counters) == 0 {
		b := newAutomaton(pr, subst)
		if amb := b.build(); amb != nil {
			return m, amb, true
		}
		if !b.full {
			m.states = b.states
			return m, nil, true
		}
	} else if upa := compileParticle(p, true); !upa.tooLarge {
		if amb := newAutomaton(upa, subst).build(); amb != nil {
			return m, amb, true
		}
	}
	m.program = pr
	return m, nil, true
}

// allGroup gives the all group p consists of, if it does.
func allGroup(p *particle) *particle {
	for p != nil && p.kind != particleAll && len(p.parts) == 1 && p.max == 1 && p.min == 1 && p.kind != particleElement {
		p = p.parts[0]
	}
	if p != nil && p.kind == particleAll {
		return p
	}
	return nil
}

func (m *model) compileAll(all, top *particle) *ambiguity {
	m.allSkip = all.min == 0 || top.min == 0
	m.all = []allMember{}
	seen := map[int32]bool{}
	for i, p := range all.parts {
		if p.max == 0 {
			continue
		}
		for _, e := range m.subst.members(p.elem) {
			if seen[e.sym] {
				return &ambiguity{name: e.name}
			}
			seen[e.sym] = true
			m.all = append(m.all, allMember{sym: e.sym, bit: i, required: p.min > 0, elem: e})
		}
	}
	slices.SortStableFunc(m.all, func(a, b allMember) int { return cmp.Compare(a.sym, b.sym) })
	return nil
}

// automaton builds the states of a program without counters, checking that no name belongs to two
// particles.
type automaton struct {
	pr     *program
	subst  *substitutions
	index  map[string]int32
	after  []int32 // by instruction: 1 + the state that its closure alone is, 0 where not asked yet
	sets   [][]int32
	states []modelState
	seen   []bool
	trans  int
	full   bool
}

func newAutomaton(pr *program, subst *substitutions) *automaton {
	return &automaton{pr: pr, subst: subst, index: map[string]int32{}, after: make([]int32, len(pr.code)), seen: make([]bool, len(pr.code))}
}

func (a *automaton) build() *ambiguity {
	a.intern(a.closure([]int32{a.pr.entry}))
	for i := 0; i < len(a.sets) && !a.full; i++ {
		if amb := a.expand(i); amb != nil {
			return amb
		}
	}
	return nil
}

func (a *automaton) closure(from []int32) []int32 {
	var out, touched []int32
	stack := slices.Clone(from)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if a.seen[pc] {
			continue
		}
		a.seen[pc] = true
		touched = append(touched, pc)
		if in := &a.pr.code[pc]; in.op == opFork {
			stack = append(stack, in.x, in.y)
		} else {
			out = append(out, pc)
		}
	}
	for _, pc := range touched {
		a.seen[pc] = false
	}
	slices.Sort(out)
	return out
}

func (a *automaton) intern(set []int32) int32 {
	key := make([]byte, 0, len(set)*4)
	for _, pc := range set {
		key = binary.LittleEndian.AppendUint32(key, uint32(pc))
	}
	id, ok := a.index[string(key)]
	if !ok {
		id = int32(len(a.sets))
		a.index[string(key)] = id
		a.sets = append(a.sets, set)
		a.full = a.full || len(a.sets) > maxModelStates
	}
	return id
}

// state gives the state that the instructions lead to. Most names lead to one instruction, and many names to
// the same: its state is looked for once.
func (a *automaton) state(to []int32) int32 {
	if len(to) > 1 {
		return a.intern(a.closure(to))
	}
	id := &a.after[to[0]]
	if *id == 0 {
		*id = a.intern(a.closure(to)) + 1
	}
	return *id - 1
}

// moves collects where one name leads, from the copies of one particle.
type moves struct {
	elem   *element
	origin int32
	to     []int32
}

func (a *automaton) expand(i int) *ambiguity {
	var st modelState
	bySym := map[int32]*moves{}
	var order []int32
	var wilds []moves
	var wildOf []*wildcard
	for _, pc := range a.sets[i] {
		switch in := &a.pr.code[pc]; in.op {
		case opAccept:
			st.accept = true
		case opElement:
			for _, e := range a.subst.members(in.elem) {
				m := bySym[e.sym]
				if m == nil {
					m = &moves{elem: e, origin: in.origin}
					bySym[e.sym] = m
					order = append(order, e.sym)
				} else if m.origin != in.origin {
					return &ambiguity{name: e.name}
				}
				m.to = append(m.to, in.x)
			}
		case opWild:
			at := slices.IndexFunc(wilds, func(m moves) bool { return m.origin == in.origin })
			if at < 0 {
				for _, w := range wildOf {
					if w.overlaps(in.wild) {
						return &ambiguity{wild: true}
					}
				}
				wilds = append(wilds, moves{origin: in.origin})
				wildOf = append(wildOf, in.wild)
				at = len(wilds) - 1
			}
			wilds[at].to = append(wilds[at].to, in.x)
		}
	}
	for _, w := range wildOf {
		for _, sym := range order {
			if w.allows(bySym[sym].elem.name.Space) {
				return &ambiguity{name: bySym[sym].elem.name, wild: true}
			}
		}
	}
	for _, sym := range order {
		m := bySym[sym]
		st.elems = append(st.elems, transition{sym, a.state(m.to), m.elem})
	}
	slices.SortFunc(st.elems, func(x, y transition) int { return cmp.Compare(x.sym, y.sym) })
	for n, m := range wilds {
		st.wilds = append(st.wilds, wildTransition{wildOf[n], a.state(m.to)})
	}
	a.trans += len(st.elems) + len(st.wilds)
	a.full = a.full || a.trans > maxModelTransitions
	a.states = append(a.states, st)
	return nil
}

// overlaps tells whether some namespace is allowed by both.
func (w *wildcard) overlaps(v *wildcard) bool {
	if !w.any && !w.negated {
		return slices.ContainsFunc(w.list, v.allows)
	}
	if !v.any && !v.negated {
		return slices.ContainsFunc(v.list, w.allows)
	}
	return true // both allow all but a few
}

// find gives the transition for a name's symbol.
func (s *modelState) find(sym int32) *transition {
	if len(s.elems) <= 8 {
		for i := range s.elems {
			if s.elems[i].sym == sym {
				return &s.elems[i]
			}
		}
		return nil
	}
	i, ok := slices.BinarySearchFunc(s.elems, sym, func(t transition, sym int32) int { return cmp.Compare(t.sym, sym) })
	if !ok {
		return nil
	}
	return &s.elems[i]
}
