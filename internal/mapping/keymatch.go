package mapping

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"go.yaml.in/yaml/v4"
)

// keyValue is the value of an ordinance's key for one case.
type keyValue struct {
	text   string
	number Decimal
}

// keyMatch is the cell of a key column: nil matches everything, else one of the spans
// (numbers) or words (text) does.
type keyMatch []keySpan

type keySpan struct {
	word   string
	lo, hi Decimal // hi missing: no upper bound
}

func parseKeyMatch(r *reader, n *yaml.Node, isNumber bool) (keyMatch, error) {
	cells := []*yaml.Node{n}
	if n.Kind == yaml.SequenceNode {
		cells = n.Content
	}
	if len(cells) == 0 {
		return nil, errors.New(`an empty list fits nothing; write "*" if the row applies to all`)
	}
	var m keyMatch
	for _, c := range cells {
		s := r.scalar(c, "a key")
		if s == "*" {
			return nil, nil
		}
		if !isNumber {
			m = append(m, keySpan{word: s})
			continue
		}
		span, err := parseSpan(s)
		if err != nil {
			return nil, err
		}
		m = append(m, span)
	}
	return m, nil
}

func parseSpan(s string) (keySpan, error) {
	bad := fmt.Errorf("%q is not a number, 2-4, 3+ or *", s)
	if rest, open := strings.CutSuffix(s, "+"); open {
		lo, err := ParseDecimal(rest)
		if err != nil || !lo.set {
			return keySpan{}, bad
		}
		return keySpan{lo: lo}, nil
	}
	from, to, isRange := strings.Cut(s, "-")
	lo, err := ParseDecimal(from)
	if err != nil || !lo.set {
		return keySpan{}, bad
	}
	hi := lo
	if isRange {
		if hi, err = ParseDecimal(to); err != nil || !hi.set {
			return keySpan{}, bad
		}
		if c, _ := lo.Cmp(hi); c > 0 {
			return keySpan{}, fmt.Errorf("%q runs backwards", s)
		}
	}
	return keySpan{lo: lo, hi: hi}, nil
}

func (m keyMatch) fits(v keyValue, isNumber bool) bool {
	if m == nil {
		return true
	}
	return slices.ContainsFunc(m, func(s keySpan) bool {
		if !isNumber {
			return s.word == v.text
		}
		low, _ := s.lo.Cmp(v.number)
		high, bounded := v.number.Cmp(s.hi)
		return low <= 0 && (!bounded || high <= 0)
	})
}

func (row *ordRow) fits(keys []keyValue) (bool, error) {
	for i, m := range row.match {
		if !m.fits(keys[i], keys[i].number.set) {
			return false, nil
		}
	}
	if row.when == nil {
		return true, nil
	}
	return row.when.holds(keys)
}

// same reports rows of which the second could never apply.
func (row *ordRow) same(o *ordRow) bool {
	return row.when == nil && o.when == nil && row.from == o.from && reflect.DeepEqual(row.match, o.match)
}

func isIdentifier(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != "" && !strings.HasPrefix(s, "__") && !slices.Contains(exprWords, s)
}

// exprWords cannot be names in expressions.
var exprWords = []string{"true", "false", "nil", "in", "not", "and", "or", "let", "if", "else", "matches", "contains", "startsWith", "endsWith"}

var errNoNumber = errors.New("is not a number")
