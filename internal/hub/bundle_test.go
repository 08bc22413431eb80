package hub_test

import (
	"testing"

	"stellwerk/internal/hub"
)

func TestBundleStanding(t *testing.T) {
	const (
		received, processing, action   = hub.CaseReceived, hub.CaseProcessing, hub.CaseActionRequired
		completed, rejected, cancelled = hub.CaseCompleted, hub.CaseRejected, hub.CaseCancelled
	)
	all := func(s ...hub.CaseStatus) []hub.CaseStatus { return s }
	texts := map[hub.Text]bool{}
	for _, tt := range []struct {
		name         string
		parts        []hub.CaseStatus
		open, closed hub.CaseStatus
	}{
		{"nothing yet", nil, hub.CaseInitiated, cancelled},
		{"just come", all(received, received), received, received},
		{"one is on its way", all(received, processing), processing, processing},
		{"one is done", all(completed, received), processing, processing},
		{"one waits for the citizen", all(completed, action, received), action, action},
		{"all are done", all(completed, completed), processing, completed},
		{"one was rejected", all(completed, rejected), processing, completed},
		{"one was withdrawn", all(completed, cancelled), processing, completed},
		{"all were rejected", all(rejected, rejected), processing, rejected},
		{"all were withdrawn", all(cancelled, cancelled), processing, cancelled},
		{"rejected and withdrawn", all(rejected, cancelled), processing, rejected},
	} {
		open, closed := hub.BundleStanding(false, tt.parts), hub.BundleStanding(true, tt.parts)
		if open.Status != tt.open || closed.Status != tt.closed {
			t.Errorf("%s: open %s, closed %s; want %s, %s", tt.name, open.Status, closed.Status, tt.open, tt.closed)
		}
		for _, s := range []hub.Standing{open, closed} {
			if s.Text.De == "" || s.Text.En == "" {
				t.Errorf("%s: no text for %s", tt.name, s.Status)
			}
			if (s.Action.Do != "") != (s.Status == action) {
				t.Errorf("%s: %s asks for %q", tt.name, s.Status, s.Action.Do)
			}
			texts[s.Text] = true
		}
	}
	if len(texts) != 10 {
		t.Errorf("%d different sentences", len(texts))
	}
}
