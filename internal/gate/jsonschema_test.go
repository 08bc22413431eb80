package gate

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"testing/synctest"
)

var dogSchema = fstest.MapFS{
	"hund/hund.json": {Data: []byte(`{
		"$schema": "https://json-schema.org/draft/2020-12/schema",
		"type": "object", "required": ["halter", "hund"], "additionalProperties": false,
		"properties": {
			"halter": {"$ref": "../teile/halter.json"},
			"größe": {"type": "integer"},
			"format": {"type": "string", "minLength": 1},
			"hund": {"type": "array", "minItems": 1, "maxItems": 3, "uniqueItems": true, "items": {"$ref": "#/$defs/hund"}},
			"zahlung": {"oneOf": [
				{"type": "null"},
				{"type": "object", "properties": {"art": {"const": "sepa"}, "iban": {"pattern": "^[A-Z]{2}[0-9]{20}$"}}, "required": ["art", "iban"]}
			]}
		},
		"$defs": {"hund": {"type": "object", "properties": {
			"chip": {"type": "string", "pattern": "^[0-9]{15}$"},
			"geboren": {"type": "string", "format": "date"},
			"gewicht": {"type": "number", "exclusiveMinimum": 0, "maximum": 150.5, "multipleOf": 0.5},
			"rasse": {"enum": ["0815", "4711"]},
			"name": {"type": "string", "maxLength": 10}
		}, "dependentRequired": {"rasse": ["gewicht"]}}}
	}`)},
	"teile/halter.json": {Data: []byte(`{"type": ["object", "null"], "properties": {"email": {"type": "string", "format": "email"}}}`)},
}

func TestJSONSchemaAdmits(t *testing.T) {
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		"größe": true, "groesse": false, "größe/x": false, "hund": true, "hund/chip": true, "hund/chip/x": false, "hund/other": true, "hund/rasse/x": false, "@x": false, "hund/@x": false,
		"halter/email": true, "halter/mail": true, "zahlung/iban": true, "zahlung/art/x": false, "**/chip": true, "*/chip": true, "format/**": true, "format/**/x": false,
	} {
		if got := s.Admits(strings.Split(path, "/")); got != want {
			t.Errorf("%s: %v", path, got)
		}
	}
}

// judged gives the findings of a body as lines.
func judged(t *testing.T, s Schema, media, body string, max int) (lines []string, more bool) {
	t.Helper()
	_, err := Check(context.Background(), []byte(body), media, Options{Schema: s, Findings: max})
	var invalid *Invalid
	if err != nil && !errors.As(err, &invalid) {
		t.Fatal(err)
	}
	if invalid == nil {
		return nil, false
	}
	for _, f := range invalid.Findings {
		lines = append(lines, fmt.Sprintf("%d:%d %s %s | %s | %s", f.Line, f.Column, f.Pointer, f.Rule, f.De, f.En))
	}
	return lines, invalid.More
}

