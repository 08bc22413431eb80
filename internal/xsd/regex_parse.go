package xsd

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// regexNode is one piece of a pattern: a set of characters, a sequence, a choice, or a repetition.
type regexNode struct {
	kind     regexKind
	set      charset
	parts    []*regexNode
	min, max int // of a repetition; max is -1 for no bound
}

type regexKind byte

const (
	regexSet regexKind = iota
	regexSeq
	regexAlt
	regexRepeat
)

// A pattern nested deeper than this is refused.
const maxPatternDepth = 200

// regexParser reads the expressions of XML Schema Part 2, appendix F, and nothing wider.
type regexParser struct {
	in    string
	pos   int
	depth int
	sets  *setCache
}

// setCache keeps the large character sets that patterns of one schema share.
type setCache struct{ named map[string]charset }

func newSetCache() *setCache { return &setCache{named: map[string]charset{}} }

func (c *setCache) get(name string, build func() charset) charset {
	s, ok := c.named[name]
	if !ok {
		s = build()
		c.named[name] = s
	}
	return s
}

func parsePattern(pattern string, sets *setCache) (*regexNode, error) {
	p := &regexParser{in: pattern, sets: sets}
	n, err := p.alternatives()
	if err != nil {
		return nil, fmt.Errorf("at character %d: %w", utf8.RuneCountInString(pattern[:min(p.pos, len(pattern))])+1, err)
	}
	if p.pos < len(p.in) {
		return nil, fmt.Errorf("at character %d: ) without (", utf8.RuneCountInString(pattern[:p.pos])+1)
	}
	return n, nil
}

func (p *regexParser) peek() (rune, int) {
	if p.pos >= len(p.in) {
		return -1, 0
	}
	return utf8.DecodeRuneInString(p.in[p.pos:])
}

func (p *regexParser) take(c byte) bool {
	if p.pos < len(p.in) && p.in[p.pos] == c {
		p.pos++
		return true
	}
	return false
}

func (p *regexParser) alternatives() (*regexNode, error) {
	if p.depth++; p.depth > maxPatternDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	var branches []*regexNode
	for {
		b, err := p.branch()
		if err != nil {
			return nil, err
		}
		branches = append(branches, b)
		if !p.take('|') {
			break
		}
	}
	if len(branches) == 1 {
		return branches[0], nil
	}
	return &regexNode{kind: regexAlt, parts: branches}, nil
}

func (p *regexParser) branch() (*regexNode, error) {
	seq := &regexNode{kind: regexSeq}
	for {
		r, size := p.peek()
		if size == 0 || r == '|' || r == ')' {
			return seq, nil
		}
		atom, err := p.atom(r, size)
		if err != nil {
			return nil, err
		}
		if atom, err = p.quantifier(atom); err != nil {
			return nil, err
		}
		seq.parts = append(seq.parts, atom)
	}
}

func (p *regexParser) atom(r rune, size int) (*regexNode, error) {
	switch r {
	case '(':
		p.pos++
		n, err := p.alternatives()
		if err != nil {
			return nil, err
		}
		if !p.take(')') {
			return nil, errors.New("( without )")
		}
		return n, nil
	case '[':
		p.pos++
		s, err := p.class()
		return &regexNode{kind: regexSet, set: s}, err
	case '.':
		p.pos++
		return &regexNode{kind: regexSet, set: charset{'\n', '\n', '\r', '\r'}.normal().negate()}, nil
	case '\\':
		s, _, err := p.escape()
		return &regexNode{kind: regexSet, set: s}, err
	case '?', '*', '+', '{', '}', ']':
		return nil, fmt.Errorf("%c has nothing to apply to; as a character it is written \\%c", r, r)
	}
	p.pos += size
	return &regexNode{kind: regexSet, set: charset{r, r}}, nil
}

func (p *regexParser) quantifier(atom *regexNode) (*regexNode, error) {
	if p.pos >= len(p.in) {
		return atom, nil
	}
	n := &regexNode{kind: regexRepeat, parts: []*regexNode{atom}}
	switch p.in[p.pos] {
	case '?':
		n.min, n.max = 0, 1
	case '*':
		n.min, n.max = 0, -1
	case '+':
		n.min, n.max = 1, -1
	case '{':
		p.pos++
		var ok bool
		if n.min, ok = p.number(); !ok {
			return nil, errors.New("{ needs a number")
		}
		n.max = n.min
		if p.take(',') {
			if n.max, ok = p.number(); !ok {
				n.max = -1
			}
		}
		if p.pos >= len(p.in) || p.in[p.pos] != '}' {
			return nil, errors.New("{ without }")
		}
		if n.max >= 0 && n.max < n.min {
			return nil, errors.New("the upper bound is less than the lower")
		}
	default:
		return atom, nil
	}
	p.pos++
	return n, nil
}

// number reads a count; counts beyond any limit are all the same.
func (p *regexParser) number() (int, bool) {
	n, any := 0, false
	for p.pos < len(p.in) && p.in[p.pos] >= '0' && p.in[p.pos] <= '9' {
		if n < 1<<30 {
			n = n*10 + int(p.in[p.pos]-'0')
		}
		p.pos++
		any = true
	}
	return n, any
}

