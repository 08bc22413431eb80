package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// TestQueues holds the queues against plain sets, over commits and rollbacks.
func TestQueues(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := newQueues(slog.New(slog.DiscardHandler))
		now := map[string]map[int64]bool{}
		copied := func() map[string]map[int64]bool {
			all := map[string]map[int64]bool{}
			for order, keys := range now {
				all[order] = maps.Clone(keys)
			}
			return all
		}
		committed := copied()
		order := rapid.SampledFrom([]string{"a", "bello", "c"})
		key := rapid.Int64Range(1, 8)
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				o, k := order.Draw(t, "order"), key.Draw(t, "key")
				if got, want := q.add([]byte(o), k), !now[o][k]; got != want {
					t.Fatalf("add %s %d: %v", o, k, got)
				}
				if now[o] == nil {
					now[o] = map[int64]bool{}
				}
				now[o][k] = true
			},
			"remove": func(t *rapid.T) {
				o, k := order.Draw(t, "order"), key.Draw(t, "key")
				if got, want := q.remove([]byte(o), k), now[o][k]; got != want {
					t.Fatalf("remove %s %d: %v", o, k, got)
				}
				delete(now[o], k)
			},
			"commit":   func(*rapid.T) { q.commit(); committed = copied() },
			"rollback": func(*rapid.T) { q.rollback(); now = committed; now = copied() },
			"": func(t *rapid.T) {
				for _, o := range []string{"a", "bello", "c"} {
					for k := range int64(10) {
						var want []int64
						for _, other := range slices.Sorted(maps.Keys(now[o])) {
							if other < k {
								want = append(want, other)
							}
						}
						if got := q.seen([]byte(o), k); !slices.Equal(got, want) {
							t.Fatalf("before %s %d: %v, want %v", o, k, got, want)
						}
					}
				}
			},
		})
	})
}

// A submission whose first transaction is rolled back is written into its queue by the
// second: a start must find it there.
func TestRollbackLeavesTheQueues(t *testing.T) {
	s, l := open(t, Options{Dir: t.TempDir()}), newLoad()
	a := l.acceptance(time.Now())
	err := s.w.do(t.Context(), func(x *tx) error {
		f := &submission{Submission: a.Submission, key: keyOf(a.Submission.ID), order: a.OrderKey}
		if err := x.insert(f, f.encode(), []byte{}, a); err != nil {
			return err
		}
		return x.exec("INSERT INTO nowhere VALUES (1)")
	})
	if err == nil {
		t.Fatal("the step did not fail")
	}
	accept(t, s, a)
	if n := column(t, s, "SELECT count(*) FROM queue WHERE key = ?", keyOf(a.Submission.ID)); n != int64(1) {
		t.Errorf("%v rows in the sequence, want 1", n)
	}
}

// TestQueuesFollowTheFile lives through whatever a journal meets, failed syncs and
// neighbours that break a transaction included: after every step the queues are what the
// table says, who is not done is in them, and made anew they are the same.
func TestQueuesFollowTheFile(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			newJourney(t, seed).run(300)
		})
	}
}

// journey is a journal with three orders among its submissions.
type journey struct {
	t      *testing.T
	r      *rand.Rand
	dir    string
	disk   disk
	s      *Store
	l      *load
	now    time.Time
	orders [][]byte
	all    []*store.Acceptance
}

func newJourney(t *testing.T, seed uint64) *journey {
	j := &journey{t: t, r: rand.New(rand.NewPCG(seed, 7)), dir: t.TempDir(), l: newLoad(), now: time.Now()}
	j.orders = [][]byte{j.l.hash("o", 1), j.l.hash("o", 2), nil}
	return j
}

func (j *journey) run(steps int) {
	j.reopen()
	defer func() { _ = j.s.Close() }()
	for i := range steps {
		j.now = j.now.Add(time.Second)
		if j.r.IntN(12) == 0 {
			j.disk.written = j.r.IntN(2) == 0
			j.disk.fail.Store(true)
		}
		j.step()
		j.disk.fail.Store(false)
		if err := j.s.Healthy(j.t.Context()); err != nil {
			j.t.Fatal(err)
		}
		if i%60 == 59 {
			if i%120 == 59 {
				scribble(j.t, j.s, "PRAGMA user_version = 0") // so that they are made anew
			}
			if err := j.s.Close(); err != nil {
				j.t.Fatal(err)
			}
			j.reopen()
		}
		if j.check(); j.t.Failed() {
			j.t.Fatalf("after step %d", i)
		}
	}
}

