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
	"slices"
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
	mu    sync.Mutex
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
		Node: node, Lease: time.Minute, Scan: 5 * time.Second,
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
	_, err = tw.store.Accept(tw.t.Context(), &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "portal", Channel: "portal",
			State: hub.SubmissionAccepted, ReceivedAt: now, Format: "xml", Version: 1,
		},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Meta: key.Seal(hub.RecordMeta, []byte("{}")),
		Payload: key.Seal(hub.RecordPayload, []byte("<a/>")), Actor: "portal:portal",
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
		sum := sha256.Sum256(body)
		n := store.NewDelivery{
			Delivery: hub.Delivery{ID: d, Role: system, System: system, State: hub.DeliveryPending, NotBefore: now, UpdatedAt: now, SHA256: hex.EncodeToString(sum[:])},
			Document: &store.Rendered{Delivery: d, Head: key.Seal(hub.RecordHead(d), head), Body: key.Seal(hub.RecordBody(d), body), SHA256: hex.EncodeToString(sum[:])},
		}
		if spoil != nil {
			spoil(&n)
		}
		step.Deliveries = append(step.Deliveries, n)
	}
	if err := tw.store.Advance(tw.t.Context(), id, 1, step); err != nil {
		tw.t.Fatal(err)
	}
	for _, s := range systems {
		tw.d.Wake(s)
	}
	return id
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

func TestDeliversAndSettles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finance, records := &backend{}, &backend{}
		tw := newTown(t, map[string]*backend{"finance": finance, "records": records})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance", "records")
		after(time.Second)
		if s := tw.status(id); s.Submission.State != hub.SubmissionSettled {
			t.Errorf("the submission is %s", s.Submission.State)
		}
		if finance.count() != 1 || records.count() != 1 {
			t.Errorf("finance got %v, records got %v", finance.calls, records.calls)
		}
		if len(tw.rung) != 0 {
			t.Error("the flow was rung although there is nothing left to render")
		}
	})
}

// Eight wrong IBANs must not close the line for everyone.
func TestRefusalsParkAndLeaveTheBreakerClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		finance := &backend{answer: always(connectors.Receipt{Outcome: connectors.Refused, Code: "http-422"})}
		tw := newTown(t, map[string]*backend{"finance": finance})
		defer tw.end()
		tw.start()
		var ids []hub.ID
		for range 8 {
			ids = append(ids, tw.submit(nil, "finance"))
		}
		after(time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryParked, hub.ParkRefused)
		}
		if finance.count() != 8 {
			t.Errorf("%d attempts, want 8: a refusal is not repeated", finance.count())
		}
		if got := tw.d.Breakers()["finance"]; got != "closed" {
			t.Errorf("the breaker is %s", got)
		}
	})
}

func TestDeadBackendOpensItsBreakerAndSlowsNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var up atomic.Bool
		finance := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			if up.Load() {
				return connectors.Receipt{Outcome: connectors.Delivered}
			}
			return connectors.Receipt{Outcome: connectors.Retry, Code: "connection-refused", Fault: true}
		}}
		records := &backend{}
		tw := newTown(t, map[string]*backend{"finance": finance, "records": records})
		defer tw.end()
		tw.start()
		var ids []hub.ID
		for range 10 {
			ids = append(ids, tw.submit(nil, "finance", "records"))
		}
		after(2 * time.Second)
		if records.count() != 10 {
			t.Errorf("records got %d of 10 while finance was down", records.count())
		}
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Errorf("the breaker is %s", got)
		}
		tried := finance.count()
		after(20 * time.Second)
		if finance.count() != tried {
			t.Errorf("%d attempts while the breaker was open", finance.count()-tried)
		}
		up.Store(true)
		after(3 * time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
	})
}

func TestUnknownOutcome(t *testing.T) {
	lost := connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout", Fault: true}
	tests := []struct {
		name   string
		traits connectors.Traits
		then   connectors.Receipt // after the first answer was lost
		kinds  []string
		state  hub.DeliveryState
		reason hub.ParkReason
	}{
		{"a plain system is never sent it again", connectors.Traits{}, connectors.Receipt{}, []string{"send"}, hub.DeliveryParked, hub.ParkUnclear},
		{"a repeatable one gets the same id", connectors.Traits{Repeatable: true}, connectors.Receipt{Outcome: connectors.Delivered}, []string{"send", "send"}, hub.DeliveryDelivered, ""},
		{"an askable one is asked", connectors.Traits{Askable: true}, connectors.Receipt{Outcome: connectors.Delivered}, []string{"send", "ask"}, hub.DeliveryDelivered, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := &backend{traits: test.traits, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
					if n == 1 {
						return lost
					}
					return test.then
				}}
				tw := newTown(t, map[string]*backend{"finance": b})
				defer tw.end()
				unclear := tw.unclear()
				tw.start()
				id := tw.submit(nil, "finance")
				after(10 * time.Minute)
				tw.expect(id, 1, test.state, test.reason)
				if parked := test.reason == hub.ParkUnclear; parked != (*unclear == 1) {
					t.Errorf("%d alerts of an unclear outcome", *unclear)
				}
				if len(b.calls) != len(test.kinds) {
					t.Fatalf("calls %v, want %v", b.calls, test.kinds)
				}
				for i, kind := range test.kinds {
					if want := kind + " " + id.Delivery(1).String(); b.calls[i] != want {
						t.Errorf("call %d is %q, want %q", i+1, b.calls[i], want)
					}
				}
			})
		})
	}
}

// Asked and never seen: only now may it be sent again.
func TestAskedAndNeverArrivedIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, n int) connectors.Receipt {
			switch {
			case n == 1:
				return connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout", Fault: true}
			case kind == "ask":
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if len(b.calls) != 3 || b.calls[1][:3] != "ask" || b.calls[2][:4] != "send" {
			t.Errorf("calls %v, want send, ask, send", b.calls)
		}
	})
}

