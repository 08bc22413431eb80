package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

const (
	ags    = "05999040"
	system = "kasse-musterstadt"
)

// fixture is an admin API over a real store and a real vault. What the flow and
// the deliverer do is done by hand.
type fixture struct {
	*testing.T
	store  *sqlite.Store
	vault  *vault.Vault
	server *Server
	url    string
	client *admin.Client
	ids    hub.IDs
	dir    string
	now    time.Time

	ring []byte
	old  string // a key that has run out

	mu         sync.Mutex
	rang       []hub.ID
	woke       []string
	wentOn     []string
	probeError error
	breakers   map[string]string
	findings   config.Findings

	ordered []byte // the order key of what is planned; nil for none

	reloadedBy  string
	reloadError error
}

func newFixture(t *testing.T) *fixture {
	t.Helper()
	f := &fixture{T: t, now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC), breakers: map[string]string{}}
	f.ids.Now = f.clock
	var err error
	f.dir = t.TempDir()
	if f.store, err = sqlite.Open(sqlite.Options{Dir: f.dir}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.store.Close(); err != nil {
			t.Error(err)
		}
	})
	ring, err := vault.Generate()
	f.must(err)
	f.ring = ring
	f.vault, err = vault.Parse(ring)
	f.must(err)
	key, hash := config.NewOperatorKey("leitstelle")
	sum, err := hex.DecodeString(hash)
	f.must(err)
	old, hash := config.NewOperatorKey("leitstelle")
	oldSum, err := hex.DecodeString(hash)
	f.must(err)
	snap := &config.Snapshot{
		Revision: "0123456789ab", Dir: t.TempDir(),
		Hub: config.Hub{Data: t.TempDir(), Node: "node-1", Limits: config.Limits{Payload: 1 << 20}},
		Municipalities: map[string]*config.Municipality{
			ags:     {AGS: ags, Name: "Stadt Musterstadt", Services: map[string]*config.Binding{"hundeanmeldung": {}}},
			"05999": {AGS: "05999", Name: "Kreis Muster"},
		},
		Operators: map[string]*config.Operator{"leitstelle": {Name: "leitstelle", Keys: []config.Key{
			{SHA256: [32]byte(sum)}, {SHA256: [32]byte(oldSum), Until: f.now.Add(-time.Hour)},
		}}},
		Systems: map[string]*config.System{system: {Name: system, Kind: "rest", Profile: "kasse-json"}},
		Routes:  map[string]*route.Route{"hundeanmeldung": {Service: "hundeanmeldung", Title: "Hund anmelden", Keys: []route.Key{{Name: "chip"}, {Name: "name"}}}},
	}
	f.server = New(Options{
		Store: f.store, Vault: f.vault, Live: config.NewLive(config.Source{}, snap), Now: f.clock, Version: "test",
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)),
		Attachments: func(file string) (io.ReadCloser, error) {
			return os.Open(filepath.Join(f.store.AttachmentDir(), file))
		},
		Keyring:  func() ([]byte, error) { return f.ring, nil },
		Ring:     func(id hub.ID) { f.mu.Lock(); f.rang = append(f.rang, id); f.mu.Unlock() },
		Wake:     func(s string) { f.mu.Lock(); f.woke = append(f.woke, s); f.mu.Unlock() },
		Again:    f.again,
		Ready:    f.store.Healthy,
		Probe:    func(context.Context, string) error { return f.probeError },
		Breakers: func() map[string]string { return f.breakers },
		Disk:     f.store.Disk,
		Reload: func(_ context.Context, actor string) (config.Findings, error) {
			f.reloadedBy = actor
			return f.findings, f.reloadError
		},
		Check: func() config.Findings { return f.findings },
		Render: func(_ context.Context, in admin.Render) ([]Rendered, error) {
			payload := in.Payload
			return []Rendered{{Role: "finance", System: system, Mapping: "hundeanmeldung/finance.yaml", Name: "a.json", ContentType: "application/json", Body: payload}}, nil
		},
	})
	web := httptest.NewServer(f.server.Handler())
	t.Cleanup(web.Close)
	f.url, f.client = web.URL, admin.New(web.URL, key)
	t.Cleanup(func() { f.client.HTTP.CloseIdleConnections() })
	f.old = old
	return f
}

func (f *fixture) clock() time.Time { return f.now }

func (f *fixture) must(err error) {
	f.Helper()
	if err != nil {
		f.Fatal(err)
	}
}

// problem demands that err is a problem with this status and code.
func (f *fixture) problem(err error, status int, code string) {
	f.Helper()
	p, ok := err.(*admin.Problem)
	if !ok || p.Status != status || p.Code != code {
		f.Fatalf("got %v (%#v), want a problem %d %s", err, err, status, code)
	}
}

