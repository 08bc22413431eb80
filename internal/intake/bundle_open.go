package intake

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// BundleReceipt is the answer to the opening of a bundle.
type BundleReceipt struct {
	ID       hub.ID       `json:"id"`
	Number   string       `json:"number"` // fit for the phone
	Bundle   string       `json:"bundle"` // its form
	OpenedAt time.Time    `json:"opened-at"`
	Status   string       `json:"status"` // where its list and its status are
	Parts    []PartResult `json:"parts"`  // what became of the submissions in the same call, in their order
}

// PartResult is what became of one submission of a call: its receipt as it would
// have been the answer to it alone, byte for byte, or the problem.
type PartResult struct {
	N       int             `json:"n"`              // from 1
	Part    string          `json:"part,omitempty"` // absent where its metadata could not be read
	Status  int             `json:"status"`         // that it would have had alone: 202, or the problem's
	Receipt json.RawMessage `json:"receipt,omitempty"`
	Problem json.RawMessage `json:"problem,omitempty"`
}

// openBundle opens a bundle, and takes the submissions that come with it. Each is
// durable before the next is read, and has its own success: what refuses one is
// its result, and the others go on. What a repetition may heal ends the call with
// that problem instead; the same call then finds what was kept before.
func (a *API) openBundle(c *call) *refusal {
	key, p := idempotencyKey(c.r.Header)
	if p != nil {
		return p
	}
	leave, ok := a.flight.enter(c.portal.Name, "bundle "+key) // no submission's key has a blank
	if !ok {
		return refuse(CodeKeyInFlight).again(time.Second).leavingBody()
	}
	defer leave()

	var parts *bundleParts
	var req bundleRequest
	var findings []Finding
	if boundary, multi := multipartBoundary(c.r.Header.Get("Content-Type")); multi {
		if parts, req, findings, p = a.bundleParts(c, boundary); p != nil {
			return p.leavingBody()
		}
	} else if req, findings, p = a.bundleBody(c, membersOfOpening, false); p != nil {
		return p
	}
	opened, form, p := a.opening(c, key, &req, findings, parts != nil)
	if p != nil {
		return p.leavingBody()
	}
	receipt := BundleReceipt{
		ID: opened.Bundle.ID, Number: opened.Bundle.ID.Number(), Bundle: opened.Bundle.Name, OpenedAt: opened.Bundle.OpenedAt.UTC(),
		Status: bundleURL(c, opened.Bundle.ID), Parts: []PartResult{},
	}
	refused := false
	if parts != nil {
		parts.answers = &req.BundleAnswers
		if opened.Replayed { // they may have been replaced since
			b, err := a.Store.Bundle(c.r.Context(), opened.Bundle.ID)
			if err != nil {
				return bundleProblem(err).leavingBody()
			}
			parts.answers = a.readableAnswers(b)
		}
		if receipt.Parts, refused, p = parts.take(key, &opened, form); p != nil {
			return p
		}
	}
	if req.close && !refused {
		if p := a.close(c, opened.Bundle.ID, actor(c, req.clerk)); p != nil {
			return p
		}
	}
	return a.bundleReceipt(c, &receipt, opened.Replayed, refused)
}

// opening makes the bundle durable, or finds the one that the key has opened.
func (a *API) opening(c *call, key string, req *bundleRequest, findings []Finding, inPart bool) (store.OpenedBundle, *route.Bundle, *refusal) {
	part := ""
	if inPart {
		part = "bundle"
	}
	r := bundleReader{c: c, part: part, findings: findings}
	form, ok := bundleFormOf(c, req.name)
	switch {
	case req.name == "":
		r.find("/bundle", "required", missing)
	case !ok:
		r.find("/bundle", "unknown", text{"Eine solche Mappe gibt es für dieses Portal nicht; die Liste liegt unter /v1/bundle-forms.",
			"There is no such bundle for this portal; the list is at /v1/bundle-forms."})
	default:
		r.findings = append(r.findings, checkAnswers(c, form, req.Answers, part)...)
	}
	if len(r.findings) > 0 {
		return store.OpenedBundle{}, nil, refuse(CodeMetaInvalid).with(r.findings...)
	}
	print, err := req.fingerprint()
	if err != nil {
		return store.OpenedBundle{}, nil, refuse(CodeInternal).because(err)
	}
	dataKey, wrapped, err := a.Vault.NewKey(c.id, c.portal.Name)
	if err != nil {
		return store.OpenedBundle{}, nil, refuse(CodeInternal).because(err)
	}
	answers, err := json.Marshal(req.BundleAnswers)
	if err != nil {
		return store.OpenedBundle{}, nil, refuse(CodeInternal).because(err)
	}
	opened, err := a.Store.OpenBundle(context.WithoutCancel(c.r.Context()), &store.BundleOpening{
		Bundle: hub.Bundle{ID: c.id, Name: req.name, Portal: c.portal.Name, OpenedAt: c.at.UTC(), Revision: c.snap.Revision, Version: 1},
		Key:    key, Fingerprint: print, DataKey: wrapped, Answers: dataKey.Seal(hub.RecordBundle, answers), Actor: actor(c, req.clerk),
	})
	if err != nil {
		return store.OpenedBundle{}, nil, bundleProblem(err)
	}
	c.id = opened.Bundle.ID
	return opened, form, nil
}

