package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync/atomic"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"stellwerk/internal/store"
)

// maxBatch is how many steps share a transaction. More would not be cheaper, only
// later.
const maxBatch = 384

// step is one business step on its way through the writer.
type step struct {
	run   func(*tx) error
	done  chan error
	state atomic.Int32
}

// The states of a step: a caller may leave while it waits, not after.
const (
	stepWaits = iota
	stepRuns
	stepLeft
)

// writer is the one goroutine that writes. Whatever waits goes into one
// transaction, and everyone is answered after its sync; so one sync serves many
// under load, and one alone waits for nothing but its own.
type writer struct {
	path  string
	log   *slog.Logger
	queue chan *step
	conn  *conn
	tx    *tx
	sync  func(*conn) error // the commit; tests put a failing disk here
	// synced is told how long a commit took; nil for nobody.
	synced func(time.Duration)
	// suspect is set after a failed sync: nobody gets an answer from this
	// connection any more.
	suspect bool
	pages   atomic.Int64 // written since the last checkpoint
	nudge   chan struct{}
	fold    atomic.Bool // the checkpointer asks the writer to finish its work
	stopped chan struct{}
	batch   []*step
	errs    []error
}

// commitSync is the real thing.
func commitSync(c *conn) error { return c.exec("COMMIT") }

// do hands a step to the writer and waits until its effect is durable. A context
// that ends takes the step back only while it has not begun.
func (w *writer) do(ctx context.Context, run func(*tx) error) error {
	s, err := w.enqueue(ctx, run)
	if err != nil {
		return err
	}
	select {
	case err := <-s.done:
		return err
	case <-ctx.Done():
		if s.state.CompareAndSwap(stepWaits, stepLeft) {
			return ctx.Err()
		}
	case <-w.stopped:
		select {
		case err := <-s.done:
			return err
		default:
			return errClosed
		}
	}
	select {
	case err := <-s.done:
		return err
	case <-w.stopped:
		return errClosed
	}
}

// hope hands a step to the writer and does not wait: the control of the crash
// proof.
func (w *writer) hope(ctx context.Context, run func(*tx) error) error {
	_, err := w.enqueue(ctx, run)
	return err
}

func (w *writer) enqueue(ctx context.Context, run func(*tx) error) (*step, error) {
	s := &step{run: run, done: make(chan error, 1)}
	select {
	case w.queue <- s:
		return s, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.stopped:
		return nil, errClosed
	}
}

var errClosed = errors.New("the store is closed")

// loop runs until quit; steps that wait then are still done.
func (w *writer) loop(quit <-chan struct{}) {
	defer close(w.stopped)
	for {
		select {
		case s := <-w.queue:
			w.serve(s)
		case <-quit:
			for {
				select {
				case s := <-w.queue:
					w.serve(s)
				default:
					return
				}
			}
		}
	}
}

// serve takes what waits, writes it and answers.
func (w *writer) serve(first *step) {
	w.batch = w.take(w.batch[:0], first)
	// Those who were answered last are runnable and about to ask again: let them,
	// or every second transaction would carry one step. It costs nothing when
	// nobody is there.
	for n := -1; len(w.batch) < maxBatch && n != len(w.batch); {
		n = len(w.batch)
		runtime.Gosched()
		w.drain()
	}
	if len(w.batch) == 0 {
		return
	}
	w.write()
	for i, s := range w.batch {
		s.done <- w.errs[i]
		w.batch[i] = nil
	}
	w.housekeep()
}

func (w *writer) drain() {
	for len(w.batch) < maxBatch {
		select {
		case s := <-w.queue:
			w.batch = w.take(w.batch, s)
		default:
			return
		}
	}
}

func (w *writer) take(batch []*step, s *step) []*step {
	if s.state.CompareAndSwap(stepWaits, stepRuns) {
		return append(batch, s)
	}
	return batch
}

