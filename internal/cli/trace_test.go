package cli

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/web/admin"
)

// A payment that is open for a week does not hide the rest of the story; what is
// different, or stands between, is told line by line.
func TestTraceFoldsLongRuns(t *testing.T) {
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	payment := sampleID.Delivery(1)
	ask := func(n int, outcome, code string) admin.Attempt {
		return admin.Attempt{Delivery: payment, N: n, At: at.Add(time.Duration(n) * time.Hour), Kind: "ask", Outcome: outcome, Code: code}
	}
	for name, c := range map[string]struct {
		attempts []admin.Attempt
		want     []string
		lines    int
	}{
		"short": {attempts: []admin.Attempt{ask(1, "awaiting", "payment-open"), ask(2, "awaiting", "payment-open"), ask(3, "delivered", "payed")}, want: []string{"ask 1", "ask 2", "ask 3 delivered"}, lines: 3},
		"long": {attempts: func() (all []admin.Attempt) {
			for n := 1; n <= 200; n++ {
				all = append(all, ask(n, "awaiting", "payment-open"))
			}
			return append(all, ask(201, "unknown", "timeout"), ask(202, "awaiting", "payment-open"))
		}(), want: []string{"ask 1 awaiting", "ask 2 awaiting", "… 197 more like these", "ask 200 awaiting", "ask 201 unknown timeout", "ask 202 awaiting"}, lines: 6},
	} {
		var lines []line
		for _, a := range c.attempts {
			lines = append(lines, attemptLine(a, "1 payment → bezahlen"))
		}
		got := folded(lines)
		var text strings.Builder
		for _, l := range got {
			fmt.Fprintln(&text, l.text)
		}
		if len(got) != c.lines {
			t.Errorf("%s: %d lines\n%s", name, len(got), text.String())
		}
		rest := text.String()
		for _, want := range c.want {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: %q is missing, or in another place, in\n%s", name, want, text.String())
			}
			rest = after
		}
	}
}
