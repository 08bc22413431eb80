package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

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
func readWhole(ctx context.Context, c *conn, id hub.ID) (f *file, err error) {
	err = c.atOnce(func() error {
		f, err = readThis(ctx, c, id)
		return err
	})
	return f, err
}

// atOnce reads as of one moment.
func (c *conn) atOnce(read func() error) error {
	if err := c.exec("BEGIN"); err != nil {
		return err
	}
	err := read()
	if e := c.exec("COMMIT"); err == nil {
		err = e
	}
	return err
}

func readThis(ctx context.Context, c *conn, id hub.ID) (*file, error) {
	id = id.Submission()
	f, err := readFile(ctx, c, keyOf(id), true)
	if errors.Is(err, store.ErrNotFound) || f != nil && f.submission != nil && f.ID != id {
		return nil, notFound(id)
	}
	if errors.Is(err, store.ErrDamaged) && f != nil && f.submission != nil && f.was == hub.SubmissionDamaged {
		return f, nil
	}
	return f, err
}

// lookUp is for reads by key: they are over before anybody could cancel them, and a
// context that can end costs each a goroutine that watches it.
var lookUp = context.Background()

// Case implements store.Flow.
func (s *Store) Case(ctx context.Context, id hub.ID) (*store.Case, error) {
	if c := s.fresh.newCase(keyOf(id.Submission())); c != nil && c.Submission.ID == id.Submission() {
		return c, nil
	}
	var result *store.Case
	err := s.read(ctx, func(c *conn) error {
		f, err := readWhole(lookUp, c, id)
		if err != nil {
			return err
		}
		if !f.Erased.Payload.IsZero() {
			return store.ErrErased
		}
		result = f.progress()
		return readContent(lookUp, c, f.key, math.MaxInt64, result)
	})
	if err != nil {
		return nil, fmt.Errorf("read the case of %s: %w", id, err)
	}
	return result, nil
}

// Cases implements store.Flow. After every commit of the writer a reader begins with
// nothing in memory, so cases that lie side by side cost less together.
func (s *Store) Cases(ctx context.Context, ids []hub.ID) ([]*store.Case, error) {
	var all []*store.Case
	err := s.read(ctx, func(c *conn) error {
		return c.atOnce(func() error {
			size := 0
			for _, id := range ids {
				if s.fresh.newCase(keyOf(id)) != nil {
					continue
				}
				one := readSmall(c, id)
				if ctx.Err() != nil {
					return ctx.Err()
				}
				if one == nil {
					continue
				}
				all = append(all, one)
				if size += len(one.Payload) + len(one.Meta); size > freshBytes {
					return nil
				}
			}
			return nil
		})
	})
	if err != nil {
		return nil, fmt.Errorf("read %d cases: %w", len(ids), err)
	}
	return all, nil
}

// readSmall is nil where a case is large, or anything is wrong with it.
func readSmall(c *conn, id hub.ID) *store.Case {
	f, err := readThis(lookUp, c, id)
	if err != nil || f.State == hub.SubmissionDamaged || !f.Erased.Payload.IsZero() {
		return nil
	}
	one := f.progress()
	if err := readContent(lookUp, c, f.key, freshBytes/64, one); err != nil {
		return nil
	}
	return one
}

// Progress implements store.Flow.
func (s *Store) Progress(ctx context.Context, id hub.ID) (*store.Case, error) {
	if c := s.fresh.progress(keyOf(id.Submission())); c != nil && c.Submission.ID == id.Submission() {
		return c, nil
	}
	var f *file
	err := s.read(ctx, func(c *conn) (err error) {
		f, err = readWhole(lookUp, c, id)
		return err
	})
	if err == nil && !f.Erased.Payload.IsZero() {
		err = store.ErrErased
	}
	if err != nil {
		return nil, fmt.Errorf("read the progress of %s: %w", id, err)
	}
	return f.progress(), nil
}

// progress is the file as the flow works on it, without its content.
func (f *file) progress() *store.Case {
	c := &store.Case{Status: f.status()}
	for _, d := range f.deliveries {
		if d.State == hub.DeliveryParked && d.last != nil {
			if c.Parked == nil {
				c.Parked = make(map[hub.ID][]byte)
			}
			c.Parked[d.ID] = d.last.detail
		}
	}
	return c
}

// readContent reads the content of a submission. Where its payload has more bytes than
// most, it is as good as gone.
func readContent(ctx context.Context, c *conn, key, most int64, into *store.Case) error {
	var found bool
	err := c.query(ctx, "SELECT head, meta, payload FROM content WHERE key = ? AND length(payload) <= ?", []any{key, most}, func(row []driver.Value) error {
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
	plan, err := s.planned(id, &own)
	if err != nil {
		return fmt.Errorf("advance %s: %w", id, err)
	}
	err = s.w.do(ctx, func(t *tx) (err error) {
		own.Claimed, err = t.advance(id, version, &own, plan)
		return err
	})
	if err != nil {
		return fmt.Errorf("advance %s: %w", id, err)
	}
	a.Claimed = own.Claimed
	return nil
}

// plan is what can be made of an Advance before the writer has it.
type plan struct {
	deliveries []delivery
	rows       []any   // of the deliveries; the writer fills in what a claim changes
	documents  []any   // of the deliveries, and of those that were waiting
	rendered   []int64 // the numbers of the latter
}

// How many columns a delivery's row has.
const deliveryInsert = 5

func (s *Store) planned(id hub.ID, a *store.Advance) (*plan, error) {
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
			d.render(n.Document, s.document(p, n.Document))
		case n.State == hub.DeliveryWaiting && n.Document == nil:
		case n.State == hub.DeliveryParked:
			d.last = unmapped(d.Delivery, a.At, n.Detail)
		default:
			return nil, fmt.Errorf("%w: delivery %s cannot begin as %q", store.ErrState, n.ID, n.State)
		}
		var body []byte
		if n.Document == nil || n.Document.Lease == nil {
			body = d.encode()
		}
		p.rows = append(p.rows, d.key, d.System, deliveryNumber(d.State), null(d.due), body)
	}
	for i := range a.Rendered {
		p.rendered = append(p.rendered, s.document(p, &a.Rendered[i]))
	}
	return p, nil
}

