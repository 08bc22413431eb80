package flow

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors/all"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
	"stellwerk/mappings"
	"stellwerk/routes"
)

const town = "05999040"

// desk is a flow over the sample town, with a real store.
type desk struct {
	*Flow
	t     *testing.T
	store *sqlite.Store
	ids   hub.IDs
	now   time.Time
	woken []string
	alert []string
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	src := config.Source{Dir: "../../testdata/musterstadt", Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds()}
	snap, findings := config.Load(src)
	if findings.HasErrors() {
		t.Fatal(findings.Err())
	}
	ring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse(ring)
	if err != nil {
		t.Fatal(err)
	}
	s, err := sqlite.Open(sqlite.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	d := &desk{t: t, store: s, now: time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)}
	d.Flow = &Flow{
		Store: s, Vault: v, Live: config.NewLive(src, snap), Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return d.now },
		Wake:  func(system string) { d.woken = append(d.woken, system) },
		Alert: func(what string, _ hub.ID, _ error) { d.alert = append(d.alert, what) },
	}
	return d
}

// accept writes an example as intake would; spoil may change what is stored.
func (d *desk) accept(example string, edit func(string) string, spoil func(*store.Acceptance)) hub.ID {
	d.t.Helper()
	body, err := os.ReadFile(filepath.Join("../../routes/hundeanmeldung/examples", example))
	if err != nil {
		d.t.Fatal(err)
	}
	if edit != nil {
		body = []byte(edit(string(body)))
	}
	id := d.ids.New()
	key, wrapped, err := d.Vault.NewKey(id, town)
	if err != nil {
		d.t.Fatal(err)
	}
	format, media := "xml", "application/xml"
	if filepath.Ext(example) == ".json" {
		format, media = "json", "application/json"
	}
	meta, err := json.Marshal(hub.Meta{Reference: "BP-1", MediaType: media, Account: map[string]string{"surname": "Kontoperson"}})
	if err != nil {
		d.t.Fatal(err)
	}
	a := &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: town, Service: "hundeanmeldung", Portal: "buergerportal", Channel: "portal", State: hub.SubmissionAccepted,
			Consent: hub.Consent{Given: true, At: d.now, Wording: "1"}, ReceivedAt: d.now, Format: format, SHA256: sha256.Sum256(body), Size: int64(len(body)), Version: 1,
		},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Meta: key.Seal(hub.RecordMeta, meta), Payload: key.Seal(hub.RecordPayload, body), Actor: "portal:buergerportal",
	}
	if spoil != nil {
		spoil(a)
	}
	if _, err := d.store.Accept(d.t.Context(), a); err != nil {
		d.t.Fatal(err)
	}
	return id
}

