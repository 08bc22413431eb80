package xbezahldienste

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// Connector asks one provider for transactions.
type Connector struct {
	*config
	*wire.Client
}

// Deliver asks for a transaction, or finds the one that the same request has got.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.Closed()
	}
	r := c.deliver(ctx, m)
	c.Redact(&r)
	return r
}

func (c *Connector) deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	body, total, err := c.request(m, c.Now())
	if err != nil {
		return unfit(err)
	}
	path, err := c.path(m)
	if err != nil {
		return unfit(err)
	}
	q := &wire.Request{Method: http.MethodPost, Path: path, Header: wire.Header(m, "application/json, application/problem+json"), Body: body}
	q.Header.Set("Content-Type", "application/json")
	a, failed := c.Do(ctx, q)
	if failed != nil {
		return *failed
	}
	if a.Status >= 200 && a.Status < 300 {
		return c.receipt(a, m, total)
	}
	p := readProblem(a)
	if p.FunctionalCode == "PAYMENT_EXISTS" {
		return c.existing(ctx, a, &p, m, total)
	}
	return c.refusal(a, &p)
}

// receipt judges an answer that has to be a transaction.
func (c *Connector) receipt(a *wire.Answer, m *connectors.Message, total int64) connectors.Receipt {
	t, ok := read(a)
	if !ok {
		r := connectors.Receipt{Outcome: connectors.Unknown, Code: "answer-unreadable"}
		c.Explain(&r, a)
		return r
	}
	return c.judge(a, t, m, total)
}

// existing looks up the transaction of a request that the provider knows already.
func (c *Connector) existing(ctx context.Context, first *wire.Answer, p *problem, m *connectors.Message, total int64) connectors.Receipt {
	known, _ := splitToken(m.Token)
	for _, id := range []string{known, p.transactionID(), m.ID} {
		if id == "" {
			continue
		}
		a, failed := c.look(ctx, m, id)
		switch {
		case failed != nil:
			failed.Outcome = connectors.Unknown // it is there; only the answer is missing
			return *failed
		case a.Status == http.StatusOK:
			return c.receipt(a, m, total)
		case !hasGone(a) && a.Status != http.StatusBadRequest:
			r := c.Client.Judge(a, false)
			r.Outcome, r.Fault = connectors.Unknown, true
			return r
		}
	}
	return connectors.Receipt{Outcome: connectors.Unknown, Code: "payment-exists", Person: true,
		Detail: fmt.Sprintf("the provider knows the request %s and does not say its transaction; look it up in the provider's console: HTTP %d: %s", m.ID, first.Status, wire.Excerpt(first.Body))}
}

// Ask looks a transaction up: by the token, or, where none came back, by the
// requestId. While the provider does not answer, a known transaction is awaited.
func (c *Connector) Ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return wire.StillAwaiting(connectors.Receipt{Code: "closed"}, m.Token)
	}
	r := c.ask(ctx, m)
	c.Redact(&r)
	return r
}

func (c *Connector) ask(ctx context.Context, m *connectors.Message) connectors.Receipt {
	id, _ := splitToken(m.Token)
	if id == "" {
		id = m.ID
	}
	doc, err := decode(m.Body)
	if err != nil {
		return unfit(err)
	}
	total, _ := cents(doc["grosAmount"])
	a, failed := c.look(ctx, m, id)
	if failed != nil {
		if failed.Outcome == connectors.Retry {
			failed.Outcome = connectors.Unknown // of the question, not of the payment
		}
		return wire.StillAwaiting(*failed, m.Token)
	}
	var r connectors.Receipt
	switch {
	case a.Status == http.StatusOK:
		if r = c.receipt(a, m, total); r.Code == "answer-unreadable" {
			return wire.StillAwaiting(r, m.Token)
		}
		if r.Token == "" {
			r.Token = m.Token
		}
		return r
	case !hasGone(a):
	case m.Token == "":
		return connectors.Receipt{Outcome: connectors.Retry, Code: "not-found"}
	default:
		return connectors.Receipt{Outcome: connectors.Unknown, Code: "transaction-unknown", Person: true, Token: m.Token, Detail: fmt.Sprintf("HTTP %d: %s", a.Status, wire.Excerpt(a.Body))}
	}
	r = c.Client.Judge(a, false)
	r.Outcome, r.Fault = connectors.Unknown, true // nothing is refused by not being told
	return wire.StillAwaiting(r, m.Token)
}

// hasGone reports whether the provider says that it has no such transaction, in its own
// word or in none: a page or a line of text is of a proxy before it.
func hasGone(a *wire.Answer) bool {
	return (a.Status == http.StatusNotFound || a.Status == http.StatusGone) && (len(a.Body) == 0 || a.Data())
}

// look gets a transaction.
func (c *Connector) look(ctx context.Context, m *connectors.Message, id string) (*wire.Answer, *connectors.Receipt) {
	path, err := c.path(m)
	if err != nil {
		r := unfit(err)
		return nil, &r
	}
	return c.Do(ctx, &wire.Request{Method: http.MethodGet, Path: path + "/" + wire.PathSegment(id), Header: wire.Header(m, "application/json, application/problem+json")})
}

// path is where the transactions of an authority's service are.
func (c *Connector) path(m *connectors.Message) (string, error) {
	originator, err := c.originator.Fill(m, wire.Plain)
	if err != nil {
		return "", err
	}
	endpoint, err := c.endpoint.Fill(m, wire.Plain)
	if err != nil {
		return "", err
	}
	if !idForm.MatchString(originator) || !idForm.MatchString(endpoint) {
		return "", errors.New("originator or endpoint is none: letters, digits, _ and -, 36 of them at most")
	}
	return "/paymenttransaction/" + originator + "/" + endpoint, nil
}

// unfit is a request that could not be made: nothing was sent.
func unfit(err error) connectors.Receipt {
	r := connectors.Receipt{Outcome: connectors.Refused, Code: "document-unfit", Detail: err.Error()}
	if invalid := (*invalidError)(nil); errors.As(err, &invalid) {
		r.Code = invalid.code
	}
	return r
}

// Probe asks for the status of the originator and the endpoint; where they depend on
// the submission, any answer below 500 of the base address shows that it is alive.
func (c *Connector) Probe(ctx context.Context) error {
	if !c.originator.Constant() || !c.endpoint.Constant() {
		return c.Client.Probe(ctx, "/", 500, "address")
	}
	originator, _ := c.originator.Fill(nil, wire.Plain) // a constant always fills
	endpoint, _ := c.endpoint.Fill(nil, wire.Plain)
	return c.Client.Probe(ctx, "/status/"+originator+"/"+endpoint, 300, "address, credentials, originator and endpoint")
}
