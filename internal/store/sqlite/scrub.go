package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"stellwerk/internal/store"
)

// A data key leaves the file with its row, but a b-tree leaves copies of a row
// behind in the free space of pages: whenever the row grew, or moved to another
// page as its neighbours grew. Overwriting what is deleted (tx.secure) does not
// reach those. So destroyed keys are looked for in every page of the file, and
// where there is the rest of one, the page's free space is overwritten.

// A rest of this many bytes in a row is found wherever it begins.
const (
	window  = 8
	surely  = 2*window - 1
	keyTail = 60 // the sealed part of a wrapped data key, at its end
	tagSize = 16
)

// mark is what is kept of a destroyed key until the file was searched: the tag at
// its end, by which it is found, and which opens nothing.
func mark(wrapped []byte) []byte { return slices.Clone(wrapped[max(0, len(wrapped)-tagSize):]) }

// toScrub has the file searched for a data key that no row holds any more: it was
// destroyed, or wrapped anew, and the operator's old key would still open it. A sealed
// record is searched for, too, where it goes before its key.
func (t *tx) toScrub(sealed []byte) error {
	return t.exec("INSERT OR IGNORE INTO scrub (mark) VALUES (?)", mark(sealed))
}

// residue are the keys that this process has destroyed and not looked for yet.
type residue struct {
	mu    sync.Mutex
	keys  [][]byte
	one   sync.Mutex // one scrub at a time
	tries int        // how often the log is tried to be emptied, before the next scrub
}

func (r *residue) add(key []byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = append(r.keys, key)
}

func (r *residue) all() [][]byte {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.keys)
}

// drop forgets the first n.
func (r *residue) drop(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.keys = slices.Clone(r.keys[n:])
}

// finder knows pieces of keys, in front of them a filter that says no to nearly
// everything else.
type finder struct {
	filter [1 << 18]uint64
	pieces map[uint64]bool
}

func newFinder(keys ...[]byte) *finder {
	f := &finder{pieces: make(map[uint64]bool)}
	for _, k := range keys {
		k = k[max(0, len(k)-keyTail):]
		for i := 0; i+window <= len(k); i += window {
			w := binary.LittleEndian.Uint64(k[i:])
			f.pieces[w] = true
			at := place(w)
			f.filter[at/64] |= 1 << (at % 64)
		}
	}
	return f
}

func place(w uint64) uint64 { return w * 0x9e3779b97f4a7c15 >> (64 - 24) }

func (f *finder) in(b []byte) bool {
	for i := 0; i+window <= len(b); i++ {
		w := binary.LittleEndian.Uint64(b[i:])
		if at := place(w); f.filter[at/64]&(1<<(at%64)) != 0 && f.pieces[w] {
			return true
		}
	}
	return false
}

// Scrub implements store.Erasure.
func (s *Store) Scrub(ctx context.Context) (store.Scrubbed, error) {
	s.residue.one.Lock()
	defer s.residue.one.Unlock()
	keys := s.residue.all()
	marks, err := s.marks(ctx)
	if err != nil {
		return store.Scrubbed{}, fmt.Errorf("scrub: %w", err)
	}
	did := store.Scrubbed{Keys: len(marks)}
	if len(marks) == 0 {
		did.Log = true
		return did, nil
	}
	f := newFinder(append(slices.Clone(marks), keys...)...)
	pages, err := s.suspects(ctx, f)
	if err != nil {
		return did, fmt.Errorf("scrub: %w", err)
	}
	for some := range slices.Chunk(pages, eraseBatch) {
		var changed, remaining int
		err := s.w.do(ctx, func(t *tx) (err error) {
			changed, remaining, err = t.blank(some, f)
			return err
		})
		if err != nil {
			return did, fmt.Errorf("scrub: %w", err)
		}
		did.Pages += changed
		did.Remaining += remaining
	}
	if did.Log, err = s.emptyLog(ctx); err != nil {
		return did, fmt.Errorf("scrub: %w", err)
	}
	if !did.Log || did.Remaining > 0 {
		return did, nil // it is looked for again
	}
	s.residue.drop(len(keys))
	for some := range slices.Chunk(marks, 512) {
		err := s.w.do(ctx, func(t *tx) error {
			for _, m := range some {
				if err := t.exec("DELETE FROM scrub WHERE mark = ?", m); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return did, fmt.Errorf("scrub: %w", err)
		}
	}
	return did, nil
}

func (s *Store) marks(ctx context.Context) (marks [][]byte, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT mark FROM scrub", nil, func(row []driver.Value) error {
			marks = append(marks, asBytes(row[0]))
			return nil
		})
	})
	return marks, err
}

const readPageData = "SELECT data FROM sqlite_dbpage WHERE pgno = ?"

