package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// neighbours is a store with two planned submissions, reopened so that nothing
// of them is in memory.
func neighbours(t *testing.T) (s *Store, l *load, now time.Time, victim, other hub.ID) {
	t.Helper()
	dir, l, now := t.TempDir(), newLoad(), time.Now()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []*hub.ID{&victim, &other} {
		a := l.acceptance(now)
		accept(t, s, a)
		if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
			t.Fatal(err)
		}
		*id = a.Submission.ID
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, Options{Dir: dir}), l, now, victim, other
}

// scribble changes rows behind the store's back.
func scribble(t *testing.T, s *Store, query string, args ...any) {
	t.Helper()
	if err := s.w.do(t.Context(), func(x *tx) error { x.cases.drop(); return x.exec(query, args...) }); err != nil {
		t.Fatal(err)
	}
}

// column reads one value.
func column(t *testing.T, s *Store, query string, args ...any) (v driver.Value) {
	t.Helper()
	err := s.read(t.Context(), func(c *conn) error {
		return c.once(context.Background(), query, args, func(row []driver.Value) error { v = row[0]; return nil })
	})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// TestFlippedBitSetsAside flips a bit in each column that a claim relies on.
func TestFlippedBitSetsAside(t *testing.T) {
	for _, test := range []struct {
		name, table, column string
		delivery            bool
	}{
		{"submission", "submission", "body", false},
		{"municipality", "submission", "municipality", false},
		{"submission's state", "submission", "state", false},
		{"delivery", "delivery", "body", true},
		{"system", "delivery", "system", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, _, now, victim, other := neighbours(t)
			key := keyOf(victim)
			if test.delivery {
				key = keyOf(victim.Delivery(2))
			}
			flipColumn(t, s, test.table, test.column, key)
			tasks := claim(t, s, benchSystems[0], now, 10)
			if len(tasks) != 1 || tasks[0].Submission.ID != other {
				t.Fatalf("%d tasks, want the neighbour's", len(tasks))
			}
			for _, system := range benchSystems[1:] {
				for _, task := range claim(t, s, system, now, 10) {
					if task.Submission.ID != other {
						t.Errorf("a delivery of the damaged submission to %s is claimed", system)
					}
				}
			}
			if got := state(t, s, victim); got != hub.SubmissionDamaged {
				t.Errorf("state %s, want damaged", got)
			}
			rows, err := s.List(t.Context(), store.Filter{State: hub.SubmissionDamaged})
			if err != nil || len(rows) != 1 || rows[0].Submission.ID != victim {
				t.Errorf("damaged ones in the list: %d, %v", len(rows), err)
			}
			figures, err := s.Figures(t.Context())
			if err != nil || figures.Submissions[hub.SubmissionDamaged] != 1 {
				t.Errorf("figures: %+v, %v", figures, err)
			}
			story, err := s.Events(t.Context(), victim)
			if err != nil || !slices.ContainsFunc(story, func(e hub.Event) bool { return e.Type == "damaged" }) {
				t.Errorf("the story does not tell of the damage: %+v, %v", story, err)
			}
			if _, err := s.Record(t.Context(), &store.Record{Attempt: hub.Attempt{Delivery: victim.Delivery(1)}, State: hub.DeliveryDelivered}); err == nil {
				t.Error("an outcome for a damaged submission that was never claimed is taken")
			}
		})
	}
}

// flipColumn flips the last bit of a value.
func flipColumn(t *testing.T, s *Store, table, name string, key int64) {
	t.Helper()
	var flipped any
	switch v := column(t, s, "SELECT "+name+" FROM "+table+" WHERE key = ?", key).(type) {
	case int64:
		flipped = v ^ 1
	case string:
		b := []byte(v)
		b[len(b)-1] ^= 1
		flipped = string(b)
	case []byte:
		b := bytes.Clone(v)
		b[len(b)/2] ^= 1
		flipped = b
	}
	scribble(t, s, "UPDATE "+table+" SET "+name+" = ? WHERE key = ?", flipped, key)
}

