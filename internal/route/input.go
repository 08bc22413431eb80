package route

import (
	"errors"
	"fmt"
	"io/fs"
	gopath "path"
	"strings"
	"time"

	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/internal/xsd"
)

func (l *loader) inputs(r *Route, in []inputYAML) {
	seen := map[string]string{} // where in the file each version stands
	for i, y := range in {
		at := fmt.Sprintf("inputs[%d]", i)
		if (y.XML == "") == (y.JSON == "") {
			l.at(at, "an input is xml: with an XSD, or json: with a JSON Schema", "")
			continue
		}
		input := Input{Format: "xml", Version: y.Version, SchemaFile: gopath.Join(r.Service, y.XML)}
		if y.JSON != "" {
			input.Format, input.SchemaFile = "json", gopath.Join(r.Service, y.JSON)
		}
		if input.Version == "" {
			input.Version = "1"
		}
		if _, twice := seen[input.id()]; twice {
			l.at(at, "there are two inputs "+input.id(), "give each its own version")
		} else {
			seen[input.id()] = at
		}
		input.From, input.Until = l.date(at+".from", y.From), l.date(at+".until", y.Until)
		if !input.Until.IsZero() && !input.Until.After(input.From) {
			l.at(at+".until", "until must be later than from", "")
		}
		var err error
		if input.SchemaText, err = fs.ReadFile(l.fsys, input.SchemaFile); err != nil {
			l.at(at+"."+input.Format, input.SchemaFile+" is missing", "")
			continue
		}
		if input.Schema, err = CompileSchema(l.fsys, input.SchemaFile); err != nil {
			l.found = append(l.found, schemaFindings(input.SchemaFile, err)...)
			continue
		}
		if string(input.Schema.Format()) != input.Format {
			l.at(at+"."+input.Format, input.SchemaFile+" is no schema for "+input.Format, "an XSD ends in .xsd, a JSON Schema in .json")
			continue
		}
		r.Inputs = append(r.Inputs, input)
	}
	if len(in) == 0 {
		l.at("inputs", "inputs is empty", "name at least one schema")
	}
	if !l.found.HasErrors() {
		l.windows(r, seen)
	}
}

// schemaFindings gives each fault of a schema its own line.
func schemaFindings(file string, err error) mapping.Findings {
	var broken *xsd.SchemaError
	if !errors.As(err, &broken) {
		return mapping.Findings{{File: file, Message: oneLine(err)}}
	}
	var out mapping.Findings
	for _, i := range broken.Issues {
		out = append(out, mapping.Finding{File: i.File, Line: i.Line, Column: i.Col, Message: i.Text + " (" + i.Rule + ")"})
	}
	return out
}

// refusals gives what the gate has against an example, one line for each place.
func refusals(file string, err error) mapping.Findings {
	const what = "the route's own schema refuses this example: "
	var invalid *gate.Invalid
	if r, ok := gate.IsRefusal(err); ok {
		return mapping.Findings{{File: file, Line: r.Line, Column: r.Column, Message: what + r.Code}}
	}
	if !errors.As(err, &invalid) {
		return mapping.Findings{{File: file, Message: what + oneLine(err)}}
	}
	var out mapping.Findings
	for _, f := range invalid.Findings {
		out = append(out, mapping.Finding{File: file, Line: f.Line, Column: f.Column, Message: what + f.En})
	}
	return out
}

// oneLine joins what a schema's compiler has to say.
func oneLine(err error) string {
	return strings.Join(strings.FieldsFunc(err.Error(), func(r rune) bool { return r == '\n' }), ";")
}

func (l *loader) date(key, text string) time.Time {
	if text == "" {
		return time.Time{}
	}
	zone, err := time.LoadLocation("Europe/Berlin")
	if err == nil {
		var t time.Time
		if t, err = time.ParseInLocation(time.DateOnly, text, zone); err == nil {
			return t
		}
	}
	l.at(key, text+" is not a date", "write 2026-12-31")
	return time.Time{}
}

func (l *loader) examples(r *Route, in []exampleYAML) {
	seen := map[string]bool{}
	for i, y := range in {
		at := fmt.Sprintf("examples[%d]", i)
		e := Example{Name: y.Name, Title: y.Title, Path: gopath.Join(r.Service, y.File), Format: strings.TrimPrefix(gopath.Ext(y.File), ".")}
		id := y.Name + "." + e.Format + "." + y.Version
		if seen[id] {
			l.at(at+".name", "there are two examples "+y.Name+" as "+e.Format, "")
		}
		seen[id] = true
		if e.Format != "xml" && e.Format != "json" {
			l.at(at+".file", y.File+" is neither .xml nor .json", "")
			continue
		}
		var err error
		if e.Body, err = fs.ReadFile(l.fsys, e.Path); err != nil {
			l.at(at+".file", e.Path+" is missing", "")
			continue
		}
		input := r.inputOf(&e, y.Version)
		if input == nil && l.found.HasErrors() {
			continue // the input itself is at fault, and is complained about
		}
		if input == nil {
			l.at(at+".version", fmt.Sprintf("%s: there is no input %s", y.Name, strings.TrimSpace(e.Format+" "+y.Version)), "")
			continue
		}
		e.Version = input.Version
		if err := judge(&e, input); err != nil {
			l.found = append(l.found, refusals(e.Path, err)...)
			continue
		}
		r.Examples = append(r.Examples, e)
	}
}
