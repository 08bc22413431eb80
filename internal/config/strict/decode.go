package strict

import (
	"encoding"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"stellwerk/connectors"
)

// Decoder fills Go values from nodes. Structs name their keys by yaml tags;
// ",required" refuses a file without the key, and an empty text there; ",inline"
// takes the keys of an embedded struct. time.Duration, encoding.TextUnmarshaler,
// maps with text keys, slices, pointers, *yaml.Node and any are understood.
type Decoder struct {
	// File gives the file that a node stands in.
	File func(*yaml.Node) string
	// Thing names what the keys belong to in complaints: "a setting of kind sftp".
	Thing string
	// Value, where set, may object to any value read from text.
	Value func(v any) error

	found Findings
}

// Decode fills a pointer and returns every complaint.
func Decode(path, thing string, n *yaml.Node, into any) Findings {
	d := Decoder{File: func(*yaml.Node) string { return path }, Thing: thing}
	return d.Decode(n, into)
}

// Decode fills a pointer and returns every complaint.
func (d *Decoder) Decode(n *yaml.Node, into any) Findings {
	v := reflect.ValueOf(into)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		panic("strict: decode needs a pointer")
	}
	d.found = nil
	d.value(n, v.Elem(), "")
	return d.found.Sort()
}

func (d *Decoder) complain(n *yaml.Node, message, remedy string) {
	d.found = append(d.found, Finding{File: d.File(n), Line: n.Line, Column: n.Column, Message: message, Suggestion: remedy})
}

var (
	durationType = reflect.TypeFor[time.Duration]()
	nodeType     = reflect.TypeFor[*yaml.Node]()
	textType     = reflect.TypeFor[encoding.TextUnmarshaler]()
	yamlType     = reflect.TypeFor[yaml.Unmarshaler]()
)

// value fills v. key is the dotted path, for complaints.
func (d *Decoder) value(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		d.complain(n, name(key)+" has no value", "give one or remove the key")
		return
	}
	switch {
	case v.Type() == nodeType:
		v.Set(reflect.ValueOf(n))
		return
	case v.Type() == nodeType.Elem():
		v.Set(reflect.ValueOf(n).Elem())
		return
	case v.Kind() == reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		d.value(n, v.Elem(), key)
		return
	case v.Type() == durationType:
		if text, ok := d.text(n, key); ok {
			dur, err := Duration(text)
			if err != nil {
				d.complain(n, key+": "+err.Error(), "")
				return
			}
			v.SetInt(int64(dur))
		}
		return
	case v.Addr().Type().Implements(yamlType):
		if err := v.Addr().Interface().(yaml.Unmarshaler).UnmarshalYAML(n); err != nil {
			d.complain(n, name(key)+": "+err.Error(), "")
		}
		return
	case v.Addr().Type().Implements(textType):
		d.unmarshalText(n, v, key)
		return
	}
	switch v.Kind() {
	case reflect.Struct:
		d.structure(n, v, key)
	case reflect.Map:
		d.dictionary(n, v, key)
	case reflect.Slice:
		d.list(n, v, key)
	case reflect.Interface:
		v.Set(reflect.ValueOf(d.free(n)))
	default:
		d.scalar(n, v, key)
	}
}

func (d *Decoder) unmarshalText(n *yaml.Node, v reflect.Value, key string) {
	text, ok := d.text(n, key)
	if !ok {
		return
	}
	err := v.Addr().Interface().(encoding.TextUnmarshaler).UnmarshalText([]byte(text))
	if err == nil && d.Value != nil {
		err = d.Value(v.Interface())
	}
	if err != nil {
		text := err.Error()
		if s := (*connectors.SettingError)(nil); errors.As(err, &s) {
			text = s.Message // the place is known better here
		}
		d.complain(n, name(key)+": "+text, "")
	}
}

func (d *Decoder) text(n *yaml.Node, key string) (string, bool) {
	if n.Kind != yaml.ScalarNode {
		d.complain(n, fmt.Sprintf("%s is %s; it must be one value", name(key), shape(n)), "")
		return "", false
	}
	return n.Value, true
}

func (d *Decoder) scalar(n *yaml.Node, v reflect.Value, key string) {
	text, ok := d.text(n, key)
	if !ok {
		return
	}
	plain := n.Style&quoted == 0
	wrong := func(want string) {
		d.complain(n, fmt.Sprintf("%s is %q; it must be %s", name(key), text, want), "")
	}
	digits := strings.ReplaceAll(text, "_", "")
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if !plain || text != "true" && text != "false" {
			wrong("true or false")
			return
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		i, err := strconv.ParseInt(digits, 10, v.Type().Bits())
		if err != nil || !plain {
			wrong("a whole number")
			return
		}
		v.SetInt(i)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		u, err := strconv.ParseUint(digits, 10, v.Type().Bits())
		if err != nil || !plain {
			wrong("a whole number, not negative")
			return
		}
		v.SetUint(u)
	case reflect.Float32, reflect.Float64:
		f, err := strconv.ParseFloat(digits, v.Type().Bits())
		if err != nil || !plain || f-f != 0 { // neither infinite nor not a number
			wrong("a number")
			return
		}
		v.SetFloat(f)
	default:
		panic("strict: cannot fill " + v.Type().String())
	}
}

