// Package envelope is what one hub tells another about the citizen behind a
// submission: trust level, mailbox and attributes of the account, as a compact JWS
// (RFC 7515) signed with ed25519.
//
// It goes along in the header Stellwerk-Account. It is bound to one submission by
// sub, the idempotency key, and to one receiver by aud, the AGS of the authority; it
// is good for a quarter of an hour. It names the hubs that the submission has gone
// through before, so that none of them takes it again: via. A receiver believes it by the public key that its
// operator keeps at the sending hub's entry, and by nothing that it says itself: no
// key and no address in its head is looked at, and no other algorithm is taken.
package envelope

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Header is where an envelope goes.
const Header = "Stellwerk-Account"

// Life is how long an envelope is good, and Skew how far two hubs' clocks may differ.
const (
	Life = 15 * time.Minute
	Skew = time.Minute
)

// maxSize bounds what a receiver reads; all headers of a request have 16 KiB.
const maxSize = 12 << 10

// kind tells this use of a key from every other.
const kind = "stellwerk-account+jws"

// Account is what is told of the citizen's account.
type Account struct {
	TrustLevel string            `json:"trust-level,omitempty"` // STORK-QAA-Level-1 … -4
	Mailbox    string            `json:"mailbox,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// Content is what is told: the account, and the way so far.
type Content struct {
	Account
	Via []string `json:"via,omitempty"` // the hubs before the sending one, the first one first
}

// claims are what is signed.
type claims struct {
	Issuer   string `json:"iss"` // the sending hub
	Subject  string `json:"sub"` // the submission's idempotency key
	Audience string `json:"aud"` // AGS of the authority
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Content
}

// About is what an envelope is bound to.
type About struct {
	Issuer   string // the sending hub's name, as the receiver knows it
	Subject  string // the idempotency key
	Audience string // AGS of the authority
}

// Sign seals what is told into an envelope.
func Sign(key ed25519.PrivateKey, about About, content Content, now time.Time) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{}).WithType(kind))
	if err != nil {
		return "", fmt.Errorf("sign envelope: %w", err)
	}
	body, err := json.Marshal(claims{about.Issuer, about.Subject, about.Audience, now.Unix(), now.Add(Life).Unix(), content})
	if err != nil {
		return "", fmt.Errorf("sign envelope: %w", err)
	}
	signed, err := signer.Sign(body)
	if err != nil {
		return "", fmt.Errorf("sign envelope: %w", err)
	}
	text, err := signed.CompactSerialize()
	if err == nil && len(text) > maxSize {
		err = errors.New("the account's attributes are too large")
	}
	if err != nil {
		return "", fmt.Errorf("sign envelope: %w", err)
	}
	return text, nil
}

// Why an envelope is not believed.
var (
	ErrMalformed = errors.New("the envelope is malformed")
	ErrSignature = errors.New("the envelope is signed by no key of the sending hub")
	ErrTime      = errors.New("the envelope has run out or is of the future")
	ErrIssuer    = errors.New("the envelope is of another hub")
	ErrSubject   = errors.New("the envelope is about another submission")
	ErrAudience  = errors.New("the envelope is for another authority")
)

// Verify opens an envelope that one of the keys has signed and that is about what the
// receiver has before it. Several keys are those of a hub that exchanges its own.
func Verify(text string, keys []ed25519.PublicKey, about About, now time.Time) (Content, error) {
	if len(text) > maxSize {
		return Content{}, ErrMalformed
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 || signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != kind {
		return Content{}, ErrMalformed
	}
	var c claims
	if json.Unmarshal(signed.UnsafePayloadWithoutVerification(), &c) != nil {
		return Content{}, ErrMalformed
	}
	if c.Issuer != about.Issuer { // only to say so: nothing of it is believed before it is verified
		return Content{}, ErrIssuer
	}
	if !signedBy(signed, keys) {
		return Content{}, ErrSignature
	}
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case issued.After(now.Add(Skew)), !expires.Add(Skew).After(now), expires.Sub(issued) > Life:
		return Content{}, ErrTime
	case c.Subject == "" || c.Subject != about.Subject:
		return Content{}, ErrSubject
	case c.Audience != about.Audience:
		return Content{}, ErrAudience
	}
	return c.Content, nil
}

func signedBy(signed *jose.JSONWebSignature, keys []ed25519.PublicKey) bool {
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			continue
		}
		if _, err := signed.Verify(key); err == nil {
			return true
		}
	}
	return false
}
