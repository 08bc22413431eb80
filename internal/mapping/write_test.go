package mapping

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/beevik/etree"
	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func mustParse(t testing.TB, text string, fsys fstest.MapFS) *Mapping {
	t.Helper()
	m, findings := Parse("m/x.yaml", []byte(text), Files{FS: fsys})
	if m == nil {
		t.Fatalf("%s\n%v", text, findings)
	}
	return m
}

func document(v string) *etree.Element {
	root := etree.NewElement("r")
	root.CreateElement("v").SetText(v)
	return root
}

// carry renders v and reads it back, without the white space around it; what cannot be
// carried is held with a reason.
func carry(t rapid.TB, m *Mapping, v string, read func([]byte) []string) {
	t.Helper()
	doc, err := m.Apply(document(v), SampleEnv())
	v = bare(v)
	if err != nil {
		h, ok := err.(*Hold)
		if !ok || h.Code == "" || h.Message == "" || h.Value != v {
			t.Errorf("%s: %q: %v", m.Format, v, err)
		}
		return
	}
	for i, got := range read(doc.Body) {
		if got != v {
			t.Errorf("%s %s, value %d: %q came back as %q", m.Format, m.out.cs.name, i, v, got)
		}
	}
}

// held counts what a format cannot carry.
func held(m *Mapping, list []string) (n int) {
	for _, v := range list {
		if _, err := m.Apply(document(v), SampleEnv()); err != nil {
			n++
		}
	}
	return n
}

func readXML(t *testing.T) func([]byte) []string {
	return func(b []byte) []string {
		var doc struct {
			A string `xml:"a,attr"`
			B string `xml:"b"`
		}
		dec := xml.NewDecoder(bytes.NewReader(b))
		dec.CharsetReader = func(name string, r io.Reader) (io.Reader, error) {
			all, err := io.ReadAll(r)
			cs, ok := charsetByName(name)
			if !ok {
				return nil, fmt.Errorf("encoding %s", name)
			}
			return strings.NewReader(cs.decode(all)), err
		}
		if err := dec.Decode(&doc); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		return []string{doc.A, doc.B}
	}
}

func readJSON(t *testing.T) func([]byte) []string {
	return func(b []byte) []string {
		var doc struct{ A, B string }
		if err := json.Unmarshal(b, &doc); err != nil {
			t.Errorf("%s: %v", b, err)
		}
		return []string{doc.A, doc.B}
	}
}

// readCSV knows RFC 4180 and keeps \r\n inside quotes, which encoding/csv does not.
func readCSV(t *testing.T) func([]byte) []string {
	return func(b []byte) []string {
		if !bytes.Contains(b, []byte("\r\n\r\n")) && bytes.Count(b, []byte("\r")) == bytes.Count(b, []byte("\r\n")) && bytes.Count(b, []byte("\r\n")) == 1 {
			r := csv.NewReader(bytes.NewReader(b))
			r.Comma = ';'
			if rows, err := r.ReadAll(); err != nil || len(rows) != 1 || len(rows[0]) != 2 {
				t.Errorf("%q: %v %v", b, rows, err)
			}
		}
		return splitCSV(strings.TrimSuffix(string(b), "\r\n"), ';')
	}
}

func splitCSV(s string, delimiter byte) (cells []string) {
	for {
		var cell strings.Builder
		if strings.HasPrefix(s, `"`) {
			for s = s[1:]; s != ""; s = s[1:] {
				if s[0] == '"' {
					if !strings.HasPrefix(s, `""`) {
						s = s[1:]
						break
					}
					s = s[1:]
				}
				cell.WriteByte(s[0])
			}
		} else {
			i := strings.IndexByte(s, delimiter)
			if i < 0 {
				i = len(s)
			}
			cell.WriteString(s[:i])
			s = s[i:]
		}
		cells = append(cells, cell.String())
		if s == "" || s[0] != delimiter {
			return cells
		}
		s = s[1:]
	}
}

