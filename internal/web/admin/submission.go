package admin

import (
	"time"

	"stellwerk/internal/hub"
)

// Submission is a submission without its content.
type Submission struct {
	ID               hub.ID              `json:"id"`
	Number           string              `json:"number"` // as read out on the phone
	State            hub.SubmissionState `json:"state"`
	Status           hub.CaseStatus      `json:"status"`             // as portals and citizens are told
	Told             string              `json:"told"`               // the sentence that goes with it, German
	Waits            hub.Party           `json:"waits,omitempty"`    // who must act; empty where it takes its course
	WaitsTo          string              `json:"waits-to,omitempty"` // pay, act or review
	Reason           hub.ParkReason      `json:"reason,omitempty"`   // why the submission itself is parked
	Code             string              `json:"code,omitempty"`
	PortalKnows      hub.CaseStatus      `json:"portal-knows,omitempty"` // by the receipt or the last callback; empty where it wants none
	Municipality     string              `json:"municipality"`           // AGS
	MunicipalityName string              `json:"municipality-name,omitempty"`
	Service          string              `json:"service"`
	Title            string              `json:"title,omitempty"` // of the service, German
	Portal           string              `json:"portal"`
	Channel          string              `json:"channel,omitempty"`
	Consent          hub.Consent         `json:"consent"`
	ReceivedAt       time.Time           `json:"received-at"`
	SettledAt        time.Time           `json:"settled-at,omitzero"`
	Withdrawal       *hub.Withdrawal     `json:"withdrawal,omitempty"`
	Hold             *hub.Hold           `json:"hold,omitempty"`   // keeps it from being deleted
	Erased           *hub.Erased         `json:"erased,omitempty"` // what of it was deleted, and when
	Bundle           *InBundle           `json:"bundle,omitempty"` // that it belongs to
	Revision         string              `json:"revision"`         // of the configuration it was accepted under
	Format           string              `json:"format"`
	SHA256           string              `json:"sha256"` // hex, of the payload as received
	Size             int64               `json:"size"`
	Attachments      int                 `json:"attachments"`
	Trace            string              `json:"trace,omitempty"`
	Deliveries       []Delivery          `json:"deliveries"`
}

// Delivery is one document to one system.
type Delivery struct {
	ID        hub.ID            `json:"id"`
	Ordinal   int               `json:"ordinal"`
	Role      string            `json:"role"`
	System    string            `json:"system"`
	Document  string            `json:"document"`
	After     []int             `json:"after,omitempty"` // ordinals that must settle first
	Optional  bool              `json:"optional,omitempty"`
	State     hub.DeliveryState `json:"state"`
	Reason    hub.ParkReason    `json:"reason,omitempty"`
	Code      string            `json:"code,omitempty"`
	NotBefore time.Time         `json:"not-before,omitzero"`
	Attempts  int               `json:"attempts"`
	UpdatedAt time.Time         `json:"updated-at,omitzero"`
	SettledAt time.Time         `json:"settled-at,omitzero"`
	Uncertain bool              `json:"uncertain,omitempty"`
	SHA256    string            `json:"sha256,omitempty"`
	// Held says what keeps a due delivery from being sent; nil in lists.
	Held *Held `json:"held,omitempty"`
}

// Held is what holds a delivery back.
type Held struct {
	By     string              `json:"by"`               // order, paused, window, broken or gone
	Reason string              `json:"reason,omitempty"` // of the pause
	Until  time.Time           `json:"until,omitzero"`   // end of the window
	Number string              `json:"number,omitempty"` // the earlier submission of the same order key
	State  hub.SubmissionState `json:"state,omitempty"`  // of that one
}

// Filter chooses submissions; empty fields do not restrict. Search is a business
// key's value as written on the form: the hub hashes it and forgets it.
type Filter struct {
	State         hub.SubmissionState `json:"state,omitempty"`
	Service       string              `json:"service,omitempty"`
	Municipality  string              `json:"municipality,omitempty"`
	Portal        string              `json:"portal,omitempty"`
	DeliveryState hub.DeliveryState   `json:"delivery-state,omitempty"`
	System        string              `json:"system,omitempty"`
	Reason        hub.ParkReason      `json:"reason,omitempty"`
	Code          string              `json:"code,omitempty"`
	Since         time.Time           `json:"since,omitzero"`
	Until         time.Time           `json:"until,omitzero"`
	Number        string              `json:"number,omitempty"` // a number or an id
	Held          bool                `json:"held,omitempty"`   // only under a legal hold
	Bundle        string              `json:"bundle,omitempty"` // number or id of the bundle it belongs to
	Search        string              `json:"search,omitempty"`
	Before        hub.ID              `json:"before,omitzero"` // the cursor: Page.Next of the page before
	Limit         int                 `json:"limit,omitempty"` // 1 to 1000; 0 means 50
}

// Page is a piece of a list, newest first.
type Page struct {
	Submissions []Submission `json:"submissions"`
	Next        hub.ID       `json:"next,omitzero"` // cursor of the next page; absent on the last one
}

// Trace is a submission's whole story.
type Trace struct {
	Submission
	// Reference is the portal's own reference; it was opened from the vault.
	Reference string      `json:"reference,omitempty"`
	Events    []hub.Event `json:"events"`
	Attempts  []Attempt   `json:"attempts"`
	// Withheld says why details are missing, where they could not be opened.
	Withheld string `json:"withheld,omitempty"`
}

// Attempt is one try of a delivery; N 0 is the mapping.
type Attempt struct {
	Delivery     hub.ID    `json:"delivery"`
	Ordinal      int       `json:"ordinal"`
	N            int       `json:"n"`
	At           time.Time `json:"at,omitzero"`
	Milliseconds float64   `json:"milliseconds"`
	Node         string    `json:"node,omitempty"`
	Kind         string    `json:"kind"`
	Outcome      string    `json:"outcome"`
	Code         string    `json:"code,omitempty"`
	Detail       string    `json:"detail,omitempty"`
}

// Document is the content of a delivery's document, or of a payload.
type Document struct {
	Delivery    hub.ID `json:"delivery,omitzero"` // absent for a payload
	Name        string `json:"name,omitempty"`
	ContentType string `json:"content-type"`
	SHA256      string `json:"sha256"`
	Revision    string `json:"revision,omitempty"` // of the configuration it was mapped under
	Body        []byte `json:"body"`               // base64
}