// write puts the batch into one transaction. Where SQLite fails within a step,
// the transaction is rolled back and every step gets one of its own, so that a
// neighbour is not hurt.
func (w *writer) write() {
	w.errs = append(w.errs[:0], make([]error, len(w.batch))...)
	if err := w.heal(); err != nil {
		w.fail(unknown(err))
		return
	}
	if err := w.begin(); err != nil {
		w.fail(named(err))
		return
	}
	for i, s := range w.batch {
		if w.errs[i] = s.run(w.tx); w.tx.broken != nil {
			w.rollback()
			w.singly()
			return
		}
	}
	if err := w.commit(); err != nil {
		if errors.Is(err, store.ErrUnknown) || len(w.batch) == 1 {
			w.fail(err)
			return
		}
		w.singly()
	}
}

func (w *writer) singly() {
	for i, s := range w.batch {
		w.errs[i] = w.single(s)
	}
}

// single runs a step in a transaction of its own. Where it has met a corrupt page
// that was not known, it runs again and leaves that page alone.
func (w *writer) single(s *step) error {
	for {
		known := w.tx.corruption()
		if err := w.once(s); !errors.Is(err, store.ErrDamaged) || w.tx.corruption() == known {
			return err
		}
	}
}

func (w *writer) once(s *step) error {
	if err := w.heal(); err != nil {
		return unknown(err)
	}
	if err := w.begin(); err != nil {
		return named(err)
	}
	err := s.run(w.tx)
	if w.tx.broken != nil {
		err = named(w.tx.broken)
		w.rollback()
		return err
	}
	if cerr := w.commit(); cerr != nil {
		return cerr
	}
	return err
}

func (w *writer) fail(err error) {
	for i := range w.errs {
		w.errs[i] = err
	}
}

func (w *writer) begin() error {
	if err := w.conn.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	w.tx.begin()
	return nil
}

func (w *writer) rollback() {
	if err := w.conn.exec("ROLLBACK"); err != nil {
		// SQLite has rolled back by itself after some errors, a full disk among
		// them; then there is nothing to roll back, which is its plain error.
		w.suspect = w.suspect || code(err) != sqlite3.SQLITE_ERROR
	}
	w.tx.rollback()
}

// commit ends the transaction. After an error nothing of it is there, or the
// error is ErrUnknown and the connection is not used again.
func (w *writer) commit() error {
	if err := w.tx.finish(); err != nil {
		w.rollback()
		return named(err)
	}
	start := time.Now()
	err := w.sync(w.conn)
	if w.synced != nil {
		w.synced(time.Since(start))
	}
	if err == nil {
		w.tx.committed()
		return nil
	}
	if full := named(err); errors.Is(full, store.ErrFull) {
		w.rollback()
		return full
	}
	w.suspect = true
	w.tx.rollback()
	return unknown(err)
}

// unknown is an error of the sync; a disk that is merely full keeps its name.
func unknown(err error) error {
	if code(err) == sqlite3.SQLITE_FULL {
		return named(err)
	}
	return fmt.Errorf("%w: %w", store.ErrUnknown, err)
}

// heal opens the file anew after a failed sync and proves with a write that it
// syncs again; until then nothing is answered with success.
func (w *writer) heal() error {
	if !w.suspect {
		return nil
	}
	fresh, err := connect(w.path, writerPragmas...)
	if err != nil {
		return err
	}
	// The old connection may hold the write lock; closing it lets go.
	old := w.conn
	w.conn = fresh
	if err := old.close(); err != nil {
		return fmt.Errorf("close the connection that could not sync: %w", err)
	}
	if err := w.tx.open(fresh); err != nil {
		return err
	}
	if err := w.begin(); err != nil {
		return err
	}
	if err := w.tx.beat(); err != nil {
		w.rollback()
		return err
	}
	if err := w.sync(w.conn); err != nil {
		w.tx.rollback()
		return err
	}
	w.tx.committed()
	w.suspect = false
	return nil
}
