package hub

import "time"

// Hold keeps a submission from being deleted until a person lifts it.
type Hold struct {
	Since  time.Time `json:"since"`
	By     string    `json:"by"` // as in the audit trail
	Reason string    `json:"reason"`
}

// On reports whether there is one.
func (h Hold) On() bool { return !h.Since.IsZero() }

// Erased says when which part of a submission was deleted; a zero time: it is
// there. With the metadata everything is gone but the row.
type Erased struct {
	Payload     time.Time `json:"payload,omitzero"` // with documents, answers and details
	Attachments time.Time `json:"attachments,omitzero"`
	Metadata    time.Time `json:"metadata,omitzero"`
}

// The parts of a submission that are deleted, as deletion records name them.
const (
	PartPayload     = "payload"
	PartAttachments = "attachments"
	PartMetadata    = "metadata"
)

// Deletion is the record of what was deleted of one submission at one time. It
// names nobody, and its line in the audit trail has its digest.
type Deletion struct {
	N            int64          `json:"n"` // one after the other, without a gap
	At           time.Time      `json:"at"`
	Order        ID             `json:"order"` // of an operator, or a run of the retention: what belongs together
	Actor        string         `json:"actor"`
	Rule         string         `json:"rule,omitempty"`   // of the retention
	Reason       string         `json:"reason,omitempty"` // of an operator
	Submission   ID             `json:"submission"`
	Municipality string         `json:"municipality"`
	Service      string         `json:"service"`
	ReceivedAt   time.Time      `json:"received-at"`
	SettledAt    time.Time      `json:"settled-at"`
	Parts        []string       `json:"parts"`
	KeyDestroyed bool           `json:"key-destroyed"` // copies elsewhere cannot be opened by what is kept here
	Counts       DeletionCounts `json:"counts"`
	// Recipients are the systems that have, or may have, the document: who orders a deletion
	// tells them of it (Art. 19 GDPR), and nothing else says any more who they were.
	Recipients []string `json:"recipients,omitempty"`
	SHA256     string   `json:"sha256"` // hex, over the sealed bytes in the order of store.Erase
}

// DeletionCounts say how much was deleted.
type DeletionCounts struct {
	Records      int   `json:"records"`   // sealed: metadata, payload, answers, details
	Documents    int   `json:"documents"` // rendered
	Attachments  int   `json:"attachments"`
	SearchHashes int   `json:"search-hashes"`
	Rows         int   `json:"rows"`  // of deliveries, attempts and events
	Bytes        int64 `json:"bytes"` // sealed
}
