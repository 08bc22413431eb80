package rest_test

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

func TestOAuth2(t *testing.T) {
	var mu sync.Mutex
	tokens, valid := 0, ""
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if r.URL.Path == "/token" {
			user, password, _ := r.BasicAuth()
			if user != "hub" || password != "oauth-secret" || r.FormValue("grant_type") != "client_credentials" {
				w.WriteHeader(http.StatusUnauthorized)
				_, _ = io.WriteString(w, "not "+password)
				return
			}
			tokens++
			valid = fmt.Sprintf("token-%d", tokens)
			_, _ = fmt.Fprintf(w, `{"access_token":%q,"token_type":"Bearer","expires_in":3600}`, valid)
			return
		}
		if r.Header.Get("Authorization") != "Bearer "+valid {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, "you sent "+r.Header.Get("Authorization"))
		}
	})
	t.Setenv("OAUTH_SECRET", "oauth-secret")
	t.Setenv("OAUTH_WRONG", "wrong-secret")
	settings := func(secret string) string {
		return "address: " + s.URL + "\ncredentials: {oauth2: {token-url: '" + s.URL + "/token', client-id: hub, client-secret: 'env:" + secret + "'}}"
	}
	now := time.Now()
	env := environment(t)
	env.Now = func() time.Time { mu.Lock(); defer mu.Unlock(); return now }
	c := open(t, env, simple, settings("OAUTH_SECRET"))
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() { want(t, c.Deliver(t.Context(), connectortest.Message(i)), connectors.Delivered, "http-200") })
	}
	wg.Wait()
	if tokens != 1 {
		t.Errorf("%d tokens were fetched", tokens)
	}
	mu.Lock()
	valid = "withdrawn"
	mu.Unlock()
	r := c.Deliver(t.Context(), connectortest.Message(20))
	want(t, r, connectors.Retry, "http-401")
	if strings.Contains(r.Detail, "token-1") {
		t.Errorf("the token is in the receipt: %s", r.Detail)
	}
	want(t, c.Deliver(t.Context(), connectortest.Message(20)), connectors.Delivered, "http-200")
	mu.Lock()
	now = now.Add(2 * time.Hour)
	mu.Unlock()
	want(t, c.Deliver(t.Context(), connectortest.Message(21)), connectors.Delivered, "http-200")
	if tokens != 3 {
		t.Errorf("%d tokens were fetched, want one more after each end", tokens)
	}
	r = open(t, env, simple, settings("OAUTH_WRONG")).Deliver(t.Context(), connectortest.Message(22))
	want(t, r, connectors.Retry, "token-http-401")
	if strings.Contains(fmt.Sprint(r), "wrong-secret") {
		t.Error("the secret is in the receipt")
	}
}

// Token servers write what they like: seconds as a text, or none.
func TestTokenAnswers(t *testing.T) {
	answer := ""
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/token" {
			_, _ = io.WriteString(w, answer)
		}
	})
	t.Setenv("OAUTH_SECRET", "oauth-secret")
	for body, code := range map[string]string{
		`{"access_token":"token-1","token_type":"Bearer","expires_in":"3599"}`: "http-200",
		`{"access_token":"token-1","token_type":"bearer"}`:                     "http-200",
		`{"access_token":"token-1","token_type":"Bearer","expires_in":null}`:   "http-200",
		`{"access_token":"token-1","token_type":"Bearer","expires_in":"bald"}`: "http-200",
		"\ufeff" + `{"access_token":"token-1","token_type":"Bearer"}`:          "http-200",
		`{"access_token":"token-1","token_type":"mac"}`:                        "token-unreadable",
		`{"access_token":"","token_type":"Bearer"}`:                            "token-unreadable",
		`<html>`: "token-unreadable",
	} {
		answer = body
		c := open(t, environment(t), simple, "address: "+s.URL+"\ncredentials: {oauth2: {token-url: '"+s.URL+"/token', client-id: hub, client-secret: 'env:OAUTH_SECRET'}}")
		if r := c.Deliver(t.Context(), connectortest.Message(1)); r.Code != code {
			t.Errorf("%s: %s %s (%s)", body, r.Outcome, r.Code, r.Detail)
		}
	}
}

// A secret so short that it stands in numbers by chance does not alter what the partner
// gave: only what people read is cleaned of it.
func TestShortSecretAltersNothing(t *testing.T) {
	s := serveFunc(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/d/A-404-17" {
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, "404 is what you said")
			return
		}
		w.WriteHeader(http.StatusAccepted)
		_, _ = io.WriteString(w, `{"kassenzeichen":"5.0404.8","auftrag":"A-404-17"}`)
	})
	t.Setenv("SHORT", "404")
	c := open(t, environment(t), "attachments: omit\nrequest: {path: /d, replies: [{status: 202, outcome: awaiting, token: /auftrag, answer: {kassenzeichen: /kassenzeichen}}]}\nask: {path: '/d/{token}'}\ncredentials: {basic: {user: hub, password: 'env:SHORT'}}\naddress: "+s.URL)
	m := connectortest.Message(1)
	r := c.Deliver(t.Context(), m)
	if r.Token != "A-404-17" || r.Answer["kassenzeichen"] != "5.0404.8" {
		t.Errorf("token %q, answer %v", r.Token, r.Answer)
	}
	m.Token = r.Token
	r = c.(connectors.Asker).Ask(t.Context(), m)
	want(t, r, connectors.Awaiting, "http-404")
	if strings.Contains(r.Detail, "404") {
		t.Errorf("the secret is shown: %s", r.Detail)
	}
}
