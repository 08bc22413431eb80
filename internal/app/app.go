// Package app puts the hub together: it is the only package that knows everybody.
// Its start is one straight line; what was started last is stopped first.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"stellwerk/connectors/all"
	"stellwerk/internal/bus"
	"stellwerk/internal/config"
	"stellwerk/internal/deliver"
	"stellwerk/internal/flow"
	"stellwerk/internal/hub"
	"stellwerk/internal/intake"
	"stellwerk/internal/mapping"
	"stellwerk/internal/retention"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
	"stellwerk/internal/web"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// Options say which hub to run.
type Options struct {
	Dir     string // the operator's folder
	Log     *slog.Logger
	Version string
	Now     func() time.Time // optional: time.Now
	// PortalsListener and AdminListener replace the configured addresses.
	PortalsListener, AdminListener net.Listener
	// NoDelivery accepts and keeps, but neither plans nor sends: for measuring.
	NoDelivery bool
}

// App is a running hub.
type App struct {
	opts      Options
	live      *config.Live
	store     *sqlite.Store
	vault     *vault.Vault
	metrics   *metrics
	tracing   *tracing
	bus       *bus.Bus
	flow      *flow.Flow
	deliver   *deliver.Deliverer
	retention *retention.Runner
	portals   *http.Server
	admin     *http.Server
	nudge     chan struct{} // makes the sweep look at once
	backlog   atomic.Bool   // something is due that no bell announces

	portalsAt, adminAt net.Listener
	background         context.Context
	stopBackground     context.CancelFunc
	tasks              sync.WaitGroup
	stops              []stop // in order of start
	failed             chan error
}

type stop struct {
	name string
	run  func(context.Context) error
}

// source is where configuration comes from: the operator's folder over what is
// shipped.
func source(dir string, now func() time.Time) config.Source {
	return config.Source{Dir: dir, Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds(), Now: now,
		Keyring: func(ring []byte) error { _, err := vault.Parse(ring); return err }}
}

// Check reads the operator's folder as New does, and starts nothing.
func Check(dir string) (*config.Snapshot, config.Findings) { return config.Load(source(dir, nil)) }

// ErrConfig is what New returns for a folder with errors; the findings are logged.
type ErrConfig struct{ Findings config.Findings }

// Error gives every finding on a line of its own.
func (e *ErrConfig) Error() string { return e.Findings.Err().Error() }

