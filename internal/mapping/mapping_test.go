package mapping

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

var mapFS = fstest.MapFS{
	"m/codelists/farben.yaml": testLists["codelists/farben.yaml"],
	"m/codelists/kaputt.yaml": {Data: []byte("rows: [01]")},
	"m/layout.yaml": {Data: []byte("encoding: windows-1252\nrecords:\n  header:\n    fields: [{name: a, length: 2, const: H0}, {name: tag, length: 8}]\n" +
		"  record:\n    fields: [{name: x, length: 3}, {name: y, length: 2, optional: true}]\n  trailer:\n    fields: [{name: s, length: 9, sum: x}]\n")},
	"m/formen.yaml": {Data: []byte("encoding: utf-8\nrecords:\n  record:\n    fields: [{name: d, length: 8, date: YYYYMMDD}, {name: c, length: 9, decimal: cents}, {name: k, length: 9, decimal: comma}]\n")},
}

const jsonHead = "revision: 1\noutput: {format: json}\n"

// Everything a file can get wrong, with the complaint it must earn.
func TestMappingFindings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", "m/x.yaml:1:1: the file is empty"},
		{"# nur ein Satz", "m/x.yaml:1:1: the file is empty"},
		{"revision: 1\ntitle: M\xfcll", "m/x.yaml:2:9: is not UTF-8 (save the file as UTF-8)"},
		{"revision: 1\n# \x00", "m/x.yaml:2:3: has a control character here (U+0000)"},
		{"revision: 1\n: 2", "m/x.yaml:2:3: there is no key before the colon"},
		{"a: [", "m/x.yaml:2:1: not YAML: did not find expected node content"},
		{"- a", "a mapping is a map of settings"},
		{"a: 1\n---\nb: 2", "m/x.yaml:2:1: a second document begins here"},
		{"revision: &x 1", "m/x.yaml:1:11: anchors are not used here: &x"},
		{"revision: 1\nunused: *x", "not YAML"},
		{"revision: !!int 1", "tags are not used here"},
		{"revision: 1\nrevision: 2", "m/x.yaml:2:1: revision is given twice, first in line 1"},
		{"revision: 1", "a mapping needs output"},
		{jsonHead + "fields:\n  a: {const: 01067}", `m/x.yaml:4:14: 01067 has a leading zero and is not quoted (write "01067")`},
		{jsonHead, "a mapping needs fields"},
		{"output: {format: json}\nfields: {a: {const: b}}", "a mapping needs revision"},
		{"revision: eins\noutput: {format: json}\nfields: {a: {const: b}}", "revision is a whole number"},
		{"revision: 1\noutput: {format: jsn}", "m/x.yaml:2:18: jsn is not format (did you mean json?)"},
		{"revision: 1\noutput: {formt: json}", "formt is not a setting of output (did you mean format?)"},
		{"revision: 1\noutput: {format: json, delimiter: x}\nfields: {a: {const: b}}", "delimiter is not a setting of format json"},
		{"revision: 1\noutput: {format: json, encoding: latin1}\nfields: {a: {const: b}}", "JSON is utf-8"},
		{"revision: 1\noutput: {format: json, schema: s.json}\nfields: {a: {const: b}}", "there is no schema s.json"},
		{"revision: 1\noutput: {format: json, schema: layout.yaml}\nfields: {a: {const: b}}", "schemas cannot be checked here"},
		{"revision: 1\noutput: {format: csv}\nfields: {a: {const: b}}", "format csv needs formulas"},
		{"revision: 1\noutput: {format: csv, formulas: keep, delimiter: ab}\nfields: {a: {const: b}}", "delimiter is one ASCII character"},
		{"revision: 1\noutput: {format: csv, formulas: keep, encoding: ascii, bom: true}\nfields: {a: {const: b}}", "a byte order mark is for utf-8"},
		{"revision: 1\noutput: {format: csv, formulas: keep, encoding: ascii}\nfields: {ä: {const: b}}", "the column name ä: the character U+00E4 has no place in us-ascii"},
		{"revision: 1\noutput: {format: csv, formulas: keep}\nfields: {a: {each: b, from: c}}", "csv files have no repeated fields"},
		{"revision: 1\noutput: {format: csv, formulas: keep}\neach: h\nfields: {a: {const: b}, c: {const: d}}\ntrailer:\n  fields:\n    c: {const: e}",
			`m/x.yaml:7:1: warning: trailer: c is column 2 of the records and column 1 here (each field is the next column; fill those before it, with const: "")`},
		{"revision: 1\noutput: {format: xml}\nfields: {a: {const: b}}", "format xml needs root"},
		{"revision: 1\noutput: {format: xml, root: 'a b'}\nfields: {a: {const: b}}", `root: "a b" is not an XML name`},
		{"revision: 1\noutput: {format: xml, root: 'p:a'}\nfields: {a: {const: b}}", "root: prefix p is not in namespaces"},
		{"revision: 1\noutput: {format: xml, root: a}\nfields: {'q:a': {const: b}}", "prefix q is not in namespaces"},
		{"revision: 1\noutput: {format: xml, root: a}\nfields: {'@a/b': {const: b}}", "an attribute has nothing below it"},
		{"revision: 1\noutput: {format: xml, root: a}\nfields: {a: {const: b}, a/b: {fields: {c: {const: d}}}, a/b/c: {const: d}}", "the target is given twice"},
		{"revision: 1\noutput: {format: xml, root: a}\neach: h\nfields: {a: {const: b}}", "each at the top of an XML mapping needs output.record"},
		{"revision: 1\nnamespaces: {let: 'urn:x'}\noutput: {format: json}\nfields: {a: {const: b}}", "let cannot be a prefix"},
		{"revision: 1\noutput: {format: fixed}\nfields: {a: {const: b}}", "format fixed needs layout"},
		{"revision: 1\noutput: {format: fixed, layout: nix.yaml}\nfields: {a: {const: b}}", "there is no layout nix.yaml"},
		{"revision: 1\noutput: {format: fixed, layout: layout.yaml}\nfields: {z: {const: b}}", "z is not a field of record type record in layout m/layout.yaml"},
		{"revision: 1\noutput: {format: fixed, layout: layout.yaml}\nfields: {x: {const: b}}\nheader: {fields: {a: {const: b}}}", "a is filled by the layout itself"},
		{"revision: 1\noutput: {format: fixed, layout: formen.yaml}\nfields:\n  d: {from: x, with: [date YYYYMMDD]}", "m/x.yaml:4:1: d: the step writes a date that the layout cannot read (leave the step date out: the layout has the form)"},
		{"revision: 1\noutput: {format: fixed, layout: formen.yaml}\nfields:\n  c: {from: x, with: [round 2, cents]}", "m/x.yaml:4:1: c: the step writes cents, and the layout would make cents of them once more"},
		{"revision: 1\noutput: {format: fixed, layout: formen.yaml}\nfields:\n  k: {from: x, with: [comma 2]}", "m/x.yaml:4:1: k: the step writes a comma, and the layout reads a number with a point"},
		{jsonHead + "fields:\n  a:\n    expr: >-\n      number(\"ä\") +\n      number(\"y\") +\n      nummer\n", "m/x.yaml:8:7: expr: nummer is not a name here"},
		{jsonHead + "fields:\n  a:\n    expr: |\n      number(\"ä\") +\n\n      1 + nummer\n", "m/x.yaml:8:11: expr: nummer is not a name here"},
		{jsonHead + "fields:\n  a:\n    expr: >-\n      exists(\"x\") and\n      count(\"x[. = preceding-sibling::x]\") == 0\n", "m/x.yaml:5:11: expr: x[. = preceding-sibling::x]: the axis preceding-sibling is not used here"},
		{jsonHead + "fields:\n  a: {expr: 'text(\"x\") == ''y'' or nummer'}", "m/x.yaml:4:36: expr: nummer is not a name here"},
		{jsonHead + "fields:\n  a: {from: x, type: number, with: [comma 2]}", "m/x.yaml:4:36: the step comma writes what is no number in JSON (leave it out, or the type)"},
		{"revision: 1\noutput: {format: fixed, layout: layout.yaml}\nfields: {x: {const: b}}", "warning: nothing fills tag of record type header"},
		{"revision: 1\noutput: {format: fixed, layout: layout.yaml}\nrecords: [{type: hund, fields: {x: {const: b}}}]", "layout layout has no record type hund"},
		{"revision: 1\noutput: {format: fixed, layout: layout.yaml}\neach: h\nrecords: [{type: record, fields: {x: {const: b}}}]", "each stands in the entries of records"},
		{jsonHead + "fields: {a: {form: b}}", "m/x.yaml:3:14: form is not a setting of a (did you mean from?)"},
		{jsonHead + "fields: {a: b}", "a needs a rule, not a value"},
		{jsonHead + "fields: {a: {required: true}}", "a does not say where its value comes from"},
		{jsonHead + "fields: {a: {from: b, const: c}}", "a has from and const; one of them is wanted"},
		{jsonHead + "fields: {a: {from: 'b['}}", "from: b[: it ends too early"},
		{jsonHead + "fields: {a: {from: 'x:b'}}", "from: prefix x is not in namespaces"},
		{jsonHead + "fields: {a: {from: 'submission:nummer'}}", "submission:nummer is not known (did you mean number?)"},
		{jsonHead + "fields: {a: {from: 'answer:finance'}}", "is not answer:ROLE/KEY"},
		{jsonHead + "fields: {a: {from: 'attachment:name'}}", "stands only below each: submission:attachments"},
		{jsonHead + "fields: {a: {from: 'records:count'}}", "stands only in header and trailer"},
		{jsonHead + "fields: {a: {from: 'let:b'}}", "let:b is not declared above"},
		{jsonHead + "let: {a: {from: 'let:b'}, b: {const: c}}\nfields: {a: {const: b}}", "m/x.yaml:3:17: from: let:b is not declared above"},
		{jsonHead + "let: {text: {const: c}}\nfields: {a: {const: b}}", "text cannot be the name of a let"},
		{jsonHead + "let: {a-b: {const: c}}\nfields: {a: {const: b}}", "a-b cannot be the name of a let"},
		{jsonHead + "let: {a: {const: c, each: d}}\nfields: {a: {const: b}}", "each has no place in a let"},
		{jsonHead + "fields: {a: {template: 'x {b'}}", "a { is not closed"},
		{jsonHead + "fields: {a: {template: 'x }'}}", "a } without {"},
		{jsonHead + "fields: {a: {from: b, lookup: farben}}", "farben is not LIST/COLUMN"},
		{jsonHead + "fields: {a: {from: b, lookup: farbe/kurz}}", "there is no code list farbe"},
		{jsonHead + "fields: {a: {from: b, lookup: farben/krz}}", "code list farben has no column krz (did you mean kurz?)"},
		{jsonHead + "fields: {a: {from: b, lookup: kaputt/x}}", "m/codelists/kaputt.yaml:1:8: 01 has a leading zero"},
		{jsonHead + "fields: {a: {from: b, in: farben, lookup: farben/kurz}}", "lookup does not go with it"},
		{jsonHead + "fields: {a: {from: b, with: [uper]}}", "m/x.yaml:3:30: uper is not a step (did you mean upper?)"},
		{jsonHead + "fields: {a: {from: b, with: [cut]}}", "cut takes 1 argument, not 0"},
		{jsonHead + "fields: {a: {from: b, with: [cut x]}}", `cut: "x" is not a whole number`},
		{jsonHead + "fields: {a: {from: b, with: [date YMD]}}", `date: "Y" is not part of a date format`},
		{jsonHead + "fields: {a: {from: b, with: [date TT.MM.JJJJ]}}", "is not part of a date format"},
		{jsonHead + "fields: {a: {from: b, with: [round 2 kaufmännisch]}}", "is not a rounding rule"},
		{jsonHead + "fields: {a: {from: b, with: [transliterate utf-8]}}", "is not ascii or an 8-bit encoding"},
		{jsonHead + "fields: {a: {from: b, with: [din91379 F]}}", "is not a data type of DIN 91379"},
		{jsonHead + "fields: {a: {from: b, with: ['match [']}}", "match: error parsing regexp"},
		{jsonHead + "fields: {a: {from: b, with: [pad 5 middle]}}", "is not left or right"},
		{jsonHead + "fields: {a: {from: b, with: ['replace \"a']}}", "a quote is not closed"},
		{jsonHead + "fields: {a: {from: b, with: [{cut: {x: y}}]}}", "a step is a name with arguments"},
		{jsonHead + "fields: {a: {from: b, if-empty: leer}}", `leer is not a decision for if-empty (possible: omit, keep, null, hold, or {const: "leer"})`},
		{jsonHead + "fields: {a: {from: b, else: weg}}", `possible: hold, omit, keep, or {const: "weg"}`},
		{jsonHead + "fields: {a: {from: b, required: ja}}", "required is true or false"},
		{jsonHead + "fields: {a: {from: b, type: float}}", "float is not type"},
		{jsonHead + "fields: {a: {each: '@b', from: c}}", "@b is an attribute; each goes over elements"},
		{jsonHead + "fields: {a: {fields: {b: {const: c}}, with: [upper]}}", "with has no place beside fields"},
		{jsonHead + "fields: {a.b: {const: c}, a: {const: d}}", "a value that has targets below it"},
		{jsonHead + "fields: {a..b: {const: c}}", "a step of the target is empty"},
		{jsonHead + "fields: {a: {expr: 'txt(\"b\")'}}", "m/x.yaml:3:21: expr: txt is not a name here"},
		{jsonHead + "fields: {a: {expr: 'text(\"b[\")'}}", "expr: b[: it ends too early"},
		{jsonHead + "fields: {a: {expr: 'text(\"b\") + 1'}}", "m/x.yaml:3:31: expr: invalid operation: + (mismatched types string and int)"},
		{jsonHead + "fields: {a: {expr: '1.5 / 2'}}", "/ is not exact; use divide(a, b, places)"},
		{jsonHead + "fields: {a: {expr: 'count(position)'}}", "count takes a path in quotes"},
		{jsonHead + "fields: {a: {expr: 'submission.nr'}}", "submission.nr is not known"},
		{jsonHead + "fields: {a: {expr: '$env'}}", "$env is not a name here"},
		{jsonHead + "fields: {a: {expr: '__st'}}", "__st is not a name here"},
		{jsonHead + "fields: {a: {expr: 'attachments'}}", "the expression gives a list"},
		{jsonHead + "fields: {a: {expr: 'filter(attachments, true)[0].name'}}", "expr: the expression is more than can be compiled"},
		{jsonHead + "fields: {a: {expr: 'answer(\"x\")'}}", "answer is written"},
		{jsonHead + "fields: {a: {expr: 'lookup(\"farben/x\", \"a\")'}}", "has no column x"},
		{jsonHead + "fields: {a: {expr: 'ordinance(text(\"a\"))'}}", "ordinance is written"},
		{jsonHead + "fields: {a: {expr: 'text(\"let:b\")'}}", "let:b is not a path"},
		{jsonHead + "when: 'text(\"a\")'\nfields: {a: {const: b}}", "when: the condition does not give true or false"},
		{jsonHead + "header: {fields: {}}\nfields: {a: {const: b}}", "header is for csv and fixed"},
		{jsonHead + "fields: {a: {const: b}}\nunused: [/a/]", "unused: a path is wanted"},
		{jsonHead + "fields: {a: {const: b}}\ntests: [{name: t, given: a.xml}]", "a test has either expect or hold"},
		{jsonHead + "fields: {a: {const: b}}\ntests: [{name: t, given: a, expect: b}, {name: t, given: a, hold: b}]", `test "t" is given twice`},
		{jsonHead + "fields: {a: {const: b}}\ntests: [{name: t, given: a, hold: b, env: {submission: {received-at: gestern}}}]", "received-at gestern is not a time"},
	} {
		m, findings := Parse("m/x.yaml", []byte(c.text), Files{FS: mapFS})
		found := false
		for _, f := range findings {
			found = found || strings.Contains(f.String(), c.want)
		}
		if !found {
			t.Errorf("%q\n  findings %v\n  want     %q", c.text, findings, c.want)
		}
		if (m == nil) != findings.HasErrors() {
			t.Errorf("%q: mapping %v, findings %v", c.text, m != nil, findings)
		}
	}
}

