package rest_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/rest"
)

func open(t *testing.T, env connectors.Environment, settings ...string) connectors.Connector {
	t.Helper()
	config, err := rest.Kind().Configure(connectortest.Settings(settings...))
	if err != nil {
		t.Fatal(err)
	}
	c, err := config.Open(env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func serveFunc(t *testing.T, f http.HandlerFunc) *httptest.Server {
	t.Helper()
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s
}

func want(t *testing.T, r connectors.Receipt, outcome connectors.Outcome, code string) {
	t.Helper()
	if r.Outcome != outcome || r.Code != code {
		t.Errorf("got %s %s (%s), want %s %s", r.Outcome, r.Code, r.Detail, outcome, code)
	}
}

const simple = "attachments: omit\nrequest: {path: /d, headers: {Idempotency-Key: '{id}'}}\n"

func TestOnlyListedAddressesAreDialled(t *testing.T) {
	var hits atomic.Int32
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { hits.Add(1); w.WriteHeader(http.StatusCreated) })
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	for allow, ok := range map[string]bool{"": false, "10.0.0.0/8": false, "127.0.0.2/32": false, "127.0.0.0/8": true, "::ffff:127.0.0.1/128": false} {
		env := environment(t)
		env.Allow = nil
		if allow != "" {
			env.Allow = []netip.Prefix{netip.MustParsePrefix(allow)}
		}
		for _, host := range []string{"127.0.0.1", "localhost"} { // a name is checked by what it resolves to
			hits.Store(0)
			c := open(t, env, simple, "address: http://"+host+":"+port)
			r := c.Deliver(t.Context(), connectortest.Message(1))
			if ok {
				want(t, r, connectors.Delivered, "http-201")
				continue
			}
			want(t, r, connectors.Retry, "address-not-allowed")
			if !r.Fault || hits.Load() != 0 {
				t.Errorf("allow %q: fault %v, %d requests arrived", allow, r.Fault, hits.Load())
			}
		}
	}
}

// net/http repeats a POST that has an Idempotency-Key when a kept connection
// breaks. The connector must not: the control shows that it would.
func TestNothingIsSentTwice(t *testing.T) {
	var hits atomic.Int32
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		if hits.Add(1) == 1 {
			w.WriteHeader(http.StatusCreated)
			return
		}
		panic(http.ErrAbortHandler)
	})
	c := open(t, environment(t), simple, "address: "+s.URL)
	want(t, c.Deliver(t.Context(), connectortest.Message(1)), connectors.Delivered, "http-201")
	want(t, c.Deliver(t.Context(), connectortest.Message(2)), connectors.Unknown, "connection-broken")
	if hits.Load() != 2 {
		t.Errorf("%d requests arrived for two deliveries", hits.Load())
	}

	hits.Store(0)
	control := &http.Client{Transport: &http.Transport{}}
	defer control.CloseIdleConnections()
	for range 2 {
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.URL, bytes.NewReader([]byte("x")))
		req.Header.Set("Idempotency-Key", "k")
		if res, err := control.Do(req); err == nil {
			_, _ = io.Copy(io.Discard, res.Body)
			_ = res.Body.Close()
		}
	}
	if hits.Load() != 3 {
		t.Errorf("control: the plain transport sent %d requests, so this test proves nothing", hits.Load())
	}
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	var reached atomic.Bool
	target := serveFunc(t, func(http.ResponseWriter, *http.Request) { reached.Store(true) })
	for status, outcome := range map[int]connectors.Outcome{301: connectors.Unknown, 302: connectors.Unknown, 303: connectors.Unknown, 307: connectors.Retry, 308: connectors.Retry} {
		s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, target.URL, status) })
		c := open(t, environment(t), simple, "address: "+s.URL)
		want(t, c.Deliver(t.Context(), connectortest.Message(1)), outcome, fmt.Sprintf("http-%d", status))
	}
	if reached.Load() {
		t.Error("a redirect was followed")
	}
}

