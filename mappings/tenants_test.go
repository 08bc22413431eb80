package mappings_test

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"stellwerk/connectors/all"
	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/mappings"
	"stellwerk/routes"
)

func load(t *testing.T, dir string) *config.Snapshot {
	t.Helper()
	snap, found := config.Load(config.Source{Dir: dir, Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds()})
	for _, f := range found {
		t.Errorf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
	}
	if snap == nil {
		t.FailNow()
	}
	return snap
}

// deliver plans an example in a municipality and renders what would leave, by role. A
// mapping that waits for a person gives the place it waits at, after "held: ".
func deliver(t *testing.T, snap *config.Snapshot, ags, service, example string) map[string]string {
	t.Helper()
	b, ok := snap.Binding(ags, service)
	if !ok {
		t.Fatalf("%s does not offer %s", ags, service)
	}
	return deliverBy(t, b, service, example)
}

func deliverBy(t *testing.T, b *config.Binding, service, example string) map[string]string {
	t.Helper()
	for _, e := range b.Route.Examples {
		if e.Name != example {
			continue
		}
		tree, err := gate.Tree(context.Background(), e.Body, "application/"+e.Format, gate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		return leave(t, b, service, tree.Root())
	}
	t.Fatalf("%s has no example %s", service, example)
	return nil
}

// leave plans a payload and renders what would leave, by role.
func leave(t *testing.T, b *config.Binding, service string, root *etree.Element) map[string]string {
	t.Helper()
	env := mapping.SampleEnv()
	env.Submission.Service = service
	env.Meta.Mailbox = ""
	env.Municipality = mapping.Municipality{AGS: b.Competent.AGS, Name: b.Competent.Name}
	env.Ordinances = b.Competent.Ordinances
	due, err := b.Route.Plan(root, env)
	if err != nil {
		t.Fatalf("%s: %v", service, err)
	}
	out := map[string]string{}
	for _, i := range due {
		d := b.Deliveries[i]
		if d.System == nil {
			continue
		}
		doc, err := d.Mapping.Apply(root, env)
		var hold *mapping.Hold
		switch {
		case errors.As(err, &hold):
			out[d.Route.To] = "held: " + hold.Field
		case err != nil:
			t.Fatal(err)
		default:
			out[d.Route.To] = string(doc.Body)
		}
	}
	return out
}

// Every service runs for every tenant by its own law and into its own formats; what
// differs is in the folders alone.
func TestTenants(t *testing.T) {
	tests := []struct {
		dir, ags, service, example string
		roles                      string            // who gets something, sorted
		has                        map[string]string // by role: part of what they get
	}{
		{"soest", "05974040", "hundeanmeldung", "labrador", "citizen-mail finance payment public-order records", map[string]string{"finance": "N00000008580", "payment": `"grosAmount": 25.00`}},
		{"soest", "05962024", "hundeanmeldung", "labrador", "finance public-order records", map[string]string{"finance": `"jahresbetrag": "114.00"`}},
		{"fourth", "05998016", "hundeanmeldung", "labrador", "finance public-order records", map[string]string{"finance": "<b:cent>6650</b:cent>"}},
		// Three in a household: in Soest each costs the third rate, in Wiesenbrück the second and the third do.
		{"soest", "05974040", "hundeanmeldung", "zwei-hunde", "finance payment public-order records", map[string]string{"finance": "V9000002000000000023760"}},
		{"soest", "05962024", "hundeanmeldung", "zwei-hunde", "finance public-order records", map[string]string{"finance": `"jahresbetrag": "312.00"`}},
		{"fourth", "05998016", "hundeanmeldung", "zwei-hunde", "finance public-order records", map[string]string{"finance": "<b:cent>12700</b:cent>"}},
		{"soest", "05974040", "hundeanmeldung", "dackel", "finance records", nil}, // nothing to notify, nothing to pay
		{"soest", "05974040", "hundemarke", "zwei", "citizen-mail payment records", map[string]string{"payment": `"grosAmount": 10.00`}},
		// A dog's tax ends with the month in Soest and Iserlohn, with the day in Wiesenbrück. The fortnight in which Soest
		// wants to know ended on the First of May, and so on the Monday after, the day of receipt (AO § 108 Abs. 3).
		{"soest", "05974040", "hundeabmeldung", "verstorben", "citizen-mail finance public-order records", map[string]string{"finance": "20260501", "citizen-mail": "Stadt Soest"}},
		{"soest", "05962024", "hundeabmeldung", "verstorben", "finance public-order records", map[string]string{"finance": `"ende": "2026-04-30"`}},
		{"fourth", "05998016", "hundeabmeldung", "verstorben", "finance public-order records", map[string]string{"finance": "<b:bis>2026-04-17</b:bis>"}},
		{"soest", "05974040", "hundeabmeldung", "weggezogen", "citizen-mail finance public-order records", nil},
		{"soest", "05974040", "hundeabmeldung", "jahreswechsel", "citizen-mail finance records", nil},
		// Ordered in the city's portal, decided by its waste company: its own key stands in what it gets.
		{"soest", "05974040", "abfallbehaelter-anmeldung", "neubau", "citizen-mail finance records waste", map[string]string{"waste": ";80;", "finance": `"mandant": "05974940"`, "citizen-mail": "Kommunale Betriebe Soest"}},
		{"soest", "05974040", "abfallbehaelter-anmeldung", "eigenkompostierung", "citizen-mail finance records waste", map[string]string{"finance": `"jahresbetrag": "85.20"`}},
		{"soest", "05974040", "abfallbehaelter-anmeldung", "groessenwechsel", "citizen-mail finance records waste", map[string]string{"finance": `"beginn": "2026-11-01"`}},
		// Iserlohn has no bin of 80 litres, and wants half as much again for each person.
		{"soest", "05962024", "abfallbehaelter-anmeldung", "neubau", "finance records waste", map[string]string{"waste": "held: grundstueck.restvolumen", "finance": "held: jahresbetrag"}},
		{"soest", "05962024", "abfallbehaelter-anmeldung", "groessenwechsel", "finance records waste", map[string]string{"waste": "held: grundstueck.restvolumen", "finance": `"beginn": "2026-10-01"`}},
		{"fourth", "05998016", "abfallbehaelter-anmeldung", "neubau", "finance records waste", map[string]string{"waste": "Restabfall\t80\t1", "finance": "<b:cent>7777</b:cent>"}},
		{"fourth", "05998016", "abfallbehaelter-abmeldung", "verkauf", "finance records waste", map[string]string{"waste": "B-120-30012 B-120-30013", "finance": "<b:bis>2026-06-30</b:bis>"}},
		{"fourth", "05998016", "hundemarke", "zwei", "payment records", map[string]string{"payment": `"grosAmount": 15.00`}},
		{"soest", "05974040", "abfallbehaelter-abmeldung", "verkauf", "citizen-mail finance records waste", map[string]string{"waste": "R-080-30011", "finance": `"minderung-im-jahr": "57.33"`}},
		{"soest", "05962024", "abfallbehaelter-abmeldung", "umzug", "finance records waste", map[string]string{"waste": `"grund": "UMZUG"`, "finance": "held: "}},
		{"soest", "05974040", "abfallbehaelter-abmeldung", "zu-viel", "citizen-mail finance records waste", map[string]string{"finance": `"ende": "2026-12-31"`}},
	}
	snaps := map[string]*config.Snapshot{"soest": load(t, "../testdata/soest"), "fourth": load(t, "../testdata/fourth")}
	for _, tt := range tests {
		t.Run(tt.dir+" "+tt.ags+" "+tt.service+" "+tt.example, func(t *testing.T) {
			got := deliver(t, snaps[tt.dir], tt.ags, tt.service, tt.example)
			var roles []string
			for role := range got {
				roles = append(roles, role)
			}
			slices.Sort(roles)
			if strings.Join(roles, " ") != tt.roles {
				t.Errorf("%v get something, not %s", roles, tt.roles)
			}
			for role, doc := range got {
				want, told := tt.has[role]
				if !strings.Contains(doc, want) || !told && strings.HasPrefix(doc, "held: ") {
					t.Errorf("%s gets %s\nwithout %s", role, doc, want)
				}
			}
		})
	}
}

// A riding plate is decided by the Kreis of the main residence, wherever it is ordered and
// wherever the stable is; nobody pays for what the Kreis cannot decide.
func TestReitkennzeichenOfTheKreis(t *testing.T) {
	snap := load(t, "../testdata/soest")
	b, ok := snap.Binding("05974040", "reitkennzeichen")
	if !ok || b.Competent.AGS != "05974" {
		t.Fatalf("%+v", b)
	}
	file, err := routes.FS.ReadFile("reitkennzeichen/examples/stall-anderswo.xml")
	if err != nil {
		t.Fatal(err)
	}
	for home, want := range map[string]string{"05974040": "", "05974008": "", "05962024": "grosAmount", "05999040": "grosAmount"} {
		body := []byte(strings.Replace(string(file), "05999040</r:gemeinde>", home+"</r:gemeinde>", 1))
		tree, err := gate.Tree(context.Background(), body, "application/xml", gate.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		env := mapping.SampleEnv()
		env.Municipality = mapping.Municipality{AGS: b.Competent.AGS, Name: b.Competent.Name}
		env.Ordinances = b.Competent.Ordinances
		for i := range b.Deliveries {
			d := &b.Deliveries[i]
			if d.Route.To != "payment" {
				continue
			}
			doc, err := d.Mapping.Apply(tree.Root(), env)
			var hold *mapping.Hold
			switch {
			case errors.As(err, &hold):
				if hold.Field != want {
					t.Errorf("who lives in %s is held at %s: %v", home, hold.Field, err)
				}
			case want != "":
				t.Errorf("who lives in %s pays:\n%s", home, doc.Body)
			case !strings.Contains(string(doc.Body), `"grosAmount": 179.00`):
				t.Errorf("two plates of a riding school cost:\n%s", doc.Body)
			}
		}
	}
}

// To the schemas <gross> true </gross> is true. So it is to routes and mappings: white space
// around values changes neither who is served nor what they get.
func TestWhiteSpaceAroundValues(t *testing.T) {
	for dir, ags := range map[string]string{"soest": "05974040", "fourth": "05998016", "musterstadt": "05999040"} {
		snap := load(t, "../testdata/"+dir)
		for _, service := range []string{"hundeanmeldung", "hundeabmeldung", "hundemarke", "abfallbehaelter-anmeldung", "abfallbehaelter-abmeldung", "reitkennzeichen"} {
			b, ok := snap.Binding(ags, service)
			if !ok {
				continue
			}
			for _, e := range b.Route.Examples {
				if e.Format != "xml" {
					continue
				}
				tree, err := gate.Tree(context.Background(), e.Body, "application/xml", gate.Limits{})
				if err != nil {
					t.Fatal(err)
				}
				want := leave(t, b, service, tree.Root())
				for _, v := range tree.FindElements("//*") {
					if len(v.ChildElements()) == 0 {
						v.SetText("\n  " + v.Text() + " ")
					}
				}
				body, err := tree.WriteToBytes()
				if err != nil {
					t.Fatal(err)
				}
				in, _ := b.Route.Input("xml", time.Now())
				if _, err := gate.Check(context.Background(), body, "application/xml", gate.Options{Schema: in.Schema}); err != nil {
					t.Fatalf("%s %s: %v", service, e.Name, err)
				}
				got := leave(t, b, service, tree.Root())
				for role := range want {
					if got[role] != want[role] {
						t.Errorf("%s %s %s: %s gets %s\nwant %s", dir, service, e.Name, role, got[role], want[role])
					}
				}
				if len(got) != len(want) {
					t.Errorf("%s %s %s: %d get something, not %d", dir, service, e.Name, len(got), len(want))
				}
			}
		}
	}
}

// However a schema lets a number or a day be written, it is that number and that day.
func TestNumbersAsSchemasHaveThem(t *testing.T) {
	for dir, ags := range map[string]string{"soest": "05974040", "musterstadt": "05999040", "fourth": "05998016"} {
		snap := load(t, "../testdata/"+dir)
		for service, r := range snap.Routes {
			b, ok := snap.Binding(ags, service)
			if !ok {
				continue
			}
			for _, e := range r.Examples {
				in, _ := b.Route.Input(e.Format, time.Now())
				tree := func(body []byte) *etree.Element {
					doc, err := gate.Tree(context.Background(), body, "application/"+e.Format, gate.Limits{})
					if err != nil {
						t.Fatal(err)
					}
					return doc.Root()
				}
				want := leave(t, b, service, tree(e.Body))
				for was, now := range spellings[e.Format] {
					body := was.ReplaceAll(e.Body, []byte(now))
					if _, err := gate.Check(context.Background(), body, "application/"+e.Format, gate.Options{Schema: in.Schema}); err != nil {
						t.Fatalf("%s as %s: %v", e.Path, now, err)
					}
					if got := leave(t, b, service, tree(body)); !maps.Equal(got, want) {
						t.Errorf("%s %s as %s: %v\nwant %v", dir, e.Path, now, got, want)
					}
				}
			}
		}
	}
}

// spellings are what the schemas allow for whole numbers, for weights and for days.
var spellings = map[string]map[*regexp.Regexp]string{
	"xml": {
		regexp.MustCompile(`(:(?:hunde|gefaehrlich|anzahl|personen|flaeche|schulterhoehe)>)([0-9])`): "$1+0$2",
		regexp.MustCompile(`(:gewicht>)([0-9.]+)`):                                                   "$1+0$2",
		regexp.MustCompile(`(:gewicht>[0-9]+)(</)`):                                                  "$1.$2",
		regexp.MustCompile(`(:(?:hunde|anzahl|personen|flaeche|schulterhoehe)>)([0-9])`):             "$1+$2",
		regexp.MustCompile(`(>[0-9]{4}-[0-9]{2}-[0-9]{2})(</)`):                                      "$1+02:00$2",
	},
	"json": {
		regexp.MustCompile(`("(?:hunde|gefaehrlich|anzahl|personen|flaeche|schulterhoehe)": [0-9]+)`): "$1.0",
		regexp.MustCompile(`("(?:hunde|gefaehrlich|anzahl|personen|flaeche|gewicht)": [0-9.]+)`):      "${1}e0",
	},
}

// What the READMEs of the folders say about keys is true, and no key is left untold.
func TestKeysOfTheFolders(t *testing.T) {
	for _, dir := range []string{"soest", "fourth"} {
		snap := load(t, "../testdata/"+dir)
		readme, err := os.ReadFile("../testdata/" + dir + "/README.md")
		if err != nil {
			t.Fatal(err)
		}
		now := mapping.SampleEnv().Submission.ReceivedAt
		told := 0
		for _, word := range strings.FieldsFunc(string(readme), func(r rune) bool { return r == '`' }) {
			switch {
			case strings.HasPrefix(word, "swp_"):
				if _, ok := snap.PortalByKey(word, now); !ok {
					t.Errorf("%s: %s opens nothing", dir, word)
				}
				told++
			case strings.HasPrefix(word, "swo_"):
				if _, ok := snap.OperatorByKey(word, now); !ok {
					t.Errorf("%s: %s opens nothing", dir, word)
				}
				told++
			}
		}
		if told != len(snap.Portals)+len(snap.Operators) {
			t.Errorf("%s: the README tells %d keys", dir, told)
		}
	}
}

// The fourth municipality's own mappings hold what their tests say and forget nothing.
func TestOwnMappings(t *testing.T) {
	snap := load(t, "../testdata/fourth")
	own := 0
	for _, file := range snap.MappingFiles() {
		if _, err := os.Stat("../testdata/fourth/mappings/" + file); err != nil {
			continue
		}
		own++
		results := snap.TestMappings(file)
		if len(results) == 0 {
			t.Errorf("%s has no test", file)
		}
		for _, r := range results {
			if !r.OK {
				t.Errorf("%s\n%s", r.Message, r.Diff)
			}
		}
		m, found := snap.Mapping(file)
		if m == nil {
			t.Fatal(found)
		}
		service, _, _ := strings.Cut(file, "/")
		var leaves []string
		for _, e := range snap.Routes[service].Examples {
			tree, err := gate.Tree(context.Background(), e.Body, "application/"+e.Format, gate.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if e.Format == "xml" {
				leaves = append(leaves, mapping.LeafPaths(tree.Root())...)
			}
		}
		slices.Sort(leaves)
		if r := m.Coverage(slices.Compact(leaves)); len(r.Unreported) > 0 {
			t.Errorf("%s forgets %v", file, r.Unreported)
		}
	}
	if own != 6 {
		t.Errorf("%d mappings are the folder's own", own)
	}
}

// Who fills in a form by its schema reads which codes there are: what a description
// says of a list are all of its codes, in its order.
func TestSchemasNameTheCodes(t *testing.T) {
	snap := load(t, "../testdata/musterstadt")
	named := regexp.MustCompile(`"description": "(?:Liter: )?([^";]*); aus der Liste urn:stellwerk:codeliste:([a-z-]+)\."`)
	found := 0
	for service := range snap.Routes {
		schema, err := routes.FS.ReadFile(service + "/" + service + ".schema.json")
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range named.FindAllStringSubmatch(string(schema), -1) {
			file := "codelists/" + m[2] + ".yaml"
			if _, err := fs.Stat(mappings.FS, file); err != nil {
				file = "codelists/" + m[2] + ".xml"
			}
			list, findings := mapping.LoadCodeList(mappings.FS, file)
			if list == nil {
				t.Fatal(findings)
			}
			if got := strings.ReplaceAll(m[1], " oder ", ", "); got != strings.Join(list.Keys(), ", ") {
				t.Errorf("%s says %s of %s, which has %v", service, got, m[2], list.Keys())
			}
			found++
		}
	}
	if found < 9 {
		t.Errorf("%d lists are named", found)
	}
}
