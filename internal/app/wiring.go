package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"stellwerk/internal/config"
	"stellwerk/internal/flow"
	"stellwerk/internal/gate"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/retention"
	"stellwerk/internal/route"
	"stellwerk/internal/web"
	"stellwerk/internal/web/admin"
)

// The doorbells.
const (
	topicFlow    = "flow"    // key: a submission's id, just accepted
	topicAnswer  = "answer"  // key: a submission's id; a system has answered, what waited may go on
	topicDeliver = "deliver" // key: a system's name
)

// handlers puts the stages behind their doorbells.
func (a *App) handlers(workers int) {
	if a.opts.NoDelivery {
		return
	}
	run := func(ctx context.Context, key string) error {
		id, err := hub.ParseID(key)
		if err != nil {
			return err
		}
		return a.flow.Run(ctx, id)
	}
	a.bus.Handle(topicFlow, workers, func(ctx context.Context, key string) error {
		err := run(ctx, key)
		if !a.bus.Busy(topicFlow) && a.backlog.CompareAndSwap(true, false) {
			select {
			case a.nudge <- struct{}{}:
			default: // it is about to look
			}
		}
		return err
	})
	// A queue of its own: what has begun does not wait behind what has just come.
	a.bus.Handle(topicAnswer, workers, run)
	a.bus.Handle(topicDeliver, 4, func(_ context.Context, system string) error {
		a.deliver.Wake(system)
		return nil
	})
}

// ring announces a submission to the flow. Where too many bells wait, the sweep
// finds it as soon as there is room: the row is there.
func (a *App) ring(id hub.ID) {
	if !a.opts.NoDelivery && !a.ringAgain(id) {
		a.backlog.Store(true)
	}
}

func (a *App) ringAgain(id hub.ID) bool { return a.bus.Ring(topicFlow, id.String()) }

// answered announces a submission whose waiting deliveries may go on.
func (a *App) answered(id hub.ID) {
	if !a.bus.Ring(topicAnswer, id.String()) {
		a.backlog.Store(true)
	}
}

// wake announces a system's due deliveries. Where the bell is lost, the lane's own
// scan finds them.
func (a *App) wake(system string) {
	if !a.opts.NoDelivery {
		a.bus.Ring(topicDeliver, system)
	}
}

func (m *metrics) attempted(system, outcome string, took time.Duration) {
	m.attempts.WithLabelValues(system, outcome).Observe(took.Seconds())
}

func (m *metrics) observed(code string, took time.Duration) {
	m.requests.WithLabelValues(code).Observe(took.Seconds())
}

func (t *tracing) starter() func(context.Context, string, string) (string, func(string)) {
	if t == nil {
		return nil
	}
	return t.attempt
}

// keepKeys is how long a portal may repeat a request with the same key.
const keepKeys = 30 * 24 * time.Hour

// How long the answers to a bundle's questions are kept: once it is closed and what is
// in it has settled, and where nobody touches it any more.
const (
	keepAnswers   = 30 * 24 * time.Hour
	keepUntouched = 365 * 24 * time.Hour
)

// jobs are what runs by the clock, which is the town hall's, whatever the server's zone
// is: what is to run at night does. A job that is still running is not started again, and
// one that panics ends alone.
func (a *App) jobs() (*cron.Cron, error) {
	log := cronLog{a.opts.Log.Error}
	night, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	c := cron.New(cron.WithLocation(night), cron.WithChain(cron.Recover(log), cron.SkipIfStillRunning(log)))
	for _, job := range a.schedule() {
		if _, err := c.AddFunc(job.at, func() { a.do(job) }); err != nil {
			return nil, fmt.Errorf("schedule %s: %w", job.name, err)
		}
	}
	return c, nil
}

// job runs at the times of a cron line.
type job struct {
	name, at string
	run      func(context.Context) error
}

func (a *App) schedule() []job {
	return []job{
		{"forget-idempotency-keys", "17 * * * *", func(ctx context.Context) error {
			_, err := a.store.ForgetKeys(ctx, a.opts.Now().Add(-keepKeys))
			return err
		}},
		{"forget-bundle-answers", "29 3 * * *", func(ctx context.Context) error {
			now := a.opts.Now()
			n, err := a.store.ForgetAnswers(ctx, now.Add(-keepAnswers), now.Add(-keepUntouched), now)
			if n == 0 || err != nil {
				return err
			}
			_, err = a.store.Scrub(ctx) // in the same night, not with the next retention
			return err
		}},
		{"sweep-attachments", "41 * * * *", func(ctx context.Context) error {
			_, err := a.store.SweepAttachments(ctx, a.opts.Now().Add(-24*time.Hour))
			return err
		}},
		{retention.Job, "23 2 * * *", func(ctx context.Context) error {
			_, err := a.retention.Run(ctx)
			return err
		}},
	}
}

