package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Accept implements store.Intake. Everything that can be made outside the writer
// is made here, on the caller's processor.
func (s *Store) Accept(ctx context.Context, a *store.Acceptance) (store.Accepted, error) {
	sub := submission{Submission: a.Submission, key: keyOf(a.Submission.ID), order: a.OrderKey, dataKey: a.DataKey}
	sub.ReceivedAt, sub.Consent.At = stored(sub.ReceivedAt), stored(sub.Consent.At)
	switch {
	case a.Submission.ID.Zero() || a.Submission.ID.Ordinal() != 0:
		return store.Accepted{}, errors.New("accept: not the id of a submission")
	case a.Submission.State != hub.SubmissionAccepted || a.Submission.Version != 1:
		return store.Accepted{}, errors.New("accept: a new submission is accepted, its version 1")
	case len(a.Attachments) != a.Submission.Attachments:
		return store.Accepted{}, errors.New("accept: the submission counts other attachments than are given")
	}
	for _, f := range a.Attachments {
		if !filepath.IsLocal(f.File) {
			return store.Accepted{}, fmt.Errorf("accept: attachment %d lies outside the attachment folder", f.N)
		}
	}
	if s.space.full() {
		return store.Accepted{}, fmt.Errorf("accept %s: %w", sub.ID, store.ErrFull)
	}
	sub.flowDue = due(sub.ReceivedAt)
	hash := keyHash(sub.Portal, a.Key)
	body := sub.encode()
	top := (&head{a.Fingerprint, a.Answer, a.Attachments}).encode(sub.key)
	var replayed *store.Accepted
	err := s.durably(ctx, func(t *tx) error {
		if replayed != nil {
			replayed = nil // from a transaction that was rolled back
		}
		earlier, err := t.keys.find(t.c, hash)
		if err != nil {
			return err
		}
		if earlier != 0 {
			before, err := readEarlier(t.c, earlier, a.Fingerprint)
			replayed = &before
			return err
		}
		if !sub.Bundle.Zero() {
			if err := t.join(&sub); err != nil {
				return err
			}
		}
		fresh := sub
		if err := t.insert(&fresh, body, top, a); err != nil {
			return err
		}
		if err := t.keys.add(t, hash, sub.key, micros(sub.ReceivedAt)); err != nil {
			return err
		}
		t.audit(hub.AuditEntry{At: sub.ReceivedAt, Actor: a.Actor, Action: "accepted", Object: sub.ID.String()})
		t.cases.put(sub.key, &file{submission: &fresh})
		t.arrive(&sub, a)
		return nil
	})
	if err != nil {
		return store.Accepted{}, fmt.Errorf("accept %s: %w", sub.ID, err)
	}
	if replayed != nil {
		return *replayed, nil
	}
	return store.Accepted{ID: sub.ID, Answer: a.Answer}, nil
}

// arrive keeps the new case for the flow, unless it is large.
func (t *tx) arrive(s *submission, a *store.Acceptance) {
	if len(a.Payload) > freshBytes/64 {
		return
	}
	c := &store.Case{
		Status: store.Status{Submission: s.Submission, DataKey: a.DataKey},
		Meta:   a.Meta, Payload: a.Payload, Attachments: a.Attachments,
	}
	t.arrived = append(t.arrived, arrival{s.key, c, len(a.Payload) + len(a.Meta) + 1024})
}

func (t *tx) insert(s *submission, body, top []byte, a *store.Acceptance) error {
	err := t.exec("INSERT INTO submission (key, id, municipality, service, portal, state, flow_due, body) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
		s.key, s.ID[:], s.Municipality, s.Service, s.Portal, submissionNumber(s.State), s.flowDue, body)
	if err != nil {
		return err
	}
	t.tally.submission(s)
	err = t.exec("INSERT INTO content (key, head, meta, payload) VALUES (?, ?, ?, ?)", s.key, top, blob(a.Meta), blob(a.Payload))
	if err != nil {
		return err
	}
	if err := t.enqueue(s.order, s.key); err != nil {
		return err
	}
	for _, f := range a.Attachments {
		if err := t.exec("INSERT INTO attachment (file, key) VALUES (?, ?)", f.File, s.key); err != nil {
			return err
		}
	}
	return nil
}

