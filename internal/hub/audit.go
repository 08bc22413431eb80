package hub

import "time"

// AuditEntry is who did what to what, and why. It never names a citizen.
type AuditEntry struct {
	Seq    int64     `json:"seq"`
	At     time.Time `json:"at"`
	Actor  string    `json:"actor"`  // "portal:…", "counter:PORTAL/CLERK", "operator:…", "hub"
	Action string    `json:"action"` // accepted, replayed, closed, paused, …
	Object string    `json:"object"` // an id or a name
	Reason string    `json:"reason,omitempty"`
	Hash   string    `json:"hash"` // hex SHA-256 over the entry and the hash before it
}
