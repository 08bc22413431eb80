package mapping

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"github.com/beevik/etree"
)

// TestOptions are what a test run needs beyond the files.
type TestOptions struct {
	// ParseInput reads a given document into the tree; nil: ParseInput of this package,
	// which is not the gate.
	ParseInput func(name string, data []byte) (*etree.Element, error)
	// Env is the submission the tests run under; nil: SampleEnv. What a test's own env
	// says goes before it.
	Env *Env
}

// TestResult is the outcome of one test of a mapping file.
type TestResult struct {
	Mapping string
	Line    int
	Name    string
	OK      bool
	Message string // why not, with remedy; empty if OK
	Diff    string // expected against actual, readable; only for differing documents
	Expect  string // path of the expectation
	Got     []byte // the document as rendered now, to confirm a changed expectation
}

// RunTests runs the tests of the mapping; fsys is where its files are.
func (m *Mapping) RunTests(fsys fs.FS, opts TestOptions) []TestResult {
	var out []TestResult
	for _, t := range m.Tests {
		r := TestResult{Mapping: m.Path, Line: t.Line, Name: t.Name}
		if t.Expect != "" {
			r.Expect = m.beside(t.Expect)
		}
		if err := m.runTest(fsys, opts, t, &r); err != nil {
			r.Message = err.Error()
		} else {
			r.OK = true
		}
		out = append(out, r)
	}
	return out
}

func (m *Mapping) runTest(fsys fs.FS, opts TestOptions, t Test, r *TestResult) error {
	root, err := m.given(fsys, opts, t)
	if err != nil {
		return err
	}
	env := opts.Env
	if env == nil {
		env = SampleEnv()
	}
	if t.env.ordinances == nil {
		if env, err = m.sampleOrdinances(fsys, *env); err != nil {
			return err
		}
	}
	if t.env.given {
		if env, err = t.env.apply(*env, func(file string) (*Ordinance, error) {
			ord, findings := LoadOrdinance(fsys, m.beside(file))
			return ord, findings.Err()
		}); err != nil {
			return err
		}
	}
	doc, err := m.Apply(root, env)
	var h *Hold
	if errors.As(err, &h) {
		switch {
		case t.Hold == "":
			return fmt.Errorf("held at %s (line %d): %s: %q", h.Field, h.Line, h.Message, h.Value)
		case t.Hold != h.Field && !strings.HasSuffix(h.Field, "/"+t.Hold):
			return fmt.Errorf("%s is held, not %s: %s", h.Field, t.Hold, h.Message)
		case t.Code != "" && t.Code != h.Code:
			return fmt.Errorf("%s is held for %s, not for %s: %s", h.Field, h.Code, t.Code, h.Message)
		}
		return nil
	}
	if err != nil {
		return err
	}
	r.Got = doc.Body
	if t.Hold != "" {
		return fmt.Errorf("%s was to be held, but a document was made", t.Hold)
	}
	want, err := fs.ReadFile(fsys, r.Expect)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is not there yet; stellwerk mapping test %s --confirm writes it", r.Expect, strings.TrimSuffix(m.Path, path.Ext(m.Path)))
	}
	if err != nil {
		return fmt.Errorf("read the expectation: %w", err)
	}
	if !bytes.Equal(want, doc.Body) {
		r.Diff = Diff(m.out.cs.decode(want), m.out.cs.decode(doc.Body))
		return fmt.Errorf("the document differs from %s", r.Expect)
	}
	return nil
}

// sampleOrdinances adds what the environment lacks from ordinances/NAME.yaml, searched like
// code lists, so that the tests of a shipped mapping run on the shipped sample.
func (m *Mapping) sampleOrdinances(fsys fs.FS, env Env) (*Env, error) {
	all := map[string]*Ordinance{}
	for k, v := range env.Ordinances {
		all[k] = v
	}
	for _, name := range m.Ordinances() {
		if all[name] != nil {
			continue
		}
		file, err := (Files{FS: fsys}).find(m.Path, "ordinances/"+name+".yaml")
		if err != nil {
			continue // the test is held for it, and says so
		}
		ord, findings := LoadOrdinance(fsys, file)
		if ord == nil {
			return nil, findings.Err()
		}
		all[name] = ord
	}
	env.Ordinances = all
	return &env, nil
}

func (m *Mapping) given(fsys fs.FS, opts TestOptions, t Test) (*etree.Element, error) {
	file := m.beside(t.Given)
	data, err := fs.ReadFile(fsys, file)
	if err != nil {
		return nil, fmt.Errorf("read the given document: %w", err)
	}
	parse := opts.ParseInput
	if parse == nil {
		parse = ParseInput
	}
	root, err := parse(file, data)
	if err != nil {
		return nil, fmt.Errorf("parse %s: %w", file, err)
	}
	return root, nil
}

// ParseInput reads an XML or JSON document into the tree, by the ending of its name or its
// first character. It does no more than tests and the workbench need: what comes from
// outside goes through the gate.
func ParseInput(name string, data []byte) (*etree.Element, error) {
	trimmed := bytes.TrimLeft(data, " \t\r\n\uFEFF")
	if path.Ext(name) == ".json" || path.Ext(name) != ".xml" && len(trimmed) > 0 && (trimmed[0] == '{' || trimmed[0] == '[') {
		return parseJSON(data)
	}
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil {
		return nil, err
	}
	if doc.Root() == nil {
		return nil, errors.New("no root element")
	}
	return doc.Root(), nil
}

func parseJSON(data []byte) (*etree.Element, error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.UseNumber()
	root := etree.NewElement("json")
	t, err := dec.Token()
	if err != nil {
		return nil, err
	}
	if t != json.Delim('{') {
		return nil, errors.New("a JSON document is an object here")
	}
	if err := jsonMembers(dec, root); err != nil {
		return nil, err
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, errors.New("something follows the document")
	}
	return root, nil
}

func jsonMembers(dec *json.Decoder, into *etree.Element) error {
	for dec.More() {
		key, err := dec.Token()
		if err != nil {
			return err
		}
		if err := jsonValue(dec, into, key.(string)); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// jsonValue adds a value as an element; an array becomes several, null an empty one.
func jsonValue(dec *json.Decoder, into *etree.Element, name string) error {
	t, err := dec.Token()
	if err != nil {
		return err
	}
	if t == json.Delim('[') {
		for dec.More() {
			if err := jsonValue(dec, into, name); err != nil {
				return err
			}
		}
		_, err := dec.Token()
		return err
	}
	e := into.CreateElement(name)
	e.Space, e.Tag = "", name // CreateElement parts a key at its colon
	switch v := t.(type) {
	case json.Delim:
		return jsonMembers(dec, e)
	case nil:
		e.CreateAttr("nil", "true")
	case bool:
		e.SetText(boolText(v))
	case json.Number:
		e.SetText(v.String())
	case string:
		e.SetText(v)
	}
	return nil
}
