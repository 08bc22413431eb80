package intake

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// Store is what the portals' API needs of the store.
type Store interface {
	store.Intake
	store.Bundles
	Events(ctx context.Context, id hub.ID) ([]hub.Event, error)
	List(ctx context.Context, f store.Filter) ([]store.Row, error)
	Notice(ctx context.Context, id hub.ID, at time.Time) error
	Damage(ctx context.Context, id hub.ID, what string, at time.Time) error
}

// Settings are what the API is made of. All but the optional ones must be set.
type Settings struct {
	Store       Store
	Vault       *vault.Vault
	Config      func() *config.Snapshot // the one in force; a request keeps the one it began with
	Attachments string                  // the store's attachment folder
	Ring        func(hub.ID)            // after an accept; must not block
	Log         *slog.Logger

	Wake     func(system string)                   // optional: after a system has called back
	Now      func() time.Time                      // optional: time.Now
	Ready    func(context.Context) error           // optional: behind /readyz
	Observed func(code string, took time.Duration) // optional: "accepted", "replayed", "read", "validated", … or a problem's code
	Trace    func(context.Context) string          // optional: traceparent of the span under way; else the portal's own is kept
	Room     func() error                          // optional: store.ErrFull where the disk's rest is for what was accepted already
	Last     hub.ID                                // optional: the newest id of the runs before; new ones rise behind it
	Memory   int64                                 // optional: bytes that large payloads may take at once; 128 MiB
}

// API is the portals' HTTP API, an http.Handler.
type API struct {
	Settings
	ids    hub.IDs
	mux    *http.ServeMux
	routes []endpoint
	slots  slots
	flight flight
	memory *semaphore.Weighted
	large  *gate.Slots
	docs   docs
	rung   rung

	strangers strangers
	readiness readiness
	lingering atomic.Int64 // refused requests whose rest is still read
}

// New makes the API ready to serve.
func New(s Settings) (*API, error) {
	if s.Store == nil || s.Vault == nil || s.Config == nil || s.Ring == nil || s.Log == nil || s.Attachments == "" {
		return nil, errors.New("intake: a setting is missing")
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Wake == nil {
		s.Wake = func(string) {}
	}
	if s.Ready == nil {
		s.Ready = func(context.Context) error { return nil }
	}
	if s.Room == nil {
		s.Room = func() error { return nil }
	}
	if s.Observed == nil {
		s.Observed = func(string, time.Duration) {}
	}
	if s.Memory <= 0 {
		s.Memory = 128 << 20
	}
	a := &API{Settings: s, memory: semaphore.NewWeighted(s.Memory), large: gate.NewSlots(2), readiness: readiness{busy: make(chan struct{}, 1)}}
	a.ids.Now = s.Now
	a.ids.Follow(s.Last)
	var err error
	if a.docs, err = newDocs(); err != nil {
		return nil, err
	}
	a.route()
	return a, nil
}

// call is one request on its way.
type call struct {
	w       http.ResponseWriter
	r       *http.Request
	id      hub.ID // of the submission, if one comes of it; of the request in any case
	at      time.Time
	snap    *config.Snapshot
	portal  *config.Portal
	lang    lang
	outcome string // for the log and the metrics

	// Set once they are known to be the hub's own words, so that they may be logged.
	municipality, service string
}

// ServeHTTP answers a portal.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{w: w, r: r, at: a.Now(), snap: a.Config(), lang: languageOf(r.Header), id: a.ids.New()}
	guard(w.Header(), r.TLS != nil)
	p := a.serve(c)
	if p != nil && p.Code == CodeUnavailable && errors.Is(p.cause, context.Canceled) && r.Context().Err() != nil {
		p = refuse(CodeInterrupted) // whoever asked has hung up, which is no fault of the store
	}
	if p != nil {
		c.outcome = string(p.Code)
		p.write(c)
	}
	took := a.Now().Sub(c.at)
	a.Observed(c.outcome, took)
	a.log(c, p, took)
	if p != nil {
		a.linger(c, p)
	}
}

// serve runs the endpoint. A panic ends this request only, and is told.
func (a *API) serve(c *call) (p *refusal) {
	defer func() {
		if v := recover(); v != nil {
			if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
				panic(v)
			}
			// The value may quote what was submitted; the place does not.
			a.Log.Error("a request panicked", "submission", c.id, "stack", string(debug.Stack()))
			p = refuse(CodeInternal).leavingBody()
		}
	}()
	e, p := a.endpoint(c.r)
	if p != nil {
		return p
	}
	if e.open {
		return e.serve(c)
	}
	if p := a.authenticate(c); p != nil {
		return p
	}
	leave, p := a.slots.enter(c.portal.Name, c.snap.Hub.Limits.Requests)
	if p != nil {
		return p
	}
	defer leave()
	return e.serve(c)
}

// log writes one line a request that changed or refused something; of strangers' only
// so many.
func (a *API) log(c *call, p *refusal, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case p == nil && c.outcome == outcomeRead:
		level = slog.LevelDebug
	case p != nil && p.Status >= 500 && p.Code != CodeBusy && p.Code != CodeNotReady:
		level = slog.LevelError
	}
	ctx := context.Background()
	if !a.Log.Enabled(ctx, level) {
		return
	}
	left := 0
	if c.portal == nil && p != nil && level == slog.LevelInfo {
		var say bool
		if say, left = a.strangers.say(c.at); !say {
			return
		}
	}
	attrs := make([]slog.Attr, 0, 8)
	attrs = append(attrs, slog.String("submission", c.id.String()), slog.String("code", c.outcome))
	if c.portal != nil {
		attrs = append(attrs, slog.String("portal", c.portal.Name))
	}
	if c.municipality != "" {
		attrs = append(attrs, slog.String("municipality", c.municipality), slog.String("service", c.service))
	}
	attrs = append(attrs, slog.Duration("took", took))
	if left > 0 {
		attrs = append(attrs, slog.Int("left-out", left))
	}
	if p != nil && p.cause != nil {
		attrs = append(attrs, slog.String("cause", p.cause.Error()))
	}
	a.Log.LogAttrs(ctx, level, "portal request", attrs...)
}

// The outcomes that are not problems.
const (
	outcomeAccepted  = "accepted"
	outcomeReplayed  = "replayed"
	outcomeValidated = "validated"
	outcomeRead      = "read"
	outcomeNoticed   = "noticed"
	outcomeWithdrawn = "withdrawn"
	outcomeOpened    = "bundle-opened"
	outcomeAnswered  = "bundle-answered"
	outcomeClosed    = "bundle-ended"
)

var (
	nosniff    = []string{"nosniff"}
	noFrame    = []string{"DENY"}
	noReferrer = []string{"no-referrer"}
	noContent  = []string{"default-src 'none'; frame-ancestors 'none'"}
	noStore    = []string{"no-store"}
	tlsOnly    = []string{"max-age=31536000"}
)

// guard sets the headers that every answer has.
func guard(h http.Header, tls bool) {
	h["X-Content-Type-Options"] = nosniff
	h["X-Frame-Options"] = noFrame
	h["Referrer-Policy"] = noReferrer
	h["Content-Security-Policy"] = noContent
	h["Cache-Control"] = noStore
	if tls {
		h["Strict-Transport-Security"] = tlsOnly
	}
}
