package config

import (
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

// documents reads every mapping, shipped or own, so that a broken file stops the
// start even before somebody uses it. Code lists and layouts of the operator too.
func (l *loader) documents() {
	services, _ := fs.ReadDir(l.mappings, ".")
	for _, dir := range services {
		if !dir.IsDir() || strings.HasPrefix(dir.Name(), ".") {
			continue
		}
		files, _ := fs.ReadDir(l.mappings, dir.Name())
		for _, f := range files {
			file := path.Join(dir.Name(), f.Name())
			switch {
			case f.IsDir() || strings.HasPrefix(f.Name(), "."):
			case dir.Name() == "ordinances":
				l.foreign(file, func() Findings { _, found := mapping.LoadOrdinance(l.mappings, file); return found })
			case dir.Name() == "codelists":
				l.foreign(file, func() Findings { _, found := mapping.LoadCodeList(l.mappings, file); return found })
			case dir.Name() == "layouts":
				l.foreign(file, func() Findings { _, found := mapping.LoadLayout(l.mappings, file); return found })
			case path.Ext(file) == ".yaml":
				m, found := mapping.Load(l.mappings, file, l.files)
				l.found = append(l.found, under("mappings", found)...)
				l.loaded[file] = m
				// An operator's own route may ask for less than a shipped mapping would take.
				if r := l.snap.Routes[dir.Name()]; m != nil && r != nil && (l.mappings.owns(file) || !l.routes.owns(r.Path)) {
					l.found = append(l.found, under("mappings", m.CheckInput(r.Admits))...)
				}
			}
		}
	}
}

// foreign reads a file of the operator that only mappings name.
func (l *loader) foreign(file string, load func() Findings) {
	if l.mappings.owns(file) {
		l.found = append(l.found, under("mappings", load())...)
	}
}

// document finds the mapping of a delivery and checks that this municipality can
// answer what it asks.
func (l *loader) document(file, key string, b *Binding, d *Delivery, document string) {
	at := path.Join(b.Route.Service, document+".yaml")
	m, there := l.loaded[at]
	l.used = append(l.used, at)
	if !there {
		l.atKey(file, key, fmt.Sprintf("%s: %s wants the document %q for %q, and there is no mappings/%s", b.Route.Service, d.System.Name, document, d.Route.To, at),
			strict.Suggest(document, l.names(l.mappings, b.Route.Service)))
		return
	}
	if m == nil {
		return
	}
	d.Mapping, d.Own = m, l.mappings.owns(at)
	if c, ok := d.System.Config.(connectors.Choosy); ok {
		if err := c.Takes(string(m.Format), m.Targets()); err != nil {
			l.atKey(file, key, fmt.Sprintf("%s: %s (kind %s) cannot take what mappings/%s makes for %q", b.Route.Service, d.System.Name, d.System.Kind, at, d.Route.To), err.Error())
		}
	}
	for _, name := range m.Ordinances() {
		table, configured := b.Competent.Ordinances[name]
		switch {
		case !configured:
			l.atKey(file, key, fmt.Sprintf("%s: mappings/%s needs the ordinance %q, which %s does not have", b.Route.Service, at, name, b.Competent.Name),
				"add it to ordinances: in municipalities/"+b.Competent.AGS+".yaml")
		case table != nil:
			l.found = append(l.found, m.CheckOrdinance(name, table)...)
		}
	}
	for _, name := range m.Ranges() {
		if _, there := b.Competent.Ranges[name]; !there {
			remedy := "add it to number-ranges: in municipalities/" + b.Competent.AGS + ".yaml"
			if near := strict.Suggest(name, slices.Sorted(maps.Keys(b.Competent.Ranges))); strings.HasPrefix(near, "did you mean") {
				remedy = near
			}
			l.atKey(file, key, fmt.Sprintf("%s: mappings/%s draws from the number range %q, which %s does not have", b.Route.Service, at, name, b.Competent.Name), remedy)
		}
	}
	for _, answer := range m.Answers() {
		role, _, _ := strings.Cut(answer, "/")
		if !slices.Contains(d.Route.After, role) {
			l.complain(Finding{File: "routes/" + b.Route.Path, Line: d.Route.Line, Column: d.Route.Column,
				Message:    fmt.Sprintf("%s: mappings/%s reads answer:%s, but the delivery does not wait for %s", d.Route.To, at, answer, role),
				Suggestion: "add after: [" + role + "]"})
		}
	}
}

// unused warns of the operator's files that nothing reads: a mistyped name looks
// like a file that works.
func (l *loader) unused() {
	if len(l.broken) > 0 {
		return // a file that could not be read may be what uses them
	}
	for at, m := range l.loaded {
		if m != nil && l.mappings.owns(at) && !slices.Contains(l.used, at) {
			l.complain(Finding{File: "mappings/" + at, Severity: mapping.Warning, Message: "no municipality uses this mapping",
				Suggestion: "a mapping is named like its role, or like the document of a system"})
		}
	}
	l.each("ordinances", func(p string) {
		if _, used := l.tables[p]; !used {
			l.complain(Finding{File: p, Severity: mapping.Warning, Message: "no municipality uses this ordinance"})
			_, found := mapping.LoadOrdinance(l.own, p)
			l.found = append(l.found, found...)
		}
	})
	l.unnamed("routes")
	l.unasked()
}

// each goes through the operator's files below a folder that look like configuration.
func (l *loader) each(folder string, do func(file string)) {
	_ = fs.WalkDir(l.own, folder, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			return nil
		}
		switch strings.ToLower(path.Ext(p)) {
		case ".yaml", ".yml":
			do(p)
		case ".xml", ".gc":
			if path.Base(path.Dir(p)) == "codelists" {
				do(p)
			}
		}
		return nil
	})
}

