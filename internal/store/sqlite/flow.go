package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Due implements store.Flow.
func (s *Store) Due(ctx context.Context, before time.Time, limit int) ([]hub.ID, error) {
	var ids []hub.ID
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT id FROM submission WHERE flow_due <= ? ORDER BY flow_due, key LIMIT ?", []any{due(before), int64(limit)}, func(row []driver.Value) error {
			var id hub.ID
			copy(id[:], asBytes(row[0]))
			ids = append(ids, id)
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("list what is due: %w", err)
	}
	return ids, nil
}

// Submission implements store.Intake.
func (s *Store) Submission(ctx context.Context, id hub.ID) (*store.Status, error) {
	var f *file
	err := s.read(ctx, func(c *conn) (err error) {
		f, err = readWhole(ctx, c, id)
		return err
	})
	if err != nil {
		return nil, err
	}
	status := f.status()
	return &status, nil
}

// readWhole reads a submission and its deliveries as of one moment. A submission
// that is damaged already is given as far as it can be read.
func readWhole(ctx context.Context, c *conn, id hub.ID) (*file, error) {
	id = id.Submission()
	if err := c.exec("BEGIN"); err != nil {
		return nil, err
	}
	f, err := readFile(ctx, c, keyOf(id), true)
	if e := c.exec("COMMIT"); err == nil {
		err = e
	}
	if errors.Is(err, store.ErrNotFound) || f != nil && f.submission != nil && f.ID != id {
		return nil, notFound(id)
	}
	if errors.Is(err, store.ErrDamaged) && f != nil && f.submission != nil && f.was == hub.SubmissionDamaged {
		return f, nil
	}
	return f, err
}

// Case implements store.Flow.
func (s *Store) Case(ctx context.Context, id hub.ID) (*store.Case, error) {
	if c := s.fresh.newCase(keyOf(id.Submission())); c != nil && c.Submission.ID == id.Submission() {
		return c, nil
	}
	var result *store.Case
	err := s.read(ctx, func(c *conn) error {
		f, err := readWhole(ctx, c, id)
		if err != nil {
			return err
		}
		if !f.Erased.Payload.IsZero() {
			return store.ErrErased
		}
		result = &store.Case{Status: f.status()}
		for _, d := range f.deliveries {
			if d.State == hub.DeliveryParked && d.last != nil {
				if result.Parked == nil {
					result.Parked = make(map[hub.ID][]byte)
				}
				result.Parked[d.ID] = d.last.detail
			}
		}
		return readContent(ctx, c, f.key, result)
	})
	if err != nil {
		return nil, fmt.Errorf("read the case of %s: %w", id, err)
	}
	return result, nil
}

func readContent(ctx context.Context, c *conn, key int64, into *store.Case) error {
	var found bool
	err := c.query(ctx, "SELECT head, meta, payload FROM content WHERE key = ?", []any{key}, func(row []driver.Value) error {
		h, err := decodeHead(key, asBytes(row[0]))
		if err != nil {
			return err
		}
		found = true
		into.Attachments, into.Meta, into.Payload = h.attachments, asBytes(row[1]), asBytes(row[2])
		return nil
	})
	if err == nil && !found {
		err = fmt.Errorf("the content is gone: %w", store.ErrDamaged)
	}
	return err
}

// Advance implements store.Flow.
func (s *Store) Advance(ctx context.Context, id hub.ID, version int64, a *store.Advance) error {
	own := *a
	own.At = stored(a.At)
	a = &own
	plan, err := planned(id, a)
	if err != nil {
		return fmt.Errorf("advance %s: %w", id, err)
	}
	err = s.w.do(ctx, func(t *tx) error { return t.advance(id, version, a, plan) })
	if err != nil {
		return fmt.Errorf("advance %s: %w", id, err)
	}
	return nil
}

// plan is what can be made of an Advance before the writer has it.
type plan struct {
	deliveries []delivery
	rows       []any // of the deliveries
	documents  []any // of the deliveries, and of those that were waiting
	arrivals   []arrival
}

const documentColumns = 3

func planned(id hub.ID, a *store.Advance) (*plan, error) {
	switch a.State {
	case hub.SubmissionRunning, hub.SubmissionParked, hub.SubmissionSettled:
	default:
		return nil, fmt.Errorf("%w: the flow cannot make a submission %q", store.ErrState, a.State)
	}
	p := &plan{deliveries: make([]delivery, len(a.Deliveries))}
	for i := range a.Deliveries {
		n := &a.Deliveries[i]
		d := &p.deliveries[i]
		*d = delivery{Delivery: n.Delivery, key: keyOf(n.ID), order: n.OrderKey}
		if n.ID.Submission() != id || n.ID.Ordinal() == 0 {
			return nil, fmt.Errorf("delivery %s does not belong to it", n.ID)
		}
		d.UpdatedAt, d.NotBefore = a.At, stored(d.NotBefore)
		switch {
		case n.State == hub.DeliveryPending && n.Document != nil:
			d.render(n.Document)
			p.document(d.key, n.Document)
		case n.State == hub.DeliveryWaiting && n.Document == nil:
		case n.State == hub.DeliveryParked:
			d.last = unmapped(d.Delivery, a.At, n.Detail)
		default:
			return nil, fmt.Errorf("%w: delivery %s cannot begin as %q", store.ErrState, n.ID, n.State)
		}
		p.rows = append(p.rows, d.key, d.System, deliveryNumber(d.State), null(d.due), d.encode())
	}
	for i := range a.Rendered {
		p.document(keyOf(a.Rendered[i].Delivery), &a.Rendered[i])
	}
	return p, nil
}

