package hub_test

import (
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/hub"
	"stellwerk/connectors/hub/envelope"
	"stellwerk/internal/sim"
)

const token = "swp_geheim-4711"

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// other is the other hub: the portals' API as far as this kind uses it.
type other struct {
	address string
	server  *http.Server
	served  chan error
	public  ed25519.PublicKey

	mu     sync.Mutex
	fault  connectortest.Fault
	answer func(http.ResponseWriter, *http.Request) // instead, where it is set
	byKey  map[string]string
	taken  []connectortest.Received
	last   taken
	gone   chan struct{}
}

type taken struct {
	metadata string
	account  envelope.Content
	trace    string
	kind     string
}

func start(t *testing.T) *other {
	private, public, err := connectors.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("HUB_TOKEN", token)
	t.Setenv("HUB_KEY", private)
	address, err := sim.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	o := &other{address: address, fault: connectortest.Healthy, byKey: map[string]string{}, gone: make(chan struct{})}
	if o.public, err = connectors.ParsePublicKey(public); err != nil {
		t.Fatal(err)
	}
	o.listen(t)
	t.Cleanup(func() { close(o.gone); o.stop() })
	return o
}

func (o *other) listen(t *testing.T) {
	l, err := net.Listen("tcp", o.address)
	if err != nil {
		t.Fatal(err)
	}
	o.server, o.served = &http.Server{Handler: o}, make(chan error, 1)
	server, served := o.server, o.served
	go func() { served <- server.Serve(l) }()
}

func (o *other) stop() {
	_ = o.server.Close()
	<-o.served
	o.served <- nil
}

func problem(w http.ResponseWriter, status int, code, repeat string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = fmt.Fprintf(w, `{"type":"urn:stellwerk:problem:%s","status":%d,"code":%q,"repeat":%q}`, code, status, code, repeat)
}

func (o *other) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+token {
		problem(w, http.StatusUnauthorized, "unauthenticated", "never")
		return
	}
	o.mu.Lock()
	fault, answer := o.fault, o.answer
	o.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
		return
	case r.Method == http.MethodGet:
		_, _ = io.WriteString(w, `{"services":[]}`)
		return
	case fault == connectortest.Torn:
		panic(http.ErrAbortHandler)
	case fault == connectortest.Busy:
		w.Header().Set("Retry-After", "7")
		problem(w, http.StatusServiceUnavailable, "busy", "later")
		return
	}
	got, last, key, err := o.read(r)
	switch {
	case err != nil:
		problem(w, http.StatusBadRequest, "multipart-malformed", "never")
		return
	case fault == connectortest.Refusing:
		problem(w, http.StatusUnprocessableEntity, "payload-invalid", "never")
		return
	case fault == connectortest.Silent:
		select {
		case <-r.Context().Done():
		case <-o.gone:
		}
		panic(http.ErrAbortHandler)
	}
	o.mu.Lock()
	id, known := o.byKey[key]
	if !known {
		id = fmt.Sprintf("0197f3a2-6c00-7000-9000-%012d", len(o.byKey)+1)
		o.byKey[key], o.taken, o.last = id, append(o.taken, got), last
	}
	o.mu.Unlock()
	if fault == connectortest.AnswerLost {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusAccepted)
	_, _ = fmt.Fprintf(w, `{"id":%q,"number":"9Z9Z-0001","status":"https://x/v1/submissions/%s"}`, id, id)
}

// read takes metadata, payload and attachments in this order, as the API demands.
func (o *other) read(r *http.Request) (got connectortest.Received, last taken, key string, err error) {
	key, last.trace = r.Header.Get("Idempotency-Key"), r.Header.Get("Traceparent")
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || r.URL.Path != "/v1/submissions" {
		return got, last, key, errors.New("no multipart, or elsewhere")
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for n := 0; ; n++ {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r.Body)
			return got, last, key, err
		}
		if err != nil {
			return got, last, key, err
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return got, last, key, err
		}
		switch name := part.FormName(); {
		case n == 0 && name == "metadata":
			var m struct {
				Municipality string `json:"municipality"`
			}
			last.metadata = string(b)
			if err := json.Unmarshal(b, &m); err != nil {
				return got, last, key, err
			}
			about := envelope.About{Issuer: "hub-soest", Subject: key, Audience: m.Municipality}
			if last.account, err = envelope.Verify(r.Header.Get(envelope.Header), []ed25519.PublicKey{o.public}, about, time.Now()); err != nil {
				return got, last, key, err
			}
		case n == 1 && name == "payload":
			got.Body, last.kind = b, part.Header.Get("Content-Type")
		case n > 1 && name == "attachment" && part.FileName() != "":
			got.Attachments = append(got.Attachments, b)
		default:
			return got, last, key, fmt.Errorf("part %d is %s", n, name)
		}
	}
}

