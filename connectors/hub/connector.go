package hub

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/hub/envelope"
	"stellwerk/connectors/wire"
)

// Connector hands on to one hub.
type Connector struct {
	*config
	*wire.Client
	key ed25519.PrivateKey
}

// metadata are the part of that name in the portals' API.
type metadata struct {
	Municipality string   `json:"municipality"`
	Service      string   `json:"service"`
	Version      string   `json:"version,omitempty"`
	Consent      *consent `json:"consent,omitempty"`
	Reference    string   `json:"reference"`
}

type consent struct {
	Given   bool   `json:"given"`
	At      string `json:"at"`
	Wording string `json:"wording,omitempty"`
}

// Deliver hands one submission on.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.Closed()
	}
	var r connectors.Receipt
	if m.Token != "" { // it was taken: put back, it is asked for
		r = c.ask(ctx, m)
	}
	if m.Token == "" || r.Code == gone { // a person puts back what is not there any more
		r = c.deliver(ctx, m)
	}
	c.Redact(&r)
	return r
}

// gone is the code of what was taken and is not there any more.
const gone = "submission-unknown"

func (c *Connector) deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	q, err := c.request(m)
	if err != nil {
		return connectors.Receipt{Outcome: connectors.Refused, Code: "document-unfit", Detail: err.Error()}
	}
	a, failed := c.Do(ctx, q)
	if failed != nil {
		return *failed
	}
	if a.Status == http.StatusAccepted || a.Status == http.StatusOK {
		return c.accepted(a)
	}
	return c.refusal(a)
}

// request packs the submission as a portal would.
func (c *Connector) request(m *connectors.Message) (*wire.Request, error) {
	meta, err := c.metadata(m)
	if err != nil {
		return nil, err
	}
	head, err := json.Marshal(meta)
	if err != nil {
		return nil, err
	}
	form := wire.NewForm()
	if err := form.Add("metadata", "", "application/json", head); err != nil {
		return nil, err
	}
	if err := form.Add("payload", "", m.ContentType, m.Body); err != nil {
		return nil, err
	}
	for i := range m.Attachments {
		if err := form.Attach("attachment", &m.Attachments[i]); err != nil {
			return nil, err
		}
	}
	q := &wire.Request{Method: http.MethodPost, Path: "/v1/submissions", Header: wire.Header(m, "application/json, application/problem+json")}
	contentType, err := form.Close(q, "")
	if err != nil {
		return nil, err
	}
	account, err := c.envelope(m, meta.Municipality)
	if err != nil {
		return nil, err
	}
	q.Header.Set("Content-Type", contentType)
	q.Header.Set("Idempotency-Key", m.ID)
	q.Header.Set(envelope.Header, account)
	return q, nil
}

func (c *Connector) metadata(m *connectors.Message) (*metadata, error) {
	out := &metadata{Version: c.Version, Reference: m.Number}
	var err error
	if out.Municipality, err = c.municipality.Fill(m, wire.Plain); err != nil {
		return nil, err
	}
	if out.Service, err = c.service.Fill(m, wire.Plain); err != nil {
		return nil, err
	}
	if at := m.Meta["consent-at"]; at != "" {
		if _, err := time.Parse(time.RFC3339, at); err != nil {
			return nil, fmt.Errorf("consent-at is no time of RFC 3339")
		}
		out.Consent = &consent{Given: true, At: at, Wording: m.Meta["consent-wording"]}
	}
	return out, nil
}

// envelope signs what is known of the citizen's account, even if it is nothing: the
// other hub then knows that there is none.
func (c *Connector) envelope(m *connectors.Message, audience string) (string, error) {
	account := envelope.Account{TrustLevel: m.Meta["trust-level"], Mailbox: m.Meta["mailbox"]}
	content := envelope.Content{Via: strings.Fields(m.Meta["via"])}
	for name, v := range m.Meta {
		if name, ok := strings.CutPrefix(name, "account."); ok {
			if account.Attributes == nil {
				account.Attributes = map[string]string{}
			}
			account.Attributes[name] = v
		}
	}
	content.Account = account
	return envelope.Sign(c.key, envelope.About{Issuer: c.Issuer, Subject: m.ID, Audience: audience}, content, c.Now())
}

// Ask reads what became of a submission over there. Without a token there is nothing
// to ask by; sending again is the way to find out.
func (c *Connector) Ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.StillAwaiting(connectors.Receipt{Code: "closed"}, m.Token)
	}
	if m.Token == "" {
		return connectors.Receipt{Code: "not-askable"}
	}
	r := c.ask(ctx, m)
	c.Redact(&r)
	return r
}

func (c *Connector) ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	path := "/v1/submissions/" + wire.PathSegment(m.Token)
	header := wire.Header(m, "application/json, application/problem+json")
	if m.Meta["withdrawn-at"] != "" { // said again and again, it changes nothing; too late, the status tells the rest
		a, failed := c.Do(ctx, &wire.Request{Method: http.MethodPost, Path: path + "/withdrawal", Header: header})
		if failed == nil && a.Status == http.StatusOK {
			return c.status(a, m.Token)
		}
	}
	a, failed := c.Do(ctx, &wire.Request{Method: http.MethodGet, Path: path, Header: header})
	var r connectors.Receipt
	switch {
	case failed != nil:
		r = wire.StillAwaiting(*failed, m.Token)
	case a.Status == http.StatusOK:
		r = c.status(a, m.Token)
	case a.Status == http.StatusNotFound && readProblem(a).Code == gone: // not a proxy's 404, while that hub is away
		// It was taken, and is not there any more: to send it again might make a second one.
		r = connectors.Receipt{Outcome: connectors.Unknown, Code: gone, Token: m.Token, Person: true}
		c.Explain(&r, a)
	default: // nothing is refused by not being told
		r = c.Judge(a, false)
		r.Outcome, r.Fault = connectors.Unknown, true
		r = wire.StillAwaiting(r, m.Token)
	}
	return r
}

// Probe asks for the services that this hub may submit.
func (c *Connector) Probe(ctx context.Context) error {
	return c.Client.Probe(ctx, "/v1/services", 300, "address and credentials")
}
