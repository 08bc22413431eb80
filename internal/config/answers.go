package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

// answers warns of keys of answers that no system brings and that are almost one
// that a system does: what is mistyped there would be empty for ever. A key that is
// like none is left alone, for the same route may serve systems that answer more.
func (l *loader) answers() {
	brought := map[string]map[string]bool{} // by service and role, the keys of all municipalities' systems
	each := func(do func(b *Binding, d *Delivery)) {
		for _, ags := range l.allAGS() {
			services := l.snap.Municipalities[ags].Services
			for _, service := range slices.Sorted(maps.Keys(services)) {
				for i := range services[service].Deliveries {
					do(services[service], &services[service].Deliveries[i])
				}
			}
		}
	}
	each(func(b *Binding, d *Delivery) {
		if d.System == nil {
			return
		}
		if a, ok := d.System.Config.(connectors.Answering); ok {
			keys := brought[b.Route.Service+"/"+d.Route.To]
			if keys == nil {
				keys = map[string]bool{}
				brought[b.Route.Service+"/"+d.Route.To] = keys
			}
			for _, key := range a.Answers() {
				keys[key] = true
			}
		}
	})
	near := func(service, role, key string) (string, bool) {
		keys := brought[service+"/"+role]
		remedy := strict.Suggest(key, slices.Sorted(maps.Keys(keys)))
		return remedy, !keys[key] && strings.HasPrefix(remedy, "did you mean")
	}
	for _, service := range slices.Sorted(maps.Keys(l.snap.Routes)) {
		r := l.snap.Routes[service]
		for _, a := range r.Answers {
			if remedy, mistyped := near(service, a.Role, a.Key); mistyped {
				l.complain(Finding{File: "routes/" + r.Path, Line: a.Line, Column: a.Column, Severity: mapping.Warning,
					Message: fmt.Sprintf("%s comes from %s/%s, and no system that is %s here answers %s", a.Name, a.Role, a.Key, a.Role, a.Key), Suggestion: remedy})
			}
		}
	}
	warned := map[string]bool{}
	each(func(b *Binding, d *Delivery) {
		if d.Mapping == nil || d.System == nil {
			return
		}
		for _, answer := range d.Mapping.Answers() {
			role, key, _ := strings.Cut(answer, "/")
			file := "mappings/" + d.Mapping.Path
			if remedy, mistyped := near(b.Route.Service, role, key); mistyped && !warned[file+answer] {
				warned[file+answer] = true
				l.complain(Finding{File: "routes/" + b.Route.Path, Line: d.Route.Line, Column: d.Route.Column, Severity: mapping.Warning,
					Message: fmt.Sprintf("%s: %s reads answer:%s, and no system that is %s here answers %s", d.Route.To, file, answer, role, key), Suggestion: remedy})
			}
		}
	})
}
