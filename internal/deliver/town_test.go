package deliver

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
)

// backend is a partner whose answers are written down beforehand.
type backend struct {
	traits connectors.Traits
	answer func(kind string, m *connectors.Message, n int) connectors.Receipt

	mu    sync.Mutex
	calls []string // "send <id>" or "ask <id>"
}

// brokenUntil is a backend that fails with a code until it is up.
func brokenUntil(up *atomic.Bool, code string) *backend {
	return &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
		if up.Load() {
			return connectors.Receipt{Outcome: connectors.Delivered}
		}
		return connectors.Receipt{Outcome: connectors.Retry, Code: code, Fault: true}
	}}
}

func (b *backend) Traits() connectors.Traits { return b.traits }
func (b *backend) Open(connectors.Environment) (connectors.Connector, error) {
	return b, nil
}
func (b *backend) Close() error { return nil }

func (b *backend) call(kind string, m *connectors.Message) connectors.Receipt {
	b.mu.Lock()
	b.calls = append(b.calls, kind+" "+m.ID)
	n, answer := len(b.calls), b.answer
	b.mu.Unlock()
	if answer == nil {
		return connectors.Receipt{Outcome: connectors.Delivered}
	}
	return answer(kind, m, n)
}

func (b *backend) Deliver(_ context.Context, m *connectors.Message) connectors.Receipt {
	return b.call("send", m)
}
func (b *backend) Ask(_ context.Context, m *connectors.Message) connectors.Receipt {
	return b.call("ask", m)
}

func (b *backend) count() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.calls)
}

// kinds are the calls so far without their ids.
func (b *backend) kinds() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for _, c := range b.calls {
		kind, _, _ := strings.Cut(c, " ")
		all = append(all, kind)
	}
	return strings.Join(all, " ")
}

// always answers the same, whatever comes.
func always(r connectors.Receipt) func(string, *connectors.Message, int) connectors.Receipt {
	return func(string, *connectors.Message, int) connectors.Receipt { return r }
}

// town is a store with a vault and some systems, in moved time.
type town struct {
	t     *testing.T
	dir   string
	store *sqlite.Store
	vault *vault.Vault
	snap  *config.Snapshot
	d     *Deliverer
	ids   hub.IDs
	rung  []hub.ID
	alert func(what string, id hub.ID, err error)
	mu    sync.Mutex

	// Of what is submitted next.
	meta       hub.Meta
	consent    hub.Consent
	trace      string
	attachment string                                      // its content; empty for none
	spoil      func(file []byte, i *hub.Attachment) []byte // of the attachment
	file       []byte                                      // as it is stored

	claimed []store.Task // by the step that has planned what was submitted last
}

func newTown(t *testing.T, systems map[string]*backend) *town {
	t.Helper()
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse(keyring)
	if err != nil {
		t.Fatal(err)
	}
	tw := &town{t: t, dir: t.TempDir(), vault: v, snap: &config.Snapshot{Systems: map[string]*config.System{}}}
	if tw.store, err = sqlite.Open(sqlite.Options{Dir: tw.dir}); err != nil {
		t.Fatal(err)
	}
	for name, b := range systems {
		tw.snap.Systems[name] = &config.System{
			Name: name, Kind: "test", Config: b,
			Retry:   config.Retry{Schedule: []time.Duration{time.Second, 10 * time.Second}, Then: time.Minute, GiveUpAfter: time.Hour},
			Breaker: config.Breaker{OpenAfter: 3, HalfOpenAfter: 30 * time.Second},
			Limits:  config.SystemLimits{Concurrency: 4, Timeout: 10 * time.Second},
		}
	}
	tw.d = tw.deliverer("node")
	return tw
}

func (tw *town) deliverer(node string) *Deliverer {
	return New(Options{
		Store: tw.store, Damage: tw.store.Damage, Vault: tw.vault, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Node: node, Alert: tw.alert, Lease: time.Minute, Scan: 5 * time.Second,
		Attachments: func(string) (io.ReadCloser, error) { return nil, errors.New("there is none") },
		Ring: func(id hub.ID) {
			tw.mu.Lock()
			tw.rung = append(tw.rung, id)
			tw.mu.Unlock()
		},
	})
}

func (tw *town) start() {
	tw.t.Helper()
	if err := tw.d.Start(tw.t.Context(), tw.snap); err != nil {
		tw.t.Fatal(err)
	}
}

func (tw *town) end() {
	tw.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := tw.d.Stop(ctx); err != nil {
		tw.t.Error(err)
	}
	if err := tw.store.Close(); err != nil {
		tw.t.Error(err)
	}
}