func TestStatusesNobodyNamed(t *testing.T) {
	status := 0
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) })
	plain := open(t, environment(t), simple, "address: "+s.URL)
	ruled := open(t, environment(t), simple, "address: "+s.URL+"\nreplies: [{status: 201, at: /ok, outcome: delivered}]")
	for outcome, all := range map[connectors.Outcome][]int{
		connectors.Delivered: {200, 201, 202, 204},
		connectors.Retry:     {401, 403, 407, 408, 421, 425, 429, 503},
		connectors.Refused:   {400, 409, 410, 413, 415, 422, 451},
		connectors.Unknown:   {304, 500, 501, 502, 504, 507, 599},
	} {
		for _, status = range all {
			m := connectortest.Message(status)
			r := plain.Deliver(t.Context(), m)
			want(t, r, outcome, fmt.Sprintf("http-%d", status))
			if r.Fault != (outcome == connectors.Retry || outcome == connectors.Unknown) {
				t.Errorf("%d: fault is %v", status, r.Fault)
			}
			if outcome == connectors.Delivered { // a 2xx that the profile's rules do not know
				want(t, ruled.Deliver(t.Context(), m), connectors.Unknown, fmt.Sprintf("http-%d", status))
			}
		}
	}
}

// Where nothing is at an address that is the same for every document, a proxy says so
// while the system behind it is away: no document is refused by that. What the system
// says itself, and of an address made from the document, stands.
func TestNothingAtTheAddress(t *testing.T) {
	status, body := 0, ""
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = io.WriteString(w, body) })
	fixed := open(t, environment(t), simple, "address: "+s.URL)
	own := open(t, environment(t), "attachments: omit\nrequest: {path: '/d/{number}'}", "address: "+s.URL)
	for text, away := range map[string]bool{
		"": true, "default backend - 404": true, "404 page not found\n": true, "\ufeff\r\n<!DOCTYPE html><p>nginx": true, "<HTML>": true,
		`{"code":"mandant-unbekannt"}`: false, `<?xml version="1.0"?><fehler/>`: false, `[{"feld":"x"}]`: false,
	} {
		body = text
		for _, status = range []int{404, 405} {
			m, code := connectortest.Message(1), fmt.Sprintf("http-%d", status)
			outcome := connectors.Refused
			if away {
				outcome = connectors.Retry
			}
			r := fixed.Deliver(t.Context(), m)
			want(t, r, outcome, code)
			if r.Fault != away {
				t.Errorf("%d %q: fault is %t", status, text, r.Fault)
			}
			want(t, own.Deliver(t.Context(), m), connectors.Refused, code)
		}
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	var body func(http.ResponseWriter)
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { body(w) })
	c := open(t, environment(t), simple, "address: "+s.URL+"\nanswer-limit: 1000")
	for code, f := range map[string]func(http.ResponseWriter){
		"answer-too-large": func(w http.ResponseWriter) { _, _ = w.Write(make([]byte, 1001)) },
		"answer-broken": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "100")
			_, _ = w.Write([]byte("half"))
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		},
	} {
		body = f
		r := c.Deliver(t.Context(), connectortest.Message(1))
		want(t, r, connectors.Unknown, code)
		if !r.Fault {
			t.Errorf("%s is no fault", code)
		}
	}
}

// Where the status alone says that nothing was taken, an answer that breaks off behind it
// makes nothing unclear.
func TestStatusBeforeABrokenAnswer(t *testing.T) {
	status := 0
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(status)
		_, _ = w.Write([]byte("half"))
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	})
	c := open(t, environment(t), simple, "address: "+s.URL)
	for _, status = range []int{401, 403, 429, 503} {
		r := c.Deliver(t.Context(), connectortest.Message(1))
		want(t, r, connectors.Retry, fmt.Sprintf("http-%d", status))
		if !r.Fault {
			t.Errorf("%d is no fault", status)
		}
	}
	for _, status = range []int{200, 400, 422, 500} { // what the lost part said may decide
		want(t, c.Deliver(t.Context(), connectortest.Message(1)), connectors.Unknown, "answer-broken")
	}
}