func carryMappings(t *testing.T) map[*Mapping]func([]byte) []string {
	return map[*Mapping]func([]byte) []string{
		mustParse(t, "revision: 1\noutput: {format: xml, root: r}\nfields: {'@a': {from: v, if-empty: keep}, b: {from: v}}", nil):                       readXML(t),
		mustParse(t, "revision: 1\noutput: {format: xml, root: r, encoding: iso-8859-1}\nfields: {'@a': {from: v, if-empty: keep}, b: {from: v}}", nil): readXML(t),
		mustParse(t, "revision: 1\noutput: {format: json}\nfields: {a: {from: v}, b: {from: v}}", nil):                                                  readJSON(t),
		mustParse(t, "revision: 1\noutput: {format: csv, formulas: keep, header-line: false}\nfields: {a: {from: v}, b: {from: v}}", nil):               readCSV(t),
		mustParse(t, "revision: 1\noutput: {format: csv, formulas: keep, quote: all, header-line: false}\nfields: {a: {from: v}, b: {from: v}}", nil):   readCSV(t),
		mustParse(t, "revision: 1\noutput: {format: csv, formulas: hold, header-line: false, quote: never}\nfields: {a: {from: v}, b: {from: v}}", nil): readCSV(t),
	}
}

func TestNaughtyStringsAreCarriedOrHeld(t *testing.T) {
	list := naughty(t)
	for m, read := range carryMappings(t) {
		for _, v := range list {
			carry(t, m, v, read)
		}
		n := held(m, list)
		t.Logf("%s %s quote %q formulas %q: %d of %d held", m.Format, m.out.cs.name, m.out.quote, m.out.formulas, n, len(list))
		if m.out.quote != "never" && n > 8 { // XML has no place for some control characters, JSON and CSV for all
			t.Errorf("%s holds %d of %d", m.Format, n, len(list))
		}
		if (m.Format == JSON || m.out.formulas == "keep") && n > 0 {
			t.Errorf("%s holds %d of %d", m.Format, n, len(list))
		}
	}
}

func TestDIN91379IsCarried(t *testing.T) {
	for _, row := range dinRows(t, "latin_list_1.3.txt", 930) {
		for m, read := range carryMappings(t) {
			carry(t, m, "a"+row[1]+"b", read)
			if m.out.quote != "never" && held(m, []string{"a" + row[1] + "b"}) > 0 {
				t.Errorf("%s holds %s (%s)", m.Format, row[1], row[3])
			}
		}
	}
}

// An 8-bit field takes a character, composed if need be, or is held for it; ? is never written.
func TestDIN91379InAnEightBitField(t *testing.T) {
	layout := fstest.MapFS{"l.yaml": {Data: []byte("encoding: windows-1252\nline-ending: none\nrecords: {record: {fields: [{name: v, length: 8}]}}")}}
	m := mustParse(t, "revision: 1\noutput: {format: fixed, layout: l.yaml}\nfields: {v: {from: v}}", layout)
	carried := 0
	for _, row := range dinRows(t, "latin_list_1.3.txt", 930) {
		doc, err := m.Apply(document("a"+row[1]), SampleEnv())
		if err != nil {
			if h := err.(*Hold); h.Code != CodeCharacter {
				t.Errorf("%s: %v", row[1], h)
			}
			continue
		}
		carried++
		if got := strings.TrimRight(m.out.cs.decode(doc.Body), " "); got != strings.TrimRight(norm.NFC.String(bare("a"+row[1])), " ") || len(doc.Body) != 8 {
			t.Errorf("%s (%s) became %q", row[1], row[3], got)
		}
	}
	if carried < 200 {
		t.Errorf("only %d are carried", carried)
	}
}

