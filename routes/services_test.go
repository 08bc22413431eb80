package routes_test

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// services are the folders that hold a route.
func services(t *testing.T) map[string]*route.Route {
	t.Helper()
	files, err := fs.Glob(routes.FS, "*/route.yaml")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]*route.Route{}
	for _, f := range files {
		service := path.Dir(f)
		r, found := route.Load(routes.FS, service, mapping.Files{FS: mappings.FS})
		if r == nil {
			t.Fatal(found)
		}
		all[service] = r
	}
	return all
}

// Every service can be pushed as XML and as JSON, asks for consent in words that have
// a version, is found by the portal's own reference and has examples in both forms.
func TestServicesAreComplete(t *testing.T) {
	all := services(t)
	for _, name := range []string{"hundeanmeldung", "hundeabmeldung", "abfallbehaelter-anmeldung", "abfallbehaelter-abmeldung", "reitkennzeichen", "hundemarke"} {
		r := all[name]
		if r == nil {
			t.Errorf("%s is missing", name)
			continue
		}
		if !r.ConsentRequired || r.Consent.Version == "" || r.Consent.Text == "" {
			t.Errorf("%s: consent is %v, wording %q", name, r.ConsentRequired, r.Consent.Version)
		}
		if !slices.ContainsFunc(r.Keys, func(k route.Key) bool { return k.Name == "reference" }) {
			t.Errorf("%s: keys %v", name, r.Keys)
		}
		// Where the citizen pays first, an open payment must not hold up a second try.
		if pays := r.Deliveries[0].To == "payment"; pays != (r.OrderBy == "") {
			t.Errorf("%s: payment first %v, order-by %q", name, pays, r.OrderBy)
		}
		for _, format := range []string{"xml", "json"} {
			if _, ok := r.Input(format, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)); !ok {
				t.Errorf("%s takes no %s", name, format)
			}
			if !slices.ContainsFunc(r.Examples, func(e route.Example) bool { return e.Format == format }) {
				t.Errorf("%s has no example as %s", name, format)
			}
		}
		for _, d := range r.Deliveries {
			if _, err := fs.Stat(mappings.FS, name+"/"+d.To+".yaml"); err != nil {
				t.Errorf("%s: %s has no mapping", name, d.To)
			}
		}
	}
}

// Everybody whom a case names is found by that name: whoever applies, takes over the dog or
// the house, or has the account. They are erased by person, too.
func TestEverybodyNamedIsFound(t *testing.T) {
	named := 0
	for _, r := range services(t) {
		for _, e := range r.Examples {
			root, err := mapping.ParseInput(e.Path, e.Body)
			if err != nil {
				t.Fatalf("%s: %v", e.Path, err)
			}
			var keys []string
			for _, values := range r.KeyValues(root) {
				keys = append(keys, values...)
			}
			for _, at := range root.FindElements("//*") {
				person := at.Tag == "kontoinhaber" || at.Tag == "name" && at.Parent().FindElement("anschrift") != nil
				if !person {
					continue
				}
				if named++; !slices.Contains(keys, strings.TrimSpace(at.Text())) {
					t.Errorf("%s: who is named in %s is not found by that", e.Path, at.GetPath())
				}
			}
		}
	}
	if named < 20 {
		t.Errorf("%d people are named in all examples: this proves nothing", named)
	}
}

// An Abmeldung has the order key of its Anmeldung, or it could overtake it.
func TestAbmeldungWaitsForAnmeldung(t *testing.T) {
	all := services(t)
	for on, off := range map[string]string{"hundeanmeldung": "hundeabmeldung", "abfallbehaelter-anmeldung": "abfallbehaelter-abmeldung"} {
		if all[on].OrderBy != all[off].OrderBy {
			t.Errorf("%s is ordered by %s, %s by %s", on, all[on].OrderBy, off, all[off].OrderBy)
		}
	}
}

// Both forms of an example say the same, leaf by leaf: the two schemas have one structure.
func TestTwinExamplesAgree(t *testing.T) {
	twins := 0
	for name, r := range services(t) {
		leaves := map[string]map[string][]string{}
		for _, e := range r.Examples {
			tree, err := gate.Tree(context.Background(), e.Body, "application/"+e.Format, gate.Limits{})
			if err != nil {
				t.Fatalf("%s: %v", e.Path, err)
			}
			if leaves[e.Name] == nil {
				leaves[e.Name] = map[string][]string{}
			}
			var paths []string
			for _, p := range mapping.LeafPaths(tree.Root()) {
				paths = append(paths, strings.ReplaceAll(p, "@", "")) // an attribute is a member in JSON
			}
			slices.Sort(paths)
			leaves[e.Name][e.Format] = paths
		}
		for example, forms := range leaves {
			if len(forms) < 2 {
				continue
			}
			twins++
			if !slices.Equal(forms["xml"], forms["json"]) {
				t.Errorf("%s %s: as XML %v, as JSON %v", name, example, forms["xml"], forms["json"])
			}
		}
	}
	if twins < 5 {
		t.Errorf("only %d examples have both forms", twins)
	}
}

