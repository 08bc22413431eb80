package intake

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
)

func TestBusy(t *testing.T) {
	w := newWorld(t)
	w.change(func(s *config.Snapshot) { s.Hub.Limits.Requests = 4 })
	hold, holding := make(chan struct{}), make(chan struct{}, 8)
	w.store.set(func(f *faults) { f.hold, f.holding = hold, holding })
	done := make(chan answer, 8)
	start := func(key string, more ...string) {
		go func() { done <- w.submit(key, more...) }()
		<-holding
	}
	start("k-1")
	start("k-2")
	start("k-3")
	a := w.submit("k-4")
	w.refused(a, CodePortalBusy) // three quarters of four
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	start("k-5", "Authorization", "Bearer "+keyCounter, "Stellwerk-Clerk", "Brandt")
	a = w.submit("k-6", "Authorization", "Bearer "+keyCounter, "Stellwerk-Clerk", "Brandt")
	w.refused(a, CodeBusy)
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	if a := w.do("GET", "/livez", ""); a.StatusCode != 200 {
		t.Errorf("livez while busy: %d", a.StatusCode)
	}
	w.store.set(func(f *faults) { f.hold = nil })
	close(hold)
	for range 4 {
		w.accepted(<-done)
	}
	w.accepted(w.submit("k-4"))
	if w.api.slots.total != 0 || len(w.api.slots.portal) != 0 {
		t.Errorf("slots left: %d, %v", w.api.slots.total, w.api.slots.portal)
	}
}