func TestFixedFields(t *testing.T) {
	for _, c := range []struct{ field, in, want string }{
		{"length: 5", "ab", "ab   "}, {"length: 5, align: right", "ab", "   ab"}, {`length: 5, align: right, fill: "0"`, "42", "00042"}, {"length: 5", "", "     "},
		{`length: 5, align: right, fill: "0"`, "", "     "}, {`length: 5, align: right, fill: "0", if-empty: fill`, "", "00000"}, {"length: 5, if-empty: hold", "", "hold required"},
		{"length: 5", "abcdef", "hold too-long"}, {"length: 5", "Größe", "Größe"}, {"length: 4", "Gro\u0308ß", "Größ"}, {"length: 5", "Łu", "hold character"}, {"length: 5", "a\nb", "hold character"}, {"length: 5", "a\x00b", "hold character"},
		{`length: 7, align: right, fill: "0", decimal: cents`, "10.50", "0001050"}, {`length: 7, align: right, fill: "0", decimal: cents`, "-10.50", "-001050"},
		{`length: 7, align: right, decimal: cents`, "-10.50", "  -1050"}, {`length: 7, align: right, fill: "0", decimal: cents, sign: trailing`, "-10.50", "001050-"},
		{`length: 7, align: right, fill: "0", decimal: cents, sign: trailing`, "10.50", "001050 "}, {`length: 7, decimal: cents, sign: none`, "-1", "hold refused"},
		{`length: 7, decimal: cents`, "10.505", "hold not-a-number"}, {`length: 7, decimal: cents`, "10,50", "hold not-a-number"}, {"length: 7, decimal: comma", "-10.50", "-10,50 "},
		{"length: 7, decimal: point", "10.50", "10.50  "}, {`length: 9, align: right, fill: "0", decimal: implied-4`, "1.5", "000015000"}, {`length: 3, decimal: cents`, "10.50", "hold too-long"},
		{"length: 8, date: YYYYMMDD", "2026-05-04", "20260504"}, {"length: 8, date: DD.MM.YY", "04.05.2026", "04.05.26"}, {"length: 8, date: YYYYMMDD", "x", "hold not-a-date"},
		{"length: 6, date: YYYYMMDD", "2026-05-04", "hold too-long"},
	} {
		layout := fstest.MapFS{"l.yaml": {Data: []byte("encoding: windows-1252\nline-ending: none\nrecords: {record: {fields: [{name: v, " + c.field + "}]}}")}}
		m := mustParse(t, "revision: 1\noutput: {format: fixed, layout: l.yaml}\nfields: {v: {from: v}}", layout)
		doc, err := m.Apply(document(c.in), SampleEnv())
		got := m.out.cs.decode(doc.Body)
		if err != nil {
			got = "hold " + string(err.(*Hold).Code)
		}
		if got != c.want {
			t.Errorf("%s of %q = %q; want %q", c.field, c.in, got, c.want)
		}
	}
}

// What a format has no place for is held, the lowest character as any other; what is
// carried comes back.
func TestRandomValuesAreCarriedOrHeld(t *testing.T) {
	mappings := carryMappings(t)
	parts := rapid.SampledFrom([]string{"a", "ß", "e\u0301", "\u0308", "𝒳", "\u202e", "\u200f", "\x00", "\x01", "\x1b", "\x1f", "\x7f", "\u0085", "\u2028", "\ufeff", "\ufffd", "\ufffe",
		"\r", "\n", "\r\n", "\t", "\"", "'", ";", ",", "<", ">", "&", "]]>", "\\", "/", " ", "\u00a0", "=", "-", "€", "Ł", "&#10;", "--"})
	rapid.Check(t, func(rt *rapid.T) {
		v := strings.Join(rapid.SliceOfN(parts, 0, 6).Draw(rt, "value"), "")
		for m, read := range mappings {
			carry(rt, m, v, read)
		}
	})
}