// TestEveryBitOfARow: whichever bit of a packed row is flipped, the row is not
// taken for good.
func TestEveryBitOfARow(t *testing.T) {
	s, _, _, victim, _ := neighbours(t)
	rows := func(columns, table string, key int64) (row []driver.Value) {
		name, _, _ := strings.Cut(columns, ",")
		err := s.read(t.Context(), func(c *conn) error {
			return c.query(t.Context(), "SELECT "+columns+" FROM "+table+" WHERE "+name+" = ?", []any{key}, func(r []driver.Value) error {
				row = append(row, r...)
				return nil
			})
		})
		if err != nil {
			t.Fatal(err)
		}
		return row
	}
	for _, test := range []struct {
		row    []driver.Value
		body   int
		decode func([]driver.Value) error
	}{
		{rows(submissionColumns, "submission", keyOf(victim)), 7, func(r []driver.Value) error { _, err := decodeSubmission(r); return err }},
		{rows(deliveryColumns, "delivery", keyOf(victim.Delivery(1))), 4, func(r []driver.Value) error { _, err := decodeDelivery(victim, r); return err }},
		{rows("key, head", "content", keyOf(victim)), 1, func(r []driver.Value) error { _, err := decodeHead(asInt(r[0]), asBytes(r[1])); return err }},
		{rows("first, body", "audit", 1), 1, func(r []driver.Value) error { _, err := decodeAudit(asInt(r[0]), asBytes(r[1])); return err }},
	} {
		if err := test.decode(test.row); err != nil {
			t.Fatalf("an undamaged row: %v", err)
		}
		body := asBytes(test.row[test.body])
		for bit := range len(body) * 8 {
			body[bit/8] ^= 1 << (bit % 8)
			if err := test.decode(test.row); !errors.Is(err, store.ErrDamaged) {
				t.Fatalf("bit %d of %d flipped: %v, want ErrDamaged", bit, len(body)*8, err)
			}
			body[bit/8] ^= 1 << (bit % 8)
		}
	}
}

func TestLostDocumentSetsAside(t *testing.T) {
	s, _, now, victim, other := neighbours(t)
	scribble(t, s, "DELETE FROM rendered WHERE key = ?", keyOf(victim.Delivery(1)))
	tasks := claim(t, s, benchSystems[0], now, 10)
	if len(tasks) != 1 || tasks[0].Submission.ID != other {
		t.Fatalf("%d tasks, want the neighbour's", len(tasks))
	}
	if got := state(t, s, victim); got != hub.SubmissionDamaged {
		t.Errorf("state %s, want damaged", got)
	}
	if _, err := s.Document(t.Context(), victim.Delivery(1)); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("the lost document: %v, want ErrDamaged", err)
	}
}

func TestDamagedContentIsFound(t *testing.T) {
	s, _, now, victim, other := neighbours(t)
	flipColumn(t, s, "content", "head", keyOf(victim))
	if _, err := s.Case(t.Context(), victim); !errors.Is(err, store.ErrDamaged) {
		t.Errorf("case: %v, want ErrDamaged", err)
	}
	if err := s.Damage(t.Context(), victim, "content", now); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Case(t.Context(), other); err != nil {
		t.Errorf("the neighbour's case: %v", err)
	}
}

func TestDamagedAuditEntryIsNamed(t *testing.T) {
	s, l, now, _, _ := neighbours(t)
	flipped := bytes.Clone(asBytes(column(t, s, "SELECT body FROM audit WHERE first = 2")))
	flipped[bytes.Index(flipped, []byte("portal:soest"))] ^= 1
	scribble(t, s, "UPDATE audit SET body = ? WHERE first = 2", flipped)
	accept(t, s, l.acceptance(now))
	trail, err := s.AuditTrail(t.Context(), 0, 10)
	if !errors.Is(err, store.ErrDamaged) || len(trail) != 3 {
		t.Errorf("%d entries, %v; want all three and ErrDamaged", len(trail), err)
	}
	var broken *audit.Broken
	if _, err := audit.Verify(audit.Head{}, trail); !errors.As(err, &broken) || broken.Seq != 2 {
		t.Errorf("verify: %v, want entry 2 named", err)
	}
}

func TestDamagedEndOfTheTrailDoesNotStopTheStart(t *testing.T) {
	s, l, now, _, _ := neighbours(t)
	scribble(t, s, "UPDATE audit SET body = x'00' WHERE first = 2")
	dir := s.dir
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	accept(t, s, l.acceptance(now))
	trail, err := s.AuditTrail(t.Context(), 0, 10)
	if !errors.Is(err, store.ErrDamaged) || len(trail) != 2 {
		t.Errorf("%d entries, %v; want the first and the new one", len(trail), err)
	}
	if _, err := audit.Verify(audit.Head{}, trail); err == nil {
		t.Error("the gap is not named")
	}
}

func TestDamagedFilterIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	hash := keyHash("soest", "the first")
	err = s.w.do(t.Context(), func(x *tx) error {
		for i := range chapterRuns*keyRun + 1 {
			h := keyHash("soest", fmt.Sprint(i))
			if i == 0 {
				h = hash
			}
			if err := x.keys.add(x, h, 1, 1); err != nil {
				return err
			}
		}
		return x.exec("UPDATE bloom SET body = x'0011'")
	})
	if err := errors.Join(err, s.Close()); err != nil {
		t.Fatal(err)
	}
	s = open(t, Options{Dir: dir})
	if len(s.keys.chapters(hash)) == 0 {
		t.Error("a key is forgotten with its filter")
	}
}

