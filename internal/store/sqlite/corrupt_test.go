package sqlite

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// A corrupt page among the submissions keeps the sweep from those on it, and from no
// other that is due.
func TestCorruptPageOfWhatIsDue(t *testing.T) {
	const n = 200
	l, now := newLoad(), time.Now()
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		a := l.acceptance(now)
		accept(t, s, a)
		if key := keyOf(a.Submission.ID); keyOf(idOf(key)) != key || idOf(key).Time() != a.Submission.ID.Time() {
			t.Fatalf("%s has the key of %s", idOf(key), a.Submission.ID)
		}
	}
	s = spoil(t, s, "submission", 2)
	found, behind := map[hub.ID]bool{}, store.Due{}
	for {
		page, err := s.Due(t.Context(), now.Add(time.Hour), behind, 16)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range page {
			found[one.ID] = true
			behind = one
		}
		if len(page) < 16 {
			break
		}
	}
	if len(found) < n/2 || len(found) == n {
		t.Errorf("%d of %d are found, want those beside the corrupt page", len(found), n)
	}

	// The retention goes through them all, and deletes beside it, too.
	readable, unreadable, after := 0, 0, hub.ID{}
	for {
		page, err := s.Walk(t.Context(), after, 16)
		if err != nil {
			t.Fatal(err)
		}
		for i := range page {
			if !after.Zero() && keyOf(page[i].ID) <= keyOf(after) {
				t.Fatalf("%s behind %s", page[i].ID, after)
			}
			switch after = page[i].ID; {
			case found[after]:
				readable++
			case page[i].State == hub.SubmissionDamaged && !page[i].ReceivedAt.After(time.Now()):
				unreadable++
			}
		}
		if len(page) < 16 {
			break
		}
	}
	if readable != len(found) || readable+unreadable != n {
		t.Errorf("%d of %d are walked through, and %d that cannot be read", readable, len(found), unreadable)
	}

	// And so do lists.
	listed, damaged := map[hub.ID]bool{}, 0
	for f := (store.Filter{Limit: 16}); ; {
		rows, err := s.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rows {
			if f.Before = r.Submission.ID; listed[f.Before] {
				t.Fatalf("%s comes twice", f.Before)
			}
			if listed[f.Before] = true; r.Submission.State == hub.SubmissionDamaged {
				damaged++
			}
		}
		if len(rows) < 16 {
			break
		}
	}
	if len(listed) != n || damaged != unreadable {
		t.Errorf("%d are listed, %d as damaged, want %d and %d", len(listed), damaged, n, unreadable)
	}
	if rows, err := s.List(t.Context(), store.Filter{State: hub.SubmissionAccepted, Limit: n}); err != nil || len(rows) != readable {
		t.Errorf("%d %v are listed by state, want %d", len(rows), err, readable)
	}

	// Their keys are wrapped anew beside it, and the rest is told.
	wrapped, left, fresh := 0, 0, bytes.Repeat([]byte("A"), 8)
	for range 2 {
		var unread store.UnreadKeys
		changed, err := s.Rewrap(t.Context(), 16, func(_ hub.ID, _ string, wrapped []byte) ([]byte, error) {
			if bytes.HasPrefix(wrapped, fresh) {
				return nil, nil
			}
			return slices.Concat(fresh, wrapped[len(fresh):]), nil // as long as before
		})
		if !errors.As(err, &unread) {
			t.Fatalf("wrapped anew %d, %v", changed, err)
		}
		wrapped, left = wrapped+changed, int(unread)
	}
	// The writer may leave one alone on either side of the page, and says so.
	if wrapped+left != n || left < unreadable || left > unreadable+2 {
		t.Errorf("wrapped anew %d, %d cannot be read, want %d and %d", wrapped, left, readable, unreadable)
	}
}

// A record that fails its check keeps its old key: whoever removes that from the keyring
// must have been told.
func TestRewrapTellsOfDamage(t *testing.T) {
	s, _, _, victim, _ := neighbours(t)
	flipColumn(t, s, "submission", "body", keyOf(victim))
	var unread store.UnreadKeys
	changed, err := s.Rewrap(t.Context(), 10, func(_ hub.ID, _ string, wrapped []byte) ([]byte, error) {
		return append([]byte("anew "), wrapped...), nil
	})
	if !errors.As(err, &unread) || unread != 1 || changed != 1 {
		t.Errorf("wrapped anew %d, %v", changed, err)
	}
}