// Large payloads share a budget of memory; small ones pass beside it.
func TestLargePayloadsWaitForMemory(t *testing.T) {
	w := newWorld(t)
	large := "<antrag><hund><chip>1</chip></hund>" + strings.Repeat(" ", 300_000) + "</antrag>"
	if !w.api.memory.TryAcquire(w.api.Memory) {
		t.Fatal("the budget is not free")
	}
	done := make(chan answer, 1)
	go func() { done <- w.do("POST", "/v1/submissions", large, dog("k-1")...) }()
	w.accepted(w.submit("k-2"))
	w.api.memory.Release(w.api.Memory)
	w.accepted(<-done)
	if !w.api.memory.TryAcquire(w.api.Memory) {
		t.Error("memory was not given back")
	}
	w.api.memory.Release(w.api.Memory)
	p, err := w.vault.Unwrap(w.store.last.Submission.ID, soest, w.store.last.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := p.Open("payload", w.store.last.Payload); err != nil || string(got) != large {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	for _, n := range []int{smallPayload - 1, smallPayload, smallPayload + 1, smallPayload + 2} { // around the edge, with and without a length
		body := "<antrag>" + strings.Repeat(" ", n-17) + "</antrag>"
		key := fmt.Sprint("edge-", n)
		r := w.accepted(w.do("POST", "/v1/submissions", body, dog(key)...))
		req, err := http.NewRequest("POST", w.url+"/v1/submissions", struct{ io.Reader }{bytes.NewReader([]byte(body))})
		if err != nil {
			t.Fatal(err)
		}
		if again := w.accepted(w.send(req, dog(key)...)); again.ID != r.ID {
			t.Errorf("%d bytes: another submission without a length", n)
		}
	}
	w.change(func(s *config.Snapshot) { s.Hub.Limits.Payload = 100_000 })
	for n, code := range map[int]int{100_000: 202, 100_001: 413} {
		body := "<antrag>" + strings.Repeat(" ", n-17) + "</antrag>"
		req, err := http.NewRequest("POST", w.url+"/v1/submissions", struct{ io.Reader }{strings.NewReader(body)})
		if err != nil {
			t.Fatal(err)
		}
		if a := w.send(req, dog(fmt.Sprint("limit-", n))...); a.StatusCode != code {
			t.Errorf("%d bytes: %d", n, a.StatusCode)
		}
	}
}

func TestSlowClientsAreCut(t *testing.T) {
	w := newWorld(t)
	w.serve(config.Timeouts{Header: 50 * time.Millisecond, Read: 300 * time.Millisecond, Write: time.Second, Idle: 50 * time.Millisecond})
	dial := func(send string) string {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, send); err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(conn)
		if err != nil {
			t.Errorf("the server did not hang up: %v", err)
		}
		return string(got)
	}
	dial("POST /v1/submissions HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	head := "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer " + keySoest + "\r\n"
	for h := dog("k-1"); len(h) > 0; h = h[2:] {
		head += h[0] + ": " + h[1] + "\r\n"
	}
	if got := dial(head + "Content-Length: 100\r\n\r\n<antrag>"); !strings.Contains(got, " 408 ") || !strings.Contains(got, string(CodeSlow)) {
		t.Errorf("slow body: %s", got)
	}
	if got := dial("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n"); !strings.Contains(got, " 200 ") {
		t.Errorf("idle: %s", got)
	}
	if got := dial("GET /livez HTTP/1.1\r\nHost: x\r\nX-Large: " + strings.Repeat("x", 32<<10) + "\r\n\r\n"); !strings.Contains(got, " 431 ") {
		t.Errorf("large head: %.80s", got)
	}
}

// A client that writes all of its request before it reads hears why it is refused: to it
// a line that is closed meanwhile is broken, and what is broken is repeated, for ever.
func TestRefusalIsHeardBehindALargeBody(t *testing.T) {
	w := newWorld(t)
	const size = 32 << 20 // more than the buffers of both ends hold
	post := func(headers ...string) (got string, err error) {
		t.Helper()
		conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		for all := dog("k-1", headers...); len(all) > 0; all = all[2:] {
			h.Set(all[0], all[1])
		}
		var head strings.Builder
		fmt.Fprintf(&head, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", size)
		if err := h.Write(&head); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, head.String()+"\r\n"+strings.Repeat(" ", size)); err != nil {
			return "", err
		}
		answer, err := io.ReadAll(conn)
		return string(answer), err
	}
	for name, headers := range map[string][]string{
		string(CodePayloadLarge): {"Authorization", "Bearer " + keySoest},
		string(CodeOutOfScope):   {"Authorization", "Bearer " + keySoest, "Stellwerk-Municipality", iserlohn},
	} {
		if got, err := post(headers...); err != nil || !strings.Contains(got, name) || !strings.Contains(got, "Connection: close") {
			t.Errorf("%s: %v %.80s", name, err, got)
		}
	}
	// Nothing of a stranger's is read.
	if got, err := post("Authorization", "Bearer swp_nobody"); err == nil {
		t.Errorf("a stranger could send all of it: %.80s", got)
	}
}

// Who holds memory with a large payload must keep up a pace.
func TestSlowLargePayloadIsCut(t *testing.T) {
	w := newWorld(t)
	w.change(func(s *config.Snapshot) { s.Hub.Timeouts.Read = 300 * time.Millisecond })
	body, feed := io.Pipe()
	defer feed.Close()
	req, err := http.NewRequest("POST", w.url+"/v1/submissions", body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = 200_000
	go func() { _, _ = io.WriteString(feed, "<antrag>"+strings.Repeat(" ", 100_000)) }() // and no more
	w.refused(w.send(req, dog("k-1")...), CodeSlow)
	if !w.api.memory.TryAcquire(w.api.Memory) {
		t.Error("memory was not given back")
	}
	// Attachments behind a large payload have their own time.
	large := part{"payload", "application/xml", "", "<antrag>" + strings.Repeat(" ", 100_000) + "</antrag>"}
	w.api.memory.Release(w.api.Memory)
	w.accepted(w.sendMulti(multi(t, meta(nil), large, part{"attachment", "", "impfpass.pdf", strings.Repeat("x", 1<<20)}), "k-2"))
}

func TestOverTLSWithHTTP2(t *testing.T) {
	w := newWorld(t)
	w.change(func(s *config.Snapshot) { s.Hub.Listen.Public = "" })
	s := httptest.NewUnstartedServer(nil)
	s.Config = Server(w.api, config.Timeouts{Header: time.Second, Read: 10 * time.Second, Write: 10 * time.Second, Idle: 10 * time.Second})
	s.EnableHTTP2 = true
	s.StartTLS()
	defer s.Close()
	w.url = s.URL
	w.client = &http.Client{Transport: &conformance{w: w, next: s.Client().Transport}}
	a := w.submit("k-1")
	if a.StatusCode != http.StatusAccepted || a.ProtoMajor != 2 || a.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%d %s %v", a.StatusCode, a.Proto, a.Header)
	}
	if !strings.HasPrefix(a.Header.Get("Location"), "/v1/submissions/") {
		t.Errorf("Location %q", a.Header.Get("Location"))
	}
	w.refused(w.do("POST", "/v1/submissions", strings.Repeat("x", 2<<20), dog("k-2")...), CodePayloadLarge)
	w.refused(w.submit("k-3", "Authorization", "Bearer x"), CodeUnauthenticated)
	if again := w.submit("k-1"); string(again.body) != string(a.body) {
		t.Errorf("again: %s", again.body)
	}
}

func TestServerHasEveryLimit(t *testing.T) {
	s := Server(http.NotFoundHandler(), config.Timeouts{Header: 1, Read: 2, Write: 3, Idle: 4})
	if s.ReadHeaderTimeout != 1 || s.ReadTimeout != 2 || s.WriteTimeout != 5 || s.IdleTimeout != 4 || s.MaxHeaderBytes != maxHeaderBytes {
		t.Errorf("%+v", s)
	}
}

// Whoever takes his time with attachments, as he may, hears the answer nevertheless.
func TestAnswerAfterALongUpload(t *testing.T) {
	w := newWorld(t)
	const read = time.Second
	w.change(func(s *config.Snapshot) { s.Hub.Timeouts.Read, s.Hub.Timeouts.Write = read, read/4 })
	w.serve(w.snap.Load().Hub.Timeouts)
	f := multi(t, meta(nil), part{"payload", "application/xml", "", "<antrag>" + strings.Repeat(" ", 100_000) + "</antrag>"},
		part{"attachment", "", "impfpass.pdf", strings.Repeat("x", 1000)})
	body, feed := io.Pipe()
	go func() {
		_, _ = feed.Write(f.body[:200])
		time.Sleep(read * 3 / 4)
		_, _ = feed.Write(f.body[200 : len(f.body)-500])
		time.Sleep(read * 3 / 4)
		_, err := feed.Write(f.body[len(f.body)-500:])
		feed.CloseWithError(err)
	}()
	req, err := http.NewRequest("POST", w.url+"/v1/submissions", body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(f.body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.body)), nil } // for whoever holds it against the description
	w.accepted(w.send(req, "Idempotency-Key", "k-1", "Content-Type", f.contentType))
}

// While attachments come, their payload takes what it needs of the budget, not what
// the whole request might have been.
func TestAttachmentsTakeNoMemory(t *testing.T) {
	w := newWorld(t)
	f := multi(t, meta(nil), part{"payload", "application/xml", "", "<antrag>" + strings.Repeat(" ", 100_000) + "</antrag>"},
		part{"attachment", "", "impfpass.pdf", strings.Repeat("x", 900_000)})
	body, feed := io.Pipe()
	req, err := http.NewRequest("POST", w.url+"/v1/submissions", body)
	if err != nil {
		t.Fatal(err)
	}
	req.ContentLength = int64(len(f.body))
	req.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(f.body)), nil } // for whoever holds it against the description
	done := make(chan answer, 1)
	go func() { done <- w.send(req, "Idempotency-Key", "k-1", "Content-Type", f.contentType) }()
	if _, err := feed.Write(f.body[:len(f.body)/2]); err != nil {
		t.Fatal(err)
	}
	w.eventually("the upload is under way", func() bool { return len(w.spooledFiles()) == 1 })
	const need = payloadCost * 101_000
	if w.api.memory.TryAcquire(w.api.Memory - need) {
		w.api.memory.Release(w.api.Memory - need)
	} else {
		t.Error("an upload keeps memory that others wait for")
	}
	if _, err := feed.Write(f.body[len(f.body)/2:]); err != nil {
		t.Error(err)
	}
	feed.Close()
	w.accepted(<-done)
	if !w.api.memory.TryAcquire(w.api.Memory) {
		t.Error("memory was not given back")
	}
}
