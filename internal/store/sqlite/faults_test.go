package sqlite

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

var errDisk = errors.New("input/output error")

// disk is a commit that fails when told to: with the transaction lost, or with
// it written all the same.
type disk struct {
	fail    atomic.Bool
	written bool
	commits atomic.Int64
}

func (d *disk) sync(c *conn) error {
	d.commits.Add(1)
	if !d.fail.Load() {
		return commitSync(c)
	}
	if d.written {
		if err := commitSync(c); err != nil {
			return err
		}
		return errDisk
	}
	return errDisk // the transaction stays open, as SQLite leaves it
}

func TestFailedSyncIsNeverSuccess(t *testing.T) {
	for _, written := range []bool{false, true} {
		t.Run(fmt.Sprintf("written=%v", written), func(t *testing.T) {
			d := &disk{written: written}
			s, l := open(t, Options{Dir: t.TempDir(), sync: d.sync}), newLoad()
			good := l.acceptance(time.Now())
			accept(t, s, good)

			d.fail.Store(true)
			var wg sync.WaitGroup
			all := make([]*store.Acceptance, 50)
			for i := range all {
				all[i] = l.acceptance(time.Now())
				wg.Go(func() {
					if _, err := s.Accept(t.Context(), all[i]); !errors.Is(err, store.ErrUnknown) {
						t.Errorf("accept on a disk that does not sync: %v, want ErrUnknown", err)
					}
				})
			}
			wg.Wait()
			if err := s.Healthy(t.Context()); !errors.Is(err, store.ErrUnknown) {
				t.Errorf("healthy: %v, want ErrUnknown", err)
			}
			if state(t, s, good.Submission.ID) != hub.SubmissionAccepted {
				t.Error("what was durable cannot be read")
			}

			d.fail.Store(false)
			if err := s.Healthy(t.Context()); err != nil {
				t.Fatalf("the disk is well again: %v", err)
			}
			// The same keys again: each leads to one submission, new or the one that
			// had been written.
			kept := 0
			for _, a := range all {
				again := *a
				again.Submission.ID = l.ids.New()
				got, err := s.Accept(t.Context(), &again)
				if err != nil {
					t.Fatal(err)
				}
				if got.Replayed {
					kept++
				}
				if state(t, s, got.ID) != hub.SubmissionAccepted {
					t.Error("an acknowledged submission is not there")
				}
			}
			if !written && kept != 0 {
				t.Errorf("%d submissions of failed syncs are there", kept)
			}
			figures, err := s.Figures(t.Context())
			if err != nil || figures.Submissions[hub.SubmissionAccepted] != 51 {
				t.Errorf("figures after the failure: %+v, %v", figures, err)
			}
		})
	}
}

