package connectors_test

import (
	"bytes"
	"encoding/base64"
	"strings"
	"testing"

	"stellwerk/connectors"
)

// A key is read as it was written, in both lengths, and what is none is not repeated.
func TestKeys(t *testing.T) {
	private, public, err := connectors.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := connectors.ParsePrivateKey(private + "\n")
	if err != nil || connectors.PublicKey(key) != public {
		t.Fatalf("%v, %s", err, connectors.PublicKey(key))
	}
	long := connectors.PrivatePrefix + base64.StdEncoding.EncodeToString(key)
	if again, err := connectors.ParsePrivateKey(long); err != nil || !again.Equal(key) {
		t.Errorf("64 bytes: %v", err)
	}
	torn := bytes.Clone(key)
	torn[63] ^= 1
	for name, text := range map[string]string{
		"public": public, "no prefix": private[5:], "short": private[:20], "empty": "", "halves": connectors.PrivatePrefix + base64.StdEncoding.EncodeToString(torn),
	} {
		if _, err := connectors.ParsePrivateKey(text); err == nil || text != "" && strings.Contains(err.Error(), text) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{private, "", connectors.PublicPrefix + "AAAA"} {
		if _, err := connectors.ParsePublicKey(text); err == nil {
			t.Errorf("%q is a public key", text)
		}
	}
}
