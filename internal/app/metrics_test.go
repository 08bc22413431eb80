package app

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
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
	}, func() (string, uint64, uint64, bool) { return "", 0, 0, false })
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

var (
	series  = regexp.MustCompile(`stellwerk_[a-z_]+(?:\{[^}]*\})?`)
	matcher = regexp.MustCompile(`([a-z]+)=~?"([^"]*)"`)
)

// Every series that the handbook's alarms look at is there before anything has happened:
// an increase from nothing is none, so the first failure would set off no alarm.
func TestAlarmsOfTheHandbookHaveTheirSeries(t *testing.T) {
	book, err := os.ReadFile("../../docs/handbuch.md")
	if err != nil {
		t.Fatal(err)
	}
	m := newMetrics(func() map[string]string { return map[string]string{"kasse": "closed"} }, time.Now)
	m.watch(func(context.Context) (*store.Figures, error) {
		return &store.Figures{Systems: map[string]store.SystemFigures{"kasse": {}}}, nil
	}, func() (string, uint64, uint64, bool) { return "data", 1 << 30, 1 << 40, true })
	w := httptest.NewRecorder()
	m.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	rules := 0
	for line := range strings.Lines(string(book)) {
		_, expr, is := strings.Cut(line, "expr: ")
		if !is {
			continue
		}
		rules++
		if strings.Contains(expr, "node_") {
			t.Errorf("an alarm that depends on another exporter, and on how the disk is mounted: %s", expr)
		}
		if strings.Contains(expr, "stellwerk_breaker_open ==") {
			t.Errorf("the breaker of a dead system is half-open now and then, and the alarm begins to wait anew: %s", expr)
		}
		for _, s := range series.FindAllString(expr, -1) {
			name, labels, _ := strings.Cut(s, "{")
			want := []string{`^` + name + `[ {]`}
			for _, l := range matcher.FindAllStringSubmatch(labels, -1) {
				want = want[:0]
				for _, value := range strings.Split(l[2], "|") {
					want = append(want, `^`+name+`\{(.*,)?`+l[1]+`="`+value+`"`)
				}
			}
			for _, one := range want {
				if !regexp.MustCompile("(?m)" + one).MatchString(w.Body.String()) {
					t.Errorf("there is no series %s, which an alarm looks at: %s", one, strings.TrimSpace(expr))
				}
			}
		}
	}
	if rules < 10 {
		t.Errorf("%d rules were found in the handbook", rules)
	}
}

// Whoever asks again and again whether the hub is ready makes it write once a second at
// most, on both addresses together.
func TestReadyzDoesNotWriteEveryTime(t *testing.T) {
	k := newKept(t)
	syncs := func() (n int) {
		t.Helper()
		w := httptest.NewRecorder()
		k.metrics.handler().ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		_, after, _ := strings.Cut(w.Body.String(), "\nstellwerk_store_sync_seconds_count ")
		_, err := fmt.Sscan(after, &n)
		k.must(err)
		return n
	}
	before := syncs()
	for range 10 {
		for _, url := range []string{k.AdminURL(), k.PortalsURL()} {
			res, err := http.Get(url + "/readyz")
			k.must(err)
			k.must(res.Body.Close())
			if res.StatusCode != http.StatusOK {
				t.Fatalf("%s/readyz: %s", url, res.Status)
			}
		}
	}
	if n := syncs() - before; n != 1 {
		t.Errorf("%d writes for 20 questions in one moment, want 1", n)
	}
}
