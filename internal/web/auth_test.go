package web

import (
	"bytes"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Nothing is told to whoever has no valid operator's key, and nothing is done.
func TestKeyIsNeeded(t *testing.T) {
	f := newFixture(t)
	good := f.client.Key
	for name, header := range map[string]http.Header{
		"none":             {},
		"empty":            {"Authorization": {""}},
		"basic":            {"Authorization": {"Basic " + good}},
		"key without word": {"Authorization": {good}},
		"one letter off":   {"Authorization": {"Bearer " + good[:len(good)-1]}},
		"another name":     {"Authorization": {"Bearer " + strings.Replace(good, "leitstelle", "leitung", 1)}},
		"a portal's key":   {"Authorization": {"Bearer " + strings.Replace(good, "swo_", "swp_", 1)}},
		"run out":          {"Authorization": {"Bearer " + f.old}},
		"twice":            {"Authorization": {"Bearer " + good, "Bearer " + good}},
		"cookie":           {"Cookie": {"Authorization=Bearer " + good}},
	} {
		for _, path := range []string{"/admin/v1/submissions", "/admin/v1/systems/" + system + "/pause", "/admin/v1/nowhere"} {
			method := http.MethodGet
			if strings.HasSuffix(path, "/pause") {
				method = http.MethodPost
			}
			res, text := f.call(method, path, header, strings.NewReader(`{"reason":"x"}`))
			if res.StatusCode != http.StatusUnauthorized || res.Header.Get("Content-Type") != "application/problem+json" {
				t.Errorf("%s: %s answered %d %s", name, path, res.StatusCode, text)
			}
			if res.Header.Get("WWW-Authenticate") == "" || !strings.Contains(text, "urn:stellwerk:problem:unauthorized") {
				t.Errorf("%s: %s does not say what is needed: %s", name, path, text)
			}
		}
	}
	paused, err := f.store.Paused(t.Context())
	f.must(err)
	if len(paused) > 0 {
		t.Error("a system was paused without a key")
	}
}

// Every call of the API asks for a key: one that was added and forgotten is found here.
func TestEveryPathAsksForAKey(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/admin/v1/version", "/admin/v1/figures", "/admin/v1/doctor", "/admin/v1/audit", "/admin/v1/parked",
		"/admin/v1/systems", "/admin/v1/submissions/1", "/admin/v1/submissions/1/trace", "/admin/v1/submissions/1/payload", "/admin/v1/deliveries/1/document"} {
		if res, _ := f.call(http.MethodGet, path, http.Header{}, nil); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("GET %s answered %d without a key", path, res.StatusCode)
		}
	}
	for _, path := range []string{"/admin/v1/submissions/search", "/admin/v1/submissions/1/reopen", "/admin/v1/submissions/1/close", "/admin/v1/deliveries/1/replay", "/admin/v1/deliveries/1/close",
		"/admin/v1/replays", "/admin/v1/closures", "/admin/v1/parked/search", "/admin/v1/parked/groups", "/admin/v1/systems/a/resume", "/admin/v1/systems/a/probe",
		"/admin/v1/reload", "/admin/v1/keys/rewrap", "/admin/v1/renderings"} {
		if res, _ := f.call(http.MethodPost, path, http.Header{}, nil); res.StatusCode != http.StatusUnauthorized {
			t.Errorf("POST %s answered %d without a key", path, res.StatusCode)
		}
	}
}

func TestAnswersAreNotKept(t *testing.T) {
	f := newFixture(t)
	res, _ := f.call(http.MethodGet, "/admin/v1/version", http.Header{"Authorization": {"Bearer " + f.client.Key}}, nil)
	if res.StatusCode != http.StatusOK || res.Header.Get("Cache-Control") != "no-store" || res.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("answered %d with %v", res.StatusCode, res.Header)
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "" || len(res.Cookies()) > 0 {
		t.Error("a page of another site must get nothing here")
	}
}

func TestAPanicEndsOneCallOnly(t *testing.T) {
	f := newFixture(t)
	var log bytes.Buffer
	f.server.Log = slog.New(slog.NewTextHandler(&log, nil))
	h := f.server.signedIn(func(*http.Request, string) (any, error) { panic(errors.New("Erika Musterfrau")) })
	w := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodGet, "/", nil)
	r.Header.Set("Authorization", "Bearer "+f.client.Key)
	h.ServeHTTP(w, r)
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "Erika") {
		t.Errorf("answered %d %s", w.Code, w.Body)
	}
	if got := log.String(); !strings.Contains(got, "panicked") || strings.Contains(got, "Erika") {
		t.Errorf("the log has to tell the place and nobody's name: %s", got)
	}
}

func TestLiveAndReady(t *testing.T) {
	f := newFixture(t)
	for _, path := range []string{"/livez", "/readyz"} {
		if res, text := f.call(http.MethodGet, path, http.Header{}, nil); res.StatusCode != http.StatusOK {
			t.Errorf("%s answered %d %s", path, res.StatusCode, text)
		}
	}
	f.must(f.store.Close())
	if res, text := f.call(http.MethodGet, "/readyz", http.Header{}, nil); res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("/readyz over a closed store answered %d %s", res.StatusCode, text)
	}
	if res, _ := f.call(http.MethodGet, "/livez", http.Header{}, nil); res.StatusCode != http.StatusOK {
		t.Error("/livez asks the process, not the store")
	}
}
