package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	"stellwerk/connectors"
)

// template is a text with {names}, cut up once when the system is configured.
// The names are those of fields below, the installation's values, {attachment.…}
// in steps that run for each, {kept.…} from earlier steps and {document.…} for
// a text at the top level of a JSON document.
type template []piece

// piece is literal text, or a value where get is set.
type piece struct {
	text string
	get  func(*scope) (string, error)
}

// scope is what a template can see.
type scope struct {
	message    *connectors.Message
	attachment int                 // index of the attachment of this round; -1 outside
	kept       []map[string]string // by attachment; the last one is shared by all
	document   map[string]json.RawMessage
}

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

// missingError says that a template's value is not there at run time.
type missingError struct{ name string }

func (e *missingError) Error() string { return "{" + e.name + "} is not there" }

func compileTemplate(text string, values map[string]string) (template, error) {
	var t template
	for text != "" {
		open := strings.IndexByte(text, '{')
		if open < 0 {
			return append(t, piece{text: text}), nil
		}
		if open > 0 {
			t = append(t, piece{text: text[:open]})
		}
		end := strings.IndexByte(text[open:], '}')
		if end < 0 {
			return nil, fmt.Errorf("%q has no closing brace", text[open:])
		}
		name := text[open+1 : open+end]
		p, err := compileName(name, values)
		if err != nil {
			return nil, err
		}
		t = append(t, p)
		text = text[open+end+1:]
	}
	return t, nil
}

func compileName(name string, values map[string]string) (piece, error) {
	if f, ok := fields[name]; ok {
		return piece{get: func(s *scope) (string, error) { return f(s.message), nil }}, nil
	}
	if v, ok := values[name]; ok {
		return piece{get: func(*scope) (string, error) { return v, nil }}, nil
	}
	space, key, _ := strings.Cut(name, ".")
	switch {
	case name == "attachment.name" || name == "attachment.content-type":
		return piece{get: func(s *scope) (string, error) {
			if s.attachment < 0 {
				return "", &missingError{name}
			}
			if a := s.message.Attachments[s.attachment]; key == "name" {
				return a.Name, nil
			} else {
				return a.ContentType, nil
			}
		}}, nil
	case space == "kept" && key != "":
		return piece{get: func(s *scope) (string, error) {
			if s.attachment >= 0 {
				if v, ok := s.kept[s.attachment][key]; ok {
					return v, nil
				}
			}
			if v, ok := s.kept[len(s.kept)-1][key]; ok {
				return v, nil
			}
			return "", &missingError{name}
		}}, nil
	case space == "document" && key != "":
		return piece{get: func(s *scope) (string, error) {
			var v string
			if raw, ok := s.document[key]; !ok || json.Unmarshal(raw, &v) != nil {
				return "", &missingError{name}
			}
			return v, nil
		}}, nil
	}
	known := slices.Sorted(maps.Keys(fields))
	return piece{}, fmt.Errorf("{%s} is not known here; set values.%s, or use one of %s", name, name, strings.Join(known, ", "))
}

// constant reports whether the template is the same for every message.
func (t template) constant() bool {
	for _, p := range t {
		if p.get != nil {
			return false
		}
	}
	return true
}

// fill puts the values in, each passed through escape.
func (t template) fill(s *scope, escape func(string) string) (string, error) {
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

// plain leaves a value as it is.
func plain(v string) string { return v }

// headerValue drops what would end a header line.
func headerValue(v string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, v)
}

// pathTemplate fills a path and its query, each with its own escaping.
type pathTemplate struct{ path, query template }

func compilePath(text string, values map[string]string) (pathTemplate, error) {
	before, after, _ := strings.Cut(text, "?")
	path, err := compileTemplate(before, values)
	if err != nil {
		return pathTemplate{}, err
	}
	query, err := compileTemplate(after, values)
	return pathTemplate{path, query}, err
}

func (t pathTemplate) fill(s *scope) (string, error) {
	path, err := t.path.fill(s, pathSegment)
	if err != nil || len(t.query) == 0 {
		return path, err
	}
	query, err := t.query.fill(s, url.QueryEscape)
	return path + "?" + query, err
}

// pathSegment escapes a value so that it stays one segment: "." and ".." would
// otherwise climb.
func pathSegment(v string) string {
	if v == "." || v == ".." {
		return strings.ReplaceAll(v, ".", "%2E")
	}
	return url.PathEscape(v)
}