func (d *desk) run(id hub.ID) *store.Status {
	d.t.Helper()
	if err := d.Run(d.t.Context(), id); err != nil {
		d.t.Fatal(err)
	}
	s, err := d.store.Submission(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return s
}

// deliver lets a system take its delivery and answer.
func (d *desk) deliver(id hub.ID, n int, system string, answer map[string]string) {
	d.t.Helper()
	tasks, err := d.store.Claim(d.t.Context(), store.Claim{System: system, Owner: "node", Now: d.now, Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 || tasks[0].Delivery.ID != id.Delivery(n) {
		d.t.Fatalf("claim for %s: %+v, %v", system, tasks, err)
	}
	key, err := d.Vault.Unwrap(id, town, tasks[0].DataKey)
	if err != nil {
		d.t.Fatal(err)
	}
	var sealed []byte
	if answer != nil {
		raw, err := json.Marshal(answer)
		if err != nil {
			d.t.Fatal(err)
		}
		sealed = key.Seal(hub.RecordAnswer(id.Delivery(n)), raw)
	}
	if _, err := d.store.Record(d.t.Context(), &store.Record{
		Attempt: hub.Attempt{Delivery: id.Delivery(n), N: 1, At: d.now, Node: "node", Kind: "send", Outcome: "delivered"}, Owner: "node", Fence: tasks[0].Fence,
		State: hub.DeliveryDelivered, Answer: sealed,
	}); err != nil {
		d.t.Fatal(err)
	}
}

// anew lets a person have a delivery mapped anew.
func (d *desk) anew(id hub.ID) *store.Status {
	d.t.Helper()
	if err := d.store.Replay(d.t.Context(), id, store.Replay{Anew: true, Force: true, Actor: "operator:x", Reason: "put right", At: d.now}); err != nil {
		d.t.Fatal(err)
	}
	return d.run(id.Submission())
}

func (d *desk) document(id hub.ID, n int) string {
	d.t.Helper()
	doc, err := d.store.Document(d.t.Context(), id.Delivery(n))
	if err != nil {
		d.t.Fatal(err)
	}
	c, err := d.store.Case(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	key, err := d.Vault.Unwrap(id, town, c.DataKey)
	if err != nil {
		d.t.Fatal(err)
	}
	body, err := key.Open(hub.RecordBody(id.Delivery(n)), doc.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return string(body)
}

func states(s *store.Status) string {
	var all []string
	for _, d := range s.Deliveries {
		all = append(all, d.Role+":"+string(d.State))
	}
	return string(s.Submission.State) + " " + strings.Join(all, " ")
}

func TestPlansAndRenders(t *testing.T) {
	for _, example := range []string{"labrador.xml", "labrador.json"} {
		t.Run(example, func(t *testing.T) {
			d := newDesk(t)
			id := d.accept(example, nil, nil)
			if got, want := states(d.run(id)), "running records:pending finance:waiting public-order:pending"; got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			if len(d.woken) != 2 {
				t.Errorf("woken: %v", d.woken)
			}
			if body := d.document(id, 3); !strings.Contains(body, "276098100000017") {
				t.Errorf("the Ordnungsamt is not told the chip: %s", body)
			}
			// What records answers is in what finance gets; read anew by another process.
			d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "22.31-000815/26"})
			d.warm.forget(id)
			if got, want := states(d.run(id)), "running records:delivered finance:pending public-order:pending"; got != want {
				t.Fatalf("got %s, want %s", got, want)
			}
			if body := d.document(id, 2); !strings.Contains(body, "22.31-000815/26") {
				t.Errorf("finance is not told the Aktenzeichen: %s", body)
			}
		})
	}
}

func TestWhatIsWarmRendersTheSame(t *testing.T) {
	d := newDesk(t)
	var bodies []string
	for _, cold := range []bool{true, false} {
		id := d.accept("labrador.xml", nil, nil)
		d.run(id)
		d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "22.31-000815/26"})
		if cold {
			d.warm.forget(id)
		} else if d.warm.get(id) == nil {
			t.Fatal("it is not warm although finance waits")
		}
		d.run(id)
		if d.warm.get(id) != nil {
			t.Error("it is still warm although nothing waits")
		}
		bodies = append(bodies, strings.ReplaceAll(strings.ReplaceAll(d.document(id, 2), id.Number(), "NUMBER"), id.String(), "ID"))
	}
	if bodies[0] != bodies[1] {
		t.Errorf("cold: %s\nwarm: %s", bodies[0], bodies[1])
	}
}

func TestSmallDogIsNotForTheOrdnungsamt(t *testing.T) {
	d := newDesk(t)
	id := d.accept("dackel.xml", nil, nil)
	if got, want := states(d.run(id)), "running records:pending finance:waiting"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestUnknownBreedWaitsForAPerson(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", func(s string) string {
		return strings.Replace(s, "<code>labrador-retriever</code>", "<code>wolpertinger</code>", 1)
	}, nil)
	s := d.run(id)
	if got, want := states(s), "parked records:pending finance:waiting public-order:parked"; got != want {
		t.Fatalf("got %s, want %s", got, want)
	}
	if p := s.Deliveries[2]; p.Reason != hub.ParkUnmapped || p.Code != string(mapping.CodeUnknownCode) {
		t.Errorf("parked as %s (%s)", p.Reason, p.Code)
	}
}

