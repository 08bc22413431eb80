package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// What a clerk types for one small dog; empty lines leave out what is voluntary.
var dachshund = []string{
	"j",               // consent
	"Beispiel", "Ute", // holder
	"31.02.1980", "3.4.1980", // no such day, then one
	"Musterweg", "5", "", "5999", "59999", "Musterstadt", // the postcode at the second try
	"", "", // telephone, e-mail
	"1", "", // dogs of the household, dangerous ones
	"Waldi", "dackel", "n", "3", "1.2.2025", "braun", "276098100000099", "24", "8,4", "1.3.2026", "", // the dog
	"privat", "", // where it is from
	"n", "n", "n", // exemption, insurance, expertise
	"n", // no further dog
	"n", // no mandate
	"",  // remark
}

func TestEnterAsksForTheForm(t *testing.T) {
	c, f := openTown(t)
	counter := "file:" + f.counterKeyFile()
	saved := filepath.Join(t.TempDir(), "form.json")
	c.In = strings.NewReader(strings.Join(dachshund, "\n") + "\n")
	got := c.run(0, "enter", "hundeanmeldung", "--municipality", "Musterstadt", "--clerk", "M. Amt", "--portal-key", counter, "--save", saved, "--reference", "T-17", "--json")
	var r receipt
	if err := json.Unmarshal([]byte(got), &r); err != nil {
		t.Fatal(err)
	}
	asked := c.errorText()
	for _, want := range []string{"Willigt die Person ein? [j/n]", "Ich willige ein", "Halter\n", "  Geburtsdatum (TT.MM.JJJJ): ", "Das ist kein Datum", "Das hat nicht die Form, die hier erwartet wird. Bitte etwa so: 59999\n",
		"Geschlecht [1 weiblich, 2 weiblich-kastriert", "Noch einmal Hund? [j/n]", "Zahlung angeben? [j/n]"} {
		if !strings.Contains(asked, want) {
			t.Errorf("%q was not asked:\n%s", want, asked)
		}
	}
	for _, never := range []string{"NachrichtenUUID", "ListURI", "Kennung", "Produkt", "Fassung"} {
		if strings.Contains(asked, never) {
			t.Errorf("%q was asked of a person:\n%s", never, asked)
		}
	}
	if shown := c.settled(r.Number); !strings.Contains(shown, `"channel": "counter"`) {
		t.Errorf("shown:\n%s", shown)
	}
	if trail := c.run(0, "audit", "--json"); !strings.Contains(trail, `"actor": "counter:buergertheke/M. Amt"`) {
		t.Errorf("the audit trail does not name the clerk:\n%s", trail)
	}
	var form struct {
		Hund []struct {
			Gewicht json.Number
			Seit    string
			Rasse   struct{ ListURI, Code string }
		}
		Halter map[string]any
	}
	text, err := os.ReadFile(saved)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(text, &form); err != nil {
		t.Fatal(err)
	}
	if d := form.Hund[0]; len(form.Hund) != 1 || d.Gewicht != "8.4" || d.Seit != "2026-03-01" || d.Rasse.Code != "dackel" || !strings.Contains(d.Rasse.ListURI, "hunderassen") {
		t.Errorf("the form: %s", text)
	}
	if _, there := form.Halter["telefon"]; there {
		t.Errorf("what was left out is there: %s", text)
	}
	// What was typed can be given again, corrected; the attachment goes with it.
	again := c.run(0, "enter", "hundeanmeldung", "--municipality", sampleMunicipality, "--clerk", "M. Amt", "--portal-key", counter, "--file", saved, "--consent", "--attach", saved)
	if !strings.Contains(again, "next      stellwerk trace") {
		t.Errorf("again: %s", again)
	}
}

func TestEnterRefusals(t *testing.T) {
	c, f := openTown(t)
	counter := "file:" + f.counterKeyFile()
	base := []string{"enter", "hundeanmeldung", "--municipality", "Musterstadt", "--portal-key", counter}
	with := func(more ...string) []string { return append(base[:len(base):len(base)], more...) }

	c.run(2, base...) // no clerk
	c.In = strings.NewReader("n\n")
	c.run(2, with("--clerk", "x")...) // no consent
	if !strings.Contains(c.errorText(), "without the citizen's consent") {
		t.Errorf("got %s", c.errorText())
	}
	c.In = strings.NewReader("j\nBeispiel\n")
	c.run(2, with("--clerk", "x")...) // the input ends
	if !strings.Contains(c.errorText(), "nothing was sent") {
		t.Errorf("got %s", c.errorText())
	}
	c.run(2, "enter", "hundeanmeldung", "--clerk", "x", "--portal-key", "file:"+f.portalKeyFile(), "--municipality", "Musterstadt")
	if !strings.Contains(c.errorText(), "no counter's") {
		t.Errorf("got %s", c.errorText())
	}
	c.run(4, "enter", "angelschein", "--clerk", "x", "--portal-key", counter)
	c.run(4, "enter", "hundeanmeldung", "--clerk", "x", "--portal-key", counter, "--municipality", "Anderswo")
	at := files(t, map[string]string{"bad.json": "{\n  \"hund\": 1\n}"})
	c.run(1, with("--clerk", "x", "--consent", "--file", at("bad.json"))...)
	if !strings.Contains(c.errorText(), "2:11 /hund: expected here: an array") {
		t.Errorf("got %s", c.errorText())
	}
	if list := c.run(0, "list", "--json"); !strings.Contains(list, `"submissions": []`) {
		t.Errorf("something was kept:\n%s", list)
	}
}

