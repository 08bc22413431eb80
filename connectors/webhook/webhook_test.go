package webhook_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/webhook"
	"stellwerk/internal/sim"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// newKey makes a key that the environment variable refers to.
func newKey(t *testing.T, env string) (private string, public ed25519.PublicKey) {
	t.Helper()
	private, text, err := connectors.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	if public, err = connectors.ParsePublicKey(text); err != nil {
		t.Fatal(err)
	}
	t.Setenv(env, private)
	return private, public
}

func open(t *testing.T, now func() time.Time, settings ...string) connectors.Connector {
	t.Helper()
	c, err := webhook.Kind().Configure(connectortest.Settings(settings...))
	if err != nil {
		t.Fatal(err)
	}
	k, err := c.Open(connectors.Environment{System: "portal", Now: now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// The portal verifies by code of its own, so that a mistake here is none there.
func TestSuite(t *testing.T) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		private, public := newKey(t, "WEBHOOK_KEY")
		town, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir(), PortalKey: public})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = town.Close() })
		client := sim.Client{Control: town.Control}
		config, err := webhook.Kind().Configure(connectortest.Settings("address: " + town.Portal + "/callbacks\nkeys: ['env:WEBHOOK_KEY']"))
		if err != nil {
			t.Fatal(err)
		}
		return connectortest.Partner{
			Config: config, Bare: true, Secrets: []string{private, strings.TrimPrefix(private, connectors.PrivatePrefix)},
			Environment: connectors.Environment{System: "portal", Now: time.Now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16},
			Received: func() (all []connectortest.Received) {
				got, err := client.Received(t.Context(), "portal", 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range got {
					all = append(all, connectortest.Received{Body: []byte(r.Text)})
				}
				return all
			},
			Break: func(f connectortest.Fault) bool {
				if err := client.Suffer(t.Context(), "portal", map[connectortest.Fault]sim.Faults{
					connectortest.Refusing: {Refuse: "vorgang"}, connectortest.Busy: {Status: 503}, connectortest.Silent: {Silent: true},
					connectortest.Torn: {Torn: true}, connectortest.AnswerLost: {AnswerLost: true}, connectortest.Down: {Down: true},
				}[f]); err != nil {
					t.Fatal(err)
				}
				return true
			},
		}
	}})
}

