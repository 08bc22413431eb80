package sqlite

import (
	"context"
	"crypto/sha256"
	"database/sql/driver"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// gather reads what is to be deleted of one submission: counts, digest, files.
func (s *Store) gather(ctx context.Context, e *erasing) error {
	g := &gathering{erasing: e, sum: sha256.New()}
	var c store.Case
	err := s.read(ctx, func(r *conn) error {
		f, err := readWhole(ctx, r, e.o.ID)
		if err != nil {
			return err
		}
		if err := e.decide(f); err != nil {
			return err
		}
		e.version, e.dataKey, e.counts, e.files = f.version(), f.dataKey, hub.DeletionCounts{}, nil
		e.sealed = nil
		if err := readContent(ctx, r, f.key, math.MaxInt64, &c); err != nil && !errors.Is(named(err), store.ErrDamaged) {
			return err
		}
		if e.destroys(f) {
			g.add("data-key", f.dataKey)
		}
		if !e.parts.Payload.IsZero() {
			g.record(hub.RecordMeta, c.Meta)
			g.record(hub.RecordPayload, c.Payload)
		}
		return g.deliveries(ctx, r, f)
	})
	if err != nil {
		return err
	}
	if !e.parts.Attachments.IsZero() {
		for _, a := range c.Attachments {
			g.record(hub.RecordAttachmentInfo(a.N), a.Info)
			if err := g.file(filepath.Join(s.AttachmentDir(), filepath.FromSlash(a.File)), hub.RecordAttachment(a.N)); err != nil {
				s.log.Warn("an attachment is erased that cannot be read: the digest has of it what could be", "submission", e.o.ID.String(), "error", err)
			}
			e.files = append(e.files, a.File)
		}
	}
	if !e.parts.Metadata.IsZero() {
		hashes := make(map[string]bool, len(e.search))
		for _, row := range e.search { // one may lie in several runs
			hashes[string(row.hash)] = true
		}
		e.counts.SearchHashes = len(hashes)
	}
	e.erasedSum(g.sum)
	return nil
}

func (e *erasing) erasedSum(h hash.Hash) { e.sum = hex.EncodeToString(h.Sum(nil)) }

// gathering makes the digest and counts along.
type gathering struct {
	*erasing
	sum hash.Hash
}

func (g *gathering) name(name string, size int64) {
	b := append([]byte(name), 0)
	g.sum.Write(binary.BigEndian.AppendUint64(b, uint64(size)))
	g.counts.Bytes += size
}

// add takes a record into the digest.
func (g *gathering) add(name string, sealed []byte) {
	g.name(name, int64(len(sealed)))
	g.sum.Write(sealed)
}

// record is add for one that is counted, where it is there.
func (g *gathering) record(name string, sealed []byte) {
	if len(sealed) > 0 {
		g.add(name, sealed)
		g.counts.Records++
		g.sealed = append(g.sealed, mark(sealed))
	}
}

func (g *gathering) deliveries(ctx context.Context, c *conn, f *file) error {
	for _, d := range f.deliveries {
		if !g.parts.Payload.IsZero() {
			err := readDocument(ctx, c, d, func(head, body []byte) error {
				g.add(hub.RecordHead(d.ID), head)
				g.add(hub.RecordBody(d.ID), body)
				g.counts.Documents++
				g.sealed = append(g.sealed, mark(head), mark(body))
				return nil
			})
			if err != nil {
				return err
			}
			g.record(hub.RecordAnswer(d.ID), d.answer)
			g.record(hub.RecordToken(d.ID), d.token)
		}
		attempts, err := readAttempts(ctx, c, d)
		if err != nil {
			return err
		}
		for _, a := range attempts {
			if !g.parts.Payload.IsZero() {
				g.record(hub.RecordDetail(d.ID, a.N), a.detail)
			}
		}
		if !g.parts.Metadata.IsZero() {
			g.counts.Rows += 1 + len(attempts)
		}
	}
	if g.parts.Metadata.IsZero() {
		return nil
	}
	events, err := readEvents(ctx, c, f)
	g.counts.Rows += len(events)
	return err
}

// file takes an attachment's sealed content into the digest. One that is gone
// already cannot be deleted, and does not keep the rest; nor does one with an error,
// which the disk does not give: it would keep every submission behind it, too.
func (g *gathering) file(path, name string) (err error) {
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read an attachment: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("read an attachment: %w", err)
	}
	g.name(name, info.Size())
	if _, err := io.Copy(g.sum, f); err != nil {
		return fmt.Errorf("read an attachment: %w", err)
	}
	g.counts.Attachments++
	return nil
}

// searchRow is a search hash as it lies in its run.
type searchRow struct {
	run, key int64
	hash     []byte
}

// searchRows finds the search hashes of submissions whose metadata is to go. There
// is no index from a submission to its hashes, which would cost every submission:
// one pass over the table serves all orders.
func (s *Store) searchRows(ctx context.Context, orders []store.Erase) (map[int64][]searchRow, error) {
	found := make(map[int64][]searchRow)
	wanted := make(map[int64]bool)
	for i := range orders {
		if orders[i].Metadata {
			wanted[keyOf(orders[i].ID.Submission())] = true
		}
	}
	if len(wanted) == 0 {
		return found, nil
	}
	for next, last := int64(0), int64(-1); ; next++ {
		err := s.read(ctx, func(c *conn) error {
			if last < 0 {
				var r runs
				if err := r.load(c, "search"); err != nil {
					return err
				}
				next, last = r.first, r.last
			}
			run := next
			return c.query(ctx, "SELECT hash, key FROM search WHERE run = ?", []any{run}, func(row []driver.Value) error {
				if key := asInt(row[1]); wanted[key] {
					found[key] = append(found[key], searchRow{run, key, asBytes(row[0])})
				}
				return nil
			})
		})
		if err != nil {
			return nil, fmt.Errorf("look for search hashes: %w", err)
		}
		if next >= last {
			return found, nil
		}
	}
}