// An answer got lost behind the last question: what was typed is offered to be kept, and
// given again as the command says it is the same case, however late.
func TestEnterRepeatsWhatWasTyped(t *testing.T) {
	c, f := openTown(t)
	hub, err := url.Parse(c.portals)
	if err != nil {
		t.Fatal(err)
	}
	proxy, posts := httputil.NewSingleHostReverseProxy(hub), atomic.Int32{}
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.Request.Method == http.MethodPost && posts.Add(1) == 1 {
			panic(http.ErrAbortHandler) // accepted, and nobody hears of it
		}
		return nil
	}
	web := httptest.NewServer(proxy)
	t.Cleanup(web.Close)
	saved := filepath.Join(t.TempDir(), "form.json")
	enter := []string{"enter", "hundeanmeldung", "--municipality", "Musterstadt", "--clerk", "M. Amt", "--portal-key", "file:" + f.counterKeyFile(), "--portals", web.URL}
	c.In = strings.NewReader(strings.Join(append(dachshund[:len(dachshund):len(dachshund)], saved), "\n") + "\n")
	c.run(exitUnreachable, enter...)
	told := regexp.MustCompile(`derselbe Aufruf mit (.*)`).FindStringSubmatch(c.errorText())
	if told == nil {
		t.Fatalf("nothing is said of a second try:\n%s", c.errorText())
	}
	c.Now = func() time.Time { return time.Now().Add(time.Hour) }
	c.run(0, append(enter, strings.Fields(told[1])...)...)
	if list := c.run(0, "list", "--json"); strings.Count(list, `"number":`) != 1 {
		t.Errorf("not one case:\n%s", list)
	}
}

// What the form could not take is said before the first question.
func TestEnterLooksAtItsFlagsFirst(t *testing.T) {
	c, f := openTown(t)
	enter := []string{"enter", "hundeanmeldung", "--municipality", "Musterstadt", "--clerk", "M. Amt", "--portal-key", "file:" + f.counterKeyFile()}
	for says, flags := range map[string][]string{
		"--reference does not fit": {"--reference", "Akte Müller"},
		"--attach: ":               {"--attach", f.dir},
		"--save: ":                 {"--save", f.counterKeyFile()},
		"--idempotency-key: ":      {"--idempotency-key", "ü"},
		"--consent-at: ":           {"--consent", "--consent-at", "gestern"},
	} {
		c.In = strings.NewReader(strings.Join(dachshund, "\n") + "\n")
		c.run(exitUsage, append(enter, flags...)...)
		if got := c.errorText(); !strings.Contains(got, says) || strings.Contains(got, "Willigt") {
			t.Errorf("%v says:\n%s", flags, got)
		}
	}
}

func TestFormReads(t *testing.T) {
	const low, high = json.Number("0.2"), json.Number("160")
	for _, test := range []struct {
		f    form
		in   string
		want any
	}{
		{form{Type: "number", Minimum: low, Maximum: high}, "31,5", json.Number("31.5")},
		{form{Type: "number", Minimum: low, Maximum: high}, "0.2", json.Number("0.2")},
		{form{Type: "number", Minimum: low}, "0,1", nil},
		{form{Type: "number", Maximum: high}, "160,01", nil},
		{form{Type: "number"}, "1e5", nil},
		{form{Type: "number"}, "007", nil},
		{form{Type: "integer"}, "3,5", nil},
		{form{Type: "integer"}, "12", json.Number("12")},
		{form{Type: "boolean"}, "Ja", true},
		{form{Type: "boolean"}, "vielleicht", nil},
		{form{Format: "date"}, "1.12.2026", "2026-12-01"},
		{form{Format: "date"}, "2026-12-01", "2026-12-01"},
		{form{Format: "date"}, "30.2.2026", nil},
		{form{Enum: []any{"a", "b"}}, "2", "b"},
		{form{Enum: []any{"a", "b"}}, "A", "a"},
		{form{Enum: []any{"a", "b"}}, "3", nil},
		{form{MaxLength: 3}, "äöü", "äöü"},
		{form{MaxLength: 3}, "äöüß", nil},
		{form{MinLength: 3}, "äö", nil},
		{form{Pattern: "^[0-9]+$"}, "1a", nil},
		{form{Pattern: `^(?=a)`}, "b", "b"}, // not ours to judge
	} {
		if got, complaint := test.f.read(test.in); got != test.want || (test.want == nil) != (complaint != "") {
			t.Errorf("%+v: %q is read as %v (%s), want %v", test.f, test.in, got, complaint, test.want)
		}
	}
}
