package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
)

// world is everything around the hub: partners that lose answers, answer late, refuse,
// are busy and panic, a clock that jumps, and the promises that hold all the same.
type world struct {
	*testing.T
	ahead atomic.Int64 // of the hub's clock
	calm  atomic.Bool  // from now on everybody answers as they should
	flaky bool         // the hub's disk
	late  bool         // partners may finish behind the hub's back; not where the clock jumps

	mu      sync.Mutex
	rnd     *rand.Rand
	life    int            // of the hub; a new one after each start
	flying  map[string]int // calls under way by delivery, of this life
	taken   map[string]int // how often a system took a delivery
	again   map[string]int // how often a person has put it back
	told    map[string][]toldOf
	broken  []string
	look    func(m *connectors.Message) string // what of the hub's promises does not hold as it is sent
	history []string
}

// toldOf is a callback that a portal took.
type toldOf struct {
	ordinal int
	at      time.Time
}

func (w *world) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// dice is true once in n.
func (w *world) dice(n int) bool { return w.pick(n) == 0 }

func (w *world) pick(n int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rnd.IntN(n)
}

func (w *world) note(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.history = append(w.history, w.now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// wrong notes a promise that does not hold.
func (w *world) wrong(format string, args ...any) {
	w.note("WRONG "+format, args...)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.broken = append(w.broken, fmt.Sprintf(format, args...))
}

// partner is a system's settings and its connector.
type partner struct {
	*world
	traits string // repeatable, askable, notices
	name   string
}

func (w *world) kinds() []connectors.Kind {
	configure := func(s connectors.Settings) (connectors.Config, error) {
		var own struct {
			Traits string `yaml:"traits"`
		}
		err := s.Decode(&own)
		return &partner{world: w, traits: own.Traits}, err
	}
	return []connectors.Kind{{Name: "fake", Configure: configure}, {Name: "webhook", Configure: configure}}
}

func (p *partner) Traits() connectors.Traits {
	has := func(what string) bool { return strings.Contains(p.traits, what) }
	return connectors.Traits{Repeatable: has("repeatable"), Askable: has("askable"), Notices: has("notices")}
}

// Answers lets one of them be a payment provider.
func (p *partner) Answers() []string { return []string{hub.AnswerPaymentURL} }

func (p *partner) Open(e connectors.Environment) (connectors.Connector, error) {
	return &partner{world: p.world, traits: p.traits, name: e.System}, nil
}

func (p *partner) Close() error                { return nil }
func (p *partner) Probe(context.Context) error { return nil }

// begin notes a call under way: the same delivery is never run twice at once.
func (p *partner) begin(kind string, m *connectors.Message) (end func()) {
	p.mu.Lock()
	life := p.life
	p.flying[m.ID]++
	twice := p.flying[m.ID] > 1
	p.mu.Unlock()
	if twice {
		p.wrong("%s of %s to %s while it is under way", kind, m.ID, p.name)
	}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.life == life {
			p.flying[m.ID]--
		}
	}
}

// take is the moment in which a system has a document.
func (p *partner) take(m *connectors.Message) {
	t := p.Traits()
	p.mu.Lock()
	known, older := p.taken[m.ID] > 0, false
	if !known || !t.Repeatable {
		p.taken[m.ID]++
	}
	twice := p.taken[m.ID] > 1+p.again[m.ID]
	if m.Role == hub.RolePortal && !known {
		var c hub.Callback
		if err := json.Unmarshal(m.Body, &c); err != nil {
			p.mu.Unlock()
			p.wrong("a callback that nobody can read: %v", err)
			return
		}
		id, err := hub.ParseID(m.ID)
		if err != nil {
			panic(err)
		}
		line := "of " + c.Data.ID.String() // a bundle, or the submission
		for _, t := range p.told[line] {
			older = older || p.late && t.at.After(c.Timestamp) && p.again[m.ID] == 0
		}
		told := toldOf{id.Ordinal(), c.Timestamp}
		p.told[line] = append(p.told[line], told)
		p.told[m.Submission] = append(p.told[m.Submission], told)
	}
	p.mu.Unlock()
	if older {
		p.wrong("callback %s arrives behind a newer one", m.ID)
	}
	if twice {
		p.wrong("%s has %s twice", p.name, m.ID)
	}
}

func (p *partner) pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (p *partner) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	defer p.begin("send", m)()
	if p.look != nil {
		if wrong := p.look(m); wrong != "" {
			p.wrong("sent to %s: %s", p.name, wrong)
		}
	}
	done := connectors.Receipt{Outcome: connectors.Delivered, Answer: map[string]string{"aktenzeichen": "A-1", "kassenzeichen": "K-1"}, Token: "token"}
	lost := connectors.Receipt{Outcome: connectors.Unknown, Code: "connection-broken", Fault: true}
	if m.Role == hub.RolePayment {
		done.Answer["payment-url"] = "https://pay.example/1"
	}
	if p.calm.Load() {
		p.take(m)
		return done
	}
	p.note("send %s to %s (attempt %d)", m.ID, p.name, m.Attempt)
	switch fate := p.pick(100); {
	case fate < 35:
		p.take(m)
		return done
	case fate < 45:
		if !p.pause(ctx, time.Duration(p.pick(15000))*time.Millisecond) {
			return connectors.Receipt{Outcome: connectors.Retry, Code: "cancelled"}
		}
		p.take(m)
		return done
	case fate < 50:
		return connectors.Receipt{Outcome: connectors.Refused, Code: "http-422"}
	case fate < 60:
		return connectors.Receipt{Outcome: connectors.Retry, Code: "http-503", Fault: true, RetryAfter: time.Duration(p.pick(20)) * time.Second}
	case fate < 68:
		p.take(m)
		return lost
	case fate < 72:
		return lost
	case fate < 80 && p.late:
		return p.finishLate(ctx, m, done)
	case fate < 83:
		panic("before it was taken")
	case fate < 86:
		p.take(m)
		panic("after it was taken")
	case fate < 96 && p.Traits().Askable:
		p.take(m)
		return connectors.Receipt{Outcome: connectors.Awaiting, Code: []string{"", hub.CodePaymentOpen, "queued"}[p.pick(3)], Token: "token", Answer: done.Answer}
	case fate < 98 && p.Traits().Askable:
		p.take(m)
		return connectors.Receipt{Outcome: connectors.Cancelled, Code: hub.CodePaymentCancelled, Token: "token"}
	}
	return connectors.Receipt{Outcome: connectors.Unknown, Code: "connection-broken", Person: p.dice(2)}
}

