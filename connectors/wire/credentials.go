package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"stellwerk/connectors"
)

// Credentials are at most one of the ways to say who the hub is.
type Credentials struct {
	Basic  *Basic       `yaml:"basic"`
	Bearer *Bearer      `yaml:"bearer"`
	Header *HeaderKey   `yaml:"header"`
	OAuth2 *ClientGrant `yaml:"oauth2"`
}

// Basic is a user and a password (RFC 7617).
type Basic struct {
	User     string            `yaml:"user"`
	Password connectors.Secret `yaml:"password"`
}

// Bearer is a token that lasts (RFC 6750).
type Bearer struct {
	Token connectors.Secret `yaml:"token"`
}

// HeaderKey is a header of the partner's own.
type HeaderKey struct {
	Name  string            `yaml:"name"`
	Value connectors.Secret `yaml:"value"`
}

// ClientGrant is OAuth 2.0 client credentials (RFC 6749, 4.4). The addresses of
// the token's server have to be on the system's allow-list, too.
type ClientGrant struct {
	TokenURL string            `yaml:"token-url"`
	ClientID string            `yaml:"client-id"`
	Secret   connectors.Secret `yaml:"client-secret"`
	Scope    string            `yaml:"scope"`
	Style    string            `yaml:"style"` // basic (default) or post: where the client's secret goes
}

// Check complains about what is half there or twice.
func (c *Credentials) Check() error {
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
		case err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())):
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
func (c *Credentials) reveal(dir string) (authorizer, error) {
	var a authorizer
	read := func(key string, s connectors.Secret) (string, error) {
		b, err := s.Reveal(dir)
		if err == nil && bytes.ContainsAny(b, "\r\n\x00") {
			err = errors.New("the secret has more than one line")
		}
		if err != nil {
			return "", &connectors.SettingError{Setting: "credentials." + key, Message: err.Error()}
		}
		a.secrets = append(a.secrets, string(b))
		return string(b), nil
	}
	var err error
	switch {
	case c.Basic != nil:
		var password string
		password, err = read("basic.password", c.Basic.Password)
		token := base64.StdEncoding.EncodeToString([]byte(c.Basic.User + ":" + password))
		a.name, a.value = "Authorization", "Basic "+token
		a.secrets = append(a.secrets, token)
	case c.Bearer != nil:
		var token string
		token, err = read("bearer.token", c.Bearer.Token)
		a.name, a.value = "Authorization", "Bearer "+token
	case c.Header != nil:
		a.name = http.CanonicalHeaderKey(c.Header.Name)
		a.value, err = read("header.value", c.Header.Value)
	case c.OAuth2 != nil:
		a.grant = &tokens{grant: c.OAuth2, busy: make(chan struct{}, 1)}
		a.grant.secret, err = read("oauth2.client-secret", c.OAuth2.Secret)
	}
	return a, err
}

// redact takes secrets of so many bytes at least out of what a partner sent back.
func (a *authorizer) redact(text string, shortest int) string {
	secrets := a.secrets
	if a.grant != nil {
		a.grant.mu.Lock()
		secrets = append(secrets[:len(secrets):len(secrets)], a.grant.issued...)
		a.grant.mu.Unlock()
	}
	for _, s := range secrets {
		if len(s) >= shortest && strings.Contains(text, s) {
			text = strings.ReplaceAll(text, s, "•••")
		}
	}
	return text
}
