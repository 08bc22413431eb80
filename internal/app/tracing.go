package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"stellwerk/internal/config"
)

// tracing sends a span for every submission that is pushed and for every attempt,
// joined to the trace the portal began. A nil *tracing is off.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracing(ctx context.Context, c config.Tracing, node, version string, log *slog.Logger) (*tracing, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	endpoint, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("read the tracing endpoint: %w", err)
	}
	// A collector alone is named by its host; where it takes traces is in OTLP.
	if endpoint.Path == "" || endpoint.Path == "/" {
		endpoint.Path = "/v1/traces"
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint.String()))
	if err != nil {
		return nil, fmt.Errorf("open the tracing exporter: %w", err)
	}
	return tracingTo(sdktrace.NewBatchSpanProcessor(&exporting{SpanExporter: exporter, log: log}), c.Sample, node, version), nil
}

// exporting puts what keeps spans from the collector into the hub's own log, once
// until they arrive again; left alone, it would be text between the lines of JSON.
type exporting struct {
	sdktrace.SpanExporter
	log     *slog.Logger
	failing bool // exports follow one another
}

// ExportSpans implements sdktrace.SpanExporter.
func (e *exporting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	err := e.SpanExporter.ExportSpans(ctx, spans)
	switch {
	case err != nil && !e.failing:
		e.log.Warn("traces do not reach the collector", "error", err)
	case err == nil && e.failing:
		e.log.Info("traces reach the collector again")
	}
	e.failing = err != nil
	return nil
}

func tracingTo(p sdktrace.SpanProcessor, sample float64, node, version string) *tracing {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(p),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(sample))),
		sdktrace.WithResource(resource.NewSchemaless(
			attribute.String("service.name", "stellwerk"),
			attribute.String("service.version", version),
			attribute.String("service.instance.id", node),
		)),
	)
	return &tracing{provider: provider, tracer: provider.Tracer("stellwerk")}
}

// attempt starts the span of an attempt below the submission's traceparent and
// gives the one to pass on to the system.
func (t *tracing) attempt(ctx context.Context, parent, system string) (string, func(outcome string)) {
	carrier := propagation.MapCarrier{"traceparent": parent}
	format := propagation.TraceContext{}
	ctx, span := t.tracer.Start(format.Extract(ctx, carrier), "deliver", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("system", system)))
	format.Inject(ctx, carrier)
	return carrier["traceparent"], func(outcome string) {
		span.SetAttributes(attribute.String("outcome", outcome))
		span.End()
	}
}

// pushes makes a span of every request of a known portal that pushes a submission, below
// the portal's traceparent. It carries the status only: addresses and headers may name a
// case. A stranger's would fill the collector: his traceparent says that all of them are
// to be recorded.
func (t *tracing) pushes(next http.Handler, known func(*http.Request) bool) http.Handler {
	if t == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost || r.URL.Path != "/v1/submissions" || !known(r) {
			next.ServeHTTP(w, r)
			return
		}
		// Without tracestate, in which a portal may say whatever it likes.
		ctx := propagation.TraceContext{}.Extract(r.Context(), propagation.MapCarrier{"traceparent": r.Header.Get("Traceparent")})
		ctx, span := t.tracer.Start(ctx, "submit", trace.WithSpanKind(trace.SpanKindServer))
		answer := &answerStatus{ResponseWriter: w, status: http.StatusOK}
		defer func() {
			span.SetAttributes(attribute.Int("http.response.status_code", answer.status))
			span.End()
		}()
		next.ServeHTTP(answer, r.WithContext(ctx))
	})
}

// current gives the traceparent of the span under way: what the submission keeps
// and its attempts are joined to.
func (t *tracing) current() func(context.Context) string {
	if t == nil {
		return nil
	}
	return func(ctx context.Context) string {
		carrier := propagation.MapCarrier{}
		propagation.TraceContext{}.Inject(ctx, carrier)
		return carrier["traceparent"]
	}
}

// answerStatus remembers the status of an answer.
type answerStatus struct {
	http.ResponseWriter
	status int
}

// WriteHeader implements http.ResponseWriter.
func (a *answerStatus) WriteHeader(status int) {
	a.status = status
	a.ResponseWriter.WriteHeader(status)
}

// Unwrap leads http.ResponseController to what can set deadlines.
func (a *answerStatus) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func (t *tracing) stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
