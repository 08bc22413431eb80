package admin

import (
	"context"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
)

// Diff asks what a changed configuration would do to the last submissions. The
// hub compares what is in force with its own folder as it is on disk now; Files,
// by their paths in that folder (routes/…, mappings/…, ordinances/…,
// municipalities/…), are laid over it.
type Diff struct {
	Service      string            `json:"service,omitempty"`      // all where empty
	Municipality string            `json:"municipality,omitempty"` // all where empty
	Last         int               `json:"last,omitempty"`         // 1 to 500; 0 means 50
	CountsOnly   bool              `json:"counts-only,omitempty"`  // no value leaves the hub
	Files        map[string][]byte `json:"files,omitempty"`        // base64
}

// Differences is what would be different.
type Differences struct {
	From        string          `json:"from"`         // revision in force
	To          string          `json:"to,omitempty"` // revision compared with; absent where it has errors
	Findings    config.Findings `json:"findings"`     // of the changed configuration
	Submissions int             `json:"submissions"`  // looked at
	Changed     int             `json:"changed"`      // of these would be different
	Skipped     int             `json:"skipped"`      // of these cannot be opened, or planned under both
	Fields      []FieldCount    `json:"fields"`
	Cases       []CaseDiff      `json:"cases,omitempty"` // absent with counts-only
}

// FieldCount says how often a field would be different. Field is empty for a
// delivery that would come, go, or go to another system.
type FieldCount struct {
	Service string `json:"service"`
	Role    string `json:"role"`
	Mapping string `json:"mapping"`
	Field   string `json:"field,omitempty"`
	What    string `json:"what"` // changed, held, freed, added, removed, moved
	Count   int    `json:"count"`
}

// CaseDiff is what would be different in one submission's delivery.
type CaseDiff struct {
	Submission hub.ID        `json:"submission"`
	Number     string        `json:"number"`
	Service    string        `json:"service"`
	Role       string        `json:"role"`
	System     string        `json:"system"`
	Was        string        `json:"was,omitempty"`   // the old system
	State      string        `json:"state,omitempty"` // added or removed
	Changes    []FieldChange `json:"changes"`
}

// FieldChange is one field, with values of the citizen.
type FieldChange struct {
	Record   int    `json:"record"`
	Field    string `json:"field"`
	Old      string `json:"old"`
	New      string `json:"new"`
	OldState string `json:"old-state"` // present, absent or held:CODE
	NewState string `json:"new-state"`
}

// Diff asks what a changed configuration would do. Nothing is sent or kept.
func (c *Client) Diff(ctx context.Context, d Diff) (out Differences, err error) {
	return out, c.post(ctx, "/admin/v1/mapping-diffs", d, &out)
}