// document adds a document to a plan and gives its number.
func (s *Store) document(p *plan, r *store.Rendered) int64 {
	n := s.last.Add(1)
	p.documents = append(p.documents, n, keyOf(r.Delivery), blob(r.Head), blob(r.Body))
	return n
}

// render makes a delivery due with a document.
func (d *delivery) render(r *store.Rendered, document int64) {
	d.State, d.Reason, d.rendered, d.document = hub.DeliveryPending, "", true, document
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

func (t *tx) advance(id hub.ID, version int64, a *store.Advance, p *plan) ([]store.Task, error) {
	f, err := t.load(id)
	if err != nil {
		return nil, err
	}
	if err := f.mayAdvance(version, a); err != nil {
		return nil, err
	}
	var claimed []store.Task
	for i, d := range p.deliveries {
		f.deliveries = append(f.deliveries, &d)
		if err := t.queue(f, d.order); err != nil {
			return nil, err
		}
		if r := a.Deliveries[i].Document; r != nil {
			if claimed, err = t.atOnce(claimed, f, &d, r, a.At); err != nil {
				return nil, err
			}
			if r.Lease != nil {
				copy(p.rows[i*deliveryInsert+2:], []any{deliveryNumber(d.State), null(d.due), d.encode()})
			}
		}
		t.tally.delivery(&d)
	}
	slices.SortFunc(f.deliveries, func(a, b *delivery) int { return int(a.key - b.key) })
	if err := t.insertRows("INSERT INTO delivery (key, system, state, due, body)", deliveryInsert, p.rows); err != nil {
		return nil, err
	}
	if err := t.insertRows(intoRendered, documentColumns, p.documents); err != nil {
		return nil, err
	}
	for i := range a.Rendered {
		r := &a.Rendered[i]
		d := f.delivery(keyOf(r.Delivery))
		if err := t.dropDocument(d); err != nil { // of an earlier mapping
			return nil, err
		}
		if r.System != "" && r.System != d.System {
			// What waits is in no figure of a system, so none has to follow.
			d.System, d.Document, d.token = r.System, r.Mapping, nil
			if err := t.exec("UPDATE delivery SET system = ? WHERE key = ?", d.System, d.key); err != nil {
				return nil, err
			}
		}
		d.render(r, p.rendered[i])
		d.UpdatedAt = a.At
		if claimed, err = t.atOnce(claimed, f, d, r, a.At); err != nil {
			return nil, err
		}
		if err := t.saveDelivery(d); err != nil {
			return nil, err
		}
	}
	for _, u := range a.Unmapped {
		if err := t.unmap(f.delivery(keyOf(u.Delivery)), u, a.At); err != nil {
			return nil, err
		}
	}
	if err := t.index(a.Search, f.key); err != nil {
		return nil, err
	}
	for _, e := range a.Audit {
		t.audit(e)
	}
	if err := t.decide(f, a); err != nil {
		return nil, err
	}
	for i := range claimed { // as they stand after this step
		claimed[i].Submission = f.Submission
		claimed[i].Submission.Version = f.version()
	}
	return claimed, nil
}

// atOnce claims a delivery that was rendered with a lease, if it may be sent now.
// Any other document is kept for whoever claims it soon.
func (t *tx) atOnce(claimed []store.Task, f *file, d *delivery, r *store.Rendered, at time.Time) ([]store.Task, error) {
	free, err := t.mayClaim(f, d, r.Lease)
	if err != nil {
		return nil, err
	}
	if !free {
		if size := len(r.Head) + len(r.Body) + 128; size > freshBytes/64 {
			t.fresh.drop(d.key) // an older one may be there
		} else {
			t.arrived = append(t.arrived, arrival{d.key, r, size})
		}
		return claimed, nil
	}
	t.fresh.drop(d.key) // an older one that was never claimed
	before := d.claim(r.Lease.Owner, r.Lease.Until, at)
	t.claimed[d.key] = true
	return append(claimed, store.Task{Delivery: before, DataKey: f.dataKey, Head: r.Head, Body: r.Body, Fence: d.fence}), nil
}

func (t *tx) mayClaim(f *file, d *delivery, lease *store.Lease) (bool, error) {
	if lease == nil {
		return false, nil
	}
	paused, err := t.pauses()
	if err != nil {
		return false, err
	}
	if _, is := paused[d.System]; is {
		return false, nil
	}
	held, err := t.isHeld(f, d)
	return !held, err
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

// index writes search hashes. What was indexed before is so again, in a run of its own:
// to look it up in all runs would hold the writer for long.
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
	if a.Told != "" {
		f.Told = a.Told
	}
	f.news(a.At)
	if err := t.saveSubmission(f.submission); err != nil {
		return err
	}
	if f.Reason != "" {
		if err := t.event(f.key, hub.Event{At: a.At, Type: "parked", Actor: "hub", Code: a.Code, Text: string(a.Reason)}); err != nil {
			return err
		}
	}
	_, err := t.unqueue(f)
	return err
}