// Earlier implements store.Intake.
func (s *Store) Earlier(_ context.Context, portal, key string, fingerprint [32]byte) (store.Accepted, error) {
	hash := keyHash(portal, key)
	if len(s.keys.chapters(hash)) == 0 {
		return store.Accepted{}, fmt.Errorf("idempotency key: %w", store.ErrNotFound)
	}
	var accepted store.Accepted
	err := s.read(context.Background(), func(c *conn) error {
		earlier, err := s.keys.find(c, hash)
		if err != nil {
			return err
		}
		if earlier == 0 {
			return fmt.Errorf("idempotency key: %w", store.ErrNotFound)
		}
		accepted, err = readEarlier(c, earlier, fingerprint)
		return err
	})
	return accepted, err
}

// readEarlier is the answer that was given to the submission of that key.
func readEarlier(c *conn, key int64, fingerprint [32]byte) (store.Accepted, error) {
	var accepted store.Accepted
	var found bool
	err := c.query(context.Background(), "SELECT s.id, c.head FROM submission s JOIN content c ON c.key = s.key WHERE s.key = ?", []any{key}, func(row []driver.Value) error {
		h, err := decodeHead(key, asBytes(row[1]))
		if err != nil {
			return err
		}
		found = true
		if h.fingerprint != fingerprint {
			return store.ErrKeyReused
		}
		copy(accepted.ID[:], asBytes(row[0]))
		accepted.Answer, accepted.Replayed = h.answer, true
		return nil
	})
	if err != nil {
		return store.Accepted{}, fmt.Errorf("earlier use of an idempotency key: %w", named(err))
	}
	if !found {
		return store.Accepted{}, fmt.Errorf("earlier use of an idempotency key: %w", store.ErrDamaged)
	}
	return accepted, nil
}

// ForgetKeys implements store.Intake. Runs are filled one after the other, so it
// ends where several in a row have nothing that old.
func (s *Store) ForgetKeys(ctx context.Context, before time.Time) (int, error) {
	const chunk, patience = 1000, 4
	total, spared := 0, 0
	for run := int64(0); spared < patience; run++ {
		var n int
		var over bool
		err := s.w.do(ctx, func(t *tx) error {
			run = max(run, t.keys.runs.first)
			over = run > t.keys.runs.last
			if over {
				return nil
			}
			var err error
			n, err = t.changed("DELETE FROM idempotency WHERE run = ?1 AND hash IN (SELECT hash FROM idempotency WHERE run = ?1 AND at < ?2 LIMIT ?3)", run, micros(before), int64(chunk))
			return err
		})
		if err != nil {
			return total, fmt.Errorf("forget idempotency keys: %w", err)
		}
		total += n
		switch {
		case over:
			return total, s.dropFilters(ctx)
		case n == chunk:
			run-- // there is more
		case n == 0:
			spared++
		default:
			spared = 0
		}
	}
	return total, s.dropFilters(ctx)
}

// dropFilters lets go of the filters of chapters without keys.
func (s *Store) dropFilters(ctx context.Context) error {
	return s.w.do(ctx, func(t *tx) error {
		first := t.keys.runs.last
		err := t.query("SELECT run FROM idempotency ORDER BY run LIMIT 1", nil, func(row []driver.Value) error {
			first = asInt(row[0])
			return nil
		})
		if err != nil {
			return err
		}
		if err := t.exec("DELETE FROM bloom WHERE chapter < ?", first/chapterRuns); err != nil {
			return err
		}
		t.keys.forget(first)
		return nil
	})
}
