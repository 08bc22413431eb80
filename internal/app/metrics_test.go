package app

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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
