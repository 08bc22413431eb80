package admin

import (
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

// ParkedItem is something that waits for a person: a delivery, or a submission
// that was parked or damaged as a whole (Delivery is absent then).
type ParkedItem struct {
	Submission   hub.ID    `json:"submission"`
	Number       string    `json:"number"`
	Municipality string    `json:"municipality"`
	Service      string    `json:"service"`
	ReceivedAt   time.Time `json:"received-at"`
	Delivery     hub.ID    `json:"delivery,omitzero"`
	Ordinal      int       `json:"ordinal,omitempty"`
	Role         string    `json:"role,omitempty"`
	System       string    `json:"system,omitempty"`
	Reason       string    `json:"reason"` // refused, unclear, exhausted, unmapped, refund or damaged
	Code         string    `json:"code,omitempty"`
	Since        time.Time `json:"since,omitzero"`
}

// ParkedPage is a piece of the list of what is parked, newest submission first.
type ParkedPage struct {
	Items []ParkedItem `json:"items"`
	Next  hub.ID       `json:"next,omitzero"`
}

// ParkedGroup counts what is parked for the same reason at the same system.
type ParkedGroup struct {
	System  string    `json:"system,omitempty"`
	Service string    `json:"service"`
	Reason  string    `json:"reason"`
	Code    string    `json:"code,omitempty"`
	Count   int       `json:"count"`
	Oldest  time.Time `json:"oldest"`
	Example string    `json:"example"` // number of the newest one
}

// ParkedGroups is everything parked, most frequent first.
type ParkedGroups struct {
	Groups []ParkedGroup `json:"groups"`
	// Complete is false where there was more than the hub counts in one go.
	Complete bool `json:"complete"`
}

// Reason goes with every order that changes something.
type Reason struct {
	Reason string `json:"reason"`
}

// Replay puts deliveries back.
type Replay struct {
	Anew   bool   `json:"anew,omitempty"`  // map anew with today's configuration; otherwise the same bytes
	Force  bool   `json:"force,omitempty"` // also where it was delivered
	Reason string `json:"reason"`
}

// ReplayMany puts back every parked delivery that the filter chooses.
type ReplayMany struct {
	Replay
	Filter Filter `json:"filter"`
	DryRun bool   `json:"dry-run,omitempty"`
	Limit  int    `json:"limit,omitempty"` // 0 means 1000
}

// CloseMany ends every parked delivery that the filter chooses, or those in the
// delivery state it names.
type CloseMany struct {
	Reason string `json:"reason"`
	Filter Filter `json:"filter"`
	DryRun bool   `json:"dry-run,omitempty"` // only count
	Limit  int    `json:"limit,omitempty"`   // 0 means 1000
}

// Order is what became of an order on several deliveries.
type Order struct {
	Matched int       `json:"matched"`
	Done    int       `json:"done"`
	Refused []Refusal `json:"refused,omitempty"`
	More    bool      `json:"more,omitempty"` // there are more than the limit
	DryRun  bool      `json:"dry-run,omitempty"`
}

// Refusal is one delivery for which an order was not carried out.
type Refusal struct {
	Delivery hub.ID `json:"delivery"`
	Number   string `json:"number"`
	Code     string `json:"code"`
	Detail   string `json:"detail"`
}

// System is one backend as it stands now.
type System struct {
	Name     string    `json:"name"`
	Kind     string    `json:"kind"`
	Profile  string    `json:"profile,omitempty"`
	State    string    `json:"state"`            // open, paused, window, broken
	Paused   string    `json:"paused,omitempty"` // the reason
	Until    time.Time `json:"until,omitzero"`   // end of the window
	Breaker  string    `json:"breaker"`          // closed, half-open, open
	Pending  int64     `json:"pending"`
	Sending  int64     `json:"sending"`
	Awaiting int64     `json:"awaiting"`
	Parked   int64     `json:"parked"`
	Oldest   time.Time `json:"oldest,omitzero"` // the oldest delivery under way, what is awaiting among them
	// Gone: the configuration knows it no longer, yet deliveries wait for it.
	Gone bool `json:"gone,omitempty"`
}

// Systems are all of them, by name.
type Systems struct {
	Systems []System `json:"systems"`
}

// Probe is the result of a look at a system without delivering anything.
type Probe struct {
	System       string  `json:"system"`
	OK           bool    `json:"ok"`
	Error        string  `json:"error,omitempty"`
	Milliseconds float64 `json:"milliseconds"`
}

// Reload is what became of reading the configuration anew.
type Reload struct {
	Swapped  bool            `json:"swapped"`
	Revision string          `json:"revision"` // in force now
	Findings config.Findings `json:"findings"`
}

// Rewrap says how many submissions' keys were wrapped anew.
type Rewrap struct {
	Changed int `json:"changed"`
	Unread  int `json:"unread,omitempty"` // damaged records, whose keys may be as they were
}

// Figures are the numbers behind metrics and the first screen.
type Figures struct {
	Submissions map[hub.SubmissionState]int64 `json:"submissions"`
	Parked      map[hub.ParkReason]int64      `json:"parked"`
}

// Check is one line of the doctor's report.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state"` // ok, warning, bad, skipped
	Detail string `json:"detail"`
	Remedy string `json:"remedy,omitempty"`
}

