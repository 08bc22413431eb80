package admin

import "fmt"

// Problem is an error of the admin API: RFC 9457 problem details.
type Problem struct {
	Type   string `json:"type"` // urn:stellwerk:problem:<code>
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	Code   string `json:"code"` // a stable word
}

// Error gives the detail, or the title where there is none.
func (p *Problem) Error() string {
	if p.Detail != "" {
		return p.Detail
	}
	return fmt.Sprintf("%s (%d)", p.Title, p.Status)
}

// The codes of problems.
const (
	CodeUnauthorized = "unauthorized"
	CodeNotFound     = "not-found"
	CodeInvalid      = "invalid"
	CodeTooLarge     = "too-large"
	CodeMediaType    = "media-type"
	CodeState        = "state"     // the order does not fit the state
	CodeStale        = "stale"     // changed meanwhile
	CodeDamaged      = "damaged"   // a stored record failed its check
	CodeDestroyed    = "destroyed" // the content's key is gone
	CodeHeld         = "held"      // the payload cannot be rendered
	CodeFull         = "disk-full"
	CodeUnavailable  = "unavailable"
	CodeInternal     = "internal"
)
