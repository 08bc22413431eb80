package rest_test

import (
	"encoding/json"
	"io"
	"mime"
	"mime/multipart"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/rest"
	"stellwerk/internal/sim"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// configure lays a system's settings over a profile's.
func configure(t testing.TB, profile string, settings ...string) connectors.Config {
	t.Helper()
	c, err := rest.Kind().Configure(connectortest.Settings(append([]string{readProfile(t, profile)}, settings...)...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func environment(t testing.TB) connectors.Environment {
	return connectors.Environment{System: "probe-system", Now: time.Now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16}
}

// partner takes multipart documents, knows their ids and suffers on command.
type partner struct {
	address string
	server  *http.Server
	served  chan error

	mu    sync.Mutex
	fault connectortest.Fault
	byID  map[string]bool
	taken []connectortest.Received
	gone  chan struct{}
}

func startPartner(t *testing.T) *partner {
	address, err := sim.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	p := &partner{address: address, fault: connectortest.Healthy, byID: map[string]bool{}, gone: make(chan struct{})}
	p.listen(t)
	t.Cleanup(func() { close(p.gone); p.stop() })
	return p
}

// listen opens the address, again after stop.
func (p *partner) listen(t *testing.T) {
	l, err := net.Listen("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	p.server, p.served = &http.Server{Handler: p}, make(chan error, 1)
	server, served := p.server, p.served
	go func() { served <- server.Serve(l) }()
}

func (p *partner) stop() {
	_ = p.server.Close()
	<-p.served
	p.served <- nil
}

func (p *partner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, _ := r.BasicAuth(); user != "hub" || password != "geheim-4711" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, "wrong: "+r.Header.Get("Authorization"))
		return
	}
	p.mu.Lock()
	fault := p.fault
	p.mu.Unlock()
	if r.Method == http.MethodGet {
		p.lookup(w, strings.TrimPrefix(r.URL.Path, "/documents/"))
		return
	}
	if fault == connectortest.Torn {
		panic(http.ErrAbortHandler)
	}
	got, err := read(r)
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	switch fault {
	case connectortest.Refusing: // echoes what it was sent, as careless systems do
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = io.WriteString(w, `{"code":"E17","you-sent":"`+r.Header.Get("Authorization")+` geheim-4711"}`)
		return
	case connectortest.Busy:
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	case connectortest.Silent:
		select {
		case <-r.Context().Done():
		case <-p.gone:
		}
		panic(http.ErrAbortHandler)
	}
	id := r.Header.Get("Idempotency-Key")
	p.mu.Lock()
	if !p.byID[id] {
		p.byID[id] = true
		p.taken = append(p.taken, got)
	}
	p.mu.Unlock()
	if fault == connectortest.AnswerLost {
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusCreated)
	_ = json.NewEncoder(w).Encode(map[string]string{"nr": "AZ-" + id})
}

func (p *partner) lookup(w http.ResponseWriter, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.byID[id] {
		w.WriteHeader(http.StatusNotFound)
		return
	}
	_ = json.NewEncoder(w).Encode(map[string]string{"nr": "AZ-" + id})
}

func read(r *http.Request) (connectortest.Received, error) {
	var got connectortest.Received
	_, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return got, err
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r.Body) // the end of the request counts, not that of the parts
			return got, err
		}
		if err != nil {
			return got, err
		}
		b, err := io.ReadAll(part)
		if err != nil {
			return got, err
		}
		if part.FormName() == "document" {
			got.Body = b
		} else {
			got.Attachments = append(got.Attachments, b)
		}
	}
}

const multipartProfile = `
repeatable: true
request:
  path: /documents
  headers: {Idempotency-Key: "{id}"}
  parts: {document: document, document-file: "{name}", attachments: file}
  replies:
    - {status: 201, at: /nr, outcome: delivered, answer: {aktenzeichen: /nr}}
    - {status: 422, outcome: refused, code-at: /code}
ask:
  path: /documents/{id}
  replies:
    - {status: 200, at: /nr, outcome: delivered, answer: {aktenzeichen: /nr}}
    - {status: 404, outcome: retry, code: not-found}
`

func (p *partner) under(t *testing.T, more ...string) connectortest.Partner {
	t.Setenv("REST_TEST_PASSWORD", "geheim-4711")
	env := environment(t)
	texts := append([]string{multipartProfile, "address: http://" + p.address + "\ncredentials: {basic: {user: hub, password: 'env:REST_TEST_PASSWORD'}}\n"}, more...)
	config, err := rest.Kind().Configure(connectortest.Settings(texts...))
	if err != nil {
		t.Fatal(err)
	}
	return connectortest.Partner{
		Config: config, Environment: env,
		Secrets: []string{"geheim-4711", "aHViOmdlaGVpbS00NzEx"},
		Received: func() []connectortest.Received {
			p.mu.Lock()
			defer p.mu.Unlock()
			return append([]connectortest.Received(nil), p.taken...)
		},
		Break: func(f connectortest.Fault) bool {
			p.mu.Lock()
			was := p.fault
			p.fault = f
			p.mu.Unlock()
			switch {
			case f == connectortest.Down:
				p.stop()
			case was == connectortest.Down:
				p.listen(t)
			}
			return true
		},
	}
}

func TestSuiteRepeatable(t *testing.T) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		return startPartner(t).under(t)
	}})
}

// A system that cannot recognise a repeated id, but can be asked.
func TestSuiteAskable(t *testing.T) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		return startPartner(t).under(t, "repeatable: false")
	}})
}
