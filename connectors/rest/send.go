package rest

import (
	"context"
	"errors"
	"net"
	"net/http"
	"reflect"
	"strings"
	"syscall"

	"github.com/go-resty/resty/v2"

	"stellwerk/connectors"
)

// send runs one round of a step and judges the answer.
func (c *Connector) send(ctx context.Context, q *compiled, s *scope) verdict {
	a, failed := c.exchange(ctx, q, s)
	if failed != nil {
		return verdict{Receipt: *failed}
	}
	return q.judge(a, c.now())
}

// exchange sends one request and reads its answer. Without an answer it gives a
// receipt that says how far the request came.
func (c *Connector) exchange(ctx context.Context, q *compiled, s *scope) (*answer, *connectors.Receipt) {
	if ctx.Err() != nil {
		return nil, c.failure(ctx, &sendError{err: ctx.Err()})
	}
	path, err := q.path.fill(s)
	if err != nil {
		return nil, unfillable(err)
	}
	body, err := q.build(s)
	if err != nil {
		return nil, unfillable(err)
	}
	h, err := q.header(s, body.contentType)
	if err != nil {
		return nil, unfillable(err)
	}
	token := ""
	if g := c.auth.grant; g != nil {
		if token, err = g.get(ctx, c); err != nil {
			return nil, c.failure(ctx, err)
		}
		h["Authorization"] = []string{"Bearer " + token}
	} else if c.auth.name != "" {
		h[c.auth.name] = []string{c.auth.value}
	}
	r, sent := c.request(ctx, body)
	r.Header = h
	res, err := r.Execute(q.method, c.base+path)
	if sent != nil {
		defer sent.Close()
		if broke := sent.damage(); broke != nil && (err != nil || res.StatusCode() >= 300) {
			return nil, &connectors.Receipt{Outcome: connectors.Refused, Code: "attachment-damaged", Detail: broke.Error()}
		}
	}
	if err != nil {
		return nil, c.failure(ctx, err)
	}
	if token != "" && res.StatusCode() == http.StatusUnauthorized {
		c.auth.grant.drop(token)
	}
	return &answer{status: res.StatusCode(), header: res.Header(), body: res.Body()}, nil
}

// request gives a resty request with the body set.
func (c *Connector) request(ctx context.Context, p payload) (*resty.Request, *stream) {
	if p.stream == nil {
		r := c.client.R().SetContext(ctx)
		if p.bytes != nil {
			r.Body = newReader(p.bytes)
		}
		return r, nil
	}
	// resty reads every body into memory that it cannot rewind. Its last hook
	// before sending is where a stream can still take the place, and that hook
	// belongs to a client: a streamed body has one of its own.
	sent := p.stream()
	k := c.newClient().SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
		r.Body, r.ContentLength, r.GetBody = sent, p.size, nil
		return nil
	})
	return k.R().SetContext(ctx).SetBody(newReader(nil)), sent
}

// header gives the request's headers. The profile's names win over ours, except
// for what the connector itself is responsible for.
func (q *compiled) header(s *scope, contentType string) (http.Header, error) {
	h := make(http.Header, len(q.fixed)+len(q.headers)+4)
	for k, v := range q.fixed {
		h[k] = v
	}
	for i := range q.headers {
		v, err := q.headers[i].value.fill(s, headerValue)
		if err != nil {
			return nil, err
		}
		h[q.headers[i].name] = []string{v}
	}
	if contentType != "" && q.body != "none" {
		h["Content-Type"] = []string{contentType}
	}
	if s.message.Trace != "" {
		h["Traceparent"] = []string{headerValue(s.message.Trace)}
	}
	return h, nil
}

// unfillable is a request that could not be made: nothing was sent. What an
// earlier answer should have held may be there next time; a document stays as it is.
func unfillable(err error) *connectors.Receipt {
	var missing *missingError
	if errors.As(err, &missing) && strings.HasPrefix(missing.name, "kept.") {
		return &connectors.Receipt{Outcome: connectors.Retry, Code: "answer-incomplete", Detail: err.Error(), Fault: true}
	}
	return &connectors.Receipt{Outcome: connectors.Refused, Code: "document-unfit", Detail: err.Error()}
}

func closed() connectors.Receipt {
	return connectors.Receipt{Outcome: connectors.Retry, Code: "closed", Detail: "the connector is closed"}
}

// failure decides what a request without a readable answer means.
func (c *Connector) failure(ctx context.Context, err error) *connectors.Receipt {
	r := &connectors.Receipt{Outcome: connectors.Unknown, Code: "answer-broken", Fault: true, Detail: err.Error()}
	var token *tokenError
	var sent *sendError
	switch {
	case errors.As(err, &token):
		r.Outcome, r.Code = connectors.Retry, token.code
	case errors.As(err, &sent):
		r.Code = reason(sent.err)
		if !sent.begun || !sent.complete || turnedDown(sent.err) {
			r.Outcome = connectors.Retry
		}
	case errors.Is(err, resty.ErrResponseBodyTooLarge):
		r.Code = "answer-too-large"
	}
	switch {
	case c.open.Err() != nil:
		r.Code, r.Fault = "closed", false
	case errors.Is(ctx.Err(), context.Canceled):
		r.Code, r.Fault = "cancelled", false
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.Code = "timeout"
	}
	return r
}

// reason is the stable word for what went wrong on the wire.
func reason(err error) string {
	var blocked *blockedError
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &blocked):
		return "address-not-allowed"
	case errors.As(err, &dns):
		return "name-not-found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection-refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case isTLS(err):
		return "tls"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "connection-broken"
}

// turnedDown recognises a TLS 1.3 partner that refuses the hub's certificate: it
// says so only after the request was written, but has read nothing of it. The
// alerts are those of RFC 8446, 6.2 for certificates and access.
func turnedDown(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	alert := reflect.ValueOf(op.Err) // crypto/tls does not export the type: a uint8
	if alert.Kind() != reflect.Uint8 {
		return false
	}
	n := alert.Uint()
	return n >= 42 && n <= 49 || n == 116
}
