package route_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
	"stellwerk/mappings"
	"stellwerk/routes"
)

func hundeanmeldung(t testing.TB) *route.Route {
	t.Helper()
	r, found := route.Load(routes.FS, "hundeanmeldung", mapping.Files{FS: mappings.FS})
	if len(found) > 0 {
		t.Fatal(found)
	}
	return r
}

func tree(t testing.TB, text string) *etree.Element {
	t.Helper()
	doc := etree.NewDocument()
	if err := doc.ReadFromString(text); err != nil {
		t.Fatal(err)
	}
	return doc.Root()
}

func example(t testing.TB, r *route.Route, name string) *etree.Element {
	t.Helper()
	for _, e := range r.Examples {
		if e.Name == name && e.Format == "xml" {
			return tree(t, string(e.Body))
		}
	}
	t.Fatalf("there is no example %s", name)
	return nil
}

// dog is a submission with as many dogs as arguments: breed, height, weight.
func dogs(of ...string) string {
	var b strings.Builder
	b.WriteString("<m>")
	for _, d := range of {
		f := strings.Fields(d)
		b.WriteString("<hund><rasse><code>" + f[0] + "</code></rasse><schulterhoehe>" + f[1] + "</schulterhoehe><gewicht>" + f[2] + "</gewicht></hund>")
	}
	return b.String() + "</m>"
}

