package xsd

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"unicode/utf8"
)

// Bounds of one pattern. A program larger than the first is refused; a cache that has outgrown the
// others is left as it is, and values that leave it are judged state set by state set.
const (
	maxProgram     = 100_000
	maxRegexStates = 4_000
	maxRegexCache  = 1 << 20
)

var errPatternSize = errors.New("needs too many states; a count in {} is too large")

// regex judges whole values in time linear in their length. It is a lazily built automaton: states are
// sets of program counters, kept once computed. Safe for concurrent use.
type regex struct {
	prog    []regexInst
	ascii   [128]uint16 // class of each ASCII character
	starts  []rune      // classes of the others: from starts[i] on, class classes[i]
	classes []uint16
	width   int // number of classes
	member  [][]bool

	start  int32
	mu     sync.Mutex
	index  map[string]int32
	weight int
	states atomic.Pointer[[]*regexState]
}

type regexInst struct {
	op   regexOp
	x, y int32 // next; for a split both ways
	set  int32
}

type regexOp byte

const (
	opSet regexOp = iota
	opSplit
	opMatch
)

type regexState struct {
	pcs    []int32
	accept bool
	next   []atomic.Int32 // by class: 0 not computed, -1 dead, else state+1
}

func compilePattern(pattern string, sets *setCache) (*regex, error) {
	root, err := parsePattern(pattern, sets)
	if err != nil {
		return nil, err
	}
	if root.size() > maxProgram {
		return nil, errPatternSize
	}
	b := regexBuilder{setIDs: map[string]int32{}}
	b.re.prog = append(b.re.prog, regexInst{op: opMatch})
	entry := b.emit(root, 0)
	re := &regex{prog: b.re.prog, index: map[string]int32{}}
	re.partition(b.sets)
	re.states.Store(&[]*regexState{})
	re.mu.Lock()
	re.start = re.intern(re.closure([]int32{entry}, make([]bool, len(re.prog))))
	re.mu.Unlock()
	return re, nil
}

// size is the number of instructions the node becomes, saturated.
func (n *regexNode) size() int {
	switch n.kind {
	case regexSet:
		return 1
	case regexRepeat:
		s := n.parts[0].size() + 1
		times := max(n.max, n.min, 1)
		if times > maxProgram || s > maxProgram {
			return maxProgram + 1
		}
		return min(s*times, maxProgram+1)
	}
	total := 1
	for _, p := range n.parts {
		total += p.size() + 1
		if total > maxProgram {
			return maxProgram + 1
		}
	}
	return total
}

type regexBuilder struct {
	re     struct{ prog []regexInst }
	sets   []charset
	setIDs map[string]int32
}

func (b *regexBuilder) add(in regexInst) int32 {
	b.re.prog = append(b.re.prog, in)
	return int32(len(b.re.prog) - 1)
}

// emit compiles n so that it continues at next, and returns where it begins.
func (b *regexBuilder) emit(n *regexNode, next int32) int32 {
	switch n.kind {
	case regexSet:
		return b.add(regexInst{op: opSet, x: next, set: b.setID(n.set)})
	case regexSeq:
		for _, p := range slices.Backward(n.parts) {
			next = b.emit(p, next)
		}
		return next
	case regexAlt:
		entry := b.emit(n.parts[len(n.parts)-1], next)
		for _, p := range slices.Backward(n.parts[:len(n.parts)-1]) {
			entry = b.add(regexInst{op: opSplit, x: b.emit(p, next), y: entry})
		}
		return entry
	}
	body, cur := n.parts[0], next
	copies := n.max
	if n.max < 0 {
		loop := b.add(regexInst{op: opSplit, y: next})
		b.re.prog[loop].x = b.emit(body, loop)
		cur, copies = loop, n.min
	}
	for i := copies - 1; i >= 0; i-- {
		cur = b.emit(body, cur)
		if i >= n.min {
			cur = b.add(regexInst{op: opSplit, x: cur, y: next})
		}
	}
	return cur
}

func (b *regexBuilder) setID(s charset) int32 {
	key := make([]byte, 0, len(s)*4)
	for _, r := range s {
		key = binary.LittleEndian.AppendUint32(key, uint32(r))
	}
	id, ok := b.setIDs[string(key)]
	if !ok {
		id = int32(len(b.sets))
		b.setIDs[string(key)] = id
		b.sets = append(b.sets, s)
	}
	return id
}

