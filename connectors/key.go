package connectors

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"strings"
)

// Prefixes of signing keys as text, those of Standard Webhooks: who signs keeps the
// private one, who verifies has the public one.
const (
	PrivatePrefix = "whsk_"
	PublicPrefix  = "whpk_"
)

// NewKey makes a pair of signing keys as text.
func NewKey() (private, public string, err error) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		return "", "", err
	}
	return PrivatePrefix + base64.StdEncoding.EncodeToString(key.Seed()), PublicKey(key), nil
}

// PublicKey is the public half of a key as text.
func PublicKey(key ed25519.PrivateKey) string {
	return PublicPrefix + base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
}

// ParsePrivateKey reads whsk_ and the base64 of a seed of 32 bytes, or of seed and
// public key, 64 bytes. Its error never repeats the text.
func ParsePrivateKey(text string) (ed25519.PrivateKey, error) {
	b, ok := unpackKey(text, PrivatePrefix)
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

// ParsePublicKey reads whpk_ and the base64 of 32 bytes.
func ParsePublicKey(text string) (ed25519.PublicKey, error) {
	if b, ok := unpackKey(text, PublicPrefix); ok && len(b) == ed25519.PublicKeySize {
		return b, nil
	}
	return nil, errors.New("a public key is whpk_ and the base64 of 32 bytes")
}

func unpackKey(text, prefix string) ([]byte, bool) {
	b64, ok := strings.CutPrefix(strings.TrimSpace(text), prefix)
	b, err := base64.StdEncoding.DecodeString(b64)
	return b, ok && err == nil
}