func TestAllFindingsAtOnce(t *testing.T) {
	_, findings := Parse("x.yaml", []byte(jsonHead+"fields:\n  a: {form: b}\n  c: {from: 'd['}\n  e: {from: f, with: [uper, cut]}\nunusd: []\n"), nil)
	if len(findings) != 6 {
		t.Errorf("%d findings: %v", len(findings), findings)
	}
	for i := 1; i < len(findings); i++ {
		if findings[i].Line < findings[i-1].Line {
			t.Errorf("not in order: %v", findings)
		}
	}
}

// A format that is not one hides nothing of the rest, and nothing is said of the rest that
// depends on it.
func TestWrongFormatHidesNothing(t *testing.T) {
	const rest = `
each: h
header: {fields: {n: {from: "records:count"}}}
fields:
  "@id": {from: g, type: number}
  a/b: {form: c}
  d: {from: e, with: [uper]}
unused: [/a/]
tests: [{name: t, given: a}]
`
	for head, want := range map[string]string{
		"output: {format: exel, delimiter: ';'}": "exel is not format",
		"output: {root: a, encoding: latin-9}":   "output needs format",
		"title: x":                               "a mapping needs output",
	} {
		_, findings := Parse("x.yaml", []byte("revision: 1\n"+head+rest), nil)
		wants := []string{want, "form is not a setting of a/b", "uper is not a step", "unused: a path is wanted", "either expect or hold"}
		if strings.Contains(head, "latin-9") {
			wants = append(wants, "latin-9 is not an encoding")
		}
		for _, want := range wants {
			if !slices.ContainsFunc(findings, func(f Finding) bool { return strings.Contains(f.Message, want) }) {
				t.Errorf("%s: not found: %s", head, want)
			}
		}
		if len(findings) != len(wants)+1 { // a/b says not where its value comes from, either
			t.Errorf("%s: %d findings: %v", head, len(findings), findings)
		}
	}
}

