package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// cutRows is how many rows of the trail one step removes at most.
const cutRows = 512

// CutAudit implements store.Erasure. Entries lie in rows of one transaction each: a
// row goes as a whole, or stays.
func (s *Store) CutAudit(ctx context.Context, before time.Time, actor, reason string, at time.Time) (store.AuditStart, error) {
	was, err := s.AuditStart(ctx)
	if err != nil {
		return was, err
	}
	for {
		more := false
		err := s.w.do(ctx, func(t *tx) (err error) {
			more, err = t.cutAudit(before, actor, reason, stored(at))
			return err
		})
		if err != nil {
			return store.AuditStart{}, fmt.Errorf("cut the audit trail: %w", err)
		}
		if more {
			continue
		}
		start, err := s.AuditStart(ctx)
		if err != nil || start == was {
			return start, err
		}
		// The log still has the pages as they were. Where somebody is always reading it
		// is overwritten by what comes.
		if _, err := s.emptyLog(ctx); err != nil {
			return start, fmt.Errorf("cut the audit trail: %w", err)
		}
		return start, nil
	}
}

func (t *tx) cutAudit(before time.Time, actor, reason string, at time.Time) (more bool, err error) {
	var last int64 // row to be removed
	var start store.AuditStart
	over := false
	rows := 0
	err = t.query("SELECT first, body FROM audit ORDER BY first LIMIT ?", []any{int64(cutRows)}, func(row []driver.Value) error {
		rows++
		if over {
			return nil
		}
		entries, err := decodeAudit(asInt(row[0]), asBytes(row[1]))
		young := func(e hub.AuditEntry) bool { return !e.At.Before(before) }
		if err != nil || len(entries) == 0 || slices.ContainsFunc(entries, young) {
			over = true // what is damaged stays, and so does what follows
			return nil
		}
		e := entries[len(entries)-1]
		last, start = asInt(row[0]), store.AuditStart{Seq: e.Seq, Hash: e.Hash}
		return nil
	})
	if err != nil || start.Seq == 0 {
		return false, err
	}
	hash, err := hex.DecodeString(start.Hash)
	if err != nil {
		return false, fmt.Errorf("entry %d: %w", start.Seq, store.ErrDamaged)
	}
	if err := t.secure(true); err != nil { // names of clerks, and what people wrote as a reason
		return false, err
	}
	defer func() { err = errors.Join(err, t.secure(false)) }()
	if err := t.exec("DELETE FROM audit WHERE first <= ?", last); err != nil {
		return false, err
	}
	if err := t.blankFirst(); err != nil {
		return false, err
	}
	if err := t.exec("INSERT OR REPLACE INTO audit_start (one, seq, hash) VALUES (1, ?, ?)", start.Seq, hash); err != nil {
		return false, err
	}
	t.audit(hub.AuditEntry{At: at, Actor: actor, Action: store.ActionCut, Object: start.String(), Reason: reason})
	return !over && rows == cutRows, nil
}

// blankFirst overwrites the free space of the trail's first pages: where some of their
// rows went, the others were moved together, and copies stayed behind. Pages that are
// free as a whole are overwritten already.
func (t *tx) blankFirst() error {
	const moved = 4 // pages at most that are balanced at once
	var pages []int64
	err := t.query("SELECT pageno FROM dbstat WHERE name = 'audit' AND pagetype = 'leaf' LIMIT ?", []any{int64(moved)}, func(row []driver.Value) error {
		pages = append(pages, asInt(row[0]))
		return nil
	})
	if err == nil {
		_, _, err = t.blank(pages, newFinder())
	}
	return err
}

// AuditStart implements store.Erasure.
func (s *Store) AuditStart(ctx context.Context) (start store.AuditStart, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT seq, hash FROM audit_start", nil, func(row []driver.Value) error {
			start = store.AuditStart{Seq: asInt(row[0]), Hash: hex.EncodeToString(asBytes(row[1]))}
			return nil
		})
	})
	if err != nil {
		return start, fmt.Errorf("read where the audit trail begins: %w", err)
	}
	return start, nil
}
