package intake

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

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
			if w.api.Known(&http.Request{Header: http.Header{"Authorization": {header}}}) {
				t.Error("is known")
			}
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
	if !w.api.Known(&http.Request{Header: http.Header{"Authorization": {"Bearer " + keySoest}}}) {
		t.Error("a portal is not known")
	}
	for _, e := range w.api.routes {
		path := strings.NewReplacer("{id}", "x", "{service}", "hund", "{file}", "x", "{code}", "busy").Replace(e.pattern)
		a := w.do(e.method, path, "", "Authorization", "Bearer x")
		signed := e.pattern == "/v1/callbacks/{system}" // open to everybody, and refuses who has not signed
		if (a.StatusCode == http.StatusUnauthorized) == (e.open && !signed) {
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

// Who has no key must not fill the log: what is left out of it is counted there.
func TestStrangersDoNotFloodTheLog(t *testing.T) {
	w := newWorld(t)
	lines := func() int { return strings.Count(w.logged.String(), "\"code\":\"unauthenticated\"") }
	for range 500 {
		w.refused(w.do("GET", "/v1/services", "", "Authorization", "Bearer x"), CodeUnauthenticated)
	}
	if n := lines(); n != strangersLogged || strings.Contains(w.logged.String(), "left-out") {
		t.Errorf("%d lines of 500 requests", n)
	}
	w.accepted(w.submit("k-1"))
	if !strings.Contains(w.logged.String(), "\"code\":\"accepted\"") {
		t.Error("a portal's request is not in the log")
	}
	w.advance(time.Minute)
	w.refused(w.do("GET", "/v1/services", "", "Authorization", "Bearer x"), CodeUnauthenticated)
	if n := lines(); n != strangersLogged+1 || !strings.Contains(w.logged.String(), fmt.Sprintf("\"left-out\":%d", 500-strangersLogged)) {
		t.Errorf("%d lines a minute later", n)
	}
}