func (d *Decoder) list(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.SequenceNode {
		d.complain(n, fmt.Sprintf("%s is %s; it must be a list", name(key), shape(n)), "write it in square brackets: [..., ...]")
		return
	}
	out := reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content))
	for i, c := range n.Content {
		d.value(c, out.Index(i), fmt.Sprintf("%s[%d]", key, i))
	}
	v.Set(out)
}

func (d *Decoder) dictionary(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		d.complain(n, fmt.Sprintf("%s is %s; it must have keys", name(key), shape(n)), "")
		return
	}
	if v.Type().Key().Kind() != reflect.String {
		panic("strict: cannot fill " + v.Type().String())
	}
	out := reflect.MakeMapWithSize(v.Type(), len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, e := n.Content[i], reflect.New(v.Type().Elem()).Elem()
		d.value(n.Content[i+1], e, join(key, k.Value))
		out.SetMapIndex(reflect.ValueOf(k.Value).Convert(v.Type().Key()), e)
	}
	v.Set(out)
}

func (d *Decoder) structure(n *yaml.Node, v reflect.Value, key string) {
	if n.Kind != yaml.MappingNode {
		d.complain(n, fmt.Sprintf("%s is %s; it must have keys", name(key), shape(n)), "")
		return
	}
	fs := fields(v)
	for i := 0; i+1 < len(n.Content); i += 2 {
		k := n.Content[i]
		at := slices.IndexFunc(fs, func(f field) bool { return f.key == k.Value })
		if at < 0 {
			all := make([]string, len(fs))
			for j, f := range fs {
				all[j] = f.key
			}
			d.complain(k, fmt.Sprintf("%s is not %s", join(key, k.Value), d.thing(key)), Suggest(k.Value, all))
			continue
		}
		f, before := &fs[at], len(d.found)
		f.seen = true
		d.value(n.Content[i+1], f.value, join(key, k.Value))
		if f.required && len(d.found) == before && f.value.Kind() == reflect.String && f.value.Len() == 0 {
			d.complain(n.Content[i+1], join(key, k.Value)+" is empty", "")
		}
	}
	for _, f := range fs {
		if f.required && !f.seen {
			d.complain(n, join(key, f.key)+" is missing", "")
		}
	}
}

func (d *Decoder) thing(key string) string {
	if key == "" {
		return d.Thing
	}
	return d.Thing + " below " + key
}

// free gives what any holds: text, numbers, bool, []any, map[string]any.
func (d *Decoder) free(n *yaml.Node) any {
	switch n.Kind {
	case yaml.MappingNode:
		m := make(map[string]any, len(n.Content)/2)
		for i := 0; i+1 < len(n.Content); i += 2 {
			m[n.Content[i].Value] = d.free(n.Content[i+1])
		}
		return m
	case yaml.SequenceNode:
		l := make([]any, len(n.Content))
		for i, c := range n.Content {
			l[i] = d.free(c)
		}
		return l
	}
	if n.Style&quoted == 0 {
		if n.Tag == "!!bool" && (n.Value == "true" || n.Value == "false") {
			return n.Value == "true"
		}
		if i, err := strconv.ParseInt(n.Value, 10, 64); err == nil {
			return i
		}
		if f, err := strconv.ParseFloat(n.Value, 64); err == nil && n.Tag == "!!float" {
			return f
		}
		if n.Tag == "!!null" {
			return nil
		}
	}
	return n.Value
}

type field struct {
	key            string
	value          reflect.Value
	required, seen bool
}

// fields lists the keys of a struct. A field without a tag is its name in
// kebab-case, so that a forgotten tag cannot make a key nobody can write.
func fields(v reflect.Value) []field {
	var out []field
	for i := range v.NumField() {
		f := v.Type().Field(i)
		tag := f.Tag.Get("yaml")
		word, opts, _ := strings.Cut(tag, ",")
		if tag == "-" || !f.IsExported() {
			continue
		}
		if slices.Contains(strings.Split(opts, ","), "inline") || f.Anonymous && word == "" && f.Type.Kind() == reflect.Struct {
			out = append(out, fields(v.Field(i))...)
			continue
		}
		if word == "" {
			word = kebab(f.Name)
		}
		out = append(out, field{key: word, value: v.Field(i), required: slices.Contains(strings.Split(opts, ","), "required")})
	}
	return out
}

func kebab(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r >= 'A' && r <= 'Z' {
			if i > 0 && s[i-1] >= 'a' && s[i-1] <= 'z' {
				b.WriteByte('-')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func join(key, word string) string {
	if key == "" {
		return word
	}
	return key + "." + word
}

func name(key string) string {
	if key == "" {
		return "the file"
	}
	return key
}

// shape says what stands there, not its text: that may be a secret in the wrong place.
func shape(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a table of keys"
	case yaml.SequenceNode:
		return "a list"
	}
	return "one value"
}
