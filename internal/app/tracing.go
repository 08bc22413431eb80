package app

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"stellwerk/internal/config"
)

// tracing sends a span for every attempt, joined to the trace the portal began.
// A nil *tracing is off.
type tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
}

func newTracing(ctx context.Context, c config.Tracing, node, version string) (*tracing, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(c.Endpoint))
	if err != nil {
		return nil, fmt.Errorf("open the tracing exporter: %w", err)
	}
	return tracingTo(sdktrace.NewBatchSpanProcessor(exporter), c.Sample, node, version), nil
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

func (t *tracing) stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}
