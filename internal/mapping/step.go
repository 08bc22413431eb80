package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// step is one compiled step of with.
type step struct {
	name    string
	args    []string
	onEmpty bool // runs on empty values too
	run     func(st *state, v string) (string, *refusal)
}

type stepFunc = func(st *state, v string) (string, *refusal)

// comma tells whether the step writes a decimal comma.
func (s *step) comma() bool { return s.name == "comma" && !slices.Equal(s.args, []string{"0"}) }

// stepDef says how a step is built from its arguments.
type stepDef struct {
	least, most int // arguments
	onEmpty     bool
	build       func(c *compiler, args []string) (stepFunc, error)
}

// pure makes a step definition of a function without arguments.
func pure(f func(string) (string, *refusal)) stepDef {
	return stepDef{build: func(*compiler, []string) (stepFunc, error) {
		return func(_ *state, v string) (string, *refusal) { return f(v) }, nil
	}}
}

// plain makes a step definition of a function that cannot fail.
func plain(f func(string) string) stepDef {
	return pure(func(v string) (string, *refusal) { return f(v), nil })
}

// withArgs makes a step definition whose arguments are read once.
func withArgs(least, most int, build func(args []string) (func(string) (string, *refusal), error)) stepDef {
	return stepDef{least: least, most: most, build: func(_ *compiler, args []string) (stepFunc, error) {
		f, err := build(args)
		if err != nil {
			return nil, err
		}
		return func(_ *state, v string) (string, *refusal) { return f(v) }, nil
	}}
}

func (d stepDef) always() stepDef {
	d.onEmpty = true
	return d
}

// stepDefs is the library; its parts lie in the step_ files.
func stepDefs() map[string]stepDef {
	all := map[string]stepDef{}
	for _, part := range []map[string]stepDef{textSteps(), letterSteps(), dateSteps(), moneySteps(), checkSteps(), codeSteps()} {
		for name, d := range part {
			all[name] = d
		}
	}
	return all
}

// steps compiles the list of with.
func (c *compiler) steps(nodes []*yaml.Node) []step {
	defs := c.defs
	var names []string
	for name := range defs {
		names = append(names, name)
	}
	slices.Sort(names)
	var out []step
	for _, n := range nodes {
		name, args, ok := c.stepWords(n)
		if !ok {
			continue
		}
		d, known := defs[name]
		if !known {
			c.r.add(n, name+" is not a step", didYouMean(name, names))
			continue
		}
		if len(args) < d.least || len(args) > d.most {
			c.r.addf(n, "%s takes %s, not %d", name, argCount(d), len(args))
			continue
		}
		run, err := d.build(c, args)
		if err != nil {
			c.r.addf(n, "%s: %v", name, err)
			continue
		}
		out = append(out, step{name, args, d.onEmpty, run})
	}
	return out
}

func argCount(d stepDef) string {
	switch {
	case d.most == 0:
		return "no arguments"
	case d.least == d.most && d.most == 1:
		return "1 argument"
	case d.least == d.most:
		return strconv.Itoa(d.most) + " arguments"
	}
	return fmt.Sprintf("%d to %d arguments", d.least, d.most)
}

// stepWords parts a step into its name and arguments; both forms of writing are read.
func (c *compiler) stepWords(n *yaml.Node) (string, []string, bool) {
	switch n.Kind {
	case yaml.ScalarNode:
		words, err := splitWords(n.Value)
		if err != nil || len(words) == 0 {
			c.r.addf(n, "a step has a name and arguments: %v", err)
			return "", nil, false
		}
		return words[0], words[1:], true
	case yaml.MappingNode:
		if len(n.Content) == 2 {
			v := n.Content[1]
			if v.Kind == yaml.ScalarNode {
				return n.Content[0].Value, []string{v.Value}, true
			}
			if v.Kind == yaml.SequenceNode {
				var args []string
				for _, a := range v.Content {
					if a.Kind != yaml.ScalarNode {
						c.r.addf(a, "an argument is a single value")
						return "", nil, false
					}
					args = append(args, a.Value)
				}
				return n.Content[0].Value, args, true
			}
		}
	}
	c.r.add(n, "a step is a name with arguments", `like cut 30 or {replace: ["/", "-"]}`)
	return "", nil, false
}

