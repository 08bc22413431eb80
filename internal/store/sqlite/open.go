package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pressly/goose/v3"

	"stellwerk/internal/store"
)

// pageSize holds a 3 KB payload with its neighbours, and still is a small write
// for a single step.
const pageSize = 8192

// The connections: the writer caches more, because all hot rows are its own. Much
// more would not help: every commit walks through the writer's cache.
var (
	writerPragmas = []pragma{{"cache_size", "-12288", "-12288"}}
	readerPragmas = []pragma{{"cache_size", "-4096", "-4096"}, {"query_only", "1", "1"}}
)

// readers is how many reads go on at once.
const readers = 4

// Options say where the store lies.
type Options struct {
	Dir string       // the data folder; made where it is not there
	Log *slog.Logger // nil for none
	// Synced is told how long each commit took, its sync included; nil for nobody.
	Synced func(time.Duration)

	free   func(dir string) (free, total uint64, ok bool) // diskSpace
	ackNow bool                                           // Accept does not wait; see faults.go
	sync   func(*conn) error                              // see writer
}

// Store implements store.Store.
type Store struct {
	dir     string
	path    string
	log     *slog.Logger
	lock    io.Closer
	w       *writer
	tally   *tally
	keys    *keyIndex
	queues  *queues
	last    atomic.Int64 // number of a document; see documents.go
	space   *space
	fresh   *fresh
	residue residue
	// unreadable are the submissions on corrupt pages that Due has told of.
	unreadable sync.Map
	// durably is how Accept hands its step to the writer.
	durably func(context.Context, func(*tx) error) error
	pool    chan *conn // nil stands for one that is still to be opened
	quit    chan struct{}
	tasks   sync.WaitGroup
	once    sync.Once
}

var _ store.Store = (*Store)(nil)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// Open opens the store, brings its schema up to date and reads every pragma
// back. A second process is refused, and so is a file written by a newer version.
func Open(o Options) (*Store, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.sync == nil {
		o.sync = commitSync
	}
	if o.free == nil {
		o.free = diskSpace
	}
	dir, err := filepath.Abs(o.Dir)
	if err != nil {
		return nil, fmt.Errorf("find the data folder: %w", err)
	}
	o.Dir = dir
	if err := os.MkdirAll(filepath.Join(o.Dir, "attachments"), 0o700); err != nil {
		return nil, fmt.Errorf("make the data folder: %w", err)
	}
	lock, err := Lock(o.Dir, LockFile)
	if err != nil {
		return nil, err
	}
	s := &Store{
		dir: o.Dir, path: filepath.Join(o.Dir, "stellwerk.db"), log: o.Log, lock: lock,
		tally: newTally(), keys: &keyIndex{runs: runs{most: keyRun}}, queues: newQueues(o.Log), space: &space{dir: o.Dir}, fresh: new(fresh), residue: residue{tries: 40},
		pool: make(chan *conn, readers), quit: make(chan struct{}),
	}
	if err := s.start(o); err != nil {
		if code(err) != 0 && !errors.Is(err, store.ErrDamaged) && isFull(o) {
			err = fmt.Errorf("%w; make some by removing what is not the hub's, or by a larger disk, and leave stellwerk.db-wal and the attachments alone: %w", store.ErrFull, err)
		}
		return nil, errors.Join(fmt.Errorf("open the store in %s: %w", o.Dir, err), lock.Close())
	}
	return s, nil
}

// needed is what a start may write: the index of the -wal, pages of the schema.
const needed = 1 << 20

// isFull reports whether a start can have failed for want of space, whatever SQLite calls
// it: where the index of the -wal cannot grow, that is a "disk I/O error".
func isFull(o Options) bool {
	free, _, ok := o.free(o.Dir)
	return ok && free < needed
}

// LockFile is the lock that a store holds in its folder.
const LockFile = "stellwerk.lock"

// Lock takes a lock in a folder until it is closed or the process ends; an error
// where another one has it.
func Lock(dir, name string) (io.Closer, error) {
	lock, err := lockFile(filepath.Join(dir, name))
	switch {
	case lockHeld(err):
		return nil, fmt.Errorf("%s is in use by another process: %w", dir, err)
	case err != nil:
		return nil, fmt.Errorf("take the folder's lock: %w", err)
	}
	return lock, nil
}

