package xsd

import (
	"cmp"
	"slices"
)

// progress is how far the children of one open element have come in its model. Its slices are kept for
// the next element at the same depth.
type progress struct {
	state   int32
	seen    []uint64 // members of an all group
	any     bool     // some member was seen
	configs []int32  // of a program: counter and counts, one after the other
	spare   []int32
	trail   trail
	kept    kept
}

// match is what a child was found to be: a declared element, or something a wildcard lets pass.
type match struct {
	elem *element
	wild *wildcard
}

func (p *progress) begin(m *model) {
	p.state, p.any = 0, false
	switch {
	case m.all != nil:
		p.seen = append(p.seen[:0], make([]uint64, (len(m.all)+63)/64+1)...)
		for i := range p.seen {
			p.seen[i] = 0
		}
	case m.program != nil:
		p.trail = trail{}
		r := p.runner(m, p.configs[:0])
		r.follow(m.program.entry, make([]int32, len(m.program.counters)), 0)
		p.configs = r.out
	}
}

// step takes one child; ok is false, and nothing changes, when it is not allowed here.
func (p *progress) step(m *model, sym int32, space string) (match, bool) {
	switch {
	case m.all != nil:
		return p.stepAll(m, sym)
	case m.program != nil:
		return p.stepProgram(m, sym, space)
	}
	st := &m.states[p.state]
	if t := st.find(sym); t != nil {
		p.state = t.next
		return match{elem: t.elem}, true
	}
	for i := range st.wilds {
		if st.wilds[i].wild.allows(space) {
			p.state = st.wilds[i].next
			return match{wild: st.wilds[i].wild}, true
		}
	}
	return match{}, false
}

func (p *progress) runner(m *model, out []int32) *runner {
	r := &runner{pr: m.program, width: 1 + len(m.program.counters), out: out, trail: &p.trail, kept: &p.kept}
	p.trail.reset(len(m.program.code), r.width)
	p.kept.reset(len(m.program.code))
	return r
}

func (p *progress) stepAll(m *model, sym int32) (match, bool) {
	i, ok := slices.BinarySearchFunc(m.all, sym, func(a allMember, sym int32) int { return cmp.Compare(a.sym, sym) })
	if !ok {
		return match{}, false
	}
	bit := m.all[i].bit
	if p.seen[bit/64]&(1<<(bit%64)) != 0 {
		return match{}, false
	}
	p.seen[bit/64] |= 1 << (bit % 64)
	p.any = true
	return match{elem: m.all[i].elem}, true
}

func (p *progress) stepProgram(m *model, sym int32, space string) (match, bool) {
	width := 1 + len(m.program.counters)
	r := p.runner(m, p.spare[:0])
	var found match
	for i := 0; i+width <= len(p.configs); i += width {
		in := &m.program.code[p.configs[i]]
		switch in.op {
		case opElement:
			for _, e := range m.subst.members(in.elem) {
				if e.sym == sym {
					found.elem = e
					r.follow(in.x, p.configs[i+1:i+width], 0)
				}
			}
		case opWild:
			if found.elem == nil && in.wild.allows(space) {
				found.wild = in.wild
				r.follow(in.x, p.configs[i+1:i+width], 0)
			}
		}
	}
	if found.elem == nil && found.wild == nil {
		return match{}, false
	}
	p.spare, p.configs = p.configs, r.out
	return found, true
}

// done tells whether the children may end here.
func (p *progress) done(m *model) bool {
	switch {
	case m.all != nil:
		if !p.any && m.allSkip {
			return true
		}
		for _, a := range m.all {
			if a.required && p.seen[a.bit/64]&(1<<(a.bit%64)) == 0 {
				return false
			}
		}
		return true
	case m.program != nil:
		width := 1 + len(m.program.counters)
		for i := 0; i < len(p.configs); i += width {
			if m.program.code[p.configs[i]].op == opAccept {
				return true
			}
		}
		return false
	}
	return m.states[p.state].accept
}