// What a partner says instead of HTTP is quoted by net/http as it is.
func TestDetailOfWhatIsNoHTTP(t *testing.T) {
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		if conn, out, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = out.WriteString(strings.Repeat("\x1bunsinn", 8000) + "\r\n\r\n")
			_ = out.Flush()
			_ = conn.Close()
		}
	})
	r := open(t, environment(t), simple, "address: "+s.URL).Deliver(t.Context(), connectortest.Message(1))
	want(t, r, connectors.Unknown, "connection-broken")
	if len(r.Detail) > 2500 || !strings.Contains(r.Detail, "unsinn") {
		t.Errorf("a detail of %d bytes: %.100s", len(r.Detail), r.Detail)
	}
}

// What follows 101 is no answer but the connection itself, which no deadline ends.
func TestPartnerThatSwitchesProtocols(t *testing.T) {
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		conn, out, err := http.NewResponseController(w).Hijack()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _ = out.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\nabc")
		_ = out.Flush()
		_, _ = io.Copy(io.Discard, conn) // until the hub hangs up
	})
	c := open(t, environment(t), simple, "address: "+s.URL)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan connectors.Receipt, 1)
	go func() { done <- c.Deliver(ctx, connectortest.Message(1)) }()
	select {
	case r := <-done:
		want(t, r, connectors.Unknown, "http-101")
	case <-time.After(15 * time.Second):
		s.CloseClientConnections()
		t.Error("the attempt does not end, whatever its deadline")
	}
}

// A partner that hangs up in the middle of a large document has not taken it.
func TestRequestBrokenOff(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.ReadFull(conn, make([]byte, 1000))
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	c := open(t, environment(t), simple, "address: http://"+l.Addr().String())
	m := connectortest.Message(1)
	m.Body = make([]byte, 32<<20)
	want(t, c.Deliver(t.Context(), m), connectors.Retry, "connection-broken")
}

func TestDeadlineBeforeAnythingIsSent(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0") // accepts, but never speaks TLS
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := open(t, environment(t), simple, "address: https://"+l.Addr().String())
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	r := c.Deliver(ctx, connectortest.Message(1))
	want(t, r, connectors.Retry, "timeout")
	if !r.Fault {
		t.Error("a partner that cannot be reached is a fault")
	}
}

func TestRequestAsConfigured(t *testing.T) {
	var got *http.Request
	var body string
	s := serveFunc(t, func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got, body = r, string(b)
	})
	c := open(t, environment(t), `
attachments: omit
values: {stelle: "20/2", leer: "a b&c"}
headers: {X-Stelle: "{stelle}", X-Name: "{name}", X-Both: system}
request:
  method: PUT
  path: /a/{municipality}/{stelle}/{name}?q={leer}&id={id}
  content-type: text/plain; charset=utf-8
  headers: {X-Both: request}
`, "address: "+s.URL+"/base/")
	m := connectortest.Message(1)
	m.Name = "../x y\r\nX-Evil: 1"
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "http-200")
	if path := got.URL.EscapedPath(); path != "/base/a/05974040/20%2F2/..%2Fx%20y%0D%0AX-Evil:%201" || got.Method != "PUT" {
		t.Errorf("%s %s", got.Method, path)
	}
	if q := got.URL.Query(); q.Get("q") != "a b&c" || q.Get("id") != m.ID {
		t.Errorf("query %s", got.URL.RawQuery)
	}
	for name, value := range map[string]string{"X-Stelle": "20/2", "X-Name": "../x yX-Evil: 1", "X-Both": "request", "X-Evil": "", "Traceparent": m.Trace,
		"Content-Type": "text/plain; charset=utf-8", "User-Agent": "Stellwerk", "Cookie": "", "Accept-Encoding": ""} {
		if h := got.Header.Get(name); h != value {
			t.Errorf("%s is %q, want %q", name, h, value)
		}
	}
	if body != string(m.Body) {
		t.Error("the document arrived altered")
	}
}