// Who refuses in the form is not handed on, whatever the portal says beside it.
func TestConsentRefusedInTheForm(t *testing.T) {
	for name, r := range services(t) {
		for _, e := range r.Examples {
			in, _ := r.Input(e.Format, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC))
			for was, now := range map[string]string{`erteilt>true<`: `erteilt>false<`, `"erteilt": true`: `"erteilt": false`} {
				if !strings.Contains(string(e.Body), was) {
					continue
				}
				body := strings.Replace(string(e.Body), was, now, 1)
				_, err := gate.Check(context.Background(), []byte(body), "application/"+e.Format, gate.Options{Schema: in.Schema})
				var invalid *gate.Invalid
				if !errors.As(err, &invalid) || !strings.Contains(invalid.Findings[0].Path+invalid.Findings[0].Pointer, "erteilt") {
					t.Errorf("%s %s with %s: %v", name, e.Path, now, err)
				}
			}
		}
	}
}

// A value of blanks is none, in JSON as in XML: who leaves them in a field that must be
// there is told so by the form, and is no case for the town hall.
func TestBlanksAreNoValue(t *testing.T) {
	at := time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC)
	free := []string{"/bemerkung", "/listVersionID"} // as in XML
	for name, r := range services(t) {
		in, _ := r.Input("json", at)
		seen := map[string]bool{}
		for _, e := range r.Examples {
			if e.Format != "json" {
				continue
			}
			var doc any
			if err := json.Unmarshal(e.Body, &doc); err != nil {
				t.Fatalf("%s: %v", e.Path, err)
			}
			var walk func(at string, value any, set func(any))
			walk = func(at string, value any, set func(any)) {
				switch v := value.(type) {
				case map[string]any:
					for k, inner := range v {
						walk(at+"/"+k, inner, func(x any) { v[k] = x })
					}
				case []any:
					for i, inner := range v {
						walk(at, inner, func(x any) { v[i] = x })
					}
				case string:
					if seen[at] || slices.Contains(free, at[strings.LastIndexByte(at, '/'):]) {
						return
					}
					seen[at] = true
					set("  ")
					defer set(v)
					body, err := json.Marshal(doc)
					if err != nil {
						t.Fatal(err)
					}
					var invalid *gate.Invalid
					if _, err := gate.Check(context.Background(), body, "application/json", gate.Options{Schema: in.Schema}); !errors.As(err, &invalid) {
						t.Errorf("%s: blanks are taken for %s", name, at)
					}
				}
			}
			walk("", doc, nil)
		}
		if len(seen) < 15 {
			t.Errorf("%s: only %d texts", name, len(seen))
		}
	}
}

// What a portal may get wrong is refused with its place.
func TestRefusedExamples(t *testing.T) {
	tests := []struct {
		file  string
		line  int
		place string // part of the path or the pointer
	}{
		{"hundeabmeldung/examples/abgelehnt/chip-zu-kurz.xml", 46, "chip"},
		{"hundeabmeldung/examples/abgelehnt/element-nicht-geschlossen.xml", 0, ""},
		{"hundeabmeldung/examples/abgelehnt/tag-gibt-es-nicht.json", 0, "/hund/0/ende/am"},
		{"reitkennzeichen/examples/abgelehnt/gemeinde-mit-postleitzahl.xml", 30, "gemeinde"},
		{"reitkennzeichen/examples/abgelehnt/jahr-als-zahl.json", 0, "/antrag/jahr"},
		{"abfallbehaelter-anmeldung/examples/abgelehnt/kein-behaelter.xml", 0, "anzahl"},
		{"abfallbehaelter-anmeldung/examples/abgelehnt/umbruch-im-wert.xml", 0, "standort"},
		{"abfallbehaelter-anmeldung/examples/abgelehnt/nur-leerzeichen.json", 0, "/behaelter/0/standort"},
		{"abfallbehaelter-anmeldung/examples/abgelehnt/unbekanntes-feld.json", 0, "/behaelter/0"},
		{"abfallbehaelter-abmeldung/examples/abgelehnt/ohne-erklaerung.xml", 0, "grundstueck"},
		{"abfallbehaelter-abmeldung/examples/abgelehnt/tag-als-text.json", 0, "/zum"},
	}
	all := services(t)
	var files []string
	for _, tt := range tests {
		files = append(files, tt.file)
		service, _, _ := strings.Cut(tt.file, "/")
		format := strings.TrimPrefix(path.Ext(tt.file), ".")
		in, ok := all[service].Input(format, time.Date(2026, 5, 4, 0, 0, 0, 0, time.UTC))
		if !ok {
			t.Fatalf("%s takes no %s", service, format)
		}
		body, err := fs.ReadFile(routes.FS, tt.file)
		if err != nil {
			t.Fatal(err)
		}
		_, err = gate.Check(context.Background(), body, "application/"+format, gate.Options{Schema: in.Schema})
		if tt.place == "" {
			if r, refused := gate.IsRefusal(err); !refused || r.Line == 0 {
				t.Errorf("%s: %v", tt.file, err)
			}
			continue
		}
		var invalid *gate.Invalid
		if !errors.As(err, &invalid) {
			t.Errorf("%s: %v", tt.file, err)
			continue
		}
		f := invalid.Findings[0]
		if f.Line == 0 || tt.line > 0 && f.Line != tt.line || !strings.Contains(f.Path+f.Pointer, tt.place) || f.De == "" {
			t.Errorf("%s: %+v", tt.file, f)
		}
	}
	there, err := fs.Glob(routes.FS, "*/examples/abgelehnt/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range there {
		if !slices.Contains(files, f) {
			t.Errorf("%s is not tested", f)
		}
	}
}
