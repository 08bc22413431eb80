package sqlite

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// The sizes of a dog registration, sealed.
const (
	benchPayload  = 3 << 10
	benchDocument = 2 << 10
	benchClients  = 64
)

var benchSystems = []string{"infoma-soest", "dvelop-soest", "ordnung-soest"}

// load makes submissions like those of a portal.
type load struct {
	ids   hub.IDs
	n     atomic.Int64
	noise []byte
}

func newLoad() *load {
	l := &load{noise: make([]byte, 1<<20)}
	rand.Read(l.noise)
	return l
}

// sealed is as incompressible as the real thing.
func (l *load) sealed(n int) []byte {
	at := int(l.n.Add(1)*7919) % (len(l.noise) - n)
	return l.noise[at : at+n]
}

func (l *load) hash(what string, n int64) []byte {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d", what, n))
	return sum[:16]
}

func (l *load) acceptance(now time.Time) *store.Acceptance {
	id, n := l.ids.New(), l.n.Add(1)
	return &store.Acceptance{
		Submission: hub.Submission{
			ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "soest", Channel: "portal",
			State: hub.SubmissionAccepted, Consent: hub.Consent{Given: true, At: now}, ReceivedAt: now,
			Revision: "3f9a1c0d", Format: "xml", Size: benchPayload - 28, Version: 1,
			Trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
		},
		Key: id.String(), Fingerprint: sha256.Sum256([]byte(id.String())),
		Answer: l.sealed(350), DataKey: l.sealed(70), Meta: l.sealed(160), Payload: l.sealed(benchPayload),
		OrderKey: l.hash("order", n), Actor: "portal:soest",
	}
}

func (l *load) plan(a *store.Acceptance, now time.Time) *store.Advance {
	id := a.Submission.ID
	adv := &store.Advance{At: now, State: hub.SubmissionRunning, Search: [][]byte{a.OrderKey, l.hash("name", l.n.Add(1)), l.hash("reference", l.n.Add(1))}}
	for i, system := range benchSystems {
		d := id.Delivery(i + 1)
		adv.Deliveries = append(adv.Deliveries, store.NewDelivery{
			Delivery: hub.Delivery{ID: d, Role: "role of " + system, System: system, Document: "document", State: hub.DeliveryPending, NotBefore: now},
			OrderKey: a.OrderKey,
			Document: &store.Rendered{Delivery: d, Head: l.sealed(90), Body: l.sealed(benchDocument), SHA256: fmt.Sprintf("%x", a.Fingerprint), Revision: "3f9a1c0d"},
		})
	}
	return adv
}

func (l *load) delivered(t store.Task, now time.Time) *store.Record {
	return &store.Record{
		Attempt: hub.Attempt{Delivery: t.Delivery.ID, N: 1, At: now, Took: time.Millisecond, Node: "n1", Kind: "send", Outcome: "delivered"},
		Detail:  l.sealed(120), Owner: "n1", Fence: t.Fence, State: hub.DeliveryDelivered, Answer: l.sealed(150),
	}
}

