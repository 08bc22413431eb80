package intake

import (
	"errors"
	"slices"

	"stellwerk/connectors/hub/envelope"
	"stellwerk/internal/config"
)

// openEnvelope takes what another hub tells of the citizen's account out of its
// signed envelope. Nothing of it is believed unless it is signed by a key that the
// operator keeps for this portal, for this submission and this authority. A
// validation has no key that an envelope could be about: there one is looked at only
// where it is given with a key.
func (rd *reader) openEnvelope() *refusal {
	c, in := rd.c, rd.in
	given, other := c.r.Header[envelope.Header], c.portal.Hub
	switch {
	case other == nil && len(given) == 0:
		return nil
	case other == nil:
		return refuse(CodeEnvelopeNotAllowed)
	case len(given) == 0 && (!other.Required || in.spool == nil):
		return nil
	case len(given) == 0:
		return refuse(CodeEnvelopeMissing)
	case len(given) > 1:
		return refuse(CodeEnvelopeMalformed)
	}
	key := in.key
	if in.spool == nil {
		var p *refusal
		if key, p = idempotencyKey(c.r.Header); p != nil {
			return p
		}
	}
	about := envelope.About{Issuer: other.Issuer, Subject: key, Audience: in.municipality}
	told, err := envelope.Verify(given[0], other.Keys, about, c.at)
	if err != nil {
		return refuse(envelopeCode(err)).because(err)
	}
	if circle(c.snap, append(told.Via, other.Issuer)) {
		return refuse(CodeCircle)
	}
	return in.believe(&told, other.Issuer)
}

// envelopeCode is the problem behind an envelope that is not believed.
func envelopeCode(err error) Code {
	for _, e := range []struct {
		err  error
		code Code
	}{
		{envelope.ErrIssuer, CodeEnvelopeIssuer},
		{envelope.ErrSignature, CodeEnvelopeSignature},
		{envelope.ErrTime, CodeEnvelopeExpired},
		{envelope.ErrSubject, CodeEnvelopeSubject},
		{envelope.ErrAudience, CodeEnvelopeAudience},
	} {
		if errors.Is(err, e.err) {
			return e.code
		}
	}
	return CodeEnvelopeMalformed
}

// mostHops bounds the way of a submission from hub to hub.
const mostHops = 8

// circle reports whether a submission has been here before, or has wandered too far.
func circle(snap *config.Snapshot, via []string) bool {
	return len(via) > mostHops || slices.ContainsFunc(via, snap.IsHere)
}

// believe takes over what a verified envelope tells. Even then it has the form that
// a portal's metadata must have: it goes into mappings as they do.
func (in *received) believe(told *envelope.Content, issuer string) *refusal {
	level := fieldAt("/trust-level")
	if rule, _ := level.read(&in.metadata, told.TrustLevel); told.TrustLevel != "" && rule != "" {
		return refuse(CodeEnvelopeMalformed)
	}
	if rule, _ := short(told.Mailbox, maxName); rule != "" {
		return refuse(CodeEnvelopeMalformed)
	}
	if len(told.Attributes) > maxAttributes || slices.ContainsFunc(told.Via, func(name string) bool { return len(name) > maxWord || !versionForm.MatchString(name) }) {
		return refuse(CodeEnvelopeMalformed)
	}
	for name, value := range told.Attributes {
		if rule, _ := attribute(name, value); rule != "" {
			return refuse(CodeEnvelopeMalformed)
		}
	}
	in.mailbox, in.account, in.via = told.Mailbox, told.Attributes, append(told.Via, issuer)
	return nil
}
