package retention

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
)

// fixture is a runner over a real store, with a clock that is moved.
type fixture struct {
	*testing.T
	*sqlite.Store
	Runner Runner
	now    time.Time
	ids    hub.IDs
	rules  map[string]route.Retention
}

func newFixture(t *testing.T) *fixture {
	s, err := sqlite.Open(sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{T: t, Store: s, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), rules: map[string]route.Retention{}}
	clock := func() time.Time { return f.now }
	f.ids.Now = clock
	f.Runner = Runner{Store: s, Now: clock, Log: slog.New(slog.DiscardHandler), Rules: func(_, service string) route.Retention {
		return f.rules[service].Over(route.DefaultRetention)
	}}
	return f
}

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

func keep(f *fixture, text string) (k route.Keep) {
	f.Helper()
	f.must(k.UnmarshalText([]byte(text)))
	return k
}

// accepted is a submission that has not settled; settled is one that has.
func (f *fixture) accepted(service string) hub.ID {
	f.Helper()
	f.now = f.now.Add(time.Second)
	id := f.ids.New()
	_, err := f.Accept(f.T.Context(), &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: "05974040", Service: service, Portal: "p", State: hub.SubmissionAccepted, ReceivedAt: f.now,
			SHA256: sha256.Sum256(id[:]), Version: 1},
		Key: id.String(), DataKey: []byte("wrapped " + id.String()), Payload: []byte("sealed"), Actor: "portal:p",
	})
	f.must(err)
	return id
}

func (f *fixture) settled(service string) hub.ID {
	f.Helper()
	id := f.accepted(service)
	f.must(f.Withdraw(f.T.Context(), id, "portal:p", "", f.now))
	return id
}

// run is the last of all the nights up to now.
func (f *fixture) run() *Report {
	f.Helper()
	f.must(f.Runner.TrustClock(f.Context(), f.now))
	r, err := f.Runner.Run(f.T.Context())
	f.must(err)
	return r
}

func (f *fixture) erased(id hub.ID) hub.Erased {
	f.Helper()
	s, err := f.Submission(f.T.Context(), id)
	f.must(err)
	return s.Submission.Erased
}

func TestRunWithAMovedClock(t *testing.T) {
	f := newFixture(t)
	f.rules["quick"] = route.Retention{Payload: keep(f, "7 days after settled"), Metadata: keep(f, "2 months after settled")}
	f.rules["never"] = route.Retention{Payload: keep(f, "never"), Metadata: keep(f, "never"), Audit: keep(f, "never")}
	open, quick, usual, held, kept := f.accepted("quick"), f.settled("quick"), f.settled("usual"), f.settled("quick"), f.settled("never")
	f.must(f.Hold(f.T.Context(), held, hub.Hold{Since: f.now, By: "operator:x", Reason: "Klage"}))
	start := f.now

	if r := f.run(); r.Examined != 5 || len(r.Erased) != 0 || r.Held != 0 {
		t.Fatalf("too early: %+v", r)
	}
	f.now = start.AddDate(0, 0, 7)
	p, err := f.Runner.Preview(t.Context(), 10)
	f.must(err)
	if p.Examined != 5 || p.Unsettled != 1 || p.Held != 1 || p.Due[hub.PartPayload] != 1 || len(p.Next) != 2 || p.Next[0].Submission.ID != quick || p.Next[1].Submission.ID != usual ||
		p.Next[0].Rules != "payload: 7 days after settled" || !slices.Equal(p.Next[0].Parts, []string{"payload"}) {
		t.Fatalf("preview: %+v", p)
	}
	if p, err := f.Runner.Preview(t.Context(), 1); err != nil || len(p.Next) != 1 || p.Next[0].Submission.ID != quick {
		t.Fatalf("the next one: %+v %v", p, err)
	}
	if f.erased(quick) != (hub.Erased{}) {
		t.Fatal("the preview has deleted")
	}
	r := f.run()
	if r.Erased[hub.PartPayload] != 1 || r.Erased[hub.PartMetadata] != 0 || r.Held != 1 || r.Scrubbed.Keys != 1 || !r.Scrubbed.Log {
		t.Fatalf("%+v", r)
	}
	if !f.erased(quick).Payload.Equal(f.now) || f.erased(usual) != (hub.Erased{}) || f.erased(held) != (hub.Erased{}) || f.erased(open) != (hub.Erased{}) {
		t.Error("what is due is deleted, and nothing else")
	}
	proofs, err := f.Deletions(t.Context(), store.DeletionFilter{Order: r.Order})
	f.must(err)
	if len(proofs) != 1 || proofs[0].Submission != quick || proofs[0].Actor != "hub" || proofs[0].Rule != "payload: 7 days after settled" || proofs[0].Reason != "" {
		t.Errorf("%+v", proofs)
	}
	if r := f.run(); len(r.Erased) != 0 {
		t.Errorf("once more: %+v", r)
	}

	f.must(f.Release(t.Context(), held, "operator:x", "over", f.now))
	f.now = start.AddDate(0, 2, 0)
	r = f.run()
	// The payloads of usual and held, and the metadata of quick and held.
	if r.Erased[hub.PartPayload] != 2 || r.Erased[hub.PartMetadata] != 2 {
		t.Fatalf("%+v", r)
	}
	f.now = start.AddDate(50, 0, 0)
	f.run()
	if f.erased(usual).Metadata.IsZero() || f.erased(kept) != (hub.Erased{}) || f.erased(open) != (hub.Erased{}) {
		t.Error("what is never deleted, or has not settled, is gone")
	}
	// Nothing is cut off a trail that speaks of what is not settled.
	if start, err := f.AuditStart(t.Context()); err != nil || start.Seq != 0 {
		t.Errorf("cut: %+v %v", start, err)
	}
}

