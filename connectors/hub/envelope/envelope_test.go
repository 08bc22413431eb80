package envelope_test

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/hub/envelope"
)

var (
	now     = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	about   = envelope.About{Issuer: "hub-soest", Subject: "0197f3a2-6c00-7000-8000-000000000001", Audience: "05974"}
	account = envelope.Content{
		Account: envelope.Account{TrustLevel: "STORK-QAA-Level-3", Mailbox: "mbx-17", Attributes: map[string]string{"surname": "Müßig", "birthdate": "1979-08-23"}},
		Via:     []string{"hub-werl"},
	}
)

func key(t *testing.T) (ed25519.PrivateKey, ed25519.PublicKey) {
	t.Helper()
	private, public, err := connectors.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	k, err := connectors.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	p, err := connectors.ParsePublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return k, p
}

func seal(t *testing.T, k ed25519.PrivateKey) string {
	t.Helper()
	text, err := envelope.Sign(k, about, account, now)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestEnvelope(t *testing.T) {
	k, p := key(t)
	_, other := key(t)
	text := seal(t, k)
	got, err := envelope.Verify(text, []ed25519.PublicKey{other, p}, about, now)
	if err != nil || !reflect.DeepEqual(got, account) {
		t.Fatalf("%+v %v", got, err)
	}
	for name, test := range map[string]struct {
		text  string
		keys  []ed25519.PublicKey
		about envelope.About
		now   time.Time
		want  error
	}{
		"to the end":         {text, []ed25519.PublicKey{p}, about, now.Add(15*time.Minute + 59*time.Second), nil},
		"run out":            {text, []ed25519.PublicKey{p}, about, now.Add(16 * time.Minute), envelope.ErrTime},
		"clocks differ":      {text, []ed25519.PublicKey{p}, about, now.Add(-time.Minute), nil},
		"of the future":      {text, []ed25519.PublicKey{p}, about, now.Add(-2 * time.Minute), envelope.ErrTime},
		"strange key":        {text, []ed25519.PublicKey{other}, about, now, envelope.ErrSignature},
		"no key":             {text, nil, about, now, envelope.ErrSignature},
		"broken key":         {text, []ed25519.PublicKey{{1}}, about, now, envelope.ErrSignature},
		"another submission": {text, []ed25519.PublicKey{p}, envelope.About{Issuer: about.Issuer, Subject: "x", Audience: about.Audience}, now, envelope.ErrSubject},
		"another authority":  {text, []ed25519.PublicKey{p}, envelope.About{Issuer: about.Issuer, Subject: about.Subject, Audience: "05962"}, now, envelope.ErrAudience},
		"another hub":        {text, []ed25519.PublicKey{p}, envelope.About{Issuer: "hub-iserlohn", Subject: about.Subject, Audience: about.Audience}, now, envelope.ErrIssuer},
		"nothing":            {"", []ed25519.PublicKey{p}, about, now, envelope.ErrMalformed},
		"half":               {text[:len(text)/2], []ed25519.PublicKey{p}, about, now, envelope.ErrMalformed},
		"endless":            {text + strings.Repeat("A", 13<<10), []ed25519.PublicKey{p}, about, now, envelope.ErrMalformed},
	} {
		if _, err := envelope.Verify(test.text, test.keys, test.about, test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: %v, want %v", name, err, test.want)
		}
	}
}

func b64(v any) string {
	b, _ := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(b)
}

// What an envelope says of itself is not believed.
func TestForged(t *testing.T) {
	k, p := key(t)
	parts := strings.Split(seal(t, k), ".")
	mine, minePublic := key(t)
	sign := func(head, body string, with ed25519.PrivateKey) string {
		return head + "." + body + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(with, []byte(head+"."+body)))
	}
	mac := func(head, body string) string {
		h := hmac.New(sha256.New, p)
		h.Write([]byte(head + "." + body))
		return head + "." + body + "." + base64.RawURLEncoding.EncodeToString(h.Sum(nil))
	}
	raised := b64(map[string]any{"iss": about.Issuer, "sub": about.Subject, "aud": about.Audience, "iat": now.Unix(), "exp": now.Add(time.Minute).Unix(), "trust-level": "STORK-QAA-Level-4"})
	typ := "stellwerk-account+jws"
	for name, text := range map[string]string{
		"trust raised":          parts[0] + "." + raised + "." + parts[2],
		"no algorithm":          b64(map[string]any{"alg": "none", "typ": typ}) + "." + raised + ".",
		"public key as secret":  mac(b64(map[string]any{"alg": "HS256", "typ": typ}), raised),
		"brings its own key":    sign(b64(map[string]any{"alg": "EdDSA", "typ": typ, "jwk": map[string]string{"kty": "OKP", "crv": "Ed25519", "x": base64.RawURLEncoding.EncodeToString(minePublic)}}), raised, mine),
		"of another use":        sign(b64(map[string]any{"alg": "EdDSA", "typ": "JWT"}), raised, k),
		"of no use":             sign(b64(map[string]any{"alg": "EdDSA"}), raised, k),
		"good for years":        sign(parts[0], b64(map[string]any{"iss": about.Issuer, "sub": about.Subject, "aud": about.Audience, "iat": now.Unix(), "exp": now.AddDate(9, 0, 0).Unix()}), k),
		"without a time":        sign(parts[0], b64(map[string]any{"iss": about.Issuer, "sub": about.Subject, "aud": about.Audience}), k),
		"no object":             sign(parts[0], b64([]int{1}), k),
		"critical and unknown":  sign(b64(map[string]any{"alg": "EdDSA", "typ": typ, "crit": []string{"x"}, "x": 1}), raised, k),
		"JSON instead of parts": `{"payload":"` + raised + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`,
	} {
		if got, err := envelope.Verify(text, []ed25519.PublicKey{p}, about, now); err == nil {
			t.Errorf("%s is believed: %+v", name, got)
		}
	}
	if _, err := envelope.Verify(sign(parts[0], raised, k), []ed25519.PublicKey{p}, about, now); err != nil {
		t.Errorf("control: what the key signs is not believed: %v", err)
	}
	if _, err := envelope.Sign(k, about, envelope.Content{Account: envelope.Account{Mailbox: strings.Repeat("x", 12<<10)}}, now); err == nil {
		t.Error("an envelope that no receiver reads is sealed")
	}
}

func FuzzVerify(f *testing.F) {
	private, public, err := connectors.NewKey()
	if err != nil {
		f.Fatal(err)
	}
	k, _ := connectors.ParsePrivateKey(private)
	p, _ := connectors.ParsePublicKey(public)
	text, err := envelope.Sign(k, about, account, now)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add("e30.e30.")
	f.Fuzz(func(t *testing.T, text string) {
		if got, err := envelope.Verify(text, []ed25519.PublicKey{p}, about, now); err == nil && !reflect.DeepEqual(got, account) {
			t.Errorf("%q is believed: %+v", text, got)
		}
	})
}
