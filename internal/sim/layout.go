package sim

import (
	"bytes"
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"golang.org/x/text/encoding/charmap"
)

//go:embed layout.yaml
var layoutFile []byte

// layout is a fixed-width import format. Positions count characters of
// windows-1252, which are bytes.
type layout struct {
	Length  int        `yaml:"length"`
	Header  recordType `yaml:"header"`
	Record  recordType `yaml:"record"`
	Trailer recordType `yaml:"trailer"`
}

type recordType struct {
	Type   string  `yaml:"type"`
	Amount string  `yaml:"amount"` // field that the trailer's sum adds up
	Number string  `yaml:"number"` // field that counts the records from 1
	Fields []fixed `yaml:"fields"`
}

type fixed struct {
	Name     string `yaml:"name"`
	Length   int    `yaml:"length"`
	Check    string `yaml:"check"`
	Required bool   `yaml:"required"`
}

func readLayout() (*layout, error) {
	var l layout
	d := yaml.NewDecoder(bytes.NewReader(layoutFile))
	d.KnownFields(true)
	if err := d.Decode(&l); err != nil {
		return nil, fmt.Errorf("read layout: %w", err)
	}
	for _, r := range []recordType{l.Header, l.Record, l.Trailer} {
		width := len(r.Type)
		for _, f := range r.Fields {
			width += f.Length
			if f.Check != "" && checks[f.Check] == nil {
				return nil, fmt.Errorf("read layout: %s has the unknown check %s", f.Name, f.Check)
			}
		}
		if width > l.Length {
			return nil, fmt.Errorf("read layout: %s is %d wide, a line %d", r.Type, width, l.Length)
		}
	}
	return &l, nil
}

// LineError is a complaint of the import about one line; 0 is the whole file.
type LineError struct {
	Line     int    `json:"zeile"`
	Position int    `json:"position,omitempty"` // of the field, from 1
	Field    string `json:"feld,omitempty"`
	Error    string `json:"fehler"`
}

func (e LineError) String() string {
	return fmt.Sprintf("Zeile %d, Position %d %s: %s", e.Line, e.Position, e.Field, e.Error)
}

// parsed is what a file says.
type parsed struct {
	header  map[string]string
	records []map[string]string
}

// parse reads a file and lists everything that is wrong with it.
func (l *layout) parse(file []byte) (parsed, []LineError) {
	var p parsed
	if complaint := charset(file); complaint != "" {
		return p, []LineError{{Error: complaint}}
	}
	if !bytes.HasSuffix(file, []byte("\r\n")) {
		return p, []LineError{{Error: "die letzte Zeile endet nicht mit CR LF: die Datei ist unvollständig"}}
	}
	lines := strings.Split(strings.TrimSuffix(string(file), "\r\n"), "\r\n")
	if len(lines) < 3 {
		return p, []LineError{{Error: "Vorsatz, Sätze und Nachsatz fehlen"}}
	}
	var errors []LineError
	for i, line := range lines {
		kind := l.Record
		switch i {
		case 0:
			kind = l.Header
		case len(lines) - 1:
			kind = l.Trailer
		}
		values, wrong := l.line(i+1, line, kind)
		errors = append(errors, wrong...)
		switch i {
		case 0:
			p.header = values
		case len(lines) - 1:
			errors = append(errors, l.totals(i+1, values, p.records)...)
		default:
			if n, _ := strconv.Atoi(values[kind.Number]); n != i {
				errors = append(errors, LineError{Line: i + 1, Field: kind.Number, Error: "zählt nicht von 1 an fort"})
			}
			p.records = append(p.records, values)
		}
	}
	return p, errors
}

// charset finds what windows-1252 has no character for, and files that are UTF-8
// in truth: their umlauts are two characters each, and every position is off.
func charset(file []byte) string {
	ascii := true
	for _, b := range file {
		switch {
		case b == 0x81 || b == 0x8d || b == 0x8f || b == 0x90 || b == 0x9d, b < ' ' && b != '\r' && b != '\n', b == 0x7f:
			return fmt.Sprintf("das Zeichen %02X gibt es in windows-1252 nicht", b)
		case b >= 0x80:
			ascii = false
		}
	}
	if !ascii && utf8.Valid(file) {
		return "die Datei ist UTF-8; erwartet wird windows-1252"
	}
	return ""
}

func (l *layout) line(n int, line string, kind recordType) (map[string]string, []LineError) {
	if len(line) != l.Length {
		return nil, []LineError{{Line: n, Error: fmt.Sprintf("hat %d Zeichen statt %d", len(line), l.Length)}}
	}
	if !strings.HasPrefix(line, kind.Type) {
		return nil, []LineError{{Line: n, Position: 1, Error: "beginnt nicht mit " + kind.Type}}
	}
	values, at := map[string]string{}, len(kind.Type)
	var errors []LineError
	for _, f := range kind.Fields {
		raw := line[at : at+f.Length]
		v, _ := charmap.Windows1252.NewDecoder().String(raw) // charset has vouched for every byte
		v = strings.TrimRight(v, " ")
		complaint := ""
		switch check := checks[f.Check]; {
		case v == "" && f.Required:
			complaint = "fehlt"
		case v != "" && check != nil:
			complaint = check(v)
		}
		if complaint != "" {
			errors = append(errors, LineError{n, at + 1, f.Name, complaint})
		}
		values[f.Name] = v
		at += f.Length
	}
	if rest := line[at:]; strings.TrimSpace(rest) != "" {
		errors = append(errors, LineError{n, at + 1, "", "hat Zeichen hinter dem letzten Feld"})
	}
	return values, errors
}

// totals compares the trailer with the records.
func (l *layout) totals(n int, trailer map[string]string, records []map[string]string) []LineError {
	var errors []LineError
	if got, _ := strconv.Atoi(trailer["anzahl"]); got != len(records) {
		errors = append(errors, LineError{Line: n, Field: "anzahl", Error: fmt.Sprintf("ist %d, gezählt sind %d", got, len(records))})
	}
	var sum int64
	for _, r := range records {
		cents, _ := strconv.ParseInt(r[l.Record.Amount], 10, 64)
		sum += cents
	}
	if got, _ := strconv.ParseInt(trailer["summe"], 10, 64); got != sum {
		errors = append(errors, LineError{Line: n, Field: "summe", Error: fmt.Sprintf("ist %d, addiert sind %d", got, sum)})
	}
	return errors
}
