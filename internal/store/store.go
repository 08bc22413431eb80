// Package store is where submissions live: the row is the truth, the bus is a
// doorbell. Each method is one business step and one transaction; when a writing
// method has returned without an error, its effect is on disk and synced. After
// an error of a writing method nothing of it is there, or the error is
// ErrUnknown.
//
// What is personal arrives sealed and is never opened here. The store keeps the
// slices it is given and gives out those it keeps: nobody changes them. Times are kept to the
// microsecond and given in UTC. A submission's version rises with every step that
// changes it or the outcome of one of its deliveries; a claim does not count.
package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
)

// The errors a caller decides by. Implementations wrap them.
var (
	ErrNotFound = errors.New("not found")
	// ErrKeyReused: the idempotency key was used for other content.
	ErrKeyReused = errors.New("idempotency key was used for other content")
	// ErrStale: the row has changed since it was read; read again and decide anew.
	ErrStale = errors.New("changed meanwhile")
	// ErrFull: no space left; reading still works.
	ErrFull = errors.New("no space left on the store's disk")
	// ErrState: the step does not fit the row's state, such as closing what is delivered.
	ErrState = errors.New("not possible in this state")
	// ErrUnknown: the sync failed, so nobody knows whether the step is durable.
	ErrUnknown = errors.New("the store could not sync")
	// ErrWithdrawn, an ErrState: the citizen took the submission back.
	ErrWithdrawn = fmt.Errorf("%w: the submission was withdrawn", ErrState)
	// ErrUnrendered, an ErrState: there is no document yet that could be sent again.
	ErrUnrendered = fmt.Errorf("%w: there is no document to send again; map it anew", ErrState)
	// ErrHeld, an ErrState: a legal hold keeps the submission from being deleted.
	ErrHeld = fmt.Errorf("%w: the submission is under a legal hold", ErrState)
	// ErrErased, an ErrState: the content was deleted.
	ErrErased = fmt.Errorf("%w: the content was deleted", ErrState)
	// ErrDamaged: a record failed its check; it is set aside, its neighbours go on.
	ErrDamaged = errors.New("a stored record is damaged")
)

// DamagedAudit is an ErrDamaged of the audit trail: the record that holds the
// entries from First on fails its check.
type DamagedAudit struct{ First int64 }

// Error names the record.
func (d *DamagedAudit) Error() string {
	return fmt.Sprintf("the record of audit entries from %d on fails its check", d.First)
}

// Unwrap makes it an ErrDamaged.
func (d *DamagedAudit) Unwrap() error { return ErrDamaged }

// DamagedDeletions is an ErrDamaged of deletion records: the numbers of those that
// fail their check.
type DamagedDeletions []int64

// Error names the first one.
func (d DamagedDeletions) Error() string {
	return fmt.Sprintf("deletion record %d fails its check", d[0])
}

// Unwrap makes it an ErrDamaged.
func (d DamagedDeletions) Unwrap() error { return ErrDamaged }

// UnreadKeys is an ErrDamaged of Rewrap: how many records it could not read.
type UnreadKeys int

// Error says how many.
func (n UnreadKeys) Error() string {
	return fmt.Sprintf("%d records with a data key cannot be read", int(n))
}

// Unwrap makes it an ErrDamaged.
func (UnreadKeys) Unwrap() error { return ErrDamaged }

// Store keeps submissions and their deliveries.
type Store interface {
	Intake
	Bundles
	Flow
	Deliver
	Operate
	Erasure
	Numbers
	// Close waits for steps under way and closes the files.
	Close() error
}

