package admin

import (
	"context"
	"net/url"
	"time"

	"stellwerk/internal/hub"
)

// Bundle is a bundle with the submissions in it. What somebody answered to its
// questions is the portal's and the citizen's business and stays sealed.
type Bundle struct {
	ID          hub.ID         `json:"id"`
	Number      string         `json:"number"` // as read out on the phone
	Bundle      string         `json:"bundle"` // its form
	Title       string         `json:"title,omitempty"`
	Portal      string         `json:"portal"`
	State       string         `json:"state"` // open or closed
	Status      hub.CaseStatus `json:"status"`
	Told        string         `json:"told"` // what the citizen is told, German
	OpenedAt    time.Time      `json:"opened-at"`
	ClosedAt    time.Time      `json:"closed-at,omitzero"`
	Revision    string         `json:"revision"`    // of the configuration it was opened under
	Submissions []Submission   `json:"submissions"` // in order of their receipt
	Events      []hub.Event    `json:"events"`
}

// InBundle is where a submission of a bundle belongs.
type InBundle struct {
	ID     hub.ID `json:"id"`
	Number string `json:"number"`
	Part   string `json:"part"`
}

// Bundle reads one by id or number.
func (c *Client) Bundle(ctx context.Context, id string) (b Bundle, err error) {
	return b, c.get(ctx, "/admin/v1/bundles/"+url.PathEscape(id), &b)
}