// Doctor is the hub's own examination.
type Doctor struct {
	At     time.Time `json:"at"` // the hub's clock
	Checks []Check   `json:"checks"`
}

// AuditFilter chooses entries of the audit trail; empty fields do not restrict.
type AuditFilter struct {
	From   int64  // reads on from this sequence number, oldest first
	Before int64  // reads back from the one before this; 0: from the newest
	Limit  int    // 1 to 1000
	Actor  string // "operator:meier", or a kind: operator, portal, counter, hub
	Action string
	Object string // a name, or a case by id or number: its deliveries are meant, too
}

// Trail is a piece of the audit trail: newest first, or oldest first where From was
// given. It may hold fewer entries than asked for, or none, although there are more.
type Trail struct {
	Entries []hub.AuditEntry `json:"entries"`
	Next    int64            `json:"next,omitempty"` // Before or From of the next piece; absent at the end
	// Start is the last entry that was cut off the trail's old end; absent where it is
	// whole, or is read backwards.
	Start *AuditStart `json:"start,omitempty"`
	// Damaged is where the first record begins that fails its check; what could be
	// read of it is given.
	Damaged int64 `json:"damaged,omitempty"`
}

// AuditStart is an entry that is not there any more; an entry with the action
// audit-cut names it as its object, SEQ:HASH.
type AuditStart struct {
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

// Render asks for the documents that a submission would cause, without keeping or
// sending anything.
type Render struct {
	Municipality string `json:"municipality"`
	Service      string `json:"service"`
	MediaType    string `json:"media-type"`
	Payload      []byte `json:"payload"` // base64

	// What a portal would say beside the payload: routes and mappings ask for it.
	Version        string            `json:"version,omitempty"` // of the schema; any that is taken now where none is given
	Reference      string            `json:"reference,omitempty"`
	TrustLevel     string            `json:"trust-level,omitempty"`
	Mailbox        string            `json:"mailbox,omitempty"`
	Account        map[string]string `json:"account,omitempty"`
	ConsentWording string            `json:"consent-wording,omitempty"`
	Bundle         string            `json:"bundle,omitempty"`
	Attachments    []Attached        `json:"attachments,omitempty"`
}

// Attached describes a file that would come with a submission; its content stays behind.
type Attached struct {
	Name        string `json:"name"`
	ContentType string `json:"content-type"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"` // hex
}

// Rendered is one document that would leave.
type Rendered struct {
	Role        string `json:"role"`
	System      string `json:"system"`
	Mapping     string `json:"mapping"`
	Name        string `json:"name,omitempty"`
	ContentType string `json:"content-type,omitempty"`
	Body        []byte `json:"body,omitempty"` // base64
	// After names the roles whose answers it waits for: they are empty in a dry run.
	After []string `json:"after,omitempty"`
	// Held says, instead of a document, what a person would have to decide.
	Held string `json:"held,omitempty"`
}

// Renderings are all documents of a dry run.
type Renderings struct {
	Documents []Rendered `json:"documents"`
}

// Version is what runs there.
type Version struct {
	Version  string `json:"version"`
	Revision string `json:"revision"`          // of the configuration
	Portals  string `json:"portals,omitempty"` // base address of the portals' API
	Node     string `json:"node,omitempty"`
}
