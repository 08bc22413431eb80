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

// bundle is a row of that table.
type bundle struct {
	hub.Bundle
	key         int64
	fingerprint [32]byte
	dataKey     []byte
	answers     []byte
}

func (b *bundle) encode() []byte {
	p := packer{make([]byte, 0, 512)}
	p.str(b.Name)
	p.time(b.OpenedAt)
	p.time(b.ClosedAt)
	p.str(b.Revision)
	p.int(b.Version)
	p.bytes(b.fingerprint[:])
	p.bytes(b.dataKey)
	p.bytes(b.answers)
	p.str(string(b.Told))
	p.time(b.ChangedAt)
	return p.seal(b.key, string(b.ID[:]), b.Portal)
}

// bundleColumns is what decodeBundle takes, in this order.
const bundleColumns = "key, id, portal, body"

func decodeBundle(row []driver.Value) (*bundle, error) {
	b := &bundle{key: asInt(row[0])}
	copy(b.ID[:], asBytes(row[1]))
	b.Portal = asString(row[2])
	u, ok := unseal(asBytes(row[3]), b.key, string(b.ID[:]), b.Portal)
	b.Name = u.str()
	b.OpenedAt = u.time()
	b.ClosedAt = u.time()
	b.Revision = u.str()
	b.Version = u.int()
	copy(b.fingerprint[:], u.bytes())
	b.dataKey = u.bytes()
	b.answers = u.bytes()
	b.Told = hub.CaseStatus(u.str())
	b.ChangedAt = u.time()
	if !ok || u.bad {
		return nil, fmt.Errorf("bundle %s: %w", b.ID, store.ErrDamaged)
	}
	return b, nil
}

// readBundle reads one row by its key. ErrNotFound where there is none.
func readBundle(ctx context.Context, c *conn, key int64) (*bundle, error) {
	var b *bundle
	err := c.query(ctx, "SELECT "+bundleColumns+" FROM bundle WHERE key = ?", []any{key}, func(row []driver.Value) (err error) {
		b, err = decodeBundle(row)
		return err
	})
	if err != nil {
		return nil, err
	}
	if b == nil {
		return nil, fmt.Errorf("bundle: %w", store.ErrNotFound)
	}
	return b, nil
}

// bundle is readBundle within a step.
func (t *tx) bundle(id hub.ID) (*bundle, error) {
	b, err := readBundle(context.Background(), t.c, keyOf(id))
	if code(err) != 0 {
		t.broken = err
		return nil, named(err)
	}
	if err == nil && b.ID != id {
		return nil, fmt.Errorf("bundle %s: %w", id, store.ErrNotFound)
	}
	return b, err
}

// saveBundle writes a bundle that has changed.
func (t *tx) saveBundle(b *bundle) error {
	b.Version++
	return t.exec("UPDATE bundle SET body = ? WHERE key = ?", b.encode(), b.key)
}

// bundleKeyHash keeps the keys of bundles apart from those of submissions: a
// portal's key has no blank.
func bundleKeyHash(portal, key string) []byte { return keyHash(portal, "bundle "+key) }

// OpenBundle implements store.Bundles.
func (s *Store) OpenBundle(ctx context.Context, o *store.BundleOpening) (store.OpenedBundle, error) {
	b := bundle{Bundle: o.Bundle, key: keyOf(o.Bundle.ID), fingerprint: o.Fingerprint, dataKey: o.DataKey, answers: o.Answers}
	b.OpenedAt = stored(b.OpenedAt)
	b.ChangedAt = b.OpenedAt
	if b.ID.Zero() || b.ID.Ordinal() != 0 || b.Closed() || b.Version != 1 {
		return store.OpenedBundle{}, errors.New("open a bundle: a new one has an id, is open, its version 1")
	}
	if s.space.full() {
		return store.OpenedBundle{}, fmt.Errorf("open bundle %s: %w", b.ID, store.ErrFull)
	}
	hash := bundleKeyHash(b.Portal, o.Key)
	var opened store.OpenedBundle
	err := s.w.do(ctx, func(t *tx) error {
		opened = store.OpenedBundle{Bundle: b.Bundle}
		earlier, err := t.keys.find(t.c, hash)
		if err != nil {
			return err
		}
		if earlier != 0 {
			before, err := readBundle(context.Background(), t.c, earlier)
			if err != nil {
				return fmt.Errorf("earlier use of an idempotency key: %w", named(err))
			}
			if before.fingerprint != b.fingerprint {
				return store.ErrKeyReused
			}
			opened = store.OpenedBundle{Bundle: before.Bundle, Replayed: true}
			return nil
		}
		if err := t.exec("INSERT INTO bundle (key, id, portal, body) VALUES (?, ?, ?, ?)", b.key, b.ID[:], b.Portal, b.encode()); err != nil {
			return err
		}
		if err := t.keys.add(t, hash, b.key, micros(b.OpenedAt)); err != nil {
			return err
		}
		t.audit(hub.AuditEntry{At: b.OpenedAt, Actor: o.Actor, Action: "bundle-opened", Object: b.ID.String()})
		return nil
	})
	if err != nil {
		return store.OpenedBundle{}, fmt.Errorf("open bundle %s: %w", b.ID, err)
	}
	return opened, nil
}