// accept stores a submission and gives its id and key.
func (f *fixture) accept(payload string) (hub.ID, *vault.Key) {
	f.Helper()
	id := f.ids.New()
	key, wrapped, err := f.vault.NewKey(id, ags)
	f.must(err)
	_, err = f.store.Accept(f.Context(), &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: ags, Service: "hundeanmeldung", Portal: "buergerportal", Channel: "portal",
			State: hub.SubmissionAccepted, Consent: hub.Consent{Given: true, At: f.now}, ReceivedAt: f.now, Revision: "0123456789ab",
			Format: "xml", SHA256: sha256.Sum256([]byte(payload)), Size: int64(len(payload)), Version: 1},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Payload: key.Seal(hub.RecordPayload, []byte(payload)),
		Meta: key.Seal(hub.RecordMeta, f.json(hub.Meta{Reference: "BP-4711", MediaType: "application/xml"})), Actor: "portal:buergerportal",
	})
	f.must(err)
	return id, key
}

func (f *fixture) json(v any) []byte {
	f.Helper()
	b, err := json.Marshal(v)
	f.must(err)
	return b
}

// plan gives a submission one rendered delivery that can be found by its chip.
func (f *fixture) plan(id hub.ID, key *vault.Key, document, chip string) hub.ID {
	f.Helper()
	return f.planned(id, key, document, chip, func(*store.Rendered) {})
}

// planned is plan with a change to what is stored.
func (f *fixture) planned(id hub.ID, key *vault.Key, document, chip string, change func(*store.Rendered)) hub.ID {
	f.Helper()
	d := id.Delivery(1)
	sum := sha256.Sum256([]byte(document))
	rendered := &store.Rendered{Delivery: d, Head: key.Seal(hub.RecordHead(d), f.json(hub.DocumentHead{Name: "a.json", ContentType: "application/json"})),
		Body: key.Seal(hub.RecordBody(d), []byte(document)), SHA256: hex.EncodeToString(sum[:]), Revision: "0123456789ab"}
	change(rendered)
	f.must(f.store.Advance(f.Context(), id, 1, &store.Advance{At: f.now, State: hub.SubmissionRunning,
		Search: [][]byte{f.vault.Hash("search:chip", ags, chip)},
		Deliveries: []store.NewDelivery{{Document: rendered, OrderKey: f.ordered, Delivery: hub.Delivery{ID: d, Role: "finance", System: system, Document: "finance",
			State: hub.DeliveryPending, NotBefore: f.now, UpdatedAt: f.now, SHA256: rendered.SHA256}}},
	}))
	return d
}

// record claims the delivery and ends its attempt.
func (f *fixture) record(key *vault.Key, state hub.DeliveryState, reason hub.ParkReason, code, detail string) {
	f.Helper()
	tasks, err := f.store.Claim(f.Context(), store.Claim{System: system, Owner: "node-1", Now: f.now, Lease: time.Minute, Limit: 1})
	f.must(err)
	if len(tasks) != 1 {
		f.Fatalf("%d deliveries were due, want 1", len(tasks))
	}
	t := tasks[0]
	_, err = f.store.Record(f.Context(), &store.Record{
		Attempt: hub.Attempt{Delivery: t.Delivery.ID, N: t.Delivery.Attempts, At: f.now, Took: 12 * time.Millisecond, Node: "node-1", Kind: "send", Outcome: "refused", Code: code},
		Detail:  key.Seal(hub.RecordDetail(t.Delivery.ID, t.Delivery.Attempts), []byte(detail)),
		Owner:   "node-1", Fence: t.Fence, State: state, Reason: reason, NotBefore: f.now,
	})
	f.must(err)
}

// parked stores a submission whose delivery was refused.
func (f *fixture) parked(code string) (hub.ID, hub.ID) {
	f.Helper()
	id, key := f.accept("<hund/>")
	d := f.plan(id, key, `{"chip":"1"}`, "276098100000017")
	f.record(key, hub.DeliveryParked, hub.ParkRefused, code, "HTTP 422: Frau Beispiel fehlt")
	return id, d
}

// audited gives the entries of an action.
func (f *fixture) audited(action string) []hub.AuditEntry {
	f.Helper()
	trail, err := f.store.AuditTrail(f.Context(), 0, 1000)
	f.must(err)
	var out []hub.AuditEntry
	for _, e := range trail {
		if e.Action == action {
			out = append(out, e)
		}
	}
	return out
}

// call makes a request by hand, for what the client would not do.
func (f *fixture) call(method, path string, header http.Header, body io.Reader) (*http.Response, string) {
	f.Helper()
	req, err := http.NewRequestWithContext(f.Context(), method, f.url+path, body)
	f.must(err)
	req.Header = header
	res, err := http.DefaultClient.Do(req)
	f.must(err)
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	f.must(err)
	return res, string(text)
}

// again notes who has said that a system works again.
func (f *fixture) again(_ context.Context, system, actor string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.wentOn = append(f.wentOn, system+" by "+actor)
	return nil
}