// Intake is what the portals' side needs.
type Intake interface {
	// Accept writes a new submission, or answers with the earlier one where portal
	// and idempotency key were used before with the same fingerprint (Replayed is
	// true then). ErrKeyReused where the fingerprint differs. Where the submission
	// names a bundle it becomes part of it: ErrNotFound where its portal has no such
	// bundle, ErrState where that is closed.
	Accept(ctx context.Context, a *Acceptance) (Accepted, error)
	// Earlier looks up an idempotency key. ErrNotFound where it is new or older than
	// its keeping time; ErrKeyReused where the fingerprint differs.
	Earlier(ctx context.Context, portal, key string, fingerprint [32]byte) (Accepted, error)
	// Submission reads one submission with its deliveries, without documents.
	Submission(ctx context.Context, id hub.ID) (*Status, error)
	// Withdraw takes a submission back for the citizen: what waits, is pending or
	// parked is closed with the code hub.CodeWithdrawn; what may have arrived is parked
	// as unclear instead. What is being sent or awaited comes to its own end, which is
	// recorded, and is not tried again; nothing is rendered or sent any more, nor by
	// Replay or Reopen. What lies with another hub (hub.RoleAuthority) is asked for at once:
	// that one may still stop it. What was not planned is left to the flow once more, which has it
	// found (Tell.Search). Idempotent. ErrState where everything has left or has ended.
	Withdraw(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error
	// ForgetKeys removes idempotency keys older than before and says how many.
	ForgetKeys(ctx context.Context, before time.Time) (int, error)
}

// Acceptance is everything about a submission that must be durable before 202.
type Acceptance struct {
	Submission  hub.Submission // State accepted, Version 1
	Key         string         // the portal's idempotency key
	Fingerprint [32]byte       // of the request's content
	Answer      []byte         // the body of the 202, kept for a repeated key
	DataKey     []byte         // wrapped
	Meta        []byte         // sealed hub.Meta
	Payload     []byte         // sealed
	Attachments []SealedAttachment
	OrderKey    []byte // keyed hash; nil where the route has no order-by
	Actor       string // for the audit line
}

// SealedAttachment is an attachment whose content lies sealed and synced in a
// file; Info is the sealed JSON of its hub.Attachment.
type SealedAttachment struct {
	N    int
	Info []byte
	File string // relative to the store's attachment folder
}

// Accepted is the answer to an Acceptance.
type Accepted struct {
	ID       hub.ID
	Answer   []byte
	Replayed bool
}

// Status is a submission with its deliveries, in order of their ordinals, and what
// opens their answers.
type Status struct {
	Submission hub.Submission
	Deliveries []hub.Delivery
	DataKey    []byte            // wrapped; empty where it was destroyed
	Answers    map[hub.ID][]byte // sealed; of deliveries that are delivered, awaiting, being asked for, or were paid and are to be given back
}

// Flow is what the stages need.
type Flow interface {
	// Due lists submissions for which the flow has something to do since the given
	// time or longer, oldest first: accepted and not planned, or with a delivery whose
	// predecessors have settled, or that is to be mapped anew. At most limit, beginning
	// behind the given one; the zero Due is before the oldest.
	Due(ctx context.Context, before time.Time, behind Due, limit int) ([]Due, error)
	// Case reads a submission with everything sealed that the flow may open. One that
	// is damaged is given as far as it can be read; its state says so. ErrDamaged
	// where a record fails its check and nobody knew; ErrErased where the payload was
	// deleted.
	Case(ctx context.Context, id hub.ID) (*Case, error)
	// Cases reads what Case would of several, together. It leaves out what is large, what
	// is at hand anyway, and whatever is wrong with one: Case tells.
	Cases(ctx context.Context, ids []hub.ID) ([]*Case, error)
	// Progress is Case without what never changes: Meta, Payload and Attachments are
	// nil, unless they are at hand. It is for a flow that has opened them already, or wants
	// to know first how large they are.
	Progress(ctx context.Context, id hub.ID) (*Case, error)
	// Advance writes what the flow decided, in one transaction. ErrStale where the
	// submission's version is not the given one. Afterwards the flow has nothing to
	// do for this submission until Record or an operator says so.
	Advance(ctx context.Context, id hub.ID, version int64, a *Advance) error
	// Tell writes what the portal is told of a submission, in one transaction: a callback,
	// which is a delivery of role portal and no part of the case, or nothing. Callbacks
	// that have not left are closed as superseded. Told is what the portal knows then;
	// while the case's status is news to it (hub.News), the flow is due. A status that has
	// changed, and changed back with an answer, before it was told is news, too. ErrStale where
	// the submission's version is not the given one.
	Tell(ctx context.Context, id hub.ID, version int64, t *Tell) error
	// Damage sets a submission aside: its state becomes damaged, none of its
	// deliveries is claimed any more. What names the record. Idempotent. What is being
	// sent comes to its end: Record and Rescue still take it.
	Damage(ctx context.Context, id hub.ID, what string, at time.Time) error
}

// Due is a submission for which the flow has something to do.
type Due struct {
	ID    hub.ID
	Since time.Time
}

// Case is a submission as the flow works on it.
type Case struct {
	Status
	Meta        []byte
	Payload     []byte
	Attachments []SealedAttachment
	Parked      map[hub.ID][]byte // sealed detail of parked deliveries' last attempt
}

// Advance is a step of the flow.
type Advance struct {
	At     time.Time
	State  hub.SubmissionState // the submission's new state: running, parked (with Reason and Code) or settled
	Reason hub.ParkReason
	Code   string
	// New deliveries; State is waiting, pending (with Documents) or parked (with
	// Reason, Code and a Parked detail).
	Deliveries []NewDelivery
	// Rendered documents of deliveries that were waiting: they become pending.
	Rendered []Rendered
	// Unmapped deliveries, new document could not be rendered: they become parked.
	Unmapped []Unmapped
	// Told is what the portal knows already, where it wants callbacks; empty leaves it as it is.
	Told hub.CaseStatus
	// Search are keyed hashes of the business keys, for finding the submission.
	Search [][]byte
	Audit  []hub.AuditEntry // Seq and Hash are given by the store
	// Claimed is set by the store: the deliveries whose document came with a Lease,
	// unless their system is paused or an earlier submission holds them back. The tasks
	// are without attachments.
	Claimed []Task
}

// Tell is what a portal is told of a submission.
type Tell struct {
	At       time.Time
	Told     hub.CaseStatus // empty: its portal wants no callbacks any more
	Callback *NewDelivery   // optional, role portal, pending; nil where there is nothing to tell
	Search   [][]byte       // keyed hashes as in Advance, of what ended before it was planned; those that are there stay
	Bundle   *TellBundle    // where the callback tells of the bundle that the submission is in: it supersedes those of the other parts
}

// TellBundle is what a portal knows of a bundle.
type TellBundle struct {
	Was  hub.CaseStatus // ErrStale where it knows something else by now
	Told hub.CaseStatus
}

// NewDelivery is a delivery as planned.
type NewDelivery struct {
	hub.Delivery
	OrderKey []byte
	Document *Rendered // nil while waiting
	Detail   []byte    // sealed; for State parked
}

// Rendered is a document, sealed, as it will leave.
type Rendered struct {
	Delivery hub.ID
	Head     []byte // sealed JSON of name and content type
	Body     []byte // sealed
	SHA256   string // hex, of the plain body
	Revision string // of the configuration it was mapped under
	// System and Mapping are what that configuration says of a delivery that was planned
	// under an earlier one; empty: as planned. What it has had from another system, a
	// token, is gone then.
	System, Mapping string
	Lease           *Lease // claim it in the same step; nil for none
}

// Lease is a claim on a delivery that has only just been rendered: there is room at
// its system.
type Lease struct {
	Owner string
	Until time.Time
}

// Unmapped is a delivery whose mapping needs a person's decision.
type Unmapped struct {
	Delivery hub.ID
	Code     string
	Detail   []byte // sealed
}

// Deliver is what one delivery's life needs.
type Deliver interface {
	// Claim leases due deliveries of one system, first those that are due longest, and
	// gives them with their documents; none of a paused system. A delivery with an order key is left out while an earlier
	// submission with the same key is not planned yet, or has an unsettled delivery
	// to the same system; so is everything of a damaged submission. Awaiting
	// deliveries whose time has come are claimed too (Task.Delivery.State tells what
	// it was before).
	Claim(ctx context.Context, c Claim) ([]Task, error)
	// Record writes the outcome of an attempt and frees the lease. ErrStale where the
	// lease was lost meanwhile: the attempt is kept for the story, the delivery is
	// left to its new owner. The submission's state follows in the same transaction.
	Record(ctx context.Context, r *Record) (Effect, error)
	// Extend renews the lease of deliveries still being sent.
	Extend(ctx context.Context, owner string, ids []hub.ID, until time.Time) error
	// Expired lists deliveries in sending whose lease has ended, or that owner holds
	// from before this process has started (owner is "" for none).
	Expired(ctx context.Context, now time.Time, owner string, limit int) ([]Expired, error)
	// Rescue decides an expired delivery: back to pending (with Uncertain set), or
	// parked as unclear. What was only being asked for awaits again, as it was. ErrStale
	// where somebody was faster.
	Rescue(ctx context.Context, id hub.ID, owner string, park bool, at time.Time) error
	// Notice says that a system has something new about a delivery: it is asked for at
	// once. One that was delivered, parked, or ended by the system itself awaits again,
	// and the story says so; its submission is no longer settled. ErrStale while it is being sent or asked for: say
	// it again. ErrState where nothing can be asked by, a person here has closed it, or the citizen
	// has withdrawn the case: of that only what was handed on to another hub is asked for again.
	Notice(ctx context.Context, id hub.ID, at time.Time) error
	// NextDue is when the system's next delivery falls due; zero where there is none
	// or the system is paused. One that is held back by order is looked at again in
	// half a minute at the latest, and at once when it may be free.
	NextDue(ctx context.Context, system string) (time.Time, error)
	// Reached says how every system is reached now: a keyed hash of its settings. Where
	// it was another one before, the cause of a failure may be repaired, and Hurry is done
	// for the system; it says for how many deliveries. The first time it only notes.
	Reached(ctx context.Context, ways map[string][]byte, at time.Time) (map[string]int, error)
	// Hurry makes due what waits for its next try, or for being asked for again, and says
	// how many these are; what may have arrived not before Settle has passed. Places in
	// the schedule stay.
	Hurry(ctx context.Context, system, actor string, at time.Time) (int, error)
	// Strand parks, with hub.CodeSystemGone, what is pending or awaiting for systems that
	// are not there any more: as unclear where it may have arrived, else as unmapped.
	// What has had its answer and is only asked for another one is left as it is.
	Strand(ctx context.Context, has func(system string) bool, at time.Time) ([]Stranded, error)
	// Return makes what Strand has parked what it was, where its system is there again.
	// The schedule begins anew. What was withdrawn or erased meanwhile stays parked.
	Return(ctx context.Context, has func(system string) bool, at time.Time) ([]hub.ID, error)
}

// Settle is how long a system for whose answer nobody has waited is given to finish,
// before it is asked.
const Settle = time.Minute

// Stranded is a delivery whose system is gone.
type Stranded struct {
	ID     hub.ID
	System string
	Reason hub.ParkReason
}

// Claim asks for work.
type Claim struct {
	System string
	Owner  string // the node
	Now    time.Time
	Lease  time.Duration
	Limit  int
}

// Task is a claimed delivery with its sealed document.
type Task struct {
	Delivery    hub.Delivery // as it was before the claim; Attempts already counts this one
	Submission  hub.Submission
	DataKey     []byte
	Head        []byte
	Body        []byte
	Attachments []SealedAttachment
	Token       []byte // sealed; from an earlier awaiting outcome
	Answer      []byte // sealed; the one that an awaiting delivery has already
	Fence       int64  // to be given back with Record
}

// Record is the outcome of an attempt.
type Record struct {
	Attempt   hub.Attempt // Delivery, N, At, Took, Node, Kind, Outcome, Code; Detail is empty
	Detail    []byte      // sealed
	Owner     string
	Fence     int64
	State     hub.DeliveryState // pending, awaiting, delivered, parked, or closed: what waits for it is closed too
	Reason    hub.ParkReason
	NotBefore time.Time
	Uncertain bool
	KeepCode  bool // the delivery's code stays; the attempt has one of its own
	// Answer is sealed; kept on delivered and awaiting. Awaiting without one leaves
	// the earlier answer and code as they are: the asking has taught nothing new.
	Answer []byte
	// Same: the answer says what the one before has said. Where the portal was told that,
	// it is not told again; see Notice.
	Same  bool
	Token []byte // sealed; kept until it is delivered, so that one put back can be asked for
	// KeepToken keeps it of a delivered one, too: its system may have more to say, and
	// is asked again then. See Notice.
	KeepToken bool
	// NotCounted: the attempt does not count for the retry schedule (a maintenance
	// window began, the hub is stopping). Of several alike, one behind the other, the
	// story keeps the last.
	NotCounted bool
}

// Effect is what an outcome set in motion.
type Effect struct {
	FlowDue bool   // a successor may be rendered now, or the submission has settled: ring the flow
	News    bool   // the portal is to be told: ring the flow, also where the submission has settled
	Settled bool   // the submission has settled with this outcome
	Next    string // a system whose delivery was held back by order and may be due now; "" for none
}

// Expired is a delivery whose lease has ended.
type Expired struct {
	ID     hub.ID
	System string
	Owner  string
}
