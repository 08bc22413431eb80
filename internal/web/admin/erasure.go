package admin

import (
	"context"
	"net/url"
	"strconv"
	"time"

	"stellwerk/internal/hub"
)

// Erase is the order to delete submissions: those named, or those of a person, found
// by every one of the values that people search for.
type Erase struct {
	Submissions  []string `json:"submissions,omitempty"` // ids or numbers, at most MostErased
	Search       []string `json:"search,omitempty"`      // values of business keys; a submission must have them all
	Municipality string   `json:"municipality,omitempty"`
	Service      string   `json:"service,omitempty"`
	// Cases is how many submissions the search must find, as the dry run said.
	Cases  int    `json:"cases,omitempty"`
	DryRun bool   `json:"dry-run,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Order goes on with an order that has deleted something: of the same person, for the
	// same reason. So more than MostErased are one.
	Order hub.ID `json:"order,omitzero"`
}

// MostErased is how many submissions one request deletes at most.
const MostErased = 1000

// Erasure is what became of it: the proof.
type Erasure struct {
	Order     hub.ID        `json:"order,omitzero"`
	Matched   int           `json:"matched"`
	Deletions []Deletion    `json:"deletions"`
	Refused   []NotErased   `json:"refused,omitempty"`
	DryRun    bool          `json:"dry-run,omitempty"`
	Found     []Submission  `json:"found,omitempty"`    // of a dry run
	FoundBy   []FoundBy     `json:"found-by,omitempty"` // of a dry run by search
	Files     ErasureInFile `json:"files"`
}

// FoundBy says which business keys of a submission had what was searched for: the
// person may be the one who applied, or only be named by somebody else.
type FoundBy struct {
	Number string   `json:"number"`
	Keys   []string `json:"keys"`
}

// ErasureInFile says whether destroyed keys have left the store's files, too.
type ErasureInFile struct {
	Keys       int  `json:"keys"`        // that were looked for
	Pages      int  `json:"pages"`       // with the rest of one, overwritten
	Remaining  int  `json:"remaining"`   // that could not be overwritten
	LogEmptied bool `json:"log-emptied"` // the write-ahead log
}

// NotErased is a submission that was not deleted, and why.
type NotErased struct {
	Submission hub.ID `json:"submission,omitzero"`
	Number     string `json:"number"` // or the name that was given
	Code       string `json:"code"`
	Detail     string `json:"detail"`
}

// Deletion is the record of one.
type Deletion struct {
	Number string `json:"number"` // of the submission
	hub.Deletion
}

// Deletions is a piece of their list, newest first.
type Deletions struct {
	Deletions []Deletion `json:"deletions"`
	Next      int64      `json:"next,omitempty"` // N to go on before; absent at the end
	// Damaged are the numbers of records that fail their check and are left out.
	Damaged []int64 `json:"damaged,omitempty"`
}

// Retention is what the rules would delete now, and what comes next.
type Retention struct {
	Examined  int            `json:"examined"`
	Unsettled int            `json:"unsettled"` // kept in any case
	Held      int            `json:"held"`      // due, and under a legal hold
	Due       map[string]int `json:"due"`       // submissions by part
	Next      []RetentionDue `json:"next"`
	LastRun   time.Time      `json:"last-run,omitzero"`
}

// RetentionDue is what falls due of one submission.
type RetentionDue struct {
	Submission   hub.ID    `json:"submission"`
	Number       string    `json:"number"`
	Municipality string    `json:"municipality"`
	Service      string    `json:"service"`
	Parts        []string  `json:"parts"`
	Rules        string    `json:"rules"`
	At           time.Time `json:"at"`
}

// RunRetention has what is due deleted now.
type RunRetention struct {
	// Today is a person's word for the date, where the hub does not trust its clock.
	Today string `json:"today,omitempty"`
}

// RetentionRun is what a run did.
type RetentionRun struct {
	Order    hub.ID         `json:"order"`
	Examined int            `json:"examined"`
	Erased   map[string]int `json:"erased"` // submissions by part
	Held     int            `json:"held"`
	Refused  int            `json:"refused"`
	Files    ErasureInFile  `json:"files"`
	// AuditFrom is the entry behind which the trail begins; 0: it is whole.
	AuditFrom int64 `json:"audit-from,omitempty"`
}

// Hold keeps a submission from being deleted.
func (c *Client) Hold(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/hold", Reason{reason}, &s)
}

// Release lifts a hold.
func (c *Client) Release(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/release", Reason{reason}, &s)
}

// Erase deletes submissions. What is searched for travels in the body.
func (c *Client) Erase(ctx context.Context, e Erase) (r Erasure, err error) {
	return r, c.post(ctx, "/admin/v1/erasures", e, &r)
}

// Deletions reads deletion records: of a submission, of an order, or all; before is
// Next of the page before.
func (c *Client) Deletions(ctx context.Context, submission string, order hub.ID, before int64, limit int) (d Deletions, err error) {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	if submission != "" {
		q.Set("submission", submission)
	}
	if !order.Zero() {
		q.Set("order", order.String())
	}
	if before > 0 {
		q.Set("before", strconv.FormatInt(before, 10))
	}
	return d, c.get(ctx, "/admin/v1/deletions?"+q.Encode(), &d)
}

// Retention says what the rules would delete.
func (c *Client) Retention(ctx context.Context, limit int) (r Retention, err error) {
	return r, c.get(ctx, "/admin/v1/retention?limit="+strconv.Itoa(limit), &r)
}

// RunRetention deletes what is due now.
func (c *Client) RunRetention(ctx context.Context, o RunRetention) (r RetentionRun, err error) {
	return r, c.post(ctx, "/admin/v1/retention/run", o, &r)
}