// The trail's old end goes when nobody's lines have to be kept, and what is left
// can be verified.
func TestTrailIsCut(t *testing.T) {
	f := newFixture(t)
	old := f.settled("usual")
	f.now = f.now.AddDate(3, 0, 0)
	young := f.settled("usual")
	f.run()
	f.now = time.Date(2037, 1, 1, 5, 0, 0, 0, time.UTC) // ten years after 2026
	r := f.run()
	if r.AuditFrom.Seq == 0 || f.erased(old).Metadata.IsZero() {
		t.Fatalf("%+v", r)
	}
	trail, err := f.AuditTrail(t.Context(), 0, 100)
	f.must(err)
	for _, e := range trail {
		if e.At.Year() == 2026 {
			t.Errorf("it is still there: %+v", e)
		}
	}
	if !slices.ContainsFunc(trail, func(e hub.AuditEntry) bool { return e.Object == young.String() && e.Action == "accepted" }) {
		t.Error("the young one's lines are gone")
	}
	head := audit.Head{Seq: r.AuditFrom.Seq}
	hash, err := hex.DecodeString(r.AuditFrom.Hash)
	f.must(err)
	copy(head.Hash[:], hash)
	if _, err := audit.Verify(head, trail); err != nil {
		t.Error(err)
	}
	if again := f.run(); again.AuditFrom != r.AuditFrom {
		t.Errorf("once more: %+v, then %+v", r.AuditFrom, again.AuditFrom)
	}
}

func TestManyInOneRun(t *testing.T) {
	f := newFixture(t)
	const n = page + 20
	for range n {
		f.settled("usual")
	}
	f.now = f.now.AddDate(2, 0, 0)
	if r := f.run(); r.Examined != n || r.Erased[hub.PartPayload] != n || r.Erased[hub.PartMetadata] != n || r.Refused != 0 {
		t.Errorf("%+v", r)
	}
	figures, err := f.Figures(t.Context())
	f.must(err)
	if figures.Submissions[hub.SubmissionErased] != n {
		t.Errorf("%+v", figures)
	}
}

// A clock that jumps ahead deletes nothing, not in the first run of all either, until it is
// right again or a person has said that it is.
func TestClockThatJumped(t *testing.T) {
	f := newFixture(t)
	id := f.settled("usual")
	start := f.now
	refused := func(when string, years int) {
		t.Helper()
		f.now = start.AddDate(years, 0, 0)
		var jumped *Jumped
		if r, err := f.Runner.Run(t.Context()); !errors.As(err, &jumped) || r != nil || f.erased(id) != (hub.Erased{}) {
			t.Fatalf("%s: %+v %v %+v", when, r, err, f.erased(id))
		}
	}
	refused("before the first run", 10)
	f.now = start.AddDate(0, 0, 13)
	if _, err := f.Runner.Run(t.Context()); err != nil {
		t.Fatalf("the clock is right again: %v", err)
	}
	f.must(f.Runner.TrustClock(t.Context(), f.now))
	start = f.now
	refused("after a run", 10)
	refused("a year", 1)
	if err := f.Runner.Confirm(t.Context(), start); !errors.Is(err, ErrOtherDay) {
		t.Errorf("another day: %v", err)
	}
	refused("another day was named", 1)
	f.must(f.Runner.Confirm(t.Context(), f.now.AddDate(0, 0, 1).Truncate(24*time.Hour))) // east of here
	if r, err := f.Runner.Run(t.Context()); err != nil || r.Erased[hub.PartPayload] != 1 {
		t.Errorf("%+v %v", r, err)
	}
}