// restart is what the next process of the same node finds.
func (tw *town) restart() {
	tw.t.Helper()
	if err := tw.store.Close(); err != nil {
		tw.t.Fatal(err)
	}
	var err error
	if tw.store, err = sqlite.Open(sqlite.Options{Dir: tw.dir}); err != nil {
		tw.t.Fatal(err)
	}
	tw.d = tw.deliverer("node")
	tw.start()
}

// submit accepts and plans a submission with one pending delivery to each system.
func (tw *town) submit(spoil func(*store.NewDelivery), systems ...string) hub.ID {
	tw.t.Helper()
	now := time.Now()
	id := tw.ids.New()
	key, wrapped, err := tw.vault.NewKey(id, "05974040")
	if err != nil {
		tw.t.Fatal(err)
	}
	meta, err := json.Marshal(tw.meta)
	if err != nil {
		tw.t.Fatal(err)
	}
	attachments := tw.sealed(key)
	_, err = tw.store.Accept(tw.t.Context(), &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "portal", Channel: "portal",
			State: hub.SubmissionAccepted, ReceivedAt: now, Format: "xml", Version: 1, Attachments: len(attachments), Trace: tw.trace, Consent: tw.consent,
		},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Meta: key.Seal(hub.RecordMeta, meta),
		Payload: key.Seal(hub.RecordPayload, []byte("<a/>")), Attachments: attachments, Actor: "portal:portal",
	})
	if err != nil {
		tw.t.Fatal(err)
	}
	step := &store.Advance{At: now, State: hub.SubmissionRunning}
	for i, system := range systems {
		d := id.Delivery(i + 1)
		body := []byte("document " + d.String())
		head, err := json.Marshal(hub.DocumentHead{Name: "document.txt", ContentType: "text/plain"})
		if err != nil {
			tw.t.Fatal(err)
		}
		sum := sumOf(string(body))
		n := store.NewDelivery{
			Delivery: hub.Delivery{ID: d, Role: system, System: system, State: hub.DeliveryPending, NotBefore: now, UpdatedAt: now, SHA256: sum},
			Document: &store.Rendered{Delivery: d, Head: key.Seal(hub.RecordHead(d), head), Body: key.Seal(hub.RecordBody(d), body), SHA256: sum},
		}
		if spoil != nil {
			spoil(&n)
		}
		step.Deliveries = append(step.Deliveries, n)
	}
	if err := tw.store.Advance(tw.t.Context(), id, 1, step); err != nil {
		tw.t.Fatal(err)
	}
	tw.claimed = step.Claimed
	for _, s := range systems {
		tw.d.Wake(s)
	}
	return id
}

// sumOf is the SHA-256 of a text in hex.
func sumOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sealed is the attachment of what is submitted, where it has one.
func (tw *town) sealed(key *vault.Key) []store.SealedAttachment {
	tw.t.Helper()
	if tw.attachment == "" {
		return nil
	}
	var file bytes.Buffer
	w, err := key.SealStream(&file, hub.RecordAttachment(1))
	if err != nil {
		tw.t.Fatal(err)
	}
	if _, err := io.WriteString(w, tw.attachment); err != nil {
		tw.t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		tw.t.Fatal(err)
	}
	info := hub.Attachment{N: 1, Name: "impfpass.pdf", ContentType: "application/pdf", Size: int64(len(tw.attachment)), SHA256: sumOf(tw.attachment)}
	tw.file = tw.spoil(file.Bytes(), &info)
	plain, err := json.Marshal(info)
	if err != nil {
		tw.t.Fatal(err)
	}
	return []store.SealedAttachment{{N: 1, Info: key.Seal(hub.RecordAttachmentInfo(1), plain), File: "1"}}
}

func (tw *town) status(id hub.ID) *store.Status {
	tw.t.Helper()
	s, err := tw.store.Submission(tw.t.Context(), id)
	if err != nil {
		tw.t.Fatal(err)
	}
	return s
}

func (tw *town) expect(id hub.ID, n int, state hub.DeliveryState, reason hub.ParkReason) {
	tw.t.Helper()
	d := tw.status(id).Deliveries[n-1]
	if d.State != state || d.Reason != reason {
		tw.t.Errorf("delivery %d is %s %s (%s), want %s %s", n, d.State, d.Reason, d.Code, state, reason)
	}
}

// after lets time pass and everything that falls due in it happen.
func after(d time.Duration) {
	time.Sleep(d) // moved time: a bubble of synctest
	synctest.Wait()
}

// alerts are the words of what operators must look at.
func (tw *town) alerts() *string {
	all := new(string)
	tw.alert = func(what string, _ hub.ID, _ error) { *all = strings.TrimSpace(*all + " " + what) }
	tw.d.Alert = tw.alert
	return all
}

// unclear counts the alerts of an unclear outcome.
func (tw *town) unclear() *int {
	n := new(int)
	tw.d.Alert = func(kind string, _ hub.ID, _ error) {
		if kind == "unclear" {
			*n++
		}
	}
	return n
}
