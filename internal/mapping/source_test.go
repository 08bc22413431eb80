package mapping

import (
	"bufio"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

func TestSources(t *testing.T) {
	env := &Env{
		Submission: Submission{ID: "id", Number: "nr", Service: "svc", Portal: "p", Reference: "ref", Bundle: "b", Delivery: "d",
			ReceivedAt: time.Date(2026, 12, 31, 23, 30, 0, 0, time.UTC)},
		Municipality: Municipality{AGS: "05974040", ARS: "059740040040", Name: "Soest"},
		Meta:         Meta{TrustLevel: "3", Mailbox: "m", Email: "e", Channel: "counter", Clerk: "c", ConsentAt: time.Date(2026, 7, 1, 10, 0, 0, 0, time.UTC), ConsentVersion: "v", Account: map[string]string{"surname": "s"}},
		Attachments:  []Attachment{{ID: "1", Name: "a", Type: "t", Size: 5, SHA256: "s"}, {ID: "2", Name: "b"}},
		Answers:      map[string]map[string]string{"finance": {"kz": "4711"}},
		Next:         func(name, _ string) (string, error) { return name + "-1", nil },
	}
	for source, want := range map[string]string{
		"submission:id": "id", "submission:number": "nr", "submission:service": "svc", "submission:portal": "p", "submission:reference": "ref",
		"submission:bundle": "b", "submission:delivery": "d", "submission:received-at": "2027-01-01T00:30:00+01:00", "submission:received-on": "2027-01-01",
		"submission:rendered-at": "2027-01-01T00:30:00+01:00", "municipality:ags": "05974040", "municipality:ars": "059740040040", "municipality:name": "Soest",
		"meta:trust-level": "3", "meta:mailbox": "m", "meta:email": "e", "meta:channel": "counter", "meta:clerk": "c", "meta:consent-at": "2026-07-01T12:00:00+02:00",
		"meta:account/surname": "s", "meta:account/givenName": "",
		"meta:consent-version": "v", "answer:finance/kz": "4711", "answer:finance/x": "", "record:position": "1",
	} {
		m := mustParse(t, "revision: 1\noutput: {format: csv, formulas: keep, header-line: false, line-ending: lf}\nfields: {v: {from: '"+source+"'}, w: {const: x}}", nil)
		for _, e := range []*Env{env, {}, nil} {
			doc, err := m.Apply(document("x"), e)
			if got := strings.TrimSuffix(string(doc.Body), ";x\n"); err != nil || e == env && got != want {
				t.Errorf("%s = %q, %v; want %q", source, got, err, want)
			}
		}
	}
	m := mustParse(t, "revision: 1\noutput: {format: json, indent: false}\nfields: {a: {each: submission:attachments, fields: {x: {template: '{attachment:id} {attachment:name} {attachment:type} {attachment:size} {attachment:sha256} {record:position}'}}}, n: {number-range: marke}}", nil)
	doc, err := m.Apply(document("x"), env)
	if want := `{"a":[{"x":"1 a t 5 s 1"},{"x":"2 b  0  2"}],"n":"marke-1"}` + "\n"; err != nil || string(doc.Body) != want {
		t.Errorf("%s, %v", doc.Body, err)
	}
}

func TestOrdinanceInAMapping(t *testing.T) {
	ord, findings := LoadOrdinance(fstest.MapFS{"o.yaml": {Data: []byte(ordText)}}, "o.yaml")
	if ord == nil {
		t.Fatal(findings)
	}
	root := parseDoc(t, `<r><seit>2024-07-01</seit><frueher>2024-06-30</frueher><art>normal</art><leer/><zwei/><zwei/></r>`)
	for _, c := range []struct{ rule, want string }{
		{"{ordinance: {name: o, by: {dogs: '1', kind: 'text(\"art\")'}}}", "90.00"},
		{"{ordinance: {name: o, on: frueher, by: {dogs: '1', kind: '\"normal\"'}}}", "84.00"},
		{"{ordinance: {name: o, column: konto, on: frueher, by: {dogs: '1', kind: '\"normal\"'}}}", "0815"},
		{"{ordinance: o}", "100.00"}, {"{expr: 'ordinance(\"o\") * 2'}", "200.00"}, {"{expr: 'ordinance(\"o/amount\", date(\"2027-06-01\"))'}", "1.00"},
		{"{ordinance: {name: o, on: leer}}", "hold not-a-date"}, {"{ordinance: {name: o, on: zwei}}", "hold ambiguous"}, {"{ordinance: o/konto}", "hold no-rate"},
		{"{ordinance: {name: o, by: {dogs: 'number(\"art\")'}}}", "hold not-a-number"}, {"{ordinance: andere}", "hold no-rate"}, {"{ordinance: o, with: [pro-rata frueher]}", "58.33"},
		{"{ordinance: o, with: [pro-rata frueher up, comma]}", "58,34"}, {"{ordinance: andere, else: {const: '0.00'}}", "0.00"},
	} {
		m := mustParse(t, "revision: 1\noutput: {format: json, indent: false}\nlet: {dogs: {const: '2'}, kind: {from: art}}\nfields:\n  v: "+c.rule, nil)
		doc, err := m.Apply(root, &Env{Ordinances: map[string]*Ordinance{"o": ord}})
		got := strings.TrimSuffix(strings.TrimPrefix(strings.TrimSpace(string(doc.Body)), `{"v":"`), `"}`)
		if err != nil {
			got = "hold " + string(err.(*Hold).Code)
		}
		if got != c.want {
			t.Errorf("%s = %s (%v); want %s", c.rule, got, err, c.want)
		}
	}
	m := mustParse(t, "revision: 1\noutput: {format: json}\nfields:\n  v: {ordinance: o}", nil)
	if _, err := m.Apply(root, &Env{Ordinances: map[string]*Ordinance{"o": ord}}); err == nil || !strings.Contains(err.Error(), "asks for dogs, which this mapping does not give") {
		t.Errorf("%v", err)
	}
	for _, f := range []string{"{name: o, on: 'x['}", "{name: o, by: {a: 'x('}}", "{nam: o}"} {
		if m, _ := Parse("x.yaml", []byte(jsonHead+"fields:\n  v: {ordinance: "+f+"}"), nil); m != nil {
			t.Errorf("%s is accepted", f)
		}
	}
}

// Counting and adding up over texts, attributes and what predicates find.
func TestPathsInExpressions(t *testing.T) {
	root := parseDoc(t, `<r><h n="1.5" art="a"/><h n="2" art="b"/><h art="a"/><k>1</k><k>2</k></r>`)
	for expr, want := range map[string]string{`count("h")`: "3", `count("h/@n")`: "2", `sum("h/@n")`: "3.5", `count("h[@art='a']")`: "2", `sum("h[@art='b']/@n | k")`: "5",
		`sum("//k")`: "3", `count("count(h)")`: "1", `exists("h[@art='c']")`: "false", `count("h/@n | h/@n")`: "2", `sum("h/@art")`: "hold"} {
		m := mustParse(t, jsonHead+"fields:\n  v: {expr: '"+strings.ReplaceAll(expr, "'", "''")+"', type: number}", nil)
		doc, err := m.Apply(root, nil)
		got := strings.TrimSuffix(strings.TrimPrefix(string(doc.Body), "{\n  \"v\": "), "\n}\n")
		if err != nil {
			got = "hold"
			if want != "hold" && strings.Contains(err.Error(), "true or false") {
				got = "false"
			}
		}
		if want == "false" && err != nil { // a truth is no number
			continue
		}
		if got != want {
			t.Errorf("%s = %q, %v; want %s", expr, got, err, want)
		}
	}
}

// Every example of the registry is taken, each with one digit changed is not.
func TestIBANRegistry(t *testing.T) {
	sc := bufio.NewScanner(corpus(t, "php-iban/registry.txt"))
	n := 0
	for sc.Scan() {
		cols := strings.Split(sc.Text(), "|")
		if len(cols) < 9 || len(cols[0]) != 2 || cols[7] == "" {
			continue
		}
		n++
		example := cols[7]
		if got, ok := iban(strings.ToLower(example[:4] + " " + example[4:])); !ok || got != example {
			t.Errorf("%s is refused", example)
		}
		for i := 2; i < len(example); i++ {
			if !isDigit(example[i]) {
				continue
			}
			changed := example[:i] + string('0'+(example[i]-'0'+1)%10) + example[i+1:]
			if _, ok := iban(changed); ok {
				t.Errorf("%s is taken, a change of %s", changed, example)
			}
		}
	}
	if n < 70 {
		t.Errorf("only %d countries", n)
	}
}

func TestFindingsAndHoldsRead(t *testing.T) {
	f := Findings{{File: "a", Line: 2, Column: 3, Message: "m", Suggestion: "s"}, {File: "a", Message: "w", Severity: Warning}, {File: "a", Message: "w", Severity: Warning}}
	f = f.Sort()
	if got := fmt.Sprint(f); got != "[a: warning: w a:2:3: m (s)]" {
		t.Error(got)
	}
	if f.Err().Error() != "a:2:3: m (s)" || (&FindingsError{f}).Error() != f.Err().Error() || f[:1].Sort().HasErrors() {
		t.Error(f.Err())
	}
	if Error.String()+Warning.String() != "errorwarning" {
		t.Error("severities")
	}
	written, err := json.Marshal(f)
	var back Findings
	if err != nil || !strings.Contains(string(written), `"severity":"warning"`) || json.Unmarshal(written, &back) != nil || fmt.Sprint(back) != fmt.Sprint(f) {
		t.Errorf("as JSON %s, %v; read back %v", written, err, back)
	}
	h := &Hold{Mapping: "m.yaml", Line: 4, Field: "f", Record: 2, Message: "is bad", Value: "geheim"}
	if h.Error() != "m.yaml:4: f (record 2): is bad" {
		t.Error(h)
	}
}
