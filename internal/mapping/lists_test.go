package mapping

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var testLists = fstest.MapFS{
	"codelists/farben.yaml": {Data: []byte("version: \"1\"\nrows:\n  - {code: rot, kurz: R}\n  - {code: blau, kurz: B}\n  - {code: grau}\n")},
	"codelists/gc.xml": {Data: []byte(`<g:CodeList xmlns:g="http://docs.oasis-open.org/codelist/ns/genericode/1.0/">
	<Identification><Version>7</Version><CanonicalUri>urn:example:gc</CanonicalUri></Identification>
	<ColumnSet><Column Id="name"/><Column Id="SCHLUESSEL"/><Key Id="k"><ColumnRef Ref="SCHLUESSEL"/></Key></ColumnSet>
	<SimpleCodeList>
	 <Row><Value ColumnRef="SCHLUESSEL"><SimpleValue>01</SimpleValue></Value><Value ColumnRef="name"><SimpleValue>eins &amp; mehr</SimpleValue></Value></Row>
	 <Row><Value><SimpleValue>zwei</SimpleValue></Value><Value><SimpleValue>02</SimpleValue></Value></Row>
	 <Row><Value ColumnRef="SCHLUESSEL"><SimpleValue>03</SimpleValue></Value></Row>
	</SimpleCodeList></g:CodeList>`)},
}

func TestGenericode(t *testing.T) {
	l, findings := LoadCodeList(testLists, "codelists/gc.xml")
	if l == nil || len(findings) > 0 {
		t.Fatal(findings)
	}
	if l.URI != "urn:example:gc" || l.Version != "7" || l.Key != "SCHLUESSEL" || l.Name != "gc" || !slices.Equal(l.Keys(), []string{"01", "02", "03"}) {
		t.Errorf("%+v", l)
	}
	for key, want := range map[string]string{"01": "eins & mehr", "02": "zwei"} {
		if got, ok := l.Lookup(key, "name"); !ok || got != want {
			t.Errorf("%s is %q", key, got)
		}
	}
	if _, ok := l.Lookup("03", "name"); ok || !l.Has("03") {
		t.Error("a row without the column has a value")
	}
}

func TestCodeListFindings(t *testing.T) {
	for text, want := range map[string]string{
		"rows: [a, a]":              `x.yaml:1:11: key "a" is given twice`,
		"rows: [01]":                `x.yaml:1:8: 01 has a leading zero and is not quoted (write "01")`,
		"name: x":                   "a code list needs rows",
		"key: k\nrows: [{code: a}]": "the row has no key (k)",
		"columns: [code, n]\nrows: [{code: a, nn: b}]": "nn is not a column (did you mean n?)",
		"key: k\ncolumns: [a]\nrows: []":               "the key column k is not in columns",
		"rows: [{code: a, b: [c]}]":                    "b is a single value",
		"rows: {a: b}":                                 "rows is a list",
		"rows:\n  - {code: a, kurz: A}\n  - {code: b, kruz: B}\n  - {code: c, kurz: C}": "x.yaml:3:5: warning: the row gives kruz, which no other row gives, and no kurz, which all others give",
		"rosw: []": "did you mean rows?",
	} {
		expectFinding(t, text, want, func(fs fstest.MapFS) Findings { _, f := LoadCodeList(fs, "x.yaml"); return f })
	}
	for text, want := range map[string]string{
		"<a/>": "x.gc:1:1: not a Genericode 1.0 code list", "<a": "x.gc:1:1: not XML", "<a>\n<b>\n</c></a>": "x.gc:3:1: not XML: element <b> closed by </c>", "<a/>\n<b/>": "x.gc:2:1: not XML: a second root element begins here",
		string(testLists["codelists/gc.xml"].Data) + "rows: []": "not XML: there is text outside the root element", `<g:CodeList xmlns:g="http://docs.oasis-open.org/codelist/ns/genericode/1.0/"/>`: "has no ColumnSet",
		strings.Replace(string(testLists["codelists/gc.xml"].Data), `Ref="SCHLUESSEL"/></Key>`, `Ref="X"/></Key>`, 1):        "no key of one column",
		strings.Replace(string(testLists["codelists/gc.xml"].Data), "<SimpleValue>02", "<SimpleValue>01", 1):                 `key "01" is given twice`,
		strings.Replace(string(testLists["codelists/gc.xml"].Data), `<Value ColumnRef="name">`, `<Value ColumnRef="nn">`, 1): "not in the ColumnSet",
	} {
		_, f := LoadCodeList(fstest.MapFS{"x.gc": {Data: []byte(text)}}, "x.gc")
		if !strings.Contains(f.Err().Error(), want) {
			t.Errorf("%v; want %q", f, want)
		}
	}
}

