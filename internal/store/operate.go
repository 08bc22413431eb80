package store

import (
	"context"
	"time"

	"stellwerk/internal/hub"
)

// Operate is what operators need. Lists are read by keyset: the cursor is the
// last id of the page before, newest first.
type Operate interface {
	List(ctx context.Context, f Filter) ([]Row, error)
	// Events is a submission's whole story, oldest first: accepted, planned, every
	// attempt, park, replay, settled.
	Events(ctx context.Context, id hub.ID) ([]hub.Event, error)
	// Attempts of one delivery with their sealed details, oldest first. A mapping that
	// needed a decision is among them, its Kind is "map".
	Attempts(ctx context.Context, delivery hub.ID) ([]SealedAttempt, error)
	// Document is the rendered document of a delivery, sealed. ErrNotFound before it
	// was rendered; ErrErased when it was deleted.
	Document(ctx context.Context, delivery hub.ID) (*Rendered, error)
	// Predecessor is the earlier submission of the same order key that holds a pending
	// or awaiting delivery back; zero where none does.
	Predecessor(ctx context.Context, delivery hub.ID) (hub.ID, error)
	// Replay puts a parked, delivered or closed delivery back: due at once with the
	// same bytes, or waiting for the flow to map it anew. It is a new life: Attempts
	// counts from the beginning, Uncertain is gone. ErrState where it is under way,
	// was delivered and Force is not set, or has no document to send again.
	Replay(ctx context.Context, id hub.ID, r Replay) error
	// ReplayAll is Replay for several, in their order and in one transaction: what is put
	// back later is held back by what was put back before it. It says of each, at its
	// place, why it was not. Its own error: nothing was done.
	ReplayAll(ctx context.Context, ids []hub.ID, r Replay) ([]error, error)
	// Reopen sends a parked submission that has no deliveries through the flow again.
	Reopen(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error
	// Mend takes a damaged submission back after its record was restored: its state is
	// what its deliveries say, the flow is due where it was not planned yet, and what
	// was due is due again; what was left in sending is found by Expired. Later ones
	// of the same order key may have gone ahead. ErrState where it is not damaged,
	// ErrDamaged where its rows still fail their check. The sealed content is for the
	// caller to check before.
	Mend(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error
	// CloseDelivery ends a delivery that has not settled and is not being sent, with a
	// reason. What waits for it goes on: it was dealt with on another way. What waits
	// for a payment is closed with it, by the same person and reason and with the code
	// hub.CodeUnpaid: only what is paid is handled; Replay puts it back where a person
	// decides otherwise. Given the id of a parked submission without deliveries, it
	// ends that one: it is settled then. So does a damaged one, with every delivery
	// that is not settled, even where its rows cannot be read.
	CloseDelivery(ctx context.Context, id hub.ID, actor, reason string, at time.Time) (Effect, error)
	// Pause stops claims for a system until Resume; both are audited.
	Pause(ctx context.Context, system, actor, reason string, at time.Time) error
	Resume(ctx context.Context, system, actor string, at time.Time) error
	// Paused gives the paused systems with the reason.
	Paused(ctx context.Context) (map[string]string, error)
	// Municipalities are those that submissions are there of, in order.
	Municipalities(ctx context.Context) ([]string, error)
	// Figures are the numbers behind metrics and the first screen.
	Figures(ctx context.Context) (*Figures, error)
	// Audit appends entries that belong to no other step.
	Audit(ctx context.Context, entries ...hub.AuditEntry) error
	// AuditTrail reads entries from a sequence number on, oldest first. A *DamagedAudit
	// comes with what could be read.
	AuditTrail(ctx context.Context, from int64, limit int) ([]hub.AuditEntry, error)
	// AuditTail reads entries below a sequence number, newest first; 0 begins at the
	// end. A *DamagedAudit comes with what could be read.
	AuditTail(ctx context.Context, before int64, limit int) ([]hub.AuditEntry, error)
	// Rewrap hands every data key to fn, oldest submission first, then those of the
	// bundles, which have their portal's name for a municipality, and stores what it
	// returns, in batches; nil
	// leaves the key as it is. It says how many it changed. An error of fn ends it;
	// what was changed before stays. UnreadKeys, when all others are done, where some
	// cannot be read: they may still be wrapped as they were.
	Rewrap(ctx context.Context, batch int, fn func(id hub.ID, municipality string, wrapped []byte) ([]byte, error)) (int, error)
	// LastRun and SetLastRun keep when a scheduled job last ran.
	LastRun(ctx context.Context, job string) (time.Time, error)
	SetLastRun(ctx context.Context, job string, at time.Time) error
	// Healthy does a synced write and a read. ErrFull where a new submission would be
	// refused for want of space, even if the write succeeds.
	Healthy(ctx context.Context) error
}

// Filter chooses submissions. Empty fields do not restrict. Reason and Code without
// DeliveryState look at deliveries that are not settled; without System, too, they
// also find submissions parked themselves.
type Filter struct {
	Municipality string
	Service      string
	Portal       string
	State        hub.SubmissionState
	// Delivery conditions: a submission matches where one of its deliveries matches all.
	DeliveryState hub.DeliveryState
	System        string
	Reason        hub.ParkReason
	Code          string
	Held          bool      // under a legal hold
	Bundle        hub.ID    // in this bundle
	Search        []byte    // a keyed hash
	Since, Until  time.Time // of the receipt, both included
	First, Last   hub.ID    // an id range, as hub.ParseNumber gives it
	Before        hub.ID    // the cursor: older than this one
	Limit         int       // at most 1000; 0 means 50
}

// Row is a line of a list.
type Row struct {
	Submission hub.Submission
	Deliveries []hub.Delivery
	Damage     bool // its rows fail their check, and nobody has set it aside yet
}

// SealedAttempt is an attempt with its sealed detail.
type SealedAttempt struct {
	hub.Attempt
	Detail []byte
}

// Replay is how a delivery is put back.
type Replay struct {
	Anew   bool // map it anew with today's configuration; otherwise the same bytes
	Force  bool // also where it was delivered, and ahead of the earlier case that holds it back
	Actor  string
	Reason string
	At     time.Time
}

// Figures count what is there.
type Figures struct {
	Submissions map[hub.SubmissionState]int64
	Parked      map[hub.ParkReason]int64 // deliveries and submissions by reason; nothing of a damaged one
	Systems     map[string]SystemFigures
}

// SystemFigures are the open deliveries of one system; of a damaged submission only
// what is just being sent.
type SystemFigures struct {
	Pending, Sending, Awaiting, Parked int64
	// Since when the one can be sent that waits longest, in this life of it; zero where
	// there is none. Waiting has still to be sent, or is just being sent. Asked is
	// awaiting: a citizen may take days to pay.
	OldestWaiting, OldestAsked time.Time
}
