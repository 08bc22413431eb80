package intake

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// The towns and keys of the tests. Soest's portal may do all for Soest and dogs
// for Werl; Iserlohn's sees neither.
const (
	soest, werl, iserlohn = "05974040", "05974052", "05962024"

	keySoest    = "swp_soest_Wm9lZ2xpbmc"
	keyRotated  = "swp_soest_TmV1ZXJTY2hs"
	keyExpired  = "swp_soest_QWx0ZXJTY2hs"
	keyIserlohn = "swp_iserlohn_S2xhdXNl"
	keyCounter  = "swp_theke_VGhla2VUaGVr"
)

var dogs = fstest.MapFS{
	"hund/route.yaml": {Data: []byte(`service: hund
revision: 3
title: Hund anmelden
description: Hier melden Sie einen Hund an.
inputs:
  - {xml: hund.xsd}
  - {json: hund.schema.json, version: "2"}
consent: required
consent-wording: {version: "2026-01", text: Ich willige ein.}
keys: {chip: hund/chip}
order-by: hund/chip
answers: {aktenzeichen: records/aktenzeichen, payment-url: records/payment-url}
deliveries:
  - {to: records}
examples:
  - {name: labrador, title: Ein Labrador, file: labrador.xml}
`)},
	"hund/hund.xsd":         {Data: []byte(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="antrag"><xs:complexType><xs:sequence><xs:any processContents="skip" minOccurs="0" maxOccurs="unbounded"/></xs:sequence></xs:complexType></xs:element></xs:schema>`)},
	"hund/hund.schema.json": {Data: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object","required":["halter"],"properties":{"halter":{"type":"object","required":["name"],"properties":{"name":{"type":"string","maxLength":20}}},"hund":{"type":"array","items":{"type":"object","properties":{"chip":{"type":"string","pattern":"^[0-9]{15}$"}}}}},"additionalProperties":false}`)},
	"hund/labrador.xml":     {Data: []byte(antrag)},
	"tonne/route.yaml": {Data: []byte(`service: tonne
revision: 1
title: Tonne bestellen
inputs: [{json: tonne.schema.json}]
consent: not-needed
order-by: bestellung/*
deliveries: [{to: waste}]
`)},
	"tonne/tonne.schema.json": {Data: []byte(`{"$schema":"https://json-schema.org/draft/2020-12/schema","type":"object"}`)},
}

// morning is when the tests begin.
var morning = time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)

const antrag = `<antrag><halter><name>Geheimnis</name></halter><hund><chip> 276098102345678 </chip></hund></antrag>`

// world is a hub's portal side on a real port.
type world struct {
	t      *testing.T
	url    string
	store  *faults
	vault  *vault.Vault
	api    *API
	dir    string // attachments
	snap   atomic.Pointer[config.Snapshot]
	client *http.Client
	logged *syncBuffer

	mu       sync.Mutex
	now      time.Time
	rung     []hub.ID
	outcomes []string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, logged: &syncBuffer{}, now: morning}
	if w.vault, err = vault.Parse(keyring); err != nil {
		t.Fatal(err)
	}
	journal := openStore(t)
	w.store, w.dir = &faults{Store: journal}, journal.AttachmentDir()
	w.snap.Store(snapshot(t))
	w.api, err = New(Settings{
		Store: w.store, Vault: w.vault, Config: w.snap.Load, Attachments: w.dir, Now: w.clock,
		Ring:     func(id hub.ID) { w.mu.Lock(); w.rung = append(w.rung, id); w.mu.Unlock() },
		Observed: func(code string, _ time.Duration) { w.mu.Lock(); w.outcomes = append(w.outcomes, code); w.mu.Unlock() },
		Log:      slog.New(slog.NewJSONHandler(w.logged, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Ready:    func(context.Context) error { return w.store.ready() },
	})
	if err != nil {
		t.Fatal(err)
	}
	w.serve(config.Timeouts{Header: 5 * time.Second, Read: 20 * time.Second, Write: 20 * time.Second, Idle: 20 * time.Second})
	t.Cleanup(func() { // whatever else a test shows: nobody's name in the log
		for _, secret := range []string{"Geheimnis", "impfpass", "postkorb-4711", "swp_"} {
			if strings.Contains(w.logged.String(), secret) {
				t.Errorf("%q is in the log:\n%s", secret, w.logged)
			}
		}
	})
	return w
}

// serve starts a server of its own; the last one started is the world's.
func (w *world) serve(timeouts config.Timeouts) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		w.t.Fatal(err)
	}
	s := Server(w.api, timeouts)
	s.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	done := make(chan struct{})
	go func() { defer close(done); _ = s.Serve(l) }()
	w.url = "http://" + l.Addr().String()
	transport := &http.Transport{MaxIdleConnsPerHost: 100, ExpectContinueTimeout: 10 * time.Second}
	w.client = &http.Client{Transport: &conformance{w: w, next: transport}}
	w.t.Cleanup(func() { transport.CloseIdleConnections(); _ = s.Close(); <-done })
}

// in lets a subtest use the world.
func (w *world) in(t *testing.T) *world {
	outer := w.t
	w.t = t
	t.Cleanup(func() { w.t = outer })
	return w
}

func (w *world) clock() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.now
}

func (w *world) advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.now = w.now.Add(d)
}

// change puts a changed copy of the configuration in force.
func (w *world) change(fn func(*config.Snapshot)) {
	s := *w.snap.Load()
	fn(&s)
	w.snap.Store(&s)
}

