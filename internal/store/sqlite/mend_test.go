package sqlite

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// TestMendRestoredRow: a row that fails its check is not mended; once its bytes
// are right again it is, although it was sealed under the state of before.
func TestMendRestoredRow(t *testing.T) {
	for _, table := range []string{"submission", "delivery"} {
		t.Run(table, func(t *testing.T) {
			s, _, now, victim, _ := neighbours(t)
			key := keyOf(victim)
			if table == "delivery" {
				key = keyOf(victim.Delivery(2))
			}
			good := asBytes(column(t, s, "SELECT body FROM "+table+" WHERE key = ?", key))
			flipColumn(t, s, table, "body", key)
			claim(t, s, benchSystems[0], now, 10)
			if got := state(t, s, victim); got != hub.SubmissionDamaged {
				t.Fatalf("state %s, want damaged", got)
			}
			if err := s.Mend(t.Context(), victim, "operator:x", "y", now); !errors.Is(err, store.ErrDamaged) {
				t.Fatalf("mending what still fails its check: %v, want ErrDamaged", err)
			}
			scribble(t, s, "UPDATE "+table+" SET body = ? WHERE key = ?", good, key)
			if err := s.Mend(t.Context(), victim, "operator:x", "restored", now); err != nil {
				t.Fatal(err)
			}
			if got := state(t, s, victim); got != hub.SubmissionRunning {
				t.Errorf("state %s, want running", got)
			}
			if tasks := claim(t, s, benchSystems[1], now.Add(time.Second), 10); len(tasks) != 2 {
				t.Errorf("%d tasks, want the mended one's and its neighbour's", len(tasks))
			}
		})
	}
}

// TestCloseDamagedRow: a row that fails its check is no dead end.
func TestCloseDamagedRow(t *testing.T) {
	for _, table := range []string{"submission", "delivery"} {
		t.Run(table, func(t *testing.T) {
			s, _, now, victim, _ := neighbours(t)
			key := keyOf(victim)
			if table == "delivery" {
				key = keyOf(victim.Delivery(2))
			}
			flipColumn(t, s, table, "body", key)
			claim(t, s, benchSystems[0], now, 10)
			if _, err := s.CloseDelivery(t.Context(), victim, "operator:x", "submitted again", now); err != nil {
				t.Fatal(err)
			}
			status, err := s.Submission(t.Context(), victim)
			if err != nil || status.Submission.State != hub.SubmissionSettled || len(status.Deliveries) == 0 {
				t.Fatalf("closed: %+v, %v", status, err)
			}
			for _, d := range status.Deliveries {
				if d.State != hub.DeliveryClosed {
					t.Errorf("delivery %d is %s, want closed", d.ID.Ordinal(), d.State)
				}
			}
			figures, err := s.Figures(t.Context())
			if err != nil || figures.Submissions[hub.SubmissionDamaged] != 0 {
				t.Errorf("figures: %+v, %v", figures, err)
			}
		})
	}
}

// TestCloseDamagedRowKeepsTheHold: what stood in a row that was given up still counts
// when it comes to deleting: the legal hold, the attachments, the data key.
func TestCloseDamagedRowKeepsTheHold(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	l, now := newLoad(), time.Now()
	a := l.acceptance(now)
	a.Submission.Attachments = 1
	a.Attachments = []store.SealedAttachment{{N: 1, Info: []byte("i"), File: "day/1"}}
	a.DataKey = bytes.Repeat([]byte("wrapped!"), 10)
	file := filepath.Join(s.AttachmentDir(), "day", "1")
	if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte("sealed"), 0o600)); err != nil {
		t.Fatal(err)
	}
	accept(t, s, a)
	id := a.Submission.ID
	if err := s.Hold(t.Context(), id, hub.Hold{Since: now, By: "operator:x", Reason: "Klage"}); err != nil {
		t.Fatal(err)
	}
	flipColumn(t, s, "submission", "municipality", keyOf(id))
	if err := s.Damage(t.Context(), id, "row", now); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CloseDelivery(t.Context(), id, "operator:x", "submitted again", now); err != nil {
		t.Fatal(err)
	}
	order := []store.Erase{{ID: id, Metadata: true, Actor: "operator:x", Reason: "y", At: now}}
	if done, err := s.Erase(t.Context(), order); err != nil || !errors.Is(done[0].Err, store.ErrHeld) {
		t.Fatalf("it is held: %+v, %v", done, err)
	}
	if err := s.Release(t.Context(), id, "operator:x", "over", now); err != nil {
		t.Fatal(err)
	}
	if done, err := s.Erase(t.Context(), order); err != nil || done[0].Err != nil || done[0].Deletion.Counts.Attachments != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the attachment is still there: %v", err)
	}
	if did, err := s.Scrub(t.Context()); err != nil || did.Keys != 1 || !did.Log {
		t.Errorf("the data key of the row is not looked for: %+v, %v", did, err)
	}
}
