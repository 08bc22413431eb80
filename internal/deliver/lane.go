package deliver

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
	"golang.org/x/time/rate"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/store"
)

// lane takes one system's deliveries, as many at once as it may have. It claims
// in batches: what is free is asked for in one step.
type lane struct {
	d    *Deliverer
	name string
	bell chan struct{}
	quit chan struct{}
	loop sync.WaitGroup
	work sync.WaitGroup

	empty int // claims in a row that gave nothing though something was due; of the loop

	mu     sync.Mutex
	now    *settings
	busy   int           // attempts under way, and room that is kept for one
	behind bool          // there may be more due than there is room for
	closed bool          // takes nothing more
	full   time.Time     // since when a newcomer finds no room; zero where it finds some
	seat   chan struct{} // rung when there may be room again
}

// settings are what a reload may change. Attempts under way keep theirs.
type settings struct {
	system  *config.System
	conn    connectors.Connector
	traits  connectors.Traits
	breaker *gobreaker.CircuitBreaker[connectors.Receipt]
	pace    *rate.Limiter
	users   *sync.WaitGroup
}

// errFault is what the breaker counts. A refusal is not one: eight wrong IBANs
// must not close the line for everyone.
var errFault = errors.New("the attempt speaks against the system's health")

func newLane(d *Deliverer, system *config.System, conn connectors.Connector) *lane {
	l := &lane{d: d, name: system.Name, bell: make(chan struct{}, 1), seat: make(chan struct{}, 1), quit: make(chan struct{}), behind: true}
	l.now = l.settings(system, conn, nil)
	return l
}

// settings makes what belongs to a system's configuration; a breaker and a pace
// with the same numbers are kept, or a reload would close the one and forget the other.
// A breaker says nothing about a system that is reached in another way now.
func (l *lane) settings(system *config.System, conn connectors.Connector, old *settings) *settings {
	s := &settings{system: system, conn: conn, traits: system.Config.Traits(), pace: rate.NewLimiter(rate.Inf, 0), users: new(sync.WaitGroup)}
	switch {
	case old != nil && old.system.Limits.Rate == system.Limits.Rate:
		s.pace = old.pace
	case system.Limits.Rate > 0:
		s.pace = rate.NewLimiter(rate.Limit(system.Limits.Rate), max(1, int(system.Limits.Rate)))
	}
	if old != nil && old.system.Breaker == system.Breaker && old.system.Way == system.Way {
		s.breaker = old.breaker
	} else {
		s.breaker = l.breaker(system)
	}
	return s
}

func (l *lane) breaker(system *config.System) *gobreaker.CircuitBreaker[connectors.Receipt] {
	openAfter := uint32(max(1, system.Breaker.OpenAfter))
	return gobreaker.NewCircuitBreaker[connectors.Receipt](gobreaker.Settings{
		Name:         system.Name,
		MaxRequests:  1,
		Timeout:      system.Breaker.HalfOpenAfter,
		ReadyToTrip:  func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= openAfter },
		IsSuccessful: func(err error) bool { return err == nil },
		OnStateChange: func(name string, from, to gobreaker.State) {
			l.d.Log.Warn("breaker changed", "system", name, "from", from.String(), "to", to.String())
			l.wake()
		},
	})
}

func (l *lane) state() *settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.now
}

// use gives the settings and keeps their connector open until users is done.
func (l *lane) use() *settings {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.now.users.Add(1)
	return l.now
}

func (l *lane) change(system *config.System, conn connectors.Connector) {
	l.mu.Lock()
	old := l.now
	l.now = l.settings(system, conn, old)
	l.mu.Unlock()
	l.loop.Go(func() { l.retire(old) })
	l.wake()
}

// afresh gives the system a breaker that knows of no failure.
func (l *lane) afresh() {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := *l.now
	s.breaker = l.breaker(s.system)
	l.now = &s
}

func (l *lane) retire(s *settings) {
	s.users.Wait()
	if err := s.conn.Close(); err != nil {
		l.d.Log.Warn("close system", "system", l.name, "error", err)
	}
}

func (l *lane) wake() {
	select {
	case l.bell <- struct{}{}:
	default:
	}
}

func (l *lane) start() {
	l.loop.Go(l.run)
	l.wake()
}

// end lets a lane whose system was taken out of the configuration run dry.
func (l *lane) end() {
	l.shut()
	l.d.owned.Go(func() { l.drained(); l.close() })
}

// shut makes the lane take nothing more.
func (l *lane) shut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.closed = true
		close(l.quit)
	}
}

func (l *lane) drained() {
	l.shut()
	l.loop.Wait()
	l.work.Wait()
}

func (l *lane) close() { l.retire(l.state()) }

// gather is how long free slots are gathered under load before the next claim.
const gather = 2 * time.Millisecond

// run claims whenever there is something to claim and room for it.
func (l *lane) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		late := false
		select {
		case <-l.quit:
			return
		case <-l.d.alive.Done():
			return
		case <-l.bell:
		case <-timer.C:
			late = true
		}
		timer.Reset(l.claim(late))
	}
}