// BenchmarkIdle is one accept after the other: about one sync each.
func BenchmarkIdle(b *testing.B) {
	s, l := open(b, Options{Dir: b.TempDir()}), newLoad()
	for b.Loop() {
		if _, err := s.Accept(b.Context(), l.acceptance(time.Now())); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkAccept is durable accepts of 64 clients.
func BenchmarkAccept(b *testing.B) {
	s, l := open(b, Options{Dir: b.TempDir()}), newLoad()
	var took latencies
	b.ResetTimer()
	took.clients(b, func() error {
		_, err := s.Accept(b.Context(), l.acceptance(time.Now()))
		return err
	})

	took.report(b, "accepts/s")
}

// BenchmarkLife is whole lives: accept, plan with three documents, three claims,
// three outcomes.
func BenchmarkLife(b *testing.B) {
	s, l := open(b, Options{Dir: b.TempDir()}), newLoad()
	b.ResetTimer()
	lives(b, s, l)
}

// BenchmarkJournal is BenchmarkLife behind a journal of STELLWERK_JOURNAL
// submissions, to be compared with it.
func BenchmarkJournal(b *testing.B) {
	n, err := strconv.Atoi(os.Getenv("STELLWERK_JOURNAL"))
	if err != nil {
		b.Skip("STELLWERK_JOURNAL says how many submissions lie in the journal, such as 1000000")
	}
	dir := b.TempDir()
	if d := os.Getenv("STELLWERK_JOURNAL_DIR"); d != "" {
		dir = d // filled once, used again
	}
	s, l := open(b, Options{Dir: dir}), newLoad()
	rows := func() int {
		f, err := s.Figures(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		return int(f.Submissions[hub.SubmissionSettled])
	}
	began := time.Now()
	for have := rows(); have < n; have = rows() {
		fill(b, s, l, min(n-have, 20_000))
	}
	b.Logf("%d submissions in the journal, filled in %v", rows(), time.Since(began).Round(time.Second))
	b.ResetTimer()
	lives(b, s, l)
}

// fill makes settled submissions, many in one transaction.
func fill(b *testing.B, s *Store, l *load, n int) {
	now := time.Now()
	for n > 0 {
		some := min(n, 500)
		n -= some
		all := make([]*store.Acceptance, some)
		plans := make([]*store.Advance, some)
		ready := make([]*plan, some)
		for i := range all {
			all[i] = l.acceptance(now)
			plans[i] = l.plan(all[i], now)
			ready[i], _ = s.planned(all[i].Submission.ID, plans[i])
		}
		err := s.w.do(b.Context(), func(t *tx) error {
			for i, a := range all {
				sub := &submission{Submission: a.Submission, key: keyOf(a.Submission.ID), order: a.OrderKey, dataKey: a.DataKey}
				sub.flowDue = 1
				top := (&head{a.Fingerprint, a.Answer, a.Attachments}).encode(sub.key)
				if err := t.insert(sub, sub.encode(), top, a); err != nil {
					return err
				}
				if err := t.keys.add(t, keyHash("soest", a.Key), sub.key, micros(now)); err != nil {
					return err
				}
				t.audit(hub.AuditEntry{At: now, Actor: a.Actor, Action: "accepted", Object: sub.ID.String()})
				t.cases.put(sub.key, &file{submission: sub})
				if _, err := t.advance(sub.ID, 1, plans[i], ready[i]); err != nil {
					return err
				}
				f, _ := t.loadKey(sub.key)
				for _, d := range f.deliveries {
					r := l.delivered(store.Task{Delivery: d.Delivery}, now)
					d.answer = r.Answer
					if _, err := t.outcome(f, d, &attempt{Attempt: r.Attempt, detail: r.Detail, led: r.State}, now); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
}

// lives runs b.N submissions through everything, with as many clients as a busy
// hub has and a worker for each system.
func lives(b *testing.B, s *Store, l *load) {
	ctx, stop := context.WithCancel(b.Context())
	defer stop()
	var workers sync.WaitGroup
	var settled atomic.Int64
	done := make(chan struct{})
	flow := make(chan *store.Acceptance, 1024)
	bells := make(map[string]chan struct{})
	for _, system := range benchSystems {
		bells[system] = make(chan struct{}, 1)
	}
	fail := func(err error) {
		if err != nil && ctx.Err() == nil {
			b.Error(err)
			stop()
		}
	}
	for range 16 {
		workers.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case a := <-flow:
					c, err := s.Case(ctx, a.Submission.ID)
					if err != nil || len(c.Payload) != benchPayload {
						fail(fmt.Errorf("case: %w", err))
						return
					}
					fail(s.Advance(ctx, a.Submission.ID, c.Submission.Version, l.plan(a, time.Now())))
					for _, bell := range bells {
						select {
						case bell <- struct{}{}:
						default:
						}
					}
				}
			}
		})
	}
	for _, system := range benchSystems {
		tasks := make(chan store.Task, 64)
		for range 32 {
			workers.Go(func() {
				for t := range tasks {
					if len(t.Body) != benchDocument {
						fail(fmt.Errorf("a document of %d bytes", len(t.Body)))
					}
					e, err := s.Record(ctx, l.delivered(t, time.Now()))
					fail(err)
					if e.Settled && settled.Add(1) == int64(b.N) {
						close(done)
					}
				}
			})
		}
		workers.Go(func() {
			defer close(tasks)
			for {
				select {
				case <-ctx.Done():
					return
				case <-bells[system]:
				}
				for {
					got, err := s.Claim(ctx, store.Claim{System: system, Owner: "n1", Now: time.Now(), Lease: time.Minute, Limit: 64})
					fail(err)
					for _, t := range got {
						tasks <- t
					}
					if len(got) == 0 {
						break
					}
				}
			}
		})
	}
	var took latencies
	took.clients(b, func() error {
		a := l.acceptance(time.Now())
		_, err := s.Accept(ctx, a)
		if err == nil {
			flow <- a
		}
		return err
	})
	select {
	case <-done:
	case <-ctx.Done():
	}

	took.report(b, "lives/s")
	stop()
	workers.Wait()
}

// latencies of the accepts, and the processor's time.
type latencies struct {
	mu  sync.Mutex
	all []time.Duration
	cpu time.Duration
}

func (l *latencies) clients(b *testing.B, call func() error) {
	l.cpu = processor()
	var left atomic.Int64
	left.Store(int64(b.N))
	var wg sync.WaitGroup
	for range benchClients {
		wg.Go(func() {
			var mine []time.Duration
			for left.Add(-1) >= 0 {
				began := time.Now()
				if err := call(); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(began))
			}
			l.mu.Lock()
			l.all = append(l.all, mine...)
			l.mu.Unlock()
		})
	}
	wg.Wait()
}

func (l *latencies) report(b *testing.B, what string) {
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), what)
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64((processor()-l.cpu).Microseconds())/float64(b.N), "cpu-µs/op")
	slices.Sort(l.all)
	for _, p := range []float64{0.5, 0.99, 1} {
		at := int(p * float64(len(l.all)-1))
		b.ReportMetric(float64(l.all[at].Microseconds())/1000, fmt.Sprintf("p%g-ms", p*100))
	}
}