// TestAckBeforeSyncIsSeen is the control: with the protection switched off the
// same failure is answered with success.
func TestAckBeforeSyncIsSeen(t *testing.T) {
	d := &disk{}
	s, l := open(t, Options{Dir: t.TempDir(), sync: d.sync, ackNow: true}), newLoad()
	d.fail.Store(true)
	a := l.acceptance(time.Now())
	if _, err := s.Accept(t.Context(), a); err != nil {
		t.Errorf("accept: %v, want success too early", err)
	}
	for d.commits.Load() == 0 {
		runtime.Gosched()
	}
	d.fail.Store(false)
	if err := s.w.do(t.Context(), func(*tx) error { return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Submission(t.Context(), a.Submission.ID); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("the acknowledged submission: %v, want it lost", err)
	}
}

func TestFullDisk(t *testing.T) {
	s, l := open(t, Options{Dir: t.TempDir()}), newLoad()
	first := l.acceptance(time.Now())
	accept(t, s, first)
	limit := func(pages string) {
		t.Helper()
		err := s.w.do(t.Context(), func(x *tx) error {
			_, err := x.c.pragma("max_page_count = " + pages)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	limit("1") // SQLite makes that what the file has
	var full error
	for range 200 {
		if _, full = s.Accept(t.Context(), l.acceptance(time.Now())); full != nil {
			break
		}
	}
	if !errors.Is(full, store.ErrFull) {
		t.Fatalf("accept on a full disk: %v, want ErrFull", full)
	}
	if errors.Is(full, store.ErrUnknown) {
		t.Error("a full disk is no reason to know nothing")
	}
	if state(t, s, first.Submission.ID) != hub.SubmissionAccepted {
		t.Error("reading does not work")
	}
	// A step that needs no room goes through beside those that do.
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			if _, err := s.Accept(t.Context(), l.acceptance(time.Now())); !errors.Is(err, store.ErrFull) {
				t.Errorf("accept: %v, want ErrFull", err)
			}
		})
		wg.Go(func() {
			if err := s.SetLastRun(t.Context(), "sweep", time.Now()); err != nil {
				t.Errorf("a small step: %v", err)
			}
		})
	}
	wg.Wait()
	limit("1000000")
	accept(t, s, l.acceptance(time.Now()))
}

func TestReserveIsKeptForOutcomes(t *testing.T) {
	s, l, now := open(t, Options{Dir: t.TempDir()}), newLoad(), time.Now()
	a := l.acceptance(now)
	accept(t, s, a)
	if err := s.Advance(t.Context(), a.Submission.ID, 1, l.plan(a, now)); err != nil {
		t.Fatal(err)
	}
	s.space.mu.Lock()
	s.space.low, s.space.next = true, now.Add(time.Hour)
	s.space.mu.Unlock()
	if _, err := s.Accept(t.Context(), l.acceptance(now)); !errors.Is(err, store.ErrFull) {
		t.Errorf("accept: %v, want ErrFull", err)
	}
	if err := s.Healthy(t.Context()); !errors.Is(err, store.ErrFull) {
		t.Errorf("healthy: %v, want ErrFull: portals are sent away", err)
	}
	if err := s.Room(); !errors.Is(err, store.ErrFull) {
		t.Errorf("room for attachments: %v, want ErrFull", err)
	}
	record(t, s, l.delivered(claim(t, s, benchSystems[0], now, 1)[0], now))
	s.space.mu.Lock()
	s.space.next = time.Time{}
	s.space.mu.Unlock()
	accept(t, s, l.acceptance(now))
	if err := s.Healthy(t.Context()); err != nil {
		t.Errorf("healthy with room again: %v", err)
	}
}

// TestNeighboursOfAFailingStep: SQLite fails one step in the middle of a batch.
func TestNeighboursOfAFailingStep(t *testing.T) {
	s, l := open(t, Options{Dir: t.TempDir()}), newLoad()
	taken := l.acceptance(time.Now())
	accept(t, s, taken)
	// The writer waits while all of them queue up, so that they share a batch.
	hold, holds := make(chan struct{}), make(chan struct{})
	var held sync.WaitGroup
	held.Go(func() {
		if err := s.w.do(t.Context(), func(*tx) error { close(holds); <-hold; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-holds
	var wg sync.WaitGroup
	for i := range 20 {
		a := l.acceptance(time.Now())
		if i%5 == 2 {
			a.Submission.ID = taken.Submission.ID
		}
		wg.Go(func() {
			_, err := s.Accept(t.Context(), a)
			if (err == nil) != (i%5 != 2) {
				t.Errorf("step %d: %v", i, err)
			}
		})
	}
	for len(s.w.queue) < 20 {
		runtime.Gosched()
	}
	close(hold)
	held.Wait()
	wg.Wait()
	figures, err := s.Figures(t.Context())
	if err != nil || figures.Submissions[hub.SubmissionAccepted] != 17 {
		t.Errorf("figures: %+v, %v; want 17 accepted", figures, err)
	}
	trail, err := s.AuditTrail(t.Context(), 0, 100)
	if err != nil || len(trail) != 17 {
		t.Errorf("audit trail: %d entries, %v; want 17", len(trail), err)
	}
}

func TestGroupCommit(t *testing.T) {
	d := &disk{}
	s, l := open(t, Options{Dir: t.TempDir(), sync: d.sync}), newLoad()
	accept(t, s, l.acceptance(time.Now()))
	if n := d.commits.Load(); n != 1 {
		t.Errorf("one accept takes %d syncs, want 1", n)
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			for range 20 {
				accept(t, s, l.acceptance(time.Now()))
			}
		})
	}
	wg.Wait()
	if n := d.commits.Load(); n > 64*20/4 {
		t.Errorf("%d accepts of 64 clients take %d syncs, want them shared", 64*20, n)
	}
}

// TestLogStaysShort: the log is copied into the file while the writer never rests.
func TestLogStaysShort(t *testing.T) {
	s, l := open(t, Options{Dir: t.TempDir()}), newLoad()
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 60 {
				a := l.acceptance(time.Now())
				a.Payload = l.sealed(150 << 10)
				accept(t, s, a)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(s.path + "-wal")
	if err != nil {
		t.Fatal(err)
	}
	if size := info.Size(); size > 128<<20 {
		t.Errorf("the log has %d MB after 150 MB of payloads", size>>20)
	}
}

func TestAttachmentFilesAreNamedOnce(t *testing.T) {
	s, l := open(t, Options{Dir: t.TempDir()}), newLoad()
	for i, want := range []bool{true, false} {
		a := l.acceptance(time.Now())
		a.Submission.Attachments, a.Attachments = 1, []store.SealedAttachment{{N: 1, File: "x/1"}}
		if _, err := s.Accept(t.Context(), a); (err == nil) != want {
			t.Errorf("submission %d with the same file: %v", i, err)
		}
	}
}

// TestClaimWithoutDocumentsIsGivenBack: what was claimed and cannot be read just now was
// not sent. It is due as before, and nobody takes it for interrupted.
func TestClaimWithoutDocumentsIsGivenBack(t *testing.T) {
	s, _, now, _, _ := neighbours(t)
	for range readers { // every reader is to be opened anew, and none can be
		if c := <-s.pool; c != nil {
			if err := c.close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := s.path
	s.path = t.TempDir() + "/none/stellwerk.db"
	for range readers {
		s.pool <- nil
	}
	if tasks, err := s.Claim(t.Context(), store.Claim{System: benchSystems[0], Owner: "n1", Now: now, Lease: time.Minute, Limit: 10}); err == nil {
		t.Fatalf("%d tasks without a reader", len(tasks))
	}
	s.path = path
	tasks := claim(t, s, benchSystems[0], now, 10)
	if len(tasks) != 2 {
		t.Fatalf("%d tasks as soon as they can be read, want 2", len(tasks))
	}
	for _, task := range tasks {
		if task.Delivery.Attempts != 1 || task.Delivery.Uncertain || len(task.Body) == 0 {
			t.Errorf("attempt %d, uncertain %t, %d bytes", task.Delivery.Attempts, task.Delivery.Uncertain, len(task.Body))
		}
	}
}
