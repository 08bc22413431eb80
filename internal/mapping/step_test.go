package mapping

import (
	"strings"
	"testing"

	"github.com/beevik/etree"
)

// apply1 renders a JSON mapping with one field v over a document with one element v.
func apply1(t testing.TB, rule, value string) (string, *Hold) {
	t.Helper()
	text := "revision: 1\noutput: {format: json, indent: false}\nfields:\n  v: " + rule + "\n"
	m, findings := Parse("t.yaml", []byte(text), Files{FS: testLists})
	if m == nil {
		t.Fatalf("%s: %v", rule, findings)
	}
	root := etree.NewElement("r")
	root.CreateElement("v").SetText(value)
	doc, err := m.Apply(root, SampleEnv())
	if err != nil {
		return "", err.(*Hold)
	}
	got := strings.TrimSpace(string(doc.Body))
	if got == "{}" {
		return "", nil
	}
	return strings.TrimSuffix(strings.TrimPrefix(got, `{"v":"`), `"}`), nil
}

func TestHoldQuotesNoNovel(t *testing.T) {
	_, h := apply1(t, "{from: v, with: [date DD.MM.YYYY]}", "ä"+strings.Repeat("9", 5_000_000)+"-01-01")
	if h == nil || len(h.Value) > 2100 || !strings.HasPrefix(h.Value, "ä999") || !strings.HasSuffix(h.Value, "… (5000007 characters)") {
		t.Fatalf("held with %d bytes: %.40s", len(h.Value), h.Value)
	}
	if _, h = apply1(t, "{from: v, with: [date DD.MM.YYYY]}", "gestern"); h.Value != "gestern" {
		t.Error(h.Value)
	}
}

func TestSteps(t *testing.T) {
	for _, c := range []struct{ step, in, want string }{
		{"upper", "größe é", "GRÖßE É"}, {"lower", "ÄÖ X", "äö x"}, {"trim", "  a b \t", "a b"}, {"collapse", " a \n b ", "a b"},
		{"digits", "+49 (2921) 10-3", "492921103"}, {"cut 3", "Łuka", "Łuk"}, {"cut 5", "abc", "abc"}, {"cut 2", "AC̈x", "A"}, {"cut 3", "AC̈x", "AC̈"},
		{"pad 5", "42", "00042"}, {"pad 5 right", "ab", "ab   "}, {"pad 5 left x", "ab", "xxxab"}, {"pad 2", "abc", "abc"},
		{`replace / -`, "a/b/c", "a-b-c"}, {`replace " " ""`, "a b c", "abc"}, {"{replace: [\"a\", \"\"]}", "banana", "bnn"},
		{`remove "()-"`, "(0)-1", "01"}, {"prefix DE-", "1", "DE-1"}, {"suffix ' EUR'", "1", "1 EUR"}, {"before @", "a@b", "a"}, {"after @", "a@b", "b"},
		{"before x", "abc", "abc"}, {"after x", "abc", ""},
		{"transliterate", "Müller-Groß, Łukasz Çelik", "Mueller-Gross, Lukasz Celik"}, {"transliterate", "ÄRZTIN Äpfel Ä", "AERZTIN Aepfel Ae"},
		{"transliterate", "u\u0308ber", "ueber"}, {"transliterate", "Þór ÞÓR Åse", "Thor THOR Aase"}, {"transliterate windows-1252", "Müller Łęcki €", "Müller Lecki €"},
		{"transliterate iso-8859-1", "ü € ő", "ü EUR o"}, {"transliterate", "Ελλάδα Щука", "Ellada Shtuka"}, {"transliterate", "K\u035Fhan", "Khan"},
		{"search-form", "Ångström", "AANGSTROEM"}, {"nfc", "e\u0301", "é"}, {"din91379 A", "Łukasz O'Brien", "Łukasz O'Brien"}, {"sepa", "Müller & Söhne", ""},
		{"sepa", "Müller+Söhne (GbR)", "Mueller+Soehne (GbR)"},
		{"date DD.MM.YYYY", "2026-03-01", "01.03.2026"}, {"date YYYYMMDD", "1.3.2026", ""}, {"date D.M.YY", "01.03.2026", "1.3.26"},
		{"date YYYY-MM-DDTHH:mm:ss", "2026-03-01T07:08:09+01:00", "2026-03-01T07:08:09"}, {"date HH:mm", "2026-03-01", "00:00"},
		{"first-of-month", "2026-02-28", "2026-02-01"}, {"first-of-next-month", "2026-12-31", "2027-01-01"}, {"last-of-month", "2028-02-03", "2028-02-29"},
		{"plus-days 1", "2026-12-31", "2027-01-01"}, {"plus-days -1", "01.01.2026", "2025-12-31"}, {"plus-months 1", "2026-01-31", "2026-02-28"},
		{"plus-years 1", "2028-02-29", "2029-02-28"}, {"working-day", "2026-04-03", "2026-04-07"}, {"working-day", "2026-06-04", "2026-06-05"},
		{"plus-working-days 3", "2026-04-30", "2026-05-06"}, {"plus-working-days -1", "2026-04-07", "2026-04-02"},
		{"not-after submission:received-on", "2026-03-01", "2026-03-01"}, {"not-after fehlt", "2126-03-01", "2126-03-01"},
		{"decimal", "85,80", "85.80"}, {"decimal", "1.234,50", "1234.50"}, {"decimal 2", "7", "7.00"}, {"comma", "85.80", "85,80"}, {"comma 2", "7", "7,00"},
		{"cents", "85.80", "8580"}, {"cents", "-0.05", "-5"}, {"from-cents", "8580", "85.80"}, {"from-cents", "5", "0.05"}, {"from-cents", "-5", "-0.05"},
		{"round 2", "0.005", "0.01"}, {"round 2 half-even", "0.005", "0.00"}, {"round 2 half-even", "0.015", "0.02"}, {"round 0 up", "1.01", "2"},
		{"round 0 down", "-1.99", "-1"}, {"round 1 half-up", "-0.25", "-0.3"}, {"times 1.19", "100.00", "119.0000"}, {"divide 12 2", "85.80", "7.15"},
		{"divide 3 2", "1", "0.33"}, {"divide 3 2 up", "1", "0.34"},
		{"iban", "de02 1203 0000 0000 2020 51", "DE02120300000000202051"}, {"iban", "NO93 8601 1117 947", "NO9386011117947"}, {"iban", "TR330006100519786457841326", "TR330006100519786457841326"}, {"iban sepa", "NO93 8601 1117 947", "NO9386011117947"}, {"bic", "byladem1001", "BYLADEM1001"},
		{"chip15", "276 098 100000001", "276098100000001"}, {"plz", " 01067 ", "01067"}, {"email", "a.b+c@example.org", "a.b+c@example.org"}, {"ags", "05974040", "05974040"},
		{"match '[A-Z]{2}[0-9]+'", "AB12", "AB12"}, {"length 2 4", "abc", "abc"}, {"one-of a b", "b", "b"},
		{"lookup farben/kurz", "rot", "R"}, {"in farben", "rot", "true"}, {"in farben", "lila", "false"}, {"default X", "a", "a"},
	} {
		rule := "{from: v, with: [" + c.step + "]}"
		if strings.ContainsAny(c.step, `"()[]{},`) && c.step[0] != '{' {
			rule = "{from: v, with: ['" + strings.ReplaceAll(c.step, "'", "''") + "']}"
		}
		got, h := apply1(t, rule, c.in)
		if h != nil && c.want != "" {
			t.Errorf("%s of %q is held: %v", c.step, c.in, h)
		} else if got != c.want {
			t.Errorf("%s of %q = %q; want %q", c.step, c.in, got, c.want)
		}
	}
}

