package config_test

import (
	"bytes"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors/all"
	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
	"stellwerk/mappings"
	"stellwerk/routes"
)

const musterstadt = "../../testdata/musterstadt"

func sample(t *testing.T) *config.Snapshot {
	t.Helper()
	snap, found := config.Load(config.Source{
		Dir: musterstadt, Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds(), Now: func() time.Time { return now },
	})
	if len(found) > 0 {
		t.Fatal(lines(found))
	}
	return snap
}

// The sample folder has no fault, and what its README says about keys is true.
func TestMusterstadt(t *testing.T) {
	snap := sample(t)
	readme, err := os.ReadFile(filepath.Join(musterstadt, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	portals, operators := 0, 0
	for _, word := range strings.FieldsFunc(string(readme), func(r rune) bool { return r == '`' }) {
		switch {
		case strings.HasPrefix(word, "swp_"):
			if _, ok := snap.PortalByKey(word, now); !ok {
				t.Errorf("%s opens nothing", word)
			}
			portals++
		case strings.HasPrefix(word, "swo_"):
			if _, ok := snap.OperatorByKey(word, now); !ok {
				t.Errorf("%s opens nothing", word)
			}
			operators++
		}
	}
	if portals != len(snap.Portals) || operators != len(snap.Operators) {
		t.Errorf("the README has %d portal keys and %d operator keys", portals, operators)
	}
	e, err := snap.Explain("05999040", "hundeanmeldung")
	if err != nil {
		t.Fatal(err)
	}
	if len(e.Deliveries) != 5 || e.Deliveries[1].Mapping != "mappings/hundeanmeldung/finance.yaml" || e.Ordinances["hundesteuer"] == "" ||
		strings.Join(e.Portals, " ") != "buergerportal buergertheke" {
		t.Errorf("%+v", e)
	}
	if _, err := snap.Explain("05999040", "hundeanmeldng"); err == nil || err.Error() != "Stadt Musterstadt does not offer hundeanmeldng (did you mean hundeanmeldung?)" {
		t.Error(err)
	}
	if _, err := snap.Explain("05999041", "hundeanmeldung"); err == nil || err.Error() != "05999041 is not a municipality here (did you mean 05999040?)" {
		t.Error(err)
	}
}

// Every shipped mapping has tests, and they hold. With -update the documents are
// written as they are rendered now, to be read before they are committed.
func TestShippedMappings(t *testing.T) {
	snap := sample(t)
	for _, file := range snap.MappingFiles() {
		results := snap.TestMappings(file)
		if len(results) == 0 {
			t.Errorf("%s has no test", file)
		}
		for _, r := range results {
			if *update && r.Expect != "" && r.Got != nil {
				to := filepath.Join("../../mappings", r.Expect)
				if old, err := os.ReadFile(to); err != nil || !bytes.Equal(old, r.Got) {
					if err := os.WriteFile(to, r.Got, 0o644); err != nil {
						t.Fatal(err)
					}
				}
				continue
			}
			if !r.OK {
				t.Errorf("%s:%d: %s: %s\n%s", r.Mapping, r.Line, r.Name, r.Message, r.Diff)
			}
		}
	}
}

// A mapping says of every leaf that the examples have what becomes of it.
func TestShippedMappingsForgetNothing(t *testing.T) {
	snap := sample(t)
	leaves := map[string][]string{}
	for service, r := range snap.Routes {
		for _, e := range r.Examples {
			if e.Format != "xml" {
				continue
			}
			root, err := mapping.ParseInput(e.Path, e.Body)
			if err != nil {
				t.Fatal(err)
			}
			leaves[service] = append(leaves[service], mapping.LeafPaths(root)...)
		}
		slices.Sort(leaves[service])
		leaves[service] = slices.Compact(leaves[service])
	}
	for _, file := range snap.MappingFiles() {
		m, found := snap.Mapping(file)
		if m == nil {
			t.Fatal(lines(found))
		}
		report := m.Coverage(leaves[path.Dir(file)])
		if len(report.Unreported) > 0 {
			t.Errorf("%s forgets %v", file, report.Unreported)
		}
		if len(report.Unfilled) > 0 {
			t.Errorf("%s leaves %v of its layout empty", file, report.Unfilled)
		}
	}
}

// Two tenants of one folder have the same service by other means.
func TestSampleTenantsDiffer(t *testing.T) {
	snap := sample(t)
	at := map[string]string{}
	for _, ags := range []string{"05999040", "05999012"} {
		b, ok := snap.Binding(ags, "hundeanmeldung")
		if !ok {
			t.Fatalf("%s does not offer it", ags)
		}
		at[ags] = b.Deliveries[1].System.Kind + " " + b.Deliveries[1].Mapping.Path
	}
	if at["05999040"] != "rest hundeanmeldung/finance.yaml" || at["05999012"] != "folder hundeanmeldung/infoma.yaml" {
		t.Errorf("%v", at)
	}
}
