package hub

import "time"

// DeliveryState is where a delivery stands; see the diagram in doc.go.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting   DeliveryState = "waiting"   // for a predecessor; its document is not rendered yet
	DeliveryPending   DeliveryState = "pending"   // rendered; due when not-before has come
	DeliverySending   DeliveryState = "sending"   // claimed by a worker until its lease ends
	DeliveryAwaiting  DeliveryState = "awaiting"  // taken over by the system, whose answer is still to come; asked again by the clock
	DeliveryDelivered DeliveryState = "delivered" // the system has acknowledged
	DeliveryParked    DeliveryState = "parked"    // needs a person; Reason says why
	DeliveryClosed    DeliveryState = "closed"    // ended by a person, with a reason
)

// Settled reports whether the delivery has come to its end.
func (s DeliveryState) Settled() bool { return s == DeliveryDelivered || s == DeliveryClosed }

// ParkReason says why a delivery or a submission needs a person.
type ParkReason string

// The reasons to park.
const (
	ParkRefused   ParkReason = "refused"   // the system said no; repeating does not help
	ParkUnclear   ParkReason = "unclear"   // nobody knows whether the system took it
	ParkExhausted ParkReason = "exhausted" // the retry schedule has given up
	ParkUnmapped  ParkReason = "unmapped"  // the mapping or the plan needs a decision
	ParkRefund    ParkReason = "refund"    // paid for what the citizen has taken back: the fee is given back
)

// ParkReasons are all of them.
var ParkReasons = []ParkReason{ParkRefused, ParkUnclear, ParkExhausted, ParkUnmapped, ParkRefund}

// RolePayment is the role whose delivery is a payment: what waits for it happens
// only when it is paid.
const RolePayment = "payment"

// CodeUnpaid is the code of what was closed because its payment was.
const CodeUnpaid = "not-paid"

// CodeSystemGone is the code of what is parked because the configuration knows its
// system no longer.
const CodeSystemGone = "system-gone"

// Delivery is one document to one system.
type Delivery struct {
	ID        ID
	Role      string // what the route calls the receiver
	System    string // this municipality's system for the role
	Document  string // name of the mapping that renders it
	After     []int  // ordinals of the deliveries that must settle first
	Optional  bool   // its failure does not keep the submission from settling
	State     DeliveryState
	Reason    ParkReason // while parked
	Code      string     // stable word for the last outcome that was not a success
	NotBefore time.Time  // not claimed before
	Attempts  int        // counted ones of this life: the place in the retry schedule; a replay starts a new life
	FirstAt   time.Time  // the first attempt of this life; the retry schedule's give-up counts from here
	UpdatedAt time.Time
	SettledAt time.Time
	Uncertain bool   // an attempt may have reached the system: ask before sending again
	SHA256    string // hex, of the rendered document
}

// Attempt is one try of a delivery. Detail is for operators and may quote the
// system's answer: it is stored sealed.
type Attempt struct {
	Delivery ID
	N        int
	At       time.Time
	Took     time.Duration
	Node     string
	Kind     string // "send", "ask", "rescue" or "replay"
	Outcome  string // as a connector gives it; "open" while it runs
	Code     string
	Detail   string
}

// Event is one line of a submission's story, as a portal or an operator reads it.
type Event struct {
	At       time.Time `json:"at"`
	Type     string    `json:"type"` // accepted, planned, attempt, delivered, parked, replayed, closed, settled, …
	Delivery ID        `json:"delivery,omitzero"`
	Role     string    `json:"role,omitempty"`
	System   string    `json:"system,omitempty"`
	Actor    string    `json:"actor,omitempty"`
	Code     string    `json:"code,omitempty"`
	Text     string    `json:"text,omitempty"`
}
