package sqlite

import (
	"slices"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

// After a restart nothing is in memory: all that is due is read together, but for what
// is so large that many of it would not fit.
func TestCasesAfterARestart(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	l, now := newLoad(), time.Now()
	var want, all []hub.ID
	for i := range 20 {
		a := l.acceptance(now)
		if i == 7 {
			a.Payload = l.sealed(freshBytes/64 + 1)
		} else {
			want = append(want, a.Submission.ID)
		}
		accept(t, s, a)
		all = append(all, a.Submission.ID)
	}
	if cases, err := s.Cases(t.Context(), all[:7]); err != nil || len(cases) != 0 {
		t.Errorf("what is at hand was read: %d, %v", len(cases), err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	cases, err := s.Cases(t.Context(), all)
	if err != nil {
		t.Fatal(err)
	}
	var got []hub.ID
	for _, c := range cases {
		got = append(got, c.Submission.ID)
		if len(c.Payload) != benchPayload || len(c.Meta) != 160 || len(c.DataKey) != 70 {
			t.Errorf("%s: %d bytes of payload, %d of metadata, %d of the key", c.Submission.ID, len(c.Payload), len(c.Meta), len(c.DataKey))
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("cases of %v, want %v", got, want)
	}
}
