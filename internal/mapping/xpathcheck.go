package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// checkXPath parses an XPath 1.0 expression by the grammar, as far as mapping files
// use it, and collects what it reads. antchfx/xpath alone would ignore trailing
// garbage, return a node twice for sibling axes, count places wrong off the child axis,
// and compute money in floats; what it does not do right is refused here by name.
func checkXPath(src string, ns map[string]string) ([]readPath, error) {
	c := &xpathCheck{src: src, ns: ns}
	if err := c.scan(); err != nil {
		return nil, err
	}
	if err := c.expr(readPath{}); err != nil {
		return nil, fmt.Errorf("%s: %v", src, err)
	}
	if t := c.peek(0); t != "" {
		return nil, fmt.Errorf("%s: %q is left over", src, t)
	}
	return c.reads, nil
}

// xpathFunctions: name → least and most arguments.
var xpathFunctions = map[string][2]int{
	"last": {0, 0}, "position": {0, 0}, "count": {1, 1}, "local-name": {0, 1}, "namespace-uri": {0, 1},
	"string": {0, 1}, "concat": {2, 20}, "starts-with": {2, 2}, "ends-with": {2, 2}, "contains": {2, 2},
	"substring-before": {2, 2}, "substring-after": {2, 2}, "substring": {2, 3}, "string-length": {0, 1},
	"normalize-space": {0, 1}, "translate": {3, 3}, "boolean": {1, 1}, "not": {1, 1}, "true": {0, 0},
	"false": {0, 0}, "number": {0, 1}, "floor": {1, 1}, "ceiling": {1, 1}, "round": {1, 1}, "lower-case": {1, 1},
}

var xpathAxes = []string{"child", "descendant", "descendant-or-self", "parent", "ancestor", "ancestor-or-self", "self", "attribute"}

type xpathCheck struct {
	src    string
	ns     map[string]string
	tokens []string
	i      int
	depth  int // nesting of brackets and parentheses
	inside int // nesting of predicates
	placed int // the predicate, by its depth, in which position() or last() was met
	reads  []readPath
}

// scan parts the source into tokens; names keep their prefix, literals their quotes.
func (c *xpathCheck) scan() error {
	s := c.src
	for s != "" {
		switch r, size := utf8.DecodeRuneInString(s); {
		case r == ' ' || r == '\t' || r == '\n' || r == '\r':
			s = s[size:]
			continue
		case r == '\'' || r == '"':
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return fmt.Errorf("%s: a quote is not closed", c.src)
			}
			c.take(&s, end+2)
		case '0' <= r && r <= '9' || r == '.' && len(s) > 1 && '0' <= s[1] && s[1] <= '9':
			c.take(&s, len(s)-len(strings.TrimLeft(s, "0123456789.")))
		case nameRune(r, true):
			n := nameEnd(s)
			if n+1 < len(s) && s[n] == ':' && s[n+1] != ':' {
				switch rest := s[n+1:]; {
				case rest[0] == '*':
					n += 2
				case nameEnd(rest) > 0:
					n += 1 + nameEnd(rest)
				}
			}
			c.take(&s, n)
		case strings.HasPrefix(s, "//"), strings.HasPrefix(s, ".."), strings.HasPrefix(s, "::"),
			strings.HasPrefix(s, "!="), strings.HasPrefix(s, "<="), strings.HasPrefix(s, ">="):
			c.take(&s, 2)
		case strings.ContainsRune("()[]@,/|+-=<>*.", r):
			c.take(&s, 1)
		default:
			return fmt.Errorf("%s: %q has no place in a path", c.src, r)
		}
		if len(c.tokens) > 300 {
			return errors.New("a path of more than 300 words")
		}
	}
	return nil
}

func (c *xpathCheck) take(s *string, n int) {
	c.tokens = append(c.tokens, (*s)[:n])
	*s = (*s)[n:]
}

func nameEnd(s string) int {
	for i, r := range s {
		if !nameRune(r, i == 0) {
			return i
		}
	}
	return len(s)
}

