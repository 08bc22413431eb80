package gate

import (
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Admits tells whether a document that fits the schema may have something at a path below
// its root. Steps are local names, @names last; * is any name, ** any number of them. An
// array's items are at its own place. Where the schema lets in what it does not name,
// everything is admitted.
func (s *XMLSchema) Admits(steps []string) bool { return s.schema.Admits(steps) }

// Admits is as that of XMLSchema; there are no attributes.
func (s *JSONSchema) Admits(steps []string) bool {
	return (&jsonWalk{seen: map[jsonWalkAt]bool{}}).admits([]*jsonschema.Schema{s.schema}, steps)
}

type jsonWalk struct{ seen map[jsonWalkAt]bool }

type jsonWalkAt struct {
	schema *jsonschema.Schema
	left   int // steps
}

// admits asks whether one of the schemas that may apply in this place leads on.
func (w *jsonWalk) admits(at []*jsonschema.Schema, steps []string) bool {
	if len(steps) == 0 {
		return true
	}
	for _, s := range at {
		key := jsonWalkAt{s, len(steps)}
		if w.seen[key] {
			continue
		}
		w.seen[key] = true
		if w.within(s, steps) {
			return true
		}
	}
	return false
}

func (w *jsonWalk) within(s *jsonschema.Schema, steps []string) bool {
	step, rest := steps[0], steps[1:]
	if strings.HasPrefix(step, "@") {
		return false
	}
	all := together(s, nil)
	if step == "**" && w.admits([]*jsonschema.Schema{s}, rest) {
		return true
	}
	named := false // what a schema names is what it says of it, however open it is else
	for _, part := range all {
		if items := itemsOf(part); len(items) > 0 && w.admits(items, steps) {
			return true
		}
		if len(part.PatternProperties) > 0 {
			return true
		}
		for name, property := range part.Properties {
			next := rest
			if step == "**" {
				next = steps
			} else if step != "*" && step != name {
				continue
			}
			named = named || step == name
			if w.admits([]*jsonschema.Schema{property}, next) {
				return true
			}
		}
	}
	return !named && !slices.ContainsFunc(all, shut) && open(all)
}

// together are a schema and all that apply, or may apply, to the same value.
func together(s *jsonschema.Schema, in []*jsonschema.Schema) []*jsonschema.Schema {
	if s == nil || slices.Contains(in, s) {
		return in
	}
	in = append(in, s)
	parts := []*jsonschema.Schema{s.Ref, s.RecursiveRef, s.If, s.Then, s.Else}
	if s.DynamicRef != nil {
		parts = append(parts, s.DynamicRef.Ref)
	}
	parts = append(append(append(parts, s.AllOf...), s.AnyOf...), s.OneOf...)
	for _, d := range s.DependentSchemas {
		parts = append(parts, d)
	}
	for _, p := range parts {
		in = together(p, in)
	}
	return in
}

// shut tells whether a schema refuses the properties that it does not name.
func shut(s *jsonschema.Schema) bool {
	no, isBool := s.AdditionalProperties.(bool)
	u := s.UnevaluatedProperties
	return isBool && !no || u != nil && u.Bool != nil && !*u.Bool
}

// open tells whether the value may be an object at all, or an array of what nothing is said of.
func open(all []*jsonschema.Schema) bool {
	for _, s := range all {
		if s.Bool != nil && !*s.Bool {
			return false
		}
		if s.Const != nil && leaf(*s.Const) || s.Enum != nil && !slices.ContainsFunc(s.Enum.Values, func(v any) bool { return !leaf(v) }) {
			return false
		}
		if s.Types == nil {
			continue
		}
		types := s.Types.ToStrings()
		object := slices.Contains(types, "object")
		array := slices.Contains(types, "array") && !slices.ContainsFunc(all, func(s *jsonschema.Schema) bool { return len(itemsOf(s)) > 0 })
		if !object && !array {
			return false
		}
	}
	return true
}

// leaf tells whether a value has nothing below it.
func leaf(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func itemsOf(s *jsonschema.Schema) []*jsonschema.Schema {
	out := slices.Clone(s.PrefixItems)
	if s.Items2020 != nil {
		out = append(out, s.Items2020)
	}
	switch items := s.Items.(type) {
	case *jsonschema.Schema:
		out = append(out, items)
	case []*jsonschema.Schema:
		out = append(out, items...)
	}
	return out
}
