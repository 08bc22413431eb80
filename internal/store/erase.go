package store

import (
	"context"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// Erasure is how submissions are kept and deleted. Only what has settled is ever
// deleted, and nothing under a hold.
type Erasure interface {
	// Walk gives submissions in the order of their ids, those after the given one; at
	// most limit. One that cannot be read is damaged.
	Walk(ctx context.Context, after hub.ID, limit int) ([]hub.Submission, error)
	// Hold keeps a submission from being deleted. One that is held already stays so.
	// ErrErased where nothing of it is left.
	Hold(ctx context.Context, id hub.ID, h hub.Hold) error
	// Release lifts a hold. ErrState where there is none.
	Release(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error
	// Erase deletes parts of submissions, in transactions of a few each, and says for
	// each order, at its place, what was deleted or why nothing was: ErrHeld,
	// ErrErased, ErrState where it has not settled, ErrNotFound, ErrDamaged. Its own
	// error ends it; what was done before stays, and is told. With the payload go the
	// rendered documents, answers and details, and an optional delivery that was parked
	// is closed; with the metadata the search hashes, the deliveries and their story,
	// and which numbers of ranges it was given.
	// When neither payload nor attachments are left, the data key is destroyed. What
	// remains of a submission without metadata is its row: id, municipality, service,
	// portal, times. With the last submission of a bundle go the bundle's answers. Its receipt is still given to a repeated idempotency key.
	//
	// The digest of a deletion is SHA-256 over the deleted records, each as name, zero
	// byte, length in 8 bytes and sealed bytes: the wrapped data key, if it is
	// destroyed, as data-key; meta, payload, for each delivery head, body, answer,
	// token and details in the order of the attempts, under their names in hub; then
	// for each attachment its info and the content of its file.
	Erase(ctx context.Context, orders []Erase) ([]Erased, error)
	// Deletions reads the records of deletions, newest first. DamagedDeletions come with
	// what could be read.
	Deletions(ctx context.Context, f DeletionFilter) ([]hub.Deletion, error)
	// Scrub removes what destroyed data keys have left behind in the store's files, and
	// says what it found. It lets other steps through all the time.
	Scrub(ctx context.Context) (Scrubbed, error)
	// CutAudit removes the entries of the audit trail that are older than before, up to
	// the first one that is not, and says where the trail begins now. What it removed
	// stands, with the last removed hash, in an entry of its own, so that the rest can
	// be verified. Nothing to remove is no error: Seq is what it was.
	CutAudit(ctx context.Context, before time.Time, actor, reason string, at time.Time) (AuditStart, error)
	// AuditStart is the last entry that was removed; zero where the trail is whole.
	AuditStart(ctx context.Context) (AuditStart, error)
	// ForgetReceipts removes the receipts of erased submissions received before then:
	// their idempotency keys are forgotten.
	ForgetReceipts(ctx context.Context, before time.Time) (int, error)
}

// Erase is the order to delete parts of one submission.
type Erase struct {
	ID                             hub.ID
	Payload, Attachments, Metadata bool // metadata takes the others along
	Order                          hub.ID
	Actor                          string
	Rule                           string // of the retention
	Reason                         string // of an operator
	At                             time.Time
}

// Erased is what became of one order.
type Erased struct {
	Deletion hub.Deletion // N is 0 where nothing was deleted
	Err      error
}

// DeletionFilter chooses deletion records; empty fields do not restrict.
type DeletionFilter struct {
	Submission hub.ID
	Order      hub.ID
	Before     int64 // N of the last one of the page before
	Limit      int   // at most 1000; 0 means 50
}

// Scrubbed is what became of a Scrub.
type Scrubbed struct {
	Keys      int  // data keys, and records that went before theirs, that were looked for
	Pages     int  // pages with the rest of one, now overwritten
	Remaining int  // pages with the rest of one that could not be overwritten
	Log       bool // the write-ahead log was emptied
}

// AuditStart is the last entry that was cut off the old end of the audit trail.
type AuditStart struct {
	Seq  int64
	Hash string // hex
}

// ActionCut is the action of the entry that says so; its object is the AuditStart.
const ActionCut = "audit-cut"

// String is how the entry names it.
func (s AuditStart) String() string { return fmt.Sprintf("%d:%s", s.Seq, s.Hash) }