func (o *other) configure(t *testing.T, more ...string) connectors.Config {
	t.Helper()
	base := "address: http://" + o.address + "\ncredentials: {bearer: {token: 'env:HUB_TOKEN'}}\nissuer: hub-soest\nkey: env:HUB_KEY\nmunicipality: \"05974\"\n"
	c, err := hub.Kind().Configure(connectortest.Settings(append([]string{base}, more...)...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func environment(t *testing.T) connectors.Environment {
	return connectors.Environment{System: "kreis", Now: time.Now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16}
}

func (o *other) open(t *testing.T, more ...string) *hub.Connector {
	t.Helper()
	k, err := o.configure(t, more...).Open(environment(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k.(*hub.Connector)
}

func TestSuite(t *testing.T) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		o := start(t)
		return connectortest.Partner{
			Config: o.configure(t), Environment: environment(t), Secrets: []string{token}, Taken: connectors.Awaiting,
			Received: func() []connectortest.Received {
				o.mu.Lock()
				defer o.mu.Unlock()
				return append([]connectortest.Received(nil), o.taken...)
			},
			Break: func(f connectortest.Fault) bool {
				o.mu.Lock()
				was := o.fault
				o.fault = f
				o.mu.Unlock()
				switch {
				case f == connectortest.Down:
					o.stop()
				case was == connectortest.Down:
					o.listen(t)
				}
				return true
			},
		}
	}})
}

func TestHandedOn(t *testing.T) {
	o := start(t)
	k := o.open(t, "service: reitkennzeichen\nversion: '2'")
	m := connectortest.Message(1)
	m.ContentType = "application/xml"
	m.Meta = map[string]string{
		"trust-level": "STORK-QAA-Level-3", "mailbox": "mbx-17", "account.surname": "Müßig", "account.birthdate": "1979-08-23",
		"consent-at": "2026-03-02T08:59:00+01:00", "consent-wording": "v3", "reference": "of-the-portal",
		"via": "hub-werl hub-lippetal",
	}
	r := k.Deliver(t.Context(), m)
	if r.Outcome != connectors.Awaiting || r.Token != "0197f3a2-6c00-7000-9000-000000000001" || r.Answer["remote-id"] != r.Token || r.Answer["remote-number"] != "9Z9Z-0001" {
		t.Fatalf("%+v", r)
	}
	const want = `{"municipality":"05974","service":"reitkennzeichen","version":"2","consent":{"given":true,"at":"2026-03-02T08:59:00+01:00","wording":"v3"},"reference":"7K2M-0001"}`
	if o.last.metadata != want {
		t.Errorf("metadata are %s", o.last.metadata)
	}
	account := envelope.Content{
		Account: envelope.Account{TrustLevel: "STORK-QAA-Level-3", Mailbox: "mbx-17", Attributes: map[string]string{"surname": "Müßig", "birthdate": "1979-08-23"}},
		Via:     []string{"hub-werl", "hub-lippetal"},
	}
	if !reflect.DeepEqual(o.last.account, account) || o.last.trace != m.Trace || o.last.kind != "application/xml" {
		t.Errorf("%+v", o.last)
	}
	if strings.Contains(o.last.metadata, "mbx-17") {
		t.Error("the account goes unsigned, too")
	}
	m = connectortest.Message(2)
	m.Meta = map[string]string{"consent-at": "gestern"}
	if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Refused || r.Code != "document-unfit" {
		t.Errorf("%+v", r)
	}
	m.Meta = nil
	if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Awaiting || strings.Contains(o.last.metadata, "consent") {
		t.Errorf("%+v, %s", r, o.last.metadata)
	}
	if err := k.Probe(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestRefusals(t *testing.T) {
	o := start(t)
	k := o.open(t)
	for _, test := range []struct {
		status       int
		code, repeat string
		outcome      connectors.Outcome
	}{
		{422, "payload-invalid", "never", connectors.Refused},
		{422, "consent-missing", "never", connectors.Refused},
		{422, "idempotency-key-reused", "never", connectors.Refused},
		{413, "payload-too-large", "never", connectors.Refused},
		{404, "service-not-offered", "never", connectors.Refused},
		{409, "idempotency-key-in-flight", "same-key", connectors.Retry},
		{400, "body-interrupted", "same-key", connectors.Retry},
		{408, "body-too-slow", "same-key", connectors.Retry},
		{429, "portal-busy", "later", connectors.Retry},
		{503, "store-unavailable", "same-key", connectors.Retry},
		{507, "store-full", "later", connectors.Retry},
		{500, "internal", "same-key", connectors.Unknown},
		{401, "unauthenticated", "never", connectors.Retry},
		{403, "out-of-scope", "never", connectors.Retry},
	} {
		o.answer = func(w http.ResponseWriter, _ *http.Request) { problem(w, test.status, test.code, test.repeat) }
		r := k.Deliver(t.Context(), connectortest.Message(1))
		if r.Outcome != test.outcome || r.Code != test.code || r.Fault != (test.outcome != connectors.Refused) {
			t.Errorf("%d %s: %s %s, fault %v", test.status, test.code, r.Outcome, r.Code, r.Fault)
		}
	}
	o.answer = func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"code":"payload-invalid","title":"Inhalt","repeat":"never","more":true,"errors":[{"line":45,"column":14,"pointer":"/halter/plz","detail":"Muster"},{"part":"metadata","pointer":"/consent","detail":"`+strings.Repeat("x", 9000)+`"},{"detail":"so"}]}`)
	}
	r := k.Deliver(t.Context(), connectortest.Message(1))
	want := "HTTP 422: Inhalt\n/halter/plz (line 45, column 14): Muster\nmetadata /consent: " + strings.Repeat("x", 500-len("metadata /consent: ")) + "…\nso\nand more"
	if r.Detail != want {
		t.Errorf("what the other hub has found reads\n%s", r.Detail)
	}
	for _, status := range []int{404, 405} { // of a proxy, while that hub is away
		o.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<html>nginx")
		}
		if r := k.Deliver(t.Context(), connectortest.Message(1)); r.Outcome != connectors.Retry || !r.Fault {
			t.Errorf("%d: %+v", status, r)
		}
	}
	for body, status := range map[string]int{`{"id":"../x"}`: 202, `{`: 202, `<html>`: 200} {
		o.answer = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = io.WriteString(w, body) }
		if r := k.Deliver(t.Context(), connectortest.Message(1)); r.Outcome != connectors.Unknown || r.Code != "answer-unreadable" {
			t.Errorf("%d %s: %+v", status, body, r)
		}
	}
}

// What was taken is asked for and not sent again, unless it is not there any more.
func TestPutBack(t *testing.T) {
	o := start(t)
	k := o.open(t)
	m := connectortest.Message(1)
	m.Token = "0197f3a2-6c00-7000-9000-000000000001"
	for _, test := range []struct {
		status  int
		code    string
		outcome connectors.Outcome
		sent    int
	}{
		{200, "", connectors.Delivered, 0},
		{503, "", connectors.Awaiting, 0},
		{404, "", connectors.Awaiting, 0},
		{404, "submission-unknown", connectors.Awaiting, 1},
	} {
		sent := 0
		o.answer = func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodPost {
				sent++
				w.WriteHeader(http.StatusAccepted)
				_, _ = io.WriteString(w, `{"id":"0197f3a2-6c00-7000-9000-000000000002","number":"9Z9Z-0002"}`)
				return
			}
			w.WriteHeader(test.status)
			_, _ = fmt.Fprintf(w, `{"state":"settled","status":"COMPLETED","code":%q}`, test.code)
		}
		r := k.Deliver(t.Context(), m)
		if r.Outcome != test.outcome || sent != test.sent {
			t.Errorf("%d %s: %s, sent %d times", test.status, test.code, r.Outcome, sent)
		}
		if taken := r.Token == "0197f3a2-6c00-7000-9000-000000000002"; taken != (sent > 0) {
			t.Errorf("%d %s: token %s", test.status, test.code, r.Token)
		}
	}
}

func TestSettings(t *testing.T) {
	const base = "address: https://hub.example\ncredentials: {bearer: {token: 'env:X'}}\n"
	const all = base + "issuer: hub-soest\nkey: env:HUB_KEY\n"
	for text, setting := range map[string]string{
		"issuer: a\nkey: env:K":                               "address",
		"address: https://hub.example\nissuer: a\nkey: env:K": "credentials",
		base + "key: env:K":                                   "issuer",
		base + "issuer: 'a b'\nkey: env:K":                    "issuer",
		base + "issuer: a":                                    "key",
		all + "municipality: Soest":                           "municipality",
		all + "municipality: '{nobody}'":                      "municipality",
		all + "municipality: '5974'":                          "municipality",
		all + "service: Reiten":                               "service",
		all + "version: 'a b'":                                "version",
		all + "portal: x":                                     "",
		all + "callers: [whpk_kurz]":                          "callers[0]",
		all + "callers: [a, b, c]":                            "callers",
		strings.Replace(all, "env:HUB_KEY", "whsk_x", 1):      "",
	} {
		_, err := hub.Kind().Configure(connectortest.Settings(strings.Split(text, "\n")...))
		var s *connectors.SettingError
		if err == nil || setting != "" && (!errors.As(err, &s) || s.Setting != setting) {
			t.Errorf("%s: %v", text, err)
		}
	}
	t.Setenv("HUB_KEY", "whpk_falsch-herum")
	t.Setenv("X", "y")
	c, err := hub.Kind().Configure(connectortest.Settings(all))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Open(environment(t)); err == nil || strings.Contains(err.Error(), "falsch") {
		t.Errorf("a public key signs: %v", err)
	}
}

// The control of the fake: what is packed differently is not taken.
func TestOtherHubIsStrict(t *testing.T) {
	o := start(t)
	r := httptest.NewRequest(http.MethodPost, "/v1/submissions", strings.NewReader("--x\r\nContent-Disposition: form-data; name=payload\r\n\r\n{}\r\n--x--\r\n"))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=x")
	r.Header.Set("Authorization", "Bearer "+token)
	w := httptest.NewRecorder()
	o.ServeHTTP(w, r)
	if w.Code != http.StatusBadRequest {
		t.Errorf("%d", w.Code)
	}
}
