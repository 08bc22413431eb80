package intake

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// submit takes a submission: 202 with a receipt once it is on disk.
func (a *API) submit(c *call) *refusal {
	key, p := idempotencyKey(c.r.Header)
	if p != nil {
		return p
	}
	leave, ok := a.flight.enter(c.portal.Name, key)
	if !ok {
		return refuse(CodeKeyInFlight).again(time.Second).leavingBody()
	}
	defer leave()

	in := &received{spool: newSpool(a.Attachments, c.id), key: key}
	defer in.release()
	if p := a.receive(c, in, func() (bool, *refusal) { return a.known(c, key) }); p != nil {
		return p
	}
	done, p := a.keep(c, in, key)
	if p != nil {
		return p
	}
	a.receipt(c, done)
	return nil
}

// keep has what was received accepted, or finds the answer that its key has already.
func (a *API) keep(c *call, in *received, key string) (store.Accepted, *refusal) {
	print := in.fingerprint()
	if in.refused != nil {
		return a.earlier(c, key, print, in.refused)
	}
	acceptance, p := a.acceptance(c, in)
	if p != nil {
		return store.Accepted{}, p
	}
	acceptance.Key, acceptance.Fingerprint = key, print
	return a.accept(c, in, acceptance)
}

// known reports whether a key has an answer or was used for other content: only
// then is it worth reading on what will be refused otherwise.
func (a *API) known(c *call, key string) (bool, *refusal) {
	_, err := a.Store.Earlier(c.r.Context(), c.portal.Name, key, [32]byte{})
	switch {
	case err == nil, errors.Is(err, store.ErrKeyReused):
		return true, nil
	case errors.Is(err, store.ErrNotFound):
		return false, nil
	}
	return false, storeProblem(err).leavingBody()
}

// earlier gives the answer that the key has already, or the refusal.
func (a *API) earlier(c *call, key string, print [32]byte, refused *refusal) (store.Accepted, *refusal) {
	earlier, err := a.Store.Earlier(c.r.Context(), c.portal.Name, key, print)
	switch {
	case err == nil:
		return earlier, nil
	case errors.Is(err, store.ErrNotFound): // forgotten between the two looks
		return store.Accepted{}, refused
	}
	return store.Accepted{}, storeProblem(err)
}

// accept hands over to the store. From here the portal's hanging up changes
// nothing: what has arrived complete is kept, and its repetition is answered.
func (a *API) accept(c *call, in *received, acceptance *store.Acceptance) (store.Accepted, *refusal) {
	done, err := a.Store.Accept(context.WithoutCancel(c.r.Context()), acceptance)
	switch {
	case err == nil && done.Replayed:
		return done, nil
	case err == nil:
		in.spool.kept = true
		a.Ring(done.ID)
		return done, nil
	case errors.Is(err, store.ErrUnknown):
		in.spool.kept = true // the submission may be there after all; else they are swept away
	case errors.Is(err, store.ErrFull): // for what is new; it is read all the same
		return a.earlier(c, acceptance.Key, acceptance.Fingerprint, storeProblem(err))
	}
	return store.Accepted{}, bundleProblem(err) // of what is written only the bundle is looked up
}

// storeProblem says what a store's error means for the portal.
func storeProblem(err error) *refusal {
	switch {
	case errors.Is(err, store.ErrKeyReused):
		return refuse(CodeKeyReused)
	case errors.Is(err, store.ErrFull):
		return refuse(CodeFull).again(30 * time.Second).because(err)
	case errors.Is(err, store.ErrUnknown):
		return refuse(CodeUnknown).again(5 * time.Second).because(err)
	}
	return refuse(CodeUnavailable).again(5 * time.Second).because(err)
}