// expressions over one document, as text.
func TestExpressions(t *testing.T) {
	root := parseDoc(t, `<r><n>2.50</n><i>3</i><leer/><d>2026-01-31</d><t>Hallo</t><schlecht>x</schlecht>`+
		`<h><g>1.10</g></h><h><g>2.20</g></h><h><g/></h></r>`)
	env := SampleEnv()
	env.Answers = map[string]map[string]string{"finance": {"kz": "4711"}}
	env.Attachments = []Attachment{{Name: "a.pdf", Type: "application/pdf", Size: 5}, {Name: "b.png", Type: "image/png"}}
	for _, c := range []struct{ expr, want string }{
		{`number("n") * 2`, "5.00"}, {`number(n) + number(i)`, "5.50"}, {`number("n") - 0.5`, "2.00"}, {`2 * number("i")`, "6"}, {`0.1 + 0.2`, "0.3"},
		{`0.1 + 0.2 == 0.3`, "true"}, {`number("n") >= 2.5`, "true"}, {`number("i") == 3`, "true"}, {`number("i") != 3`, "false"}, {`3 < number("n")`, "false"},
		{`number("fehlt") >= 40`, "false"}, {`number("leer") < 40`, "false"}, {`number("fehlt") + 1`, ""}, {`not (number("fehlt") >= 40)`, "true"},
		{`number("schlecht") > 1`, "hold not-a-number"}, {`text("h")`, "hold ambiguous"}, {`text("t") + "!"`, "Hallo!"}, {`text(t) == "Hallo"`, "true"},
		{`count("h")`, "3"}, {`count("h") > 2 ? "viele" : "wenige"`, "viele"}, {`exists("leer")`, "true"}, {`exists("fehlt")`, "false"}, {`sum("h/g")`, "3.30"}, {`sum("fehlt")`, "0"},
		{`distinct("h/g")`, "2"}, {`distinct("fehlt")`, "0"}, {`distinct(1)`, "load"}, {`join("h/g", "; ")`, "1.10; 2.20"}, {`join("fehlt", ", ")`, ""}, {`join("h/g", n)`, "load"}, {`join("h/g")`, "load"}, {`join(1, ",")`, "load"},
		{`date("d") < date("2026-02-01")`, "true"}, {`firstOfNextMonth(date("d"))`, "2026-02-01"}, {`date("t")`, "hold not-a-date"}, {`date("fehlt") < date("2026-02-01")`, "false"},
		{`firstOfMonth(date("fehlt"))`, ""}, {`plusMonths(date("d"), 1)`, "2026-02-28"}, {`plusDays(date("d"), 1)`, "2026-02-01"}, {`monthsLeft(date("d"))`, "12"},
		{`plusDays(date("d"), number(i))`, "2026-02-03"}, {`plusMonths(date("d"), number("fehlt"))`, ""}, {`plusDays(date("d"), number("n"))`, "hold expression"},
		{`months(date("2026-04-01"), date("2026-12-31"))`, "9"}, {`days(date("2026-03-28"), date("2026-03-30"))`, "2"}, {`age(date("2004-02-29"), date("2026-02-28"))`, "21"},
		{`days(date("1700-01-01"), date("2026-01-01"))`, "119069"}, {`days(date("9999-12-31"), date("2026-03-01"))`, "-2912383"},
		{`format(firstOfNextMonth(date("9999-12-31")), "DD.MM.YYYY")`, "hold not-a-date"}, {`plusDays(date("0001-01-01"), -1)`, "hold not-a-date"}, {`plusDays(date("9999-12-30"), 1)`, "9999-12-31"},
		{`plusMonths(date("d"), -24313)`, "hold not-a-date"}, {`plusWorkingDays(date("9999-12-31"), 1)`, "hold not-a-date"}, {`workingDay(date("fehlt"))`, ""},
		{`year(date("d"))`, "2026"}, {`format(date("d"), "DD.MM.YY")`, "31.01.26"}, {`workingDay(date("2026-12-25"))`, "2026-12-28"},
		{`proRata(85.80, 9)`, "64.35"}, {`proRata(100, 1)`, "load"}, {`proRata(decimal("100"), 1, "down")`, "8.33"}, {`divide(1, 3, 2)`, "0.33"}, {`round(number("n"), 0, "half-even")`, "2"},
		{`proRata(number("i") * number("n"), 3)`, "1.88"}, {`round(number("n") * 3 - 0.25, 0)`, "7"}, {`max(number("n") + number("i"), 2)`, "5.50"}, {`proRata(text("t") * 2, 3)`, "load"},
		{`text(number("n") == 2.5)`, "true"}, {`concat(number("n") == 2.5 ? "ja" : "nein", date("d") < date("2026-02-01"))`, "jatrue"}, {`concat(text("t") > number("n"))`, "load"},
		{`round(1.5, 0, "quer")`, "hold expression"}, {`divide(1.0, 0, 2)`, "hold expression"}, {`max(number("n"), 3)`, "3"}, {`min(1, 2)`, "1"}, {`decimal("9000000000000000000") * 10`, "hold not-a-number"},
		{`answer("finance", "kz")`, "4711"}, {`answer("finance", "nix")`, ""}, {`submission.number`, "MU-7K2P-94"}, {`municipality.ags`, "05999999"}, {`meta.trustLevel`, "STORK-QAA-Level-3"},
		{`submission.receivedOn`, "2026-05-04"}, {`submission.receivedOn > date("2026-01-01")`, "true"}, {`position`, "1"}, {`len(attachments)`, "2"},
		{`any(attachments, .type == "image/png")`, "true"}, {`all(attachments, .size > 0)`, "false"}, {`upper(text("t")) + lower("X") + trim(" y ")`, "HALLOxy"},
		{`concat(text("t"), 1, number("n"))`, "Hallo12.50"}, {`coalesce(text("leer"), text("fehlt"), "z")`, "z"}, {`lookup("farben/kurz", "rot")`, "R"}, {`lookup("farben/kurz", "lila")`, "hold unknown-code"},
		{`lookup("farben/kurz", text("leer"))`, ""}, {`inList("farben", "rot") and text("t") in ["Hallo", "x"]`, "true"}, {`text("t") matches "^H"`, "true"}, {`text("t") contains "all"`, "true"},
		{`ordinance("gibtsnicht")`, "hold no-rate"}, {`-1.5`, "-1.5"}, {`number("/n")`, "2.50"}, {`text("h[2]/g")`, "2.20"}, {`text(number("n"))`, "2.50"}, {`number("h[1]/g") + 1 > 2 and true`, "true"},
	} {
		text := fmt.Sprintf("revision: 1\noutput: {format: json, indent: false}\nfields:\n  v: {expr: '%s'}\n", strings.ReplaceAll(c.expr, "'", "''"))
		m, findings := Parse("t.yaml", []byte(text), Files{FS: testLists})
		if m == nil {
			if c.want != "load" {
				t.Errorf("%s: %v", c.expr, findings)
			}
			continue
		}
		for range 2 {
			doc, err := m.Apply(root, env)
			got := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(doc.Body)), `{"v":"`), `"}`)
			if got == "{}" {
				got = ""
			}
			if err != nil {
				got = "hold " + string(err.(*Hold).Code)
			}
			if got != c.want {
				t.Errorf("%s = %q; want %q (%v)", c.expr, got, c.want, err)
			}
		}
	}
}