// join makes a new submission part of its bundle. What refuses it comes before
// anything is written.
func (t *tx) join(s *submission) error {
	b, err := t.bundle(s.Bundle)
	if err != nil {
		return err
	}
	if b.Portal != s.Portal {
		return fmt.Errorf("bundle %s: %w", s.Bundle, store.ErrNotFound)
	}
	if b.Closed() {
		return fmt.Errorf("%w: bundle %s is closed", store.ErrState, s.Bundle)
	}
	b.ChangedAt = s.ReceivedAt
	if err := t.saveBundle(b); err != nil {
		return err
	}
	return t.exec("INSERT INTO bundle_part (bundle, key) VALUES (?, ?)", b.key, s.key)
}

// Bundle implements store.Bundles.
func (s *Store) Bundle(ctx context.Context, id hub.ID) (*store.BundleCase, error) {
	var result *store.BundleCase
	err := s.read(ctx, func(c *conn) error {
		b, files, err := readBundleWhole(ctx, c, id)
		if err != nil {
			return err
		}
		result = &store.BundleCase{Bundle: b.Bundle, DataKey: b.dataKey, Answers: b.answers}
		for _, f := range files {
			result.Parts = append(result.Parts, f.status())
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read bundle %s: %w", id, err)
	}
	return result, nil
}

// readBundleWhole reads a bundle and its parts as of one moment.
func readBundleWhole(ctx context.Context, c *conn, id hub.ID) (b *bundle, parts []*file, err error) {
	if err := c.exec("BEGIN"); err != nil {
		return nil, nil, err
	}
	defer func() {
		if e := c.exec("COMMIT"); err == nil {
			err = e
		}
	}()
	if b, err = readBundle(ctx, c, keyOf(id)); err != nil {
		return nil, nil, err
	}
	if b.ID != id {
		return nil, nil, store.ErrNotFound
	}
	var keys []int64
	err = c.query(ctx, "SELECT key FROM bundle_part WHERE bundle = ? ORDER BY key", []any{b.key}, func(row []driver.Value) error {
		keys = append(keys, asInt(row[0]))
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	for _, key := range keys {
		f, err := readFile(ctx, c, key, true)
		switch {
		case err == nil:
		case errors.Is(err, store.ErrNotFound):
			continue // erased
		case errors.Is(named(err), store.ErrDamaged) && f != nil && f.submission != nil:
			f.State = hub.SubmissionDamaged
		default:
			return nil, nil, err
		}
		parts = append(parts, f)
	}
	return b, parts, nil
}

// FindBundles implements store.Bundles.
func (s *Store) FindBundles(ctx context.Context, first, last hub.ID, limit int) ([]hub.Bundle, error) {
	var all []hub.Bundle
	err := s.read(ctx, func(c *conn) error {
		return c.query(ctx, "SELECT "+bundleColumns+" FROM bundle WHERE key >= ? AND key <= ? ORDER BY key LIMIT ?",
			[]any{submissionKey(keyOf(first)), keyOf(last), int64(limit)}, func(row []driver.Value) error {
				b, err := decodeBundle(row)
				if err == nil {
					all = append(all, b.Bundle)
				}
				return err
			})
	})
	if err != nil {
		return nil, fmt.Errorf("find bundles: %w", err)
	}
	return all, nil
}

// AnswerBundle implements store.Bundles.
func (s *Store) AnswerBundle(ctx context.Context, id hub.ID, answers []byte, actor string, at time.Time) error {
	at = stored(at)
	err := s.w.do(ctx, func(t *tx) error {
		b, err := t.bundle(id)
		if err != nil {
			return err
		}
		if b.Closed() {
			return fmt.Errorf("%w: the bundle is closed", store.ErrState)
		}
		b.answers = answers
		return t.bundleTold(b, "answers-changed", actor, at)
	})
	if err != nil {
		return fmt.Errorf("answer bundle %s: %w", id, err)
	}
	return nil
}

// CloseBundle implements store.Bundles.
func (s *Store) CloseBundle(ctx context.Context, id hub.ID, actor string, at time.Time) (ring hub.ID, err error) {
	at = stored(at)
	err = s.w.do(ctx, func(t *tx) error {
		ring = hub.ID{}
		b, err := t.bundle(id)
		if err != nil || b.Closed() {
			return err
		}
		b.ClosedAt = at
		if ring, err = t.bundleNews(b, nil, at); err != nil {
			return err
		}
		return t.bundleTold(b, "closed", actor, at)
	})
	if err != nil {
		return hub.ID{}, fmt.Errorf("close bundle %s: %w", id, err)
	}
	return ring, nil
}

func (f *file) partStatus() hub.CaseStatus {
	if f.State == hub.SubmissionErased {
		return hub.PartStatus(&f.Submission, nil)
	}
	return f.standing()
}

// bundleTold saves a bundle, and what was done to it in the story and the trail.
func (t *tx) bundleTold(b *bundle, action, actor string, at time.Time) error {
	b.ChangedAt = at
	if err := t.saveBundle(b); err != nil {
		return err
	}
	t.audit(hub.AuditEntry{At: at, Actor: actor, Action: "bundle-" + action, Object: b.ID.String()})
	return t.event(b.key, hub.Event{At: at, Type: action, Actor: actor})
}

// BundleEvents implements store.Bundles: what the rows can tell is told from them.
func (s *Store) BundleEvents(ctx context.Context, id hub.ID) ([]hub.Event, error) {
	var story []hub.Event
	err := s.read(ctx, func(c *conn) error {
		b, parts, err := readBundleWhole(ctx, c, id)
		if err != nil {
			return err
		}
		story = append(story, hub.Event{At: b.OpenedAt, Type: "opened", Actor: "portal:" + b.Portal})
		told, err := readEvents(ctx, c, &file{submission: &submission{Submission: hub.Submission{ID: b.ID}, key: b.key}})
		if err != nil {
			return err
		}
		story = append(story, told...)
		for _, f := range parts {
			story = append(story, hub.Event{At: f.ReceivedAt, Type: "part-added", Delivery: f.ID, Actor: "portal:" + f.Portal, Text: f.Part})
			if f.State == hub.SubmissionSettled {
				story = append(story, hub.Event{At: f.SettledAt, Type: "part-settled", Delivery: f.ID, Actor: "hub", Text: f.Part})
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the story of bundle %s: %w", id, err)
	}
	slices.SortStableFunc(story, func(a, b hub.Event) int { return a.At.Compare(b.At) })
	return story, nil
}

// rewrapBundles is Rewrap for the bundles.
func (s *Store) rewrapBundles(ctx context.Context, batch int, fn func(id hub.ID, municipality string, wrapped []byte) ([]byte, error), unread *store.UnreadKeys) (int, error) {
	changed := 0
	for after := int64(0); ; {
		var all []*bundle
		err := s.read(ctx, func(c *conn) error {
			return c.query(ctx, "SELECT "+bundleColumns+" FROM bundle WHERE key > ? ORDER BY key LIMIT ?", []any{after, int64(max(batch, 1))}, func(row []driver.Value) error {
				after = asInt(row[0])
				b, err := decodeBundle(row)
				if err != nil {
					b = &bundle{} // damaged: there is nothing to wrap
					*unread++
				}
				all = append(all, b)
				return nil
			})
		})
		if err != nil {
			return changed, fmt.Errorf("rewrap the data keys of bundles: %w", err)
		}
		if len(all) == 0 {
			return changed, nil
		}
		fresh := map[hub.ID][2][]byte{}
		for _, b := range all {
			if len(b.dataKey) == 0 {
				continue
			}
			wrapped, err := fn(b.ID, b.Portal, b.dataKey)
			if err != nil {
				return changed, fmt.Errorf("rewrap the data key of bundle %s: %w", b.ID, err)
			}
			if wrapped != nil {
				fresh[b.ID] = [2][]byte{b.dataKey, wrapped}
			}
		}
		n := 0
		err = s.w.do(ctx, func(t *tx) error {
			n = 0
			for id, keys := range fresh {
				b, err := t.bundle(id)
				if t.broken != nil {
					return err
				}
				if err != nil || string(b.dataKey) != string(keys[0]) {
					continue
				}
				b.dataKey = keys[1]
				b.Version-- // nobody sees it
				if err := t.toScrub(keys[0]); err != nil {
					return err
				}
				if err := t.saveBundle(b); err != nil {
					return err
				}
				n++
			}
			return nil
		})
		changed += n
		if err != nil {
			return changed, fmt.Errorf("rewrap the data keys of bundles: %w", err)
		}
	}
}
