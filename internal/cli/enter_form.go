package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// form is the part of a JSON Schema that questions can be made of. What it does not
// know (conditions, alternatives) is left to the gate, which judges the whole.
type form struct {
	Title       string           `json:"title"`
	Description string           `json:"description"`
	Type        string           `json:"type"`
	Const       json.RawMessage  `json:"const"`
	Enum        []any            `json:"enum"`
	Format      string           `json:"format"`
	Pattern     string           `json:"pattern"`
	MinLength   int              `json:"minLength"`
	MaxLength   int              `json:"maxLength"`
	Minimum     json.Number      `json:"minimum"`
	Maximum     json.Number      `json:"maximum"`
	Required    []string         `json:"required"`
	Properties  fieldsInOrder    `json:"properties"`
	Items       *form            `json:"items"`
	MinItems    int              `json:"minItems"`
	MaxItems    int              `json:"maxItems"`
	Ref         string           `json:"$ref"`
	Defs        map[string]*form `json:"$defs"`
}

// fieldsInOrder are properties as the schema lists them: the order of the form.
type fieldsInOrder []formField

type formField struct {
	name string
	form *form
}

// UnmarshalJSON implements json.Unmarshaler.
func (f *fieldsInOrder) UnmarshalJSON(b []byte) error {
	d := json.NewDecoder(bytes.NewReader(b))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return fmt.Errorf("properties must be an object")
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return err
		}
		field := formField{name: fmt.Sprint(key)}
		if err := d.Decode(&field.form); err != nil {
			return err
		}
		*f = append(*f, field)
	}
	return nil
}

func parseForm(text []byte) (*form, error) {
	var f form
	if err := json.Unmarshal(text, &f); err != nil {
		return nil, err
	}
	if len(f.Properties) == 0 {
		return nil, fmt.Errorf("it has no properties to ask for")
	}
	return &f, nil
}

// resolve follows references within the schema. What stands beside a reference
// goes before what it refers to.
func (f *form) resolve(root *form) (*form, error) {
	for depth := 0; f.Ref != ""; depth++ {
		name, ok := strings.CutPrefix(f.Ref, "#/$defs/")
		to := root.Defs[name]
		if !ok || to == nil || depth > 20 {
			return nil, fmt.Errorf("it refers to %s, which is not in it; give --file", f.Ref)
		}
		merged := *to
		if f.Title != "" {
			merged.Title = f.Title
		}
		if f.Description != "" {
			merged.Description = f.Description
		}
		f = &merged
	}
	return f, nil
}

// label is what a field is called in a question: its title, else its name.
func (f *form) label(name string) string {
	if f.Title != "" {
		return f.Title
	}
	words := strings.FieldsFunc(name, func(r rune) bool { return r == '-' || r == '.' || r == '_' })
	first, size := utf8.DecodeRuneInString(strings.Join(words, " "))
	return string(unicode.ToUpper(first)) + strings.Join(words, " ")[size:]
}

// given reports what is wrong with a value that is not asked for at a place of the
// form; nothing where the form has no such place, or there is no value.
func (f *form) given(path, value string) (complaint string) {
	if value == "" {
		return ""
	}
	at := f
	for name := range strings.SplitSeq(path, "/") {
		i := slices.IndexFunc(at.Properties, func(p formField) bool { return p.name == name })
		if i < 0 {
			return ""
		}
		next, err := at.Properties[i].form.resolve(f)
		if err != nil {
			return ""
		}
		at = next
	}
	_, complaint = at.read(value)
	return complaint
}
