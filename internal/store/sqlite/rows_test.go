package sqlite

import (
	"bytes"
	"database/sql/driver"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

func TestKeysKeepTheOrderOfIDs(t *testing.T) {
	now := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ids := hub.IDs{Now: func() time.Time { return now }}
	last := int64(0)
	for i := range 10_000 {
		if i%100 == 0 {
			now = now.Add(time.Duration(i) * time.Millisecond)
		}
		id := ids.New()
		key := keyOf(id)
		if key <= last {
			t.Fatalf("key %x of %s is not behind %x", key, id, last)
		}
		for _, n := range []int{1, 2, 255} {
			d := keyOf(id.Delivery(n))
			if d != key+int64(n) || submissionKey(d) != key || ordinal(d) != n {
				t.Fatalf("delivery %d of %x has key %x", n, key, d)
			}
		}
		last = key | ordinalMask
	}
	for _, at := range []time.Time{time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2089, 1, 1, 0, 0, 0, 0, time.UTC)} {
		now = at
		fresh := hub.IDs{Now: func() time.Time { return at }}
		if key := keyOf(fresh.New()); key < 0 {
			t.Errorf("key %x in %d", key, at.Year())
		}
	}
}

func TestKeyAtIsBeforeIDsOfThatMoment(t *testing.T) {
	at := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
	ids := hub.IDs{Now: func() time.Time { return at }}
	if id := ids.New(); keyAt(at) > keyOf(id) || keyAt(at.Add(time.Millisecond)) <= keyOf(id) {
		t.Errorf("key of %v is %x, that of an id %x", at, keyAt(at), keyOf(id))
	}
	if keyAt(time.Date(1990, 1, 1, 0, 0, 0, 0, time.UTC)) != 0 {
		t.Error("a moment before all keys")
	}
}

// FuzzRows: no bytes make reading a row panic, with a good checksum or without.
func FuzzRows(f *testing.F) {
	id := new(hub.IDs).New()
	sub := submission{Submission: hub.Submission{ID: id, Municipality: "05974040", State: hub.SubmissionRunning}, key: keyOf(id)}
	del := delivery{Delivery: hub.Delivery{ID: id.Delivery(1), After: []int{1, 2}, SHA256: "ab12", State: hub.DeliveryPending}, key: keyOf(id.Delivery(1)), last: &attempt{}}
	f.Add(sub.encode(), true)
	f.Add(del.encode(), false)
	f.Add((&head{}).encode(1), true)
	f.Fuzz(func(t *testing.T, body []byte, sealed bool) {
		seal := func(key int64, columns ...string) []byte {
			if !sealed {
				return body
			}
			p := packer{bytes.Clone(body)}
			return p.seal(key, columns...)
		}
		decodeSubmission([]driver.Value{sub.key, id[:], "05974040", "", "", int64(2), nil, seal(sub.key, string(id[:]), "05974040", "", "", "running")})
		decodeDelivery(id, []driver.Value{del.key, "", int64(2), nil, seal(del.key, "", "pending")})
		decodeHead(1, seal(1))
		decodeAudit(1, seal(1))
	})
}