func TestParksWhatCannotBePlanned(t *testing.T) {
	tests := map[string]struct {
		edit  func(string) string
		spoil func(*store.Acceptance)
		code  string
	}{
		"no consent":        {nil, func(a *store.Acceptance) { a.Submission.Consent.Given = false }, "no-consent"},
		"no longer offered": {nil, func(a *store.Acceptance) { a.Submission.Service = "hundesteuer" }, "not-offered"},
		"cannot be read":    {func(s string) string { return s[:len(s)/2] }, nil, "payload-unreadable"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			s := d.run(d.accept("labrador.xml", test.edit, test.spoil))
			if s.Submission.State != hub.SubmissionParked || s.Submission.Reason != hub.ParkUnmapped || s.Submission.Code != test.code || len(s.Deliveries) != 0 {
				t.Errorf("got %+v", s)
			}
		})
	}
}

// One flipped bit anywhere: that submission is set aside, its neighbour goes on.
func TestDamageIsSetAside(t *testing.T) {
	flip := func(b []byte) []byte {
		b = bytes.Clone(b)
		b[len(b)/2] ^= 1
		return b
	}
	spoils := map[string]func(*store.Acceptance){
		"payload":  func(a *store.Acceptance) { a.Payload = flip(a.Payload) },
		"meta":     func(a *store.Acceptance) { a.Meta = flip(a.Meta) },
		"data key": func(a *store.Acceptance) { a.DataKey = flip(a.DataKey) },
		"digest":   func(a *store.Acceptance) { a.Submission.SHA256[0] ^= 1 },
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t)
			bad, good := d.accept("labrador.xml", nil, spoil), d.accept("labrador.xml", nil, nil)
			if s := d.run(bad); s.Submission.State != hub.SubmissionDamaged {
				t.Errorf("the damaged one is %s", s.Submission.State)
			}
			if len(d.alert) != 1 || d.alert[0] != "damaged" {
				t.Errorf("alerts: %v", d.alert)
			}
			if s := d.run(good); s.Submission.State != hub.SubmissionRunning {
				t.Errorf("its neighbour is %s", s.Submission.State)
			}
		})
	}
}

func TestPanicParksInsteadOfSpinning(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	real := stages[2].run
	stages[2].run = func(*work) error { panic("poison") }
	defer func() { stages[2].run = real }()
	s := d.run(id)
	if s.Submission.State != hub.SubmissionParked || s.Submission.Code != "internal-error" {
		t.Errorf("got %+v", s.Submission)
	}
	due, err := d.store.Due(t.Context(), d.now.Add(time.Hour), store.Due{}, 10)
	if err != nil || len(due) != 0 {
		t.Errorf("it is due again: %v, %v", due, err)
	}
}

func TestPreviewKeepsNothing(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	c, err := d.store.Case(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	w := &work{Flow: d.Flow, ctx: t.Context(), now: d.now, c: c}
	if err := open(w); err != nil {
		t.Fatal(err)
	}
	docs, err := PreviewOf(t.Context(), d.Live.Get(), town, "hundeanmeldung", w.root, *w.env, nil)
	if err != nil || len(docs) != 3 {
		t.Fatalf("%d documents, %v", len(docs), err)
	}
	if s, err := d.store.Submission(t.Context(), id); err != nil || s.Submission.State != hub.SubmissionAccepted || len(s.Deliveries) != 0 {
		t.Errorf("the preview left traces: %+v, %v", s, err)
	}
	if _, err := PreviewOf(t.Context(), d.Live.Get(), town, "nothing", w.root, *w.env, nil); err == nil {
		t.Error("a service nobody offers has a preview")
	}
}

// The first system is so fast that its answer is there before the run that planned it
// has ended: the bell for it is not lost on that run.
func TestBellWhileItRuns(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	d.Advanced = func(Step) {
		d.Advanced = nil
		d.deliver(id, 1, "akte-musterstadt", map[string]string{"aktenzeichen": "22.31-000815/26"})
		if err := d.Run(t.Context(), id); err != nil {
			t.Error(err)
		}
	}
	if got, want := states(d.run(id)), "running records:delivered finance:pending public-order:pending"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if d.Flow.running.has(id) {
		t.Error("it is taken for running after its end")
	}
}
