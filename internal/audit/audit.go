// Package audit chains the audit trail: every entry's hash covers the entry and
// the hash before it, so that a line changed, left out or moved later shows at
// that very line. Whoever keeps the last hash elsewhere can prove that nothing
// was cut off at the end.
package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// Head is the end of a chain: the number and the hash of its last entry. The
// zero Head is the beginning of a new chain.
type Head struct {
	Seq  int64
	Hash [sha256.Size]byte
}

// Append numbers the entry, cuts its time to the microsecond, gives it its hash
// and makes it the head.
func (h *Head) Append(e *hub.AuditEntry) {
	h.Seq++
	e.Seq = h.Seq
	e.At = e.At.UTC().Truncate(time.Microsecond)
	h.Hash = sum(h.Hash, e)
	e.Hash = hex.EncodeToString(h.Hash[:])
}

// sum is SHA-256 over the hash before and the entry's fields, each with its
// length in front.
func sum(before [sha256.Size]byte, e *hub.AuditEntry) [sha256.Size]byte {
	b := make([]byte, 0, 320)
	b = append(b, before[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(e.Seq))
	b = binary.BigEndian.AppendUint64(b, uint64(e.At.UnixMicro()))
	for _, s := range [...]string{e.Actor, e.Action, e.Object, e.Reason} {
		b = binary.BigEndian.AppendUint32(b, uint32(len(s)))
		b = append(b, s...)
	}
	return sha256.Sum256(b)
}

// Broken is the first entry that does not follow from the one before.
type Broken struct {
	Index int   // in the entries given
	Seq   int64 // that it says of itself
	Why   string
}

// Error names the entry.
func (b *Broken) Error() string {
	return fmt.Sprintf("audit entry %d is broken: %s", b.Seq, b.Why)
}

// Verify checks entries that follow after, oldest first, and gives the head to
// go on with. Its error is a *Broken.
func Verify(after Head, entries []hub.AuditEntry) (Head, error) {
	for i := range entries {
		e := &entries[i]
		if e.Seq != after.Seq+1 {
			return after, &Broken{i, e.Seq, fmt.Sprintf("entry %d should come here", after.Seq+1)}
		}
		want := sum(after.Hash, e)
		if e.Hash != hex.EncodeToString(want[:]) {
			return after, &Broken{i, e.Seq, "its hash does not match its words and the entry before"}
		}
		after = Head{e.Seq, want}
	}
	return after, nil
}
