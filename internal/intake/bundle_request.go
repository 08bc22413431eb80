package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"slices"
	"strings"
	"unicode/utf8"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
)

// bundleRequest is what a portal says about a bundle.
type bundleRequest struct {
	name  string // of its form
	close bool   // once every submission of this call is accepted
	clerk string
	hub.BundleAnswers
}

// The members that a body may have.
var (
	membersOfOpening = []string{"bundle", "old", "new", "answers", "close", clerkPointer[1:]}
	membersOfAnswers = []string{"old", "new", "answers", clerkPointer[1:]}
	membersOfClosing = []string{clerkPointer[1:]}
)

// bundleReader reads a body strictly: a name that is unknown or stands twice is a
// finding, so that a misspelt one is never overlooked.
type bundleReader struct {
	dec      *json.Decoder
	c        *call
	part     string // of a multipart request; empty where the body is this alone
	members  []string
	findings []Finding
}

// readBundle reads one JSON object. malformed is true for what is none.
func readBundle(c *call, body []byte, part string, members []string) (req bundleRequest, findings []Finding, malformed bool) {
	if !utf8.Valid(body) {
		return req, nil, true
	}
	r := &bundleReader{dec: json.NewDecoder(bytes.NewReader(body)), c: c, part: part, members: members}
	if r.object("", func(name string) error { return r.member(name, &req) }) != nil {
		return req, nil, true
	}
	if _, err := r.dec.Token(); err != io.EOF {
		return req, nil, true
	}
	switch {
	case c.portal.Operator && req.clerk == "":
		r.find("/clerk", "required", clerkMissing)
	case !c.portal.Operator && req.clerk != "":
		r.find("/clerk", "counter-only", counterOnly)
	}
	return req, r.findings, false
}

func (r *bundleReader) find(pointer, rule string, complaint text) {
	r.findings = append(r.findings, Finding{Part: r.part, Pointer: pointer, Rule: rule, Detail: complaint.in(r.c.lang)})
}

// object reads an object; member reads the value behind each new name.
func (r *bundleReader) object(at string, member func(name string) error) error {
	if t, err := r.dec.Token(); err != nil || t != json.Delim('{') {
		return errNotMetadata
	}
	seen := map[string]bool{}
	for r.dec.More() {
		t, err := r.dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		if seen[name] {
			r.find(plainPointer(at, name), "twice", twice)
			err = r.skip()
		} else {
			err = member(name)
		}
		if err != nil {
			return err
		}
		seen[name] = true
	}
	_, err := r.dec.Token()
	return err
}

// plainPointer names a member whose name may be anything: only a plain word is
// repeated.
func plainPointer(at, name string) string {
	if len(name) > 40 || !nameForm.MatchString(name) {
		return at
	}
	return at + "/" + name
}

func (r *bundleReader) skip() error {
	var raw json.RawMessage
	return r.dec.Decode(&raw)
}

func (r *bundleReader) member(name string, req *bundleRequest) error {
	if !slices.Contains(r.members, name) {
		r.find(plainPointer("", name), "unknown", unknown)
		return r.skip()
	}
	if name == "answers" {
		req.Answers = map[string]any{}
		return r.object("/answers", func(question string) error {
			var answer any
			if err := r.dec.Decode(&answer); err != nil {
				return err
			}
			req.Answers[question] = answer
			return nil
		})
	}
	var raw any
	if err := r.dec.Decode(&raw); err != nil {
		return err
	}
	value, isText := raw.(string)
	yes, isBool := raw.(bool)
	if isText == (name == "close") || isBool != (name == "close") {
		complaint := notText
		if name == "close" {
			complaint = notBool
		}
		r.find("/"+name, "type", complaint)
		return nil
	}
	switch name {
	case "bundle":
		req.name = value
	case "close":
		req.close = yes
	case "old", "new":
		if !agsForm.MatchString(value) {
			r.find("/"+name, "format", agsComplaint)
		}
		if name == "old" {
			req.Old = value
		} else {
			req.New = value
		}
	case "clerk":
		req.clerk = strings.TrimSpace(value)
		if rule, complaint := short(value, maxWord); rule != "" {
			r.find("/clerk", rule, complaint)
		}
	}
	return nil
}

// checkAnswers holds the answers against the form.
func checkAnswers(c *call, form *route.Bundle, answers map[string]any, part string) (findings []Finding) {
	r := bundleReader{c: c, part: part}
	for question, answer := range answers {
		err := form.Check(question, answer)
		pointer := plainPointer("/answers", question)
		switch {
		case errors.Is(err, route.ErrNoQuestion):
			r.find(pointer, "unknown", text{"Diese Frage gibt es in der Mappe nicht.", "The bundle has no such question."})
		case errors.Is(err, route.ErrNotYesNo):
			r.find(pointer, "type", text{"Die Antwort ist true oder false.", "The answer is true or false."})
		case err != nil:
			r.find(pointer, "option", text{"Die Antwort ist keine der Möglichkeiten.", "The answer is none of the options."})
		}
	}
	slices.SortFunc(r.findings, func(a, b Finding) int { return strings.Compare(a.Pointer, b.Pointer) })
	return r.findings
}

// fingerprint is over what a portal means by "the same" opening. The submissions
// have their own.
func (req *bundleRequest) fingerprint() ([32]byte, error) {
	plain, err := json.Marshal(struct { // maps are written in order of their keys
		Name, Clerk string
		Close       bool
		hub.BundleAnswers
	}{req.name, req.clerk, req.close, req.BundleAnswers})
	return sha256.Sum256(plain), err
}

// bundleBody reads a body that is JSON alone. Nothing at all is an empty object
// where that will do.
func (a *API) bundleBody(c *call, members []string, optional bool) (bundleRequest, []Finding, *refusal) {
	if !plain(c.r.Header, "Content-Encoding") {
		return bundleRequest{}, nil, refuse(CodeContentEncoding).leavingBody()
	}
	rd := &reader{API: a, c: c, in: &received{}}
	body, err := io.ReadAll(io.LimitReader(c.r.Body, maxMetadata+1))
	switch {
	case err != nil:
		return bundleRequest{}, nil, rd.problem(err)
	case len(body) > maxMetadata:
		return bundleRequest{}, nil, refuse(CodeMetaMalformed, bytesText(maxMetadata)).leavingBody()
	case len(body) == 0 && optional:
		body = []byte("{}")
	default:
		if essence, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || essence != "application/json" {
			return bundleRequest{}, nil, refuse(CodeMediaType, "application/json")
		}
	}
	req, findings, malformed := readBundle(c, body, "", members)
	if malformed {
		return req, nil, refuse(CodeMetaMalformed, bytesText(maxMetadata))
	}
	return req, findings, nil
}

// bundleFormOf gives the form of a bundle, if this portal may submit one of its
// parts anywhere.
func bundleFormOf(c *call, name string) (*route.Bundle, bool) {
	form, ok := c.snap.Bundles[name]
	if !ok {
		return nil, false
	}
	return form, slices.ContainsFunc(form.Parts, func(p route.Part) bool { return offeredAnywhere(c.snap, c.portal, p.Service) })
}

func offeredAnywhere(snap *config.Snapshot, portal *config.Portal, service string) bool {
	for ags := range snap.Municipalities {
		if _, ok := snap.Binding(ags, service); ok && portal.Allows(ags, service) {
			return true
		}
	}
	return false
}
