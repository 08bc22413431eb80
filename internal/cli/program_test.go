package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// console is a program with a hub that answers what the test says.
type console struct {
	*Program
	t        *testing.T
	out, err bytes.Buffer
	env      map[string]string
	portals  string   // of openTown: the portals' API
	control  string   // of openTown: the partners' control API
	asked    []string // method and path
	bodies   []string
	queries  []string
}

func newConsole(t *testing.T, answers map[string]any) *console {
	t.Helper()
	c := &console{t: t, env: map[string]string{}}
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body bytes.Buffer
		_, _ = body.ReadFrom(r.Body)
		what := r.Method + " " + r.URL.Path
		c.asked, c.bodies = append(c.asked, what), append(c.bodies, body.String())
		c.queries = append(c.queries, r.URL.RawQuery)
		answer, ok := answers[what]
		w.Header().Set("Content-Type", "application/json")
		switch {
		case r.Header.Get("Authorization") != "Bearer swo_a_b":
			answer = &admin.Problem{Status: http.StatusUnauthorized, Code: admin.CodeUnauthorized}
		case !ok:
			answer = &admin.Problem{Status: http.StatusNotFound, Code: admin.CodeNotFound, Detail: "the hub has nothing under this name"}
		}
		if p, ok := answer.(*admin.Problem); ok {
			w.Header().Set("Content-Type", "application/problem+json")
			w.WriteHeader(p.Status)
		}
		if err := json.NewEncoder(w).Encode(answer); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(web.Close)
	c.env["STELLWERK_HUB"], c.env["STELLWERK_KEY"] = web.URL, "swo_a_b"
	c.Program = &Program{In: strings.NewReader(""), Out: &c.out, Err: &c.err, Zone: time.UTC, Version: "test", Width: 80,
		Now:       func() time.Time { return time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC) },
		LookupEnv: func(name string) (string, bool) { v, ok := c.env[name]; return v, ok }}
	return c
}

func (c *console) run(want int, args ...string) string {
	c.t.Helper()
	c.out.Reset()
	c.err.Reset()
	if got := c.Run(c.t.Context(), args); got != want {
		c.t.Fatalf("stellwerk %s ended with %d, want %d\n%s%s", strings.Join(args, " "), got, want, c.out.String(), c.err.String())
	}
	return c.out.String()
}

var sampleID = func() hub.ID {
	id, err := hub.ParseID("019cadd8-3000-7000-8000-000000000000")
	if err != nil {
		panic(err)
	}
	return id
}()

func sampleCase() admin.Submission {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	return admin.Submission{ID: sampleID, Number: sampleID.Number(), State: hub.SubmissionParked, Municipality: "05999040", MunicipalityName: "Stadt Musterstadt",
		Service: "hundeanmeldung", Portal: "buergerportal", Channel: "portal", ReceivedAt: at, Revision: "0123456789ab", Format: "xml",
		SHA256: strings.Repeat("ab", 32), Size: 2900, Attachments: 1,
		Deliveries: []admin.Delivery{
			{ID: sampleID.Delivery(1), Ordinal: 1, Role: "records", System: "akte-musterstadt", Document: "records", State: hub.DeliveryDelivered, Attempts: 1, SettledAt: at.Add(time.Second)},
			{ID: sampleID.Delivery(2), Ordinal: 2, Role: "finance", System: "kasse-musterstadt", Document: "finance", State: hub.DeliveryParked, Reason: hub.ParkRefused, Code: "http-422", Attempts: 2, UpdatedAt: at.Add(2 * time.Second)},
		}}
}

func (c *console) errorText() string { return c.err.String() }