// New reads the folder, opens the store and puts everything together. Nothing
// runs before Start.
func New(ctx context.Context, opts Options) (_ *App, err error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	src := source(opts.Dir, opts.Now)
	snap, findings := config.Load(src)
	if findings.HasErrors() {
		return nil, &ErrConfig{Findings: findings}
	}
	for _, f := range findings {
		opts.Log.Warn("configuration", "finding", f.String())
	}
	a := &App{opts: opts, live: config.NewLive(src, snap), nudge: make(chan struct{}, 1), failed: make(chan error, 4)}
	a.background, a.stopBackground = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Stop(context.Background()))
		}
	}()

	keyring, err := snap.Hub.Key.Reveal(opts.Dir)
	if err != nil {
		return nil, fmt.Errorf("read the operator's keyring: %w", err)
	}
	if a.vault, err = vault.Parse(keyring); err != nil {
		return nil, fmt.Errorf("read the operator's keyring: %w", err)
	}
	if a.tracing, err = newTracing(ctx, snap.Hub.Tracing, snap.Hub.Node, opts.Version, opts.Log); err != nil {
		return nil, err
	}
	a.onStop("tracing", a.tracing.stop)
	a.metrics = newMetrics(func() map[string]string { return a.deliver.Breakers() }, opts.Now)
	data := snap.Hub.Data
	if !filepath.IsAbs(data) {
		data = filepath.Join(opts.Dir, data)
	}
	if a.store, err = sqlite.Open(durable(sqlite.Options{Dir: data, Log: opts.Log, Synced: a.metrics.synced})); err != nil {
		return nil, err
	}
	a.onStop("store", func(context.Context) error { return a.store.Close() })

	a.metrics.watch(a.store.Figures, a.store.Disk)
	if a.bus, err = bus.New(bus.Options{Log: opts.Log, Handled: a.metrics.handled}); err != nil {
		return nil, err
	}
	a.flow = &flow.Flow{
		Store: a.store, Vault: a.vault, Live: a.live, Log: opts.Log, Now: opts.Now,
		Reserve: func(system string) flow.Room {
			if room := a.deliver.Reserve(system); room != nil {
				return room
			}
			return nil // no room, and not a room that is nil
		},
		Wait: func(ctx context.Context, systems []string) { a.deliver.Wait(ctx, systems) },
		Wake: a.wake,
		Ring: a.ringAgain,
		Busy: func() bool { return a.bus.Busy(topicFlow) },
		Advanced: func(s flow.Step) {
			a.metrics.planned.Add(float64(s.Planned))
			a.metrics.unmapped.Add(float64(s.Unmapped))
		},
		Alert: a.metrics.alert,
	}
	a.retention = &retention.Runner{
		Store: a.store, Log: opts.Log, Now: opts.Now, Erased: a.flow.Forget,
		Rules: func(ags, service string) route.Retention { return a.live.Get().Retention(ags, service) },
	}
	a.deliver = deliver.New(deliver.Options{
		Store: a.store, Damage: a.store.Damage, Case: a.store.Case, Vault: a.vault, Log: opts.Log, Now: opts.Now,
		Node: snap.Hub.Node, Lease: snap.Hub.Flow.Lease, Scan: snap.Hub.Flow.Scan,
		Attachments: a.attachment, Ring: a.answered, Attempted: a.metrics.attempted, Alert: a.metrics.alert, Trace: a.tracing.starter(),
	})
	a.handlers(snap.Hub.Flow.Workers)
	if err := a.servers(ctx, snap); err != nil {
		return nil, err
	}
	return a, nil
}

// servers makes the portals' and the operators' side.
func (a *App) servers(ctx context.Context, snap *config.Snapshot) error {
	portals, err := intake.New(intake.Settings{
		Store: a.store, Vault: a.vault, Config: a.live.Get, Attachments: a.store.AttachmentDir(), Ring: a.ring,
		Log: a.opts.Log, Now: a.opts.Now, Ready: a.store.Healthy, Room: a.store.Room, Observed: a.metrics.observed, Wake: a.wake,
		Trace: a.tracing.current(), Last: a.newest(ctx),
	})
	if err != nil {
		return err
	}
	operators := web.New(web.Options{
		Store: a.store, Vault: a.vault, Live: a.live, Ring: a.ring, Wake: a.wake, Again: a.deliver.Again, Probe: a.deliver.Probe, Breakers: a.deliver.Breakers, Disk: a.store.Disk, Ready: portals.IsReady,
		Attachments: a.attachment,
		Keyring:     func() ([]byte, error) { return a.live.Get().Hub.Key.Reveal(a.opts.Dir) },
		Reload:      a.Reload, Check: func() config.Findings { _, f := Check(a.opts.Dir); return f }, Render: a.render,
		Load: a.load, Compare: a.compare, Retention: a.retention,
		Portals: a.PortalsURL, Metrics: a.metrics.handler(), Now: a.opts.Now, Log: a.opts.Log, Version: a.opts.Version,
	})
	a.portals = intake.Server(a.tracing.pushes(portals, portals.Known), snap.Hub.Timeouts)
	a.admin = intake.Server(operators.Handler(), snap.Hub.Timeouts)
	return nil
}

// newest is the id of the newest submission, behind which new ones rise though the clock
// was set back over the restart. One that is more than a day ahead was made by a clock
// that was wrong: an id is made within a day of the receipt. A page that cannot be read
// must not keep the hub from its start.
func (a *App) newest(ctx context.Context) (id hub.ID) {
	rows, err := a.store.List(ctx, store.Filter{Limit: 1})
	if err != nil {
		a.opts.Log.Error("the newest submission cannot be read; ids follow the clock alone", "error", err)
		return id
	}
	if len(rows) > 0 && rows[0].Submission.ID.Time().Sub(a.opts.Now()) <= 24*time.Hour {
		id = rows[0].Submission.ID
	}
	return id
}

