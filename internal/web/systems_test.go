package web

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

func TestSystems(t *testing.T) {
	f := newFixture(t)
	f.parked("http-422")
	s, err := f.client.Pause(t.Context(), system, "Jahresabschluss")
	f.must(err)
	if s.State != "paused" || s.Paused != "Jahresabschluss" || s.Parked != 1 || s.Kind != "rest" {
		t.Errorf("paused: %+v", s)
	}
	if s, err = f.client.Resume(t.Context(), system); err != nil || s.State != "ready" {
		t.Errorf("resumed: %+v, %v", s, err)
	}
	if !slices.Contains(f.woke, system) {
		t.Error("the deliverer was not told to go on")
	}
	if len(f.wentOn) != 1 || !strings.HasPrefix(f.wentOn[0], system+" by operator:") {
		t.Errorf("what had failed goes on: %q", f.wentOn)
	}
	f.breakers[system] = "open"
	all, err := f.client.Systems(t.Context())
	f.must(err)
	if len(all.Systems) != 1 || all.Systems[0].State != "broken" || all.Systems[0].Breaker != "open" {
		t.Errorf("with an open breaker: %+v", all)
	}
	mistyped := system[:len(system)-1]
	_, paused := f.client.Pause(t.Context(), mistyped, "x")
	_, probed := f.client.Probe(t.Context(), mistyped)
	for _, err := range []error{paused, probed} {
		if f.problem(err, http.StatusNotFound, admin.CodeNotFound); !strings.Contains(err.Error(), "did you mean "+system) {
			t.Errorf("of a name mistyped: %v", err)
		}
	}
	p, err := f.client.Probe(t.Context(), system)
	f.must(err)
	f.probeError = errors.New("connection refused")
	q, err := f.client.Probe(t.Context(), system)
	f.must(err)
	if !p.OK || q.OK || q.Error != "connection refused" || len(f.audited("probed")) != 2 {
		t.Errorf("probes: %+v, %+v", p, q)
	}
}

// A system the configuration has lost stays in sight while deliveries wait for it.
func TestGoneSystem(t *testing.T) {
	f := newFixture(t)
	f.parked("http-422")
	delete(f.server.Live.Get().Systems, system)
	all, err := f.client.Systems(t.Context())
	f.must(err)
	if len(all.Systems) != 1 || !all.Systems[0].Gone {
		t.Errorf("systems are %+v", all)
	}
}

func TestReloadSaysWhatIsInForce(t *testing.T) {
	f := newFixture(t)
	r, err := f.client.Reload(t.Context())
	f.must(err)
	if !r.Swapped || r.Revision != "0123456789ab" {
		t.Errorf("clean: %+v", r)
	}
	f.findings = config.Findings{{File: "systems/a.yaml", Line: 3, Column: 1, Message: "prot is not a setting"}}
	r, err = f.client.Reload(t.Context())
	f.must(err)
	if r.Swapped || len(r.Findings) != 1 || r.Findings[0].File != "systems/a.yaml" {
		t.Errorf("broken: %+v", r)
	}
	f.findings[0].Severity = mapping.Warning
	if r, err = f.client.Reload(t.Context()); err != nil || !r.Swapped {
		t.Errorf("a warning keeps nothing from being swapped: %+v, %v", r, err)
	}
	if f.reloadedBy != "operator:leitstelle" {
		t.Errorf("reloaded by %q", f.reloadedBy)
	}
	f.reloadError = fmt.Errorf("write the audit trail: %w", store.ErrUnknown)
	_, err = f.client.Reload(t.Context())
	f.problem(err, http.StatusServiceUnavailable, admin.CodeUnavailable)
}

func TestDoctor(t *testing.T) {
	f := newFixture(t)
	check := func(name string) admin.Check {
		t.Helper()
		d, err := f.client.Doctor(t.Context())
		f.must(err)
		for _, c := range d.Checks {
			if c.Name == name {
				return c
			}
		}
		t.Fatalf("there is no check %s", name)
		return admin.Check{}
	}
	for _, name := range []string{"store", "disk", "keyring", "clock", "work", "parked", "retention", "configuration"} {
		if c := check(name); c.State == "bad" {
			t.Errorf("a fresh hub: %+v", c)
		}
	}
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	f.now = f.now.Add(2 * time.Hour)
	if c := check("work"); c.State != "warning" || !strings.Contains(c.Detail, system) {
		t.Errorf("a delivery waits for two hours: %+v", c)
	}
	f.record(key, hub.DeliveryAwaiting, "", "payment-open", "")
	f.now = f.now.Add(2 * time.Hour)
	if c := check("work"); c.State != "ok" {
		t.Errorf("a citizen has not paid for two hours: %+v", c)
	}
	if all, err := f.client.Systems(t.Context()); err != nil || all.Systems[0].Oldest.IsZero() {
		t.Errorf("the oldest one that is awaiting is missing: %+v, %v", all, err)
	}
	f.now = f.now.Add(-2 * time.Hour)
	f.now = f.now.Add(-4 * time.Hour)
	if c := check("clock"); c.State != "bad" {
		t.Errorf("the clock was set back: %+v", c)
	}
	f.findings = config.Findings{{File: "a.yaml", Message: "broken"}}
	if c := check("configuration"); c.State != "bad" || !strings.Contains(c.Detail, "(1 finding)") {
		t.Errorf("the folder is broken: %+v", c)
	}
	f.must(f.store.Damage(t.Context(), id, "payload", f.now))
	if c := check("parked"); c.State != "bad" {
		t.Errorf("a submission is damaged: %+v", c)
	}
}

