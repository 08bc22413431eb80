package mapping

import (
	"errors"
	"slices"
	"strings"
)

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

var errWhole = errors.New("is not a whole number of days or months")

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
				return f(d).inYears()
			}
			return Date{}, nil
		}, []any{new(func(Date) Date)}}
	}
	shift := func(name string, f func(Date, int) Date) exprFunction {
		return exprFunction{name, func(a ...any) (any, error) {
			by, err := asDecimal(a[1])
			if err != nil {
				return nil, err
			}
			d := a[0].(Date)
			if !d.IsSet() || !by.set {
				return Date{}, nil
			}
			if by, err = exactly(by, 0); err != nil {
				return nil, errWhole
			}
			if n := by.unscaled; n > 100000 || n < -100000 {
				return nil, errOverflow
			}
			return f(d, int(by.unscaled)).inYears()
		}, []any{new(func(Date, int) Date), new(func(Date, Decimal) Date)}}
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
		span("days", days),
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
