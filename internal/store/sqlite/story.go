package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// Events implements store.Operate: the story is told from the rows; only what
// they cannot tell was written down for it.
func (s *Store) Events(ctx context.Context, id hub.ID) ([]hub.Event, error) {
	var story []hub.Event
	err := s.read(ctx, func(c *conn) error {
		f, err := readWhole(ctx, c, id)
		if err != nil {
			return err
		}
		story = append(story, hub.Event{At: f.ReceivedAt, Type: "accepted", Actor: "portal:" + f.Portal})
		if f.plannedAt != 0 {
			story = append(story, hub.Event{At: fromMicros(f.plannedAt), Type: "planned", Actor: "hub"})
		}
		for _, d := range f.deliveries {
			attempts, err := readAttempts(ctx, c, d)
			if err != nil {
				return err
			}
			for _, a := range attempts {
				story = append(story, a.events(d)...)
			}
		}
		told, err := readEvents(ctx, c, f)
		if err != nil {
			return err
		}
		story = append(story, told...)
		if f.State == hub.SubmissionSettled {
			story = append(story, hub.Event{At: f.SettledAt, Type: "settled", Actor: "hub"})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the story of %s: %w", id, err)
	}
	slices.SortStableFunc(story, func(a, b hub.Event) int { return a.At.Compare(b.At) })
	return story, nil
}

// events of one attempt: the try, and what the delivery became by it. The moment is the
// one that the delivery has, and the submission that it settled: a nanosecond behind it
// "delivered" would stand after "settled".
func (a *attempt) events(d *delivery) []hub.Event {
	e := hub.Event{At: a.At, Type: "attempt", Delivery: d.ID, Role: d.Role, System: d.System, Actor: "hub", Code: a.Code, Text: a.Outcome}
	led := e
	led.At, led.Type, led.Text = stored(a.At.Add(a.Took)), string(a.led), string(a.reason)
	var all []hub.Event
	if a.Kind != "map" {
		all = append(all, e)
	}
	if a.led == hub.DeliveryDelivered || a.led == hub.DeliveryParked {
		all = append(all, led)
	}
	return all
}

func readEvents(ctx context.Context, c *conn, f *file) ([]hub.Event, error) {
	var all []hub.Event
	err := c.query(ctx, "SELECT body FROM event WHERE key = ? ORDER BY n", []any{f.key}, func(row []driver.Value) error {
		u, ok := unseal(asBytes(row[0]), f.key)
		if !ok {
			return nil // a line of the story is lost, the rest is not
		}
		e := hub.Event{At: u.time(), Type: u.str()}
		if n := int(u.int()); n != 0 {
			e.Delivery = f.ID.Delivery(n)
		}
		e.Role, e.System, e.Actor, e.Code, e.Text = u.str(), u.str(), u.str(), u.str(), u.str()
		all = append(all, e)
		return nil
	})
	return all, err
}

// readAttempts gives a delivery's attempts, oldest first.
func readAttempts(ctx context.Context, c *conn, d *delivery) ([]*attempt, error) {
	var all []*attempt
	err := c.query(ctx, "SELECT body FROM attempt WHERE key = ? ORDER BY n", []any{d.key}, func(row []driver.Value) error {
		u, ok := unseal(asBytes(row[0]), d.key)
		a := unpackAttempt(u)
		if ok && !u.bad {
			a.Delivery = d.ID
			all = append(all, a)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if d.last != nil {
		all = append(all, d.last)
	}
	slices.SortStableFunc(all, func(a, b *attempt) int { return a.At.Compare(b.At) })
	return all, nil
}

// Attempts implements store.Operate.
func (s *Store) Attempts(ctx context.Context, id hub.ID) ([]store.SealedAttempt, error) {
	var list []store.SealedAttempt
	err := s.withDelivery(ctx, id, func(c *conn, _ *file, d *delivery) error {
		all, err := readAttempts(ctx, c, d)
		for _, a := range all {
			list = append(list, store.SealedAttempt{Attempt: a.Attempt, Detail: a.detail})
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the attempts of %s: %w", id, err)
	}
	return list, nil
}

// Document implements store.Operate.
func (s *Store) Document(ctx context.Context, id hub.ID) (*store.Rendered, error) {
	var doc *store.Rendered
	err := s.withDelivery(ctx, id, func(c *conn, f *file, d *delivery) error {
		if !f.Erased.Payload.IsZero() {
			return store.ErrErased
		}
		if !d.rendered {
			return fmt.Errorf("it was not rendered yet: %w", store.ErrNotFound)
		}
		err := readDocument(ctx, c, d, func(head, body []byte) error {
			doc = &store.Rendered{Delivery: id, Head: head, Body: body, SHA256: d.SHA256, Revision: d.revision}
			return nil
		})
		if err == nil && doc == nil {
			err = fmt.Errorf("it is gone: %w", store.ErrDamaged)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the document of %s: %w", id, err)
	}
	return doc, nil
}

func (s *Store) withDelivery(ctx context.Context, id hub.ID, fn func(*conn, *file, *delivery) error) error {
	return s.read(ctx, func(c *conn) error {
		f, err := readWhole(ctx, c, id)
		if err != nil && (!errors.Is(err, store.ErrDamaged) || f == nil || f.submission == nil) {
			return err
		}
		d := f.delivery(keyOf(id))
		if d == nil && f.State == hub.SubmissionErased {
			return store.ErrErased
		}
		if d == nil {
			return store.ErrNotFound
		}
		return fn(c, f, d)
	})
}
