package app

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"stellwerk/internal/config"
)

// The portal's trace goes on in the attempt and is passed on to the system.
func TestTraceIsTakenInAndPassedOn(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	spans := tracetest.NewSpanRecorder()
	tr := tracingTo(spans, 1, "node", "test")
	next, end := tr.attempt(context.Background(), parent, "kasse")
	end("delivered")
	if !strings.HasPrefix(next, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || next == parent {
		t.Errorf("passed on: %s", next)
	}
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Parent().SpanID().String() != "00f067aa0ba902b7" {
		t.Fatalf("spans: %v", ended)
	}
	for _, a := range ended[0].Attributes() {
		if a.Key != "system" && a.Key != "outcome" {
			t.Errorf("a span carries %s", a.Key)
		}
	}
	if err := tr.stop(context.Background()); err != nil {
		t.Error(err)
	}
	// A portal that began no trace gets one of its own.
	tr = tracingTo(sdktrace.NewSimpleSpanProcessor(tracetest.NewInMemoryExporter()), 1, "node", "test")
	if next, end = tr.attempt(context.Background(), "", "kasse"); len(next) != 55 {
		t.Errorf("passed on: %q", next)
	}
	end("unknown")
	var off *tracing
	if off.starter() != nil || off.current() != nil || off.stop(context.Background()) != nil {
		t.Error("a hub without tracing traces")
	}
}

// A push has a span of its own below the portal's; what it keeps leads the
// attempts below that. Other requests have none.
func TestTraceOfAPush(t *testing.T) {
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	spans := tracetest.NewSpanRecorder()
	tr := tracingTo(spans, 1, "node", "test")
	kept := ""
	h := tr.pushes(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		kept = tr.current()(r.Context())
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Errorf("the controller does not reach the answer: %v", err)
		}
		w.WriteHeader(http.StatusAccepted)
	}), func(r *http.Request) bool { return r.Header.Get("Authorization") != "" })
	stranger := httptest.NewRequest("POST", "/v1/submissions", nil)
	stranger.Header.Set("Traceparent", parent) // which says that it is to be recorded
	h.ServeHTTP(httptest.NewRecorder(), stranger)
	if kept != "" || len(spans.Started()) > 0 {
		t.Errorf("a stranger's request has a span: %s", kept)
	}
	for _, r := range []*http.Request{
		httptest.NewRequest("POST", "/v1/submissions", nil),
		httptest.NewRequest("GET", "/v1/submissions/01a224fa-1e04-7097-b29c-4f21f4b89700", nil),
	} {
		r.Header.Set("Authorization", "Bearer swp_a_b")
		r.Header.Set("Traceparent", parent)
		r.Header.Set("Tracestate", "portal=Beispiel")
		h.ServeHTTP(httptest.NewRecorder(), r)
		if r.Method == "GET" && kept != "" {
			t.Errorf("reading has a span: %s", kept)
		}
		if r.Method == "POST" && (!strings.HasPrefix(kept, "00-4bf92f3577b34da6a3ce929d0e0e4736-") || kept == parent) {
			t.Errorf("kept: %q", kept)
		}
		kept = ""
	}
	ended := spans.Ended()
	if len(ended) != 1 || ended[0].Parent().SpanID().String() != "00f067aa0ba902b7" {
		t.Fatalf("spans: %v", ended)
	}
	if state := ended[0].SpanContext().TraceState().String() + ended[0].Parent().TraceState().String(); state != "" {
		t.Errorf("the portal's words go to the collector: %q", state)
	}
	for _, a := range ended[0].Attributes() {
		if a.Key != "http.response.status_code" || a.Value.AsInt64() != http.StatusOK && a.Value.AsInt64() != http.StatusAccepted {
			t.Errorf("the span carries %s %v", a.Key, a.Value)
		}
	}
}

// A collector named by its host alone gets the spans where OTLP has them, and one
// that does not take them is a line of the hub's log, not of another program's.
func TestTracesToACollector(t *testing.T) {
	for _, test := range []struct{ path, want string }{{"", "/v1/traces"}, {"/", "/v1/traces"}, {"/tenant/traces", "/tenant/traces"}} {
		for _, status := range []int{http.StatusOK, http.StatusNotFound} {
			asked := make(chan string, 1)
			collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				asked <- r.URL.Path
				w.WriteHeader(status)
			}))
			var log bytes.Buffer
			tr, err := newTracing(context.Background(), config.Tracing{Endpoint: collector.URL + test.path, Sample: 1}, "node", "test", slog.New(slog.NewJSONHandler(&log, nil)))
			if err != nil {
				t.Fatal(err)
			}
			_, end := tr.attempt(context.Background(), "", "kasse")
			end("delivered")
			if err := tr.stop(context.Background()); err != nil {
				t.Error(err)
			}
			if got := <-asked; got != test.want {
				t.Errorf("endpoint %q: asked %s, not %s", test.path, got, test.want)
			}
			if got, want := strings.Contains(log.String(), "traces do not reach the collector"), status != http.StatusOK; got != want {
				t.Errorf("status %d: the log says %q", status, log.String())
			}
			collector.Close()
		}
	}
}
