package xsd

// program is a content model as instructions, in the manner of Thompson: consuming ones (an element, a
// wildcard), splits, and loops that count. Bounds small enough are copied instead of counted.
type program struct {
	code     []instr
	counters []counter
	hollow   int // counters whose body may be empty
	entry    int32
	tooLarge bool
}

type instr struct {
	op     modelOp
	x, y   int32 // next; for a split both ways; for a loop its body and its way out
	count  int32 // counter of a loop
	elem   *element
	wild   *wildcard
	origin int32
}

type modelOp byte

const (
	opAccept modelOp = iota
	opElement
	opWild
	opFork
	opEnter // sets a counter to zero
	opLoop
)

type counter struct {
	min, max int
	hollow   uint64 // the bit of a loop whose body may be empty, 0 for others
}

// Bounds of one content model. What is copied at most, what a program may have at most.
const (
	maxCopies       = 64
	maxInstructions = 200_000
	maxCounters     = 250
	maxHollow       = 60
)

// compileParticle writes the program of p. With forUPA, bounds are reduced to those that matter to the
// question which particle a name belongs to, and nothing counts.
func compileParticle(p *particle, forUPA bool) *program {
	pr := &program{code: []instr{{op: opAccept}}}
	c := particleCompiler{program: pr, forUPA: forUPA}
	pr.entry = c.emit(p, 0)
	return pr
}

type particleCompiler struct {
	*program
	forUPA bool
}

func (c *particleCompiler) add(in instr) int32 {
	if len(c.code) >= maxInstructions {
		c.tooLarge = true
		return 0
	}
	c.code = append(c.code, in)
	return int32(len(c.code) - 1)
}

func (c *particleCompiler) emit(p *particle, next int32) int32 {
	if p == nil || p.max == 0 || c.tooLarge || p.weight() == 0 {
		return next
	}
	lo, hi := p.min, p.max
	once := *p
	once.min, once.max = 1, 1
	if once.emptiable() {
		lo = 0
	}
	if c.forUPA {
		switch {
		case lo == hi && hi > 2:
			lo, hi = 2, 2
		case lo != hi && lo > 1:
			lo = 1
		}
		if lo != hi && (hi < 0 || hi > 1) {
			hi = unbounded
		}
	}
	if lo == 1 && hi == 1 {
		return c.body(p, next)
	}
	// (x+){n,m} is x{n,unbounded}: the inner bound leaves the outer one nothing to count.
	if q := p.only(); q != nil && q.max < 0 && q.min <= 1 {
		inner := *q
		inner.min, inner.max = lo*q.min, unbounded
		return c.emit(&inner, next)
	}
	bodies := hi
	if hi < 0 {
		bodies = max(lo, 1)
	}
	if !c.forUPA && bodies > 1 && (bodies > maxCopies || bodies*p.weight() > maxCopies) {
		return c.counted(p, lo, hi, next)
	}
	cur := next
	n := hi
	if hi < 0 {
		loop := c.add(instr{op: opFork, y: next})
		entry := c.body(p, loop)
		if c.tooLarge {
			return 0
		}
		c.code[loop].x = entry
		cur, n = loop, lo
		if lo > 0 {
			cur, n = entry, lo-1
		}
	}
	for i := n - 1; i >= 0; i-- {
		cur = c.body(p, cur)
		if i >= lo {
			cur = c.add(instr{op: opFork, x: cur, y: next})
		}
	}
	return cur
}

func (c *particleCompiler) counted(p *particle, lo, hi int, next int32) int32 {
	if len(c.counters) >= maxCounters {
		c.tooLarge = true
		return 0
	}
	n := int32(len(c.counters))
	now := counter{min: lo, max: hi}
	once := *p
	if once.min, once.max = 1, 1; once.emptiable() {
		if c.hollow >= maxHollow {
			c.tooLarge = true
			return 0
		}
		now.hollow = 1 << c.hollow
		c.hollow++
	}
	c.counters = append(c.counters, now)
	loop := c.add(instr{op: opLoop, y: next, count: n})
	entry := c.body(p, loop)
	if c.tooLarge {
		return 0
	}
	c.code[loop].x = entry
	return c.add(instr{op: opEnter, x: loop, count: n})
}

func (c *particleCompiler) body(p *particle, next int32) int32 {
	switch p.kind {
	case particleElement:
		return c.add(instr{op: opElement, x: next, elem: p.elem, origin: p.origin})
	case particleAny:
		return c.add(instr{op: opWild, x: next, wild: p.wild, origin: p.origin})
	case particleChoice:
		entry := int32(-1)
		for i := len(p.parts) - 1; i >= 0; i-- {
			e := c.emit(p.parts[i], next)
			if entry >= 0 && e != entry {
				e = c.add(instr{op: opFork, x: e, y: entry})
			}
			entry = e
		}
		if entry < 0 { // an empty choice accepts nothing at all
			return c.add(instr{op: opWild, x: next, wild: &wildcard{}, origin: p.origin})
		}
		return entry
	}
	for i := len(p.parts) - 1; i >= 0; i-- {
		next = c.emit(p.parts[i], next)
	}
	return next
}

// only gives the one particle a group consists of; nil if there are more or none.
func (p *particle) only() *particle {
	if (p.kind == particleSequence || p.kind == particleChoice) && len(p.parts) == 1 {
		return p.parts[0]
	}
	return nil
}