func expectFinding(t *testing.T, text, want string, load func(fstest.MapFS) Findings) {
	t.Helper()
	f := load(fstest.MapFS{"x.yaml": {Data: []byte(text)}})
	for _, x := range f {
		if strings.Contains(x.String(), want) {
			return
		}
	}
	t.Errorf("%q: findings %v; want %q", text, f, want)
}

func TestLayoutFindings(t *testing.T) {
	field := func(s string) string { return "records:\n  record:\n    fields:\n" + s }
	for text, want := range map[string]string{
		"records: {}":                         "a layout needs records",
		"encoding: windows-1253\nrecords: {}": "did you mean windows-1250?",
		field("      - {name: a, at: 1, length: 3}\n      - {name: b, at: 3, length: 2}\n"): "x.yaml:5:9: b begins at 3, but the field before ends at 3",
		field("      - {name: a, at: 1, length: 3}\n      - {name: b, at: 6, length: 2}\n"): "positions 4 to 5 are not described (add {filler: 2} before it)",
		field("      - {name: a, at: 2, length: 3}\n"):                                      "positions 1 to 1 are not described",
		field("      - {name: a, length: 3}\n      - {name: a, length: 2}\n"):               "a is given twice, first in line 4",
		"length: 10\n" + field("      - {name: a, length: 3}\n"):                            "has 3 characters, but its length is 10 (add {filler: 7} at the end)",
		field("      - {name: a}\n"):                                                        "a needs length",
		field("      - {name: a, at: 5-3}\n"):                                               "at is a position or a range",
		field("      - {name: a, at: 1-3, length: 4}\n"):                                    "length 4 does not fit",
		field("      - {name: a, length: 3, fill: xx}\n"):                                   "fill is one ASCII character",
		field("      - {name: a, length: 3, decimal: euro}\n"):                              "euro is not a form of decimal",
		field("      - {name: a, length: 3, date: foo}\n"):                                  "is not part of a date format",
		field("      - {name: a, length: 3, const: abcd}\n"):                                "the constant is longer than 3",
		field("      - {name: a, length: 3, sum: b}\n"):                                     "b is not a field that can be summed",
		field("      - {name: a, length: 3, aline: right}\n"):                               "did you mean align?",
		field("      - {name: a, length: 3, if-empty: zero}\n"):                             "zero is not if-empty",
		field("      - {filler: 3, name: a}\n"):                                             "a filler has no name",
		field("      []\n"):                                                                 "record type record has no fields",
	} {
		expectFinding(t, text, want, func(fs fstest.MapFS) Findings { _, f := LoadLayout(fs, "x.yaml"); return f })
	}
}

const ordText = `keys: {dogs: number, kind: text}
on: seit
texts: [konto]
tables:
  - valid-from: 2020-01-01
    paragraph: § 2
    rows:
      - {kind: normal, dogs: 1, amount: 84.00, konto: "0815"}
      - {kind: normal, dogs: 2-3, amount: 100.00}
      - {kind: normal, dogs: 4+, amount: 120}
      - {kind: normal, dogs: 1, amount: 90.00, valid-from: 2024-07-01, paragraph: § 2 n.F.}
      - {kind: [listed, banned], when: "dogs >= 2 and kind != 'banned'", amount: 600.00}
      - {kind: listed, dogs: "*", amount: 450.00}
  - valid-from: 2027-01-01
    valid-to: 2027-12-31
    paragraph: § 3
    rows:
      - {amount: 1.00}
`