func snapshot(t testing.TB) *config.Snapshot {
	t.Helper()
	s := &config.Snapshot{
		Revision: "a1b2c3d4e5f6", Municipalities: map[string]*config.Municipality{}, Routes: map[string]*route.Route{},
		Portals: map[string]*config.Portal{
			"soest": {Name: "soest", Municipalities: []string{soest, werl}, Keys: []config.Key{
				hashed(keySoest), hashed(keyRotated),
				{SHA256: hashed(keyExpired).SHA256, Until: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)},
			}},
			"iserlohn": {Name: "iserlohn", Municipalities: []string{iserlohn}, Services: []string{"hund"}, Keys: []config.Key{hashed(keyIserlohn)}},
			"theke":    {Name: "theke", Municipalities: []string{soest}, Operator: true, Keys: []config.Key{hashed(keyCounter)}},
		},
	}
	s.Hub.Listen.Public = "https://hub.example"
	s.Hub.Limits = config.Limits{Payload: 1 << 20, Attachment: 1 << 20, Attachments: 3, Total: 3 << 20, Requests: 64}
	for _, name := range []string{"hund", "tonne"} {
		rt, findings := route.Load(dogs, name, nil)
		if rt == nil {
			t.Fatal(findings)
		}
		for i := range rt.Inputs {
			if in := &rt.Inputs[i]; in.Format == "json" {
				schema, err := gate.CompileJSON(dogs, in.SchemaFile)
				if err != nil {
					t.Fatal(err)
				}
				in.Schema = schema
			}
		}
		s.Routes[name] = rt
	}
	for ags, name := range map[string]string{soest: "Stadt Soest", werl: "Stadt Werl", iserlohn: "Stadt Iserlohn"} {
		s.Municipalities[ags] = &config.Municipality{AGS: ags, Name: name, Services: map[string]*config.Binding{}}
	}
	for ags, m := range s.Municipalities {
		m.Services["hund"] = &config.Binding{Municipality: m, Competent: m, Route: s.Routes["hund"]}
		if ags == soest { // decided by a neighbour
			m.Services["tonne"] = &config.Binding{Municipality: m, Competent: s.Municipalities[werl], Route: s.Routes["tonne"]}
		}
	}
	return s
}

func hashed(key string) config.Key { return config.Key{SHA256: sum([]byte(key))} }

// faults is a store that can be made to fail.
type faults struct {
	Store
	mu           sync.Mutex
	accept       error         // what Accept gives instead
	after        int           // … once it has accepted so many
	earlier      error         // what Earlier gives instead
	lookup       error         // what Submission gives instead
	bundles      error         // what steps of bundles give instead
	lookupBundle error         // what Bundle gives instead
	list         error         // what List gives instead
	withdraw     error         // what Withdraw gives instead
	notReady     error         // what /readyz hears
	hold         chan struct{} // Accept waits until it is closed
	holding      chan struct{} // gets a value when Accept waits
	last         *store.Acceptance
}

func (f *faults) set(fn func(*faults)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	fn(f)
}

func (f *faults) ready() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.notReady
}

func (f *faults) Accept(ctx context.Context, a *store.Acceptance) (store.Accepted, error) {
	f.mu.Lock()
	err, hold, holding := f.accept, f.hold, f.holding
	if f.after > 0 {
		f.after--
		err = nil
	}
	f.last = a
	f.mu.Unlock()
	if err != nil {
		return store.Accepted{}, err
	}
	if hold != nil {
		holding <- struct{}{}
		<-hold
	}
	return f.Store.Accept(ctx, a)
}

func (f *faults) OpenBundle(ctx context.Context, o *store.BundleOpening) (store.OpenedBundle, error) {
	if err := f.ofBundles(); err != nil {
		return store.OpenedBundle{}, err
	}
	return f.Store.OpenBundle(ctx, o)
}

func (f *faults) AnswerBundle(ctx context.Context, id hub.ID, answers []byte, actor string, at time.Time) error {
	if err := f.ofBundles(); err != nil {
		return err
	}
	return f.Store.AnswerBundle(ctx, id, answers, actor, at)
}

func (f *faults) CloseBundle(ctx context.Context, id hub.ID, actor string, at time.Time) (hub.ID, error) {
	if err := f.ofBundles(); err != nil {
		return hub.ID{}, err
	}
	return f.Store.CloseBundle(ctx, id, actor, at)
}

func (f *faults) Bundle(ctx context.Context, id hub.ID) (*store.BundleCase, error) {
	f.mu.Lock()
	err := f.lookupBundle
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Store.Bundle(ctx, id)
}

func (f *faults) ofBundles() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.bundles
}

func (f *faults) Earlier(ctx context.Context, portal, key string, print [32]byte) (store.Accepted, error) {
	f.mu.Lock()
	err := f.earlier
	f.mu.Unlock()
	if err != nil {
		return store.Accepted{}, err
	}
	return f.Store.Earlier(ctx, portal, key, print)
}

func (f *faults) Withdraw(ctx context.Context, id hub.ID, actor, reason string, at time.Time) error {
	f.mu.Lock()
	err := f.withdraw
	f.mu.Unlock()
	if err != nil {
		return err
	}
	return f.Store.Withdraw(ctx, id, actor, reason, at)
}

func (f *faults) Submission(ctx context.Context, id hub.ID) (*store.Status, error) {
	f.mu.Lock()
	err := f.lookup
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Store.Submission(ctx, id)
}

func (f *faults) List(ctx context.Context, filter store.Filter) ([]store.Row, error) {
	f.mu.Lock()
	err := f.list
	f.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return f.Store.List(ctx, filter)
}

func (w *world) ringing() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.rung)
}

type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}
func (s *syncBuffer) String() string { s.mu.Lock(); defer s.mu.Unlock(); return s.b.String() }