// bundleReceipt answers 201 where every submission of the call was accepted, 207
// where one was not: a portal that looks at the status alone notices.
func (a *API) bundleReceipt(c *call, receipt *BundleReceipt, replayed, refused bool) *refusal {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false) // a receipt stays as it is
	if err := e.Encode(receipt); err != nil {
		return refuse(CodeInternal).because(err)
	}
	body := out.Bytes()
	c.outcome = outcomeOpened
	if replayed {
		c.outcome = outcomeReplayed
	}
	h := c.w.Header()
	h["Content-Type"] = jsonType
	h["Location"] = []string{receipt.Status}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	status := http.StatusCreated
	if refused {
		status = http.StatusMultiStatus
	}
	c.w.WriteHeader(status)
	_, _ = c.w.Write(body)
	return nil
}

// bundleProblem is storeProblem where a bundle is looked up.
func bundleProblem(err error) *refusal {
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refuse(CodeBundle)
	case errors.Is(err, store.ErrState):
		return refuse(CodeBundleClosed)
	}
	return storeProblem(err)
}

// bundleURL is a bundle's address as portals see it.
func bundleURL(c *call, id hub.ID) string { return public(c.snap) + "/v1/bundles/" + id.String() }

// checkBundle refuses a submission to a bundle that it cannot be part of.
func (rd *reader) checkBundle() *refusal {
	c, in := rd.c, rd.in
	if in.bundle.Zero() {
		return nil
	}
	form, answers := in.form, rd.answers
	if rd.bundle == nil {
		b, err := rd.Store.Bundle(c.r.Context(), in.bundle)
		switch {
		case errors.Is(err, store.ErrNotFound), err == nil && b.Bundle.Portal != c.portal.Name:
			return refuse(CodeBundle)
		case err != nil:
			return bundleProblem(err)
		case b.Bundle.Closed():
			return refuse(CodeBundleClosed)
		}
		form = c.snap.Bundles[b.Bundle.Name]
		answers = rd.readableAnswers(b)
	}
	pointer, rule, complaint := partPointer, "unknown", partComplaint
	if form != nil {
		if part, ok := form.Part(in.part); ok {
			switch home := homeOf(part, answers); {
			case part.Service != in.service:
				rule, complaint = "service", text{"Dieser Teil der Mappe ist für einen anderen Dienst.", "This part of the bundle is for another service."}
			case !governs(in.municipality, home):
				pointer, rule, complaint = "/municipality", "home", elsewhere(c, part.Old, home)
			default:
				return nil
			}
		}
	}
	f := Finding{Rule: rule, Detail: complaint.in(c.lang)}
	if in.format == "" { // the payload is still to come: multipart
		f.Part, f.Pointer = "metadata", pointer
	} else {
		f.Header = fieldAt(pointer).header
	}
	return refuse(CodeMetaInvalid).with(f)
}

// elsewhere says that a part went to a town that its home does not lie in.
func elsewhere(c *call, old bool, home string) text {
	town := townOf(c, home)
	name := strings.TrimSpace(town.Name + " " + town.AGS)
	if old {
		return text{"Dieser Teil der Mappe gehört zur alten Wohnung, und die liegt nach den Antworten in einer anderen Kommune: " + name + ". Zieht jemand anderswo weg, ändern Sie old.",
			"This part of the bundle is about the old home, which by the answers is in another municipality: " + name + ". Where somebody leaves another one, change old."}
	}
	return text{"Dieser Teil der Mappe gehört zur neuen Wohnung, und die liegt nach den Antworten in einer anderen Kommune: " + name + ". Zieht jemand anderswohin, ändern Sie new.",
		"This part of the bundle is about the new home, which by the answers is in another municipality: " + name + ". Where somebody moves to another one, change new."}
}

// readableAnswers are those of a bundle, and none where they cannot be opened: what
// nobody can read any more keeps no submission away.
func (a *API) readableAnswers(b *store.BundleCase) *hub.BundleAnswers {
	answers, p := a.answersOf(b)
	if p != nil {
		a.Log.Error("a bundle's answers cannot be opened; its parts are taken without them", "bundle", b.Bundle.ID.String(), "error", p.cause)
		return &hub.BundleAnswers{}
	}
	return answers
}