func TestReplayPicksWhatIsParked(t *testing.T) {
	s := sampleCase()
	c := newConsole(t, map[string]any{
		"GET /admin/v1/submissions/" + s.Number:                              s,
		"POST /admin/v1/deliveries/" + s.ID.Delivery(2).String() + "/replay": s,
		"POST /admin/v1/deliveries/" + s.ID.Delivery(1).String() + "/replay": &admin.Problem{Status: 409, Code: admin.CodeState, Detail: "not possible in this state"},
	})
	if got := c.run(0, "replay", s.Number, "--reason", "Kasse repariert", "--anew"); got != s.Number+"/2 put back; the case is parked\n" {
		t.Errorf("got %q", got)
	}
	if last := c.bodies[len(c.bodies)-1]; last != `{"anew":true,"reason":"Kasse repariert"}` {
		t.Errorf("asked with %s", last)
	}
	// A list with a number written wrong is no order: nothing of it is carried out.
	asked := len(c.bodies)
	c.run(exitUsage, "replay", s.Number, "4KQ2-X7M1", "--reason", "x")
	if len(c.bodies) != asked {
		t.Errorf("asked the hub %d times", len(c.bodies)-asked)
	}
	c.run(exitState, "replay", s.Number+"/1", "--reason", "x")
	c.run(exitNotFound, "replay", s.Number+"/7", "--reason", "x")
}

// A case that was parked before it was planned is reopened or closed as a whole.
func TestWholeCase(t *testing.T) {
	s := sampleCase()
	s.Deliveries, s.Reason, s.Code = nil, hub.ParkUnmapped, "no-delivery"
	again, settled := s, s
	again.State, settled.State = hub.SubmissionAccepted, hub.SubmissionSettled
	path := "/admin/v1/submissions/" + s.Number
	c := newConsole(t, map[string]any{"GET " + path: s,
		"POST /admin/v1/submissions/" + s.ID.String() + "/reopen": again, "POST /admin/v1/submissions/" + s.ID.String() + "/close": settled})
	if got := c.run(0, "replay", s.Number, "--reason", "x"); got != s.Number+" put back; the case is accepted\n" {
		t.Errorf("replay says %q", got)
	}
	if got := c.run(0, "close", s.Number, "--reason", "x"); got != s.Number+" closed; the case is settled\n" {
		t.Errorf("close says %q", got)
	}
}

func TestReplayByFilter(t *testing.T) {
	c := newConsole(t, map[string]any{"POST /admin/v1/replays": admin.Order{Matched: 7, DryRun: true}})
	if got := c.run(0, "replay", "--system", "kasse", "--parked-as", "refused", "--dry-run"); got != "7 would be put back\n" {
		t.Errorf("got %q", got)
	}
	if want := `"filter":{"system":"kasse","reason":"refused"},"dry-run":true`; !strings.Contains(c.bodies[0], want) {
		t.Errorf("asked with %s, want %s in it", c.bodies[0], want)
	}
}

func TestCloseByFilter(t *testing.T) {
	c := newConsole(t, map[string]any{"POST /admin/v1/closures": admin.Order{Matched: 7, Done: 7}})
	if got := c.run(0, "close", "--system", "kasse", "--parked-as", "refused", "--reason", "von Hand gebucht"); got != "7 closed\n" {
		t.Errorf("got %q", got)
	}
	if want := `{"reason":"von Hand gebucht","filter":{"system":"kasse","reason":"refused"},"limit":1000}`; c.bodies[0] != want {
		t.Errorf("asked with %s, want %s", c.bodies[0], want)
	}
}

func TestUsage(t *testing.T) {
	c := newConsole(t, nil)
	s := sampleCase()
	for _, args := range [][]string{
		{"lst"}, {"list", "more"}, {"list", "--stat", "x"}, {"list", "--since", "gestern"}, {"show"}, {"show", "nonsense"}, {"show", s.Number + "/0"},
		{"show", s.Number + "/x"}, {"trace", s.Number, s.Number}, {"replay", s.Number}, {"replay"}, {"replay", "--reason", "x"},
		{"replay", s.Number, "--system", "a", "--reason", "x"}, {"close", s.Number}, {"close", "--reason", "x"}, {"close", "--system", "a"}, {"close", s.Number, "--dry-run"}, {"systems", "pause", "a"}, {"systems", "pause"},
		{"submit", "x.xml"}, {"keys", "portal", "Käse"}, {"load", "--count", "0"}, {"load", "--verify-only"}, {"load", "--target", "http://x"},
		{"--hub", "nowhere", "list"}, {"--hub", "http://stellwerk.example", "list"}, {"--key", "swo_a_b", "list"}, {"--key", "env:NOTHING", "list"},
		{"--key", "file:/nowhere/at/all", "list"},
		{"list", "--search", ""}, {"list", "--search", "-"}, {"list", "--since", ""}, {"list", "--state="}, {"parked", "--system", ""},
		{"replay", "--system", "", "--parked-as", "refused", "--reason", "x"}, {"replay", "--system", "a", "--code", "", "--dry-run"},
		{"close", "--system", "", "--parked-as", "refused", "--reason", "x"}, {"systems", "pause", "", "--reason", "x"}, {"systems", "probe", ""},
		{"completion", "zsh", "x"},
		{"list", "--limit", "0"}, {"list", "--since", "-2h"}, {"list", "--until", "-2h"}, {"parked", "--limit", "5"}, {"parked", "--before", s.ID.String()},
		{"replay", "--system", "a", "--reason", "x", "--limit", "0"}, {"show", s.Number, "--out", "x"}, {"mapping", "diff", "--last", "0"},
	} {
		c.run(exitUsage, args...)
		if !strings.HasPrefix(c.errorText(), "stellwerk: ") || !strings.Contains(c.errorText(), "--help") {
			t.Errorf("%v says %q", args, c.errorText())
		}
	}
	if len(c.asked) > 0 {
		t.Errorf("the hub was asked although the usage was wrong: %v", c.asked)
	}
}