// While keys are exchanged, a portal that knows either one takes the call.
func TestKeysAreExchanged(t *testing.T) {
	_, old := newKey(t, "WEBHOOK_OLD")
	_, young := newKey(t, "WEBHOOK_NEW")
	_, strange := newKey(t, "WEBHOOK_STRANGE")
	var header http.Header
	var body []byte
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
	}))
	t.Cleanup(s.Close)
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	k := open(t, func() time.Time { return now }, "address: "+s.URL+"/hook\nkeys: ['env:WEBHOOK_NEW', 'env:WEBHOOK_OLD']")
	m := connectortest.Message(1)
	if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Delivered {
		t.Fatal(r.Outcome, r.Code)
	}
	for _, keys := range [][]ed25519.PublicKey{{old}, {young}, {strange, old}} {
		if id, err := webhook.Verify(header, keys, body, now); err != nil || id != m.ID {
			t.Errorf("%q %v", id, err)
		}
	}
	for name, test := range map[string]struct {
		keys []ed25519.PublicKey
		body []byte
		now  time.Time
		want error
	}{
		"strange key":   {[]ed25519.PublicKey{strange}, body, now, webhook.ErrSignature},
		"no key":        {nil, body, now, webhook.ErrSignature},
		"broken key":    {[]ed25519.PublicKey{{1, 2}}, body, now, webhook.ErrSignature},
		"other body":    {[]ed25519.PublicKey{old}, append([]byte(" "), body...), now, webhook.ErrSignature},
		"just in time":  {[]ed25519.PublicKey{old}, body, now.Add(5 * time.Minute), nil},
		"too old":       {[]ed25519.PublicKey{old}, body, now.Add(5*time.Minute + time.Second), webhook.ErrTimestamp},
		"of the future": {[]ed25519.PublicKey{old}, body, now.Add(-6 * time.Minute), webhook.ErrTimestamp},
	} {
		if _, err := webhook.Verify(header, test.keys, test.body, test.now); !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, change := range map[string]func(http.Header){
		"no id":        func(h http.Header) { h.Del("webhook-id") },
		"two ids":      func(h http.Header) { h.Add("webhook-id", "x") },
		"no stamp":     func(h http.Header) { h.Set("webhook-timestamp", "") },
		"bad stamp":    func(h http.Header) { h.Set("webhook-timestamp", "gestern") },
		"later stamp":  func(h http.Header) { h.Set("webhook-timestamp", strconv.FormatInt(now.Unix()+1, 10)) },
		"another id":   func(h http.Header) { h.Set("webhook-id", "x") },
		"no signature": func(h http.Header) { h.Del("webhook-signature") },
		"symmetric one": func(h http.Header) {
			h.Set("webhook-signature", strings.ReplaceAll(h.Get("webhook-signature"), "v1a,", "v1,"))
		},
		"no base64": func(h http.Header) { h.Set("webhook-signature", "v1a,%%") },
	} {
		h := header.Clone()
		change(h)
		if _, err := webhook.Verify(h, []ed25519.PublicKey{old, young}, body, now); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

func TestStatuses(t *testing.T) {
	newKey(t, "WEBHOOK_KEY")
	status := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
	t.Cleanup(s.Close)
	k := open(t, time.Now, "address: "+s.URL+"\nkeys: ['env:WEBHOOK_KEY']")
	for _, test := range []struct {
		status  int
		outcome connectors.Outcome
		code    string
	}{
		{200, connectors.Delivered, "http-200"}, {204, connectors.Delivered, "http-204"}, {410, connectors.Refused, "gone"},
		{400, connectors.Refused, "http-400"}, {401, connectors.Retry, "http-401"}, {302, connectors.Unknown, "http-302"},
		{404, connectors.Retry, "http-404"}, {405, connectors.Retry, "http-405"}, // of a proxy, while the portal is away
		{429, connectors.Retry, "http-429"}, {500, connectors.Unknown, "http-500"}, {503, connectors.Retry, "http-503"},
	} {
		status = test.status
		if r := k.Deliver(t.Context(), connectortest.Message(1)); r.Outcome != test.outcome || r.Code != test.code {
			t.Errorf("%d: %s %s", status, r.Outcome, r.Code)
		}
	}
}

// The portal is called at its address as it is written: one with a slash at its end is
// another one than that without.
func TestAddressAsWritten(t *testing.T) {
	newKey(t, "WEBHOOK_KEY")
	var called []string
	portal := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { called = append(called, r.URL.Path) }))
	defer portal.Close()
	for _, path := range []string{"/callbacks", "/callbacks/"} {
		called = nil
		c := open(t, nil, "address: "+portal.URL+path+"\nkeys: ['env:WEBHOOK_KEY']")
		if r := c.Deliver(t.Context(), connectortest.Message(1)); r.Outcome != connectors.Delivered {
			t.Fatalf("%+v", r)
		}
		if err := c.(connectors.Prober).Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(called) != 2 || called[0] != path || called[1] != path {
			t.Errorf("%s: called at %v", path, called)
		}
	}
}

// A stranger must not make the hub check as many signatures as fit into a header.
func TestFewSignaturesAreLookedAt(t *testing.T) {
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Unix(1_800_000_000, 0)
	for behind, want := range map[int]error{0: nil, 7: nil, 8: webhook.ErrSignature, 150: webhook.ErrSignature} {
		h := http.Header{}
		webhook.Sign(h, []ed25519.PrivateKey{key}, "msg-1", now, []byte("{}"))
		wrong := "v1a," + base64.StdEncoding.EncodeToString(make([]byte, ed25519.SignatureSize))
		h.Set("webhook-signature", strings.Repeat(wrong+" ", behind)+h.Get("webhook-signature"))
		if _, err := webhook.Verify(h, []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}, []byte("{}"), now); !errors.Is(err, want) {
			t.Errorf("behind %d others: %v, want %v", behind, err, want)
		}
	}
}

func TestSettings(t *testing.T) {
	const base = "address: https://portal.example/hook\n"
	for text, setting := range map[string]string{
		base:              "keys",
		base + "keys: []": "keys",
		base + "keys: ['env:A', 'env:A', 'env:A', 'env:A', 'env:A']": "keys",
		base + "keys: [whsk_geheim]":                                 "",
		"keys: ['env:A']":                                            "address",
		"address: http://portal.example\nkeys: ['env:A']":            "address",
		base + "keys: ['env:A']\nsignature: v1":                      "",
	} {
		_, err := webhook.Kind().Configure(connectortest.Settings(strings.Split(text, "\n")...))
		var s *connectors.SettingError
		if err == nil || setting != "" && (!errors.As(err, &s) || s.Setting != setting) || strings.Contains(err.Error(), "geheim") {
			t.Errorf("%s: %v", text, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "bad.key"), []byte("whsk_kein-schluessel"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, ref := range []string{"file:bad.key", "file:none.key"} {
		c, err := webhook.Kind().Configure(connectortest.Settings(base + "keys: ['" + ref + "']"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(connectors.Environment{System: "portal", Dir: dir}); err == nil || strings.Contains(err.Error(), "kein-schluessel") {
			t.Errorf("%s: %v", ref, err)
		}
	}
}
