package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
)

func TestRefusalsOfAPayloadAlone(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		body    string
		headers []string
		code    Code
	}{
		"no key":                  {antrag, []string{"Idempotency-Key", ""}, CodeKeyMissing},
		"key with a blank":        {antrag, []string{"Idempotency-Key", "a b"}, CodeKeyMalformed},
		"key too long":            {antrag, []string{"Idempotency-Key", strings.Repeat("k", maxKey+1)}, CodeKeyMalformed},
		"key of quotes only":      {antrag, []string{"Idempotency-Key", `""`}, CodeKeyMalformed},
		"key not ASCII":           {antrag, []string{"Idempotency-Key", "schlüssel"}, CodeKeyMalformed},
		"no type":                 {antrag, []string{"Content-Type", ""}, CodeMediaType},
		"PDF":                     {antrag, []string{"Content-Type", "application/pdf"}, CodeMediaType},
		"form":                    {antrag, []string{"Content-Type", "application/x-www-form-urlencoded"}, CodeMediaType},
		"no boundary":             {antrag, []string{"Content-Type", "multipart/form-data"}, CodeMediaType},
		"packed":                  {antrag, []string{"Content-Encoding", "gzip"}, CodeContentEncoding},
		"no metadata":             {antrag, []string{"Stellwerk-Municipality", "", "Stellwerk-Service", ""}, CodeMetaInvalid},
		"short AGS":               {antrag, []string{"Stellwerk-Municipality", "5974040"}, CodeMetaInvalid},
		"service's case":          {antrag, []string{"Stellwerk-Service", "Hund"}, CodeMetaInvalid},
		"consent yes":             {antrag, []string{"Stellwerk-Consent", "yes"}, CodeMetaInvalid},
		"consent without time":    {antrag, []string{"Stellwerk-Consent-At", ""}, CodeMetaInvalid},
		"consent without zone":    {antrag, []string{"Stellwerk-Consent-At", "2026-11-23T09:30:00"}, CodeMetaInvalid},
		"consent in the future":   {antrag, []string{"Stellwerk-Consent-At", "2026-11-23T09:06:00Z"}, CodeMetaInvalid},
		"trust level 5":           {antrag, []string{"Stellwerk-Trust-Level", "STORK-QAA-Level-5"}, CodeMetaInvalid},
		"long reference":          {antrag, []string{"Stellwerk-Reference", strings.Repeat("x", maxName+1)}, CodeMetaInvalid},
		"reference not UTF-8":     {antrag, []string{"Stellwerk-Reference", "M\xfcller"}, CodeMetaInvalid},
		"long wording":            {antrag, []string{"Stellwerk-Consent-Wording", strings.Repeat("x", maxWord+1)}, CodeMetaInvalid},
		"odd version":             {antrag, []string{"Stellwerk-Version", "1/2"}, CodeMetaInvalid},
		"no such version":         {antrag, []string{"Stellwerk-Version", "7"}, CodeMediaType},
		"out of scope":            {antrag, []string{"Stellwerk-Municipality", iserlohn}, CodeOutOfScope},
		"town nobody knows":       {antrag, []string{"Stellwerk-Municipality", "05999999"}, CodeOutOfScope},
		"service out of scope":    {antrag, []string{"Authorization", "Bearer " + keyIserlohn, "Stellwerk-Municipality", iserlohn, "Stellwerk-Service", "tonne"}, CodeOutOfScope},
		"not offered":             {antrag, []string{"Stellwerk-Municipality", werl, "Stellwerk-Service", "tonne"}, CodeNotOffered},
		"no such service":         {antrag, []string{"Stellwerk-Service", "katze"}, CodeNotOffered},
		"no consent":              {antrag, []string{"Stellwerk-Consent", "", "Stellwerk-Consent-At", ""}, CodeConsent},
		"consent denied":          {antrag, []string{"Stellwerk-Consent", "false"}, CodeConsent},
		"empty":                   {"", nil, CodePayloadMissing},
		"too large":               {"<a>" + strings.Repeat(" ", 1<<20) + "</a>", nil, CodePayloadLarge},
		"DOCTYPE":                 {"<!DOCTYPE a>" + antrag, nil, CodePayloadMalformed},
		"not closed":              {"<antrag><name>Geheimnis", nil, CodePayloadMalformed},
		"too deep":                {strings.Repeat("<a>", 101) + strings.Repeat("</a>", 101), nil, CodePayloadComplex},
		"EBCDIC":                  {`<?xml version="1.0" encoding="ebcdic-de"?>` + antrag, nil, CodePayloadEncoding},
		"JSON in XML's name":      {`{"a":1}`, nil, CodePayloadMalformed},
		"JSON key twice":          {`{"halter":{"name":"Geheimnis"},"halter":{}}`, []string{"Content-Type", "application/json"}, CodePayloadMalformed},
		"JSON against its schema": {`{"halter":{"name":"Geheimnis Geheimnis Geheimnis"},"hund":[{"chip":"1"}],"Frau Geheimnis":1}`, []string{"Content-Type", "application/json"}, CodePayloadInvalid},
		"XML where JSON is taken": {antrag, []string{"Stellwerk-Service", "tonne"}, CodeMediaType},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			for _, language := range []string{"", "en", "de-AT, en;q=0.5", "fr"} {
				a := w.do("POST", "/v1/submissions", c.body, dog("k-1", append(c.headers, "Accept-Language", language)...)...)
				p := w.refused(a, c.code)
				e, _ := find(c.code)
				want := e.Title.De
				if language == "en" {
					want = e.Title.En
				}
				if p.Title != want || a.Header.Get("Content-Language") == "" {
					t.Errorf("Accept-Language %q: title %q", language, p.Title)
				}
				if !strings.HasPrefix(p.Instance, "urn:uuid:") {
					t.Errorf("instance %q", p.Instance)
				}
			}
			if w.store.last != nil {
				t.Error("reached the store")
			}
		})
	}
	if _, err := w.store.Store.Earlier(t.Context(), "soest", "k-1", [32]byte{}); err == nil {
		t.Error("a refused submission has used up its key")
	}
}