// Empty values pass steps, but for those that make something of nothing.
func TestStepsOnEmptyValues(t *testing.T) {
	for step, want := range map[string]string{"iban": "", "cents": "", "date DD.MM.YYYY": "", "lookup farben/kurz": "", "pad 3": "000",
		"prefix a": "a", "suffix a": "a", "default x": "x", "in farben": "false"} {
		if got, h := apply1(t, "{from: v, with: ["+step+"]}", ""); h != nil || got != want {
			t.Errorf("%s of nothing = %q, %v; want %q", step, got, h, want)
		}
	}
}

func TestStepRefusals(t *testing.T) {
	for _, c := range []struct {
		step, in string
		code     Code
	}{
		{"transliterate", "漢字", CodeCharacter}, {"transliterate windows-1252", "😀", CodeCharacter}, {"search-form", "∞", CodeCharacter},
		{"din91379 A", "A1", CodeCharacter}, {"din91379", "漢", CodeCharacter}, {"din91379 A", "q\u0308", CodeCharacter}, {"sepa", "a&b", CodeCharacter},
		{"date DD.MM.YYYY", "31.02.2026", CodeNotADate}, {"date DD.MM.YYYY", "2026-13-01", CodeNotADate}, {"first-of-month", "heute", CodeNotADate},
		{"plus-days 1", "2025-02-29", CodeNotADate}, {"date YYYY", "2026-01-01T25:00:00", CodeNotADate}, {"date YYYY", "2026-01-01X", CodeNotADate},
		{"first-of-next-month", "9999-12-31", CodeNotADate}, {"plus-days 1", "31.12.9999", CodeNotADate}, {"plus-years -2026", "2026-05-04", CodeNotADate}, {"plus-days -1", "0001-01-01", CodeNotADate},
		{"cents", "85,80", CodeNotANumber}, {"cents", "1.005", CodeNotANumber}, {"decimal", "1.234.5,0", CodeNotANumber}, {"decimal", "12a", CodeNotANumber},
		{"comma 1", "0.25", CodeNotANumber}, {"from-cents", "1.5", CodeNotANumber}, {"times 10", "9000000000000000000", CodeNotANumber},
		{"decimal", "99999999999999999999", CodeNotANumber}, {"round 2", "1e", CodeNotANumber}, {"cents", "1.2.3", CodeNotANumber}, {"cents", "-", CodeNotANumber},
		{"iban", "DE02120300000000202052", CodeRefused}, {"iban", "DE021203000000002020", CodeRefused}, {"iban", "XX00", CodeRefused}, {"iban", "DE0212030000000020205A", CodeRefused},
		{"iban", "DE99120300000000202051", CodeRefused}, {"iban sepa", "TR33 0006 1005 1978 6457 8413 26", CodeRefused}, {"iban sepa", "DE02120300000000202052", CodeRefused}, {"bic", "BYLADEM10", CodeRefused}, {"chip15", "27609810000000", CodeRefused}, {"chip15", "27609810000000１", CodeRefused},
		{"plz", "00999", CodeRefused}, {"plz", "1067", CodeRefused}, {"email", "a@b", CodeRefused}, {"email", "a b@c.de", CodeRefused}, {"email", "a@b.de,c@d.de", CodeRefused},
		{"email", "a@@b.de", CodeRefused}, {"email", "a\n@b.de", CodeRefused}, {"email", ".a@b.de", CodeRefused}, {"email", "a@-b.de", CodeRefused},
		{"ags", "5974040", CodeRefused}, {"ags", "17000000", CodeRefused}, {"match '[a-c]+'", "abcd", CodeRefused}, {"length 2", "a", CodeRefused}, {"length 1 2", "abc", CodeTooLong},
		{"one-of a b", "c", CodeUnknownCode}, {"lookup farben/kurz", "lila", CodeUnknownCode}, {"lookup farben/kurz", "grau", CodeUnknownCode},
		{"pro-rata /v", "100", CodeNotADate}, {"not-after submission:received-on", "2126-03-01", CodeRefused}, {"not-after /v", "heute", CodeNotADate},
	} {
		_, h := apply1(t, "{from: v, with: [\""+c.step+"\"]}", c.in)
		if h == nil {
			t.Errorf("%s accepts %q", c.step, c.in)
			continue
		}
		if h.Code != c.code || h.Field != "v" || h.Line != 4 || h.Value != c.in {
			t.Errorf("%s of %q: %+v; want code %s", c.step, c.in, h, c.code)
		}
		if len(c.in) > 2 && strings.Contains(h.Error()+h.Detail, c.in) {
			t.Errorf("%s: the message tells the value: %s", c.step, h.Error())
		}
	}
}

