package wire

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-resty/resty/v2"

	"stellwerk/connectors"
)

// Client speaks to one system.
type Client struct {
	base  string
	limit int
	auth  authorizer
	over  *transport
	resty *resty.Client
	now   func() time.Time
	open  context.Context // ends with Close
	close context.CancelFunc
}

// Open reads secrets and certificates of checked settings; it connects to nothing.
// Its error is a SettingError.
func (s *Settings) Open(env connectors.Environment) (*Client, error) {
	auth, err := s.Credentials.reveal(env.Dir)
	if err != nil {
		return nil, err
	}
	security, err := s.TLS.Open(env.Dir)
	if err != nil {
		return nil, err
	}
	c := &Client{base: s.Base(), limit: s.AnswerLimit, auth: auth, now: env.Now, over: newTransport(security, env.Allow, env.Concurrency)}
	if c.now == nil {
		c.now = time.Now
	}
	c.resty = c.newResty()
	c.open, c.close = context.WithCancel(context.Background())
	return c, nil
}

// newResty gives a resty client over the shared transport. It has no cookie jar,
// retries nothing, follows nothing, and bounds what it reads of an answer.
func (c *Client) newResty() *resty.Client {
	return resty.NewWithClient(&http.Client{Transport: c.over}).
		SetLogger(silence{}).
		SetDisableWarn(true).
		SetRetryCount(0).
		SetResponseBodyLimit(c.limit).
		SetRedirectPolicy(resty.RedirectPolicyFunc(func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }))
}

// silence keeps resty from logging what it sends.
type silence struct{}

func (silence) Errorf(string, ...any) {}
func (silence) Warnf(string, ...any)  {}
func (silence) Debugf(string, ...any) {}

// Close ends every call and every connection.
func (c *Client) Close() error {
	c.close()
	c.over.base.CloseIdleConnections()
	return nil
}

// Now is the hub's clock.
func (c *Client) Now() time.Time { return c.now() }

// Begin ties a call to the client's life; end has to be called. It reports false
// after Close: see Closed.
func (c *Client) Begin(ctx context.Context) (_ context.Context, end func(), ok bool) {
	if c.open.Err() != nil {
		return ctx, func() {}, false
	}
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.open, cancel)
	return ctx, func() {
		stop()
		cancel()
		if c.open.Err() != nil {
			c.over.base.CloseIdleConnections()
		}
	}, true
}

// Closed is the receipt of a delivery after Close.
func Closed() connectors.Receipt {
	return connectors.Receipt{Outcome: connectors.Retry, Code: "closed", Detail: "the connector is closed"}
}

// Request is one request. Either Body or Parts is its body.
type Request struct {
	Method string
	Path   string      // below the address, escaped, perhaps with a query
	Header http.Header // its own; credentials are added to it
	Body   []byte      // nil where there is none
	Parts  []Part      // streamed, Size bytes in all
	Size   int64
}

// Answer is what came back.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Do sends one request once, inside of Begin, and reads its answer. Without an
// answer it gives a receipt that says how far the request came.
func (c *Client) Do(ctx context.Context, q *Request) (*Answer, *connectors.Receipt) {
	if ctx.Err() != nil {
		return nil, c.failure(ctx, &sendError{err: ctx.Err()})
	}
	token := ""
	if g := c.auth.grant; g != nil {
		var err error
		if token, err = g.get(ctx, c); err != nil {
			return nil, c.failure(ctx, err)
		}
		q.Header["Authorization"] = []string{"Bearer " + token}
	} else if c.auth.name != "" {
		q.Header[c.auth.name] = []string{c.auth.value}
	}
	r, sent := c.request(ctx, q)
	r.Header = q.Header
	res, err := r.Execute(q.Method, c.base+q.Path)
	if sent != nil {
		defer sent.Close()
		if broke := sent.damage(); broke != nil && (err != nil || res.StatusCode() >= 300) {
			return nil, &connectors.Receipt{Outcome: connectors.Refused, Code: "attachment-damaged", Detail: broke.Error()}
		}
	}
	if err != nil && (res == nil || res.RawResponse == nil || ByStatus(res.StatusCode()) != connectors.Retry) {
		return nil, c.failure(ctx, err) // by the other statuses, what the answer says may decide
	}
	if token != "" && res.StatusCode() == http.StatusUnauthorized {
		c.auth.grant.drop(token)
	}
	return &Answer{Status: res.StatusCode(), Header: res.Header(), Body: res.Body()}, nil
}

// request gives a resty request with the body set.
func (c *Client) request(ctx context.Context, q *Request) (*resty.Request, *stream) {
	if q.Parts == nil {
		r := c.resty.R().SetContext(ctx)
		if q.Body != nil {
			r.Body = bytes.NewReader(q.Body) // net/http knows its length
		}
		return r, nil
	}
	// resty reads every body into memory that it cannot rewind. Its last hook
	// before sending is where a stream can still take the place, and that hook
	// belongs to a client: a streamed body has one of its own.
	sent := &stream{parts: q.Parts}
	k := c.newResty().SetPreRequestHook(func(_ *resty.Client, r *http.Request) error {
		r.Body, r.ContentLength, r.GetBody = sent, q.Size, nil
		return nil
	})
	return k.R().SetContext(ctx).SetBody(bytes.NewReader(nil)), sent
}

// failure decides what a request without a readable answer means.
func (c *Client) failure(ctx context.Context, err error) *connectors.Receipt {
	r := &connectors.Receipt{Outcome: connectors.Unknown, Code: "answer-broken", Fault: true, Detail: Excerpt([]byte(err.Error()))}
	var token *tokenError
	var sent *sendError
	switch {
	case errors.As(err, &token):
		r.Outcome, r.Code = connectors.Retry, token.code
	case errors.As(err, &sent):
		r.Code = Reason(sent.err)
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

// shortestSecret is how long a secret is that stands in nothing by chance.
const shortestSecret = 8

// Redact takes everything secret out of a receipt, and makes its code a word. What is
// worked with is cleaned of long secrets only: a password of four digits would be cut
// out of a Kassenzeichen.
func (c *Client) Redact(r *connectors.Receipt) {
	r.Detail = c.auth.redact(r.Detail, 1)
	r.Token = c.auth.redact(r.Token, shortestSecret)
	r.Code = c.auth.redact(r.Code, shortestSecret)
	if r.Code != "" && CleanCode(r.Code) == "" {
		r.Code = "unreadable"
	}
	for k, v := range r.Answer {
		if clean := c.auth.redact(v, shortestSecret); clean != v {
			r.Answer[k] = clean
		}
	}
}

// Header gives the headers that every request has; m may be nil.
func Header(m *connectors.Message, accept string) http.Header {
	h := http.Header{"User-Agent": {"Stellwerk"}, "Accept": {accept}}
	if m != nil && m.Trace != "" {
		h["Traceparent"] = []string{HeaderValue(m.Trace)}
	}
	return h
}

// Probe gets a path; a status from limit on is an error that names what to look at.
func (c *Client) Probe(ctx context.Context, path string, limit int, lookAt string) error {
	ctx, end, ok := c.Begin(ctx)
	defer end()
	if !ok {
		return errors.New("probe: the connector is closed")
	}
	a, failed := c.Do(ctx, &Request{Method: http.MethodGet, Path: path, Header: Header(nil, "application/json")})
	if failed != nil {
		c.Redact(failed)
		return fmt.Errorf("probe: %s: %s", failed.Code, failed.Detail)
	}
	if a.Status >= limit {
		return fmt.Errorf("probe: HTTP %d is not expected; check %s", a.Status, lookAt)
	}
	return nil
}
