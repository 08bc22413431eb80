package intake

import (
	"crypto/sha256"
	"encoding/binary"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// received is a request's content, read and judged.
type received struct {
	metadata
	binding   *config.Binding
	input     *route.Input
	format    string // "xml" or "json"
	mediaType string // as sent
	payload   payload
	sum       [32]byte // of the payload
	order     string   // value of the route's order-by
	spool     *spool   // nil for a validation
	files     int      // attachments, spooled or only counted
	key       string   // the idempotency key; empty for a validation

	// The form of the bundle that it is for, once that is known.
	form *route.Bundle

	// refused is why the content cannot be taken. It is set where the rest was
	// read all the same, to find out whether the key has an answer already.
	refused *refusal
}

// release gives back the memory, and removes what was spooled and not kept.
func (in *received) release() {
	in.payload.release()
	if in.spool != nil {
		in.spool.discard()
	}
}

// reader reads one request. readOn decides, once the content is refused, whether
// the rest is read nevertheless; nil means it is not.
type reader struct {
	*API
	c       *call
	in      *received
	readOn  func() (bool, *refusal)
	body    *narrow             // of a multipart request
	bundle  *store.OpenedBundle // that is being filled by this very request
	answers *hub.BundleAnswers  // to its questions
}

// receive reads metadata, payload and attachments. With a spool, attachments are
// kept in it; without, they are only counted and measured.
func (a *API) receive(c *call, in *received, readOn func() (bool, *refusal)) *refusal {
	rd := &reader{API: a, c: c, in: in, readOn: readOn}
	h := c.r.Header
	if !plain(h, "Content-Encoding") {
		return refuse(CodeContentEncoding).leavingBody()
	}
	if len(h["Content-Type"]) == 1 {
		contentType := h["Content-Type"][0]
		if format, ok := mediaType(contentType); ok {
			in.format, in.mediaType = format, contentType
			return rd.alone()
		}
		if boundary, ok := multipartBoundary(contentType); ok {
			return rd.parts(boundary)
		}
		if essence, _, _ := strings.Cut(contentType, ";"); strings.EqualFold(strings.TrimSpace(essence), formData) {
			return refuse(CodeMediaType, mediaTypes).with(Finding{Header: "Content-Type", Rule: "boundary", Detail: noBoundary.in(c.lang)}).leavingBody()
		}
	}
	return refuse(CodeMediaType, mediaTypes).leavingBody()
}

// alone reads a payload whose metadata stand in headers.
func (rd *reader) alone() *refusal {
	c, in := rd.c, rd.in
	m, findings := fromHeaders(c.r.Header, c.lang)
	in.metadata = m
	if p := rd.checkMetadata(findings, false); p != nil {
		return p.leavingBody()
	}
	if p := rd.held(rd.checkOffer()); p != nil {
		return p.leavingBody()
	}
	if limit := c.snap.Hub.Limits.Payload; c.r.ContentLength > limit {
		return refuse(CodePayloadLarge, bytesText(limit)).leavingBody()
	}
	return rd.takePayload(c.r.Body, c.r.ContentLength)
}

// held keeps a refusal on content for later where the key may have an answer
// already, and gives it where it stands.
func (rd *reader) held(p *refusal) *refusal {
	if p == nil || rd.in.refused != nil {
		return nil
	}
	if rd.readOn == nil {
		return p
	}
	on, problem := rd.readOn()
	if problem != nil {
		return problem
	}
	if !on {
		return p
	}
	rd.in.refused = p
	return nil
}

// checkMetadata refuses what is incomplete or outside the portal's scope.
func (rd *reader) checkMetadata(findings []Finding, inJSON bool) *refusal {
	c, m := rd.c, &rd.in.metadata
	if rd.bundle != nil {
		if !m.bundle.Zero() {
			findings = append(findings, Finding{Part: "metadata", Pointer: bundlePointer, Rule: "unknown", Detail: unknown.in(c.lang)})
		}
		m.bundle = rd.bundle.Bundle.ID
	}
	if findings = m.complete(findings, inJSON, c.portal, c.at, c.lang); len(findings) > 0 {
		return refuse(CodeMetaInvalid).with(findings...)
	}
	if !c.portal.Allows(m.municipality, m.service) {
		return refuse(CodeOutOfScope)
	}
	return rd.openEnvelope()
}

// checkOffer finds the service and asks for the consent it needs.
func (rd *reader) checkOffer() *refusal {
	c, in := rd.c, rd.in
	b, ok := c.snap.Binding(in.municipality, in.service)
	if !ok {
		return refuse(CodeNotOffered)
	}
	c.municipality, c.service = b.Municipality.AGS, b.Route.Service
	in.binding = b
	if p := rd.checkBundle(); p != nil {
		return p
	}
	if b.Route.ConsentRequired && !in.consent {
		return refuse(CodeConsent).with(rd.at("/consent/given", Finding{Rule: "consent", Detail: text{
			"Die Einwilligung in die Verarbeitung fehlt oder ist verneint.", "The consent is missing or denied."}.in(c.lang)}))
	}
	return nil
}

// takePayload reads the payload, hashes it and sends it through the gate.
func (rd *reader) takePayload(r io.Reader, bound int64) *refusal {
	in := rd.in
	if p := rd.readPayload(r, bound, rd.c.snap.Hub.Limits.Payload); p != nil {
		return p
	}
	in.sum = sha256.Sum256(in.payload.bytes)
	if in.refused != nil {
		return nil
	}
	return rd.held(rd.judge())
}

// judge sends the payload through the gate, with the schema of the service.
func (rd *reader) judge() *refusal {
	c, in := rd.c, rd.in
	rt := in.binding.Route
	input, ok := rt.Input(in.format, c.at)
	taken := ok // in this form, whatever the version
	if in.version != "" {
		input, ok = rt.Version(in.format, in.version, c.at)
	}
	if !ok {
		p := refuse(CodeMediaType, strings.Join(inputsAt(rt, c.at), ", "))
		if taken {
			return p.with(rd.at("/version", Finding{Rule: "version", Detail: noVersion.in(c.lang)}))
		}
		return p
	}
	in.input = input
	order, p := rd.check()
	in.order = order
	return p
}

// at puts a finding at an item of the metadata, where this request has it.
func (rd *reader) at(pointer string, f Finding) Finding {
	if rd.body != nil {
		f.Part, f.Pointer = "metadata", pointer
	} else {
		f.Header = fieldAt(pointer).header
	}
	return f
}

var (
	noBoundary = text{
		"Hier fehlt der Parameter boundary. HTTP-Bibliotheken setzen ihn selbst, wenn der Content-Type nicht von Hand gesetzt wird.",
		"The parameter boundary is missing. HTTP libraries set it by themselves where the Content-Type is not set by hand."}
	noVersion = text{
		"Diese Version wird in diesem Format gerade nicht angenommen. Ohne Angabe gilt die neueste.",
		"This version is not taken in this format at the moment. Without one the newest counts."}
)

// inputsAt names the forms a service is taken in at a time.
func inputsAt(rt *route.Route, at time.Time) []string {
	var names []string
	for i := range rt.Inputs {
		if in := &rt.Inputs[i]; in.Taken(at) {
			names = append(names, mediaTypeOf(in.Format)+" "+in.Version)
		}
	}
	return names
}

func mediaTypeOf(format string) string { return "application/" + format }

// fingerprint is over what a portal means by "the same": metadata, payload and
// attachments, however they were packed for the way.
func (in *received) fingerprint() [32]byte {
	h := sha256.New()
	b := make([]byte, 0, 512)
	add := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	m := &in.metadata
	consent, at := "0", ""
	if m.consent {
		consent = "1"
	}
	if !m.consentAt.IsZero() {
		at = m.consentAt.UTC().Format(time.RFC3339Nano)
	}
	for _, s := range []string{"1", m.municipality, m.service, m.version, consent, at, m.wording, m.reference, m.trust, m.mailbox, in.mediaType} {
		add(s)
	}
	b = append(b, in.sum[:]...)
	if in.spool != nil {
		for _, f := range in.spool.files {
			add(f.info.Name)
			add(f.info.ContentType)
			add(f.info.SHA256)
		}
	}
	// Files come in threes: a single text more is nothing else, and neither are pairs
	// behind an empty name.
	if m.clerk != "" {
		add(m.clerk)
	}
	if len(m.account) > 0 {
		add("")
		for _, name := range slices.Sorted(maps.Keys(m.account)) {
			add(name)
			add(m.account[name])
		}
	}
	if !m.bundle.Zero() { // as a file, its type would lack the slash
		add("bundle")
		add(m.bundle.String())
		add(m.part)
	}
	h.Write(b)
	var sum [32]byte
	h.Sum(sum[:0])
	return sum
}

// traceparent takes the portal's trace over, where it is one
// (W3C Trace Context, section 3.2); anything else is as if it were absent.
func traceparent(h http.Header) string {
	given := h["Traceparent"]
	if len(given) != 1 {
		return ""
	}
	t := given[0]
	if len(t) != 55 || t[:3] != "00-" || t[35] != '-' || t[52] != '-' {
		return ""
	}
	for i := range len(t) {
		if c := t[i]; i != 2 && i != 35 && i != 52 && (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return ""
		}
	}
	if t[3:35] == strings.Repeat("0", 32) || t[36:52] == strings.Repeat("0", 16) {
		return ""
	}
	return t
}