func (j *journey) reopen() {
	var err error
	if j.s, err = Open(Options{Dir: j.dir, sync: j.disk.sync}); err != nil {
		j.t.Fatal(err)
	}
}

// some is any of the submissions.
func (j *journey) some() hub.ID { return j.all[j.r.IntN(len(j.all))].Submission.ID }

// step does anything; that it may be refused is part of it.
func (j *journey) step() {
	ctx := context.Background()
	switch op := j.r.IntN(12); {
	case op < 3 || len(j.all) == 0:
		var together sync.WaitGroup
		for range 1 + j.r.IntN(4) {
			a := j.l.acceptance(j.now)
			a.OrderKey = j.orders[j.r.IntN(3)]
			j.all = append(j.all, a)
			together.Go(func() { _, _ = j.s.Accept(ctx, a) })
		}
		if j.r.IntN(3) == 0 {
			together.Go(func() {
				_ = j.s.w.do(ctx, func(x *tx) error { return x.exec("INSERT INTO nowhere VALUES (1)") })
			})
		}
		together.Wait()
	case op < 6:
		a := j.all[j.r.IntN(len(j.all))]
		advance := j.l.plan(a, j.now)
		if j.r.IntN(3) == 0 {
			for i := range advance.Deliveries {
				advance.Deliveries[i].OrderKey = j.orders[j.r.IntN(2)] // another than the submission's
			}
		}
		_ = j.s.Advance(ctx, a.Submission.ID, 1, advance)
	case op < 9:
		tasks, _ := j.s.Claim(ctx, store.Claim{System: benchSystems[j.r.IntN(3)], Owner: "n1", Now: j.now, Lease: time.Minute, Limit: 8})
		for _, task := range tasks {
			r := j.l.delivered(task, j.now)
			if j.r.IntN(5) == 0 {
				r.State, r.Reason = hub.DeliveryParked, hub.ParkRefused
			}
			_, _ = j.s.Record(ctx, r)
		}
	case op == 9:
		_ = j.s.Replay(ctx, j.some().Delivery(1+j.r.IntN(3)), store.Replay{Force: true, Anew: j.r.IntN(2) == 0, At: j.now, Actor: "x", Reason: "y"})
	case op == 10:
		switch id := j.some(); j.r.IntN(4) {
		case 0:
			_ = j.s.Withdraw(ctx, id, "x", "y", j.now)
		case 1:
			_ = j.s.Damage(ctx, id, "x", j.now)
		case 2:
			_ = j.s.Mend(ctx, id, "x", "y", j.now)
		case 3:
			_, _ = j.s.CloseDelivery(ctx, id.Delivery(j.r.IntN(4)), "x", "y", j.now)
		}
	case op == 11:
		_, _ = j.s.Erase(ctx, []store.Erase{{ID: j.some(), Payload: true, Metadata: j.r.IntN(2) == 0, At: j.now, Actor: "x", Reason: "y", Order: j.l.ids.New()}})
	}
}

func (j *journey) check() {
	j.t.Helper()
	err := j.s.w.do(j.t.Context(), func(x *tx) error {
		q, inFile := j.s.queues, map[string]bool{}
		other := newQueues(q.log)
		other.seed = q.seed
		if err := x.query("SELECT hash, key FROM queue", nil, func(row []driver.Value) error {
			inFile[fmt.Sprintf("%x %d", asBytes(row[0]), asInt(row[1]))] = true
			other.join(other.of(asBytes(row[0])), asInt(row[1]))
			return nil
		}); err != nil {
			return err
		}
		if !reflect.DeepEqual(other.first, q.first) || !reflect.DeepEqual(other.more, q.more) || len(q.undo) != 0 {
			j.t.Errorf("the queues are not the table: %v %v, %v %v", q.first, q.more, other.first, other.more)
		}
		for _, a := range j.all {
			f, err := x.load(a.Submission.ID)
			if err != nil || f.State == hub.SubmissionDamaged {
				continue
			}
			for _, order := range f.orders() {
				if in := inFile[fmt.Sprintf("%x %d", order, f.key)]; in == f.done() {
					j.t.Errorf("%s %s: done %v, in its queue %v", f.ID, f.State, f.done(), in)
				}
			}
		}
		return nil
	})
	if err != nil {
		j.t.Error(err)
	}
}

