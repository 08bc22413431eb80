package config

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"

	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// ExpectedDir is the folder of what a municipality's examples become by its own law,
// its own mappings and its own systems' formats:
//
//	expected/<AGS>/<service>/<example>.<input's format>.<role>.<json, xml, csv or txt>
//
// A file that is there is compared, byte for byte; so a changed rate turns the
// examples red that it touches, until somebody has looked and confirmed. A document
// that waits for a person is written as one line: held: FIELD (CODE).
const ExpectedDir = "expected"

// TestLocal holds every route's examples, as the named municipalities would deliver
// them, against their expectations; all municipalities that have some where none is
// named. With missing, an example without an expectation is a failure too, with Got
// to confirm.
func (s *Snapshot) TestLocal(missing bool, ags ...string) []mapping.TestResult {
	if len(ags) == 0 {
		ags = slices.Sorted(maps.Keys(s.Municipalities))
	}
	var out []mapping.TestResult
	for _, a := range ags {
		m := s.Municipalities[a]
		if m == nil {
			continue
		}
		if info, err := os.Stat(filepath.Join(s.Dir, ExpectedDir, a)); (err != nil || !info.IsDir()) && !missing {
			continue
		}
		for _, service := range slices.Sorted(maps.Keys(m.Services)) {
			b := m.Services[service]
			for i := range b.Route.Examples {
				out = append(out, s.testExample(b, &b.Route.Examples[i], missing)...)
			}
		}
	}
	return out
}

// testExample delivers one example under the sample submission of mapping tests.
func (s *Snapshot) testExample(b *Binding, e *route.Example, missing bool) []mapping.TestResult {
	name := fmt.Sprintf("%s: %s.%s", b.Municipality.Name, e.Name, e.Format)
	fail := func(err error) []mapping.TestResult {
		return []mapping.TestResult{{Mapping: path.Join(b.Route.Service, path.Base(e.Path)), Name: name, Message: err.Error()}}
	}
	root, err := parseInput(e.Path, e.Body)
	if err != nil {
		return fail(err)
	}
	env := mapping.SampleEnv()
	env.Submission.Service = b.Route.Service
	env.Municipality = mapping.Municipality{AGS: b.Competent.AGS, ARS: b.Competent.ARS, Name: b.Competent.Name}
	env.Ordinances = b.Competent.Ordinances
	env.Next = func(string, string) (string, error) { return "1", nil }
	due, err := b.Route.Plan(root, env)
	if err != nil {
		return fail(err)
	}
	var out []mapping.TestResult
	for _, i := range due {
		d := &b.Deliveries[i]
		if d.System == nil || d.Mapping.Format == mapping.Original { // what goes on as it came needs no expectation
			continue
		}
		r := mapping.TestResult{Mapping: d.Mapping.Path, Name: name + " to " + d.Route.To,
			Expect: path.Join(ExpectedDir, b.Municipality.AGS, b.Route.Service, e.Name+"."+e.Format+"."+d.Route.To+"."+ending(d.Mapping))}
		doc, err := d.Mapping.Apply(root, env)
		var hold *mapping.Hold
		switch {
		case errors.As(err, &hold):
			r.Got = fmt.Appendf(nil, "held: %s (%s)\n", hold.Field, hold.Code)
		case err != nil:
			r.Message = err.Error()
			out = append(out, r)
			continue
		default:
			r.Got = doc.Body
		}
		want, err := os.ReadFile(filepath.Join(s.Dir, filepath.FromSlash(r.Expect)))
		switch {
		case errors.Is(err, os.ErrNotExist) && !missing:
			continue
		case errors.Is(err, os.ErrNotExist):
			r.Message = r.Expect + " is not there yet"
		case err != nil:
			r.Message = r.Expect + " " + reason(err)
		case bytes.Equal(want, r.Got):
			r.OK = true
		default:
			r.Message = "the document differs from " + r.Expect
			r.Diff = mapping.Diff(readable(want), readable(r.Got))
		}
		out = append(out, r)
	}
	return out
}

func ending(m *mapping.Mapping) string {
	if m.Format == mapping.Fixed {
		return "txt"
	}
	return string(m.Format)
}

// readable is a document as text: of the 8-bit encodings, the one that shows most.
func readable(b []byte) string {
	if !utf8.Valid(b) {
		if s, err := charmap.Windows1252.NewDecoder().Bytes(b); err == nil {
			return string(s)
		}
	}
	return string(b)
}
