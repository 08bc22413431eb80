package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

func TestListGolden(t *testing.T) {
	s := sampleCase()
	s.MunicipalityName = "Stadt\u202eM"
	c := newConsole(t, map[string]any{"POST /admin/v1/submissions/search": admin.Page{Submissions: []admin.Submission{s}, Next: s.ID}})
	got := c.run(0, "list", "--state", "parked", "--search", "Beispiel")
	want := "NUMBER          RECEIVED  SERVICE       MUNICIPALITY  STATE   DONE  OPEN\n" +
		s.Number + "  09:00:00  hundeanmeld…  Stadt\\u202eM  parked   1/2  finance par…\n" +
		"there are more: --before " + s.ID.String() + "\n"
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if !strings.Contains(c.bodies[0], `"search":"Beispiel"`) || c.asked[0] != "POST /admin/v1/submissions/search" {
		t.Errorf("asked %v with %v", c.asked, c.bodies)
	}
}

// Another program gets whole cells.
func TestTablesAreCutForTerminalsOnly(t *testing.T) {
	s := sampleCase()
	s.MunicipalityName = strings.Repeat("Musterstadt-", 20)
	c := newConsole(t, map[string]any{"POST /admin/v1/submissions/search": admin.Page{Submissions: []admin.Submission{s}}})
	c.Width = 0 // Out is no terminal
	if got := c.run(0, "list"); !strings.Contains(got, s.MunicipalityName) || strings.Contains(got, ellipsis) {
		t.Errorf("got\n%s", got)
	}
	c.Width = 100
	for _, line := range strings.Split(c.run(0, "list"), "\n") {
		if columnsOf(line) > 100 {
			t.Errorf("%d columns: %s", columnsOf(line), line)
		}
	}
}

func TestSearchFromStandardInput(t *testing.T) {
	c := newConsole(t, map[string]any{"POST /admin/v1/submissions/search": admin.Page{}})
	c.In = strings.NewReader("276098100000017\nmore")
	if got := c.run(0, "list", "--search", "-"); got != "no submission\n" || !strings.Contains(c.bodies[0], `"search":"276098100000017"`) {
		t.Errorf("got %q, asked with %v", got, c.bodies)
	}
}

func TestShowJSONHasAState(t *testing.T) {
	s := sampleCase()
	s.MunicipalityName = "Stadt\u202eM\u009b"
	c := newConsole(t, map[string]any{"GET /admin/v1/submissions/" + s.ID.String(): s})
	text := c.run(0, "show", s.ID.String(), "--json")
	var got map[string]any
	if err := json.Unmarshal([]byte(text), &got); err != nil {
		t.Fatal(err)
	}
	if got["state"] != "parked" || got["municipality-name"] != s.MunicipalityName {
		t.Errorf("got %v", got)
	}
	if strings.ContainsAny(text, "\u202e\u009b") {
		t.Error("JSON for a terminal must hold no character that steers it")
	}
}

// What has arrived in the end says nothing of what was in its way, in the table; the
// JSON has it.
func TestShowOfWhatArrivedInTheEnd(t *testing.T) {
	s := sampleCase()
	s.Deliveries[0].Code = "http-503"
	c := newConsole(t, map[string]any{"GET /admin/v1/submissions/" + s.ID.String(): s})
	for state, shown := range map[hub.DeliveryState]bool{hub.DeliveryPending: true, hub.DeliveryDelivered: false} {
		s.Deliveries[0].State = state
		if got := strings.Contains(c.run(0, "show", s.ID.String()), "http-503"); got != shown {
			t.Errorf("%s: its code is shown: %v", state, got)
		}
		if !strings.Contains(c.run(0, "show", s.ID.String(), "--json"), "http-503") {
			t.Errorf("%s: the JSON has no code", state)
		}
	}
}

// A delivery that is not there is not answered with those that are.
func TestShowAndTraceOfNoSuchDelivery(t *testing.T) {
	s := sampleCase()
	path := "GET /admin/v1/submissions/" + s.Number
	c := newConsole(t, map[string]any{path: s, path + "/trace": admin.Trace{Submission: s}})
	for _, command := range []string{"show", "trace"} {
		c.run(0, command, s.Number+"/2")
		if got := c.run(exitNotFound, command, s.Number+"/3"); got != "" || !strings.Contains(c.errorText(), "has no delivery 3; it has 2") {
			t.Errorf("%s says %q and %q", command, got, c.errorText())
		}
	}
	s.State, s.Deliveries = hub.SubmissionErased, nil
	c = newConsole(t, map[string]any{path: s})
	c.run(0, "show", s.Number+"/2")
}

