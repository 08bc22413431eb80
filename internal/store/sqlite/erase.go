package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// eraseBatch is how many submissions are erased in one transaction: few enough
// that whoever waits for the writer does not notice.
const eraseBatch = 32

// receiptFor is how long an erased submission's receipt is kept: longer than the
// idempotency key that asks for it.
const receiptFor = 31 * 24 * time.Hour

// Erase implements store.Erasure. What is deleted is read and its digest made
// before the writer has it; should the submission change meanwhile, it is read again.
func (s *Store) Erase(ctx context.Context, orders []store.Erase) ([]store.Erased, error) {
	done := make([]store.Erased, len(orders))
	found, err := s.searchRows(ctx, orders)
	if err != nil {
		return done, fmt.Errorf("erase: %w", err)
	}
	for from := 0; from < len(orders); from += eraseBatch {
		to := min(from+eraseBatch, len(orders))
		if err := s.eraseSome(ctx, orders[from:to], done[from:to], found); err != nil {
			return done, fmt.Errorf("erase: %w", err)
		}
	}
	return done, nil
}

func (s *Store) eraseSome(ctx context.Context, orders []store.Erase, done []store.Erased, found map[int64][]searchRow) error {
	for range 3 {
		var work []*erasing
		for i := range orders {
			if done[i].Deletion.N != 0 || done[i].Err != nil && !errors.Is(done[i].Err, store.ErrStale) {
				continue
			}
			e := &erasing{o: orders[i], into: &done[i], search: found[keyOf(orders[i].ID.Submission())]}
			if err := s.gather(ctx, e); err != nil {
				if !isVerdict(err) {
					return err
				}
				done[i].Err = err
				continue
			}
			work = append(work, e)
		}
		if len(work) == 0 {
			return nil
		}
		if err := s.w.do(ctx, func(t *tx) error { return t.eraseAll(work) }); err != nil {
			for _, e := range work {
				*e.into = store.Erased{} // rolled back
			}
			return err
		}
		for _, e := range work {
			if e.into.Deletion.N != 0 {
				s.left(e)
			}
		}
	}
	return nil
}

// isVerdict reports whether an error is about one submission and not about the store.
func isVerdict(err error) bool {
	for _, v := range []error{store.ErrState, store.ErrNotFound, store.ErrDamaged, store.ErrStale} {
		if errors.Is(err, v) {
			return true
		}
	}
	return false
}

// left does what can only be done when the step is durable: files are removed, and
// the destroyed key is to be looked for. A file that stays is swept away later.
func (s *Store) left(e *erasing) {
	for _, file := range e.files {
		if err := os.Remove(filepath.Join(s.AttachmentDir(), filepath.FromSlash(file))); err != nil && !errors.Is(err, fs.ErrNotExist) {
			s.log.Warn("remove an erased attachment; it is swept away later", "error", err)
		}
	}
	if e.destroyed != nil {
		s.residue.add(e.destroyed)
	}
	if e.bundle != nil {
		s.residue.add(e.bundle)
	}
}

// erasing is one submission on its way out.
type erasing struct {
	o       store.Erase
	into    *store.Erased
	version int64
	dataKey []byte
	parts   hub.Erased // what goes now: At, or zero
	counts  hub.DeletionCounts
	sum     string
	files   []string
	sealed  [][]byte // marks of the records that go; see scrub.go
	search  []searchRow

	recipients []string

	destroyed []byte
	bundle    []byte // the key of its bundle's answers, where it was the last one of it
}

// decide says what of a submission goes; the error is why nothing does.
func (e *erasing) decide(f *file) error {
	switch {
	case f.State == hub.SubmissionErased:
		return store.ErrErased
	case f.State != hub.SubmissionSettled:
		return fmt.Errorf("%w: the submission is %s", store.ErrState, f.State)
	case f.Hold.On():
		return store.ErrHeld
	}
	e.parts = hub.Erased{}
	at := stored(e.o.At)
	if (e.o.Payload || e.o.Metadata) && f.Erased.Payload.IsZero() {
		e.parts.Payload = at
	}
	if (e.o.Attachments || e.o.Metadata) && f.Attachments > 0 && f.Erased.Attachments.IsZero() {
		e.parts.Attachments = at
	}
	if e.o.Metadata {
		e.parts.Metadata = at
	}
	if e.parts == (hub.Erased{}) {
		return store.ErrErased
	}
	return nil
}

// destroys reports whether the data key goes with these parts.
func (e *erasing) destroys(f *file) bool {
	gone := func(before, now time.Time) bool { return !before.IsZero() || !now.IsZero() }
	return len(f.dataKey) > 0 && gone(f.Erased.Payload, e.parts.Payload) &&
		(f.Attachments == 0 || gone(f.Erased.Attachments, e.parts.Attachments))
}