// suspects are the pages that hold a piece of a key, or of something that looks so.
func (s *Store) suspects(ctx context.Context, f *finder) ([]int64, error) {
	const some = 256 // pages before the reading connection is lent to others
	var pages []int64
	for first, count := int64(1), int64(1); first <= count; first += some {
		err := s.read(ctx, func(c *conn) error {
			err := c.query(ctx, "PRAGMA page_count", nil, func(row []driver.Value) error {
				count = asInt(row[0])
				return nil
			})
			for n := first; err == nil && n < first+some && n <= count; n++ {
				err = c.query(ctx, readPageData, []any{n}, func(row []driver.Value) error {
					if f.in(asBytes(row[0])) {
						pages = append(pages, n)
					}
					return nil
				})
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return pages, nil
}

// blank overwrites the free space of pages. What remains are pages that hold a
// piece and are of a kind whose free space is not known.
func (t *tx) blank(pages []int64, f *finder) (changed, remaining int, err error) {
	free, err := t.freePages()
	if err != nil {
		return 0, 0, err
	}
	for _, n := range pages {
		var data []byte
		err := t.query(readPageData, []any{n}, func(row []driver.Value) error {
			data = slices.Clone(asBytes(row[0]))
			return nil
		})
		if err != nil {
			return 0, 0, err
		}
		clean := slices.Clone(data)
		ranges, known := freeRanges(data, n)
		if from, is := free[n]; is {
			ranges, known = [][2]int{{from, len(data)}}, true
		}
		for _, r := range ranges {
			clear(clean[r[0]:r[1]])
		}
		if !known && f.in(data) {
			remaining++
		}
		if slices.Equal(clean, data) {
			continue
		}
		changed++
		if err := t.exec("UPDATE sqlite_dbpage SET data = ? WHERE pgno = ?", clean, n); err != nil {
			return 0, 0, err
		}
	}
	return changed, remaining, nil
}

// freePages are the pages of the freelist, each with where its own data ends
// (https://sqlite.org/fileformat2.html, 1.5).
func (t *tx) freePages() (map[int64]int, error) {
	free := make(map[int64]int)
	next := int64(1)
	at := 32 // of the first trunk's number, in page 1
	for next != 0 {
		var trunk []byte
		err := t.query(readPageData, []any{next}, func(row []driver.Value) error {
			trunk = slices.Clone(asBytes(row[0]))
			return nil
		})
		if err != nil {
			return nil, err
		}
		if len(trunk) < at+8 {
			break
		}
		if at == 0 {
			leaves := int(binary.BigEndian.Uint32(trunk[4:]))
			if leaves > (len(trunk)-8)/4 || free[next] != 0 {
				return nil, fmt.Errorf("the list of free pages: %w", store.ErrDamaged)
			}
			free[next] = 8 + 4*leaves
			for i := range leaves {
				free[int64(binary.BigEndian.Uint32(trunk[8+4*i:]))] = 0
			}
		}
		next, at = int64(binary.BigEndian.Uint32(trunk[at:])), 0
	}
	return free, nil
}

// freeRanges is the space of a b-tree page that no cell uses: the gap between the
// pointers and the cells, and the free blocks without their heads
// (https://sqlite.org/fileformat2.html, 1.6). known is false for any other page.
func freeRanges(page []byte, number int64) (ranges [][2]int, known bool) {
	at := 0
	if number == 1 {
		at = 100
	}
	size := 8
	switch page[at] {
	case 2, 5:
		size = 12
	case 10, 13:
	default:
		return nil, false
	}
	word := func(i int) int { return int(binary.BigEndian.Uint16(page[i:])) }
	pointers, cells := at+size+2*word(at+3), word(at+5)
	if cells == 0 {
		cells = 1 << 16
	}
	if pointers > cells || cells > len(page) {
		return nil, false
	}
	ranges = append(ranges, [2]int{pointers, cells})
	for block, before := word(at+1), cells-1; block != 0; {
		if block <= before || block+4 > len(page) || block+word(block+2) > len(page) || word(block+2) < 4 {
			return nil, false
		}
		ranges = append(ranges, [2]int{block + 4, block + word(block+2)})
		before, block = block, word(block)
	}
	return ranges, true
}

// logWait is how long the writer may be kept while the log is emptied.
const logWait = 250 * time.Millisecond

// emptyLog copies the log into the file and cuts it to nothing: it holds the pages
// as they were. False where somebody was always reading.
func (s *Store) emptyLog(ctx context.Context) (done bool, err error) {
	c, err := connect(s.path)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	nothing := func([]driver.Value) error { return nil }
	if err := c.once(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", logWait.Milliseconds()), nil, nothing); err != nil {
		return false, err
	}
	for range s.residue.tries {
		err := c.once(ctx, "PRAGMA wal_checkpoint(TRUNCATE)", nil, func(row []driver.Value) error {
			done = asInt(row[0]) == 0
			return nil
		})
		if err != nil {
			return false, fmt.Errorf("empty the log: %w", named(err))
		}
		if done {
			return true, nil
		}
		pause := time.NewTimer(logWait / 5)
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return false, ctx.Err()
		case <-s.quit:
			pause.Stop()
			return false, errClosed
		}
	}
	return false, nil
}