// A line with nothing in it is no record to whoever reads it.
func TestOneEmptyColumn(t *testing.T) {
	for quote, want := range map[string]string{"minimal": "\"\"\r\n", "all": "\"\"\r\n", "never": "hold character"} {
		m := mustParse(t, "revision: 1\noutput: {format: csv, formulas: keep, header-line: false, quote: "+quote+"}\nfields: {a: {from: v}}", nil)
		doc, err := m.Apply(document(" "), SampleEnv())
		got := string(doc.Body)
		if err != nil {
			got = "hold " + string(err.(*Hold).Code)
		}
		if got != want {
			t.Errorf("%s: %q; want %q", quote, got, want)
		}
	}
}

func TestFormulas(t *testing.T) {
	for in, formula := range map[string]bool{"=1+1": true, "@x": true, "+49 2921": true, "-Meier": true, "-5": false, "+5,5": false, "\t=1": true, "＝1": true, "a=1": false, "": false} {
		for _, how := range []string{"keep", "escape", "hold"} {
			m := mustParse(t, "revision: 1\noutput: {format: csv, header-line: false, formulas: "+how+"}\nfields: {v: {from: submission:reference}, w: {const: x}}", nil)
			env := SampleEnv()
			env.Submission.Reference = in
			doc, err := m.Apply(document(""), env)
			want := in
			if formula && how == "escape" {
				want = "'" + in
			}
			switch {
			case formula && how == "hold":
				if h, ok := err.(*Hold); !ok || h.Code != CodeFormula {
					t.Errorf("%q is not held: %v", in, err)
				}
			case err != nil:
				t.Errorf("%s %q: %v", how, in, err)
			default:
				if got := splitCSV(strings.TrimSuffix(string(doc.Body), "\r\n"), ';'); got[0] != want {
					t.Errorf("%s %q became %q", how, in, got[0])
				}
			}
		}
	}
}

func TestJSONTypes(t *testing.T) {
	for _, c := range []struct{ typ, in, want string }{
		{"number", "85.80", "85.80"}, {"number", "007", "7"}, {"number", "1e3", "1000"}, {"number", ".9", "0.9"}, {"number", "1e", "hold"}, {"number", "", ""}, {"integer", "5", "5"}, {"integer", "5.0", "5"}, {"integer", "5.5", "hold"},
		{"boolean", "true", "true"}, {"boolean", "0", "false"}, {"boolean", "ja", "hold"}, {"string", "\u0001\"\\\u007f\u2028", `"\u0001\"\\\u007f` + "\u2028\""},
	} {
		m := mustParse(t, "revision: 1\noutput: {format: json, indent: false}\nfields: {v: {from: v, type: "+c.typ+"}}", nil)
		doc, err := m.Apply(document(c.in), SampleEnv())
		got := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(doc.Body)), `{"v":`), "}")
		if err != nil {
			got = "hold"
		} else if !json.Valid(doc.Body) {
			t.Errorf("%q is not JSON", doc.Body)
		}
		if strings.TrimPrefix(got, "{") != c.want {
			t.Errorf("%s of %q = %s; want %s", c.typ, c.in, got, c.want)
		}
	}
}

