package gate

import (
	"fmt"
	"strconv"
	"strings"
)

// Refusal says why a body is no document that may be let in, where, and what to
// do about it.
type Refusal struct {
	Code    string // stable, e.g. "xml-doctype", "json-duplicate-key", "limit-depth"
	Line    int
	Column  int
	Pointer string // RFC 6901, JSON only; ends before the first key that may not be named
	De, En  string // a sentence each: place, thing, remedy
}

func (r *Refusal) Error() string { return "gate: " + r.Code + ": " + r.En }

// Finding is one thing that a schema objects to.
type Finding struct {
	Rule    string // stable: the JSON Schema keyword or the XSD rule
	Line    int
	Column  int
	Pointer string // JSON: RFC 6901
	Path    string // XML: the element's path
	De, En  string
}

// Invalid lists what the schema found in a well-formed document.
type Invalid struct {
	Findings []Finding
	More     bool // there was more than the limit of findings
}

func (e *Invalid) Error() string {
	f := e.Findings[0]
	return fmt.Sprintf("gate: %d findings, the first: %s: %s", len(e.Findings), f.Rule, f.En)
}

// refusal builds the sentences. name is a name from the document or "", n a limit
// or 0.
func refusal(code string, at Pos, name string, n int) *Refusal {
	t, ok := sentences[code]
	if !ok {
		panic("gate: no sentence for " + code)
	}
	return &Refusal{
		Code: code, Line: at.Line, Column: at.Column,
		De: fmt.Sprintf("Zeile %d, Spalte %d: %s", at.Line, at.Column, fillIn(t.de, name, "„", "“", n)),
		En: fmt.Sprintf("line %d, column %d: %s", at.Line, at.Column, fillIn(t.en, name, `"`, `"`, n)),
	}
}

func fillIn(s, name, open, end string, n int) string {
	if plain(name) {
		name = " " + open + name + end
	} else {
		name = ""
	}
	return strings.NewReplacer("{name}", name, "{n}", strconv.Itoa(n)).Replace(s)
}

// plain reports whether a name from the document may be repeated: a short ASCII
// word, as schemas have them, which no sentence, address or number is.
func plain(name string) bool {
	if name == "" || len(name) > 40 || !isASCIILetter(name[0]) && name[0] != '_' {
		return false
	}
	for i := range len(name) {
		c := name[i]
		if !isASCIILetter(c) && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' && c != ':' {
			return false
		}
	}
	return true
}

func isASCIILetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