func TestJSONSchema(t *testing.T) {
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	const dog = `{"chip":"276000000000001"}`
	for _, c := range []struct{ name, in, want string }{
		{"valid", `{"halter": null, "hund": [` + dog + `], "zahlung": {"art": "sepa", "iban": "DE00000000000000000000"}, "größe": 1.0}`, ``},
		{"missing", "{\n}", `1:1  required | Hier fehlt die Angabe „halter“. Bitte ergänzen. | "halter" is missing here; add it
			1:1  required | Hier fehlt die Angabe „hund“. Bitte ergänzen. | "hund" is missing here; add it`},
		{"a file beside it, a format", "{\"hund\": [" + dog + "],\n \"halter\": {\"email\": \"Erika Mustermann\"}}",
			`2:22 /halter/email format | Hier wird eine E-Mail-Adresse erwartet. | expected here: an e-mail address`},
		{"patterns and types", `{"halter": {}, "hund": [` + dog + `, {"chip": "Erika"}, {"chip": 276}]}`,
			`1:62 /hund/1/chip pattern | Der Text hat nicht die vorgeschriebene Form (Muster ^[0-9]{15}$). | the text does not have the required form (pattern ^[0-9]{15}$)
			1:81 /hund/2/chip type | Hier wird ein Text erwartet. | expected here: a string`},
		{"numbers", `{"halter": {}, "hund": [{"gewicht": 0}, {"gewicht": 1e3}, {"gewicht": 0.3}]}`,
			`1:37 /hund/0/gewicht exclusiveMinimum | Die Zahl muss größer als 0 sein. | the number must be greater than 0
			1:53 /hund/1/gewicht maximum | Die Zahl ist zu groß. Höchstens 150.5 ist erlaubt. | the number is too large; at most 150.5 is allowed
			1:71 /hund/2/gewicht multipleOf | Die Zahl muss ein Vielfaches von 0.5 sein. | the number must be a multiple of 0.5`},
		{"words, dates, lengths, dependencies", `{"halter": {}, "hund": [{"rasse": "Erika"}, {"geboren": "31.02.2026", "name": "Mustermann!"}]}`,
			`1:25 /hund/0 dependentRequired | Hier fehlt die Angabe „gewicht“. Bitte ergänzen. | "gewicht" is missing here; add it
			1:35 /hund/0/rasse enum | Erlaubt ist hier nur einer dieser Werte: "0815", "4711". | only one of these values is allowed here: "0815", "4711"
			1:57 /hund/1/geboren format | Hier wird ein Datum in der Form JJJJ-MM-TT erwartet. | expected here: a date written YYYY-MM-DD
			1:79 /hund/1/name maxLength | Der Text ist zu lang. Höchstens 10 Zeichen sind erlaubt. | the text is too long; at most 10 characters are allowed`},
		{"lists", `{"halter": {}, "hund": [` + dog + `, ` + dog + `], "format": ""}`,
			`1:24 /hund uniqueItems | Die Einträge 1 und 2 der Liste sind gleich. Bitte einen weglassen. | the items 1 and 2 of the list are equal; leave one out
			1:92 /format minLength | Der Text ist leer. Bitte ausfüllen. | the text is empty; fill it in`},
		{"an empty list", `{"halter": {}, "hund": []}`, `1:24 /hund minItems | Die Liste ist leer. Mindestens ein Eintrag ist nötig. | the list is empty; at least one item is needed`},
		{"the alternative that was meant", `{"halter": {}, "hund": [` + dog + `], "zahlung": {"art": "sepa", "iban": "Erika"}}`,
			`1:89 /zahlung/iban pattern | Der Text hat nicht die vorgeschriebene Form (Muster ^[A-Z]{2}[0-9]{20}$). | the text does not have the required form (pattern ^[A-Z]{2}[0-9]{20}$)`},
		{"no alternative", `{"halter": {}, "hund": [` + dog + `], "zahlung": "Erika"}`,
			`1:65 /zahlung oneOf | Die Angaben passen auf keine der vorgesehenen Möglichkeiten. | the data fits none of the alternatives`},
		{"keys that nobody knows", `{"halter": {}, "hund": [` + dog + `], "hUND2": 1, "Erika Mustermann": 2, "größe": "x"}`,
			`1:63 /hUND2 additionalProperties | Der Schlüssel „hUND2“ ist hier nicht vorgesehen. Bitte Schreibweise prüfen oder weglassen. | the key "hUND2" is not allowed here; check its spelling or leave it out
			1:86  additionalProperties | Dieser Schlüssel ist hier nicht vorgesehen. Bitte Schreibweise prüfen oder weglassen. | this key is not allowed here; check its spelling or leave it out
			1:98 /größe type | Hier wird eine ganze Zahl erwartet. | expected here: an integer`},
	} {
		t.Run(c.name, func(t *testing.T) {
			lines, _ := judged(t, s, "application/json", c.in, 0)
			got := map[string]bool{}
			for _, l := range lines {
				got[l] = true
				if strings.Contains(l, "Erika") || strings.Contains(l, "Mustermann") {
					t.Errorf("a finding repeats the document: %s", l)
				}
			}
			var want []string
			if c.want != "" {
				want = strings.Split(strings.ReplaceAll(c.want, "\t", ""), "\n")
			}
			for _, l := range want {
				if !got[l] {
					t.Errorf("missing %s", l)
				}
				delete(got, l)
			}
			for l := range got {
				t.Errorf("unwanted %s", l)
			}
		})
	}
}

