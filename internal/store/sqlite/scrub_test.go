package sqlite

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	mathrand "math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// life is a store with submissions that have lived: their rows have grown and
// moved, as they do.
type life struct {
	*testing.T
	*Store
	dir  string
	now  time.Time
	keys map[hub.ID][]byte
	ids  []hub.ID
}

func lived(t *testing.T, n int) *life {
	dir := t.TempDir()
	l := &life{T: t, Store: open(t, Options{Dir: dir}), dir: dir, now: time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC), keys: map[hub.ID][]byte{}}
	ids := hub.IDs{Now: func() time.Time { l.now = l.now.Add(time.Millisecond); return l.now }}
	order := mathrand.New(mathrand.NewPCG(1, 2))
	ctx := t.Context()
	var open []hub.ID
	for len(l.ids) < n || len(open) > 0 {
		if len(l.ids) < n && (len(open) < 50 || order.IntN(2) == 0) {
			id := ids.New()
			key := make([]byte, 80)
			payload := make([]byte, 200+order.IntN(3000))
			_, _ = rand.Read(key)
			_, _ = rand.Read(payload)
			l.keys[id] = key
			if _, err := l.Accept(ctx, &store.Acceptance{
				Submission: hub.Submission{ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "soest", Channel: "portal", State: hub.SubmissionAccepted,
					ReceivedAt: l.now, Revision: "r1", Format: "xml", SHA256: sha256.Sum256(payload), Size: int64(len(payload)), Version: 1},
				Key: id.String(), Answer: []byte("{}"), DataKey: key, Meta: []byte("m"), Payload: payload, Actor: "portal:soest",
			}); err != nil {
				t.Fatal(err)
			}
			l.ids, open = append(l.ids, id), append(open, id)
			continue
		}
		// The end of any of those under way.
		i := order.IntN(len(open))
		id := open[i]
		open = append(open[:i], open[i+1:]...)
		d := id.Delivery(1)
		body := make([]byte, 100+order.IntN(2000))
		if err := l.Advance(ctx, id, 1, &store.Advance{At: l.now, State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{{
			Delivery: hub.Delivery{ID: d, Role: "finance", System: "kasse", State: hub.DeliveryPending, NotBefore: l.now},
			Document: &store.Rendered{Delivery: d, Head: []byte("h"), Body: body, SHA256: "00", Revision: "r"},
		}}}); err != nil {
			t.Fatal(err)
		}
		tasks, err := l.Claim(ctx, store.Claim{System: "kasse", Owner: "n", Now: l.now, Lease: time.Minute, Limit: 1})
		if err != nil || len(tasks) != 1 {
			t.Fatalf("claim: %v, %v", tasks, err)
		}
		if _, err := l.Record(ctx, &store.Record{Attempt: hub.Attempt{Delivery: tasks[0].Delivery.ID, N: 1, At: l.now, Kind: "send", Outcome: "delivered"},
			Owner: "n", Fence: tasks[0].Fence, State: hub.DeliveryDelivered, Answer: []byte("sealed answer")}); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

func (l *life) erase(ids []hub.ID) {
	l.Helper()
	var orders []store.Erase
	for _, id := range ids {
		orders = append(orders, store.Erase{ID: id, Metadata: true, Actor: "operator:x", Reason: "y", At: l.now})
	}
	done, err := l.Erase(context.Background(), orders)
	if err != nil {
		l.Fatal(err)
	}
	for _, e := range done {
		if e.Err != nil || !e.Deletion.KeyDestroyed {
			l.Fatalf("%+v", e)
		}
	}
}

// found counts the keys of which a rest of some bytes lies in a file of the folder.
func (l *life) found(ids []hub.ID) (n int) {
	l.Helper()
	for _, file := range []string{"stellwerk.db", "stellwerk.db-wal"} {
		content, err := os.ReadFile(filepath.Join(l.dir, file))
		if err != nil && !os.IsNotExist(err) {
			l.Fatal(err)
		}
		for _, id := range ids {
			key := l.keys[id]
			sealed := key[len(key)-keyTail : len(key)-tagSize] // the tag opens nothing
			for i := 0; i+surely <= len(sealed); i++ {
				if bytes.Contains(content, sealed[i:i+surely]) {
					n++
					break
				}
			}
		}
	}
	return n
}

// A destroyed key is in no file any more, though copies of its row had been left
// behind in the pages. The control: what is not erased is found, and before the
// scrub so is what is.
func TestDestroyedKeysLeaveTheFiles(t *testing.T) {
	l := lived(t, 260)
	var gone, kept []hub.ID
	for i, id := range l.ids {
		if i%7 == 0 || i > 120 && i < 180 {
			gone = append(gone, id)
		} else {
			kept = append(kept, id)
		}
	}
	l.erase(gone)
	if l.found(gone) == 0 {
		t.Fatal("nothing was left behind: this test proves nothing")
	}
	did, err := l.Scrub(t.Context())
	if err != nil || !did.Log || did.Remaining != 0 || did.Pages == 0 || did.Keys != len(gone) {
		t.Fatalf("%+v %v", did, err)
	}
	if n := l.found(gone); n != 0 {
		t.Errorf("%d of %d destroyed keys are still in the files", n, len(gone))
	}
	if n := l.found(kept); n < len(kept) {
		t.Errorf("only %d of %d keys that are kept were found: the search does not see", n, len(kept))
	}
	l.whole(kept)

	// The rest follows, and the file stays sound.
	l.erase(kept)
	if did, err := l.Scrub(t.Context()); err != nil || did.Remaining != 0 || !did.Log {
		t.Fatalf("%+v %v", did, err)
	}
	if n := l.found(l.ids); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	l.whole(nil)
}

// whole reads everything that is kept, and has SQLite check the file.
func (l *life) whole(ids []hub.ID) {
	l.Helper()
	for _, id := range ids {
		c, err := l.Case(context.Background(), id)
		if err != nil || !bytes.Equal(c.DataKey, l.keys[id]) || sha256.Sum256(c.Payload) != c.Submission.SHA256 {
			l.Fatalf("a neighbour is hurt: %v", err)
		}
	}
	c, err := connect(l.path)
	if err != nil {
		l.Fatal(err)
	}
	verdict, err := c.pragma("integrity_check")
	if err != nil || verdict != "ok" {
		l.Errorf("integrity: %s %v", verdict, err)
	}
	if err := c.close(); err != nil {
		l.Error(err)
	}
}

// A crash between the erasure and the scrub is made good: by the tag of the key.
func TestScrubAfterACrash(t *testing.T) {
	l := lived(t, 90)
	l.erase(l.ids[:40])
	l.residue.drop(40) // as a new process finds it
	did, err := l.Scrub(t.Context())
	if err != nil || did.Keys != 40 || did.Pages == 0 || !did.Log {
		t.Fatalf("%+v %v", did, err)
	}
	if n := l.found(l.ids[:40]); n != 0 {
		t.Errorf("%d keys are left", n)
	}
	l.whole(l.ids[40:])
}

// A key that was wrapped anew leaves what it was before behind, too, and whoever still
// has the operator's old key opens that: it is looked for like a destroyed one.
func TestRewrappedKeysLeaveTheFiles(t *testing.T) {
	l := lived(t, 90)
	n, err := l.Rewrap(t.Context(), 20, func(id hub.ID, _ string, _ []byte) ([]byte, error) {
		fresh := make([]byte, 80)
		_, _ = rand.Read(fresh)
		return fresh, nil
	})
	if err != nil || n != len(l.ids) {
		t.Fatalf("%d, %v", n, err)
	}
	if l.found(l.ids) == 0 {
		t.Fatal("nothing was left behind: this test proves nothing")
	}
	if did, err := l.Scrub(t.Context()); err != nil || did.Remaining != 0 || !did.Log {
		t.Fatalf("%+v %v", did, err)
	}
	if n := l.found(l.ids); n != 0 {
		t.Errorf("%d keys as they were wrapped before are left", n)
	}
}

// Where the payload goes before the attachments the key stays, and would open what is
// left of it in the files.
func TestPayloadLeavesTheFilesBeforeItsKey(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ids := hub.IDs{Now: func() time.Time { return now }}
	payload := make([]byte, 3000)
	_, _ = rand.Read(payload)
	id := ids.New()
	if _, err := s.Accept(t.Context(), &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: "05974040", Service: "s", Portal: "p", State: hub.SubmissionAccepted, ReceivedAt: now, Attachments: 1, Version: 1},
		Key:        "k", DataKey: make([]byte, 80), Payload: payload, Actor: "portal:p",
		Attachments: []store.SealedAttachment{{N: 1, Info: []byte("i"), File: "day/1"}},
	}); err != nil {
		t.Fatal(err)
	}
	if err := s.Withdraw(t.Context(), id, "operator:x", "y", now); err != nil {
		t.Fatal(err)
	}
	done, err := s.Erase(t.Context(), []store.Erase{{ID: id, Payload: true, Actor: "hub", Rule: "r", At: now}})
	if err != nil || done[0].Err != nil || done[0].Deletion.KeyDestroyed {
		t.Fatalf("%+v %v", done, err)
	}
	if did, err := s.Scrub(t.Context()); err != nil || did.Remaining != 0 || !did.Log {
		t.Fatalf("%+v %v", did, err)
	}
	for _, file := range []string{"stellwerk.db", "stellwerk.db-wal"} {
		content, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		for i := 0; i+surely <= len(payload)-tagSize; i++ { // the tag opens nothing
			if bytes.Contains(content, payload[i:i+surely]) {
				t.Fatalf("byte %d of the payload is still in %s", i, file)
			}
		}
	}
}

