package rest

import (
	"encoding/json"
	"fmt"
	"net/url"
	"strings"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// template is a text with {names}: those of a message's fields, the
// installation's values, {attachment.…} in steps that run for each, {kept.…} from
// earlier steps and {document.…} for a text at the top level of a JSON document.
type template = wire.Template[*scope]

// scope is what a template can see.
type scope struct {
	message    *connectors.Message
	attachment int                 // index of the attachment of this round; -1 outside
	kept       []map[string]string // by attachment; the last one is shared by all
	document   map[string]json.RawMessage
}

// missingError says that a template's value is not there at run time.
type missingError struct{ name string }

func (e *missingError) Error() string { return "{" + e.name + "} is not there" }

func compileTemplate(text string, values map[string]string) (template, error) {
	return wire.Cut(text, func(name string) (func(*scope) (string, error), error) { return compileName(name, values) })
}

func compileName(name string, values map[string]string) (func(*scope) (string, error), error) {
	if f, ok := wire.Field(name); ok {
		return func(s *scope) (string, error) { return f(s.message), nil }, nil
	}
	if v, ok := values[name]; ok {
		return func(*scope) (string, error) { return v, nil }, nil
	}
	space, key, _ := strings.Cut(name, ".")
	switch {
	case name == "attachment.name" || name == "attachment.content-type":
		return func(s *scope) (string, error) {
			if s.attachment < 0 {
				return "", &missingError{name}
			}
			if a := s.message.Attachments[s.attachment]; key == "name" {
				return a.Name, nil
			} else {
				return a.ContentType, nil
			}
		}, nil
	case space == "kept" && key != "":
		return func(s *scope) (string, error) {
			if s.attachment >= 0 {
				if v, ok := s.kept[s.attachment][key]; ok {
					return v, nil
				}
			}
			if v, ok := s.kept[len(s.kept)-1][key]; ok {
				return v, nil
			}
			return "", &missingError{name}
		}, nil
	case space == "document" && key != "":
		return func(s *scope) (string, error) {
			var v string
			if raw, ok := s.document[key]; !ok || json.Unmarshal(raw, &v) != nil {
				return "", &missingError{name}
			}
			return v, nil
		}, nil
	}
	return nil, fmt.Errorf("{%s} is not known here; set values.%s, or use one of %s", name, name, strings.Join(wire.Fields(), ", "))
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
	path, err := t.path.Fill(s, wire.PathSegment)
	if err != nil || len(t.query) == 0 {
		return path, err
	}
	query, err := t.query.Fill(s, url.QueryEscape)
	return path + "?" + query, err
}
