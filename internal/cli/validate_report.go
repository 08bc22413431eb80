package cli

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"stellwerk/internal/gate"
)

// verdict is what validate says of a file.
type verdict struct {
	File     string           `json:"file"`
	OK       bool             `json:"ok"`
	Format   string           `json:"format,omitempty"`
	Root     string           `json:"root,omitempty"`      // local name
	Space    string           `json:"namespace,omitempty"` // of the root
	Encoding string           `json:"encoding,omitempty"`
	Refused  bool             `json:"refused,omitempty"` // not well-formed or beyond a limit: no schema has seen it
	Findings []verdictFinding `json:"findings"`
	More     bool             `json:"more,omitempty"` // there were more findings than are listed
	Header   *headerForm      `json:"header,omitempty"`
}

type verdictFinding struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Rule    string `json:"rule"`
	Path    string `json:"path,omitempty"`    // XML
	Pointer string `json:"pointer,omitempty"` // JSON
	En      string `json:"en"`
	De      string `json:"de"`
}

func (v *verdict) fill(r *gate.Result) {
	v.Format, v.Encoding = string(r.Format), r.Encoding
	if r.Format == gate.FormatXML {
		v.Root, v.Space = r.Root.Local, r.Root.Space
	}
}

// judge takes the gate's verdict over; false for an error that is none.
func (v *verdict) judge(err error) bool {
	var invalid *gate.Invalid
	switch r, refused := gate.IsRefusal(err); {
	case err == nil:
		v.OK = true
	case refused:
		v.Refused = true
		v.Findings = append(v.Findings, verdictFinding{Line: r.Line, Column: r.Column, Rule: r.Code, Pointer: r.Pointer,
			En: withoutPlace(r.En), De: withoutPlace(r.De)})
	case errors.As(err, &invalid):
		v.More = invalid.More
		for _, f := range invalid.Findings {
			v.Findings = append(v.Findings, verdictFinding{Line: f.Line, Column: f.Column, Rule: f.Rule, Path: f.Path, Pointer: f.Pointer, En: f.En, De: f.De})
		}
	default:
		return false
	}
	return true
}

// withoutPlace takes the place off a refusal's sentence: it stands before it already.
func withoutPlace(sentence string) string {
	if _, rest, ok := strings.Cut(sentence, ": "); ok {
		return rest
	}
	return sentence
}

// printVerdict writes each finding with its place, the source line and a caret.
func (p *Program) printVerdict(v *validation, one *verdict) error {
	german := v.lang == "de"
	name := one.File
	if name == "-" {
		name = "stdin"
	}
	if one.OK {
		p.say("%s %s", name, choose(german, "ist gültig", "is valid"))
		return nil
	}
	source, err := excerpts(one, p.room())
	if err != nil {
		return err
	}
	for i, f := range one.Findings {
		text, place := f.En, f.Path+f.Pointer
		if german {
			text = f.De
		}
		if place != "" {
			text += " [" + place + "]"
		}
		p.say("%s:%d:%d: %s: %s", name, f.Line, f.Column, f.Rule, text)
		if s := source[i]; s.text != "" {
			fmt.Fprintf(p.Out, "    %s\n    %s^\n", s.text, strings.Repeat(" ", s.caret))
		}
	}
	n := len(one.Findings)
	end := plural(n, "finding", "findings")
	if german {
		end = plural(n, "Befund", "Befunde")
	}
	if one.More {
		end += choose(german, ", und weitere (--findings)", ", and more (--findings)")
	}
	p.say("%s: %s", name, end)
	return nil
}

func choose(first bool, a, b string) string {
	if first {
		return a
	}
	return b
}

// excerpts reads the source lines of a file's findings, a second time and only as
// much of a line as fits. What cannot be read again (standard input, another
// encoding) has none.
func excerpts(one *verdict, room int) ([]excerpt, error) {
	places := make([]gate.Pos, len(one.Findings))
	for i, f := range one.Findings {
		places[i] = gate.Pos{Line: f.Line, Column: f.Column}
	}
	plain := strings.EqualFold(one.Encoding, "utf-8") || strings.EqualFold(one.Encoding, "us-ascii")
	if one.File == "-" || !plain {
		return make([]excerpt, len(places)), nil
	}
	f, err := os.Open(one.File)
	if err != nil {
		return nil, fmt.Errorf("read %s again: %w", one.File, err)
	}
	defer func() { _ = f.Close() }() // only read
	return readExcerpts(f, places, max(room-4, 20))
}
