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

	mu  sync.Mutex
	now *settings
}

// settings are what a reload may change. Attempts under way keep theirs.
type settings struct {
	system  *config.System
	conn    connectors.Connector
	traits  connectors.Traits
	breaker *gobreaker.CircuitBreaker[connectors.Receipt]
	pace    *rate.Limiter
	users   sync.WaitGroup
}

// errFault is what the breaker counts. A refusal is not one: eight wrong IBANs
// must not close the line for everyone.
var errFault = errors.New("the attempt speaks against the system's health")

func newLane(d *Deliverer, system *config.System, conn connectors.Connector) *lane {
	l := &lane{d: d, name: system.Name, bell: make(chan struct{}, 1), quit: make(chan struct{})}
	l.now = l.settings(system, conn, nil)
	return l
}

// settings makes what belongs to a system's configuration; a breaker with the same
// numbers is kept, or a reload would close it.
func (l *lane) settings(system *config.System, conn connectors.Connector, old *settings) *settings {
	s := &settings{system: system, conn: conn, traits: system.Config.Traits(), pace: rate.NewLimiter(rate.Inf, 0)}
	if system.Limits.Rate > 0 {
		s.pace = rate.NewLimiter(rate.Limit(system.Limits.Rate), max(1, int(system.Limits.Rate)))
	}
	if old != nil && old.system.Breaker == system.Breaker {
		s.breaker = old.breaker
		return s
	}
	openAfter := uint32(max(1, system.Breaker.OpenAfter))
	s.breaker = gobreaker.NewCircuitBreaker[connectors.Receipt](gobreaker.Settings{
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
	return s
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
	close(l.quit)
	l.d.owned.Go(func() { l.drained(); l.close() })
}

func (l *lane) drained() {
	select {
	case <-l.quit:
	default:
		close(l.quit)
	}
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
	busy := 0 // attempts under way, counted here alone
	ended := make(chan struct{}, 4096)
	for {
		late := false
		select {
		case <-l.quit:
			return
		case <-l.d.alive.Done():
			return
		case <-ended:
			busy--
			for more := true; more; {
				select {
				case <-ended:
					busy--
				default:
					more = false
				}
			}
		case <-l.bell:
		case <-timer.C:
			late = true
		}
		claimed, next := l.claim(busy, late, ended)
		busy += claimed
		timer.Reset(next)
	}
}

// claim takes what may be sent now and says when to look again at the latest.
// Late means that it has gathered free slots long enough.
func (l *lane) claim(busy int, late bool, ended chan<- struct{}) (claimed int, next time.Duration) {
	now := l.d.Now()
	s := l.state()
	if until, closed := s.system.Closed(now); closed {
		return 0, min(until.Sub(now), time.Minute) // burns no attempts, trips no breaker
	}
	free := max(1, s.system.Limits.Concurrency) - busy
	switch s.breaker.State() {
	case gobreaker.StateOpen:
		return 0, min(max(s.system.Breaker.HalfOpenAfter/10, 10*time.Millisecond), time.Second)
	case gobreaker.StateHalfOpen:
		free = min(free, 1-busy)
	case gobreaker.StateClosed:
	}
	if s.pace.Limit() != rate.Inf {
		tokens := int(s.pace.TokensAt(now))
		if tokens < 1 {
			return 0, time.Duration(float64(time.Second) / float64(s.pace.Limit()))
		}
		free = min(free, tokens)
	}
	if free < 1 {
		return 0, l.d.Scan
	}
	if free < s.system.Limits.Concurrency/4 && !late {
		return 0, gather // a claim costs a transaction: a few more slots will be free in a moment
	}
	// Not cancelled by a stop: what is claimed here is also sent and recorded.
	tasks, err := l.d.Store.Claim(context.Background(), store.Claim{System: l.name, Owner: l.d.Node, Now: now, Lease: l.d.Lease, Limit: free})
	if err != nil {
		if l.d.alive.Err() == nil {
			l.d.Log.Error("claim deliveries", "system", l.name, "error", err)
		}
		return 0, time.Second
	}
	s.pace.AllowN(now, len(tasks))
	for i := range tasks {
		used := l.use()
		l.work.Go(func() {
			defer func() { ended <- struct{}{} }()
			defer used.users.Done()
			l.d.attempt(used, &tasks[i])
		})
	}
	if len(tasks) == free {
		return len(tasks), 0 // there may be more, as soon as there is room
	}
	return len(tasks), l.untilDue(now)
}

// untilDue is how long the lane may rest unless the bell rings.
func (l *lane) untilDue(now time.Time) time.Duration {
	at, err := l.d.Store.NextDue(l.d.alive, l.name)
	if err != nil || at.IsZero() {
		return l.d.Scan
	}
	return min(max(at.Sub(now), 5*time.Millisecond), l.d.Scan)
}