// A file of the schema before has its order and its documents afterwards, even where a
// page of these cannot be read.
func TestUpgradeKeepsOrderAndDocuments(t *testing.T) {
	const n = 60
	s, l, now := plannedJournal(t, n)
	first, second := oneBehindAnother(t, s, l, now)
	older(t, s)
	s = spoil(t, s, "document", 5)
	if got := column(t, s, "SELECT count(*) FROM rendered"); got != int64(0) {
		t.Fatalf("%v documents are numbered already", got)
	}
	tasks := claim(t, s, benchSystems[0], now, 2*n)
	if len(tasks) < n-10 || len(tasks) > n {
		t.Errorf("%d of %d are claimed, want those beside the corrupt page", len(tasks), n+1)
	}
	behind := func() bool {
		return slices.ContainsFunc(tasks, func(task store.Task) bool { return task.Delivery.ID.Submission() == second.Submission.ID })
	}
	if behind() {
		t.Error("the one behind goes first")
	}
	for _, task := range tasks {
		if len(task.Body) != benchDocument {
			t.Errorf("a document of %d bytes", len(task.Body))
		}
		record(t, s, l.delivered(task, now))
	}
	if tasks = claim(t, s, benchSystems[0], now, 8); !behind() {
		t.Error("the one behind does not come")
	}
	// Mapped anew it gets a number, and the old one is gone.
	id := first.Submission.ID.Delivery(1)
	if err := s.Replay(t.Context(), id, store.Replay{Force: true, Anew: true, At: now, Actor: "x", Reason: "y"}); err != nil {
		t.Fatal(err)
	}
	status, err := s.Submission(t.Context(), first.Submission.ID)
	if err != nil {
		t.Fatal(err)
	}
	anew := &store.Advance{At: now, State: hub.SubmissionRunning, Rendered: []store.Rendered{{Delivery: id, Head: l.sealed(30), Body: l.sealed(7), SHA256: strings.Repeat("ab", 32)}}}
	if err := s.Advance(t.Context(), first.Submission.ID, status.Submission.Version, anew); err != nil {
		t.Fatal(err)
	}
	if doc, err := s.Document(t.Context(), id); err != nil || len(doc.Body) != 7 {
		t.Errorf("mapped anew: %+v, %v", doc, err)
	}
	if got := column(t, s, "SELECT count(*) FROM document WHERE key = ?", keyOf(id)); got != int64(0) {
		t.Error("the older document is still there")
	}
}

// older makes the file what it was before documents had numbers and queues a table.
func older(t *testing.T, s *Store) {
	t.Helper()
	err := s.w.do(t.Context(), func(x *tx) error {
		for _, statement := range []string{
			"INSERT INTO sequence SELECT hash, key FROM queue", "DROP TABLE queue",
			"INSERT INTO document SELECT key, head, body FROM rendered", "DROP TABLE rendered",
			"DROP TABLE number", "DROP TABLE number_range", "DROP TABLE way", "PRAGMA user_version = 0", "DELETE FROM goose_db_version WHERE version_id > 5",
		} {
			if err := x.exec(statement); err != nil {
				return err
			}
		}
		var keys []int64
		if err := x.query("SELECT DISTINCT key & ~255 FROM delivery", nil, func(row []driver.Value) error { keys = append(keys, asInt(row[0])); return nil }); err != nil {
			return err
		}
		for _, key := range keys {
			f, err := x.loadKey(key)
			if err != nil {
				return err
			}
			for _, d := range f.deliveries {
				d.document = 0
				body := d.encode()
				before := packer{body[:len(body)-6-len(binary.AppendVarint(nil, micros(d.since)))]} // ends before the number
				if err := x.exec("UPDATE delivery SET body = ? WHERE key = ?", before.seal(d.key, d.System, string(d.State)), d.key); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