func TestAwaitingIsAskedByToken(t *testing.T) {
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/d":
			w.WriteHeader(http.StatusAccepted)
			_, _ = io.WriteString(w, `<antwort xmlns="urn:x"><auftrag nr="A-17"/></antwort>`)
		case "/auftrag/A-17":
			_, _ = io.WriteString(w, `<?xml version="1.0" encoding="iso-8859-1"?><a:antwort xmlns:a="urn:x"><a:stand>fertig</a:stand><a:az>Stra`+"\xdf"+`e 1</a:az></a:antwort>`)
		}
	})
	c := open(t, environment(t), `
attachments: omit
request: {path: /d, replies: [{status: 202, outcome: awaiting, token: /antwort/auftrag/@nr}]}
ask:
  path: /auftrag/{token}
  replies:
    - {at: /antwort/stand, equals: offen, outcome: awaiting, token: /antwort/auftrag}
    - {at: /antwort/stand, matches: "^fertig$", outcome: delivered, answer: {aktenzeichen: /antwort/az}}
`, "address: "+s.URL)
	m := connectortest.Message(1)
	r := c.Deliver(t.Context(), m)
	want(t, r, connectors.Awaiting, "http-202")
	m.Token = r.Token
	r = c.(connectors.Asker).Ask(t.Context(), m)
	want(t, r, connectors.Delivered, "http-200")
	if r.Answer["aktenzeichen"] != "Straße 1" {
		t.Errorf("the answer is %v", r.Answer)
	}
}

// Answers are kept, told to portals and put into later documents.
func TestAnswersAreWithinBounds(t *testing.T) {
	var body string
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	c := open(t, environment(t), "attachments: omit\nrequest: {path: /d, replies: [{status: 200, outcome: awaiting, token: /nr, answer: {kassenzeichen: /kz, payment-url: /link}}]}\nask: {path: '/d/{token}', replies: [{status: 200, outcome: delivered}]}\naddress: "+s.URL)
	long := strings.Repeat("9", 4097)
	for given, told := range map[string]string{
		`{"nr": "1", "kz": "4711", "link": "https://pay.example/1"}`:                     "map[kassenzeichen:4711 payment-url:https://pay.example/1]",
		`{"nr": "1", "kz": "4711", "link": "javascript:alert(1)"}`:                       "map[kassenzeichen:4711]",
		`{"nr": "1", "kz": "` + long + `", "link": "https://pay.example/1"}`:             "map[payment-url:https://pay.example/1]",
		`{"nr": "1", "kz": "4711", "link": "https://pay.example/` + long + `"}`:          "map[kassenzeichen:4711]",
		`{"nr": "1", "kz": "4711", "link": "http://pay.example/1", "x": "` + long + `"}`: "map[kassenzeichen:4711]",
	} {
		body = given
		r := c.Deliver(t.Context(), connectortest.Message(1))
		want(t, r, connectors.Awaiting, "http-200")
		if got := fmt.Sprint(r.Answer); got != told {
			t.Errorf("%.70s: %.100s, want %s", given, got, told)
		}
	}
	body = `{"nr": "` + long + `"}`
	want(t, c.Deliver(t.Context(), connectortest.Message(1)), connectors.Unknown, "answer-without-token")
}

