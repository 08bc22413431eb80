package rest

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// send runs one round of a step and judges the answer.
func (c *Connector) send(ctx context.Context, q *compiled, s *scope) verdict {
	a, failed := c.exchange(ctx, q, s)
	if failed != nil {
		return verdict{Receipt: *failed}
	}
	return c.judge(q, a)
}

// exchange sends one request and reads its answer. Without an answer it gives a
// receipt that says how far the request came.
func (c *Connector) exchange(ctx context.Context, q *compiled, s *scope) (*answer, *connectors.Receipt) {
	path, err := q.path.fill(s)
	if err != nil {
		return nil, unfillable(err)
	}
	r := &wire.Request{Method: q.method, Path: path}
	contentType, err := q.build(r, s)
	if err != nil {
		return nil, unfillable(err)
	}
	if r.Header, err = q.header(s, contentType); err != nil {
		return nil, unfillable(err)
	}
	a, failed := c.Do(ctx, r)
	if failed != nil {
		return nil, failed
	}
	return &answer{Answer: *a}, nil
}

// header gives the request's headers. The profile's names win over ours, except
// for what the connector itself is responsible for.
func (q *compiled) header(s *scope, contentType string) (http.Header, error) {
	h := make(http.Header, len(q.fixed)+len(q.headers)+4)
	for k, v := range q.fixed {
		h[k] = v
	}
	for i := range q.headers {
		v, err := q.headers[i].value.Fill(s, wire.HeaderValue)
		if err != nil {
			return nil, err
		}
		h[q.headers[i].name] = []string{v}
	}
	if contentType != "" && q.body != "none" {
		h["Content-Type"] = []string{contentType}
	}
	if s.message.Trace != "" {
		h["Traceparent"] = []string{wire.HeaderValue(s.message.Trace)}
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
