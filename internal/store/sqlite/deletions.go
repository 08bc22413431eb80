package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// prove writes the record of the deletion, and its line in the audit trail.
func (t *tx) prove(f *file, e *erasing) (*hub.Deletion, error) {
	d := &hub.Deletion{
		At: stored(e.o.At), Order: e.o.Order, Actor: e.o.Actor, Rule: e.o.Rule, Reason: e.o.Reason,
		Submission: f.ID, Municipality: f.Municipality, Service: f.Service, ReceivedAt: f.ReceivedAt, SettledAt: f.SettledAt,
		KeyDestroyed: e.destroyed != nil, Counts: e.counts, Recipients: e.recipients, SHA256: e.sum,
	}
	for _, p := range []struct {
		name string
		at   time.Time
	}{{hub.PartPayload, e.parts.Payload}, {hub.PartAttachments, e.parts.Attachments}, {hub.PartMetadata, e.parts.Metadata}} {
		if !p.at.IsZero() {
			d.Parts = append(d.Parts, p.name)
		}
	}
	err := t.query("SELECT coalesce(max(n), 0) + 1 FROM deletion", nil, func(row []driver.Value) error {
		d.N = asInt(row[0])
		return nil
	})
	if err != nil {
		return nil, err
	}
	body, err := json.Marshal(d)
	if err != nil {
		return nil, fmt.Errorf("write a deletion record: %w", err)
	}
	p := packer{}
	p.bytes(body)
	if err := t.exec("INSERT INTO deletion (n, key, placed_by, body) VALUES (?, ?, ?, ?)", d.N, f.key, d.Order[:], p.seal(d.N)); err != nil {
		return nil, err
	}
	why := d.Reason
	if d.Rule != "" {
		why = d.Rule
	}
	t.audit(hub.AuditEntry{At: d.At, Actor: d.Actor, Action: "erased", Object: f.ID.String(),
		Reason: fmt.Sprintf("%s (%s; deletion %d, sha256 %s)", why, strings.Join(d.Parts, ", "), d.N, d.SHA256)})
	return d, nil
}

// Deletions implements store.Erasure.
func (s *Store) Deletions(ctx context.Context, f store.DeletionFilter) ([]hub.Deletion, error) {
	limit := f.Limit
	if limit <= 0 {
		limit = listDefault
	}
	where, args := []string{"1"}, []any(nil)
	add := func(cond string, arg any) {
		where, args = append(where, cond), append(args, arg)
	}
	if !f.Submission.Zero() {
		add("key = ?", submissionKey(keyOf(f.Submission)))
	}
	if !f.Order.Zero() {
		add("placed_by = ?", f.Order[:])
	}
	if f.Before > 0 {
		add("n < ?", f.Before)
	}
	var all []hub.Deletion
	var damaged store.DamagedDeletions
	err := s.read(ctx, func(c *conn) error {
		return c.once(ctx, "SELECT n, body FROM deletion WHERE "+strings.Join(where, " AND ")+" ORDER BY n DESC LIMIT ?", append(args, int64(min(limit, listMost))), func(row []driver.Value) error {
			u, ok := unseal(asBytes(row[1]), asInt(row[0]))
			var d hub.Deletion
			if body := u.bytes(); !ok || json.Unmarshal(body, &d) != nil {
				damaged = append(damaged, asInt(row[0]))
				return nil
			}
			all = append(all, d)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read the deletion records: %w", err)
	}
	if len(damaged) > 0 {
		return all, damaged
	}
	return all, nil
}