func (p *plan) document(key int64, r *store.Rendered) {
	p.documents = append(p.documents, key, blob(r.Head), blob(r.Body))
	p.arrivals = append(p.arrivals, arrival{key, r, len(r.Head) + len(r.Body) + 128})
}

// render makes a delivery due with a document.
func (d *delivery) render(r *store.Rendered) {
	d.State, d.Reason, d.rendered = hub.DeliveryPending, "", true
	d.SHA256, d.revision = r.SHA256, r.Revision
	d.due = due(d.NotBefore)
}

// unmapped is the attempt that stands for a mapping that needs a decision.
func unmapped(d hub.Delivery, at time.Time, detail []byte) *attempt {
	return &attempt{
		Attempt: hub.Attempt{Delivery: d.ID, At: at, Kind: "map", Outcome: "refused", Code: d.Code},
		detail:  detail, led: hub.DeliveryParked, reason: d.Reason,
	}
}

func (t *tx) advance(id hub.ID, version int64, a *store.Advance, p *plan) error {
	f, err := t.load(id)
	if err != nil {
		return err
	}
	if err := f.mayAdvance(version, a); err != nil {
		return err
	}
	for _, d := range p.deliveries {
		f.deliveries = append(f.deliveries, &d)
		t.tally.delivery(&d)
		if err := t.queue(f, d.order); err != nil {
			return err
		}
	}
	slices.SortFunc(f.deliveries, func(a, b *delivery) int { return int(a.key - b.key) })
	if err := t.insertRows("INSERT INTO delivery (key, system, state, due, body)", 5, p.rows); err != nil {
		return err
	}
	if err := t.insertRows("INSERT OR REPLACE INTO document (key, head, body)", documentColumns, p.documents); err != nil {
		return err
	}
	for i := range a.Rendered {
		d := f.delivery(keyOf(a.Rendered[i].Delivery))
		d.render(&a.Rendered[i])
		d.UpdatedAt = a.At
		if err := t.saveDelivery(d); err != nil {
			return err
		}
	}
	for _, u := range a.Unmapped {
		if err := t.unmap(f.delivery(keyOf(u.Delivery)), u, a.At); err != nil {
			return err
		}
	}
	for _, r := range p.arrivals {
		if r.size > freshBytes/64 {
			t.fresh.drop(r.key) // an older one may be there
			continue
		}
		t.arrived = append(t.arrived, r)
	}
	if err := t.index(a.Search, f.key); err != nil {
		return err
	}
	for _, e := range a.Audit {
		t.audit(e)
	}
	return t.decide(f, a)
}

// mayAdvance refuses what does not fit, before anything is written.
func (f *file) mayAdvance(version int64, a *store.Advance) error {
	if f.State == hub.SubmissionDamaged {
		return store.ErrDamaged
	}
	if !f.WithdrawnAt.IsZero() {
		return store.ErrWithdrawn
	}
	if !f.Erased.Payload.IsZero() {
		return store.ErrErased
	}
	if v := f.version(); v != version {
		return fmt.Errorf("%w: version is %d and not %d", store.ErrStale, v, version)
	}
	for i := range a.Deliveries {
		if f.delivery(keyOf(a.Deliveries[i].ID)) != nil {
			return fmt.Errorf("%w: delivery %s is there already", store.ErrState, a.Deliveries[i].ID)
		}
	}
	for i := range a.Rendered {
		if err := f.mustWait(a.Rendered[i].Delivery); err != nil {
			return err
		}
	}
	for i := range a.Unmapped {
		if err := f.mustWait(a.Unmapped[i].Delivery); err != nil {
			return err
		}
	}
	return nil
}

func (f *file) mustWait(id hub.ID) error {
	if d := f.delivery(keyOf(id)); d == nil || d.ID != id || d.State != hub.DeliveryWaiting {
		return fmt.Errorf("%w: delivery %s is not waiting", store.ErrState, id)
	}
	return nil
}

func (t *tx) unmap(d *delivery, u store.Unmapped, at time.Time) error {
	if d.last != nil {
		if err := t.keep(d.key, d.last); err != nil {
			return err
		}
	}
	d.State, d.Reason, d.Code, d.due = hub.DeliveryParked, hub.ParkUnmapped, u.Code, 0
	d.UpdatedAt = at
	d.last = unmapped(d.Delivery, at, u.Detail)
	return t.saveDelivery(d)
}

// index writes search hashes.
func (t *tx) index(hashes [][]byte, key int64) error {
	args := make([]any, 0, 3*len(hashes))
	for _, h := range hashes {
		args = append(args, t.search.next(), h, key)
	}
	return t.insertRows("INSERT OR IGNORE INTO search (run, hash, key)", 3, args)
}

// decide writes the submission's own part of an Advance.
func (t *tx) decide(f *file, a *store.Advance) error {
	first := f.plannedAt == 0
	f.State, f.Reason, f.Code = a.State, "", ""
	if a.State == hub.SubmissionParked {
		f.Reason, f.Code = a.Reason, a.Code
	}
	f.flowDue = 0
	f.Version++
	f.planned += int64(len(a.Deliveries))
	if first && (len(a.Deliveries) > 0 || a.State == hub.SubmissionSettled) {
		f.plannedAt = micros(a.At)
	}
	if a.State == hub.SubmissionSettled {
		f.SettledAt = a.At
	}
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	if f.Reason != "" {
		if err := t.event(f.key, hub.Event{At: a.At, Type: "parked", Actor: "hub", Code: a.Code, Text: string(a.Reason)}); err != nil {
			return err
		}
	}
	return t.unqueue(f)
}