func TestPlan(t *testing.T) {
	r := hundeanmeldung(t)
	always := []string{"records", "finance"}
	withOffice := []string{"records", "finance", "public-order"}
	for _, test := range []struct {
		name, text string
		want       []string
	}{
		{"small", dogs("dackel 24 8.4"), always},
		{"just below both limits", dogs("dackel 39 19.9"), always},
		{"40 cm is large", dogs("dackel 40 5"), withOffice},
		{"20 kg is large", dogs("dackel 30 20"), withOffice},
		{"20.0 kg too", dogs("dackel 30 20.0"), withOffice},
		{"listed and small", dogs("bullterrier 35 15"), withOffice},
		{"listed by § 10", dogs("alano 35 15"), withOffice},
		{"one of two is enough", dogs("dackel 24 8", "labrador-retriever 57 30"), withOffice},
		{"two small ones", dogs("dackel 24 8", "malteser 22 4"), always},
		{"found dangerous in its own case", "<m><hund><rasse><code>dackel</code></rasse><gefaehrlich>true</gefaehrlich><schulterhoehe>24</schulterhoehe><gewicht>8</gewicht></hund></m>", withOffice},
		{"cross of a listed breed", "<m><hund><rasse><code>mischling</code></rasse><kreuzung><rasse><code>tosa-inu</code></rasse></kreuzung><schulterhoehe>24</schulterhoehe><gewicht>8</gewicht></hund></m>", withOffice},
		{"prefixes do not matter", `<x:m xmlns:x="urn:stellwerk:hundeanmeldung:1"><x:hund><x:rasse><code>bullterrier</code></x:rasse><x:schulterhoehe>35</x:schulterhoehe><x:gewicht>9</x:gewicht></x:hund></x:m>`, withOffice},
		{"no dog at all", "<m/>", always},
	} {
		t.Run(test.name, func(t *testing.T) {
			due, err := r.Plan(tree(t, test.text), &mapping.Env{})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, i := range due {
				got = append(got, r.Deliveries[i].To)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// Whoever has a mailbox is told there, whoever has an address only by mail, nobody twice.
func TestPlanTellsTheCitizenOnce(t *testing.T) {
	r := hundeanmeldung(t)
	for _, test := range []struct {
		mailbox, halter, want string
	}{
		{"", "", "records finance"},
		{"mbx-1", "", "records finance citizen"},
		{"mbx-1", "<halter><email>a@example.org</email></halter>", "records finance citizen"},
		{"", "<halter><email>a@example.org</email></halter>", "records finance citizen-mail"},
	} {
		due, err := r.Plan(tree(t, "<m><hund/>"+test.halter+"</m>"), &mapping.Env{Meta: mapping.Meta{Mailbox: test.mailbox}})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, i := range due {
			got = append(got, r.Deliveries[i].To)
		}
		if strings.Join(got, " ") != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// What cannot be decided waits for a person; nobody is left out in silence.
func TestPlanHolds(t *testing.T) {
	r := hundeanmeldung(t)
	_, err := r.Plan(tree(t, dogs("dackel groß 8")), &mapping.Env{})
	var hold *mapping.Hold
	if !errors.As(err, &hold) || hold.Code != mapping.CodeNotANumber {
		t.Errorf("a height that is no number: %v", err)
	}
}

func TestKeys(t *testing.T) {
	r := hundeanmeldung(t)
	got := r.KeyValues(example(t, r, "zwei-hunde"))
	want := map[string][]string{"chip": {"276098100000041"}, "kontoinhaber": {"Jörg Beispiel"}, "name": {"Beispiel"}, "reference": {"BP-2026-004714"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	two := tree(t, "<m><hund><chip> 1 </chip></hund><hund><chip/></hund><hund><chip>2</chip></hund><chip>3</chip></m>")
	if got := r.KeyValues(two)["chip"]; !slices.Equal(got, []string{"1", "2"}) {
		t.Errorf("chips %v", got)
	}
	if got := r.OrderValue(two); got != "1" {
		t.Errorf("order %q", got)
	}
	if got := r.OrderValue(tree(t, "<m/>")); got != "" {
		t.Errorf("order of nothing %q", got)
	}
}

func TestInputs(t *testing.T) {
	text := `service: s
revision: 1
title: S
consent: not-needed
inputs:
  - {json: a.json, until: 2026-07-01}
  - {json: a.json, version: "2", from: 2026-06-01, until: 2027-04-01}
  - {json: a.json, version: "3", from: 2027-01-01}
deliveries: [{to: records}]
`
	r, found := route.Load(fstest.MapFS{"s/route.yaml": {Data: []byte(text)}, "s/a.json": {Data: []byte(`{"type": "object"}`)}}, "s", mapping.Files{})
	if len(found) > 0 {
		t.Fatal(found)
	}
	if r.ConsentRequired {
		t.Error("consent is required")
	}
	for _, test := range []struct{ at, newest, all string }{
		{"2026-05-31T23:59:59+02:00", "1", "1"},
		{"2026-06-01T00:00:00+02:00", "2", "1 2"},
		{"2026-06-30T23:59:59+02:00", "2", "1 2"},
		{"2026-07-01T00:00:00+02:00", "2", "2"},
		{"2027-01-01T00:00:00+01:00", "3", "2 3"},
	} {
		at, err := time.Parse(time.RFC3339, test.at)
		if err != nil {
			t.Fatal(err)
		}
		in, ok := r.Input("json", at)
		if !ok || in.Version != test.newest {
			t.Errorf("%s: newest %+v, want %s", test.at, in, test.newest)
		}
		var all []string
		for _, v := range []string{"1", "2", "3"} {
			if in, ok := r.Version("json", v, at); ok && in.Version == v && in.Schema != nil {
				all = append(all, v)
			}
		}
		if got := strings.Join(all, " "); got != test.all {
			t.Errorf("%s: taken are %s, want %s", test.at, got, test.all)
		}
		if in, ok := r.Input("xml", at); ok {
			t.Errorf("xml is taken: %+v", in)
		}
	}
}

// Both formats of an example lead to the same plan and the same keys.
func TestFormatsAgree(t *testing.T) {
	r := hundeanmeldung(t)
	byName := map[string][]route.Example{}
	for _, e := range r.Examples {
		byName[e.Name] = append(byName[e.Name], e)
	}
	pairs := 0
	for name, both := range byName {
		if len(both) != 2 {
			continue
		}
		pairs++
		var keys []map[string][]string
		for _, e := range both {
			root, err := mapping.ParseInput(e.Path, e.Body)
			if err != nil {
				t.Fatal(err)
			}
			keys = append(keys, r.KeyValues(root))
		}
		if diff := cmp.Diff(keys[0], keys[1]); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if pairs == 0 {
		t.Error("no example is there in both formats")
	}
}

func TestFiles(t *testing.T) {
	r := hundeanmeldung(t)
	for _, want := range []string{"hundeanmeldung/route.yaml", "hundeanmeldung/hundeanmeldung.xsd", "hundeanmeldung/examples/labrador.json"} {
		if !slices.Contains(r.Files(), want) {
			t.Errorf("%s is not among %v", want, r.Files())
		}
	}
}

func BenchmarkPlan(b *testing.B) {
	r := hundeanmeldung(b)
	root := example(b, r, "labrador")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Plan(root, &mapping.Env{}); err != nil {
			b.Fatal(err)
		}
	}
}

// What can go wrong with versions that follow each other.
func TestWindows(t *testing.T) {
	for _, test := range []struct{ name, inputs, want string }{
		{"one without dates", `[{json: a.json}]`, ""},
		{"a day of both", `[{json: a.json, until: 2026-07-02}, {json: b.json, version: "2", from: 2026-07-01}]`, ""},
		{"one follows the other", `[{json: a.json, until: 2026-07-01}, {json: b.json, version: "2", from: 2026-07-01}]`, ""},
		{"in any order", `[{json: b.json, version: "2", from: 2026-07-01}, {json: a.json, until: 2026-07-01}]`, ""},
		{"formats have their own windows", `[{json: a.json}, {xml: a.xsd, from: 2026-07-01, until: 2026-08-01}]`, ""},
		{"gap", `[{json: a.json, until: 2026-07-01}, {json: b.json, version: "2", from: 2026-08-01}]`,
			"s/route.yaml:5:80: warning: json: nothing is taken from 2026-07-01 to 2026-08-01 (let one version end where the next begins, or later)"},
		{"gap behind a long one", `[{json: a.json, until: 2026-09-01}, {json: b.json, version: "2", from: 2026-02-01, until: 2026-03-01}, {json: c.json, version: "3", from: 2026-08-01}]`, ""},
		{"without end beside the newer", `[{json: a.json}, {json: b.json, version: "2", from: 2026-08-01}]`,
			"s/route.yaml:5:10: warning: json 1 is taken beside 2 without end (give it an until)"},
		{"no newer one", `[{json: a.json}, {json: b.json, version: "2"}]`,
			"s/route.yaml:5:26: json 1 and 2 begin at the same time: nothing says which one is the newer (give the newer one a from)"},
		{"the end of all", `[{json: a.json, until: 2026-07-01}, {xml: a.xsd, until: 2026-06-01}]`,
			"s/route.yaml:5:32: warning: from 2026-07-01 on the service is taken in no form (add the version that follows)"},
		{"one name for two files", `[{json: a.json, until: 2026-07-01}, {json: neu/a.json, version: "2", from: 2026-07-01}]`,
			"s/route.yaml:5:52: s/a.json and s/neu/a.json have the same file name, by which portals fetch them (rename one)"},
		{"the older one is broken", `[{json: broken.json, until: 2020-01-01}, {json: b.json, version: "2", from: 2020-01-01}]`, "s/broken.json"},
	} {
		t.Run(test.name, func(t *testing.T) {
			text := "service: s\nrevision: 1\ntitle: S\nconsent: not-needed\ninputs: " + test.inputs + "\ndeliveries: [{to: records}]\n"
			schema := &fstest.MapFile{Data: []byte(`{"type": "object"}`)}
			_, found := route.Load(fstest.MapFS{"s/route.yaml": {Data: []byte(text)}, "s/a.json": schema, "s/b.json": schema, "s/c.json": schema, "s/neu/a.json": schema,
				"s/broken.json": {Data: []byte(`{"type": "objekt"}`)},
				"s/a.xsd":       {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="a"/></xs:schema>`)}}, "s", mapping.Files{})
			var got []string
			for _, f := range found {
				got = append(got, f.String())
			}
			if text := strings.Join(got, "\n"); text != test.want && (test.want != "s/broken.json" || !strings.HasPrefix(text, test.want)) {
				t.Errorf("got  %s\nwant %s", text, test.want)
			}
		})
	}
}

// An example is judged by the version it is for, else by the newest.
func TestExamplesHaveVersions(t *testing.T) {
	text := `service: s
revision: 1
title: S
consent: not-needed
inputs: [{json: a.json, until: 2026-07-01}, {json: b.json, version: "2", from: 2026-07-01}]
deliveries: [{to: records}]
examples:
  - {name: alt, version: "1", file: alt.json}
  - {name: neu, file: neu.json}
`
	files := fstest.MapFS{
		"s/route.yaml": {Data: []byte(text)}, "s/alt.json": {Data: []byte(`{"a": 1}`)}, "s/neu.json": {Data: []byte(`{"b": 1}`)},
		"s/a.json": {Data: []byte(`{"required": ["a"]}`)}, "s/b.json": {Data: []byte(`{"required": ["b"]}`)},
	}
	r, found := route.Load(files, "s", mapping.Files{})
	if len(found) > 0 || r.Examples[0].Version != "1" || r.Examples[1].Version != "2" {
		t.Fatal(found)
	}
	files["s/route.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(strings.Replace(text, `version: "1", file`, `version: "7", file`, 1), "neu.json}", "alt.json}", 1))}
	_, found = route.Load(files, "s", mapping.Files{})
	if len(found) != 2 || !strings.Contains(found[0].String()+found[1].String(), "alt: there is no input json 7") || !strings.Contains(found[0].String(), "refuses this example") {
		t.Errorf("got %v", found)
	}
}
