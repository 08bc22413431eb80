package hub

import "time"

// Bundle is several submissions that belong together, as a portal has opened it.
// The submissions in it are independent; their parts name what each is for. What
// somebody answered to the bundle's questions is stored sealed.
type Bundle struct {
	ID       ID
	Name     string // of its form, such as umzugsmappe
	Portal   string
	OpenedAt time.Time
	ClosedAt time.Time // zero while submissions may be added
	Revision string    // of the configuration it was opened under
	Version  int64     // rises with every change of the bundle itself, and with every part that is added
}

// Closed reports whether nothing is added any more.
func (b *Bundle) Closed() bool { return !b.ClosedAt.IsZero() }

// BundleAnswers is what somebody said about a bundle. It is stored sealed.
type BundleAnswers struct {
	Old     string         `json:"old,omitempty"` // AGS of the municipality that is left
	New     string         `json:"new,omitempty"` // AGS of the one that is moved to
	Answers map[string]any `json:"answers,omitempty"`
}
