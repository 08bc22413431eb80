package hub

import "time"

// SubmissionState is where a submission stands; see the diagram in doc.go.
type SubmissionState string

// The states of a submission.
const (
	SubmissionAccepted SubmissionState = "accepted" // durable, not yet planned
	SubmissionRunning  SubmissionState = "running"  // deliveries are under way
	SubmissionParked   SubmissionState = "parked"   // at least one delivery, or the submission itself, needs a person
	SubmissionSettled  SubmissionState = "settled"  // every delivery has come to its end
	SubmissionDamaged  SubmissionState = "damaged"  // a stored record failed its check; nothing of it is sent
	SubmissionErased   SubmissionState = "erased"   // it had settled and was deleted; only the row is left
)

// SubmissionStates are all of them.
var SubmissionStates = []SubmissionState{SubmissionAccepted, SubmissionRunning, SubmissionParked, SubmissionSettled, SubmissionDamaged, SubmissionErased}

// Submission is what a portal pushed, without its content: everything here may
// be listed, counted and logged. What is personal is in Meta and the documents,
// which are sealed.
type Submission struct {
	ID           ID
	Municipality string // AGS
	Service      string
	Portal       string
	Channel      string // "portal", "counter" or "hub"
	State        SubmissionState
	Reason       ParkReason // why the submission itself is parked; empty where only its deliveries are
	Code         string     // the finding behind Reason, a stable word
	Consent      Consent
	ReceivedAt   time.Time
	SettledAt    time.Time // zero until settled
	Hold         Hold      // keeps it from being deleted
	Erased       Erased    // what of it was deleted
	WithdrawnAt  time.Time // zero unless the citizen took it back before everything had left
	Revision     string    // of the configuration it was accepted under
	Format       string    // "xml" or "json"
	SHA256       [32]byte  // of the payload as received
	Size         int64     // of the payload, bytes
	Attachments  int
	Trace        string     // W3C traceparent
	Told         CaseStatus // that its portal was last told by a callback, at first RECEIVED by the receipt; empty where it wants none
	Bundle       ID         // that it belongs to; zero for none
	Part         string     // of the bundle
	Version      int64      // rises with every change; guards against two workers at once
}

// Unplanned reports whether nobody knows yet who gets the submission, or nobody could say:
// it has no delivery, and a person may send it through the flow again.
func (s *Submission) Unplanned() bool {
	return s.State == SubmissionAccepted || s.State == SubmissionParked && s.Reason != ""
}

// Consent is the citizen's word that the data may be stored and handed on.
type Consent struct {
	Given   bool      `json:"given"`
	At      time.Time `json:"at"`
	Wording string    `json:"wording,omitempty"` // version of the text that was shown
}

// Meta is the part of a submission's metadata that may name a person. It is
// stored sealed.
type Meta struct {
	Reference  string `json:"reference,omitempty"`   // the portal's own reference
	TrustLevel string `json:"trust-level,omitempty"` // of the citizen's account: STORK-QAA-Level-1 … -4
	Mailbox    string `json:"mailbox,omitempty"`     // the account's mailbox handle
	Clerk      string `json:"clerk,omitempty"`       // who took the case down at a counter
	MediaType  string `json:"media-type"`            // of the payload, as received

	// Account are attributes of the citizen's account by name, as the portal or, verified,
	// the handing hub has told them: surname, givenName, birthdate.
	Account map[string]string `json:"account,omitempty"`
	// Via are the hubs that have handed the submission on, the first one first.
	Via []string `json:"via,omitempty"`
}

// Attachment is a file that came with a submission. Its name may be personal:
// it is stored sealed, like the content.
type Attachment struct {
	N           int    `json:"n"` // from 1
	Name        string `json:"name"`
	ContentType string `json:"content-type"`
	Size        int64  `json:"size"`
	SHA256      string `json:"sha256"` // hex, of the content as received
}