// acceptance seals everything and writes the receipt.
func (a *API) acceptance(c *call, in *received) (*store.Acceptance, *refusal) {
	ags := in.binding.Municipality.AGS
	if p := in.spool.unlock(a.Vault, ags); p != nil {
		return nil, p
	}
	key := in.spool.key
	meta, err := json.Marshal(hub.Meta{Reference: in.reference, TrustLevel: in.trust, Mailbox: in.mailbox, Clerk: in.clerk, MediaType: in.mediaType, Account: in.account, Via: in.via})
	if err != nil {
		return nil, refuse(CodeInternal).because(err)
	}
	attachments, err := in.spool.sealed()
	if err != nil {
		return nil, refuse(CodeInternal).because(err)
	}
	answer, err := a.receiptBody(c, in)
	if err != nil {
		return nil, refuse(CodeInternal).because(err)
	}
	channel := "portal"
	switch {
	case c.portal.Operator:
		channel = "counter"
	case c.portal.Hub != nil:
		channel = "hub"
	}
	trace := ""
	if a.Trace != nil {
		trace = a.Trace(c.r.Context())
	}
	if trace == "" {
		trace = traceparent(c.r.Header)
	}
	acceptance := &store.Acceptance{
		Submission: hub.Submission{
			ID: c.id, Municipality: ags, Service: in.service, Portal: c.portal.Name, Channel: channel,
			State:      hub.SubmissionAccepted,
			Consent:    hub.Consent{Given: in.consent, At: in.consentAt.UTC(), Wording: in.wording},
			ReceivedAt: c.at.UTC(), Revision: c.snap.Revision, Format: in.format, SHA256: in.sum,
			Size: int64(len(in.payload.bytes)), Attachments: len(attachments), Trace: trace,
			Bundle: in.bundle, Part: in.part, Version: 1,
		},
		Answer:      answer,
		DataKey:     in.spool.wrapped,
		Meta:        key.Seal(hub.RecordMeta, meta),
		Payload:     key.Seal(hub.RecordPayload, in.payload.bytes),
		Attachments: attachments,
		Actor:       actor(c, in.clerk),
	}
	if in.order != "" {
		acceptance.OrderKey = a.Vault.Hash("order", ags, in.order)
	}
	return acceptance, nil
}

// actor is who submits, for the audit trail.
func actor(c *call, clerk string) string {
	switch {
	case c.portal.Operator:
		return "counter:" + c.portal.Name + "/" + clerk
	case c.portal.Hub != nil:
		return "hub:" + c.portal.Name
	}
	return "portal:" + c.portal.Name
}

// Receipt is the body of a 202. It names no person: it is kept as it is, to be
// given again.
type Receipt struct {
	ID          hub.ID              `json:"id"`
	Number      string              `json:"number"` // fit for the phone
	ReceivedAt  time.Time           `json:"received-at"`
	SHA256      string              `json:"sha256"` // hex, of the payload as received
	Attachments []AttachmentReceipt `json:"attachments,omitempty"`
	Status      string              `json:"status"` // where to ask what became of it
}

// AttachmentReceipt is what was received of one attachment.
type AttachmentReceipt struct {
	N      int    `json:"n"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hex, of the content as received
}

func (a *API) receiptBody(c *call, in *received) ([]byte, error) {
	r := Receipt{
		ID: c.id, Number: c.id.Number(), ReceivedAt: c.at.UTC().Truncate(time.Microsecond), // as it is stored
		SHA256: hex.EncodeToString(in.sum[:]), Status: statusURL(c, c.id),
	}
	for _, f := range in.spool.files {
		r.Attachments = append(r.Attachments, AttachmentReceipt{N: f.info.N, Size: f.info.Size, SHA256: f.info.SHA256})
	}
	return json.Marshal(r)
}

// statusURL is a submission's address as portals see it.
func statusURL(c *call, id hub.ID) string {
	return public(c.snap) + "/v1/submissions/" + id.String()
}

// public is where the addresses in answers begin; empty where none is configured,
// so that they are relative.
func public(s *config.Snapshot) string { return strings.TrimSuffix(s.Hub.Listen.Public, "/") }

// receipt answers 202 with the body as it is kept.
func (a *API) receipt(c *call, done store.Accepted) {
	c.outcome, c.id = outcomeOf(done), done.ID
	h := c.w.Header()
	h["Content-Type"] = jsonType
	h["Location"] = []string{statusURL(c, done.ID)}
	h["Content-Length"] = []string{strconv.Itoa(len(done.Answer))}
	c.w.WriteHeader(http.StatusAccepted)
	_, _ = c.w.Write(done.Answer)
}

func outcomeOf(done store.Accepted) string {
	if done.Replayed {
		return outcomeReplayed
	}
	return outcomeAccepted
}

var jsonType = []string{"application/json"}