// expected lists what may come next, as the model has it.
func (p *progress) expected(m *model) (elems []*element, wilds []*wildcard) {
	switch {
	case m.all != nil:
		for _, a := range m.all {
			if p.seen[a.bit/64]&(1<<(a.bit%64)) == 0 {
				elems = append(elems, a.elem)
			}
		}
		slices.SortStableFunc(elems, func(x, y *element) int { return cmp.Compare(x.sym, y.sym) })
	case m.program != nil:
		width := 1 + len(m.program.counters)
		for i := 0; i < len(p.configs); i += width {
			switch in := &m.program.code[p.configs[i]]; in.op {
			case opElement:
				elems = append(elems, m.subst.members(in.elem)...)
			case opWild:
				wilds = append(wilds, in.wild)
			}
		}
		slices.SortFunc(elems, func(x, y *element) int { return cmp.Compare(x.sym, y.sym) })
		elems = slices.Compact(elems)
	default:
		for _, t := range m.states[p.state].elems {
			elems = append(elems, t.elem)
		}
		for _, w := range m.states[p.state].wilds {
			wilds = append(wilds, w.wild)
		}
	}
	return elems, wilds
}

// runner follows a counting program from one consuming instruction to the next. Models that satisfy
// Unique Particle Attribution keep very few configurations; those that do not are cut off.
type runner struct {
	pr    *program
	width int
	out   []int32
	trail *trail
	kept  *kept
	steps int
}

// What one step may keep and explore beyond what the program's length asks for: counts multiply both.
const (
	maxConfigs = 500
	maxFollow  = 100_000
)

// follow explores from pc. inside has the bit of each hollow loop whose body was entered and has consumed
// nothing yet: an empty round is never counted.
func (r *runner) follow(pc int32, counts []int32, inside uint64) {
	if r.steps++; r.steps > maxFollow+2*len(r.pr.code) {
		return
	}
	in := &r.pr.code[pc]
	switch in.op {
	case opFork:
		if r.visited(pc, counts) {
			return
		}
		r.follow(in.x, counts, inside)
		r.follow(in.y, counts, inside)
	case opEnter:
		next := slices.Clone(counts)
		next[in.count] = 0
		r.follow(in.x, next, inside)
	case opLoop:
		c, n := r.pr.counters[in.count], counts[in.count]
		if inside&c.hollow != 0 {
			return
		}
		if c.max < 0 || int(n) < c.max {
			next := slices.Clone(counts)
			if int(n) < c.min || c.max >= 0 {
				next[in.count]++
			}
			r.follow(in.x, next, inside|c.hollow)
		}
		if int(n) >= c.min {
			next := slices.Clone(counts)
			next[in.count] = 0
			r.follow(in.y, next, inside)
		}
	default:
		r.keep(pc, counts)
	}
}

// keep adds a configuration unless one is there that can do all this one can: the same, or one that has
// used less of a count whose minimum is reached.
func (r *runner) keep(pc int32, counts []int32) {
next:
	for at := r.kept.heads[pc]; at > 0; at = r.kept.list[at-1].before {
		old := r.out[int(at-1)*r.width+1 : int(at)*r.width]
		for k, n := range counts {
			if old[k] != n && (old[k] > n || int(old[k]) < r.pr.counters[k].min) {
				continue next
			}
		}
		return
	}
	if len(r.kept.list) < maxConfigs+len(r.pr.code) {
		r.kept.add(pc)
		r.out = append(append(r.out, pc), counts...)
	}
}

// kept finds the configurations of an instruction among those one step has kept: for each a chain.
type kept struct {
	heads []int32 // by instruction: 1 + its latest configuration
	list  []keptConfig
}

type keptConfig struct{ pc, before int32 }

func (k *kept) reset(size int) {
	for _, c := range k.list {
		k.heads[c.pc] = 0
	}
	k.list = k.list[:0]
	if len(k.heads) < size {
		k.heads = make([]int32, size)
	}
}

func (k *kept) add(pc int32) {
	k.list = append(k.list, keptConfig{pc, k.heads[pc]})
	k.heads[pc] = int32(len(k.list))
}

// trail remembers the splits one step has passed, with their counts: for each instruction a chain.
type trail struct {
	heads []int32 // by instruction: 1 + place of its latest entry
	log   []int32 // entries: instruction, place of the one before, counts
}

func (t *trail) reset(size, width int) {
	if len(t.heads) < size {
		t.heads, t.log = make([]int32, size), t.log[:0]
	}
	for i := 0; i < len(t.log); i += width + 1 {
		t.heads[t.log[i]] = 0
	}
	t.log = t.log[:0]
}

func (r *runner) visited(pc int32, counts []int32) bool {
	t := r.trail
	for at := t.heads[pc]; at > 0; at = t.log[at] {
		if slices.Equal(t.log[at+1:int(at)+r.width], counts) {
			return true
		}
	}
	before := t.heads[pc]
	t.heads[pc] = int32(len(t.log)) + 1
	t.log = append(append(t.log, pc, before), counts...)
	return false
}
