package web

import (
	"context"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

// Options are the server's surroundings.
type Options struct {
	Store store.Store
	Vault *vault.Vault
	Live  *config.Live
	// Keyring reads the operator's keyring as it is now; Vault has it as it was at
	// the start.
	Keyring func() ([]byte, error)
	// Attachments opens the sealed file of an attachment.
	Attachments func(file string) (io.ReadCloser, error)
	// Ring tells the flow that a submission has something to decide.
	Ring func(hub.ID)
	// Wake tells the deliverer that a system has something due.
	Wake func(system string)
	// Again forgets a system's failures and tries what waits for its next try.
	Again func(ctx context.Context, system, actor string) error
	// Probe looks at a system without delivering anything.
	Probe func(ctx context.Context, system string) error
	// Ready says whether submissions would be taken.
	Ready func(context.Context) error
	// Disk is the data folder, what is free there and what it has in all, in bytes.
	Disk func() (dir string, free, total uint64, ok bool)
	// Breakers gives each system's breaker: closed, half-open or open.
	Breakers func() map[string]string
	// Reload reads the configuration anew, swaps it where it has no error, and writes
	// the audit line that says which it was.
	Reload func(ctx context.Context, actor string) (config.Findings, error)
	// Check reads the configuration anew without swapping; nil: the doctor leaves it out.
	Check func() config.Findings
	// Render gives the documents a submission would cause, without keeping anything.
	Render func(context.Context, admin.Render) ([]Rendered, error)
	// Load reads the configuration anew, with changes laid over the operator's folder
	// (nil: none), without swapping.
	Load func(changes fs.FS) (*config.Snapshot, config.Findings)
	// Compare says what another configuration would make of a submission;
	// ErrNotComparable where it cannot. Nothing is kept or sent.
	Compare func(ctx context.Context, id hub.ID, before, after *config.Snapshot) ([]Difference, error)
	// Retention deletes what has been kept long enough, and says what is next.
	Retention *retention.Runner
	// Portals is the base address of the portals' API; nil: the configured one.
	Portals func() string
	// Metrics answers GET /metrics; nil: there is none.
	Metrics http.Handler
	Now     func() time.Time
	Log     *slog.Logger
	Version string
}

// Server is the admin API.
type Server struct {
	desk
	handler http.Handler
}

// New makes the server; it starts nothing.
func New(opts Options) *Server {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	s := &Server{desk: desk{Options: opts}}
	s.handler = s.routes()
	return s
}

// Handler answers the admin API, /metrics, /livez and /readyz.
func (s *Server) Handler() http.Handler { return s.handler }

func (s *Server) routes() http.Handler {
	mux := http.NewServeMux()
	for pattern, call := range map[string]call{
		"POST /admin/v1/submissions/search":        s.apiSearch,
		"GET /admin/v1/submissions":                s.apiList,
		"GET /admin/v1/submissions/{id}":           s.apiSubmission,
		"GET /admin/v1/submissions/{id}/trace":     s.apiTrace,
		"GET /admin/v1/submissions/{id}/payload":   s.apiPayload,
		"POST /admin/v1/submissions/{id}/reopen":   s.apiReopen,
		"POST /admin/v1/submissions/{id}/close":    s.apiCloseSubmission,
		"POST /admin/v1/submissions/{id}/mend":     s.apiMend,
		"POST /admin/v1/submissions/{id}/withdraw": s.onSubmission(s.withdraw),
		"POST /admin/v1/submissions/{id}/hold":     s.onSubmission(s.hold),
		"POST /admin/v1/submissions/{id}/release":  s.onSubmission(s.release),
		"POST /admin/v1/erasures":                  s.apiErase,
		"GET /admin/v1/deletions":                  s.apiDeletions,
		"GET /admin/v1/retention":                  s.apiRetention,
		"POST /admin/v1/retention/run":             s.apiRunRetention,
		"GET /admin/v1/bundles/{id}":               s.apiBundle,
		"GET /admin/v1/deliveries/{id}/document":   s.apiDocument,
		"POST /admin/v1/deliveries/{id}/replay":    s.apiReplay,
		"POST /admin/v1/deliveries/{id}/close":     s.apiClose,
		"POST /admin/v1/replays":                   s.apiReplayMany,
		"POST /admin/v1/closures":                  s.apiCloseMany,
		"GET /admin/v1/parked":                     s.apiParkedList,
		"POST /admin/v1/parked/search":             s.apiParkedSearch,
		"POST /admin/v1/parked/groups":             s.apiParkedGroups,
		"GET /admin/v1/systems":                    s.apiSystems,
		"POST /admin/v1/systems/{name}/pause":      s.apiPause,
		"POST /admin/v1/systems/{name}/resume":     s.apiResume,
		"POST /admin/v1/systems/{name}/probe":      s.apiProbe,
		"POST /admin/v1/reload":                    s.apiReload,
		"POST /admin/v1/keys/rewrap":               s.apiRewrap,
		"GET /admin/v1/figures":                    s.apiFigures,
		"GET /admin/v1/doctor":                     s.apiDoctor,
		"GET /admin/v1/audit":                      s.apiAudit,
		"POST /admin/v1/renderings":                s.apiRender,
		"POST /admin/v1/mapping-diffs":             s.apiDiff,
		"GET /admin/v1/version":                    s.apiVersion,
		"/admin/":                                  nowhere,
	} {
		mux.Handle(pattern, s.signedIn(call))
	}
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	if s.Metrics != nil {
		mux.Handle("GET /metrics", s.Metrics)
	}
	return mux
}

// ready says whether submissions would be taken.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 5*time.Second)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		s.Log.Warn("not ready", "error", err)
		plain(w, http.StatusServiceUnavailable, "the store does not take writes")
		return
	}
	plain(w, http.StatusOK, "ok")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n")) // whoever hung up gets nothing
}
