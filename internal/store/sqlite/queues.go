package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"sync"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// queues knows for every order key which submissions with it are not settled yet.
// The table queue says so, too, for the next start; an index over random hashes would
// change a page of the file for every submission. An order key is known by 64 bits of a
// hash of this process; two that share them would wait for each other and nothing else.
type queues struct {
	seed maphash.Seed
	log  *slog.Logger

	mu    sync.RWMutex // guards what follows, which readers see
	first map[uint64]int64
	more  map[uint64][]int64 // the others behind first, in order

	// The writer's:
	undo []queued // what a rollback takes back
	lost bool     // the table cannot be written; the next start makes it anew
}

// queued is one change: a submission has joined a queue, or left it.
type queued struct {
	order uint64
	key   int64
	left  bool
}

func newQueues(log *slog.Logger) *queues {
	return &queues{seed: maphash.MakeSeed(), log: log, first: make(map[uint64]int64), more: make(map[uint64][]int64)}
}

// queueKept is the file's user_version while the table queue is kept.
const queueKept = 1

// load reads the table, or makes it anew where it was never made or cannot be read.
func (q *queues) load(c *conn) error {
	q.mu.Lock()
	defer q.mu.Unlock()
	clear(q.first)
	clear(q.more)
	q.undo, q.lost = q.undo[:0], false
	version, err := c.pragma("user_version")
	if err == nil && version == fmt.Sprint(queueKept) {
		err = c.query(context.Background(), "SELECT hash, key FROM queue", nil, func(row []driver.Value) error {
			q.join(q.of(asBytes(row[0])), asInt(row[1]))
			return nil
		})
		if err == nil {
			return nil
		}
		if err = named(err); errors.Is(err, store.ErrDamaged) {
			q.log.Error("who waits for whom cannot be read; it is made anew from the submissions", "error", err)
			clear(q.first)
			clear(q.more)
			err = nil
		}
	}
	if err == nil {
		err = q.anew(c)
	}
	if err != nil {
		return fmt.Errorf("read who waits for whom: %w", err)
	}
	return nil
}

// anew makes the queues from the submissions that are not settled, and writes them down.
// What cannot be read of these waits for nobody; it is set aside when its turn comes.
func (q *queues) anew(c *conn) error {
	open, err := q.unsettled(c)
	if err != nil {
		return err
	}
	var rows []any
	for _, key := range open {
		f, err := readFile(context.Background(), c, key, true)
		if err != nil || f.done() {
			continue
		}
		for _, order := range f.orders() {
			if q.join(q.of(order), key) {
				rows = append(rows, key, order)
			}
		}
	}
	if err = q.keep(c, rows); errors.Is(err, store.ErrDamaged) {
		q.lost = true
		q.log.Error("who waits for whom cannot be written; it is kept in memory", "error", err)
		return nil
	}
	return err
}

// keep writes the table anew.
func (q *queues) keep(c *conn, rows []any) error {
	if err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	err := c.exec("DELETE FROM queue")
	for i := 0; err == nil && i < len(rows); i += 2 {
		err = c.exec("INSERT INTO queue (key, hash) VALUES (?, ?)", rows[i:i+2]...)
	}
	if err == nil {
		err = c.exec(fmt.Sprintf("PRAGMA user_version = %d", queueKept))
	}
	if err == nil {
		err = c.exec("COMMIT")
	}
	if err != nil {
		return errors.Join(named(err), c.exec("ROLLBACK"))
	}
	return nil
}

