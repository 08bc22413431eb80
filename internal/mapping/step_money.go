package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

func notANumber(err error) *refusal {
	if errors.Is(err, errDecimal) {
		return &refusal{code: CodeNotANumber, message: "the value " + err.Error()}
	}
	return &refusal{code: CodeNotANumber, message: "the number " + err.Error()}
}

func onDecimal(f func(Decimal) (string, error)) func(string) (string, *refusal) {
	return func(v string) (string, *refusal) {
		d, err := ParseDecimal(v)
		if err != nil {
			return "", notANumber(err)
		}
		if !d.set {
			return "", nil
		}
		out, err := f(d)
		if err != nil {
			return "", notANumber(err)
		}
		return out, nil
	}
}

var errPlaces = errors.New("has more places than allowed; round is the named decision")

// exactly gives d with n places, if that loses nothing.
func exactly(d Decimal, n int) (Decimal, error) {
	r, err := d.Round(n, Down)
	if err != nil {
		return r, err
	}
	if c, _ := r.Cmp(d); c != 0 {
		return r, errPlaces
	}
	return r, nil
}

func placesArg(a []string, dflt int) (int, error) {
	if len(a) == 0 {
		return dflt, nil
	}
	return wholeNumber(a[0], 0, maxScale)
}

func ruleArg(a []string, i int) (Rounding, error) {
	if i >= len(a) {
		return HalfUp, nil
	}
	if !slices.Contains(roundings, a[i]) {
		return "", fmt.Errorf("%q is not a rounding rule%s", a[i], inParens(didYouMean(a[i], roundings)))
	}
	return Rounding(a[i]), nil
}

// germanDecimal reads 1.234,50 and 85,80 besides 85.80.
func germanDecimal(v string) string {
	if !strings.Contains(v, ",") {
		return v
	}
	whole, frac, _ := strings.Cut(v, ",")
	groups := strings.Split(whole, ".")
	for i, g := range groups[1:] {
		if len(g) != 3 || i == 0 && len(strings.TrimLeft(groups[0], "+-")) > 3 {
			return v
		}
	}
	return strings.Join(groups, "") + "." + frac
}

func moneySteps() map[string]stepDef {
	return map[string]stepDef{
		"decimal": withArgs(0, 1, func(a []string) (func(string) (string, *refusal), error) {
			n, err := placesArg(a, -1)
			f := onDecimal(func(d Decimal) (string, error) {
				if n < 0 {
					return d.String(), nil
				}
				x, err := exactly(d, n)
				return x.String(), err
			})
			return func(v string) (string, *refusal) { return f(germanDecimal(strings.TrimSpace(v))) }, err
		}),
		"comma": withArgs(0, 1, func(a []string) (func(string) (string, *refusal), error) {
			n, err := placesArg(a, -1)
			return onDecimal(func(d Decimal) (string, error) {
				if n >= 0 {
					var err error
					if d, err = exactly(d, n); err != nil {
						return "", err
					}
				}
				return string(d.append(nil, ',')), nil
			}), err
		}),
		"cents": pure(onDecimal(func(d Decimal) (string, error) {
			x, err := exactly(d, 2)
			if err != nil {
				return "", err
			}
			return Decimal{unscaled: x.unscaled, set: true}.String(), nil
		})),
		"from-cents": pure(onDecimal(func(d Decimal) (string, error) {
			if d.scale != 0 {
				return "", errPlaces
			}
			return Decimal{unscaled: d.unscaled, scale: 2, set: true}.String(), nil
		})),
		"round": withArgs(1, 2, func(a []string) (func(string) (string, *refusal), error) {
			n, err := placesArg(a, 2)
			if err != nil {
				return nil, err
			}
			rule, err := ruleArg(a, 1)
			return onDecimal(func(d Decimal) (string, error) {
				x, err := d.Round(n, rule)
				return x.String(), err
			}), err
		}),
		"times": withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			by, err := ParseDecimal(a[0])
			if err != nil || !by.set {
				return nil, fmt.Errorf("%q %w", a[0], errDecimal)
			}
			return onDecimal(func(d Decimal) (string, error) {
				x, err := d.Mul(by)
				return x.String(), err
			}), nil
		}),
		"divide": withArgs(2, 3, func(a []string) (func(string) (string, *refusal), error) {
			by, err := ParseDecimal(a[0])
			if err != nil || !by.set || by.unscaled == 0 {
				return nil, fmt.Errorf("%q is not a number to divide by", a[0])
			}
			n, err := placesArg(a[1:], 2)
			if err != nil {
				return nil, err
			}
			rule, err := ruleArg(a, 2)
			return onDecimal(func(d Decimal) (string, error) {
				x, err := d.Div(by, n, rule)
				return x.String(), err
			}), err
		}),
		"pro-rata": {least: 1, most: 2, build: buildProRata},
	}
}

// buildProRata: the share of a yearly amount from the month of a date to December.
func buildProRata(c *compiler, a []string) (stepFunc, error) {
	src, err := c.source(a[0])
	if err != nil {
		return nil, err
	}
	rule, err := ruleArg(a, 1)
	if err != nil {
		return nil, err
	}
	return func(st *state, v string) (string, *refusal) {
		text, ref := src.get(st)
		if ref != nil {
			return "", ref
		}
		begin, err := ParseDate(text)
		if err != nil || !begin.IsSet() {
			return "", &refusal{code: CodeNotADate, detail: src.text, message: src.text + " is not a date, from which the share of the year counts", value: text}
		}
		return onDecimal(func(d Decimal) (string, error) {
			x, err := proRata(d, decimalOf(13-int(begin.Month)), rule)
			return x.String(), err
		})(v)
	}, nil
}
