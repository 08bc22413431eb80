package sqlite

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"
	"modernc.org/sqlite"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

func TestPragmasAreReadBack(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	check := func(c *conn, extra []pragma) {
		t.Helper()
		for _, p := range append(pragmas[:len(pragmas):len(pragmas)], append(extra, pragma{"page_size", "", "8192"})...) {
			if got, err := c.pragma(p.name); err != nil || got != p.reads {
				t.Errorf("pragma %s is %s, %v; want %s", p.name, got, err, p.reads)
			}
		}
	}
	if err := s.w.do(t.Context(), func(tx *tx) error { check(tx.c, writerPragmas); return nil }); err != nil {
		t.Fatal(err)
	}
	if err := s.read(t.Context(), func(c *conn) error { check(c, readerPragmas); return nil }); err != nil {
		t.Fatal(err)
	}
	// A setting that does not take is refused, whatever the reason.
	if _, err := connect(s.path, pragma{"synchronous", "OFF", "2"}); err == nil || !strings.Contains(err.Error(), "pragma synchronous") {
		t.Errorf("synchronous off: %v, want a refusal", err)
	}
	if _, err := connect(":memory:"); err == nil || !strings.Contains(err.Error(), "pragma journal_mode") {
		t.Errorf("a file without a log: %v, want a refusal", err)
	}
}

func TestReadersCannotWrite(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	err := s.read(t.Context(), func(c *conn) error { return c.exec("DELETE FROM submission") })
	if err == nil {
		t.Error("a reading connection writes")
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	first, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("second open: %v, want a refusal", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	open(t, Options{Dir: dir})
}

func TestClosedStoreRefuses(t *testing.T) {
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Healthy(context.Background()); err == nil {
		t.Error("a closed store is healthy")
	}
	if _, err := s.Figures(context.Background()); err == nil {
		t.Error("a closed store gives figures")
	}
}

// TestMigrations goes to the newest schema from nothing and from each older one.
func TestMigrations(t *testing.T) {
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	versions := []int64{0}
	for _, f := range files {
		version, err := goose.NumericComponent(f.Name())
		if err != nil {
			t.Fatal(err)
		}
		versions = append(versions, version)
	}
	for _, from := range versions {
		dir := t.TempDir()
		path := filepath.Join(dir, "stellwerk.db")
		if from > 0 {
			withProvider(t, path, func(db *sql.DB) {
				p, err := provider(db)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := p.UpTo(t.Context(), from); err != nil {
					t.Fatal(err)
				}
			})
		}
		s := open(t, Options{Dir: dir})
		if err := s.Healthy(t.Context()); err != nil {
			t.Errorf("from schema %d: %v", from, err)
		}
	}
}

func TestNewerSchemaIsRefused(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	withProvider(t, s.path, func(db *sql.DB) {
		if _, err := db.ExecContext(t.Context(), "INSERT INTO goose_db_version (version_id, is_applied) VALUES (99, 1)"); err != nil {
			t.Fatal(err)
		}
	})
	if _, err := Open(Options{Dir: dir}); err == nil || !strings.Contains(err.Error(), "version 99") {
		t.Errorf("a newer schema: %v, want a refusal that names it", err)
	}
}

func TestForeignFileIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "stellwerk.db"), []byte(strings.Repeat("not a database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(Options{Dir: dir}); err == nil {
		t.Error("a file of another kind is opened")
	}
}

func withProvider(t *testing.T, path string, fn func(*sql.DB)) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(path, pragmas...))
	if err != nil {
		t.Fatal(err)
	}
	fn(db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestRestart: everything that is kept in memory is the same after a start.
func TestRestart(t *testing.T) {
	dir, l, now := t.TempDir(), newLoad(), time.Now()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var all []*store.Acceptance
	for range 20 {
		a := l.acceptance(now)
		accept(t, s, a)
		if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
			t.Fatal(err)
		}
		all = append(all, a)
	}
	tasks := claim(t, s, benchSystems[0], now, 8)
	record(t, s, l.delivered(tasks[0], now))
	if err := s.Pause(t.Context(), benchSystems[1], "operator:x", "update", now); err != nil {
		t.Fatal(err)
	}
	before, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, Options{Dir: dir})
	after, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range before.Systems {
		if after.Systems[name] != want {
			t.Errorf("figures of %s: %+v, want %+v", name, after.Systems[name], want)
		}
	}
	again := *all[3]
	again.Submission.ID = l.ids.New()
	if got, err := s.Accept(t.Context(), &again); err != nil || got.ID != all[3].Submission.ID {
		t.Errorf("a key from before the start: %+v, %v; want the first answer", got, err)
	}
	if got := claim(t, s, benchSystems[1], now, 8); len(got) != 0 {
		t.Errorf("%d tasks of a paused system", len(got))
	}
	rows, err := s.List(t.Context(), store.Filter{Search: all[5].OrderKey})
	if err != nil || len(rows) != 1 || rows[0].Submission.ID != all[5].Submission.ID {
		t.Errorf("search after the start: %d, %v", len(rows), err)
	}
	// What the process held when it ended is found at once, without its lease ending.
	expired, err := s.Expired(t.Context(), now, "n1", 100)
	if err != nil || len(expired) != 7 {
		t.Fatalf("left in sending: %d, %v; want 7", len(expired), err)
	}
	if other, err := s.Expired(t.Context(), now, "n2", 100); err != nil || len(other) != 0 {
		t.Errorf("another node's: %d, %v; want none", len(other), err)
	}
	if err := s.Rescue(t.Context(), expired[0].ID, "n1", false, now); err != nil {
		t.Errorf("rescue: %v", err)
	}
	accept(t, s, l.acceptance(now))
	trail, err := s.AuditTrail(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := audit.Verify(audit.Head{}, trail); err != nil || len(trail) != 22 {
		t.Errorf("the chain over the start: %d entries, %v", len(trail), err)
	}
	// A claim of this process is no leftover.
	if got := claim(t, s, benchSystems[0], now.Add(time.Second), 2); len(got) != 2 {
		t.Fatalf("%d tasks", len(got))
	}
	if expired, err = s.Expired(t.Context(), now, "n1", 100); err != nil || len(expired) != 6 {
		t.Errorf("left in sending: %d, %v; want 6", len(expired), err)
	}
}