func (s *Store) start(o Options) error {
	if err := create(s.path); err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	if err := migrate(context.Background(), s.path); err != nil {
		return err
	}
	c, err := connect(s.path, writerPragmas...)
	if err != nil {
		return err
	}
	if err := c.writable(); err != nil {
		return errors.Join(fmt.Errorf("%s cannot be written; it must belong to the user that runs the hub: %w", s.path, named(err)), c.close())
	}
	last, err := lastDocument(c)
	if err != nil {
		return errors.Join(fmt.Errorf("number the documents: %w", named(err)), c.close())
	}
	s.last.Store(last)
	t := newTx(s.keys, s.queues, s.tally, s.fresh, o.Log)
	if err := t.open(c); err != nil {
		return errors.Join(err, c.close())
	}
	for i := range readers {
		var r *conn
		if i == 0 { // the first one shows that readers work
			if r, err = connect(s.path, readerPragmas...); err != nil {
				return errors.Join(err, c.close())
			}
		}
		s.pool <- r
	}
	s.w = &writer{
		path: s.path, log: o.Log, queue: make(chan *step, maxBatch), conn: c, tx: t, sync: o.sync, synced: o.Synced,
		nudge: make(chan struct{}, 1), stopped: make(chan struct{}),
	}
	s.durably = s.w.do
	if o.ackNow {
		s.durably = s.w.hope
	}
	s.tasks.Go(func() { s.w.loop(s.quit) })
	s.tasks.Go(func() { s.checkpoints() })
	return nil
}

// Close implements store.Store. Steps that wait are done first.
func (s *Store) Close() error {
	var errs []error
	s.once.Do(func() {
		close(s.quit)
		s.tasks.Wait()
		for range readers {
			if c := <-s.pool; c != nil {
				errs = append(errs, c.close())
			}
		}
		errs = append(errs, s.w.conn.close(), s.lock.Close())
	})
	return errors.Join(errs...)
}

// create makes a new file with its page size, which is fixed before anything else
// is written. In one list of pragmas the driver would set the journal mode first,
// and the page size would be ignored without a word. Nobody else may read it, nor the
// files beside it, which SQLite makes like it, whatever the process's umask is.
func create(path string) error {
	if info, err := os.Stat(path); err == nil && info.Size() > 0 {
		return nil
	}
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	if err := file.Close(); err != nil {
		return err
	}
	size := strconv.Itoa(pageSize)
	c, err := connectWith(path, []pragma{{"page_size", size, size}})
	if err != nil {
		return err
	}
	err = c.exec("PRAGMA journal_mode = WAL")
	if got, e := c.pragma("page_size"); err == nil && (e != nil || got != size) {
		err = fmt.Errorf("its pages are of %s bytes and not %s: %w", got, size, e)
	}
	return errors.Join(err, c.close())
}

// migrate brings the schema up to date. It goes forward only.
func migrate(ctx context.Context, path string) (err error) {
	db, err := sql.Open("sqlite", dsn(path, pragmas...))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	p, err := provider(db)
	if err != nil {
		return err
	}
	have, known, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", named(err))
	}
	if have > known {
		return fmt.Errorf("its schema is version %d and this program knows %d; start the newer program again", have, known)
	}
	if _, err := p.Up(ctx); err != nil {
		return fmt.Errorf("bring the schema up to date: %w", err)
	}
	return nil
}

func provider(db *sql.DB) (*goose.Provider, error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger()))
}

// read lends a reading connection. One that SQLite has failed on is not used again.
func (s *Store) read(ctx context.Context, fn func(*conn) error) error {
	var c *conn
	select {
	case c = <-s.pool:
	default:
		select {
		case c = <-s.pool:
		case <-ctx.Done():
			return ctx.Err()
		case <-s.quit:
			return errClosed
		}
	}
	var err error
	if c == nil {
		c, err = connect(s.path, readerPragmas...)
	}
	if err == nil {
		err = fn(c)
	}
	if c != nil && code(err) != 0 {
		if e := c.close(); e != nil {
			s.log.Warn("close a reading connection", "error", e)
		}
		c = nil
	}
	s.pool <- c
	return named(err)
}