// class reads what follows [, up to its ].
func (p *regexParser) class() (charset, error) {
	if p.depth++; p.depth > maxPatternDepth {
		return nil, errors.New("nested too deep")
	}
	defer func() { p.depth-- }()
	negated := p.take('^')
	var set charset
	first := true
	for {
		r, size := p.peek()
		switch {
		case size == 0:
			return nil, errors.New("[ without ]")
		case r == ']':
			if first {
				return nil, errors.New("[] is empty")
			}
			p.pos++
			return finishClass(set, negated), nil
		case r == '[':
			return nil, errors.New("[ inside [] is written \\[")
		case r == '-' && !first && strings.HasPrefix(p.in[p.pos:], "-["):
			p.pos += 2
			minus, err := p.class()
			if err != nil {
				return nil, err
			}
			if !p.take(']') {
				return nil, errors.New("nothing may follow a subtraction but ]")
			}
			return finishClass(set, negated).without(minus), nil
		}
		lo, single, err := p.member(first)
		if err != nil {
			return nil, err
		}
		first = false
		if !single || !p.rangeFollows() {
			set = append(set, lo...)
			continue
		}
		if lo[0] == '-' && p.in[p.pos-1] == '-' && p.in[p.pos-2] != '\\' {
			return nil, errors.New("a range cannot start with -")
		}
		p.pos++
		hi, single, err := p.member(false)
		if err != nil {
			return nil, err
		}
		if !single || hi[0] < lo[0] {
			return nil, errors.New("not a range")
		}
		set = append(set, lo[0], hi[0])
	}
}

func finishClass(set charset, negated bool) charset {
	set = set.normal()
	if negated {
		return set.negate()
	}
	return set
}

// rangeFollows tells whether a - at the present place joins two ends of a range: not before ] and not
// before a subtraction.
func (p *regexParser) rangeFollows() bool {
	rest := p.in[p.pos:]
	return len(rest) > 1 && rest[0] == '-' && rest[1] != ']' && rest[1] != '['
}

// member reads one character or escape of a class; single tells whether it may be an end of a range.
func (p *regexParser) member(first bool) (s charset, single bool, err error) {
	r, size := p.peek()
	switch {
	case size == 0:
		return nil, false, errors.New("[ without ]")
	case r == '\\':
		return p.escape()
	case r == '[' || r == ']':
		return nil, false, fmt.Errorf("%c inside [] is written \\%c", r, r)
	case r == '-' && !first && !strings.HasPrefix(p.in[p.pos:], "-]") && !strings.HasPrefix(p.in[p.pos:], "--["):
		return nil, false, errors.New("- inside [] stands first, last or as \\-")
	}
	p.pos += size
	return charset{r, r}, true, nil
}

// escape reads from \ on; single tells whether it stands for one character.
func (p *regexParser) escape() (s charset, single bool, err error) {
	p.pos++
	r, size := p.peek()
	if size == 0 {
		return nil, false, errors.New("\\ at the end")
	}
	p.pos += size
	switch r {
	case 'n':
		return charset{'\n', '\n'}, true, nil
	case 'r':
		return charset{'\r', '\r'}, true, nil
	case 't':
		return charset{'\t', '\t'}, true, nil
	case '\\', '|', '.', '-', '^', '?', '*', '+', '{', '}', '(', ')', '[', ']':
		return charset{r, r}, true, nil
	case 'p', 'P':
		s, err = p.property()
		if r == 'P' && err == nil {
			s = s.negate()
		}
		return s, false, err
	}
	lower := r | 0x20
	set, ok := p.shorthand(lower)
	if !ok {
		return nil, false, fmt.Errorf("\\%c is no escape of XML Schema", r)
	}
	if r != lower {
		set = set.negate()
	}
	return set, false, nil
}

func (p *regexParser) shorthand(r rune) (charset, bool) {
	switch r {
	case 's':
		return charset{'\t', '\n', '\r', '\r', ' ', ' '}, true
	case 'i':
		return append(charset{':', ':'}, nameStart...).normal(), true
	case 'c':
		return p.sets.get(`\c`, func() charset { return append(append(charset{':', ':'}, nameStart...), nameRest...).normal() }), true
	case 'd':
		return p.sets.get("Nd", func() charset { s, _ := category("Nd"); return s }), true
	case 'w':
		return p.sets.get(`\w`, func() charset {
			var not charset
			for _, c := range []string{"P", "Z", "C"} {
				s, _ := category(c)
				not = append(not, s...)
			}
			return not.normal().negate()
		}), true
	}
	return nil, false
}

// property reads {L}, {Lu}, {IsBasicLatin} …
func (p *regexParser) property() (charset, error) {
	end := strings.IndexByte(p.in[p.pos:], '}')
	if !p.take('{') || end < 0 {
		return nil, errors.New("\\p needs a name in {}")
	}
	name := p.in[p.pos : p.pos+end-1]
	p.pos += end
	var found bool
	set := p.sets.get("p:"+name, func() charset {
		if block, ok := strings.CutPrefix(name, "Is"); ok {
			s, _ := unicodeBlock(block)
			return s
		}
		s, _ := category(name)
		return s
	})
	if found = len(set) > 0 || name == "Cs"; !found {
		if strings.HasPrefix(name, "Is") {
			return nil, fmt.Errorf("%q is no Unicode block", name[2:])
		}
		return nil, fmt.Errorf("%q is no Unicode category", name)
	}
	return set, nil
}
