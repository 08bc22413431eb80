package web

import (
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
	"stellwerk/internal/route"
	"stellwerk/internal/web/admin"
)

// retained has the fixture's hub delete by the default rules.
func (f *fixture) retained() {
	f.server.Retention = &retention.Runner{Store: f.store, Log: slog.New(slog.DiscardHandler), Now: f.clock,
		Rules: func(string, string) route.Retention { return route.DefaultRetention }}
}

func (f *fixture) checked(name string) admin.Check {
	f.Helper()
	d, err := f.client.Doctor(f.Context())
	f.must(err)
	i := slices.IndexFunc(d.Checks, func(c admin.Check) bool { return c.Name == name })
	if i < 0 {
		f.Fatalf("there is no check %s", name)
	}
	return d.Checks[i]
}

func TestRetentionIsShownAndRun(t *testing.T) {
	f := newFixture(t)
	f.retained()
	id, held := f.settled(), f.settled()
	_, err := f.client.Hold(t.Context(), held.String(), "Klage")
	f.must(err)
	r, err := f.client.Retention(t.Context(), 5)
	f.must(err)
	if r.Examined != 2 || r.Held != 0 || len(r.Due) != 0 || len(r.Next) != 1 || r.Next[0].Submission != id || r.Next[0].Number != id.Number() || !r.LastRun.IsZero() ||
		r.Next[0].Rules != "payload: 30 days after settled" {
		t.Fatalf("%+v", r)
	}
	f.now = f.now.AddDate(0, 0, 31)
	if r, err = f.client.Retention(t.Context(), 5); err != nil || r.Due[hub.PartPayload] != 1 || r.Held != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	// Nothing has run for 31 days: the clock may have jumped.
	_, err = f.client.RunRetention(t.Context(), admin.RunRetention{})
	f.problem(err, http.StatusConflict, admin.CodeState)
	if c := f.checked("clock"); c.State != "bad" || !strings.Contains(c.Remedy, "--today "+f.now.UTC().Format(time.DateOnly)) {
		t.Errorf("%+v", c)
	}
	_, err = f.client.RunRetention(t.Context(), admin.RunRetention{Today: "tomorrow"})
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	_, err = f.client.RunRetention(t.Context(), admin.RunRetention{Today: f.now.AddDate(0, 0, -31).Format(time.DateOnly)})
	f.problem(err, http.StatusConflict, admin.CodeState)
	if s, err := f.client.Submission(t.Context(), id.String()); err != nil || s.Erased != nil {
		t.Fatalf("deleted without anybody's word: %+v %v", s, err)
	}
	run, err := f.client.RunRetention(t.Context(), admin.RunRetention{Today: f.now.Format(time.DateOnly)})
	f.must(err)
	if run.Examined != 2 || run.Erased[hub.PartPayload] != 1 || run.Held != 1 || run.Files.Keys != 1 || !run.Files.LogEmptied {
		t.Errorf("%+v", run)
	}
	s, err := f.client.Submission(t.Context(), id.String())
	f.must(err)
	if s.State != hub.SubmissionSettled || s.Erased == nil || !s.Erased.Payload.Equal(f.now) || !s.Erased.Metadata.IsZero() {
		t.Errorf("%+v", s)
	}
	trail, err := f.store.AuditTrail(t.Context(), 0, 100)
	f.must(err)
	if !slices.ContainsFunc(trail, func(e hub.AuditEntry) bool { return e.Action == "retention-run" && e.Actor == "operator:leitstelle" }) {
		t.Error("who has had it run is not in the trail")
	}
	if r, err = f.client.Retention(t.Context(), 5); err != nil || !r.LastRun.Equal(f.now) {
		t.Errorf("%+v %v", r, err)
	}
	_, err = f.client.Retention(t.Context(), 0)
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
}

func TestDoctorWatchesTheRetention(t *testing.T) {
	f := newFixture(t)
	f.retained()
	if c := f.checked("retention"); c.State != "ok" {
		t.Errorf("an empty hub: %+v", c)
	}
	f.settled()
	f.now = f.now.Add(time.Hour)
	if c := f.checked("retention"); c.State != "ok" {
		t.Errorf("a young hub: %+v", c)
	}
	f.now = f.now.AddDate(0, 0, 3)
	if c := f.checked("retention"); c.State != "warning" || c.Remedy == "" {
		t.Errorf("it has never run: %+v", c)
	}
	_, err := f.client.RunRetention(t.Context(), admin.RunRetention{})
	f.must(err)
	if c := f.checked("retention"); c.State != "ok" {
		t.Errorf("it has run: %+v", c)
	}
	f.now = f.now.AddDate(0, 0, 3)
	if c := f.checked("retention"); c.State != "warning" {
		t.Errorf("it has stopped: %+v", c)
	}
}

// A hub of which everything was deleted is no hub with a wrong keyring.
func TestDoctorWhenAllIsErased(t *testing.T) {
	f := newFixture(t)
	first, second := f.settled(), f.settled()
	for _, id := range []hub.ID{second, first} {
		_, err := f.client.Erase(t.Context(), admin.Erase{Submissions: []string{id.String()}, Reason: "x"})
		f.must(err)
		if c := f.checked("keyring"); c.State != "ok" {
			t.Errorf("%+v", c)
		}
	}
}

// Nor is a keyring wrong because the newest case is damaged, or was closed as that.
func TestDoctorBesideADamagedCase(t *testing.T) {
	f := newFixture(t)
	f.accept("<hund/>")
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	f.spoil(id)
	if c := f.checked("keyring"); c.State != "ok" {
		t.Errorf("damaged: %+v", c)
	}
	_, err := f.client.Submission(t.Context(), id.Number())
	f.must(err)
	_, err = f.client.CloseSubmission(t.Context(), id.Number(), "neu eingereicht")
	f.must(err)
	if c := f.checked("keyring"); c.State != "ok" {
		t.Errorf("closed: %+v", c)
	}
}
