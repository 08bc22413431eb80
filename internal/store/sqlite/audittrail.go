package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"

	"stellwerk/internal/audit"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// writeAudit puts the transaction's entries into one row.
func (t *tx) writeAudit() error {
	if len(t.entries) == 0 {
		return nil
	}
	first := t.entries[0].Seq
	p := packer{make([]byte, 0, 160*len(t.entries))}
	p.int(int64(len(t.entries)))
	for i := range t.entries {
		e := &t.entries[i]
		p.int(e.Seq)
		p.time(e.At)
		p.str(e.Actor)
		p.str(e.Action)
		p.str(e.Object)
		p.str(e.Reason)
		p.hex(e.Hash)
	}
	return t.exec("INSERT INTO audit (first, body) VALUES (?, ?)", first, p.seal(first))
}

// decodeAudit gives a row's entries. Where the row fails its check, they are
// given as far as they can be read: the chain tells which one is wrong.
func decodeAudit(first int64, body []byte) ([]hub.AuditEntry, error) {
	u, ok := unseal(body, first)
	var entries []hub.AuditEntry
	for n := u.int(); n > 0; n-- {
		e := hub.AuditEntry{Seq: u.int(), At: u.time(), Actor: u.str(), Action: u.str(), Object: u.str(), Reason: u.str(), Hash: u.hex()}
		if u.bad {
			break
		}
		entries = append(entries, e)
	}
	if !ok || u.bad {
		return entries, &store.DamagedAudit{First: first}
	}
	return entries, nil
}

// auditHead is the end of the stored chain. Behind a damaged last row the chain
// goes on from nothing, with a gap that Verify names.
func auditHead(c *conn) (audit.Head, error) {
	var head audit.Head
	err := c.query(context.Background(), "SELECT first, body FROM audit ORDER BY first DESC LIMIT 1", nil, func(row []driver.Value) error {
		first := asInt(row[0])
		entries, err := decodeAudit(first, asBytes(row[1]))
		if err != nil || len(entries) == 0 {
			head.Seq = first + 2*maxAuditRow
			return nil
		}
		last := entries[len(entries)-1]
		head.Seq = last.Seq
		hash, err := hex.DecodeString(last.Hash)
		copy(head.Hash[:], hash)
		return err
	})
	return head, err
}

// maxAuditRow is more entries than a transaction ever has.
const maxAuditRow = 1 << 20

// Audit implements store.Operate.
func (s *Store) Audit(ctx context.Context, entries ...hub.AuditEntry) error {
	return s.w.do(ctx, func(t *tx) error {
		for _, e := range entries {
			t.audit(e)
		}
		return nil
	})
}

// AuditTrail implements store.Operate.
func (s *Store) AuditTrail(ctx context.Context, from int64, limit int) ([]hub.AuditEntry, error) {
	return s.trail(ctx, "SELECT first, body FROM audit WHERE first >= coalesce((SELECT max(first) FROM audit WHERE first <= ?1), 0) ORDER BY first", from, limit,
		func(e *hub.AuditEntry) bool { return e.Seq >= from })
}

// AuditTail implements store.Operate.
func (s *Store) AuditTail(ctx context.Context, before int64, limit int) ([]hub.AuditEntry, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	return s.trail(ctx, "SELECT first, body FROM audit WHERE first < ?1 ORDER BY first DESC", before, limit,
		func(e *hub.AuditEntry) bool { return e.Seq < before }, slices.Reverse)
}

// trail collects the wanted entries of the rows of a query; turn puts a row's own
// into the order asked for.
func (s *Store) trail(ctx context.Context, query string, bound int64, limit int, wanted func(*hub.AuditEntry) bool, turn ...func([]hub.AuditEntry)) ([]hub.AuditEntry, error) {
	var trail []hub.AuditEntry
	var damage error
	enough := errors.New("enough")
	err := s.read(ctx, func(c *conn) error {
		err := c.query(ctx, query, []any{bound}, func(row []driver.Value) error {
			entries, err := decodeAudit(asInt(row[0]), asBytes(row[1]))
			if err != nil && damage == nil {
				damage = err
			}
			for _, f := range turn {
				f(entries)
			}
			for i := range entries {
				if wanted(&entries[i]) && len(trail) < limit {
					trail = append(trail, entries[i])
				}
			}
			if len(trail) >= limit {
				return enough
			}
			return nil
		})
		if errors.Is(err, enough) {
			return nil
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	return trail, damage
}