// do runs a job and notes when it began. All of them forget by the clock, so none runs
// where that has jumped.
func (a *App) do(j job) {
	start := a.opts.Now()
	if err := a.retention.CheckClock(a.background); err != nil {
		a.opts.Log.Error("job not started", "job", j.name, "error", err)
		return
	}
	if err := j.run(a.background); err != nil {
		a.opts.Log.Error("job stopped", "job", j.name, "error", err)
		return
	}
	err := a.store.SetLastRun(a.background, j.name, start)
	if err = errors.Join(err, a.retention.TrustClock(a.background, start)); err != nil {
		a.opts.Log.Error("note a job's run", "job", j.name, "error", err)
	}
}

type cronLog struct{ log func(msg string, args ...any) }

func (cronLog) Info(string, ...any) {}
func (l cronLog) Error(err error, msg string, args ...any) {
	l.log("job: "+msg, append(args, "error", err)...)
}

// render is the dry run: the documents a payload would cause, nothing kept.
func (a *App) render(ctx context.Context, in admin.Render) ([]web.Rendered, error) {
	snap, now := a.live.Get(), a.opts.Now()
	if b, ok := snap.Binding(in.Municipality, in.Service); ok {
		if err := fits(ctx, b.Route, &in, snap.Hub.Limits.Payload, now); err != nil {
			return nil, err
		}
	}
	tree, err := gate.Tree(ctx, in.Payload, in.MediaType, gate.Limits{})
	if err != nil {
		return nil, err
	}
	given, err := a.store.Ranges(ctx)
	if err != nil {
		return nil, err
	}
	sample := new(hub.IDs).New()
	env := mapping.Env{
		Submission: mapping.Submission{ID: sample.String(), Number: sample.Number(), Delivery: sample.Delivery(1).String(), Service: in.Service, Portal: "dry-run",
			Reference: in.Reference, Bundle: in.Bundle, ReceivedAt: now},
		Meta: mapping.Meta{TrustLevel: in.TrustLevel, Mailbox: in.Mailbox, Channel: "portal", Email: in.Account["mail"], Account: in.Account,
			ConsentAt: now, ConsentVersion: in.ConsentWording},
		Original: func() (string, []byte, error) { return in.MediaType, in.Payload, nil },
		Now:      a.opts.Now,
	}
	for i, at := range in.Attachments {
		env.Attachments = append(env.Attachments, mapping.Attachment{ID: hub.RecordAttachment(i + 1), Name: at.Name, Type: at.ContentType, Size: at.Size, SHA256: at.SHA256})
	}
	previews, err := flow.PreviewOf(ctx, snap, in.Municipality, in.Service, tree.Root(), env, given)
	if err != nil {
		return nil, err
	}
	out := make([]web.Rendered, 0, len(previews))
	for _, p := range previews {
		r := web.Rendered{Role: p.Role, System: p.System, Mapping: p.Mapping, Name: p.Document.FileName, ContentType: p.Document.ContentType, Body: p.Document.Body, After: p.After}
		if p.Hold != nil {
			r.Hold = p.Hold.Error()
		}
		out = append(out, r)
	}
	return out, nil
}

// fits tells whether a portal could push this: nothing else would leave. Where no
// version is named, any that is taken now will do.
func fits(ctx context.Context, r *route.Route, p *admin.Render, limit int64, now time.Time) error {
	format, err := gate.FormatOf(p.MediaType)
	if err != nil {
		return err
	}
	err = fmt.Errorf("%s is not taken as %s now", r.Service, strings.TrimSpace(string(format)+" "+p.Version))
	for i := range r.Inputs {
		in := &r.Inputs[i]
		if in.Format != string(format) || p.Version != "" && p.Version != in.Version || !in.Taken(now) {
			continue
		}
		if _, err = gate.Check(ctx, p.Payload, p.MediaType, gate.Options{Limits: gate.Limits{Bytes: limit}, Schema: in.Schema}); err == nil {
			return nil
		}
	}
	var invalid *gate.Invalid
	if errors.As(err, &invalid) {
		f := invalid.Findings[0]
		err = fmt.Errorf("it does not fit the service's schema, a portal would be refused: %d:%d: %s (stellwerk validate --service %s FILE shows all of it)", f.Line, f.Column, f.En, r.Service)
	}
	return err
}

// tlsConfig reads the certificate; a broken one stops the start.
func tlsConfig(t *config.TLS, dir string) (*tls.Config, error) {
	key, err := t.Key.Reveal(dir)
	if err != nil {
		return nil, fmt.Errorf("read the certificate's key: %w", err)
	}
	pem, err := readFile(dir, t.Certificate)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	cert, err := tls.X509KeyPair(pem, key)
	if err != nil {
		return nil, fmt.Errorf("read the certificate: %w", err)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, Certificates: []tls.Certificate{cert}}, nil
}

func readFile(dir, name string) ([]byte, error) {
	if !filepath.IsAbs(name) {
		name = filepath.Join(dir, name)
	}
	return os.ReadFile(name)
}