func TestDecisions(t *testing.T) {
	for _, c := range []struct{ rule, in, want string }{
		{"{from: v, required: true}", "", "hold"}, {"{from: v, required: true}", " \t", "hold"}, {"{from: v}", " \n", ""}, {"{from: v}", "\n a  b\t", "a  b"},
		{"{from: v, if-empty: hold}", "", "hold"}, {"{from: v, if-empty: {const: x}}", " ", "x"}, {"{from: v, if-empty: keep}", "", ""},
		{"{from: v, lookup: farben/kurz}", "lila", "hold"}, {"{from: v, lookup: farben/kurz, else: omit}", "lila", ""},
		{"{from: v, lookup: farben/kurz, else: keep}", "lila", "lila"}, {"{from: v, lookup: farben/kurz, else: {const: '?'}}", "lila", "?"},
		{"{from: v, lookup: farben/kurz, else: omit, required: true}", "lila", "hold"}, {"{from: v, with: [iban], else: {const: keine}}", "x", "keine"},
		{"{from: v, map: {ja: J, nein: N}}", " ja ", "J"}, {"{from: v, map: {ja: J, nein: N}}", "Ja", "hold"}, {"{from: v, map: {ja: J}, with: [lower]}", "ja", "j"},
		{"{from: v, in: farben}", "\nrot", "true"}, {"{from: v, in: farben}", "", "false"}, {"{from: [fehlt, v]}", "a", "a"}, {"{from: [v, submission:number]}", "", "MU-7K2P-94"},
		{"{template: 'a {v} {{b}} {municipality:ags}'}", "x", "a x {b} 05999999"}, {"{const: '{v}'}", "x", "{v}"},
		{"{number-range: marke}", "x", "hold"}, {"{from: v, when: 'text(\"v\") == \"a\"'}", " a ", "a"}, {"{expr: 'count(\"/v[.=''a'']\")'}", " a ", "1"}, {"{from: v, when: 'text(\"v\") == \"a\"'}", "b", ""},
		{"{from: v, when: 'text(\"v\") == \"a\"', required: true}", "b", ""}, {"{from: answer:finance/kassenzeichen, required: true}", "", "hold"},
	} {
		got, h := apply1(t, c.rule, c.in)
		if h != nil {
			got = "hold"
		}
		if got != c.want {
			t.Errorf("%s of %q = %q (%v); want %q", c.rule, c.in, got, h, c.want)
		}
	}
}
