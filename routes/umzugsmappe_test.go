package routes_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/expr-lang/expr"
	"go.yaml.in/yaml/v4"
)

// bundle is the form of a folder of several submissions.
type bundle struct {
	Bundle      string `yaml:"bundle"`
	Revision    int    `yaml:"revision"`
	Title       string `yaml:"title"`
	Description string `yaml:"description"`
	Questions   []struct {
		ID      string `yaml:"id"`
		Text    string `yaml:"text"`
		Type    string `yaml:"type"`
		When    string `yaml:"when"`
		Options []struct {
			Value string `yaml:"value"`
			Text  string `yaml:"text"`
		} `yaml:"options"`
	} `yaml:"questions"`
	Parts []struct {
		ID           string `yaml:"id"`
		Service      string `yaml:"service"`
		Municipality string `yaml:"municipality"`
		When         string `yaml:"when"`
		Hint         string `yaml:"hint"`
	} `yaml:"parts"`
}

// blank are the answers of somebody who has not answered yet.
func (b *bundle) blank() map[string]any {
	out := map[string]any{}
	for _, q := range b.Questions {
		if out[q.ID] = ""; q.Type == "yes-no" {
			out[q.ID] = false
		}
	}
	return out
}

// applies evaluates a condition over the answers.
func applies(t *testing.T, condition string, answers map[string]any) bool {
	t.Helper()
	program, err := expr.Compile(condition, expr.Env(answers), expr.AsBool())
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	yes, err := expr.Run(program, answers)
	if err != nil {
		t.Fatalf("%s: %v", condition, err)
	}
	return yes.(bool)
}

func readBundle(t *testing.T) *bundle {
	t.Helper()
	f, err := os.Open("umzugsmappe.yaml")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b bundle
	d := yaml.NewDecoder(f)
	d.KnownFields(true)
	if err := d.Decode(&b); err != nil {
		t.Fatal(err)
	}
	return &b
}

// The Umzugsmappe asks what can be answered and offers services that there are.
func TestUmzugsmappe(t *testing.T) {
	b := readBundle(t)
	all := services(t)
	name := regexp.MustCompile(`^[A-Za-z][A-Za-z0-9]*$`)
	if b.Bundle != "umzugsmappe" || b.Revision < 1 || b.Title == "" || b.Description == "" {
		t.Errorf("%q revision %d %q", b.Bundle, b.Revision, b.Title)
	}
	asked := map[string]any{}
	for _, q := range b.Questions {
		if !name.MatchString(q.ID) || asked[q.ID] != nil || q.Text == "" {
			t.Errorf("question %q", q.ID)
		}
		if q.When != "" {
			applies(t, q.When, asked) // over the questions before it
		}
		switch {
		case q.Type == "yes-no" && len(q.Options) == 0:
			asked[q.ID] = false
		case q.Type == "choice" && len(q.Options) > 1:
			asked[q.ID] = ""
		default:
			t.Errorf("question %s: type %q with %d options", q.ID, q.Type, len(q.Options))
		}
	}
	var ids []string
	for _, p := range b.Parts {
		if all[p.Service] == nil || p.Hint == "" || slices.Contains(ids, p.ID) || p.Municipality != "old" && p.Municipality != "new" {
			t.Errorf("part %+v", p)
		}
		ids = append(ids, p.ID)
		if applies(t, p.When, b.blank()) && p.Service != "" {
			t.Errorf("part %s applies before anything is answered", p.ID)
		}
	}
}

// Whose list holds what: every part is in somebody's, and nobody's holds too much.
func TestUmzugsmappeLists(t *testing.T) {
	b := readBundle(t)
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
		{"has everything", map[string]any{"ziel": "anderswo", "hund": "mit", "altEigen": true, "neuEigen": true, "reiten": true},
			"hund-abmelden hund-anmelden tonnen-abmelden tonnen-anmelden reiten"},
	}
	for _, tt := range tests {
		answers := b.blank()
		for id, a := range tt.answers {
			if _, there := answers[id]; !there {
				t.Fatalf("%s is not asked", id)
			}
			answers[id] = a
		}
		var list []string
		for _, p := range b.Parts {
			if applies(t, p.When, answers) {
				list = append(list, p.ID)
			}
		}
		if got := strings.Join(list, " "); got != tt.want {
			t.Errorf("who %s gets %q, not %q", tt.who, got, tt.want)
		}
	}
}