// claim takes what may be sent now and says when to look again at the latest.
// Late means that it has gathered free slots long enough.
func (l *lane) claim(late bool) (next time.Duration) {
	now := l.d.Now()
	free, next := l.room(now, late)
	if free == 0 {
		return next
	}
	// Not cancelled by a stop: what is claimed here is also sent and recorded.
	tasks, err := l.d.Store.Claim(context.Background(), store.Claim{System: l.name, Owner: l.d.Node, Now: now, Lease: l.d.Lease, Limit: free})
	l.mu.Lock()
	l.busy -= free - len(tasks)
	l.behind = err != nil || len(tasks) == free
	l.now.pace.ReserveN(now, len(tasks)) // as a debt: the flow may have taken some meanwhile
	l.changed(now)
	l.mu.Unlock()
	if err != nil {
		if l.d.alive.Err() == nil {
			l.d.Log.Error("claim deliveries", "system", l.name, "error", err)
		}
		return time.Second
	}
	for i := range tasks {
		l.work.Add(1)
		l.begin(l.use(), &tasks[i])
	}
	if len(tasks) > 0 {
		l.empty = 0
	}
	if len(tasks) == free {
		return 0 // there may be more, as soon as there is room
	}
	return l.untilDue(now)
}

// room takes as many slots as a claim may fill. Where there are none it says when to
// look again at the latest.
func (l *lane) room(now time.Time, late bool) (free int, next time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.now
	free, next = s.free(now, l.busy)
	if free == 0 {
		l.behind = true
		l.changed(now)
		return 0, next
	}
	if l.behind && free < s.system.Limits.Concurrency/4 && !late {
		return 0, gather // a claim costs a transaction: a few more slots will be free in a moment
	}
	l.busy += free
	l.changed(now)
	return free, 0
}

// free is how many deliveries a system may be given while so many are under way.
func (s *settings) free(now time.Time, busy int) (n int, next time.Duration) {
	if until, closed := s.system.Closed(now); closed {
		return 0, min(until.Sub(now), time.Minute) // burns no attempts, trips no breaker
	}
	n = max(1, s.system.Limits.Concurrency) - busy
	switch s.breaker.State() {
	case gobreaker.StateOpen:
		return 0, min(max(s.system.Breaker.HalfOpenAfter/10, 10*time.Millisecond), time.Second)
	case gobreaker.StateHalfOpen:
		n = min(n, 1-busy)
	case gobreaker.StateClosed:
	}
	if s.pace.Limit() != rate.Inf {
		tokens := int(s.pace.TokensAt(now))
		if tokens < 1 {
			return 0, time.Duration(float64(time.Second) / float64(s.pace.Limit()))
		}
		n = min(n, tokens)
	}
	return max(n, 0), time.Minute // an attempt that ends makes room and says so
}

// begin sends a task in a slot that was taken for it, and counted in work.
func (l *lane) begin(used *settings, t *store.Task) {
	l.d.crew.Go(func() {
		defer l.work.Done()
		defer l.leave()
		defer used.users.Done()
		l.d.attempt(used, t)
	})
}

// leave makes a slot free again. Whoever waits for room is told.
func (l *lane) leave() {
	l.mu.Lock()
	l.busy--
	behind := l.behind
	l.changed(l.d.Now())
	l.mu.Unlock()
	if behind {
		l.wake()
	}
}

// Room is a slot kept free for a delivery that is claimed by the step that renders
// it.
type Room struct {
	lane *lane
	used *settings
}

// Reserve keeps a slot of a system free; nil where there is none, where others have
// been due for longer, and where the system takes nothing now.
func (d *Deliverer) Reserve(system string) *Room {
	d.mu.Lock()
	l := d.lanes[system]
	running := d.running
	d.mu.Unlock()
	if l == nil || !running {
		return nil
	}
	now := d.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || l.behind {
		return nil
	}
	if free, _ := l.now.free(now, l.busy); free == 0 || l.now.breaker.State() != gobreaker.StateClosed || !l.now.pace.AllowN(now, 1) {
		return nil
	}
	l.busy++
	l.changed(now)
	l.work.Add(1)
	l.now.users.Add(1)
	return &Room{l, l.now}
}

// Lease is the claim under which the delivery may be sent.
func (r *Room) Lease() store.Lease {
	return store.Lease{Owner: r.lane.d.Node, Until: r.lane.d.Now().Add(r.lane.d.Lease)}
}

// Use sends the delivery that was claimed.
func (r *Room) Use(t store.Task) { r.lane.begin(r.used, &t) }

// Leave gives the slot back unused.
func (r *Room) Leave() {
	r.used.users.Done()
	r.lane.leave()
	r.lane.work.Done()
}

// soon is how soon a lane claims again what is due and was not given.
const soon = 5 * time.Millisecond

// untilDue is how long the lane may rest unless the bell rings. What is due and is not
// given, again and again, lies on a page that cannot be read: it is asked for ever more
// seldom.
func (l *lane) untilDue(now time.Time) time.Duration {
	at, err := l.d.Store.NextDue(l.d.alive, l.name)
	if err != nil || at.IsZero() {
		return l.d.Scan
	}
	wait := at.Sub(now)
	if wait >= soon {
		l.empty = 0
		return min(wait, l.d.Scan)
	}
	wait = soon << min(l.empty, 16)
	l.empty++
	return min(wait, l.d.Scan)
}
