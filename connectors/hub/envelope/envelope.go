// Package envelope is what one hub tells another about the citizen behind a
// submission: trust level, mailbox and attributes of the account, as a compact JWS
// (RFC 7515) signed with ed25519.
//
// It goes along in the header Stellwerk-Account. It is bound to one submission by
// sub, the idempotency key, and to one receiver by aud, the AGS of the authority; it
// is good for a quarter of an hour. A receiver believes it by the public key that its
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

	"stellwerk/connectors/wire"
)

// Header is where an envelope goes.
const Header = "Stellwerk-Account"

// Life is how long an envelope is good, and Skew how far two hubs' clocks may differ.
const (
	Life = 15 * time.Minute
	Skew = time.Minute
)

// maxSize bounds what a receiver reads.
const maxSize = 16 << 10

// kind tells this use of a key from every other.
const kind = "stellwerk-account+jws"

// Account is what is told of the citizen's account.
type Account struct {
	TrustLevel string            `json:"trust-level,omitempty"` // STORK-QAA-Level-1 … -4
	Mailbox    string            `json:"mailbox,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"`
}

// claims are what is signed.
type claims struct {
	Issuer   string `json:"iss"` // the sending hub
	Subject  string `json:"sub"` // the submission's idempotency key
	Audience string `json:"aud"` // AGS of the authority
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
	Account
}

// About is what an envelope is bound to.
type About struct {
	Issuer   string // the sending hub's name, as the receiver knows it
	Subject  string // the idempotency key
	Audience string // AGS of the authority
}

// Sign seals an account into an envelope.
func Sign(key ed25519.PrivateKey, about About, account Account, now time.Time) (string, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: key}, (&jose.SignerOptions{}).WithType(kind))
	if err != nil {
		return "", fmt.Errorf("sign envelope: %w", err)
	}
	body, err := json.Marshal(claims{about.Issuer, about.Subject, about.Audience, now.Unix(), now.Add(Life).Unix(), account})
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
	ErrAbout     = errors.New("the envelope is about another submission, for another authority, or of another hub")
)

// Verify opens an envelope that one of the keys has signed and that is about what the
// receiver has before it. Several keys are those of a hub that exchanges its own.
func Verify(text string, keys []ed25519.PublicKey, about About, now time.Time) (Account, error) {
	if len(text) > maxSize {
		return Account{}, ErrMalformed
	}
	signed, err := jose.ParseSignedCompact(text, []jose.SignatureAlgorithm{jose.EdDSA})
	if err != nil || len(signed.Signatures) != 1 || signed.Signatures[0].Protected.ExtraHeaders[jose.HeaderType] != kind {
		return Account{}, ErrMalformed
	}
	var body []byte
	for _, key := range keys {
		if len(key) != ed25519.PublicKeySize {
			continue
		}
		if body, err = signed.Verify(key); err == nil {
			break
		}
		body = nil
	}
	if body == nil {
		return Account{}, ErrSignature
	}
	var c claims
	if json.Unmarshal(body, &c) != nil {
		return Account{}, ErrMalformed
	}
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case issued.After(now.Add(Skew)), !expires.Add(Skew).After(now), expires.Sub(issued) > Life:
		return Account{}, ErrTime
	case c.Subject == "", About{c.Issuer, c.Subject, c.Audience} != about:
		return Account{}, ErrAbout
	}
	return c.Account, nil
}

// ParsePublic reads a hub's public key as text, whpk_….
func ParsePublic(text string) (ed25519.PublicKey, error) { return wire.ParsePublicKey(text) }

// ParsePrivate reads a hub's key as text, whsk_…; its error never repeats the text.
func ParsePrivate(text string) (ed25519.PrivateKey, error) { return wire.ParsePrivateKey(text) }