// partition splits all characters into classes that no set of the pattern tells apart.
func (re *regex) partition(sets []charset) {
	cuts := []rune{0}
	for _, s := range sets {
		for i := 0; i < len(s); i += 2 {
			cuts = append(cuts, s[i])
			if s[i+1] < maxRune {
				cuts = append(cuts, s[i+1]+1)
			}
		}
	}
	slices.Sort(cuts)
	cuts = slices.Compact(cuts)
	ids := map[string]uint16{}
	at := make([]int, len(sets)) // each set's next range, as the cuts go up
	sig := make([]byte, len(sets))
	for _, lo := range cuts {
		for i, s := range sets {
			for at[i] < len(s) && s[at[i]+1] < lo {
				at[i] += 2
			}
			sig[i] = 0
			if at[i] < len(s) && s[at[i]] <= lo {
				sig[i] = 1
			}
		}
		id, ok := ids[string(sig)]
		if !ok {
			id = uint16(len(ids))
			ids[string(sig)] = id
			row := make([]bool, len(sets))
			for i := range sig {
				row[i] = sig[i] == 1
			}
			re.member = append(re.member, row)
		}
		if n := len(re.classes); n > 0 && re.classes[n-1] == id {
			continue
		}
		re.starts = append(re.starts, lo)
		re.classes = append(re.classes, id)
	}
	re.width = len(ids)
	for r := range rune(128) {
		re.ascii[r] = re.lookup(r)
	}
}

func (re *regex) lookup(r rune) uint16 {
	i, ok := slices.BinarySearch(re.starts, r)
	if !ok {
		i--
	}
	return re.classes[i]
}

// closure follows splits and gives the sorted counters that consume or accept. seen is all false, and
// is so again afterwards.
func (re *regex) closure(from []int32, seen []bool) []int32 {
	var out, touched []int32
	stack := slices.Clone(from)
	for len(stack) > 0 {
		pc := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[pc] {
			continue
		}
		seen[pc] = true
		touched = append(touched, pc)
		if in := re.prog[pc]; in.op == opSplit {
			stack = append(stack, in.x, in.y)
		} else {
			out = append(out, pc)
		}
	}
	for _, pc := range touched {
		seen[pc] = false
	}
	slices.Sort(out)
	return out
}

func (re *regex) step(pcs []int32, class uint16, seen []bool) []int32 {
	var moved []int32
	for _, pc := range pcs {
		if in := re.prog[pc]; in.op == opSet && re.member[class][in.set] {
			moved = append(moved, in.x)
		}
	}
	if len(moved) == 0 {
		return nil
	}
	return re.closure(moved, seen)
}

// intern gives the state of a set of counters, or -1 when the cache is full. The caller holds mu.
func (re *regex) intern(pcs []int32) int32 {
	key := make([]byte, 0, len(pcs)*4)
	for _, pc := range pcs {
		key = binary.LittleEndian.AppendUint32(key, uint32(pc))
	}
	if s, ok := re.index[string(key)]; ok {
		return s
	}
	states := *re.states.Load()
	weight := len(pcs) + re.width
	if len(states) > 0 && (len(states) >= maxRegexStates || re.weight+weight > maxRegexCache) {
		return -1
	}
	re.weight += weight
	st := &regexState{pcs: pcs, next: make([]atomic.Int32, re.width)}
	st.accept = len(pcs) > 0 && pcs[0] == 0
	id := int32(len(states))
	states = append(states, st)
	re.states.Store(&states)
	re.index[string(key)] = id
	return id
}

// Match tells whether the whole of b is of the pattern.
func (re *regex) Match(b []byte) bool {
	states := *re.states.Load()
	s := states[re.start]
	for i := 0; i < len(b); {
		var class uint16
		if c := b[i]; c < utf8.RuneSelf {
			class = re.ascii[c]
			i++
		} else {
			r, size := utf8.DecodeRune(b[i:])
			class = re.lookup(r)
			i += size
		}
		n := s.next[class].Load()
		if n == 0 {
			if n = re.extend(s, class); n == 0 {
				return re.simulate(s, class, b[i:])
			}
			states = *re.states.Load()
		}
		if n < 0 {
			return false
		}
		if int(n) > len(states) {
			states = *re.states.Load()
		}
		s = states[n-1]
	}
	return s.accept
}

// extend computes one transition; 0 says the cache is full.
func (re *regex) extend(s *regexState, class uint16) int32 {
	re.mu.Lock()
	defer re.mu.Unlock()
	if n := s.next[class].Load(); n != 0 {
		return n
	}
	n := int32(-1)
	if pcs := re.step(s.pcs, class, make([]bool, len(re.prog))); len(pcs) > 0 {
		if n = re.intern(pcs) + 1; n == 0 {
			return 0
		}
	}
	s.next[class].Store(n)
	return n
}

// simulate goes on without the cache.
func (re *regex) simulate(s *regexState, class uint16, rest []byte) bool {
	seen := make([]bool, len(re.prog))
	pcs := re.step(s.pcs, class, seen)
	for len(rest) > 0 && len(pcs) > 0 {
		r, size := utf8.DecodeRune(rest)
		rest = rest[size:]
		pcs = re.step(pcs, re.lookup(r), seen)
	}
	return len(pcs) > 0 && pcs[0] == 0
}