func TestOrdinanceRates(t *testing.T) {
	ord, findings := LoadOrdinance(fstest.MapFS{"o.yaml": {Data: []byte(ordText)}}, "o.yaml")
	if ord == nil || len(findings) > 0 {
		t.Fatal(findings)
	}
	for _, c := range []struct{ on, dogs, kind, column, want string }{
		{"2020-01-01", "1", "normal", "amount", "84.00 § 2"}, {"2024-06-30", "1", "normal", "amount", "84.00 § 2"},
		{"2024-07-01", "1", "normal", "amount", "90.00 § 2 n.F."}, {"2026-05-04", "3", "normal", "amount", "100.00 § 2"},
		{"2026-05-04", "2.0", "normal", "amount", "100.00 § 2"}, {"2026-05-04", "17", "normal", "amount", "120 § 2"},
		{"2026-05-04", "1", "listed", "amount", "450.00 § 2"}, {"2026-05-04", "2", "listed", "amount", "600.00 § 2"},
		{"2027-01-01", "1", "banned", "amount", "1.00 § 3"}, {"2021-01-01", "1", "normal", "konto", "0815 § 2"},
		{"2019-12-31", "1", "normal", "amount", "o.yaml: no table is valid on 2019-12-31; the next one begins on 2020-01-01"},
		{"2028-01-01", "1", "normal", "amount", "o.yaml: no table is valid on 2028-01-01; the last one began on 2027-01-01"},
		{"2026-05-04", "2", "banned", "amount", "o.yaml:5: the table valid from 2020-01-01 has no row for dogs 2, kind banned"},
		{"2026-05-04", "2", "normal", "konto", "o.yaml:9: the row has no konto"}, {"2026-05-04", "x", "normal", "amount", "o.yaml: the key dogs is not a number"},
		{"2026-05-04", "1", "normal", "fee", "o.yaml has no column fee (it has amount, konto)"},
	} {
		on, err := ParseDate(c.on)
		if err != nil {
			t.Fatal(err)
		}
		rate, err := ord.Rate(on, map[string]string{"dogs": c.dogs, "kind": c.kind}, c.column)
		got := rate.Value + " " + rate.Paragraph
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s, %s %s: %s; want %s", c.on, c.dogs, c.kind, got, c.want)
		}
	}
}

func TestOrdinanceFindings(t *testing.T) {
	for _, c := range []struct{ from, to, want string }{
		{"84.00", "84,00", "x.yaml:8:41: a comma parts entries here (write decimals with a point: 84.00)"},
		{"dogs: 2-3", "dogs: 3-2", "runs backwards"}, {"dogs: 2-3", "dogs: []", `dogs: an empty list fits nothing; write "*" if the row applies to all`}, {"dogs: 2-3", "dogs: viele", "is not a number, 2-4, 3+ or *"},
		{"dogs: 2-3", "dogz: 2", "dogz is not a key of this ordinance (did you mean dogs?)"}, {"valid-from: 2020-01-01", "valid-from: 01.01.2020", "is not a date (YYYY-MM-DD)"},
		{"valid-from: 2020-01-01", "x: 1", "a table needs valid-from"}, {"valid-from: 2027-01-01", "valid-from: 2020-01-01", "another table is valid from 2020-01-01 too"},
		{"valid-to: 2027-12-31", "valid-to: 2026-12-31", "valid-to is before valid-from"}, {"dogs: number", "dogs: int", "a key is number or text"},
		{"dogs >= 2", "cats >= 2", "x.yaml:12:41: when: cats is not a name here"}, {"dogs >= 2", "dogs / 2", "is not exact"}, {"dogs >= 2 and kind != 'banned'", "dogs", "does not give true or false"},
		{"valid-from: 2024-07-01", "valid-from: 2019-07-01", "before that of its table"}, {`, dogs: "*"`, "", "the row leaves out dogs"}, {", amount: 450.00", "", "the row gives no value"},
		{"amount: 450.00", "amuont: 450.00", "the row gives amuont and no amount, which other rows give"},
		{"2-3, amount", "1, amount", "this row has the keys and the valid-from of line 8"}, {"on: seit", "on: 'seit['", "on: "}, {"paragraph: § 3", "note: x", "the row has no paragraph"},
		{"amount: 450.00", "jahr: 450.00", "x.yaml:13:9: warning: the row gives jahr, which no other row gives, and no amount, which all others give"},
		{"amount: 450.00", "amount: ''", "amount has no value (leave it out where there is no rate, or name it in texts)"},
		{"amount: 450.00", "betrag: viel", "if it is a key, declare it in keys; if it is text, in texts"},
		{"amount: 450.00", "amount: 1.450", "x.yaml:13:43: warning: amount: 1.450 is read as 1.45 (write 1450.00, if that is meant)"},
		{"amount: 450.00", "amount: -450.00", "x.yaml:13:43: warning: amount: -450.00 is negative (what is to be taken off is written without a sign)"},
		{"amount: 450.00", "amount: '1.450,00'", "(write 1450.00)"}, {"kind: text", "when: text", "cannot be the name of a key"}, {"tables:", "tabels:", "did you mean tables?"},
	} {
		if !strings.Contains(ordText, c.from) {
			t.Fatalf("%q is not in the text", c.from)
		}
		expectFinding(t, strings.Replace(ordText, c.from, c.to, 1), c.want, func(fs fstest.MapFS) Findings { _, f := LoadOrdinance(fs, "x.yaml"); return f })
	}
}