// A key that is written where a reference belongs is not repeated.
func TestKeyIsNeverRepeated(t *testing.T) {
	c := newConsole(t, nil)
	c.run(exitUsage, "--key", "swo_leitstelle_secret", "list")
	if strings.Contains(c.errorText(), "secret_") || strings.Contains(c.errorText(), "swo_leitstelle") {
		t.Errorf("says %q", c.errorText())
	}
}

func TestKeyReferences(t *testing.T) {
	file := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(file, []byte("swo_a_b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, map[string]any{"GET /admin/v1/systems": admin.Systems{}})
	c.run(0, "systems", "--key", "file:"+file)
	c.env["STELLWERK_KEY"] = "file:" + file
	c.run(0, "systems")
	c.env["MY"] = "swo_a_b"
	c.env["STELLWERK_KEY"] = "env:MY"
	c.run(0, "systems", "list")
	c.env["MY"] = "swo_a_c"
	c.run(exitKey, "systems")
	if !strings.Contains(c.errorText(), "does not accept the key") {
		t.Errorf("says %q", c.errorText())
	}
	delete(c.env, "STELLWERK_KEY")
	c.run(exitUsage, "systems")
	// What keys operator prints, kept as it is, has the key and more.
	all := "swo_a_b\n\nThis is the key\n"
	if err := os.WriteFile(file, []byte(all), 0o600); err != nil {
		t.Fatal(err)
	}
	c.env["MY"] = all
	for _, ref := range []string{"file:" + file, "env:MY", all} {
		c.env["STELLWERK_KEY"] = ref
		c.run(exitUsage, "systems")
		if !strings.Contains(c.errorText(), "one line alone") {
			t.Errorf("says %q", c.errorText())
		}
	}
}

func TestUnreachable(t *testing.T) {
	c := newConsole(t, nil)
	c.run(exitUnreachable, "list", "--hub", "http://127.0.0.1:1")
	if !strings.Contains(c.errorText(), "stellwerk serve") {
		t.Errorf("says %q", c.errorText())
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if got := c.Run(ctx, []string{"list"}); got != exitFailed {
		t.Errorf("interrupted, it ended with %d", got)
	}
}

// What answers but is no hub is told apart from a hub's refusal.
func TestNoHubThere(t *testing.T) {
	c := newConsole(t, nil)
	for _, status := range []int{http.StatusFound, http.StatusUnauthorized, http.StatusNotFound, http.StatusBadGateway} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "https://login.example/")
			w.WriteHeader(status)
		}))
		t.Cleanup(web.Close)
		c.run(exitUnreachable, "list", "--hub", web.URL)
		if !strings.Contains(c.errorText(), "not as a hub's admin API does") {
			t.Errorf("%d: says %q", status, c.errorText())
		}
	}
}

// The portals' address, given for the hub's, is no word about a case either.
func TestThePortalsAddressIsNoHub(t *testing.T) {
	c, _ := openTown(t)
	c.run(exitUnreachable, "show", "0TR8-147X-1MQB", "--hub", c.portals)
	if !strings.Contains(c.errorText(), "portals' API") {
		t.Errorf("says %q", c.errorText())
	}
}

