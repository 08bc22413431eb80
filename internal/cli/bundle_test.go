package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

func sampleBundle() admin.Bundle {
	id := sampleID
	id[7]++
	s := sampleCase()
	s.Bundle = &admin.InBundle{ID: id, Number: id.Number(), Part: "hund-anmelden"}
	s.Status = hub.CaseProcessing
	return admin.Bundle{ID: id, Number: id.Number(), Bundle: "umzugsmappe", Portal: "buergerportal", State: "open", Status: hub.CaseProcessing,
		Told: "Ihre Anträge sind auf dem Weg.", OpenedAt: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), Revision: "0123456789ab",
		Submissions: []admin.Submission{s}, Events: []hub.Event{}}
}

func TestBundleGolden(t *testing.T) {
	b := sampleBundle()
	c := newConsole(t, map[string]any{"GET /admin/v1/bundles/" + b.Number: b})
	c.Width = 140
	got := c.run(0, "bundle", b.Number)
	for _, want := range []string{
		b.Number + "  umzugsmappe  PROCESSING", "  id            " + b.ID.String(), "Ihre Anträge sind auf dem Weg.",
		"PART           NUMBER", "hund-anmelden  " + sampleID.Number(), "finance parked refused",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	var read admin.Bundle
	if err := json.Unmarshal([]byte(c.run(0, "bundle", b.Number, "--json")), &read); err != nil || read.ID != b.ID || len(read.Submissions) != 1 {
		t.Errorf("%v %+v", err, read)
	}
	c.run(exitUsage, "bundle", "x")
	c.run(exitUsage, "bundle")
	c.run(exitNotFound, "bundle", sampleID.String())
}

func TestListAndShowNameTheBundle(t *testing.T) {
	b := sampleBundle()
	s, alone := b.Submissions[0], sampleCase()
	c := newConsole(t, map[string]any{
		"POST /admin/v1/submissions/search":              admin.Page{Submissions: []admin.Submission{s, alone}},
		"GET /admin/v1/submissions/" + sampleID.String(): s,
	})
	c.Width = 140
	lines := strings.Split(c.run(0, "list", "--bundle", b.Number), "\n")
	if !strings.HasSuffix(lines[0], "BUNDLE") || !strings.HasSuffix(lines[1], b.Number) || !strings.HasSuffix(lines[2], " -") {
		t.Errorf("%q", lines)
	}
	if !strings.Contains(c.bodies[0], `"bundle":"`+b.Number+`"`) {
		t.Errorf("asked with %v", c.bodies)
	}
	if got := c.run(0, "show", sampleID.String()); !strings.Contains(got, "bundle        "+b.Number+", part hund-anmelden") {
		t.Error(got)
	}
}