// unasked warns of what lies below mappings and profiles and is not what a mapping
// or a system asks for.
func (l *loader) unasked() {
	for _, m := range l.loaded {
		if m == nil {
			return // a broken mapping may be what asks for them
		}
	}
	warn := func(file, message, remedy string) {
		if ext := path.Ext(file); strings.EqualFold(ext, ".yml") {
			message, remedy = "is not read", "name it "+strings.TrimSuffix(path.Base(file), ext)+".yaml"
		}
		l.complain(Finding{File: file, Severity: mapping.Warning, Message: message, Suggestion: remedy})
	}
	l.each("mappings", func(p string) {
		parts := strings.Split(p, "/")
		_, loaded := l.loaded[path.Join(parts[1:]...)]
		_, table := l.tables[p]
		switch {
		case l.asked[p] || loaded || table || len(parts) > 3: // below that are examples
		case len(parts) == 2:
			warn(p, "is not read", "a mapping stands in the folder of its service")
		case parts[1] == "codelists":
			warn(p, "no mapping uses this code list", "it is named as mappings name it")
		case parts[1] == "layouts":
			warn(p, "no mapping uses this layout", "it is named as mappings name it")
		case parts[1] == "ordinances":
			warn(p, "is not read", "local law stands in ordinances/")
		default:
			warn(p, "is not read", "")
		}
	})
	var kinds []string
	for _, k := range l.src.Kinds {
		kinds = append(kinds, k.Name)
	}
	l.each("profiles", func(p string) {
		parts := strings.Split(p, "/")
		switch {
		case l.asked[p]:
		case len(parts) != 3:
			warn(p, "is not read", "a profile is profiles/<kind>/<name>.yaml")
		case !slices.Contains(kinds, parts[1]):
			warn(p, "is not read: "+parts[1]+" is not a kind of system", strict.Suggest(parts[1], kinds))
		default:
			warn(p, "no system uses this profile", "")
		}
	})
}

// unnamed warns of operator's files below routes that are not part of a route.
func (l *loader) unnamed(root string) {
	_ = fs.WalkDir(l.own, root, func(p string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || strings.HasPrefix(e.Name(), ".") || strings.EqualFold(path.Ext(p), ".md") {
			return nil
		}
		service, rest, _ := strings.Cut(strings.TrimPrefix(p, root+"/"), "/")
		r := l.snap.Routes[service]
		if r == nil || slices.Contains(r.Files(), service+"/"+rest) {
			return nil
		}
		l.complain(Finding{File: p, Severity: mapping.Warning, Message: "is not part of the route",
			Suggestion: strict.Suggest(rest, []string{"route.yaml"})})
		return nil
	})
}