// finishLate takes the document within forty seconds, whether anybody waits or not.
func (p *partner) finishLate(ctx context.Context, m *connectors.Message, done connectors.Receipt) connectors.Receipt {
	ended := make(chan struct{})
	time.AfterFunc(time.Duration(p.pick(40000))*time.Millisecond, func() { p.take(m); close(ended) })
	select {
	case <-ended:
		return done
	case <-ctx.Done():
		code := "timeout"
		if errors.Is(ctx.Err(), context.Canceled) {
			code = "cancelled"
		}
		return connectors.Receipt{Outcome: connectors.Unknown, Code: code, Fault: code == "timeout"}
	}
}

func (p *partner) Ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	defer p.begin("ask", m)()
	p.mu.Lock()
	there := p.taken[m.ID] > 0
	p.mu.Unlock()
	truth := connectors.Receipt{Outcome: connectors.Retry, Code: "not-found"}
	if there {
		truth = connectors.Receipt{Outcome: connectors.Delivered, Token: "token", Answer: map[string]string{"kassenzeichen": "K-1", "payment-url": "https://pay.example/1"}}
	}
	if p.calm.Load() {
		return truth
	}
	p.note("ask %s about %s: there %t", p.name, m.ID, there)
	busy := connectors.Receipt{Outcome: connectors.Retry, Code: "http-503", Fault: true}
	if m.Token != "" { // still awaiting
		busy = connectors.Receipt{Outcome: connectors.Awaiting, Token: m.Token, Code: "http-503", Fault: true}
	}
	switch fate := p.pick(100); {
	case fate < 60:
		return truth
	case fate < 70:
		return busy
	case fate < 75:
		return connectors.Receipt{Outcome: connectors.Unknown, Code: "connection-broken"}
	case fate < 80:
		panic("asked")
	case fate < 90 && there:
		return connectors.Receipt{Outcome: connectors.Awaiting, Token: "token", Code: []string{"", hub.CodePaymentOpen, "queued"}[p.pick(3)]}
	case fate < 93 && there:
		return connectors.Receipt{Outcome: connectors.Cancelled, Code: hub.CodePaymentLapsed, Token: "token"}
	}
	if !p.pause(ctx, time.Duration(p.pick(15000))*time.Millisecond) {
		return busy
	}
	return truth
}

// mortal is the store of one life of the hub. Behind its end no step is done and no
// answer is heard, as when a process is killed: before the step, or behind the commit.
type mortal struct {
	*sqlite.Store
	w     *world
	up    atomic.Bool // started: its disk may fail
	dead  atomic.Bool
	calls atomic.Int64
}

