package routes_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"stellwerk/internal/route"
	"stellwerk/routes"
)

func umzugsmappe(t *testing.T) *route.Bundle {
	t.Helper()
	b, found := route.LoadBundle(routes.FS, "umzugsmappe", slices.Collect(maps.Keys(services(t))))
	if len(found) > 0 {
		t.Fatal(found)
	}
	return b
}

// The Umzugsmappe advises on every part, and on none before anything is answered.
func TestUmzugsmappe(t *testing.T) {
	b := umzugsmappe(t)
	if b.Title == "" || b.Description == "" {
		t.Errorf("%q %q", b.Title, b.Description)
	}
	blank, err := b.List(nil)
	if err != nil {
		t.Fatal(err)
	}
	for i, p := range b.Parts {
		if p.Hint == "" {
			t.Errorf("part %s has no hint", p.ID)
		}
		if blank.Applies[i] {
			t.Errorf("part %s applies before anything is answered", p.ID)
		}
	}
}

// Whose list holds what: every part is in somebody's, and nobody's holds too much.
func TestUmzugsmappeLists(t *testing.T) {
	b := umzugsmappe(t)
	tests := []struct {
		who     string
		answers map[string]any
		want    string
	}{
		{"moves next door with a dog", map[string]any{"ziel": "hier", "hund": "mit"}, ""},
		{"moves to another town with a dog", map[string]any{"ziel": "kreis", "hund": "mit"}, "hund-abmelden hund-anmelden"},
		{"gives the dog away", map[string]any{"ziel": "hier", "hund": "abgabe"}, "hund-abmelden"},
		{"sells a house and rents", map[string]any{"ziel": "anderswo", "hund": "nein", "altEigen": true}, "tonnen-abmelden"},
		{"hands a house over as it is", map[string]any{"ziel": "anderswo", "hund": "nein", "altEigen": true, "altTonnen": true}, ""},
		{"builds", map[string]any{"ziel": "hier", "hund": "nein", "neuEigen": true}, "tonnen-anmelden"},
		{"rides, within the Kreis", map[string]any{"ziel": "kreis", "reiten": true}, ""},
		{"moves abroad", map[string]any{"ziel": "ausland", "hund": "mit", "altEigen": true, "neuEigen": true, "reiten": true}, "hund-abmelden tonnen-abmelden"},
		{"has everything", map[string]any{"ziel": "anderswo", "hund": "mit", "altEigen": true, "neuEigen": true, "reiten": true},
			"hund-abmelden hund-anmelden tonnen-abmelden tonnen-anmelden reiten"},
	}
	for _, tt := range tests {
		for id, a := range tt.answers {
			if err := b.Check(id, a); err != nil {
				t.Fatalf("%s: %v", id, err)
			}
		}
		l, err := b.List(tt.answers)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for i, p := range b.Parts {
			if l.Applies[i] {
				list = append(list, p.ID)
			}
		}
		if got := strings.Join(list, " "); got != tt.want {
			t.Errorf("who %s gets %q, not %q", tt.who, got, tt.want)
		}
	}
}
