package app

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// An alarm on an increase needs the series before the first event.
func TestAlertsAreThereBeforeTheFirst(t *testing.T) {
	m := newMetrics(func() map[string]string { return nil }, time.Now)
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, kind := range []string{"damaged", "unclear"} {
		if want := `stellwerk_alerts_total{kind="` + kind + `"} 0`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%s is missing", want)
		}
	}
}

// The first wave of a morning is measured against nothing: a reason that nothing was
// parked for has its series, with 0. What waits for a citizen is not what waits to be sent.
func TestFiguresHaveWhatIsNotThere(t *testing.T) {
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	m := newMetrics(func() map[string]string { return nil }, func() time.Time { return now })
	m.watch(func(context.Context) (*store.Figures, error) {
		return &store.Figures{
			Submissions: map[hub.SubmissionState]int64{hub.SubmissionRunning: 2},
			Parked:      map[hub.ParkReason]int64{hub.ParkRefused: 1},
			Systems: map[string]store.SystemFigures{
				"kasse": {Pending: 1, Parked: 1, OldestWaiting: now.Add(-time.Minute)},
				"zahl":  {Awaiting: 1, OldestAsked: now.Add(-5 * time.Hour)},
			},
		}, nil
	})
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{
		`stellwerk_parked{reason="refused"} 1`, `stellwerk_parked{reason="unclear"} 0`, `stellwerk_parked{reason="exhausted"} 0`, `stellwerk_parked{reason="unmapped"} 0`,
		`stellwerk_submissions{state="running"} 2`, `stellwerk_submissions{state="damaged"} 0`, `stellwerk_submissions{state="accepted"} 0`,
		`stellwerk_delivery_oldest_seconds{system="kasse"} 60`, `stellwerk_delivery_oldest_seconds{system="zahl"} 0`,
		`stellwerk_awaiting_oldest_seconds{system="zahl"} 18000`,
	} {
		if !strings.Contains(w.Body.String(), want+"\n") {
			t.Errorf("%s is missing", want)
		}
	}
}