// eraseAll erases each in the step's transaction; what cannot be is told.
func (t *tx) eraseAll(work []*erasing) (err error) {
	if err := t.secure(true); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, t.secure(false)) }()
	for _, e := range work {
		*e.into = store.Erased{}
		e.destroyed, e.bundle = nil, nil
		switch err := t.erase(e); {
		case t.broken != nil:
			return err
		case err != nil && !isVerdict(err):
			return err
		case err != nil:
			*e.into = store.Erased{Err: err}
		}
	}
	return nil
}

// secure makes SQLite overwrite with zeros what is deleted, for this step: in
// pages, and pages as a whole.
func (t *tx) secure(on bool) error {
	err := t.c.once(context.Background(), fmt.Sprintf("PRAGMA secure_delete = %d", number(on)), nil, func([]driver.Value) error { return nil })
	if err != nil {
		t.broken = err
	}
	return err
}

func (t *tx) erase(e *erasing) error {
	f, err := t.load(e.o.ID)
	if err != nil {
		return err
	}
	before := e.parts
	if err := e.decide(f); err != nil {
		return err
	}
	if f.version() != e.version || !bytes.Equal(f.dataKey, e.dataKey) || e.parts != before {
		return fmt.Errorf("erase %s: %w", f.ID, store.ErrStale)
	}
	e.recipients = nil
	if e.o.Reason != "" {
		e.recipients = f.recipients()
	}
	if !e.parts.Payload.IsZero() {
		if err := t.erasePayload(f, e); err != nil {
			return err
		}
		f.Erased.Payload = e.parts.Payload
	}
	if !e.parts.Attachments.IsZero() {
		if err := t.exec("DELETE FROM attachment WHERE key = ?", f.key); err != nil {
			return err
		}
		f.Erased.Attachments = e.parts.Attachments
	}
	if err := t.trimContent(f, e); err != nil {
		return err
	}
	if e.destroys(f) {
		e.destroyed = f.dataKey
		f.dataKey = nil
		if err := t.toScrub(e.destroyed); err != nil {
			return err
		}
	} else if len(f.dataKey) > 0 { // which would open what is left of them
		for _, m := range e.sealed {
			if err := t.toScrub(m); err != nil {
				return err
			}
		}
	}
	f.Version++
	f.flowDue = 0 // there is nothing left to tell with
	if !e.parts.Metadata.IsZero() {
		if err := t.eraseMetadata(f, e); err != nil {
			return err
		}
		if !f.Bundle.Zero() {
			if e.bundle, err = t.eraseAnswers(f, e.o.Actor, e.parts.Metadata); err != nil {
				return err
			}
		}
	}
	d, err := t.prove(f, e)
	if err != nil {
		return err
	}
	if f.State != hub.SubmissionErased {
		event := hub.Event{At: d.At, Type: "erased", Actor: d.Actor, Code: strings.Join(d.Parts, ","), Text: d.Rule + d.Reason}
		if err := t.event(f.key, event); err != nil {
			return err
		}
	}
	e.into.Deletion = *d
	return t.saveSubmission(f.submission)
}

// recipients are the systems that have the document, or may have it.
func (f *file) recipients() (systems []string) {
	for _, d := range f.deliveries {
		if d.Role != hub.RolePortal && d.mayHave() && !slices.Contains(systems, d.System) {
			systems = append(systems, d.System)
		}
	}
	return systems
}

// mayHave reports whether the system has the document, or may have it: it took it over and
// has its say still to come, or has ended it, or nobody knows.
func (d *delivery) mayHave() bool {
	return d.State == hub.DeliveryDelivered || d.Uncertain || d.Reason == hub.ParkUnclear || len(d.token) > 0 || d.Code == hub.CodeRefund || d.endedOverThere()
}

// erasePayload deletes everything sealed but the attachments. What of the
// submission was optional and waited for a person has nothing to wait with any more.
func (t *tx) erasePayload(f *file, e *erasing) error {
	for _, d := range f.deliveries {
		if err := t.dropDocument(d); err != nil {
			return err
		}
		t.fresh.drop(d.key)
		d.answer, d.token, d.rendered, d.document = nil, nil, false, 0
		if d.last != nil {
			last := *d.last
			last.detail = nil
			d.last = &last
		}
		if !d.State.Settled() {
			d.State, d.Reason, d.Code, d.due = hub.DeliveryClosed, "", "erased", 0
			d.UpdatedAt, d.SettledAt = e.parts.Payload, e.parts.Payload
			d.records++
		}
		if err := t.saveDelivery(d); err != nil {
			return err
		}
	}
	if _, err := t.unqueue(f); err != nil {
		return err
	}
	return t.stripAttempts(f)
}