// What was taken and is awaited stays so while its system cannot be asked: it is
// neither sent again nor left to a person.
func TestAwaitingStaysWhileNobodyAnswers(t *testing.T) {
	status := http.StatusAccepted
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, `{"nr": "4711"}`)
	})
	c := open(t, environment(t), "attachments: omit\nrequest: {path: /d, replies: [{status: 202, outcome: awaiting, token: /nr}]}\nask: {path: '/d/{token}', replies: [{status: 404, outcome: retry, code: not-found}]}\naddress: "+s.URL)
	m := connectortest.Message(1)
	r := c.Deliver(t.Context(), m)
	want(t, r, connectors.Awaiting, "http-202")
	m.Token = r.Token
	ask := func(code string) {
		t.Helper()
		r := c.(connectors.Asker).Ask(t.Context(), m)
		want(t, r, connectors.Awaiting, code)
		if r.Token != "4711" || !r.Fault {
			t.Errorf("token %q, fault %t", r.Token, r.Fault)
		}
	}
	for _, status = range []int{http.StatusServiceUnavailable, http.StatusInternalServerError} {
		ask(fmt.Sprintf("http-%d", status))
	}
	status = http.StatusNotFound // what the profile says of it stands
	want(t, c.(connectors.Asker).Ask(t.Context(), m), connectors.Retry, "not-found")
	s.Close()
	ask("connection-refused")
}

// Nothing is refused by not being told: a status that the profile's rules for the
// question do not name says nothing of what was sent before.
func TestAskedInVain(t *testing.T) {
	status, body := 0, ""
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
	c := open(t, environment(t), `
attachments: omit
request: {path: /d}
replies: [{status: 400, at: /fehlerQuelle, outcome: refused, code: request-refused}]
ask:
  path: '/d/{id}'
  replies:
    - {status: 200, at: /stand, equals: abgelehnt, outcome: refused, code: turned-down}
    - {status: 404, at: /code, equals: unbekannt, outcome: retry, code: not-found}
`, "address: "+s.URL)
	for _, test := range []struct {
		status     int
		body, code string
		outcome    connectors.Outcome
	}{
		{404, "<html>nginx</html>", "http-404", connectors.Unknown}, // of a proxy
		{405, "", "http-405", connectors.Unknown},
		{410, "", "http-410", connectors.Unknown},
		{400, `{"fehlerQuelle":"INTERN"}`, "request-refused", connectors.Unknown}, // the question, not the document
		{404, `{"code":"unbekannt"}`, "not-found", connectors.Retry},
		{200, `{"stand":"abgelehnt"}`, "turned-down", connectors.Refused},
	} {
		status, body = test.status, test.body
		m := connectortest.Message(1)
		want(t, c.(connectors.Asker).Ask(t.Context(), m), test.outcome, test.code)
		if m.Token = "4711"; test.outcome == connectors.Unknown {
			want(t, c.(connectors.Asker).Ask(t.Context(), m), connectors.Awaiting, test.code)
		}
	}
}

// Half a delivery whose second half is refused is for a person at once: neither sending
// again nor asking for the first half makes it whole.
func TestLaterStepRefused(t *testing.T) {
	status := 0
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/b" {
			w.WriteHeader(status)
		}
	})
	for settings, retried := range map[string]connectors.Outcome{
		"repeatable: true":                  connectors.Retry,
		"ask: {path: '/a/{id}'}":            connectors.Unknown,
		"repeatable: true\nask: {path: /a}": connectors.Retry,
	} {
		c := open(t, environment(t), "attachments: omit\nsteps: [{name: a, path: /a}, {name: b, path: /b}]\n"+settings, "address: "+s.URL)
		status = http.StatusUnprocessableEntity
		r := c.Deliver(t.Context(), connectortest.Message(1))
		want(t, r, connectors.Unknown, "b-http-422")
		if !r.Person || r.Fault {
			t.Errorf("%s: for a person: %t, fault %t", settings, r.Person, r.Fault)
		}
		status = http.StatusServiceUnavailable
		r = c.Deliver(t.Context(), connectortest.Message(1))
		want(t, r, retried, "b-http-503")
		if r.Person {
			t.Errorf("%s: what may come right is left to a person", settings)
		}
	}
}