func TestTraceGolden(t *testing.T) {
	s := sampleCase()
	at := s.ReceivedAt
	tr := admin.Trace{Submission: s, Reference: "BP-4711",
		Events: []hub.Event{
			{At: at, Type: "accepted", Actor: "portal:buergerportal"},
			{At: at.Add(4 * time.Millisecond), Type: "planned", Actor: "hub"},
			{At: at.Add(1012 * time.Millisecond), Type: "delivered", Delivery: s.ID.Delivery(1)},
			{At: at.Add(2 * time.Second), Type: "parked", Delivery: s.ID.Delivery(2), Code: "http-422", Text: "refused"},
		},
		Attempts: []admin.Attempt{
			{Delivery: s.ID.Delivery(1), Ordinal: 1, N: 1, At: at.Add(time.Second), Milliseconds: 12, Kind: "send", Outcome: "delivered"},
			{Delivery: s.ID.Delivery(2), Ordinal: 2, N: 2, At: at.Add(1990 * time.Millisecond), Milliseconds: 8.5, Kind: "send", Outcome: "refused", Code: "http-422", Detail: "HTTP 422:\n\x1b[31mFeld fehlt"},
		}}
	c := newConsole(t, map[string]any{"GET /admin/v1/submissions/" + s.Number + "/trace": tr})
	got := c.run(0, "trace", s.Number)
	want := s.Number + `  hundeanmeldung  parked

  id            ` + s.ID.String() + `
  municipality  05999040 Stadt Musterstadt
  portal        buergerportal (portal)
  received      2026-03-02 09:00:00
  payload       xml, 2.9 kB, 1 attached, sha256 abababababababab…
  configuration 0123456789ab

  portal's reference: BP-4711

  Monday, 2 March 2026
  09:00:00.000    +0.0 ms  accepted (portal:buergerportal)
  09:00:00.004      +4 ms  planned (hub)
  09:00:01.000    +996 ms  1 records → akte-musterstadt: attempt 1 delivered in
                           12 ms
  09:00:01.990    +990 ms  2 finance → kasse-musterstadt: attempt 2 refused
                           http-422 in 8 ms
                           HTTP 422: \u001b[31mFeld fehlt
  09:00:02.000     +10 ms  2 finance → kasse-musterstadt: parked http-422:
                           refused

#  ROLE     SYSTEM             STATE            CODE      TRIES  WHEN
1  records  akte-musterstadt   delivered        -             1  09:00:01
2  finance  kasse-musterstadt  parked: refused  http-422      2  09:00:02

Cause: finance (kasse-musterstadt) refused the document (http-422): HTTP 422:
\u001b[31mFeld fehlt
Next: correct what it complains about (data, mapping or settings of the system),
then: stellwerk replay ` + s.Number + `/2 --anew --reason …, or end it: stellwerk
close ` + s.Number + `/2 --reason …
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	var form map[string]any
	if err := json.Unmarshal([]byte(c.run(0, "trace", s.Number, "--json")), &form); err != nil {
		t.Fatal(err)
	}
	if form["state"] != "parked" || form["cause"] == "" || !strings.Contains(form["next-step"].(string), "replay") {
		t.Errorf("JSON is %v", form)
	}
}

func TestContentIsWritten(t *testing.T) {
	s := sampleCase()
	c := newConsole(t, map[string]any{
		"GET /admin/v1/submissions/" + s.Number:                               s,
		"GET /admin/v1/deliveries/" + s.ID.Delivery(2).String() + "/document": admin.Document{Body: []byte{0x1b, 'M', 0xfc, 'l'}, ContentType: "text/plain"},
		"GET /admin/v1/submissions/" + s.Number + "/payload":                  admin.Document{Body: []byte("<hund/>")},
	})
	if got := c.run(0, "show", s.Number+"/2", "--document"); got != "\x1bM\xfcl" {
		t.Errorf("what is no terminal gets the bytes: %q", got)
	}
	out := filepath.Join(t.TempDir(), "payload.xml")
	if got := c.run(0, "show", s.Number, "--payload", "--out", out); got != "" {
		t.Errorf("wrote %q beside the file", got)
	}
	if b, err := os.ReadFile(out); err != nil || string(b) != "<hund/>" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	c.run(exitUsage, "show", s.Number, "--document")
	c.run(exitUsage, "show", s.Number, "--document", "--payload")
}
