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

// Tolerance is how far a call's timestamp may be off.
const Tolerance = 5 * time.Minute

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

// mostSignatures are looked at of one call: those of four keys, and as many of another
// version. More would be work that a stranger makes.
const mostSignatures = 2 * mostKeys

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
	all := strings.Fields(h.Get("webhook-signature"))
	for _, one := range all[:min(len(all), mostSignatures)] {
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
