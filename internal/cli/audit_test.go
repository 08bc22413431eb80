package cli

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// trailOf is a console on a hub that has this trail, and gives it in pieces of 1000.
func trailOf(t *testing.T, entries []hub.AuditEntry, damaged int64, start ...*admin.AuditStart) *console {
	t.Helper()
	c := newConsole(t, nil)
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		from, _ := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
		if r.URL.Path != "/admin/v1/audit" || from < 1 {
			t.Errorf("asked %s", r.URL)
		}
		out := admin.Trail{Entries: []hub.AuditEntry{}, Damaged: damaged}
		if len(start) > 0 {
			out.Start = start[0]
		}
		for _, e := range entries {
			if e.Seq >= from && len(out.Entries) < 1000 {
				out.Entries = append(out.Entries, e)
			}
		}
		if n := len(out.Entries); n == 1000 {
			out.Next = out.Entries[n-1].Seq + 1
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out)
	}))
	t.Cleanup(web.Close)
	c.env["STELLWERK_HUB"] = web.URL
	return c
}

func chained(n int) []hub.AuditEntry {
	var head audit.Head
	entries := make([]hub.AuditEntry, n)
	for i := range entries {
		entries[i] = hub.AuditEntry{At: time.Date(2026, 3, 1, 8, 0, 0, i*1000, time.UTC), Actor: "operator:meier", Action: "replayed", Object: "x", Reason: "Grüße <&> \u2028"}
		head.Append(&entries[i])
	}
	return entries
}

func noted(e hub.AuditEntry) string { return strconv.FormatInt(e.Seq, 10) + ":" + e.Hash }

func TestAuditVerify(t *testing.T) {
	whole := chained(2500)
	anew := chained(2500) // another history, with a chain of its own
	anew[3].Reason = "something else"
	var head audit.Head
	for i := range anew {
		head.Append(&anew[i])
	}
	changed := slices.Clone(whole)
	changed[1700].Actor = "operator:schulze"
	for name, test := range map[string]struct {
		entries []hub.AuditEntry
		damaged int64
		since   string
		code    int
		says    []string
	}{
		"whole":             {whole, 0, "", 0, []string{"the audit trail holds: 2500 entries", "kept elsewhere: " + noted(whole[2499])}},
		"empty":             {nil, 0, "", 0, []string{"holds: 0 entries"}},
		"noted":             {whole, 0, noted(whole[1234]), 0, []string{"the noted one is among them"}},
		"noted, the newest": {whole, 0, noted(whole[2499]), 0, []string{"the noted one is among them"}},
		"changed":           {changed, 0, "", 3, []string{"broken at entry 1701", "the first 1700 entries hold"}},
		"left out":          {slices.Delete(slices.Clone(whole), 999, 1000), 0, "", 3, []string{"broken at entry 1001", "entry 1000 should come here"}},
		"cut off":           {whole[:2000], 0, noted(whole[2400]), 3, []string{"its end was cut off", "the trail ends at 2000"}},
		"cut off unnoted":   {whole[:2000], 0, "", 0, []string{"2000 entries"}},
		"written anew":      {anew, 0, noted(whole[2000]), 3, []string{"broken at entry 2001", "written anew"}},
		"damaged row":       {whole[:10], 11, "", 3, []string{"broken at entry 11"}},
	} {
		t.Run(name, func(t *testing.T) {
			c := trailOf(t, test.entries, test.damaged)
			args := []string{"audit", "--verify"}
			if test.since != "" {
				args = append(args, "--since-noted", test.since)
			}
			got := c.run(test.code, args...)
			for _, want := range test.says {
				if !strings.Contains(got, want) {
					t.Errorf("%q is missing in\n%s", want, got)
				}
			}
			var v auditVerdict
			if err := json.Unmarshal([]byte(c.run(test.code, append(args, "--json")...)), &v); err != nil {
				t.Fatal(err)
			}
			if v.OK != (test.code == 0) || v.OK && v.Entries != int64(len(test.entries)) || !v.OK && v.Broken == 0 {
				t.Errorf("verdict %+v", v)
			}
		})
	}
}