func TestFindingsNameTheirPlace(t *testing.T) {
	w := newWorld(t)
	post := func(body string, headers ...string) problemBody {
		t.Helper()
		a := w.do("POST", "/v1/submissions", body, dog("k-1", headers...)...)
		var p problemBody
		a.decode(t, &p)
		if len(p.Errors) == 0 {
			t.Fatalf("no errors: %s", a.body)
		}
		return p
	}
	if f := post("<antrag>\n <a></b>\n</antrag>").Errors[0]; f.Line != 2 || f.Column == 0 || f.Rule == "" || !strings.Contains(f.Detail, "Zeile 2") {
		t.Errorf("XML: %+v", f)
	}
	p := post(`{"hund":[{"chip":"1"}],"halter":{}}`, "Content-Type", "application/json", "Accept-Language", "en")
	var pointers []string
	for _, f := range p.Errors {
		pointers = append(pointers, f.Pointer)
		if f.Line != 1 || f.Detail == "" {
			t.Errorf("JSON: %+v", f)
		}
	}
	if !slices.Contains(pointers, "/hund/0/chip") || !slices.Contains(pointers, "/halter") {
		t.Errorf("JSON: %v", pointers)
	}
	p = post(antrag, "Stellwerk-Municipality", "1", "Stellwerk-Consent", "ja")
	if len(p.Errors) != 2 || p.Errors[0].Header != "Stellwerk-Municipality" || p.Errors[1].Header != "Stellwerk-Consent" {
		t.Errorf("headers: %+v", p.Errors)
	}
	req, err := http.NewRequest("POST", w.url+"/v1/submissions", strings.NewReader(antrag))
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Stellwerk-Consent"] = []string{"false", "true"}
	headers := dog("k-1", "Stellwerk-Consent", "")[:8]
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	req.Header["Stellwerk-Consent"] = []string{"false", "true"}
	if p := w.refused(w.send(req), CodeMetaInvalid); len(p.Errors) != 1 || p.Errors[0].Rule != "twice" {
		t.Errorf("header twice: %+v", p.Errors)
	}
}

