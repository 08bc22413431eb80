package mapping

import (
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

func storyEnv(t testing.TB, m *Mapping) *Env {
	t.Helper()
	env, err := m.sampleOrdinances(os.DirFS("testdata"), *SampleEnv())
	if err != nil {
		t.Fatal(err)
	}
	return env
}

func TestExplainTellsEveryFieldAndEveryHold(t *testing.T) {
	m := loadStory(t, "hund/veranlagung.yaml")
	env := storyEnv(t, m)
	root := parseDoc(t, `<a><halter><name xmlns="urn:example:hund:1">漢</name></halter><weitere>0</weitere>`+
		`<hund><rasse><code>999</code></rasse><seit>2026-03-17</seit><chip>1</chip></hund><hund><rasse><code>101</code></rasse><seit>x</seit></hund></a>`)
	var got []string
	for _, r := range m.Explain(root, env) {
		s := r.Target + "=" + r.After
		if r.Paragraph != "" {
			s += " " + r.Paragraph
		}
		if r.Hold != nil {
			s += " " + string(r.Hold.Code)
		}
		got = append(got, s)
	}
	want := []string{"person.name= character", "object.breed= unknown-code", "chip= refused", "tax.yearly=100.00 § 2 Abs. 1", "tax.first=75.00 § 2 Abs. 1",
		"tax.from=2026-04-01", "aktenzeichen=", "person.name= character", "object.breed=LAB", "chip=", "tax.yearly= not-a-date", "tax.first= not-a-date", "tax.from= not-a-date",
		"aktenzeichen=", "erstellt=2026-05-04", "gemeinde=05999999"}
	if !slices.Equal(got, want) {
		t.Errorf("explained\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if _, err := m.Apply(root, env); err == nil || err.(*Hold).Field != "person.name" || err.(*Hold).Record != 1 {
		t.Errorf("apply stops at %v", err)
	}
}

func TestCompare(t *testing.T) {
	m := loadStory(t, "hund/veranlagung.yaml")
	env := storyEnv(t, m)
	root, err := m.given(os.DirFS("testdata"), TestOptions{}, m.Tests[0])
	if err != nil {
		t.Fatal(err)
	}
	before := m.Explain(root, env)
	if c := Compare(before, m.Explain(root, env)); len(c) != 0 {
		t.Errorf("nothing changed, but %v", c)
	}
	text, err := os.ReadFile("testdata/ordinances/hundesteuer.yaml")
	if err != nil {
		t.Fatal(err)
	}
	line := "      - {kind: normal, dogs: 2, amount: 108.00, valid-from: 2026-01-01, paragraph: § 2 n.F.}\n      - {kind: listed, amount"
	changed, findings := parseOrdinance("new.yaml", []byte(strings.Replace(string(text), "      - {kind: listed, amount", line, 1)))
	if changed == nil {
		t.Fatal(findings)
	}
	env.Ordinances["hundesteuer"] = changed
	want := []Change{{1, "tax.yearly", "100.00", "108.00", "present", "present"}, {1, "tax.first", "75.00", "81.00", "present", "present"}}
	if got := Compare(before, m.Explain(root, env)); !slices.Equal(got, want) {
		t.Errorf("%v; want %v", got, want)
	}
	delete(env.Ordinances, "hundesteuer")
	if got := Compare(before, m.Explain(root, env)); len(got) != 4 || got[0].NewState != "held:no-rate" {
		t.Errorf("%v", got)
	}
}

func TestCoverage(t *testing.T) {
	m := loadStory(t, "hund/veranlagung.yaml")
	root, err := m.given(os.DirFS("testdata"), TestOptions{}, m.Tests[0])
	if err != nil {
		t.Fatal(err)
	}
	r := m.Coverage(LeafPaths(root))
	check := func(what string, got []string, want string) {
		if g := strings.Join(got, " "); g != want {
			t.Errorf("%s: %s; want %s", what, g, want)
		}
	}
	check("used", r.Used, "/halter/name /halter/vorname /hund/chip /hund/rasse/code /hund/seit /weitere")
	check("unused", r.Unused, "/halter/telefon /zahlung/iban")
	check("unreported", r.Unreported, "/hund/gewicht /hund/name /hund/schulterhoehe")
	check("stale", r.Stale, "")
	check("filled", r.Filled, "aktenzeichen chip erstellt gemeinde object.breed person.name tax.first tax.from tax.yearly")
	check("ordinances", m.Ordinances(), "hundesteuer")
	check("answers", m.Answers(), "records/aktenzeichen")

	x := mustParse(t, "revision: 1\noutput: {format: json}\nfields:\n  a: {from: '//iban'}\n  b: {each: 'h[@art=\"x\"]/k', from: '../@nr'}\n  c: {expr: 'count(\"z/*\") > 1'}\nunused: [/q, /nie, /iban]", nil)
	check("paths", x.InputPaths(), "/**/iban /h/@art /h/@nr /h/k /z/*")
	r = x.Coverage([]string{"/iban", "/a/b/iban", "/h/@art", "/h/@nr", "/h/k", "/z/y", "/q/x/@y", "/rest", "/a/ibanx"})
	check("used", r.Used, "/iban /a/b/iban /h/@art /h/@nr /h/k /z/y")
	check("unused", r.Unused, "/q/x/@y")
	check("unreported", r.Unreported, "/rest /a/ibanx")
	check("stale", r.Stale, "/nie /iban")
}

func TestCheckOrdinance(t *testing.T) {
	m := loadStory(t, "hund/veranlagung.yaml")
	ord, _ := parseOrdinance("o.yaml", []byte(ordText))
	if f := m.CheckOrdinance("hundesteuer", ord); len(f) != 0 {
		t.Errorf("%v", f)
	}
	other, findings := parseOrdinance("o.yaml", []byte("keys: {hunde: number, kinds: text}\ntables: [{valid-from: 2020-01-01, paragraph: x, rows: [{betrag: 1}]}]"))
	if other == nil {
		t.Fatal(findings)
	}
	var got []string
	for _, f := range m.CheckOrdinance("hundesteuer", other) {
		got = append(got, f.String())
	}
	want := "o.yaml:1:8: the key hunde is not given by hund/veranlagung.yaml:21,22 (there: by: {hunde: …}, or a let of that name)\n" +
		"o.yaml:1:23: the key kinds is not given by hund/veranlagung.yaml:21,22 (did you mean kind?)\n" +
		"o.yaml:2:1: no row gives the column amount that hund/veranlagung.yaml:21,22 asks for (possible: betrag)"
	if strings.Join(got, "\n") != want {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	if f := m.CheckOrdinance("other", other); len(f) != 0 {
		t.Errorf("%v", f)
	}
}

func TestRunTestsSaysWhatIsWrong(t *testing.T) {
	fsys := fstest.MapFS{"m/in.xml": {Data: []byte("<r><v>a</v><w/></r>")}, "m/in.json": {Data: []byte(`{"v": ["a", null], "w": {"x": 1.50, "y": true}}`)},
		"m/good.json": {Data: []byte("{\n  \"v\": \"a\"\n}\n")}, "m/bad.json": {Data: []byte("{\n  \"v\": \"b \"\n}")}, "m/kaputt.xml": {Data: []byte("<a")}}
	m := mustParse(t, jsonHead+`fields:
  v: {from: v, required: true}
  n: {number-range: marke, when: 'exists("w/x")'}
tests:
  - {name: gut, given: in.xml, expect: good.json}
  - {name: anders, given: in.xml, expect: bad.json}
  - {name: nicht gehalten, given: in.xml, hold: v}
  - {name: falsches Feld, given: in.json, hold: v}
  - {name: falscher Grund, given: in.json, hold: n, code: required}
  - {name: gehalten, given: in.json, hold: n, code: number-range}
  - {name: mit Nummer, given: in.json, hold: v, env: {numbers: {marke: "7"}}}
  - {name: ohne Datei, given: fehlt.xml, hold: v}
  - {name: kaputt, given: kaputt.xml, hold: v}
  - {name: ohne Erwartung, given: in.xml, expect: fehlt.json}
  - {name: ohne Satzung, given: in.xml, hold: v, env: {ordinances: {a: fehlt.yaml}}}
`, fsys)
	want := []string{"", "the document differs from m/bad.json", `v was to be held, but a document was made`, `n is held, not v: the test gives no number for marke`,
		`n is held for number-range, not for required`, "", "v was to be held, but a document was made", "read the given document", "parse m/kaputt.xml", "m/fehlt.json is not there yet; stellwerk mapping test m/x --confirm writes it", "ordinance a: "}
	results := m.RunTests(fsys, TestOptions{})
	for i, r := range results {
		if r.OK != (want[i] == "") || !strings.Contains(r.Message, want[i]) || strings.Contains(r.Message, "x.yaml") { // the place has fields of its own
			t.Errorf("%s: %v %s; want %s", r.Name, r.OK, r.Message, want[i])
		}
	}
	if want := "     1  {\n-    2    \"v\": \"b \"\n-    3  }⏎ missing\n+    2    \"v\": \"a\"\n+    3  }\n"; !strings.Contains(results[1].Diff, want[1:]) {
		t.Errorf("diff\n%s\nwant\n%s", results[1].Diff, want)
	}
}

func TestParseInput(t *testing.T) {
	for text, want := range map[string]string{`[1]`: "is an object", `{"a":1} x`: "something follows", `{"a"`: "EOF", "": "EOF"} {
		if _, err := ParseInput("x.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := ParseInput("x.xml", []byte("  ")); err == nil {
		t.Error("an empty XML document is taken")
	}
	root, err := ParseInput("x", []byte(`{"a:b": {"c": [true, 1.50, {"d": null}]}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(LeafPaths(root), " "); got != "/a:b/c /a:b/c/d" {
		t.Error(got)
	}
}