// Start runs the hub. It returns once portals are served.
func (a *App) Start(ctx context.Context) error {
	snap := a.live.Get()
	if !a.opts.NoDelivery {
		if err := a.deliver.Start(ctx, snap); err != nil {
			return err
		}
		a.onStop("deliver", a.deliver.Stop)
	}
	a.tasks.Go(func() { a.fail("bus", a.bus.Run(context.Background())) })
	a.onStop("bus", func(context.Context) error { return a.bus.Close() })
	<-a.bus.Running()
	if !a.opts.NoDelivery {
		a.tasks.Go(func() { a.flow.Sweep(a.background, snap.Hub.Flow.Scan, a.nudge, func() { a.backlog.Store(true) }) })
	}
	jobs, err := a.jobs()
	if err != nil {
		return err
	}
	jobs.Start()
	a.onStop("jobs", func(ctx context.Context) error {
		a.stopBackground()
		select {
		case <-jobs.Stop().Done():
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	if a.adminAt, err = a.serve(a.admin, a.opts.AdminListener, snap.Hub.Listen.Admin, snap); err != nil {
		return err
	}
	a.onStop("admin API", hangUp(a.admin))
	if a.portalsAt, err = a.serve(a.portals, a.opts.PortalsListener, snap.Hub.Listen.Portals, snap); err != nil {
		return err
	}
	a.onStop("portals' API", hangUp(a.portals))
	for _, f := range a.stranded(ctx, snap) {
		a.opts.Log.Warn("configuration", "finding", f.String())
	}
	started := hub.AuditEntry{At: a.opts.Now(), Actor: "hub", Action: "started", Object: snap.Hub.Node, Reason: "configuration " + snap.Revision + ", version " + a.opts.Version}
	if err := a.store.Audit(ctx, started); err != nil { // a full disk keeps nobody from reading
		a.opts.Log.Error("the start does not stand in the audit trail", "error", err)
	}
	a.opts.Log.Info("stellwerk is ready", "portals", a.PortalsURL(), "admin", a.AdminURL(), "revision", snap.Revision, "version", a.opts.Version)
	return nil
}

func (a *App) serve(s *http.Server, l net.Listener, addr string, snap *config.Snapshot) (net.Listener, error) {
	if l == nil {
		var err error
		if l, err = net.Listen("tcp", addr); err != nil {
			return nil, fmt.Errorf("listen: %w", err)
		}
	}
	s.ErrorLog = slog.NewLogLogger(a.opts.Log.Handler(), slog.LevelDebug)
	tls := snap.Hub.Listen.TLS
	if tls == nil {
		a.tasks.Go(func() { a.fail("server", s.Serve(l)) })
		return l, nil
	}
	conf, err := tlsConfig(tls, a.opts.Dir)
	if err != nil {
		return nil, errors.Join(err, l.Close())
	}
	s.TLSConfig = conf
	a.tasks.Go(func() { a.fail("server", s.ServeTLS(l, "", "")) })
	return l, nil
}

// hangUp lets a server's requests come to their end for half of the time that is left,
// then cuts them off: the rest is for the deliveries under way. What was cut off has
// had no answer, so it is repeated.
func hangUp(s *http.Server) func(context.Context) error {
	return func(ctx context.Context) error {
		if deadline, ok := ctx.Deadline(); ok {
			half, cancel := context.WithTimeout(ctx, time.Until(deadline)/2)
			defer cancel()
			ctx = half
		}
		if err := s.Shutdown(ctx); err != nil {
			return errors.Join(fmt.Errorf("requests were cut off: %w", err), s.Close())
		}
		return nil
	}
}

func (a *App) fail(name string, err error) {
	if err != nil && !errors.Is(err, http.ErrServerClosed) {
		a.failed <- fmt.Errorf("%s: %w", name, err)
	}
}

// Failed gives the error that ends the hub from inside, if one does.
func (a *App) Failed() <-chan error { return a.failed }

func (a *App) onStop(name string, run func(context.Context) error) {
	a.stops = append(a.stops, stop{name, run})
}

// Stop ends everything in reverse order of its start, once, within ctx. A step
// that fails does not keep the others from stopping.
func (a *App) Stop(ctx context.Context) error {
	var errs []error
	for i := len(a.stops) - 1; i >= 0; i-- {
		if err := a.stops[i].run(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", a.stops[i].name, err))
		}
	}
	a.stops = nil
	a.stopBackground()
	a.tasks.Wait()
	return errors.Join(errs...)
}

// PortalsURL is where portals reach this hub.
func (a *App) PortalsURL() string {
	return address(a.portalsAt, a.live.Get().Hub.Listen)
}

// AdminURL is where operators and the CLI reach it.
func (a *App) AdminURL() string {
	return address(a.adminAt, a.live.Get().Hub.Listen)
}

func address(l net.Listener, listen config.Listen) string {
	if l == nil {
		return ""
	}
	scheme := "http://"
	if listen.TLS != nil {
		scheme = "https://"
	}
	return scheme + l.Addr().String()
}

// Reload reads the folder anew, for somebody; with an error among the findings the
// old snapshot stays in force. The audit trail says which it was; an error is its.
func (a *App) Reload(ctx context.Context, actor string) (config.Findings, error) {
	before := a.live.Get().Revision
	snap, findings := a.live.Reload(func(next *config.Snapshot) error {
		if a.opts.NoDelivery {
			return nil
		}
		return a.deliver.Apply(next)
	})
	if !findings.HasErrors() {
		findings = append(findings, a.stranded(ctx, snap)...)
	}
	errs := 0
	for _, f := range findings {
		if f.Severity == mapping.Warning {
			a.opts.Log.Warn("configuration", "finding", f.String())
			continue
		}
		errs++
		a.opts.Log.Error("configuration", "finding", f.String())
	}
	line := hub.AuditEntry{At: a.opts.Now(), Actor: actor, Action: "reloaded", Object: snap.Revision, Reason: "before: " + before}
	if findings.HasErrors() {
		line.Action, line.Reason = "reload refused", fmt.Sprintf("errors in the folder: %d", errs)
		a.opts.Log.Error("the configuration was not reloaded; the old one stays in force", "errors", errs)
	} else {
		a.opts.Log.Info("configuration reloaded", "revision", snap.Revision)
	}
	if err := a.store.Audit(ctx, line); err != nil {
		a.opts.Log.Error("the reload does not stand in the audit trail", "action", line.Action, "revision", snap.Revision, "error", err)
		return findings, fmt.Errorf("write the audit trail: %w", err)
	}
	return findings, nil
}

// stranded warns of systems that the configuration does not know and that deliveries are
// open for, whoever has removed them, and when.
func (a *App) stranded(ctx context.Context, snap *config.Snapshot) (found config.Findings) {
	figures, err := a.store.Figures(ctx)
	if err != nil {
		a.opts.Log.Error("what waits for systems that are gone is not known", "error", err)
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(figures.Systems)) {
		s := figures.Systems[name]
		if n := s.Pending + s.Sending + s.Awaiting + s.Parked; n > 0 && snap.Systems[name] == nil {
			found = append(found, config.Finding{File: "systems/" + name + ".yaml", Severity: mapping.Warning,
				Message:    fmt.Sprintf("is not there, and %d deliveries to %s are open", n, name),
				Suggestion: "put it back, or see stellwerk parked --system " + name})
		}
	}
	return found
}

// attachment opens a sealed file; the store's names never lead out of its folder.
func (a *App) attachment(file string) (io.ReadCloser, error) {
	root, err := os.OpenRoot(a.store.AttachmentDir())
	if err != nil {
		return nil, err
	}
	f, err := root.Open(filepath.FromSlash(file))
	return f, errors.Join(err, root.Close())
}

var _ store.Store = (*sqlite.Store)(nil)
