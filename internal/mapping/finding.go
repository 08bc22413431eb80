package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// Severity says whether a finding stops the start.
type Severity int

// An Error makes the file unusable; a Warning is worth a look.
const (
	Error Severity = iota
	Warning
)

// String is the word used in listings.
func (s Severity) String() string {
	if s == Warning {
		return "warning"
	}
	return "error"
}

// MarshalText writes the word: who reads the JSON has no list of numbers.
func (s Severity) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word.
func (s *Severity) UnmarshalText(text []byte) error {
	switch string(text) {
	case "error":
		*s = Error
	case "warning":
		*s = Warning
	default:
		return fmt.Errorf("%q is neither error nor warning", text)
	}
	return nil
}

// Finding is one complaint about a configuration file: place, thing, remedy.
// Line and Column count from 1; 0 means the file as a whole. Column counts characters.
type Finding struct {
	File       string   `json:"file"`
	Line       int      `json:"line"`
	Column     int      `json:"column"`
	Severity   Severity `json:"severity"`
	Message    string   `json:"message"`
	Suggestion string   `json:"suggestion,omitempty"`
}

// String renders the finding as a compiler would: file:line:column: message (suggestion).
func (f Finding) String() string {
	var b strings.Builder
	b.WriteString(f.File)
	if f.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", f.Line, f.Column)
	}
	b.WriteString(": ")
	if f.Severity == Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(f.Message)
	if f.Suggestion != "" {
		b.WriteString(" (" + f.Suggestion + ")")
	}
	return b.String()
}

// Findings are all complaints about one or several files.
type Findings []Finding

// HasErrors reports whether one of them is an Error.
func (f Findings) HasErrors() bool {
	return slices.ContainsFunc(f, func(x Finding) bool { return x.Severity == Error })
}

// Err joins the errors among the findings; nil if there is none.
func (f Findings) Err() error {
	var errs []error
	for _, x := range f {
		if x.Severity == Error {
			errs = append(errs, errors.New(x.String()))
		}
	}
	return errors.Join(errs...)
}

// Sort orders by file, line and column, and drops exact repetitions.
func (f Findings) Sort() Findings {
	slices.SortStableFunc(f, func(a, b Finding) int {
		if c := strings.Compare(a.File, b.File); c != 0 {
			return c
		}
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		if a.Column != b.Column {
			return a.Column - b.Column
		}
		return strings.Compare(a.Message, b.Message)
	})
	return slices.Compact(f)
}

// NotText says where a file is no text that is read here, and why: a byte that is not
// UTF-8, or a control character. Line and column count from 1; what is "" where all is text.
func NotText(data []byte) (line, column int, what string) {
	line, column = 1, 1
	for len(data) > 0 {
		r, n := utf8.DecodeRune(data)
		switch {
		case r == utf8.RuneError && n == 1:
			return line, column, "is not UTF-8"
		case r == '\n':
			line, column = line+1, 1
		case r < ' ' && r != '\t' && r != '\r', r == 0x7f:
			return line, column, fmt.Sprintf("has a control character here (U+%04X)", r)
		default:
			column++
		}
		data = data[n:]
	}
	return line, column, ""
}

// didYouMean suggests the nearest of the allowed words, or lists them when few.
func didYouMean(word string, allowed []string) string {
	if near := Nearest(word, allowed); near != "" {
		return "did you mean " + near + "?"
	}
	if len(allowed) > 0 && len(allowed) <= 20 {
		return "possible: " + strings.Join(allowed, ", ")
	}
	return ""
}

// Nearest is the allowed word that was probably meant; empty where none is near.
func Nearest(word string, allowed []string) string {
	best, at := "", 3
	for _, a := range allowed {
		if d := distance(strings.ToLower(word), strings.ToLower(a)); d < at && d <= (len(word)+1)/2 {
			best, at = a, d
		}
	}
	return best
}

// distance is the edit distance in which a swap of neighbours counts once.
func distance(a, b string) int {
	x, y := []rune(a), []rune(b)
	if len(x) > 64 || len(y) > 64 {
		return 64
	}
	before, prev, cur := make([]int, len(y)+1), make([]int, len(y)+1), make([]int, len(y)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(x); i++ {
		cur[0] = i
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			cur[j] = min(prev[j]+1, cur[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				cur[j] = min(cur[j], before[j-2]+1)
			}
		}
		before, prev, cur = prev, cur, before
	}
	return prev[len(y)]
}