func maintenance(t *testing.T, from, until time.Time) config.Window {
	t.Helper()
	const minute = "2006-01-02 15:04"
	w, err := config.ParseWindow("maintenance", from.Format(minute)+"-"+until.Format(minute), time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestMaintenanceWindowBurnsNoAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		now := time.Now()
		tw.snap.Systems["finance"].Windows = []config.Window{maintenance(t, now.Add(-time.Hour), now.Add(time.Hour))}
		tw.start()
		id := tw.submit(nil, "finance")
		after(30 * time.Minute)
		if b.count() != 0 {
			t.Errorf("%d attempts in the window", b.count())
		}
		tw.expect(id, 1, hub.DeliveryPending, "")
		if got := tw.d.Breakers()["finance"]; got != "closed" {
			t.Errorf("the breaker is %s", got)
		}
		after(time.Hour)
		if b.count() == 0 {
			t.Error("no attempt after the window")
		}
	})
}

func TestScheduleGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "busy"})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(2 * time.Hour)
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkExhausted)
		tried := b.count()
		after(time.Hour)
		if b.count() != tried {
			t.Error("it was tried again after it had been parked")
		}
		// A person puts it back: a new life with a new schedule.
		if err := tw.store.Replay(t.Context(), id.Delivery(1), store.Replay{Actor: "operator:a", Reason: "repaired", At: time.Now()}); err != nil {
			t.Fatal(err)
		}
		b.mu.Lock()
		b.answer = nil
		b.mu.Unlock()
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
	})
}

func TestPanickingConnectorHurtsOneDeliveryOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var poison string
		b := &backend{}
		b.answer = func(_ string, m *connectors.Message, _ int) connectors.Receipt {
			if m.ID == poison {
				panic("poison")
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		first, second := tw.submit(nil, "finance"), tw.submit(nil, "finance")
		poison = first.Delivery(1).String()
		tw.start()
		after(time.Minute)
		tw.expect(first, 1, hub.DeliveryParked, hub.ParkUnclear)
		tw.expect(second, 1, hub.DeliveryDelivered, "")
	})
}

// One flipped bit: nothing of that submission is sent, its neighbour goes on.
func TestDamagedDocumentIsSetAside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		damaged := tw.submit(func(n *store.NewDelivery) {
			n.Document.Body = bytes.Clone(n.Document.Body)
			n.Document.Body[len(n.Document.Body)/2] ^= 1
		}, "finance")
		good := tw.submit(nil, "finance")
		after(time.Minute)
		if s := tw.status(damaged); s.Submission.State != hub.SubmissionDamaged {
			t.Errorf("the damaged submission is %s", s.Submission.State)
		}
		tw.expect(good, 1, hub.DeliveryDelivered, "")
		if b.count() != 1 {
			t.Errorf("the partner got %v", b.calls)
		}
	})
}

func TestStopDrainsWithNothingRedelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(3 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		var ids []hub.ID
		for range 8 { // twice as many as may be under way
			ids = append(ids, tw.submit(nil, "finance"))
		}
		tw.start()
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := tw.d.Stop(ctx); err != nil {
			t.Fatal(err)
		}
		if b.count() != 4 {
			t.Errorf("%d were sent, want the 4 that were under way", b.count())
		}
		tw.d = tw.deliverer("node") // the next process
		tw.start()
		after(time.Minute)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
		if b.count() != 8 {
			t.Errorf("8 deliveries took %d sends", b.count())
		}
		tw.end()
	})
}

func TestReloadKeepsAttemptsUnderWayAndTheBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": old})
		defer tw.end()
		tw.start()
		for range 3 {
			tw.submit(nil, "finance")
		}
		after(time.Second)
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Fatalf("the breaker is %s", got)
		}
		fresh := &backend{}
		changed := *tw.snap.Systems["finance"]
		changed.Config = fresh
		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed, "records": {Name: "records", Config: &backend{}, Limits: config.SystemLimits{Concurrency: 1, Timeout: time.Second}}}}); err != nil {
			t.Fatal(err)
		}
		if got := tw.d.Breakers()["finance"]; got != "open" {
			t.Errorf("the reload made the breaker %s", got)
		}
		id := tw.submit(nil, "records")
		after(3 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if fresh.count() != 3 {
			t.Errorf("the new settings delivered %d of 3", fresh.count())
		}
	})
}

// records notes what is told of answers.
type records struct {
	store.Deliver
	same []bool
}

func (r *records) Record(ctx context.Context, rec *store.Record) (store.Effect, error) {
	r.same = append(r.same, rec.Same)
	return r.Deliver.Record(ctx, rec)
}

// A system rings three times and has something new once: that alone is told as new.
func TestTheSameAnswerIsTold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		plates := []string{"MU-R 101", "MU-R 101", "MU-R 201", "MU-R 201"}
		b := &backend{traits: connectors.Traits{Askable: true, Notices: true}, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
			return connectors.Receipt{Outcome: connectors.Delivered, Token: "there", Answer: map[string]string{"kennzeichen": plates[n-1]}}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		seen := &records{Deliver: tw.store}
		tw.d.Store = seen
		tw.start()
		id := tw.submit(nil, "finance")
		for range plates[1:] {
			after(time.Minute)
			if err := tw.store.Notice(t.Context(), id.Delivery(1), time.Now()); err != nil {
				t.Fatal(err)
			}
			tw.d.Wake("finance")
		}
		after(time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if want := []bool{false, true, false, true}; !slices.Equal(seen.same, want) {
			t.Errorf("the same answer: %v, want %v", seen.same, want)
		}
	})
}
