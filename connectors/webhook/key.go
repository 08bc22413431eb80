package webhook

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Prefixes of keys as text: the hub keeps the private one, the portal the public one.
const (
	PrivatePrefix = "whsk_"
	PublicPrefix  = "whpk_"
)

// Tolerance is how far a call's timestamp may be off.
const Tolerance = 5 * time.Minute

// NewKey makes a pair of keys as text.
func NewKey() (private, public string, err error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", "", err
	}
	return PrivatePrefix + base64.StdEncoding.EncodeToString(key.Seed()), Public(key), nil
}

// Public is the public half of a key as text.
func Public(key ed25519.PrivateKey) string {
	return PublicPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// ParsePrivate reads whsk_ and the base64 of a seed of 32 bytes, or of seed and
// public key, 64 bytes. Its error never repeats the text.
func ParsePrivate(text string) (ed25519.PrivateKey, error) {
	b, ok := unpack(text, PrivatePrefix)
	switch {
	case ok && len(b) == ed25519.SeedSize:
		return ed25519.NewKeyFromSeed(b), nil
	case ok && len(b) == ed25519.PrivateKeySize:
		key := ed25519.NewKeyFromSeed(b[:ed25519.SeedSize])
		if !key.Equal(ed25519.PrivateKey(b)) {
			return nil, errors.New("the key's two halves do not belong together")
		}
		return key, nil
	}
	return nil, errors.New("a key is whsk_ and the base64 of 32 bytes; stellwerk keys makes one")
}

// ParsePublic reads whpk_ and the base64 of 32 bytes.
func ParsePublic(text string) (ed25519.PublicKey, error) {
	if b, ok := unpack(text, PublicPrefix); ok && len(b) == ed25519.PublicKeySize {
		return b, nil
	}
	return nil, errors.New("a public key is whpk_ and the base64 of 32 bytes")
}

func unpack(text, prefix string) ([]byte, bool) {
	b64, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	b, err := base64.StdEncoding.DecodeString(b64)
	return b, ok && err == nil
}

// signed is what a signature is over.
func signed(id, stamp string, body []byte) []byte {
	b := make([]byte, 0, len(id)+len(stamp)+len(body)+2)
	b = append(append(b, id...), '.')
	b = append(append(b, stamp...), '.')
	return append(b, body...)
}

// Sign puts id, timestamp and a signature of each key into a header.
func Sign(h http.Header, keys []ed25519.PrivateKey, id string, at time.Time, body []byte) {
	stamp := strconv.FormatInt(at.Unix(), 10)
	text := signed(id, stamp, body)
	all := make([]string, len(keys))
	for i, k := range keys {
		all[i] = "v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(k, text))
	}
	h.Set("webhook-id", id)
	h.Set("webhook-timestamp", stamp)
	h.Set("webhook-signature", strings.Join(all, " "))
}

// What is wrong with a call.
var (
	ErrIncomplete = errors.New("webhook-id, webhook-timestamp or webhook-signature is missing or stands twice")
	ErrTimestamp  = errors.New("webhook-timestamp is more than five minutes off")
	ErrSignature  = errors.New("no webhook-signature fits")
)

// Verify checks a call as a portal does; the id it gives recognises repetitions.
func Verify(h http.Header, keys []ed25519.PublicKey, body []byte, now time.Time) (id string, err error) {
	for _, name := range []string{"Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"} {
		if v := h[name]; len(v) != 1 || v[0] == "" {
			return "", ErrIncomplete
		}
	}
	id, stamp := h.Get("webhook-id"), h.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > Tolerance {
		return "", ErrTimestamp
	}
	text := signed(id, stamp, body)
	for _, one := range strings.Fields(h.Get("webhook-signature")) {
		b64, ok := strings.CutPrefix(one, "v1a,")
		sig, err := base64.StdEncoding.DecodeString(b64)
		if !ok || err != nil {
			continue // of another version, or of nobody's
		}
		for _, k := range keys {
			if len(k) == ed25519.PublicKeySize && ed25519.Verify(k, text, sig) {
				return id, nil
			}
		}
	}
	return "", ErrSignature
}
