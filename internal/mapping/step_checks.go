package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

func refused(what string) *refusal {
	return &refusal{code: CodeRefused, detail: what, message: "the value is not " + what}
}

func check(what string, f func(string) (string, bool)) stepDef {
	return pure(func(v string) (string, *refusal) {
		out, ok := f(v)
		if !ok {
			return "", refused(what)
		}
		return out, nil
	})
}

func all(s string, f func(byte) bool) bool {
	for i := 0; i < len(s); i++ {
		if !f(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }
func isUpper(c byte) bool { return 'A' <= c && c <= 'Z' }

func compact(v string) string {
	return strings.ToUpper(strings.Map(func(r rune) rune {
		if r == ' ' || r == '\u00a0' || r == '\u202f' || r == '\t' {
			return -1
		}
		return r
	}, v))
}

// ibanLengths of ISO 13616, for the countries of SEPA; others are checked by their digits
// alone, between 15 and 34 characters.
var ibanLengths = map[string]int{"AD": 24, "AL": 28, "AT": 20, "BE": 16, "BG": 22, "CH": 21, "CY": 28, "CZ": 24, "DE": 22, "DK": 18,
	"EE": 20, "ES": 24, "FI": 18, "FR": 27, "GB": 22, "GI": 23, "GR": 27, "HR": 21, "HU": 28, "IE": 22, "IS": 26, "IT": 27,
	"LI": 21, "LT": 20, "LU": 20, "LV": 21, "MC": 27, "MD": 24, "ME": 22, "MK": 19, "MT": 31, "NL": 18, "NO": 15, "PL": 28,
	"PT": 25, "RO": 24, "RS": 22, "SE": 24, "SI": 19, "SK": 24, "SM": 27, "VA": 22}

// iban gives the electronic form, without blanks and in capitals, if the check digits fit.
func iban(v string) (string, bool) {
	s := compact(v)
	if len(s) < 15 || len(s) > 34 || !isUpper(s[0]) || !isUpper(s[1]) || !isDigit(s[2]) || !isDigit(s[3]) {
		return "", false
	}
	if n, known := ibanLengths[s[:2]]; known && n != len(s) {
		return "", false
	}
	if s[2:4] < "02" || s[2:4] > "98" {
		return "", false
	}
	rest := 0
	for i := range len(s) {
		c := s[(i+4)%len(s)]
		switch {
		case isDigit(c):
			rest = (rest*10 + int(c-'0')) % 97
		case isUpper(c):
			rest = (rest*100 + int(c-'A') + 10) % 97
		default:
			return "", false
		}
	}
	if s[:2] == "DE" && !all(s[4:], isDigit) {
		return "", false
	}
	return s, rest == 1
}

func bic(v string) (string, bool) {
	s := compact(v)
	ok := (len(s) == 8 || len(s) == 11) && all(s[:6], isUpper) && all(s[6:], func(c byte) bool { return isDigit(c) || isUpper(c) })
	return s, ok
}

// email takes one address as forms collect them: no comment, no list, no control character.
func email(v string) (string, bool) {
	s := strings.TrimSpace(v)
	local, domain, ok := strings.Cut(s, "@")
	if !ok || local == "" || len(s) > 254 || len(local) > 64 || strings.Contains(domain, "@") || !strings.Contains(domain, ".") {
		return "", false
	}
	for _, r := range s {
		if r <= ' ' || r == 0x7F || r == 0x85 || r == 0xA0 || strings.ContainsRune(`<>()[]\,;:"`, r) {
			return "", false
		}
	}
	for _, label := range strings.Split(domain, ".") {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return "", false
		}
	}
	return s, !strings.HasPrefix(local, ".") && !strings.HasSuffix(local, ".") && !strings.Contains(local, "..")
}

func digitsOf(n int) func(string) (string, bool) {
	return func(v string) (string, bool) {
		s := strings.TrimSpace(v)
		return s, len(s) == n && all(s, isDigit)
	}
}

// ungrouped takes away what people put between groups of digits.
var ungrouped = strings.NewReplacer(" ", "", "-", "", ".", "")

func checkSteps() map[string]stepDef {
	return map[string]stepDef{
		"iban": withArgs(0, 1, func(a []string) (func(string) (string, *refusal), error) {
			if len(a) > 0 && a[0] != "sepa" {
				return nil, fmt.Errorf("%q is not what an IBAN can be (sepa)", a[0])
			}
			return func(v string) (string, *refusal) {
				s, ok := iban(v)
				if !ok {
					return "", refused("an IBAN")
				}
				if _, debited := ibanLengths[s[:2]]; len(a) > 0 && !debited {
					return "", refused("the IBAN of an account that SEPA reaches")
				}
				return s, nil
			}, nil
		}),
		"bic":    check("a BIC", bic),
		"email":  check("an e-mail address", email),
		"chip15": check("a chip number of 15 digits", func(v string) (string, bool) { return digitsOf(15)(ungrouped.Replace(v)) }),
		"plz": check("a German postcode", func(v string) (string, bool) {
			s, ok := digitsOf(5)(v)
			return s, ok && s >= "01000"
		}),
		"ags": check("an AGS", func(v string) (string, bool) {
			s := strings.TrimSpace(v)
			return s, (len(s) == 8 || len(s) == 5) && all(s, isDigit) && s[:2] >= "01" && s[:2] <= "16"
		}),
		"match": withArgs(1, 1, func(a []string) (func(string) (string, *refusal), error) {
			re, err := regexp.Compile(`^(?:` + a[0] + `)$`)
			return func(v string) (string, *refusal) {
				if !re.MatchString(v) {
					return "", &refusal{code: CodeRefused, detail: a[0], message: "the value is not of the form " + a[0]}
				}
				return v, nil
			}, err
		}),
		"length": withArgs(1, 2, func(a []string) (func(string) (string, *refusal), error) {
			lo, err := wholeNumber(a[0], 0, 100000)
			hi := lo
			if err == nil && len(a) > 1 {
				hi, err = wholeNumber(a[1], lo, 100000)
			}
			return func(v string) (string, *refusal) {
				if n := utf8.RuneCountInString(v); n < lo || n > hi {
					code := CodeRefused
					if n > hi {
						code = CodeTooLong
					}
					return "", &refusal{code: code, detail: fmt.Sprint(hi), message: fmt.Sprintf("the value has %d characters, not %d to %d", n, lo, hi)}
				}
				return v, nil
			}, err
		}),
		"one-of": withArgs(1, 100, func(a []string) (func(string) (string, *refusal), error) {
			return func(v string) (string, *refusal) {
				if !slices.Contains(a, v) {
					return "", &refusal{code: CodeUnknownCode, detail: "one-of", message: "the value is none of " + strings.Join(a, ", ")}
				}
				return v, nil
			}, nil
		}),
	}
}

func codeSteps() map[string]stepDef {
	return map[string]stepDef{
		"lookup": {least: 1, most: 1, build: func(c *compiler, a []string) (stepFunc, error) {
			l, err := c.lookup(a[0], true)
			if err != nil {
				return nil, err
			}
			return func(_ *state, v string) (string, *refusal) {
				out, ok := l.list.Lookup(v, l.column)
				if !ok {
					return "", l.miss(v)
				}
				return out, nil
			}, nil
		}},
		"in": {least: 1, most: 1, onEmpty: true, build: func(c *compiler, a []string) (stepFunc, error) {
			l, err := c.lookup(a[0], false)
			if err != nil {
				return nil, err
			}
			return func(_ *state, v string) (string, *refusal) { return boolText(v != "" && l.list.Has(v)), nil }, nil
		}},
	}
}