func TestTargets(t *testing.T) {
	root := parseDoc(t, `<r><v>1</v><h><n>a</n><k><x>1</x></k><k><x>2</x></k></h><h><n>b</n></h></r>`)
	for _, c := range []struct{ text, want string }{
		{"{format: json, indent: false}\nfields: {a.b: {from: v}, a.c: {from: v}, d/e: {from: v}, 'f\\.g': {from: v}}", `{"a":{"b":"1","c":"1"},"d":{"e":"1"},"f.g":"1"}`},
		{"{format: json, indent: false}\nfields: {'k[1].t': {const: x}, 'k[2].t': {from: fehlt}, 'k[3].t': {const: y}}", `{"k":[{"t":"x"},{"t":"y"}]}`},
		{"{format: json, indent: false}\neach: h\nfields: {n: {from: n}, p: {from: 'record:position', type: integer}}", `[{"n":"a","p":1},{"n":"b","p":2}]`},
		{"{format: json, indent: false, record: alle.hunde}\neach: h\nfields: {n: {from: n}}", `{"alle":{"hunde":[{"n":"a"},{"n":"b"}]}}`},
		{"{format: json, indent: false}\nfields: {h: {each: h, fields: {n: {from: n}, k: {each: k, fields: {x: {from: x}, oben: {from: ../n}}}}}}", `{"h":[{"n":"a","k":[{"x":"1","oben":"a"},{"x":"2","oben":"a"}]},{"n":"b"}]}`},
		{"{format: json, indent: false}\nfields: {leer: {each: fehlt, from: x}, da: {each: fehlt, from: x, if-empty: keep}, g: {fields: {x: {from: fehlt}}}}", `{"da":[]}`},
		{"{format: json, indent: false}\nfields: {h: {each: h, let: {n: {from: n}}, when: 'n == \"b\"', fields: {n: {from: 'let:n'}}}}", `{"h":[{"n":"b"}]}`},
		{"{format: json, indent: false}\nfields: {h: {each: h, required: true, when: 'false', fields: {n: {from: n}}}}", "hold h required"},
		{"{format: json, indent: false}\nfields: {n: {each: '//x', from: ., required: true}}", `{"n":["1","2"]}`},
		{"{format: json, indent: false}\nfields: {n: {from: h/n}}", "hold n ambiguous"},
		{"{format: json, indent: false}\nwhen: 'text(\"v\") == \"2\"'\nfields: {n: {from: v}}", "hold each no-records"},
		{"{format: json, indent: false}\neach: h\nif-none: send\nwhen: 'false'\nfields: {n: {from: n}}", "[]"},
		{"{format: xml, root: r, indent: false, record: hunde/hund}\neach: h\nfields: {'@n': {from: n}}", `<r><hunde><hund n="a"/><hund n="b"/></hunde></r>`},
		{"{format: xml, root: r, indent: false, namespace: 'urn:d'}\nfields: {a/b: {from: v}, c: {from: v}, a/d: {from: v}}", `<r xmlns="urn:d"><a><b>1</b><d>1</d></a><c>1</c></r>`},
		{"{format: xml, root: r, indent: false}\nfields: {code: {from: v}, 'code/@listURI': {const: 'urn:x'}, leer: {from: fehlt}, 'leer/@listURI': {const: 'urn:x'}}", `<r><code listURI="urn:x">1</code></r>`},
		{"{format: xml, root: r, indent: false}\nfields: {'a/@b': {const: x}, k: {from: fehlt, if-empty: keep}, n: {from: fehlt, if-empty: 'null'}}", `<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><a b="x"/><k/><n xsi:nil="true"/></r>`},
		{"{format: xml, root: r, indent: false, standalone: true, schema-location: 'urn:x x.xsd'}\nfields: {.: {from: v}}", `<r xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:x x.xsd">1</r>`},
		{"{format: csv, formulas: keep, line-ending: lf, bom: true}\neach: h\nlet: {n: {from: n}}\nfields: {n: {from: 'let:n'}}\nheader: {fields: {x: {const: Kopf}}}\ntrailer: {fields: {x: {from: 'records:count'}}}", "\uFEFFn\nKopf\na\nb\n2"},
		{"{format: csv, formulas: keep, line-ending: lf, header-line: false}\neach: h\nfields: {n: {from: fehlt}}", "\"\"\n\"\""},
		{"{format: csv, formulas: keep, line-ending: lf, header-line: false}\neach: '//x'\nfields: {n: {from: .}}\ntrailer: {fields: {x: {from: 'records:sum/n'}}}", "1\n2\n3"},
		{"{format: csv, formulas: keep, line-ending: lf, header-line: false}\neach: '//x'\nfields: {n: {from: ., with: [comma 2]}}\ntrailer: {fields: {x: {from: 'records:sum/n', with: [comma 2]}}}", "1,00\n2,00\n3,00"},
		{"{format: csv, formulas: keep, line-ending: lf, header-line: false}\neach: '//x'\nfields: {m: {const: a}, n: {from: .}}\ntrailer: {fields: {m: {const: ''}, n: {from: 'records:sum/n'}}}", "a;1\na;2\n;3"},
	} {
		m := mustParse(t, "revision: 1\noutput: "+c.text, nil)
		doc, err := m.Apply(root, SampleEnv())
		got := strings.TrimSuffix(string(doc.Body), "\n")
		if i := strings.Index(got, "?>\n"); i > 0 {
			got = got[i+3:]
		}
		if err != nil {
			h := err.(*Hold)
			got = fmt.Sprintf("hold %s %s", h.Field, h.Code)
		}
		if got != c.want {
			t.Errorf("%s\n  gives %s\n  want  %s", c.text, got, c.want)
		}
	}
}