func TestMetadataInJSONAreTakenExactly(t *testing.T) {
	at := `"at":"2026-11-23T09:30:00+01:00"`
	for name, c := range map[string]struct {
		json string
		want string // pointers and rules of the findings
	}{
		"complete":               {`{"municipality":"05974040","service":"hund","consent":{"given":true,` + at + `,"wording":"1"},"reference":"ä","trust-level":"stork-qaa-level-4","mailbox":"x","version":"1"}`, ""},
		"unknown":                {`{"municipality":"05974040","service":"hund","consnet":{"given":true}}`, "/consnet unknown"},
		"unknown and no word":    {`{"municipality":"05974040","service":"hund","Frau Müller":1}`, " unknown"},
		"unknown below":          {`{"municipality":"05974040","service":"hund","consent":{"yes":[1,{"a":2}]}}`, "/consent/yes unknown"},
		"name in capitals":       {`{"Municipality":"05974040","service":"hund"}`, "/Municipality unknown, /municipality required"},
		"twice":                  {`{"municipality":"05974040","service":"hund","consent":{"given":true,"given":false}}`, "/consent/given twice, /consent/at required"},
		"object twice":           {`{"municipality":"05974040","service":"hund","consent":{},"consent":{}}`, "/consent twice"},
		"number":                 {`{"municipality":5974040,"service":"hund"}`, "/municipality type"},
		"null":                   {`{"municipality":"05974040","service":null}`, "/service type"},
		"given as text":          {`{"municipality":"05974040","service":"hund","consent":{"given":"true"}}`, "/consent/given type"},
		"bool as text":           {`{"municipality":true,"service":"hund"}`, "/municipality type"},
		"consent without a time": {`{"municipality":"05974040","service":"hund","consent":{"given":true}}`, "/consent/at required"},
		"control characters":     {`{"municipality":"05974040","service":"hund","mailbox":"a\u001b[2Jb"}`, "/mailbox length"},
		"half a surrogate":       {`{"municipality":"05974040","service":"hund","reference":"\ud800"}`, "/reference length"},
		"nothing":                {`{}`, "/municipality required, /service required"},
	} {
		t.Run(name, func(t *testing.T) {
			m, findings, malformed := fromJSON([]byte(c.json), german)
			if malformed {
				t.Fatal("malformed")
			}
			var got []string
			for _, f := range m.complete(findings, true, time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC), german) {
				got = append(got, f.Pointer+" "+f.Rule)
				if f.Part != "metadata" || f.Detail == "" {
					t.Errorf("finding %+v", f)
				}
			}
			if s := strings.Join(got, ", "); s != c.want {
				t.Errorf("got %q, want %q", s, c.want)
			}
		})
	}
	for _, broken := range []string{"", "x", "{", `{"a"}`, `{"a":1`, `{"consent":[]}`, `{"consent":true}`, `[]`, `null`, `{}x`, `{}{}`, `{"a":"` + "\xff" + `"}`} {
		if _, _, malformed := fromJSON([]byte(broken), german); !malformed {
			t.Errorf("%q is taken for metadata", broken)
		}
	}
}

func TestAuthentication(t *testing.T) {
	w := newWorld(t)
	for name, header := range map[string]string{
		"no scheme": keySoest, "another scheme": "Basic " + keySoest, "unknown portal": "Bearer swp_nobody_xxx", "wrong": "Bearer " + keySoest + "x",
		"cut": "Bearer swp_soest_", "run out": "Bearer " + keyExpired, "an operator's": "Bearer swo_soest_xxx", "empty": "Bearer ",
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			a := w.submit("k-1", "Authorization", header)
			w.refused(a, CodeUnauthenticated)
			if a.Header.Get("Www-Authenticate") == "" {
				t.Error("no WWW-Authenticate")
			}
		})
	}
	req, err := http.NewRequest("GET", w.url+"/v1/services", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header["Authorization"] = []string{"Bearer " + keySoest, "Bearer " + keySoest}
	w.refused(w.send(req), CodeUnauthenticated)
	w.accepted(w.submit("k-2", "Authorization", "bearer "+keyRotated)) // both keys are good during a change
	w.accepted(w.submit("k-3"))
	for _, e := range w.api.routes {
		path := strings.NewReplacer("{id}", "x", "{service}", "hund", "{file}", "x", "{code}", "busy").Replace(e.pattern)
		a := w.do(e.method, path, "", "Authorization", "Bearer x")
		if (a.StatusCode == http.StatusUnauthorized) == e.open {
			t.Errorf("%s %s without a key: %d", e.method, path, a.StatusCode)
		}
	}
}

// Without a good key, or out of scope, no byte of the body is read: a client that
// asks first is told so before it sends.
func TestNothingIsReadBeforeThePortalIsKnown(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		headers []string
		code    Code
	}{
		"no key":          {[]string{"Authorization", "Bearer swp_nobody_x"}, CodeUnauthenticated},
		"out of scope":    {[]string{"Stellwerk-Municipality", iserlohn}, CodeOutOfScope},
		"no consent":      {[]string{"Stellwerk-Consent", "false"}, CodeConsent},
		"too large":       {[]string{"Content-Length", "9999999"}, CodePayloadLarge},
		"no key of its":   {[]string{"Idempotency-Key", ""}, CodeKeyMissing},
		"packed":          {[]string{"Content-Encoding", "br"}, CodeContentEncoding},
		"wrong address":   {[]string{":path", "/v2/submissions"}, CodeNotFound},
		"wrong method":    {[]string{":method", "PUT"}, CodeMethod},
		"form too large":  {[]string{"Content-Type", "multipart/form-data; boundary=b", "Content-Length", "99999999", "Stellwerk-Municipality", "", "Stellwerk-Service", "", "Stellwerk-Consent", "", "Stellwerk-Consent-At", ""}, CodeRequestLarge},
		"form with heads": {[]string{"Content-Type", "multipart/form-data; boundary=b"}, CodeMultipart},
	} {
		t.Run(name, func(t *testing.T) {
			body := &counting{r: strings.NewReader(antrag)}
			method, path := "POST", "/v1/submissions"
			req, err := http.NewRequest(method, w.url+path, body)
			if err != nil {
				t.Fatal(err)
			}
			req.ContentLength = int64(len(antrag))
			for h := dog("k-1", append([]string{"Authorization", "Bearer " + keySoest, "Expect", "100-continue"}, c.headers...)...); len(h) > 0; h = h[2:] {
				switch {
				case h[0] == ":path":
					req.URL.Path = h[1]
				case h[0] == ":method":
					req.Method = h[1]
				case h[0] == "Content-Length":
					if _, err := fmt.Sscan(h[1], &req.ContentLength); err != nil {
						t.Fatal(err)
					}
				case h[1] == "":
					req.Header.Del(h[0])
				default:
					req.Header.Set(h[0], h[1])
				}
			}
			res, err := w.client.Transport.(*conformance).next.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			if err != nil {
				t.Fatal(err)
			}
			w.in(t).refused(answer{res, got}, c.code)
			if body.n > 0 {
				t.Errorf("%d bytes of the body were asked for", body.n)
			}
			if !res.Close {
				t.Error("the connection stays open, with the body in it")
			}
		})
	}
}