func TestSystemsProbeAndReloadExitWithFindings(t *testing.T) {
	c := newConsole(t, map[string]any{
		"POST /admin/v1/systems/a/probe": admin.Probe{System: "a", Error: "connection refused"},
		"POST /admin/v1/reload":          admin.Reload{Revision: "0123456789ab"},
		"GET /admin/v1/doctor":           admin.Doctor{At: time.Date(2026, 3, 2, 10, 0, 5, 0, time.UTC), Checks: []admin.Check{{Name: "disk", State: "bad", Detail: "full", Remedy: "make room"}}},
	})
	if got := c.run(exitFindings, "systems", "probe", "a"); got != "a does not: connection refused\n" {
		t.Errorf("got %q", got)
	}
	if got := c.run(exitFindings, "reload"); got != "not reloaded; revision 0123456789ab stays in force\n" {
		t.Errorf("got %q", got)
	}
	want := "bad      disk           full\n                        → make room\nok       clocks         the hub's clock and this machine's agree\n"
	if got := c.run(exitFindings, "doctor"); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestSystems(t *testing.T) {
	c := newConsole(t, map[string]any{"GET /admin/v1/systems": admin.Systems{Systems: []admin.System{
		{Name: "akte-musterstadt", Kind: "rest", State: "ready", Breaker: "half-open", Pending: 2, Oldest: time.Date(2026, 3, 2, 9, 58, 0, 0, time.UTC)},
		{Name: "kasse-musterstadt", Kind: "rest", State: "paused", Paused: "Jahresabschluss", Breaker: "closed", Parked: 1},
		{Name: "ordnung", Kind: "rest", State: "window", Until: time.Date(2026, 3, 3, 6, 0, 0, 0, time.UTC)},
		{Name: "weg", Gone: true},
	}}})
	if got := c.run(0, "systems"); !strings.HasPrefix(got, "SYSTEM ") || strings.Count(got, "\n") != 5 {
		t.Errorf("got\n%s\nwant five lines", got)
	}
	c.Width = 120
	got := c.run(0, "systems")
	for _, part := range []string{"ready, being tried", "paused: Jahresabschluss", "window until 2026-03-03 06:00", "not configured", "2 min 0 s"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
	for line := range strings.Lines(got) {
		if columnsOf(line) > 121 {
			t.Errorf("too wide: %q", line)
		}
	}
}

func TestHelpNamesEveryCommand(t *testing.T) {
	c := newConsole(t, nil)
	help := c.run(0, "--help")
	for _, name := range []string{"serve", "demo", "check", "explain", "submit", "list", "show", "trace", "parked", "replay", "close", "systems",
		"mapping", "load", "doctor", "version", "reload", "keys", "audit", "completion"} {
		if !strings.Contains(help, "\n  "+name+" ") {
			t.Errorf("%s is missing in\n%s", name, help)
		}
	}
	for _, shell := range []string{"bash", "zsh", "fish"} {
		if got := c.run(0, "completion", shell); len(got) < 500 {
			t.Errorf("completion for %s is %q", shell, got)
		}
	}
	c.run(2, "completion", "tcsh")
}

// A shell asks with an empty last word what may stand there; fish and zsh use the other
// name, too. An order with an empty word stays refused.
func TestCompletionIsAsked(t *testing.T) {
	c := newConsole(t, nil)
	for _, ask := range []string{"__complete", "__completeNoDesc"} {
		for want, words := range map[string][]string{"replay": {""}, "rotate": {"keys", "keyring", ""}, ":": {"list", "--state", ""}} {
			if got := c.run(0, append([]string{ask}, words...)...); !strings.Contains("\n"+got, "\n"+want) {
				t.Errorf("%s %q answers %q, and nothing with %q", ask, words, got, want)
			}
		}
	}
	c.run(2, "close", "")
}

// The codes of problems that callers decide by must come through the client.
func TestProblemsComeThrough(t *testing.T) {
	c := newConsole(t, map[string]any{"POST /admin/v1/reload": &admin.Problem{Status: 503, Code: admin.CodeFull, Detail: "no space left"}})
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Reload(t.Context())
	var p *admin.Problem
	if !errors.As(err, &p) || p.Code != admin.CodeFull || p.Status != 503 || p.Error() != "no space left" {
		t.Errorf("got %#v", err)
	}
}