func TestSweepAttachments(t *testing.T) {
	s, l, now := open(t, Options{Dir: t.TempDir()}), newLoad(), time.Now()
	old := now.Add(-48 * time.Hour)
	write := func(name string, at time.Time) {
		t.Helper()
		path := filepath.Join(s.AttachmentDir(), name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	write("aa/kept", old)
	write("aa/left", old)
	write("young", now)
	a := l.acceptance(now)
	a.Submission.Attachments, a.Attachments = 1, []store.SealedAttachment{{N: 1, File: "aa/kept"}}
	accept(t, s, a)
	n, err := s.SweepAttachments(t.Context(), now.Add(-24*time.Hour))
	if err != nil || n != 1 {
		t.Errorf("swept %d, %v; want 1", n, err)
	}
	for name, want := range map[string]bool{"aa/kept": true, "aa/left": false, "young": true} {
		if _, err := os.Stat(filepath.Join(s.AttachmentDir(), name)); (err == nil) != want {
			t.Errorf("%s: %v, want it there: %v", name, err, want)
		}
	}
}

// TestManyChapters: the filters of many keys, closed chapters among them, are the
// same after a start.
func TestManyChapters(t *testing.T) {
	dir := t.TempDir()
	const n = 2*chapterRuns*keyRun + 1000
	hash := func(i int) []byte { return keyHash("soest", string(rune('a'+i%26))+time.Duration(i).String()) }
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	err = s.w.do(t.Context(), func(tx *tx) error {
		for i := range n {
			if err := tx.keys.add(tx, hash(i), int64(i+1), 1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	look := func(s *Store) {
		t.Helper()
		if len(s.keys.filters) != 3 {
			t.Errorf("%d filters, want 3", len(s.keys.filters))
		}
		err := s.read(t.Context(), func(c *conn) error {
			for i := 0; i < n; i += 997 {
				if got, err := s.keys.find(c, hash(i)); err != nil || got != int64(i+1) {
					t.Fatalf("key %d leads to %d, %v", i, got, err)
				}
			}
			wrong := 0
			for i := range 10_000 {
				wrong += len(s.keys.chapters(hash(n + i)))
			}
			if wrong > 200 {
				t.Errorf("%d of 10,000 new keys are taken for known", wrong)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	look(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	look(s)
	if got, err := s.ForgetKeys(t.Context(), time.Now()); err != nil || got != n {
		t.Errorf("forgotten: %d, %v; want %d", got, err, n)
	}
	if len(s.keys.filters) > 1 {
		t.Errorf("%d filters are left", len(s.keys.filters))
	}
}

func accept(t testing.TB, s *Store, a *store.Acceptance) {
	t.Helper()
	if _, err := s.Accept(t.Context(), a); err != nil {
		t.Fatal(err)
	}
}

func claim(t testing.TB, s *Store, system string, now time.Time, limit int) []store.Task {
	t.Helper()
	tasks, err := s.Claim(t.Context(), store.Claim{System: system, Owner: "n1", Now: now, Lease: time.Minute, Limit: limit})
	if err != nil {
		t.Fatal(err)
	}
	return tasks
}

func record(t testing.TB, s *Store, r *store.Record) {
	t.Helper()
	if _, err := s.Record(t.Context(), r); err != nil {
		t.Fatal(err)
	}
}

func state(t testing.TB, s *Store, id hub.ID) hub.SubmissionState {
	t.Helper()
	got, err := s.Submission(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return got.Submission.State
}

// What waits behind an earlier one goes on with it after a start as well, and a
// retry keeps its time.
func TestRestartForgetsNobodyInASequence(t *testing.T) {
	dir, l, now := t.TempDir(), newLoad(), time.Now()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	var order []byte
	for range 3 {
		a := l.acceptance(now)
		if order == nil {
			order = a.OrderKey
		}
		a.OrderKey = order
		accept(t, s, a)
		if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
			t.Fatal(err)
		}
	}
	system := benchSystems[0]
	first := claim(t, s, system, now, 8)
	if len(first) != 1 {
		t.Fatalf("%d tasks, want only the earliest", len(first))
	}
	again := l.delivered(first[0], now)
	again.State, again.NotBefore, again.Attempt.Outcome, again.Answer = hub.DeliveryPending, now.Add(5*time.Second), "retry", nil
	record(t, s, again)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	s = open(t, Options{Dir: dir})
	if got := claim(t, s, system, now.Add(time.Second), 8); len(got) != 0 {
		t.Fatalf("%d tasks before the retry's time", len(got))
	}
	now = now.Add(6 * time.Second)
	for n := range 3 {
		got := claim(t, s, system, now, 8)
		if len(got) != 1 {
			t.Fatalf("the %d. in the sequence: %d tasks, want 1 at once", n+1, len(got))
		}
		record(t, s, l.delivered(got[0], now))
	}
}

// A file that belongs to somebody else, as after a restore by root, opens for reading
// only: a hub that starts with it takes nothing and sends nothing.
func TestFileThatCannotBeWritten(t *testing.T) {
	s := open(t, Options{Dir: t.TempDir()})
	if err := s.w.do(t.Context(), func(x *tx) error { return x.beat() }); err != nil {
		t.Fatal(err)
	}
	dc, err := new(sqlite.Driver).Open("file:" + s.path + "?mode=ro")
	if err != nil {
		t.Fatal(err)
	}
	c := &conn{dc: dc, stmts: make(map[string]prepared)}
	defer func() {
		if err := c.close(); err != nil {
			t.Error(err)
		}
	}()
	if err := c.writable(); err == nil || !strings.Contains(err.Error(), "readonly") {
		t.Errorf("a file that may only be read: %v", err)
	}
}

// The journal is for its owner only, also in a folder that others may enter.
func TestJournalIsForItsOwner(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Dir: dir})
	accept(t, s, newLoad().acceptance(time.Now()))
	for _, name := range []string{"stellwerk.db", "stellwerk.db-wal", "stellwerk.db-shm"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
			t.Errorf("%s has the rights %v", name, info.Mode())
		}
	}
}