// While somebody reads the log cannot be emptied; the scrub says so and does it
// the next time.
func TestScrubWaitsForReaders(t *testing.T) {
	l := lived(t, 20)
	l.erase(l.ids[:5])
	c, err := connect(l.path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.close() }()
	if err := c.exec("BEGIN"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.pragma("page_count"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.changed("SELECT count(*) FROM submission"); err != nil {
		t.Fatal(err)
	}
	l.residue.tries = 2
	did, err := l.Scrub(t.Context())
	if err != nil || did.Log {
		t.Fatalf("%+v %v", did, err)
	}
	if err := c.exec("COMMIT"); err != nil {
		t.Fatal(err)
	}
	if did, err = l.Scrub(t.Context()); err != nil || !did.Log || did.Keys != 5 {
		t.Fatalf("%+v %v", did, err)
	}
	if did, err = l.Scrub(t.Context()); err != nil || did.Keys != 0 {
		t.Fatalf("%+v %v", did, err)
	}
}

// Attachments' files are gone with the erasure, and a leftover with the sweep.
func TestEraseRemovesFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Options{Dir: dir})
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ids := hub.IDs{Now: func() time.Time { return now }}
	id := ids.New()
	a := &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: "05974040", Service: "s", Portal: "p", State: hub.SubmissionAccepted, ReceivedAt: now, Attachments: 2, Version: 1},
		Key:        "k", DataKey: []byte("wrapped"), Payload: []byte("p"), Actor: "portal:p",
	}
	for n := 1; n <= 2; n++ {
		name := fmt.Sprintf("day/%d", n)
		a.Attachments = append(a.Attachments, store.SealedAttachment{N: n, Info: []byte("i"), File: name})
		if err := os.MkdirAll(filepath.Join(s.AttachmentDir(), "day"), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(s.AttachmentDir(), name), []byte("sealed"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Accept(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := s.Withdraw(t.Context(), id, "operator:x", "y", now); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(s.AttachmentDir(), "day/2")); err != nil { // lost before
		t.Fatal(err)
	}
	done, err := s.Erase(t.Context(), []store.Erase{{ID: id, Metadata: true, Actor: "operator:x", Reason: "y", At: now}})
	if err != nil || done[0].Err != nil || done[0].Deletion.Counts.Attachments != 1 {
		t.Fatalf("%+v %v", done, err)
	}
	left, err := os.ReadDir(filepath.Join(s.AttachmentDir(), "day"))
	if err != nil || len(left) != 0 {
		t.Errorf("files are left: %v %v", left, err)
	}
}

// An attachment that the disk does not read keeps neither its own submission nor
// those behind it.
func TestEraseUnreadableFile(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ids := hub.IDs{Now: func() time.Time { return now }}
	var orders []store.Erase
	for n := range 2 {
		id, name := ids.New(), fmt.Sprintf("day/%d", n)
		if err := os.MkdirAll(filepath.Join(s.AttachmentDir(), name), 0o700); err != nil { // a folder cannot be read
			t.Fatal(err)
		}
		if _, err := s.Accept(t.Context(), &store.Acceptance{
			Submission: hub.Submission{ID: id, Municipality: "05974040", Service: "s", Portal: "p", State: hub.SubmissionAccepted, ReceivedAt: now, Attachments: 1, Version: 1},
			Key:        name, DataKey: []byte("wrapped"), Payload: []byte("p"), Actor: "portal:p",
			Attachments: []store.SealedAttachment{{N: 1, Info: []byte("i"), File: name}},
		}); err != nil {
			t.Fatal(err)
		}
		if err := s.Withdraw(t.Context(), id, "operator:x", "y", now); err != nil {
			t.Fatal(err)
		}
		orders = append(orders, store.Erase{ID: id, Metadata: true, Actor: "hub", Rule: "r", At: now})
	}
	done, err := s.Erase(t.Context(), orders)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range done {
		if e.Err != nil || !e.Deletion.KeyDestroyed || e.Deletion.Counts.Attachments != 0 {
			t.Errorf("%+v", e)
		}
	}
}

// Lines of the audit trail that were kept long enough leave the file and the log.
func TestCutLinesLeaveTheFiles(t *testing.T) {
	l := lived(t, 5)
	for n := range 600 { // many pages of them
		e := hub.AuditEntry{At: l.now, Actor: "counter:theke/Zoe Probst", Action: "withdrawn", Object: "x", Reason: fmt.Sprintf("Anruf %d von Frau Quast", n)}
		if err := l.Audit(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := l.emptyLog(t.Context()); err != nil {
		t.Fatal(err)
	}
	holding := func() (n int) {
		for _, name := range []string{"stellwerk.db", "stellwerk.db-wal"} {
			content, err := os.ReadFile(filepath.Join(l.dir, name))
			if err != nil {
				t.Fatal(err)
			}
			n += bytes.Count(content, []byte("Frau Quast")) + bytes.Count(content, []byte("Zoe Probst"))
		}
		return n
	}
	if holding() == 0 {
		t.Fatal("they are not found while they are there: this test proves nothing")
	}
	start, err := l.CutAudit(t.Context(), l.now.Add(time.Hour), "hub", "10 years", l.now.Add(time.Hour))
	if err != nil || start.Seq < 600 {
		t.Fatalf("%+v %v", start, err)
	}
	if n := holding(); n > 0 {
		t.Errorf("the files still hold %d of them", n)
	}
}
