package rest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"stellwerk/connectors"
)

// credentials are at most one of the ways to say who the hub is.
type credentials struct {
	Basic  *basic       `yaml:"basic"`
	Bearer *bearer      `yaml:"bearer"`
	Header *headerKey   `yaml:"header"`
	OAuth2 *clientGrant `yaml:"oauth2"`
}

type basic struct {
	User     string            `yaml:"user"`
	Password connectors.Secret `yaml:"password"`
}

type bearer struct {
	Token connectors.Secret `yaml:"token"`
}

type headerKey struct {
	Name  string            `yaml:"name"`
	Value connectors.Secret `yaml:"value"`
}

// clientGrant is OAuth 2.0 client credentials (RFC 6749, 4.4). The addresses of
// the token's server have to be on the system's allow-list, too.
type clientGrant struct {
	TokenURL string            `yaml:"token-url"`
	ClientID string            `yaml:"client-id"`
	Secret   connectors.Secret `yaml:"client-secret"`
	Scope    string            `yaml:"scope"`
	Style    string            `yaml:"style"` // basic (default) or post: where the client's secret goes
}

func (c *credentials) check() error {
	complain := func(key, message string) error {
		return &connectors.SettingError{Setting: "credentials" + key, Message: message}
	}
	n := 0
	if c.Basic != nil {
		n++
		if c.Basic.User == "" || c.Basic.Password.Empty() {
			return complain(".basic", "needs user and password")
		}
	}
	if c.Bearer != nil {
		n++
		if c.Bearer.Token.Empty() {
			return complain(".bearer.token", "is missing")
		}
	}
	if c.Header != nil {
		n++
		if c.Header.Name == "" || c.Header.Value.Empty() {
			return complain(".header", "needs name and value")
		}
	}
	if g := c.OAuth2; g != nil {
		n++
		u, err := url.Parse(g.TokenURL)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())):
			return complain(".oauth2.token-url", "is no https:// address")
		case g.ClientID == "" || g.Secret.Empty():
			return complain(".oauth2", "needs client-id and client-secret")
		case g.Style != "" && g.Style != "basic" && g.Style != "post":
			return complain(".oauth2.style", "is basic or post")
		}
	}
	if n > 1 {
		return complain("", "names several ways; one is enough: basic, bearer, header or oauth2")
	}
	return nil
}

// authorizer adds the credentials to a request.
type authorizer struct {
	name, value string // a header that is always the same
	grant       *tokens
	secrets     []string // everything that must not be repeated in a receipt
}

// reveal reads the secrets once; a system is opened anew when they change.
func (c *credentials) reveal(dir string) (authorizer, error) {
	var a authorizer
	read := func(s connectors.Secret) (string, error) {
		b, err := s.Reveal(dir)
		if err == nil && bytes.ContainsAny(b, "\r\n\x00") {
			err = errors.New("a secret has more than one line")
		}
		if err == nil {
			a.secrets = append(a.secrets, string(b))
		}
		return string(b), err
	}
	var err error
	switch {
	case c.Basic != nil:
		var password string
		password, err = read(c.Basic.Password)
		token := base64.StdEncoding.EncodeToString([]byte(c.Basic.User + ":" + password))
		a.name, a.value = "Authorization", "Basic "+token
		a.secrets = append(a.secrets, token)
	case c.Bearer != nil:
		var token string
		token, err = read(c.Bearer.Token)
		a.name, a.value = "Authorization", "Bearer "+token
	case c.Header != nil:
		a.name = http.CanonicalHeaderKey(c.Header.Name)
		a.value, err = read(c.Header.Value)
	case c.OAuth2 != nil:
		a.grant = &tokens{grant: c.OAuth2, busy: make(chan struct{}, 1)}
		a.grant.secret, err = read(c.OAuth2.Secret)
	}
	return a, err
}

// tokens keeps the access token until shortly before it lapses. One goroutine
// fetches it, the others wait for it.
type tokens struct {
	grant  *clientGrant
	secret string
	busy   chan struct{}

	mu     sync.Mutex
	token  string
	until  time.Time
	issued []string // the newest few: a partner may quote one after it is dropped
}

// tokenError says that no token could be had: the delivery was not begun.
type tokenError struct {
	code string
	err  error
}

func (e *tokenError) Error() string { return "fetch access token: " + e.err.Error() }
func (e *tokenError) Unwrap() error { return e.err }

func (t *tokens) current(now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if now.Before(t.until) {
		return t.token
	}
	return ""
}

// drop forgets a token that the partner has turned down.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.token == token {
		t.token, t.until = "", time.Time{}
	}
}

func (t *tokens) get(ctx context.Context, c *Connector) (string, error) {
	if token := t.current(c.now()); token != "" {
		return token, nil
	}
	select {
	case t.busy <- struct{}{}:
		defer func() { <-t.busy }()
	case <-ctx.Done():
		return "", &tokenError{"token-timeout", ctx.Err()}
	}
	if token := t.current(c.now()); token != "" {
		return token, nil
	}
	return t.fetch(ctx, c)
}

func (t *tokens) fetch(ctx context.Context, c *Connector) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.grant.Scope != "" {
		form.Set("scope", t.grant.Scope)
	}
	r := c.client.R().SetContext(ctx)
	r.Header = http.Header{"Content-Type": {"application/x-www-form-urlencoded"}, "Accept": {"application/json"}, "User-Agent": {"Stellwerk"}}
	if t.grant.Style == "post" {
		form.Set("client_id", t.grant.ClientID)
		form.Set("client_secret", t.secret)
	} else { // RFC 6749, 2.3.1: both are form-encoded first
		pair := url.QueryEscape(t.grant.ClientID) + ":" + url.QueryEscape(t.secret)
		r.Header.Set("Authorization", "Basic "+base64.StdEncoding.EncodeToString([]byte(pair)))
	}
	res, err := r.SetBody(strings.NewReader(form.Encode())).Execute(http.MethodPost, t.grant.TokenURL)
	if err != nil {
		return "", &tokenError{"token-unreachable", err}
	}
	if res.StatusCode() != http.StatusOK {
		return "", &tokenError{"token-" + httpCode(res.StatusCode()), fmt.Errorf("HTTP %d", res.StatusCode())}
	}
	var got struct {
		Token   string  `json:"access_token"`
		Type    string  `json:"token_type"`
		Expires float64 `json:"expires_in"`
	}
	if err := json.Unmarshal(res.Body(), &got); err != nil || got.Token == "" || !strings.EqualFold(got.Type, "bearer") {
		return "", &tokenError{"token-unreadable", errors.New("the answer holds no bearer token")}
	}
	life := time.Duration(min(got.Expires, 86400) * float64(time.Second))
	if life <= 0 {
		life = time.Minute
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = got.Token, c.now().Add(life-min(life/10, 30*time.Second))
	t.issued = append(t.issued[max(0, len(t.issued)-3):], got.Token)
	return t.token, nil
}

// redact takes secrets out of what a partner sent back.
func (a *authorizer) redact(text string) string {
	secrets := a.secrets
	if a.grant != nil {
		a.grant.mu.Lock()
		secrets = append(secrets[:len(secrets):len(secrets)], a.grant.issued...)
		a.grant.mu.Unlock()
	}
	for _, s := range secrets {
		if strings.Contains(text, s) {
			text = strings.ReplaceAll(text, s, "•••")
		}
	}
	return text
}
