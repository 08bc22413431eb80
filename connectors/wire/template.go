package wire

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"stellwerk/connectors"
)

// Template is a text with {names}, cut up once when a system is configured. S is
// what the names are taken from.
type Template[S any] []piece[S]

// piece is literal text, or a value where get is set.
type piece[S any] struct {
	text string
	get  func(S) (string, error)
}

// Cut reads a template. resolve gives the value behind a name.
func Cut[S any](text string, resolve func(name string) (func(S) (string, error), error)) (Template[S], error) {
	var t Template[S]
	for text != "" {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			return append(t, piece[S]{text: text}), nil
		}
		if open > 0 {
			t = append(t, piece[S]{text: text[:open]})
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q has no closing brace", text[open:])
		}
		get, err := resolve(text[open+1 : open+end])
		if err != nil {
			return nil, err
		}
		t = append(t, piece[S]{get: get})
		text = text[open+end+1:]
	}
	return t, nil
}

// Constant reports whether the template is the same for every message.
func (t Template[S]) Constant() bool {
	for _, p := range t {
		if p.get != nil {
			return false
		}
	}
	return true
}

// Fill puts the values in, each passed through escape.
func (t Template[S]) Fill(s S, escape func(string) string) (string, error) {
	if len(t) == 1 && t[0].get == nil {
		return t[0].text, nil
	}
	var b strings.Builder
	for _, p := range t {
		if p.get == nil {
			b.WriteString(p.text)
			continue
		}
		v, err := p.get(s)
		if err != nil {
			return "", err
		}
		b.WriteString(escape(v))
	}
	return b.String(), nil
}

// fields are what templates see of a message.
var fields = map[string]func(*connectors.Message) string{
	"id":           func(m *connectors.Message) string { return m.ID },
	"submission":   func(m *connectors.Message) string { return m.Submission },
	"number":       func(m *connectors.Message) string { return m.Number },
	"municipality": func(m *connectors.Message) string { return m.Municipality },
	"service":      func(m *connectors.Message) string { return m.Service },
	"role":         func(m *connectors.Message) string { return m.Role },
	"name":         func(m *connectors.Message) string { return m.Name },
	"content-type": func(m *connectors.Message) string { return m.ContentType },
	"token":        func(m *connectors.Message) string { return m.Token },
}

// Field gives what a template sees of a message under a name.
func Field(name string) (func(*connectors.Message) string, bool) {
	f, ok := fields[name]
	return f, ok
}

// Fields lists the names that Field knows.
func Fields() []string { return slices.Sorted(maps.Keys(fields)) }

// CutMessage reads a template over a message alone.
func CutMessage(text string) (Template[*connectors.Message], error) {
	return Cut(text, func(name string) (func(*connectors.Message) (string, error), error) {
		f, ok := fields[name]
		if !ok {
			return nil, fmt.Errorf("{%s} is not known here; use one of %s", name, strings.Join(Fields(), ", "))
		}
		return func(m *connectors.Message) (string, error) { return f(m), nil }, nil
	})
}

// Plain leaves a value as it is.
func Plain(v string) string { return v }

// PathSegment escapes a value so that it stays one segment: "." and ".." would
// otherwise climb.
func PathSegment(v string) string {
	if v == "." || v == ".." {
		return strings.ReplaceAll(v, ".", "%2E")
	}
	return url.PathEscape(v)
}
