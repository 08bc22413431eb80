// Package deliver lives one delivery's life: claim, breaker, attempt, outcome,
// backoff, rescue. Every system has a lane of its own, so a dead backend never
// slows another one, and a poison message never blocks its neighbours.
//
// Nothing sleeps here with a delivery in its hands: the next attempt is
// not-before on a row, which survives restarts. An unknown outcome is never
// blindly resent; see Decide.
package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/crew"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// Options are the deliverer's surroundings.
type Options struct {
	Store store.Deliver
	// Damage sets a submission aside, Case reads all of it; see store.Flow.
	Damage func(ctx context.Context, id hub.ID, what string, at time.Time) error
	Case   func(ctx context.Context, id hub.ID) (*store.Case, error)
	Vault  *vault.Vault
	Log    *slog.Logger
	Now    func() time.Time
	Node   string        // owner of this process's leases
	Lease  time.Duration // of a claimed delivery
	Scan   time.Duration // between two looks for what no doorbell announced, and for what a crash has left
	// Attachments opens the sealed file of an attachment.
	Attachments func(file string) (io.ReadCloser, error)
	// Ring tells the flow that a submission may go on.
	Ring func(id hub.ID)
	// Attempted and Alert are for metrics and operators; both may be nil.
	Attempted func(system string, outcome string, took time.Duration)
	Alert     func(what string, id hub.ID, err error)
	// Trace starts a span for an attempt and gives the traceparent to pass on.
	Trace func(ctx context.Context, parent, system string) (traceparent string, end func(outcome string))
}

// Deliverer runs the lanes.
type Deliverer struct {
	Options
	follows chan struct{}    // full while the store follows the systems that there are
	owed    *config.Snapshot // whose systems the store could not follow yet
	mu      sync.Mutex
	lanes   map[string]*lane
	running bool
	alive   context.Context // ends when lanes take no more work
	stop    context.CancelFunc
	hurry   context.Context // ends when attempts under way must come to an end
	cut     context.CancelFunc
	owned   sync.WaitGroup  // loops
	crew    *crew.Crew      // runs attempts
	leases  sync.Map        // hub.ID: fence; attempts under way
	seen    map[hub.ID]bool // of rescueOnce: ours, their leases ended and not under way, by the last scan
}

// staying is how many goroutines wait for the next attempt at most, all systems
// together.
const staying = 64

// New makes a deliverer without lanes.
func New(opts Options) *Deliverer {
	d := &Deliverer{Options: opts, lanes: map[string]*lane{}, follows: make(chan struct{}, 1), crew: crew.New(staying)}
	d.alive, d.stop = context.WithCancel(context.Background())
	d.hurry, d.cut = context.WithCancel(context.Background())
	return d
}

// Start rescues what an earlier run of this node left in sending, opens a lane
// for every system and begins to deliver.
func (d *Deliverer) Start(ctx context.Context, snap *config.Snapshot) error {
	if err := d.Apply(snap); err != nil {
		return err
	}
	if err := d.rescueOnce(ctx, d.Node); err != nil {
		return err
	}
	d.follow(ctx, snap)
	d.mu.Lock()
	d.running = true
	for _, l := range d.lanes {
		l.start()
	}
	d.mu.Unlock()
	d.owned.Go(d.rescue)
	d.owned.Go(d.extend)
	return nil
}

// Apply follows a new configuration: lanes for new systems, new settings for the
// others. Attempts under way end with the old ones. After an error nothing has changed.
// What waits follows, too.
func (d *Deliverer) Apply(snap *config.Snapshot) error {
	d.follows <- struct{}{}
	defer func() { <-d.follows }()
	running, err := d.relay(snap)
	if err == nil && running {
		d.follow(d.alive, snap)
	}
	return err
}

// relay makes the lanes those of a configuration.
func (d *Deliverer) relay(snap *config.Snapshot) (running bool, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	open := make(map[string]connectors.Connector, len(snap.Systems))
	for name, system := range snap.Systems {
		conn, err := system.Config.Open(connectors.Environment{System: name, Now: d.Now, Dir: snap.Dir, Allow: system.Allow, Concurrency: system.Limits.Concurrency})
		if err != nil {
			for _, c := range open {
				err = errors.Join(err, c.Close())
			}
			return d.running, fmt.Errorf("open system %s: %w", name, err)
		}
		open[name] = conn
	}
	for name, system := range snap.Systems {
		conn := open[name]
		if l, ok := d.lanes[name]; ok {
			l.change(system, conn)
			continue
		}
		l := newLane(d, system, conn)
		d.lanes[name] = l
		if d.running {
			l.start()
		}
	}
	for name, l := range d.lanes {
		if _, ok := snap.Systems[name]; !ok {
			l.end()
			delete(d.lanes, name)
		}
	}
	return d.running, nil
}

// Wake makes a system's lane look for due deliveries.
func (d *Deliverer) Wake(system string) {
	d.mu.Lock()
	l := d.lanes[system]
	d.mu.Unlock()
	if l != nil {
		l.wake()
	}
}

// Breakers gives every system's breaker state: closed, half-open or open.
func (d *Deliverer) Breakers() map[string]string {
	d.mu.Lock()
	defer d.mu.Unlock()
	states := make(map[string]string, len(d.lanes))
	for name, l := range d.lanes {
		states[name] = l.state().breaker.State().String()
	}
	return states
}

// Probe asks a system whether it is there, without delivering anything.
func (d *Deliverer) Probe(ctx context.Context, system string) error {
	d.mu.Lock()
	l := d.lanes[system]
	d.mu.Unlock()
	if l == nil {
		return fmt.Errorf("probe %s: %w", system, store.ErrNotFound)
	}
	s := l.use()
	defer s.users.Done()
	p, ok := s.conn.(connectors.Prober)
	if !ok {
		return fmt.Errorf("probe %s: kind %s has no probe", system, s.system.Kind)
	}
	return p.Probe(ctx)
}

// Stop takes no more work, waits for the attempts under way until ctx ends, then
// cuts them off: their outcome is unknown and recorded as such.
func (d *Deliverer) Stop(ctx context.Context) error {
	d.stop()
	d.mu.Lock()
	lanes := d.lanes
	d.lanes, d.running = map[string]*lane{}, false
	d.mu.Unlock()
	done := make(chan struct{})
	go func() {
		for _, l := range lanes {
			l.drained()
		}
		d.owned.Wait() // and the lanes of systems that are gone
		close(done)
	}()
	var err error
	select {
	case <-done:
	case <-ctx.Done():
		err = fmt.Errorf("attempts were cut off: %w", ctx.Err())
		d.cut()
		<-done
	}
	for _, l := range lanes {
		l.close()
	}
	d.cut()
	d.crew.Close()
	return err
}
