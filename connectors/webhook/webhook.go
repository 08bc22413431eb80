package webhook

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/http"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// settings are the keys of a system file.
type settings struct {
	wire.Settings `yaml:",inline"` // address: all of the portal's address

	Keys []connectors.Secret `yaml:"keys"` // whsk_…, the newest first
}

// mostKeys bounds the header: three exchanges at once are two too many.
const mostKeys = 4

type config struct{ settings }

func configure(in connectors.Settings) (connectors.Config, error) {
	c := &config{settings{Settings: wire.Defaults()}}
	if err := in.Decode(&c.settings); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	if len(c.Keys) == 0 || len(c.Keys) > mostKeys {
		return nil, &connectors.SettingError{Setting: "keys", Message: "lists one to four references of keys, the newest first: [file:secrets/webhook.key]; stellwerk keys makes one"}
	}
	for i, k := range c.Keys {
		if k.Empty() {
			return nil, &connectors.SettingError{Setting: fmt.Sprintf("keys[%d]", i), Message: "is empty"}
		}
	}
	return c, nil
}

// Traits: a portal recognises a repeated webhook-id.
func (c *config) Traits() connectors.Traits { return connectors.Traits{Repeatable: true} }

// Open reads the keys; it connects to nothing.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	k := &Connector{path: c.Address[len(c.Base()):]}
	for i, ref := range c.Keys {
		text, err := ref.Reveal(env.Dir)
		if err != nil {
			return nil, &connectors.SettingError{Setting: fmt.Sprintf("keys[%d]", i), Message: err.Error()}
		}
		key, err := connectors.ParsePrivateKey(string(text))
		if err != nil {
			return nil, &connectors.SettingError{Setting: fmt.Sprintf("keys[%d]", i), Message: err.Error()}
		}
		k.keys = append(k.keys, key)
	}
	var err error
	k.Client, err = c.Settings.Open(env)
	if err != nil {
		return nil, err
	}
	return k, nil
}

// Connector calls one portal.
type Connector struct {
	*wire.Client
	path string // a slash where the address ends with one
	keys []ed25519.PrivateKey
}

// Deliver calls once.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.Closed()
	}
	body := m.Body
	if body == nil {
		body = []byte{}
	}
	q := &wire.Request{Method: http.MethodPost, Path: c.path, Header: wire.Header(m, "*/*"), Body: body}
	q.Header.Set("Content-Type", "application/json")
	if m.ContentType != "" {
		q.Header.Set("Content-Type", wire.HeaderValue(m.ContentType))
	}
	Sign(q.Header, c.keys, m.ID, c.Now(), body)
	a, failed := c.Do(ctx, q)
	if failed != nil {
		c.Redact(failed)
		return *failed
	}
	var r connectors.Receipt
	switch {
	case a.Status >= 200 && a.Status < 300:
		return connectors.Receipt{Outcome: connectors.Delivered, Code: wire.HTTPCode(a.Status)}
	case a.Status == http.StatusGone:
		r = connectors.Receipt{Outcome: connectors.Refused, Code: "gone"}
		c.Explain(&r, a)
	default:
		r = c.Judge(a, true)
	}
	c.Redact(&r)
	return r
}

// Probe looks whether somebody answers; a callback's address need not know GET.
func (c *Connector) Probe(ctx context.Context) error {
	return c.Client.Probe(ctx, c.path, 500, "address")
}