func (c *xpathCheck) peek(ahead int) string {
	if c.i+ahead < len(c.tokens) {
		return c.tokens[c.i+ahead]
	}
	return ""
}

func (c *xpathCheck) accept(t string) bool {
	if c.peek(0) == t {
		c.i++
		return true
	}
	return false
}

func (c *xpathCheck) expect(t string) error {
	if !c.accept(t) {
		if c.peek(0) == "" {
			return fmt.Errorf("%s is missing at the end", t)
		}
		return fmt.Errorf("%s is wanted before %q", t, c.peek(0))
	}
	return nil
}

// expr reads operands parted by operators; which binds tighter does not matter here.
func (c *xpathCheck) expr(at readPath) error {
	if c.depth++; c.depth > 40 {
		return errors.New("nested too deeply")
	}
	defer func() { c.depth-- }()
	for {
		for c.accept("-") {
			if c.inside == 0 {
				return errors.New("paths do not compute; use expr")
			}
		}
		if err := c.operand(at); err != nil {
			return err
		}
		switch op := c.peek(0); op {
		case "or", "and", "=", "!=", "<", "<=", ">", ">=", "|":
			c.i++
		case "+", "-", "*", "div", "mod":
			if c.inside == 0 {
				return errors.New("paths do not compute; use expr")
			}
			c.i++
		default:
			return nil
		}
	}
}

func (c *xpathCheck) operand(at readPath) error {
	t := c.peek(0)
	isCall := t != "" && nameEnd(t) == len(t) && c.peek(1) == "(" && t != "text" && t != "node"
	switch {
	case t == "":
		return errors.New("it ends too early")
	case t[0] == '\'' || t[0] == '"':
		c.i++
		return nil
	case '0' <= t[0] && t[0] <= '9' || t[0] == '.' && len(t) > 1 && t != "..":
		if strings.Count(t, ".") > 1 {
			return fmt.Errorf("%s is not a number", t)
		}
		c.i++
		return nil
	case isCall:
		if err := c.call(at, t); err != nil {
			return err
		}
	case t == "(":
		c.i++
		if err := c.expr(at); err != nil {
			return err
		}
		if err := c.expect(")"); err != nil {
			return err
		}
	default:
		return c.location(at)
	}
	if c.peek(0) == "[" || c.peek(0) == "/" || c.peek(0) == "//" {
		return errors.New("a path goes on after parentheses or a function; write it as one path")
	}
	return nil
}

func (c *xpathCheck) call(at readPath, name string) error {
	args, known := xpathFunctions[name]
	if !known {
		if name == "sum" {
			return errors.New("sum of a path computes in floats; use expr with sum()")
		}
		names := make([]string, 0, len(xpathFunctions))
		for f := range xpathFunctions {
			names = append(names, f)
		}
		slices.Sort(names)
		return fmt.Errorf("%s is not a function of paths%s", name, inParens(didYouMean(name, names)))
	}
	if name == "position" || name == "last" {
		c.placed = c.inside
	}
	c.i += 2
	n := 0
	for c.peek(0) != ")" {
		if n > 0 {
			if err := c.expect(","); err != nil {
				return err
			}
		}
		if err := c.expr(at); err != nil {
			return err
		}
		n++
	}
	c.i++
	if n < args[0] || n > args[1] {
		return fmt.Errorf("%s takes %d to %d arguments, not %d", name, args[0], args[1], n)
	}
	return nil
}

func inParens(s string) string {
	if s == "" {
		return ""
	}
	return " (" + s + ")"
}

// location reads a location path and notes what it reads.
func (c *xpathCheck) location(at readPath) error {
	if c.accept("/") {
		at = readPath{absolute: true}
	} else if c.accept("//") {
		at = readPath{absolute: true, steps: []string{"**"}}
	}
	deep := len(at.steps) > 0
	for {
		from := c.i
		next, err := c.step(at)
		if err != nil {
			return err
		}
		at = next
		step := strings.Join(c.tokens[from:c.i], "")
		for first := true; c.accept("["); first = false {
			if err := c.predicate(at, step, deep && !first); err != nil {
				return err
			}
		}
		if c.accept("/") {
			continue
		}
		if c.accept("//") {
			at, deep = at.with("**"), true
			continue
		}
		c.reads = append(c.reads, at)
		return nil
	}
}