// splitWords parts at blanks; quotes hold blanks together and may be empty.
func splitWords(s string) ([]string, error) {
	var words []string
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var b strings.Builder
		for s != "" && s[0] != ' ' {
			if s[0] != '"' && s[0] != '\'' {
				b.WriteByte(s[0])
				s = s[1:]
				continue
			}
			end := strings.IndexByte(s[1:], s[0])
			if end < 0 {
				return nil, fmt.Errorf("a quote is not closed")
			}
			b.WriteString(s[1 : end+1])
			s = s[end+2:]
		}
		words = append(words, b.String())
	}
	return words, nil
}

func wholeNumber(s string, lo, hi int) (int, error) {
	n, err := strconv.Atoi(s)
	if err != nil || n < lo || n > hi {
		return 0, fmt.Errorf("%q is not a whole number from %d to %d", s, lo, hi)
	}
	return n, nil
}

func textSteps() map[string]stepDef {
	edge := func(before bool) stepDef {
		return withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			if a[0] == "" {
				return nil, fmt.Errorf("an empty text is everywhere")
			}
			return func(v string) (string, *refusal) {
				l, r, found := strings.Cut(v, a[0])
				switch {
				case !found && before:
					return v, nil
				case !found:
					return "", nil
				case before:
					return l, nil
				}
				return r, nil
			}, nil
		})
	}
	affix := func(f func(v, a string) string) stepDef {
		return withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			return func(v string) (string, *refusal) { return f(v, a[0]), nil }, nil
		}).always()
	}
	return map[string]stepDef{
		"upper": plain(strings.ToUpper), "lower": plain(strings.ToLower), "trim": plain(strings.TrimSpace),
		"collapse": plain(func(v string) string { return strings.Join(strings.Fields(v), " ") }),
		"digits": plain(func(v string) string {
			return strings.Map(func(r rune) rune {
				if '0' <= r && r <= '9' {
					return r
				}
				return -1
			}, v)
		}),
		"cut": withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			n, err := wholeNumber(a[0], 1, 100000)
			return func(v string) (string, *refusal) { return cut(v, n), nil }, err
		}),
		"pad": withArgs(1, 3, buildPad).always(),
		"replace": withArgs(2, 2, func(a []string) (func(string) (string, *refusal), error) {
			if a[0] == "" {
				return nil, fmt.Errorf("an empty text is everywhere")
			}
			return func(v string) (string, *refusal) { return strings.ReplaceAll(v, a[0], a[1]), nil }, nil
		}),
		"remove": withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			return func(v string) (string, *refusal) {
				return strings.Map(func(r rune) rune {
					if strings.ContainsRune(a[0], r) {
						return -1
					}
					return r
				}, v), nil
			}, nil
		}),
		"before": edge(true), "after": edge(false),
		"prefix": affix(func(v, a string) string { return a + v }),
		"suffix": affix(func(v, a string) string { return v + a }),
		"default": affix(func(v, a string) string {
			if v == "" {
				return a
			}
			return v
		}),
	}
}

// cut keeps n characters and never leaves half a letter: a mark goes with its base.
func cut(v string, n int) string {
	if len(v) <= n {
		return v
	}
	count := 0
	for i, r := range v {
		if count == n {
			if isMark(r) { // the letter before does not fit whole
				_, size := utf8.DecodeLastRuneInString(v[:i])
				i -= size
				for i > 0 && isMark(lastRune(v[:i+size])) {
					_, size = utf8.DecodeLastRuneInString(v[:i])
					i -= size
				}
			}
			return v[:i]
		}
		count++
	}
	return v
}

func isMark(r rune) bool { return 0x300 <= r && r <= 0x36F }

func lastRune(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(s)
	return r
}

func buildPad(a []string) (func(string) (string, *refusal), error) {
	n, err := wholeNumber(a[0], 1, 100000)
	if err != nil {
		return nil, err
	}
	left, fill := true, "0"
	if len(a) > 1 {
		switch a[1] {
		case "left":
		case "right":
			left, fill = false, " "
		default:
			return nil, fmt.Errorf("%q is not left or right", a[1])
		}
	}
	if len(a) > 2 {
		fill = a[2]
		if utf8.RuneCountInString(fill) != 1 {
			return nil, fmt.Errorf("%q is not one character to fill with", fill)
		}
	}
	return func(v string) (string, *refusal) {
		missing := n - utf8.RuneCountInString(v)
		if missing <= 0 {
			return v, nil
		}
		if left {
			return strings.Repeat(fill, missing) + v, nil
		}
		return v + strings.Repeat(fill, missing), nil
	}, nil
}