type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

func TestUnknownAddressesAndMethods(t *testing.T) {
	w := newWorld(t)
	for _, path := range []string{"/", "/v1", "/v1/submissions/", "/v1//services", "/v1/services/../submissions", "/v1/submissions/a/b", "/favicon.ico", "/v1/submissions/a%2Fevents/x"} {
		w.refused(w.do("GET", path, ""), CodeNotFound)
	}
	a := w.do("DELETE", "/v1/submissions/x", "")
	w.refused(a, CodeMethod)
	if a.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow: %q", a.Header.Get("Allow"))
	}
	w.refused(w.do("GET", "/v1/submissions", ""), CodeMethod)
	w.refused(w.do("OPTIONS", "/v1/services", ""), CodeMethod)
}

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
	start("k-5", "Authorization", "Bearer "+keyCounter)
	a = w.submit("k-6", "Authorization", "Bearer "+keyCounter)
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

func TestServerHasEveryLimit(t *testing.T) {
	s := Server(http.NotFoundHandler(), config.Timeouts{Header: 1, Read: 2, Write: 3, Idle: 4})
	if s.ReadHeaderTimeout != 1 || s.ReadTimeout != 2 || s.WriteTimeout != 5 || s.IdleTimeout != 4 || s.MaxHeaderBytes != maxHeaderBytes {
		t.Errorf("%+v", s)
	}
}

func TestReadiness(t *testing.T) {
	w := newWorld(t)
	if a := w.do("GET", "/readyz", ""); a.StatusCode != 200 {
		t.Errorf("ready: %d", a.StatusCode)
	}
	w.store.set(func(f *faults) { f.notReady = errors.New("disk on fire") })
	a := w.do("GET", "/readyz", "")
	w.refused(a, CodeNotReady)
	if strings.Contains(string(a.body), "fire") || !strings.Contains(w.logged.String(), "disk on fire") {
		t.Errorf("the reason belongs in the log only: %s", a.body)
	}
}

func TestPanicEndsOneRequestOnly(t *testing.T) {
	w := newWorld(t)
	w.api.Trace = func(context.Context) string { panic("Geheimnis") }
	w.refused(w.submit("k-1"), CodeInternal)
	w.api.Trace = func(context.Context) string { return "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" }
	w.accepted(w.submit("k-1"))
	if w.store.last.Submission.Trace == "" {
		t.Error("the span under way is not kept")
	}
}

func TestEveryProblemIsComplete(t *testing.T) {
	seen := map[Code]bool{}
	for _, e := range catalogue {
		if seen[e.Code] {
			t.Errorf("%s is there twice", e.Code)
		}
		seen[e.Code] = true
		if e.Title.De == "" || e.Title.En == "" || e.Detail.De == "" || e.Detail.En == "" || e.Status < 400 {
			t.Errorf("%s lacks something", e.Code)
		}
		if e.Repeat != repeatNever && e.Repeat != repeatSameKey && e.Repeat != repeatLater {
			t.Errorf("%s: repeat %q", e.Code, e.Repeat)
		}
		for _, verb := range []string{"%s", "%d"} {
			if strings.Count(e.Detail.De, verb) != strings.Count(e.Detail.En, verb) {
				t.Errorf("%s: the languages name different values", e.Code)
			}
		}
	}
	if p := refuse("no-such-code"); p.Code != CodeInternal || p.cause == nil {
		t.Errorf("a code outside the catalogue: %+v", p)
	}
}
