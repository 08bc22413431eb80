package mapping

import (
	"fmt"
	"strings"

	"golang.org/x/text/unicode/norm"
)

func badCharacter(what string, r string) *refusal {
	return &refusal{code: CodeCharacter, detail: charName(r), message: fmt.Sprintf("the character %s %s", charName(r), what)}
}

// charName is U+0141; a single character says nothing about a person.
func charName(s string) string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(' ')
		}
		fmt.Fprintf(&b, "U+%04X", r)
	}
	return b.String()
}

func letterSteps() map[string]stepDef {
	return map[string]stepDef{
		"nfc": plain(norm.NFC.String),
		"search-form": pure(func(v string) (string, *refusal) {
			out, bad, ok := searchForm(v)
			if !ok {
				return "", badCharacter("has no search form", string(bad))
			}
			return out, nil
		}),
		"transliterate": withArgs(0, 1, func(a []string) (func(string) (string, *refusal), error) {
			var keep func(rune) bool
			if len(a) > 0 && a[0] != "ascii" {
				cs, ok := charsetByName(a[0])
				if !ok || cs.utf8 {
					return nil, fmt.Errorf("%q is not ascii or an 8-bit encoding%s", a[0], inParens(didYouMean(a[0], charsetNames())))
				}
				keep = cs.holds
			}
			return func(v string) (string, *refusal) {
				out, bad, ok := transliterate(v, keep)
				if !ok {
					return "", badCharacter("has no transliteration", string(bad))
				}
				return out, nil
			}, nil
		}),
		"din91379": withArgs(0, 1, func(a []string) (func(string) (string, *refusal), error) {
			datatype := "C"
			if len(a) > 0 {
				datatype = a[0]
			}
			if dinTypes[datatype] == nil {
				return nil, fmt.Errorf("%q is not a data type of DIN 91379 (A, B, C, D, E)", datatype)
			}
			return func(v string) (string, *refusal) {
				if bad, found := notInDIN(v, datatype); found {
					return "", badCharacter("is not in data type "+datatype+" of DIN 91379", bad)
				}
				return v, nil
			}, nil
		}),
		"sepa": pure(func(v string) (string, *refusal) {
			out, bad, ok := transliterate(v, nil)
			if !ok {
				return "", badCharacter("has no place in SEPA", string(bad))
			}
			for _, r := range out {
				if !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("/-?:().,'+ ", r)) {
					return "", badCharacter("has no place in SEPA", string(r))
				}
			}
			return out, nil
		}),
	}
}
