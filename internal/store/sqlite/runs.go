package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"fmt"
	"strings"
	"sync"
)

// How many rows a run has. The rows of a commit fall on all pages of the last run, so
// a short one costs a commit fewer pages, and a look-up more runs.
const (
	keyRun    = 4096
	searchRun = 512
)

// runs numbers the runs of a table of hashes.
type runs struct{ most, first, last, length int64 }

// next is the run of one more row.
func (r *runs) next() int64 {
	if r.length >= r.most {
		r.last, r.length = r.last+1, 0
	}
	r.length++
	return r.last
}

func (r *runs) load(c *conn, table string) error {
	*r = runs{most: r.most}
	err := c.query(context.Background(), "SELECT coalesce(min(run), 0), coalesce((SELECT max(run) FROM "+table+"), 0) FROM (SELECT run FROM "+table+" ORDER BY run LIMIT 1)", nil, func(row []driver.Value) error {
		r.first, r.last = asInt(row[0]), asInt(row[1])
		return nil
	})
	if err != nil {
		return err
	}
	return c.query(context.Background(), "SELECT count(*) FROM "+table+" WHERE run = ?", []any{r.last}, func(row []driver.Value) error {
		r.length = asInt(row[0])
		return nil
	})
}

// chapterRuns runs make a chapter, which has one filter.
const chapterRuns = 16

// filterBits is 16 bits for each key of a chapter: with four bits set for a key,
// one new key in 400 is taken for known in a full chapter, and looked up.
const filterBits = chapterRuns * keyRun * 16

// keyIndex finds idempotency keys: the rows are the truth, and in front of them
// one Bloom filter a chapter tells in memory that a key is new, which it nearly
// always is. So a new key costs no look into thirty days of random hashes.
type keyIndex struct {
	runs runs // the writer's

	mu      sync.RWMutex
	filters map[int64]*filter
}

type filter [filterBits / 8]byte

func (f *filter) bits(hash []byte, each func(at uint32, bit byte)) {
	for i := range 4 {
		n := binary.BigEndian.Uint32(hash[4*i:]) % filterBits
		each(n/8, 1<<(n%8))
	}
}

func (f *filter) add(hash []byte) { f.bits(hash, func(at uint32, bit byte) { f[at] |= bit }) }

func (f *filter) has(hash []byte) bool {
	all := true
	f.bits(hash, func(at uint32, bit byte) { all = all && f[at]&bit != 0 })
	return all
}

// keyHash is what an idempotency key is stored as.
func keyHash(portal, key string) []byte {
	b := make([]byte, 0, 128)
	b = binary.AppendUvarint(b, uint64(len(portal)))
	b = append(b, portal...)
	b = append(b, key...)
	sum := sha256.Sum256(b)
	return sum[:16:16]
}

// chapters that may have the hash.
func (k *keyIndex) chapters(hash []byte) []int64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var hits []int64
	for n, f := range k.filters {
		if f.has(hash) {
			hits = append(hits, n)
		}
	}
	return hits
}

// probe looks one hash up in all runs of a chapter.
var probe = "SELECT key FROM idempotency WHERE run IN (?" + strings.Repeat(",?", chapterRuns-1) + ") AND hash = ?"

// find gives the key of the submission that has the hash, 0 where it is new.
func (k *keyIndex) find(c *conn, hash []byte) (int64, error) {
	var found int64
	for _, chapter := range k.chapters(hash) {
		args := make([]any, 0, chapterRuns+1)
		for i := range int64(chapterRuns) {
			args = append(args, chapter*chapterRuns+i)
		}
		err := c.query(context.Background(), probe, append(args, hash), func(row []driver.Value) error {
			found = asInt(row[0])
			return nil
		})
		if err != nil {
			return 0, fmt.Errorf("look up an idempotency key: %w", named(err))
		}
	}
	return found, nil
}

// add writes a new hash. A filter that knows a key which was rolled back does no
// harm.
func (k *keyIndex) add(t *tx, hash []byte, key, at int64) error {
	before := k.runs.last
	run := k.runs.next()
	if run/chapterRuns != before/chapterRuns {
		if err := k.close(t, before/chapterRuns); err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.filter(run / chapterRuns).add(hash)
	k.mu.Unlock()
	return t.exec("INSERT INTO idempotency (run, hash, key, at) VALUES (?, ?, ?, ?)", run, hash, key, at)
}

func (k *keyIndex) filter(chapter int64) *filter {
	f := k.filters[chapter]
	if f == nil {
		f = new(filter)
		k.filters[chapter] = f
	}
	return f
}

// close stores the filter of a chapter that is full, so that the next start need
// not read its keys.
func (k *keyIndex) close(t *tx, chapter int64) error {
	k.mu.RLock()
	p := packer{append(make([]byte, 0, filterBits/8+4), k.filter(chapter)[:]...)}
	k.mu.RUnlock()
	return t.exec("INSERT OR REPLACE INTO bloom (chapter, body) VALUES (?, ?)", chapter, p.seal(chapter))
}

// load reads the filters of full chapters and makes those of the others.
func (k *keyIndex) load(c *conn) error {
	if err := k.runs.load(c, "idempotency"); err != nil {
		return err
	}
	filters := make(map[int64]*filter)
	open := k.runs.last / chapterRuns
	err := c.query(context.Background(), "SELECT chapter, body FROM bloom WHERE chapter >= ? AND chapter < ?", []any{k.runs.first / chapterRuns, open}, func(row []driver.Value) error {
		u, ok := unseal(asBytes(row[1]), asInt(row[0]))
		if f := new(filter); ok && copy(f[:], u.b) == len(f) {
			filters[asInt(row[0])] = f
		}
		return nil
	})
	if err != nil {
		return err
	}
	for chapter := k.runs.first / chapterRuns; chapter <= open; chapter++ {
		if filters[chapter] != nil {
			continue
		}
		f := new(filter)
		filters[chapter] = f
		from := chapter * chapterRuns
		err := c.query(context.Background(), "SELECT hash FROM idempotency WHERE run >= ? AND run < ?", []any{from, from + chapterRuns}, func(row []driver.Value) error {
			if h := asBytes(row[0]); len(h) == 16 {
				f.add(h)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	k.mu.Lock()
	k.filters = filters
	k.mu.Unlock()
	return nil
}

// forget drops the filters of chapters that have no rows any more.
func (k *keyIndex) forget(firstRun int64) {
	k.runs.first = firstRun
	k.mu.Lock()
	defer k.mu.Unlock()
	for n := range k.filters {
		if n < firstRun/chapterRuns {
			delete(k.filters, n)
		}
	}
}