// plannedJournal has submissions whose deliveries are due.
func plannedJournal(t *testing.T, n int) (*Store, *load, time.Time) {
	t.Helper()
	l, now := newLoad(), time.Now()
	s, err := Open(Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for range n {
		a := l.acceptance(now)
		accept(t, s, a)
		if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
			t.Fatal(err)
		}
	}
	return s, l, now
}

// oneBehindAnother plans two submissions with the same order key.
func oneBehindAnother(t *testing.T, s *Store, l *load, now time.Time) (first, second *store.Acceptance) {
	t.Helper()
	first, second = l.acceptance(now), l.acceptance(now)
	second.OrderKey = first.OrderKey
	for _, a := range []*store.Acceptance{first, second} {
		accept(t, s, a)
		if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
			t.Fatal(err)
		}
	}
	return first, second
}

// spoil closes a store, overwrites a leaf of a table and opens it again.
func spoil(t *testing.T, s *Store, table string, leaf int) *Store {
	t.Helper()
	page := asInt(column(t, s, "SELECT pageno FROM dbstat WHERE name = ? AND pagetype = 'leaf' LIMIT 1 OFFSET ?", table, int64(leaf)))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := os.OpenFile(s.path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(bytes.Repeat([]byte{0xa5}, pageSize), (page-1)*pageSize); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return open(t, Options{Dir: s.dir})
}

// deliverAll claims and records as long as something comes, and says how much that was.
func deliverAll(t *testing.T, s *Store, l *load, now time.Time) (delivered int) {
	t.Helper()
	for range 20 {
		for _, system := range benchSystems {
			tasks, err := s.Claim(t.Context(), store.Claim{System: system, Owner: "n1", Now: now, Lease: time.Minute, Limit: 16})
			if err != nil && !errors.Is(err, store.ErrDamaged) {
				t.Fatal(err)
			}
			for _, task := range tasks {
				switch _, err := s.Record(t.Context(), l.delivered(task, now)); {
				case err == nil:
					delivered++
				case !errors.Is(err, store.ErrDamaged):
					t.Fatal(err)
				}
			}
		}
	}
	return delivered
}

// TestCorruptPage overwrites a page of the file that has one submission's
// deliveries: others go on, and it is reported.
func TestCorruptPage(t *testing.T) {
	const n = 60
	s, l, now := plannedJournal(t, n)
	s = spoil(t, s, "delivery", 3)
	delivered := deliverAll(t, s, l, now)
	if delivered < 3*n/2 || delivered >= 3*n {
		t.Errorf("%d of %d deliveries are made, want those beside the corrupt page", delivered, 3*n)
	}
	accept(t, s, l.acceptance(now))
	rows, err := s.List(t.Context(), store.Filter{State: hub.SubmissionDamaged})
	if err != nil {
		t.Logf("list: %v", err)
	}
	if err == nil && len(rows) == 0 {
		t.Error("nothing is reported as damaged")
	}
}

// A corrupt page among the documents hurts those on it.
func TestCorruptDocumentPage(t *testing.T) {
	const n = 60
	s, l, now := plannedJournal(t, n)
	s = spoil(t, s, "rendered", 5)
	if delivered := deliverAll(t, s, l, now); delivered < 3*n-30 || delivered == 3*n {
		t.Errorf("%d of %d deliveries are made, want those beside the corrupt page", delivered, 3*n)
	}
	a := l.acceptance(now)
	accept(t, s, a)
	if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
		t.Errorf("the next one: %v", err)
	}
}

// A corrupt page of who waits for whom hurts nobody: it is made anew from the
// submissions, whether it is met by the start or by the writer.
func TestCorruptQueuePage(t *testing.T) {
	const n = 300
	s, l, now := plannedJournal(t, n)
	first, second := oneBehindAnother(t, s, l, now)
	s = spoil(t, s, "queue", 1)
	claimed := map[hub.ID]bool{}
	for _, task := range claim(t, s, benchSystems[0], now, 2*n) {
		claimed[task.Delivery.ID.Submission()] = true
		record(t, s, l.delivered(task, now))
	}
	if len(claimed) != n+1 || !claimed[first.Submission.ID] || claimed[second.Submission.ID] {
		t.Errorf("%d claimed, the first %v, the one behind it %v", len(claimed), claimed[first.Submission.ID], claimed[second.Submission.ID])
	}
	if next := claim(t, s, benchSystems[0], now, 8); len(next) != 1 {
		t.Errorf("%d behind the first, want 1", len(next))
	}
	if delivered := deliverAll(t, s, l, now); delivered != 2*(n+2) {
		t.Errorf("%d delivered to the others, want %d", delivered, 2*(n+2))
	}
	accept(t, s, l.acceptance(now))
}
