package mapping

import (
	"errors"
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

// numeric lists the signatures of a function whose first n arguments are Decimals or ints.
func numeric[R any](n int) []any {
	if n == 1 {
		return []any{new(func(Decimal) R), new(func(int) R)}
	}
	return []any{new(func(Decimal, Decimal) R), new(func(Decimal, int) R), new(func(int, Decimal) R)}
}

func two(a []any) (x, y Decimal, err error) {
	if x, err = asDecimal(a[0]); err != nil {
		return
	}
	y, err = asDecimal(a[1])
	return
}

func compare(name string, yes func(int) bool) exprFunction {
	types := append(numeric[bool](2), new(func(Date, Date) bool))
	return exprFunction{name, func(a ...any) (any, error) {
		if x, ok := a[0].(Date); ok {
			c, ok := x.Cmp(a[1].(Date))
			return ok && yes(c), nil
		}
		x, y, err := two(a)
		c, ok := x.Cmp(y)
		return ok && yes(c), err
	}, types}
}

func arithmetic(name string, f func(x, y Decimal) (Decimal, error), ints bool) exprFunction {
	types := numeric[Decimal](2)
	if ints {
		types = append(types, new(func(int, int) Decimal))
	}
	return exprFunction{name, func(a ...any) (any, error) {
		x, y, err := two(a)
		if err != nil {
			return nil, err
		}
		return f(x, y)
	}, types}
}

func extreme(want int) func(x, y Decimal) (Decimal, error) {
	return func(x, y Decimal) (Decimal, error) {
		if c, ok := x.Cmp(y); ok && c != want {
			return y, nil
		} else if !ok {
			return Decimal{}, nil
		}
		return x, nil
	}
}

var errRule = errors.New("the rounding rule is none of " + strings.Join(roundings, ", "))

// places reads the places and the rule that follow the numbers of a call.
func places(a []any) (int, Rounding, error) {
	n, rule := 2, HalfUp
	if len(a) > 0 {
		n = a[0].(int)
	}
	if len(a) > 1 {
		rule = Rounding(a[1].(string))
		if !slices.Contains(roundings, string(rule)) {
			return 0, "", errRule
		}
	}
	return n, rule, nil
}

func numberFunctions() []exprFunction {
	return []exprFunction{
		compare("__lt", func(c int) bool { return c < 0 }), compare("__le", func(c int) bool { return c <= 0 }),
		compare("__gt", func(c int) bool { return c > 0 }), compare("__ge", func(c int) bool { return c >= 0 }),
		compare("__eq", func(c int) bool { return c == 0 }), compare("__ne", func(c int) bool { return c != 0 }),
		arithmetic("__add", Decimal.Add, false),
		arithmetic("__sub", func(x, y Decimal) (Decimal, error) { return x.Add(y.Neg()) }, false),
		arithmetic("__mul", Decimal.Mul, false),
		arithmetic("min", extreme(-1), true), arithmetic("max", extreme(1), true),
		{"number", func(a ...any) (any, error) { return asDecimal(a[0]) }, []any{new(func(string) Decimal), new(func(Decimal) Decimal), new(func(int) Decimal)}},
		{"decimal", func(a ...any) (any, error) { return asDecimal(a[0]) }, []any{new(func(string) Decimal), new(func(int) Decimal)}},
		{"round", func(a ...any) (any, error) {
			d, err := asDecimal(a[0])
			if err != nil {
				return nil, err
			}
			n, rule, err := places(a[1:])
			if err != nil {
				return nil, err
			}
			return d.Round(n, rule)
		}, []any{new(func(Decimal, int) Decimal), new(func(Decimal, int, string) Decimal)}},
		{"divide", func(a ...any) (any, error) {
			x, y, err := two(a)
			if err != nil {
				return nil, err
			}
			n, rule, err := places(a[2:])
			if err != nil {
				return nil, err
			}
			return x.Div(y, n, rule)
		}, []any{new(func(Decimal, Decimal, int) Decimal), new(func(Decimal, Decimal, int, string) Decimal),
			new(func(Decimal, int, int) Decimal), new(func(Decimal, int, int, string) Decimal),
			new(func(int, int, int) Decimal), new(func(int, int, int, string) Decimal)}},
		{"proRata", func(a ...any) (any, error) {
			x, n, err := two(a)
			if err != nil {
				return nil, err
			}
			_, rule, err := places(append([]any{2}, a[2:]...))
			if err != nil {
				return nil, err
			}
			return proRata(x, n, rule)
		}, []any{new(func(Decimal, int) Decimal), new(func(Decimal, Decimal) Decimal), new(func(Decimal, int, string) Decimal), new(func(Decimal, Decimal, string) Decimal)}},
	}
}

// proRata is the share of n of twelve months, to the cent, rounded once.
func proRata(yearly, n Decimal, rule Rounding) (Decimal, error) {
	part, err := yearly.Mul(n)
	if err != nil {
		return Decimal{}, err
	}
	return part.Div(decimalOf(12), 2, rule)
}

func dateFunctions() []exprFunction {
	day := func(name string, f func(Date) Date) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			if d := a[0].(Date); d.IsSet() {
				return f(d), nil
			}
			return Date{}, nil
		}, []any{new(func(Date) Date)}}
	}
	shift := func(name string, f func(Date, int) Date) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			d, n := a[0].(Date), a[1].(int)
			if !d.IsSet() {
				return Date{}, nil
			}
			if n > 100000 || n < -100000 {
				return nil, errOverflow
			}
			return f(d, n), nil
		}, []any{new(func(Date, int) Date)}}
	}
	part := func(name string, f func(Date) int) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			if d := a[0].(Date); d.IsSet() {
				return decimalOf(f(d)), nil
			}
			return Decimal{}, nil
		}, []any{new(func(Date) Decimal)}}
	}
	span := func(name string, f func(a, b Date) int) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			x, y := a[0].(Date), a[1].(Date)
			if !x.IsSet() || !y.IsSet() {
				return Decimal{}, nil
			}
			return decimalOf(f(x, y)), nil
		}, []any{new(func(Date, Date) Decimal)}}
	}
	return []exprFunction{
		day("firstOfMonth", Date.firstOfMonth), day("lastOfMonth", Date.lastOfMonth), day("workingDay", Date.workingDay),
		day("firstOfNextMonth", func(d Date) Date { return d.firstOfMonth().plusMonths(1) }),
		shift("plusDays", Date.plusDays), shift("plusMonths", Date.plusMonths),
		shift("plusWorkingDays", Date.plusWorkingDays),
		part("year", func(d Date) int { return d.Year }), part("month", func(d Date) int { return int(d.Month) }),
		part("day", func(d Date) int { return d.Day }), part("monthsLeft", func(d Date) int { return 13 - int(d.Month) }),
		span("months", months), span("age", age),
		span("days", func(a, b Date) int { return int(b.time().Sub(a.time()).Hours() / 24) }),
		{"date", func(a ...any) (any, error) {
			if d, ok := a[0].(Date); ok {
				return d, nil
			}
			return toDate(a[0].(string))
		}, []any{new(func(string) Date), new(func(Date) Date)}},
		{"format", func(a ...any) (any, error) {
			f, err := parseDateFormat(a[1].(string))
			if err != nil {
				return nil, err
			}
			if d := a[0].(Date); d.IsSet() {
				return f.format(moment{day: d}), nil
			}
			return "", nil
		}, []any{new(func(Date, string) string)}},
	}
}

func textFunctions() []exprFunction {
	str := func(name string, f func(string) string) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) { return f(a[0].(string)), nil }, []any{new(func(string) string)}}
	}
	join := func(name string, f func([]string) string) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			list := make([]string, len(a))
			for i, v := range a {
				s, err := exprText(v)
				if err != nil {
					return nil, err
				}
				list[i] = s
			}
			return f(list), nil
		}, []any{new(func(...any) string)}}
	}
	return []exprFunction{
		str("upper", strings.ToUpper), str("lower", strings.ToLower), str("trim", strings.TrimSpace),
		join("concat", func(l []string) string { return strings.Join(l, "") }),
		join("coalesce", func(l []string) string {
			for _, s := range l {
				if s != "" {
					return s
				}
			}
			return ""
		}),
		{"text", func(a ...any) (any, error) { return exprText(a[0]) }, []any{new(func(any) string)}},
		{"exists", func(a ...any) (any, error) {
			s, err := exprText(a[0])
			return s != "", err
		}, []any{new(func(any) bool)}},
	}
}