// A trail whose old end was cut off by rule holds, where an entry says so; where
// none does, somebody else has cut it.
func TestAuditVerifyOfATrailThatWasCut(t *testing.T) {
	whole := chained(1500)
	last := whole[399]
	head := audit.Head{}
	for i := range whole {
		if i == 1200 {
			whole[i].Action, whole[i].Object, whole[i].Reason = "audit-cut", noted(last), "audit: 10 years after year-end"
		}
		head.Append(&whole[i])
	}
	if last != whole[399] {
		t.Fatal("the entries before are another's")
	}
	start := &admin.AuditStart{Seq: last.Seq, Hash: last.Hash}
	for name, test := range map[string]struct {
		entries []hub.AuditEntry
		start   *admin.AuditStart
		since   string
		code    int
		says    string
	}{
		"by rule":           {whole[400:], start, "", 0, "holds: 1100 entries"},
		"noted before":      {whole[400:], start, noted(whole[100]), 0, "was cut off by rule, like everything before entry 401"},
		"noted there":       {whole[400:], start, noted(last), 0, "was cut off by rule"},
		"noted after":       {whole[400:], start, noted(whole[700]), 0, "the noted one is among them"},
		"another was noted": {whole[400:], start, "400:" + whole[100].Hash, 3, "written anew"},
		"by nobody":         {whole[400:1200], start, "", 3, "broken at entry 401: the trail begins here"},
		"not told":          {whole[400:], nil, "", 3, "entry 1 should come here"},
		"cut further":       {whole[401:], start, "", 3, "broken at entry 402"},
	} {
		t.Run(name, func(t *testing.T) {
			args := []string{"audit", "--verify"}
			if test.since != "" {
				args = append(args, "--since-noted", test.since)
			}
			if got := trailOf(t, test.entries, 0, test.start).run(test.code, args...); !strings.Contains(got, test.says) {
				t.Errorf("%q is missing in\n%s", test.says, got)
			}
		})
	}
}

func TestAuditVerifyRefuses(t *testing.T) {
	c := trailOf(t, nil, 0)
	for _, args := range [][]string{
		{"--from", "-1"}, {"--before", "-1"}, {"--verify", "--limit", "5"}, {"--verify", "--actor", "operator"},
		{"--since-noted", "12"}, {"--since-noted", "0:" + strings.Repeat("ab", 32)}, {"--since-noted", "3:abcd"}, {"--since-noted", "3:" + strings.Repeat("ab", 33)},
	} {
		c.run(2, append([]string{"audit"}, args...)...)
	}
}

// A running hub: its own chain holds, the newest comes first, and a reload that
// was refused is told as such.
func TestAuditOfARunningHub(t *testing.T) {
	c, f := openTown(t)
	c.run(0, "reload")
	broken := filepath.Join(f.dir, "portals", "kaputt.yaml")
	if err := os.WriteFile(broken, []byte("nmae: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(3, "reload")
	var tr admin.Trail
	if err := json.Unmarshal([]byte(c.run(0, "audit", "--json")), &tr); err != nil {
		t.Fatal(err)
	}
	var actions []string
	for _, e := range tr.Entries {
		actions = append(actions, e.Actor+" "+e.Action)
	}
	if want := []string{"operator:leitstelle reload refused", "operator:leitstelle reloaded", "hub started"}; !slices.Equal(actions, want) {
		t.Errorf("the trail is %v, want %v", actions, want)
	}
	if tr.Entries[0].Object != tr.Entries[1].Object {
		t.Errorf("what is in force: %s and %s", tr.Entries[0].Object, tr.Entries[1].Object)
	}
	if got := c.run(0, "audit", "--verify"); !strings.Contains(got, "holds: 3 entries") {
		t.Errorf("verify: %s", got)
	}
}

// The object of a line can be typed back as it stands there.
func TestAuditOfADelivery(t *testing.T) {
	s := sampleCase()
	d := s.Deliveries[1].ID
	c := newConsole(t, map[string]any{
		"GET /admin/v1/submissions/" + s.Number: s,
		"GET /admin/v1/audit":                   admin.Trail{Entries: []hub.AuditEntry{{Seq: 7, At: s.ReceivedAt, Actor: "operator:x", Action: "closed", Object: d.String(), Reason: "y"}}},
	})
	if got := c.run(0, "audit", "--object", s.Number+"/2"); !strings.Contains(got, s.Number+"/2") {
		t.Errorf("got\n%s", got)
	}
	if want := "object=" + d.String(); !strings.Contains(strings.Join(c.queries, " "), want) {
		t.Errorf("asked %v, want %s", c.queries, want)
	}
}