// unsettled lists the submissions that may be in a queue. Where a page cannot be read,
// the index has most of what the table hides, and the other way round.
func (q *queues) unsettled(c *conn) ([]int64, error) {
	parked, err := q.all(c, "SELECT key FROM delivery INDEXED BY delivery_parked WHERE state = 6")
	if err != nil {
		return nil, err
	}
	for key := range parked {
		parked[submissionKey(key)] = true
	}
	known, err := q.all(c, "SELECT key FROM submission INDEXED BY submission_municipality")
	if err != nil {
		return nil, err
	}
	rest, err := q.all(c, "SELECT key FROM submission NOT INDEXED")
	if err != nil {
		return nil, err
	}
	maps.Copy(known, rest)
	var open []int64
	for _, key := range slices.Sorted(maps.Keys(known)) {
		f, err := readFile(context.Background(), c, key, false)
		if err == nil && (f.State != hub.SubmissionSettled || parked[key]) {
			open = append(open, key)
		}
	}
	return open, nil
}

// all lists keys as far as they can be read.
func (q *queues) all(c *conn, query string) (map[int64]bool, error) {
	keys := make(map[int64]bool)
	err := c.query(context.Background(), query, nil, func(row []driver.Value) error {
		keys[asInt(row[0])] = true
		return nil
	})
	if err = named(err); errors.Is(err, store.ErrDamaged) {
		q.log.Error("a page cannot be read; what it has in a queue may be overtaken", "error", err)
		err = nil
	}
	return keys, err
}

// write keeps the table in step. Where it cannot be written, the transaction is broken;
// the next one leaves it alone.
func (t *tx) write(query string, key int64, order []byte) error {
	if t.queues.lost {
		return t.exec("PRAGMA user_version = 0")
	}
	err := t.exec(query, key, order)
	if errors.Is(named(err), store.ErrDamaged) {
		t.queues.lost = true
		t.log.Error("who waits for whom cannot be written; it is kept in memory", "error", err)
	}
	return err
}

func (q *queues) of(order []byte) uint64 { return maphash.Bytes(q.seed, order) }

// add puts a submission into the queue of an order key; false where it is there.
func (q *queues) add(order []byte, key int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.join(q.of(order), key) {
		return false
	}
	q.undo = append(q.undo, queued{order: q.of(order), key: key})
	return true
}

// remove takes a submission out; false where it is not there.
func (q *queues) remove(order []byte, key int64) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if !q.leave(q.of(order), key) {
		return false
	}
	q.undo = append(q.undo, queued{order: q.of(order), key: key, left: true})
	return true
}

// before goes through who stands before a submission, in order; mostly the first one
// decides. It is the writer's: nobody else changes anything meanwhile.
func (q *queues) before(order []byte, key int64) iter.Seq[int64] {
	return func(yield func(int64) bool) {
		o := q.of(order)
		if first, is := q.first[o]; !is || first >= key || !yield(first) {
			return
		}
		for _, k := range q.more[o] {
			if k >= key || !yield(k) {
				return
			}
		}
	}
}

// seen is before for readers.
func (q *queues) seen(order []byte, key int64) []int64 {
	q.mu.RLock()
	defer q.mu.RUnlock()
	return slices.Collect(q.before(order, key))
}

func (q *queues) join(order uint64, key int64) bool {
	first, is := q.first[order]
	switch {
	case !is:
		q.first[order] = key
		return true
	case key == first:
		return false
	case key < first:
		q.first[order], key = key, first
	}
	others := q.more[order]
	i, is := slices.BinarySearch(others, key)
	if !is {
		q.more[order] = slices.Insert(others, i, key)
	}
	return !is
}

func (q *queues) leave(order uint64, key int64) bool {
	others := q.more[order]
	i, is := slices.BinarySearch(others, key)
	switch {
	case is:
		others = slices.Delete(others, i, i+1)
	case q.first[order] != key:
		return false
	case len(others) == 0:
		delete(q.first, order)
		return true
	default:
		q.first[order], others = others[0], others[1:]
	}
	if len(others) == 0 {
		delete(q.more, order)
	} else {
		q.more[order] = others
	}
	return true
}

func (q *queues) commit() { q.undo = q.undo[:0] }

func (q *queues) rollback() {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, c := range slices.Backward(q.undo) {
		if c.left {
			q.join(c.order, c.key)
		} else {
			q.leave(c.order, c.key)
		}
	}
	q.undo = q.undo[:0]
}