// Several record types, each with its own layout, sums over them in the trailer.
func TestRecordTypes(t *testing.T) {
	fsys := fstest.MapFS{"l.yaml": {Data: []byte("line-ending: lf\nrecords:\n  person: {fields: [{name: art, length: 1, const: P}, {name: name, length: 4}]}\n" +
		"  hund: {fields: [{name: art, length: 1, const: H}, {name: betrag, length: 6, decimal: cents, align: right, fill: \"0\"}]}\n" +
		"  trailer: {fields: [{name: n, length: 2, count: records}, {name: s, length: 7, sum: betrag, decimal: comma}]}\n")}}
	m := mustParse(t, "revision: 1\noutput: {format: fixed, layout: l.yaml}\nlet: {z: {from: name}}\nrecords:\n  - {type: person, fields: {name: {from: 'let:z'}}}\n"+
		"  - {type: hund, each: h, when: 'number(\".\") > 0', fields: {betrag: {from: .}}}\n", fsys)
	doc, err := m.Apply(parseDoc(t, "<r><name>Rex</name><h>1.50</h><h>0</h><h>2</h></r>"), nil)
	if want := "PRex \nH000150\nH000200\n3 3,50   \n"; err != nil || string(doc.Body) != want || doc.Records != 3 || doc.ContentType != "text/plain; charset=utf-8" {
		t.Errorf("%q, %v, %+v; want %q", doc.Body, err, doc, want)
	}
}

func TestChecks(t *testing.T) {
	fsys := fstest.MapFS{"m/s.xsd": {}}
	for _, c := range []struct {
		check Check
		code  Code
	}{{func([]byte) error { return nil }, ""}, {func([]byte) error { return io.ErrUnexpectedEOF }, CodeSchema}} {
		res := Files{FS: fsys, Compile: func(_ fs.FS, path string) (Check, error) {
			if path != "m/s.xsd" {
				t.Errorf("the schema is looked for at %s", path)
			}
			return c.check, nil
		}}
		m, findings := Parse("m/x.yaml", []byte("revision: 1\noutput: {format: xml, root: r, xsd: s.xsd}\nfields: {a: {from: v}}"), res)
		if m == nil {
			t.Fatal(findings)
		}
		_, err := m.Apply(document("x"), nil)
		if h, ok := err.(*Hold); ok != (c.code != "") || ok && (h.Code != c.code || strings.Contains(h.Error(), "EOF")) {
			t.Errorf("%v", err)
		}
	}
}

func TestFileNames(t *testing.T) {
	m := mustParse(t, "revision: 1\noutput: {format: json, file-name: '{submission:reference}.json'}\nfields: {v: {const: x}}", nil)
	for in, want := range map[string]string{"Müller-1 (2)": "Müller-1 (2).json", "../etc/passwd": "", "a/b": "", "": "", "a\nb": "", "a:b": "", strings.Repeat("x", 300): "", " a": ""} {
		doc, err := m.Apply(document(""), &Env{Submission: Submission{Reference: in}})
		if doc.FileName != want || (err != nil) != (want == "") {
			t.Errorf("%q gives %q, %v", in, doc.FileName, err)
		}
	}
}