var errKilled = errors.New("the process is gone")

// step takes its time, so that others come between. Now and then the disk is full, or
// does not sync and has it all the same.
func step[T any](m *mortal, run func() (T, error)) (T, error) {
	m.calls.Add(1)
	var none T
	m.lose()
	if m.dead.Load() {
		return none, errKilled
	}
	if m.fails() {
		return none, store.ErrFull
	}
	v, err := run()
	m.lose()
	if m.dead.Load() {
		return none, errKilled
	}
	if m.fails() {
		return none, store.ErrUnknown
	}
	return v, err
}

func (m *mortal) fails() bool { return m.w.flaky && m.up.Load() && !m.w.calm.Load() && m.w.dice(100) }

func (m *mortal) lose() {
	if !m.w.calm.Load() && m.w.dice(4) {
		time.Sleep(time.Duration(m.w.pick(20)) * time.Millisecond) // moved time
	}
}

func do(m *mortal, run func() error) error {
	_, err := step(m, func() (struct{}, error) { return struct{}{}, run() })
	return err
}

func (m *mortal) Due(ctx context.Context, before time.Time, behind store.Due, limit int) ([]store.Due, error) {
	return step(m, func() ([]store.Due, error) { return m.Store.Due(ctx, before, behind, limit) })
}
func (m *mortal) Case(ctx context.Context, id hub.ID) (*store.Case, error) {
	return step(m, func() (*store.Case, error) { return m.Store.Case(ctx, id) })
}
func (m *mortal) Cases(ctx context.Context, ids []hub.ID) ([]*store.Case, error) {
	return step(m, func() ([]*store.Case, error) { return m.Store.Cases(ctx, ids) })
}
func (m *mortal) Progress(ctx context.Context, id hub.ID) (*store.Case, error) {
	return step(m, func() (*store.Case, error) { return m.Store.Progress(ctx, id) })
}
func (m *mortal) Advance(ctx context.Context, id hub.ID, version int64, a *store.Advance) error {
	return do(m, func() error { return m.Store.Advance(ctx, id, version, a) })
}
func (m *mortal) Tell(ctx context.Context, id hub.ID, version int64, t *store.Tell) error {
	return do(m, func() error { return m.Store.Tell(ctx, id, version, t) })
}
func (m *mortal) Damage(ctx context.Context, id hub.ID, what string, at time.Time) error {
	return do(m, func() error { return m.Store.Damage(ctx, id, what, at) })
}
func (m *mortal) Claim(ctx context.Context, c store.Claim) ([]store.Task, error) {
	return step(m, func() ([]store.Task, error) { return m.Store.Claim(ctx, c) })
}
func (m *mortal) Record(ctx context.Context, r *store.Record) (store.Effect, error) {
	return step(m, func() (store.Effect, error) { return m.Store.Record(ctx, r) })
}
func (m *mortal) Extend(ctx context.Context, owner string, ids []hub.ID, until time.Time) error {
	return do(m, func() error { return m.Store.Extend(ctx, owner, ids, until) })
}
func (m *mortal) Expired(ctx context.Context, now time.Time, owner string, limit int) ([]store.Expired, error) {
	return step(m, func() ([]store.Expired, error) { return m.Store.Expired(ctx, now, owner, limit) })
}
func (m *mortal) Rescue(ctx context.Context, id hub.ID, owner string, park bool, at time.Time) error {
	return do(m, func() error { return m.Store.Rescue(ctx, id, owner, park, at) })
}
func (m *mortal) NextDue(ctx context.Context, system string) (time.Time, error) {
	return step(m, func() (time.Time, error) { return m.Store.NextDue(ctx, system) })
}
func (m *mortal) Reached(ctx context.Context, ways map[string][]byte, at time.Time) (map[string]int, error) {
	return step(m, func() (map[string]int, error) { return m.Store.Reached(ctx, ways, at) })
}
func (m *mortal) Hurry(ctx context.Context, system, actor string, at time.Time) (int, error) {
	return step(m, func() (int, error) { return m.Store.Hurry(ctx, system, actor, at) })
}
func (m *mortal) Strand(ctx context.Context, has func(string) bool, at time.Time) ([]store.Stranded, error) {
	return step(m, func() ([]store.Stranded, error) { return m.Store.Strand(ctx, has, at) })
}
func (m *mortal) Return(ctx context.Context, has func(string) bool, at time.Time) ([]hub.ID, error) {
	return step(m, func() ([]hub.ID, error) { return m.Store.Return(ctx, has, at) })
}
