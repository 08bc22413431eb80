package mapping

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// exprFunction is one function of expressions with the types it takes.
type exprFunction struct {
	name  string
	fn    func(...any) (any, error)
	types []any
}

// exprText writes the result of an expression.
func exprText(v any) (string, error) {
	switch x := v.(type) {
	case nil:
		return "", nil
	case string:
		return x, nil
	case bool:
		return boolText(x), nil
	case int:
		return strconv.Itoa(x), nil
	case int64:
		return strconv.FormatInt(x, 10), nil
	case Decimal:
		return x.String(), nil
	case Date:
		return x.String(), nil
	}
	return "", fmt.Errorf("the expression gives a %T", v)
}

func shortest(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func asDecimal(v any) (Decimal, error) {
	switch x := v.(type) {
	case nil:
		return Decimal{}, nil
	case Decimal:
		return x, nil
	case int:
		return decimalOf(x), nil
	case int64:
		return Decimal{unscaled: x, set: true}, nil
	case string:
		return toDecimal(x)
	}
	return Decimal{}, errNoNumber
}

// toDecimal reads a number out of the document and says so if it is none.
func toDecimal(s string) (Decimal, error) {
	d, err := ParseDecimal(s)
	if err != nil {
		return d, &refusal{code: CodeNotANumber, message: "the value " + err.Error(), value: s}
	}
	return d, nil
}

func toDate(s string) (Date, error) {
	d, err := ParseDate(s)
	if err != nil {
		return d, &refusal{code: CodeNotADate, message: "the value " + err.Error(), value: s}
	}
	return d, nil
}

// onState makes a function of the state and one index.
func onState[T any](name string, f func(*state, int) (T, error), types ...any) exprFunction {
	if len(types) == 0 {
		types = []any{new(func(*state, int) T)}
	}
	return exprFunction{name, func(a ...any) (any, error) {
		i := 0
		if len(a) > 1 {
			i = a[1].(int)
		}
		return f(a[0].(*state), i)
	}, types}
}

// pathOnly is a type that no value has.
type pathOnly struct{}

func refuse(ref *refusal) error {
	if ref == nil {
		return nil
	}
	return ref
}

// exprFunctions are all functions; those that begin with __ are what names and paths are
// bound to.
func exprFunctions() []exprFunction {
	return slices.Concat(stateFunctions(), numberFunctions(), dateFunctions(), textFunctions())
}

func stateFunctions() []exprFunction {
	letText := func(st *state, i int) (string, error) {
		s, ref := st.let(st.m.letAt(st, i))
		return s, refuse(ref)
	}
	pathText := func(st *state, i int) (string, error) {
		s, ref := st.text(st.m.paths[i])
		return s, refuse(ref)
	}
	nothing := func(...any) (any, error) { return nil, errNoNumber }
	return []exprFunction{
		{"count", nothing, []any{new(func(pathOnly) int)}}, // for the parser, which has its own otherwise
		{"sum", nothing, []any{new(func(pathOnly) Decimal)}},
		{"distinct", nothing, []any{new(func(pathOnly) int)}},
		{"join", nothing, []any{new(func(pathOnly, string) string)}},
		onState("__letText", letText),
		onState("__letBool", func(st *state, i int) (bool, error) {
			s, err := letText(st, i)
			return s == "true", err
		}),
		onState("__letNumber", func(st *state, i int) (Decimal, error) {
			s, err := letText(st, i)
			if err != nil {
				return Decimal{}, err
			}
			return toDecimal(s)
		}),
		onState("__letDate", func(st *state, i int) (Date, error) {
			s, err := letText(st, i)
			if err != nil {
				return Date{}, err
			}
			return toDate(s)
		}),
		onState("__text", pathText),
		onState("__number", func(st *state, i int) (Decimal, error) {
			s, err := pathText(st, i)
			if err != nil {
				return Decimal{}, err
			}
			return toDecimal(s)
		}),
		onState("__date", func(st *state, i int) (Date, error) {
			s, err := pathText(st, i)
			if err != nil {
				return Date{}, err
			}
			return toDate(s)
		}),
		onState("__count", func(st *state, i int) (int, error) { return st.m.paths[i].count(st.root, st.scope.cur), nil }),
		onState("__exists", func(st *state, i int) (bool, error) {
			_, n := st.m.paths[i].text(st.root, st.scope.cur)
			return n > 0, nil
		}),
		onState("__sum", sumOfPath),
		onState("__distinct", distinctInPath),
		{"__join", func(a ...any) (any, error) {
			return joinedPath(a[0].(*state), a[1].(int), a[2].(string)), nil
		}, []any{new(func(*state, int, string) string)}},
		onState("__position", func(st *state, _ int) (int, error) { return st.scope.pos, nil }, new(func(*state) int)),
		onState("__attachments", func(st *state, _ int) ([]Attachment, error) { return st.env.Attachments, nil }, new(func(*state) []Attachment)),
		onState("__fact", func(st *state, i int) (string, error) { return factAt(i).get(st), nil }),
		onState("__receivedOn", func(st *state, _ int) (Date, error) { return st.receivedOn(), nil }),
		{"__answer", func(a ...any) (any, error) {
			return a[0].(*state).env.Answers[a[1].(string)][a[2].(string)], nil
		}, []any{new(func(*state, string, string) string)}},
		onState("__ordinance", func(st *state, i int) (Decimal, error) { return st.ordinanceNumber(i, Date{}, false) }),
		{"__ordinanceOn", func(a ...any) (any, error) {
			return a[0].(*state).ordinanceNumber(a[1].(int), a[2].(Date), true)
		}, []any{new(func(*state, int, Date) Decimal)}},
		{"__lookup", func(a ...any) (any, error) {
			l, v := a[0].(*state).m.lookups[a[1].(int)], a[2].(string)
			if v == "" {
				return "", nil
			}
			out, ok := l.list.Lookup(v, l.column)
			if !ok {
				return "", l.miss(v).with(v)
			}
			return out, nil
		}, []any{new(func(*state, int, string) string)}},
		{"__inList", func(a ...any) (any, error) {
			return a[0].(*state).m.lookups[a[1].(int)].list.Has(a[2].(string)), nil
		}, []any{new(func(*state, int, string) bool)}},
	}
}

var allFacts = facts()

func factAt(i int) fact { return allFacts[i] }

// joinedPath is every value of a path that is not blank, trimmed, in document order.
func joinedPath(st *state, i int, separator string) string {
	var all []string
	st.m.paths[i].texts(st.root, st.scope.cur, func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			all = append(all, s)
		}
	})
	return strings.Join(all, separator)
}

// distinctInPath is how many different values a path finds; the empty one is none.
func distinctInPath(st *state, i int) (int, error) {
	seen := map[string]bool{}
	st.m.paths[i].texts(st.root, st.scope.cur, func(s string) {
		if s = strings.TrimSpace(s); s != "" {
			seen[s] = true
		}
	})
	return len(seen), nil
}

func sumOfPath(st *state, i int) (sum Decimal, err error) {
	sum = decimalOf(0)
	st.m.paths[i].texts(st.root, st.scope.cur, func(s string) {
		d, e := toDecimal(s)
		if err == nil {
			err = e
		}
		if err == nil && d.set {
			sum, err = sum.Add(d)
		}
	})
	return sum, err
}