func TestFindingsAreLimited(t *testing.T) {
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	var keys []string
	for i := range 60 {
		keys = append(keys, fmt.Sprintf(`"k%d": 1`, i))
	}
	body := "{" + strings.Join(keys, ",") + "}"
	if lines, more := judged(t, s, "application/json", body, 0); len(lines) != 50 || !more {
		t.Errorf("%d findings, more: %v", len(lines), more)
	}
	if lines, more := judged(t, s, "application/json", body, 62); len(lines) != 62 || more {
		t.Errorf("%d findings, more: %v", len(lines), more)
	}
}

// Each finding's place is looked for among all values: of thousands only those are
// looked for that can be told.
func TestThousandsOfFindingsCostLittle(t *testing.T) {
	if raced {
		t.Skip("the race detector allocates, too")
	}
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	body := func(keys int) string {
		var b strings.Builder
		for i := range keys {
			fmt.Fprintf(&b, `"k%d": 1,`, i)
		}
		return "{" + b.String() + `"z": 1}`
	}
	cost := func(keys int) float64 {
		doc := body(keys)
		return testing.AllocsPerRun(3, func() { judged(t, s, "application/json", doc, 0) }) / float64(keys)
	}
	if all := cost(8000); all > 8 { // what building the document takes, and 201 findings
		t.Errorf("%.1f allocations a key", all)
	}
}

func TestSchemasThatDoNotCompile(t *testing.T) {
	for name, c := range map[string]struct{ schema, want string }{
		"remote":      {`{"$ref": "https://example.org/x.json"}`, "https://example.org/x.json, which is not loaded"},
		"outside":     {`{"$ref": "../../../etc/passwd"}`, "etc/passwd"},
		"not there":   {`{"$ref": "y.json"}`, "y.json"},
		"format":      {`{"properties": {"a": {"format": "iban"}}}`, `format "iban" is not checked here`},
		"no schema":   {`{"type": 1}`, "compile schema s.json"},
		"no JSON":     {`{`, "compile schema s.json"},
		"bad pattern": {`{"pattern": "(?<=x)"}`, "compile schema s.json"},
	} {
		_, err := CompileJSON(fstest.MapFS{"s.json": {Data: []byte(c.schema)}}, "s.json")
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", name, err)
		}
	}
	ok := `{"properties": {"format": {"const": {"format": "x"}}, "b": {"enum": [{"format": "y"}], "format": "date"}}}`
	if _, err := CompileJSON(fstest.MapFS{"s.json": {Data: []byte(ok)}}, "s.json"); err != nil {
		t.Error(err)
	}
}

func TestSchemaOfTheOtherFormat(t *testing.T) {
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Check(context.Background(), []byte("<a/>"), "text/xml", Options{Schema: s})
	if _, refused := IsRefusal(err); err == nil || refused {
		t.Errorf("got %v", err)
	}
}

func TestRefusedBeforeJudged(t *testing.T) {
	s, err := CompileJSON(dogSchema, "hund/hund.json")
	if err != nil {
		t.Fatal(err)
	}
	_, err = Check(context.Background(), []byte(`{"x":1,}`), "application/json", Options{Schema: s})
	if r, ok := IsRefusal(err); !ok || r.Code != codeJSONSyntax {
		t.Errorf("got %v", err)
	}
}

func TestLargeDocumentsWaitForASlot(t *testing.T) {
	s, err := CompileJSON(fstest.MapFS{"s.json": {Data: []byte(`{"type": "object"}`)}}, "s.json")
	if err != nil {
		t.Fatal(err)
	}
	small, large := antragJSON(1), antragJSON(2000)
	synctest.Test(t, func(t *testing.T) {
		slots := NewSlots(1)
		if err := slots.take(t.Context()); err != nil {
			t.Fatal(err)
		}
		o := Options{Schema: s, Large: slots}
		if _, err := Check(t.Context(), small, "application/json", o); err != nil {
			t.Errorf("a small document: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, err := Check(ctx, large, "application/json", o)
			done <- err
		}()
		synctest.Wait()
		select {
		case err := <-done:
			t.Errorf("a large document did not wait: %v", err)
		default:
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		slots.give()
		for range 2 { // a slot that is not given back would stop the second one
			if _, err := Check(t.Context(), large, "application/json", o); err != nil {
				t.Error(err)
			}
		}
	})
}