// stripAttempts takes the details out of the attempts before the last one.
func (t *tx) stripAttempts(f *file) error {
	type row struct {
		key, n int64
		body   []byte
	}
	var rows []row
	err := t.query("SELECT key, n, body FROM attempt WHERE key > ? AND key <= ?", []any{f.key, f.key | ordinalMask}, func(r []driver.Value) error {
		u, _ := unseal(asBytes(r[2]), asInt(r[0]))
		a := unpackAttempt(u)
		if len(a.detail) == 0 && !u.bad {
			return nil
		}
		a.detail = nil
		p := packer{}
		a.pack(&p)
		rows = append(rows, row{asInt(r[0]), asInt(r[1]), p.seal(asInt(r[0]))})
		return nil
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		if err := t.exec("UPDATE attempt SET body = ? WHERE key = ? AND n = ?", r.body, r.key, r.n); err != nil {
			return err
		}
	}
	return nil
}

// trimContent leaves of the content what is still to be kept: the receipt for the
// idempotency key, the attachments' infos while there are attachments.
func (t *tx) trimContent(f *file, e *erasing) error {
	var h *head
	var meta, payload []byte
	err := t.query("SELECT head, meta, payload FROM content WHERE key = ?", []any{f.key}, func(row []driver.Value) error {
		h, _ = decodeHead(f.key, asBytes(row[0]))
		meta, payload = asBytes(row[1]), asBytes(row[2])
		return nil
	})
	if err != nil {
		return err
	}
	over := !e.parts.Metadata.IsZero()
	if h == nil || over && e.parts.Metadata.Sub(f.ReceivedAt) > receiptFor {
		return t.exec("DELETE FROM content WHERE key = ?", f.key)
	}
	if !e.parts.Payload.IsZero() {
		meta, payload = nil, nil
	}
	if !e.parts.Attachments.IsZero() {
		h.attachments = nil
	}
	if over {
		if err := t.exec("INSERT OR REPLACE INTO receipt_kept (key) VALUES (?)", f.key); err != nil {
			return err
		}
	}
	return t.exec("UPDATE content SET head = ?, meta = ?, payload = ? WHERE key = ?", h.encode(f.key), blob(meta), blob(payload), f.key)
}

// eraseMetadata leaves the bare row.
func (t *tx) eraseMetadata(f *file, e *erasing) error {
	for _, r := range e.search {
		if err := t.exec("DELETE FROM search WHERE run = ? AND hash = ? AND key = ?", r.run, r.hash, r.key); err != nil {
			return err
		}
	}
	if err := t.exec("DELETE FROM number WHERE key = ?", f.key); err != nil {
		return err
	}
	f.Version = f.version() // the deliveries' part of it goes with them
	for _, table := range []string{"delivery", "attempt"} {
		if err := t.exec("DELETE FROM "+table+" WHERE key > ? AND key <= ?", f.key, f.key|ordinalMask); err != nil {
			return err
		}
	}
	if err := t.exec("DELETE FROM event WHERE key = ?", f.key); err != nil {
		return err
	}
	f.deliveries = nil
	f.State, f.Code = hub.SubmissionErased, ""
	f.Consent, f.SHA256, f.Size, f.Trace, f.order = hub.Consent{}, [32]byte{}, 0, "", nil
	f.planned, f.plannedAt = 0, 0
	f.Erased.Metadata = e.parts.Metadata
	return nil
}

// ForgetReceipts implements store.Erasure.
func (s *Store) ForgetReceipts(ctx context.Context, before time.Time) (int, error) {
	const some = 256
	total := 0
	for {
		n := 0
		err := s.w.do(ctx, func(t *tx) (err error) {
			if err := t.secure(true); err != nil {
				return err
			}
			defer func() { err = errors.Join(err, t.secure(false)) }()
			if err := t.exec("DELETE FROM content WHERE key IN (SELECT key FROM receipt_kept WHERE key < ? ORDER BY key LIMIT ?)", keyAt(before), int64(some)); err != nil {
				return err
			}
			n, err = t.changed("DELETE FROM receipt_kept WHERE key IN (SELECT key FROM receipt_kept WHERE key < ? ORDER BY key LIMIT ?)", keyAt(before), int64(some))
			return err
		})
		if err != nil {
			return total, fmt.Errorf("forget receipts: %w", err)
		}
		if total += n; n < some {
			return total, nil
		}
	}
}
