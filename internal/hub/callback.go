package hub

import "time"

// CodeSuperseded is the code of a callback that was closed before it left, because
// a newer one tells more.
const CodeSuperseded = "superseded"

// CodeAskedAgain is the code of a delivery whose system has rung after its answer. Until
// there is another one it stands as it stood, and the same one once more is no news.
const CodeAskedAgain = "asked-again"

// Callback is the thin body of a callback, in the shape of Standard Webhooks. It names
// nobody and tells no answer: whoever gets it reads the status, with its own key.
type Callback struct {
	Type      string       `json:"type"`
	Timestamp time.Time    `json:"timestamp"` // when the status became what it is
	Data      CallbackData `json:"data"`
}

// The types of callbacks.
const (
	CallbackSubmission = "submission.status"
	CallbackBundle     = "bundle.status"
)

// CallbackData says whose status has changed.
type CallbackData struct {
	ID     ID     `json:"id"`
	Number string `json:"number,omitempty"` // as read out on the phone
	// Reference is the number that the case has at a hub that has handed it on; other
	// portals are told theirs by the status.
	Reference string     `json:"reference,omitempty"`
	Status    CaseStatus `json:"status"`
}

// News reports whether a portal that was told one status wants to know the other: that
// the citizen must act, that the case has ended, and that either is over again. The
// beginning is in the receipt, and what leads on from there is no news. A portal that
// was told nothing wants no callbacks.
func News(told, now CaseStatus) bool {
	switch {
	case told == "" || told == now:
		return false
	case now == CaseActionRequired || now.Final():
		return true
	}
	return told == CaseActionRequired || told.Final()
}