// predicate reads one condition of a step, to its bracket. Where antchfx/xpath counts places
// wrong it is refused: off the child axis, and behind // after another condition.
func (c *xpathCheck) predicate(at readPath, step string, later bool) error {
	from := c.i
	outer := c.placed
	c.inside, c.placed = c.inside+1, 0
	err := c.expr(at)
	placed := c.placed == c.inside
	c.inside, c.placed = c.inside-1, outer
	if err != nil {
		return err
	}
	digit := '0' <= c.tokens[from][0] && c.tokens[from][0] <= '9'
	axis, _, other := strings.Cut(step, "::")
	switch f := c.tokens[from]; {
	case other && axis != "child" && (placed || digit && axis == "descendant"):
		return fmt.Errorf("a place among %s is not counted right; write it by child steps, or each", step)
	case later && (placed || digit):
		return errors.New("a place after another condition is not counted right behind //; write the steps out, or each")
	case slices.Contains([]string{"string-length", "floor", "ceiling", "round"}, f) && c.callEnds(from) == c.i:
		return fmt.Errorf("%s gives a number; compare it", f)
	}
	return c.expect("]")
}

// callEnds is where a call that begins at token i is over.
func (c *xpathCheck) callEnds(i int) int {
	if i+1 >= len(c.tokens) || c.tokens[i+1] != "(" {
		return -1
	}
	open := 0
	for i++; i < len(c.tokens); i++ {
		switch c.tokens[i] {
		case "(":
			open++
		case ")":
			if open--; open == 0 {
				return i + 1
			}
		}
	}
	return -1
}

func (r readPath) with(step string) readPath {
	return readPath{absolute: r.absolute, steps: append(slices.Clone(r.steps), step)}
}

func (c *xpathCheck) step(at readPath) (readPath, error) {
	if c.accept(".") {
		return at, nil
	}
	if c.accept("..") {
		return at.with(".."), nil
	}
	axis := "child"
	if c.accept("@") {
		axis = "attribute"
	} else if c.peek(1) == "::" {
		axis = c.peek(0)
		if !slices.Contains(xpathAxes, axis) {
			return at, fmt.Errorf("the axis %s is not used here (possible: %s)", axis, strings.Join(xpathAxes, ", "))
		}
		c.i += 2
	}
	t := c.peek(0)
	c.i++
	name := t
	if axis == "descendant-or-self" && (t != "node" || c.peek(0) != "(") {
		return at, fmt.Errorf("descendant-or-self::%s meets other names too; write descendant::%s or //%s", t, t, t)
	}
	switch {
	case (t == "text" || t == "node") && c.peek(0) == "(":
		c.i++
		if err := c.expect(")"); err != nil {
			return at, err
		}
		if t == "text" {
			return at, nil
		}
		name = "*"
	case t == "*":
	default:
		if i := strings.IndexByte(t, ':'); i >= 0 {
			if _, known := c.ns[t[:i]]; !known {
				return at, unknownPrefix(t[:i], c.ns)
			}
			if name = t[i+1:]; name == "*" {
				return at, fmt.Errorf("%s: a prefix with * is not used here", t)
			}
		}
		if !isName(name) {
			if t == "" {
				return at, errors.New("it ends where a name is wanted")
			}
			return at, fmt.Errorf("a name is wanted before %q", t)
		}
	}
	switch axis {
	case "attribute":
		return at.with("@" + name), nil
	case "parent":
		return at.with(".."), nil
	case "self":
		return at, nil
	case "descendant", "descendant-or-self":
		return at.with("**").with(name), nil
	case "ancestor", "ancestor-or-self":
		return readPath{absolute: true, steps: []string{"**", name}}, nil
	}
	return at.with(name), nil
}
