package wire

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// tokens keeps the access token until shortly before it lapses. One goroutine
// fetches it, the others wait for it.
type tokens struct {
	grant  *ClientGrant
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

func (t *tokens) get(ctx context.Context, c *Client) (string, error) {
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

func (t *tokens) fetch(ctx context.Context, c *Client) (string, error) {
	form := url.Values{"grant_type": {"client_credentials"}}
	if t.grant.Scope != "" {
		form.Set("scope", t.grant.Scope)
	}
	r := c.resty.R().SetContext(ctx)
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
		return "", &tokenError{"token-" + HTTPCode(res.StatusCode()), fmt.Errorf("HTTP %d", res.StatusCode())}
	}
	var got struct {
		Token   string `json:"access_token"`
		Type    string `json:"token_type"`
		Expires any    `json:"expires_in"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(res.Body(), []byte("\ufeff")), &got); err != nil || got.Token == "" || !strings.EqualFold(got.Type, "bearer") {
		return "", &tokenError{"token-unreadable", errors.New("the answer holds no bearer token")}
	}
	life := lifetime(got.Expires)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.token, t.until = got.Token, c.now().Add(life-min(life/10, 30*time.Second))
	t.issued = append(t.issued[max(0, len(t.issued)-3):], got.Token)
	return t.token, nil
}

// lifetime reads expires_in: seconds as a number, which some servers write as a text.
// What is neither, or missing, is taken for a minute.
func lifetime(v any) time.Duration {
	seconds, ok := v.(float64)
	if text, isText := v.(string); isText {
		n, err := strconv.ParseFloat(text, 64)
		seconds, ok = n, err == nil
	}
	if !ok || !(seconds > 0) {
		return time.Minute
	}
	return time.Duration(min(seconds, 86400) * float64(time.Second))
}