// A number range that comes to its end is told before it is used up.
func TestDoctorCountsNumbers(t *testing.T) {
	f := newFixture(t)
	check := func() check { return f.server.checkNumbers(t.Context()) }
	if c := check(); c.State != checkOK || !strings.Contains(c.Detail, "no municipality") {
		t.Errorf("without a range: %+v", c)
	}
	f.server.Live.Get().Municipalities[ags].Ranges = map[string]config.Range{"hundemarke": {First: 11, Last: 50}, "vorgang": {First: 1, Last: 1000}}
	if c := check(); c.State != checkOK {
		t.Errorf("fresh: %+v", c)
	}
	id, _ := f.accept("<hund/>")
	for n := range 40 {
		_, err := f.store.Number(t.Context(), store.NumberOrder{Municipality: ags, Range: "hundemarke", First: 11, Last: 50, Submission: id, Record: strconv.Itoa(n)})
		f.must(err)
		c := check()
		want, text := checkOK, "2"
		switch {
		case n == 39:
			want, text = checkBad, "hundemarke of Stadt Musterstadt has 0 left"
		case n >= 37:
			want, text = checkWarning, "hundemarke of Stadt Musterstadt has "+strconv.Itoa(39-n)+" left"
		}
		if c.State != want || !strings.Contains(c.Detail, text) || (c.Remedy == "") != (want == checkOK) {
			t.Errorf("after %d: %+v", n+1, c)
		}
	}
}

// A fresh keyring opens what came after it, and nothing of what was there before; the
// remedy that is told can be followed.
func TestDoctorTriesTheOldestSubmission(t *testing.T) {
	f := newFixture(t)
	f.accept("<hund/>")
	f.now = f.now.Add(time.Minute)
	keyring := func() admin.Check {
		t.Helper()
		d, err := f.client.Doctor(t.Context())
		f.must(err)
		for _, c := range d.Checks {
			if c.Name == "keyring" {
				return c
			}
		}
		t.Fatal("there is no check of the keyring")
		return admin.Check{}
	}
	if c := keyring(); c.State != "ok" {
		t.Errorf("with its own keyring: %+v", c)
	}
	before := f.vault
	fresh, err := vault.Generate()
	f.must(err)
	f.vault, err = vault.Parse(fresh)
	f.must(err)
	f.server.Vault = f.vault
	for _, when := range []string{"at once", "after the next submission"} {
		if c := keyring(); c.State != "bad" || !strings.Contains(c.Remedy, "restore the old key") {
			t.Errorf("a fresh keyring on an old journal, %s: %+v", when, c)
		}
		f.accept("<hund/>")
	}
	f.server.Vault = before
	if c := keyring(); c.State != "bad" {
		t.Errorf("the newest cannot be opened: %+v", c)
	}
	f.server.Vault, err = vault.Parse(slices.Concat(fresh, first(f.ring)))
	f.must(err)
	if c := keyring(); c.State != "ok" {
		t.Errorf("the old key beside the new one: %+v", c)
	}
}

// first is the line of the first key.
func first(ring []byte) []byte {
	for line := range bytes.Lines(ring) {
		if line[0] == 'k' {
			return line
		}
	}
	return nil
}

// After a rotation every key is wrapped anew, and the old one may leave the keyring.
func TestRewrap(t *testing.T) {
	f := newFixture(t)
	id, _ := f.accept("<hund/>")
	rotated, err := vault.Rotate(f.ring)
	f.must(err)
	f.ring = rotated
	_, err = f.client.Rewrap(t.Context())
	f.problem(err, http.StatusConflict, admin.CodeState)
	if !strings.Contains(err.Error(), "restart the hub") || len(f.audited("rewrap")) != 0 {
		t.Errorf("before the restart: %v", err)
	}
	f.server.Vault, err = vault.Parse(rotated)
	f.must(err)
	r, err := f.client.Rewrap(t.Context())
	f.must(err)
	again, err := f.client.Rewrap(t.Context())
	f.must(err)
	if r.Changed != 1 || again.Changed != 0 || len(f.audited("rewrap")) != 2 {
		t.Errorf("rewrapped: %+v, then %+v", r, again)
	}
	damaged, _ := f.accept("<hund/>")
	f.spoil(damaged)
	if r, err := f.client.Rewrap(t.Context()); err != nil || r.Unread != 1 {
		t.Errorf("beside a damaged one: %+v, %v", r, err)
	}
	var kept []string
	for line := range strings.Lines(string(rotated)) {
		if !strings.HasPrefix(line, "k1-") {
			kept = append(kept, line)
		}
	}
	f.server.Vault, err = vault.Parse([]byte(strings.Join(kept, "")))
	f.must(err)
	if p, err := f.client.Payload(t.Context(), id.String()); err != nil || string(p.Body) != "<hund/>" {
		t.Errorf("without the old key: %+v, %v", p, err)
	}
}

// A file that cannot be read, or a foreign keyring, is no leave to remove a key either.
func TestRewrapNeedsTheKeyringInForce(t *testing.T) {
	f := newFixture(t)
	f.accept("<hund/>")
	foreign, err := vault.Generate()
	f.must(err)
	name := func(ring []byte) []byte { return bytes.Fields(first(ring))[0] }
	sameName := bytes.Replace(foreign, name(foreign), name(f.ring), 1) // as those were called that were made before
	for name, ring := range map[string][]byte{"foreign": foreign, "same name": sameName, "broken": []byte("k1"), "empty": nil} {
		f.ring = ring
		_, err := f.client.Rewrap(t.Context())
		if p, ok := err.(*admin.Problem); !ok || p.Status != http.StatusConflict {
			t.Errorf("%s: %v", name, err)
		}
	}
}
