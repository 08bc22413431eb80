package sim

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"go.yaml.in/yaml/v4"
)

//go:embed sheets.yaml
var sheetsFile []byte

// field says what a partner takes at one place of a JSON document. What no field
// names is refused: it is data that the partner must not have.
type field struct {
	Required bool             `yaml:"required"`
	Check    string           `yaml:"check"`
	List     bool             `yaml:"list"`
	Any      bool             `yaml:"any"` // an object with texts of any name
	Fields   map[string]field `yaml:"fields"`
}

func readSheets() (map[string]map[string]field, error) {
	var sheets map[string]map[string]field
	d := yaml.NewDecoder(bytes.NewReader(sheetsFile))
	d.KnownFields(true)
	if err := d.Decode(&sheets); err != nil {
		return nil, fmt.Errorf("read sheets: %w", err)
	}
	for _, sheet := range sheets {
		if err := known(sheet); err != nil {
			return nil, err
		}
	}
	return sheets, nil
}

func known(fields map[string]field) error {
	for name, f := range fields {
		if f.Check != "" && checks[f.Check] == nil {
			return fmt.Errorf("read sheets: %s has the unknown check %s", name, f.Check)
		}
		if err := known(f.Fields); err != nil {
			return err
		}
	}
	return nil
}

// judge reads a JSON document and lists what is wrong with it, by field.
func judge(sheet map[string]field, body []byte) (map[string]any, []FieldError) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil || doc == nil {
		return nil, []FieldError{{"", "ist kein JSON-Objekt"}}
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, []FieldError{{"", "hat nach dem Ende noch Zeichen"}}
	}
	return doc, judgeObject("", sheet, doc)
}

func judgeObject(at string, sheet map[string]field, doc map[string]any) []FieldError {
	var out []FieldError
	for _, name := range slices.Sorted(maps.Keys(doc)) {
		f, ok := sheet[name]
		if !ok {
			out = append(out, FieldError{at + name, "ist hier nicht vorgesehen"})
			continue
		}
		out = append(out, judgeValue(at+name, f, doc[name])...)
	}
	for _, name := range slices.Sorted(maps.Keys(sheet)) {
		if _, ok := doc[name]; !ok && sheet[name].Required {
			out = append(out, FieldError{at + name, "fehlt"})
		}
	}
	return out
}

func judgeValue(at string, f field, v any) []FieldError {
	if f.List {
		list, ok := v.([]any)
		if !ok || len(list) == 0 {
			return []FieldError{{at, "ist keine Liste mit Einträgen"}}
		}
		var out []FieldError
		f.List = false
		for i, one := range list {
			out = append(out, judgeValue(at+"["+strconv.Itoa(i)+"]", f, one)...)
		}
		return out
	}
	switch v := v.(type) {
	case map[string]any:
		if f.Any {
			f.Fields = map[string]field{}
			for name := range v {
				f.Fields[name] = field{}
			}
		}
		if f.Fields == nil {
			return []FieldError{{at, "ist kein Text"}}
		}
		return judgeObject(at+".", f.Fields, v)
	case []any, nil:
		return []FieldError{{at, "ist kein Text"}}
	default:
		if f.Fields != nil || f.Any {
			return []FieldError{{at, "ist kein Objekt"}}
		}
		if check := checks[f.Check]; check != nil {
			if complaint := check(fmt.Sprint(v)); complaint != "" {
				return []FieldError{{at, complaint}}
			}
		}
		return nil
	}
}
