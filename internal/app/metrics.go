package app

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"stellwerk/internal/hub"
	"stellwerk/internal/intake"
	"stellwerk/internal/store"
)

// metrics are the hub's figures for Prometheus. Labels are names of the operator's
// files and our own words, never anything a portal sent.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.HistogramVec
	bells    *prometheus.HistogramVec
	planned  prometheus.Counter
	unmapped prometheus.Counter
	attempts *prometheus.HistogramVec
	alerts   *prometheus.CounterVec
	syncs    prometheus.Histogram

	collector figuresCollector
}

func newMetrics(breakers func() map[string]string, now func() time.Time) *metrics {
	fast := prometheus.ExponentialBuckets(0.0005, 2, 16)
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stellwerk_intake_seconds", Help: "Requests of portals by outcome, in seconds; an accept includes the sync.", Buckets: fast}, []string{"outcome"}),
		bells:    prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stellwerk_bus_handler_seconds", Help: "Messages handled by topic and result.", Buckets: fast}, []string{"topic", "result"}),
		planned:  prometheus.NewCounter(prometheus.CounterOpts{Name: "stellwerk_deliveries_planned_total", Help: "Deliveries planned."}),
		unmapped: prometheus.NewCounter(prometheus.CounterOpts{Name: "stellwerk_deliveries_unmapped_total", Help: "Deliveries whose mapping needs a person."}),
		attempts: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "stellwerk_attempt_seconds", Help: "Attempts by system and outcome, in seconds.", Buckets: fast}, []string{"system", "outcome"}),
		alerts:   prometheus.NewCounterVec(prometheus.CounterOpts{Name: "stellwerk_alerts_total", Help: "What an operator must look at now, by kind."}, []string{"kind"}),
	}
	m.syncs = prometheus.NewHistogram(prometheus.HistogramOpts{Name: "stellwerk_store_sync_seconds", Help: "Commits of the store with their sync; one serves many submissions under load.", Buckets: fast})
	m.registry.MustRegister(m.requests, m.bells, m.planned, m.unmapped, m.attempts, m.alerts, m.syncs,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	for _, kind := range []string{"damaged", "unclear"} {
		m.alerts.WithLabelValues(kind) // there from the start: an increase from nothing shows
	}
	for _, code := range []intake.Code{
		"accepted", intake.CodeFull, intake.CodeUnavailable, intake.CodeUnknown, intake.CodeNotReady, intake.CodeInternal,
		intake.CodeUnauthenticated, intake.CodeOutOfScope,
	} {
		m.requests.WithLabelValues(string(code))
	}
	m.collector = figuresCollector{breakers: breakers, now: now}
	return m
}

// watch adds the figures of a store that is open now, and of the disk that it is on.
func (m *metrics) watch(figures func(context.Context) (*store.Figures, error), disk func() (dir string, free, total uint64, ok bool)) {
	m.collector.figures, m.collector.disk = figures, disk
	m.registry.MustRegister(&m.collector)
}

func (m *metrics) synced(took time.Duration) { m.syncs.Observe(took.Seconds()) }

func (m *metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

func (m *metrics) alert(kind string, _ hub.ID, _ error) { m.alerts.WithLabelValues(kind).Inc() }

func (m *metrics) handled(topic string, took time.Duration, err error) {
	result := "ok"
	if err != nil {
		result = "error"
	}
	m.bells.WithLabelValues(topic, result).Observe(took.Seconds())
}

// figuresCollector reads the store when Prometheus asks, so that the figures are
// those of the rows whatever happened to this process.
type figuresCollector struct {
	figures  func(context.Context) (*store.Figures, error)
	disk     func() (dir string, free, total uint64, ok bool)
	breakers func() map[string]string
	now      func() time.Time
}

var (
	submissionsDesc = prometheus.NewDesc("stellwerk_submissions", "Submissions by state.", []string{"state"}, nil)
	parkedDesc      = prometheus.NewDesc("stellwerk_parked", "Deliveries and submissions that need a person, by reason.", []string{"reason"}, nil)
	openDesc        = prometheus.NewDesc("stellwerk_deliveries_open", "Deliveries not settled, by system and state.", []string{"system", "state"}, nil)
	oldestDesc      = prometheus.NewDesc("stellwerk_delivery_oldest_seconds", "How long the delivery of a system could have been sent that waits for it longest; what it waited for before does not count.", []string{"system"}, nil)
	askedDesc       = prometheus.NewDesc("stellwerk_awaiting_oldest_seconds", "How long the oldest delivery is under way that a system has and whose answer is still to come, such as a payment.", []string{"system"}, nil)
	freeDesc        = prometheus.NewDesc("stellwerk_disk_free_bytes", "What is free on the disk of the data folder.", nil, nil)
	breakerDesc     = prometheus.NewDesc("stellwerk_breaker_open", "Breaker state of a system: 0 closed, 0.5 half-open, 1 open.", []string{"system"}, nil)
)

func (c *figuresCollector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{submissionsDesc, parkedDesc, openDesc, oldestDesc, askedDesc, freeDesc, breakerDesc} {
		ch <- d
	}
}

func (c *figuresCollector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if _, free, _, ok := c.disk(); ok {
		gauge(freeDesc, float64(free))
	}
	for system, state := range c.breakers() {
		gauge(breakerDesc, map[string]float64{"closed": 0, "half-open": 0.5, "open": 1}[state], system)
	}
	f, err := c.figures(ctx)
	if err != nil {
		ch <- prometheus.NewInvalidMetric(submissionsDesc, err)
		return
	}
	age := func(since time.Time) float64 {
		if since.IsZero() {
			return 0
		}
		return c.now().Sub(since).Seconds()
	}
	// Also what there is none of: a wave that begins at nothing is measured against it.
	for _, state := range hub.SubmissionStates {
		gauge(submissionsDesc, float64(f.Submissions[state]), string(state))
	}
	for _, reason := range hub.ParkReasons {
		gauge(parkedDesc, float64(f.Parked[reason]), string(reason))
	}
	for system, s := range f.Systems {
		gauge(openDesc, float64(s.Pending), system, "pending")
		gauge(openDesc, float64(s.Sending), system, "sending")
		gauge(openDesc, float64(s.Awaiting), system, "awaiting")
		gauge(openDesc, float64(s.Parked), system, "parked")
		gauge(oldestDesc, age(s.OldestWaiting), system)
		gauge(askedDesc, age(s.OldestAsked), system)
	}
}
