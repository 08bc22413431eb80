package intake

import (
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
)

// A route takes version 1 until the end of the year and version 2 from the first
// day of December: both in between, and the newest where a portal names none.
func TestVersionsHaveWindows(t *testing.T) {
	w := newWorld(t)
	rt, found := route.Load(fstest.MapFS{
		"hund/route.yaml": {Data: []byte(`service: hund
revision: 1
title: Hund anmelden
consent: required
inputs:
  - {json: eins.json, version: "1", until: 2027-01-01}
  - {json: zwei.json, version: "2", from: 2026-12-01}
deliveries: [{to: records}]
examples: [{name: alt, version: "1", file: alt.json}]
`)},
		"hund/eins.json": {Data: []byte(`{"type": "object", "required": ["alt"]}`)}, "hund/alt.json": {Data: []byte(`{"alt": 1}`)},
		"hund/zwei.json": {Data: []byte(`{"type": "object", "required": ["neu"]}`)},
	}, "hund", nil)
	if len(found) > 0 {
		t.Fatal(found)
	}
	w.change(func(s *config.Snapshot) {
		s.Routes = map[string]*route.Route{"hund": rt}
		m := *s.Municipalities[soest]
		m.Services = map[string]*config.Binding{"hund": {Municipality: &m, Competent: &m, Route: rt}}
		s.Municipalities = map[string]*config.Municipality{soest: &m}
	})
	const alt, neu = `{"alt":1}`, `{"neu":1}`
	push := func(version, body string) answer {
		headers := dog("", "Idempotency-Key", "", "Content-Type", "application/json")
		if version != "" {
			headers = append(headers, "Stellwerk-Version", version)
		}
		return w.do("POST", "/v1/validations", body, headers...)
	}
	good := func(version, body, want string) {
		t.Helper()
		var v Validation
		a := push(version, body)
		a.decode(t, &v)
		if a.StatusCode != 200 || v.Version != want {
			t.Errorf("at %s: %d %s", w.clock(), a.StatusCode, a.body)
		}
	}
	moveTo := func(day string) {
		t.Helper()
		at, err := time.Parse(time.RFC3339, day)
		if err != nil {
			t.Fatal(err)
		}
		w.advance(at.Sub(w.clock()))
	}
	moveTo("2026-11-30T23:59:59+01:00")
	good("", alt, "1")
	good("1", alt, "1")
	w.refused(push("2", neu), CodeMediaType)
	moveTo("2026-12-01T00:00:00+01:00")
	good("", neu, "2")
	good("1", alt, "1")
	good("2", neu, "2")
	w.refused(push("", alt), CodePayloadInvalid)
	w.refused(push("1", neu), CodePayloadInvalid)
	moveTo("2027-01-01T00:00:00+01:00")
	good("", neu, "2")
	p := w.refused(push("1", alt), CodeMediaType)
	if p.Detail == "" || !strings.Contains(p.Detail, "application/json 2") || strings.Contains(p.Detail, "json 1") {
		t.Errorf("what is taken instead: %s", p.Detail)
	}
	var s Service
	w.do("GET", "/v1/services/hund", "").decode(t, &s)
	if len(s.Inputs) != 1 || s.Inputs[0].Version != "2" || len(s.Examples) != 1 || s.Examples[0].Version != "1" {
		t.Errorf("the catalogue: %+v", s)
	}
}

// What was accepted in time keeps its answer, also after its version has ended.
func TestAReplayOutlivesTheWindow(t *testing.T) {
	w := newWorld(t)
	first := w.accepted(w.submit("k-1", "Stellwerk-Version", "1"))
	w.change(func(s *config.Snapshot) { s.Routes["hund"].Inputs[0].Until = w.clock() })
	if again := w.accepted(w.submit("k-1", "Stellwerk-Version", "1")); again.ID != first.ID {
		t.Errorf("got %s, want %s", again.ID, first.ID)
	}
	w.refused(w.submit("k-2", "Stellwerk-Version", "1"), CodeMediaType)
}

// At a counter somebody answers for the case; elsewhere nobody may claim to.
func TestTheCounterNamesItsClerk(t *testing.T) {
	w := newWorld(t)
	counter := []string{"Authorization", "Bearer " + keyCounter}
	p := w.refused(w.submit("k-1", counter...), CodeMetaInvalid)
	if len(p.Errors) != 1 || p.Errors[0].Header != "Stellwerk-Clerk" || p.Errors[0].Rule != "required" {
		t.Errorf("without a clerk: %+v", p.Errors)
	}
	p = w.refused(w.submit("k-2", append(counter, "Stellwerk-Clerk", "  ")...), CodeMetaInvalid)
	if len(p.Errors) != 1 || p.Errors[0].Rule != "required" {
		t.Errorf("a blank clerk: %+v", p.Errors)
	}
	p = w.refused(w.submit("k-3", "Stellwerk-Clerk", "Amt"), CodeMetaInvalid)
	if len(p.Errors) != 1 || p.Errors[0].Rule != "counter-only" {
		t.Errorf("a portal with a clerk: %+v", p.Errors)
	}
	r := w.accepted(w.postForm("/v1/submissions", multi(t, meta(func(m map[string]any) { m["clerk"] = "M. Amt" }), xmlPart),
		append(counter, "Idempotency-Key", "k-4")...))
	a := w.store.last
	if a.Submission.Channel != "counter" || a.Actor != "counter:theke/M. Amt" {
		t.Errorf("channel %q, actor %q", a.Submission.Channel, a.Actor)
	}
	key, err := w.vault.Unwrap(r.ID, soest, a.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := key.Open(hub.RecordMeta, a.Meta)
	if err != nil {
		t.Fatal(err)
	}
	var sealed hub.Meta
	if err := json.Unmarshal(plain, &sealed); err != nil || sealed.Clerk != "M. Amt" {
		t.Errorf("meta %s %v", plain, err)
	}
	p = w.refused(w.postForm("/v1/submissions", multi(t, meta(func(m map[string]any) { m["clerk"] = "Jemand" }), xmlPart),
		append(counter, "Idempotency-Key", "k-4")...), CodeKeyReused)
	if p.Status != 422 {
		t.Errorf("another clerk under the same key: %+v", p)
	}
	offered := func(key string) (found bool) {
		var s Service
		w.do("GET", "/v1/services/hund", "", "Authorization", "Bearer "+key).decode(t, &s)
		for _, item := range s.Metadata {
			if item.Pointer == "/clerk" {
				found = item.Required
			}
		}
		return found
	}
	if !offered(keyCounter) || offered(keySoest) {
		t.Error("the catalogue asks the wrong ones for a clerk")
	}
}
