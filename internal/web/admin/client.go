package admin

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"stellwerk/internal/hub"
)

// ErrUnreachable wraps what kept a call from reaching the hub, or its answer from
// coming back.
var ErrUnreachable = errors.New("cannot reach the hub")

// ErrNoAnswer wraps what kept the answer to an order from coming back after it was sent:
// the hub may have carried it out, wholly or in part.
var ErrNoAnswer = errors.New("the hub's answer has not come")

// maxAnswer bounds what the client reads of an answer.
const maxAnswer = 512 << 20

// Client calls a hub's admin API.
type Client struct {
	URL  string // base address: http://127.0.0.1:8081
	Key  string // swo_<name>_<random>
	HTTP *http.Client
}

// New makes a client. It follows no redirects: the key is for this address only.
func New(base, key string) *Client {
	return &Client{URL: strings.TrimRight(base, "/"), Key: key, HTTP: &http.Client{
		Timeout:       2 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Version asks what runs there.
func (c *Client) Version(ctx context.Context) (v Version, err error) {
	return v, c.get(ctx, "/admin/v1/version", &v)
}

// List gives a page of submissions. The filter travels in the body: what people
// search for has no place in an address.
func (c *Client) List(ctx context.Context, f Filter) (p Page, err error) {
	return p, c.post(ctx, "/admin/v1/submissions/search", f, &p)
}

// Submission reads one by id or number.
func (c *Client) Submission(ctx context.Context, id string) (s Submission, err error) {
	return s, c.get(ctx, "/admin/v1/submissions/"+url.PathEscape(id), &s)
}

// Trace reads a submission's whole story.
func (c *Client) Trace(ctx context.Context, id string) (t Trace, err error) {
	return t, c.get(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/trace", &t)
}

// Payload reads what the portal pushed.
func (c *Client) Payload(ctx context.Context, id string) (d Document, err error) {
	return d, c.get(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/payload", &d)
}

// Reopen sends a parked submission without deliveries through the flow again.
func (c *Client) Reopen(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/reopen", Reason{reason}, &s)
}

// Mend takes a damaged submission back after its record was restored.
func (c *Client) Mend(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/mend", Reason{reason}, &s)
}

// Withdraw takes a submission back for the citizen.
func (c *Client) Withdraw(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/withdraw", Reason{reason}, &s)
}

// CloseSubmission ends a submission that was parked before it had deliveries, or
// is damaged.
func (c *Client) CloseSubmission(ctx context.Context, id, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/submissions/"+url.PathEscape(id)+"/close", Reason{reason}, &s)
}

// Document reads a delivery's rendered document.
func (c *Client) Document(ctx context.Context, id hub.ID) (d Document, err error) {
	return d, c.get(ctx, "/admin/v1/deliveries/"+id.String()+"/document", &d)
}

// Replay puts one delivery back.
func (c *Client) Replay(ctx context.Context, id hub.ID, r Replay) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/deliveries/"+id.String()+"/replay", r, &s)
}

// Close ends one delivery.
func (c *Client) Close(ctx context.Context, id hub.ID, reason string) (s Submission, err error) {
	return s, c.post(ctx, "/admin/v1/deliveries/"+id.String()+"/close", Reason{reason}, &s)
}

// ReplayMany puts back what a filter chooses.
func (c *Client) ReplayMany(ctx context.Context, r ReplayMany) (o Order, err error) {
	return o, c.post(ctx, "/admin/v1/replays", r, &o)
}

// CloseMany ends what a filter chooses.
func (c *Client) CloseMany(ctx context.Context, r CloseMany) (o Order, err error) {
	return o, c.post(ctx, "/admin/v1/closures", r, &o)
}

// Parked gives a page of what waits for a person.
func (c *Client) Parked(ctx context.Context, f Filter) (p ParkedPage, err error) {
	return p, c.post(ctx, "/admin/v1/parked/search", f, &p)
}

// ParkedGroups counts what waits for a person.
func (c *Client) ParkedGroups(ctx context.Context, f Filter) (g ParkedGroups, err error) {
	return g, c.post(ctx, "/admin/v1/parked/groups", f, &g)
}

// Systems lists the backends.
func (c *Client) Systems(ctx context.Context) (s Systems, err error) {
	return s, c.get(ctx, "/admin/v1/systems", &s)
}

// Pause stops deliveries to a system until Resume.
func (c *Client) Pause(ctx context.Context, system, reason string) (s System, err error) {
	return s, c.post(ctx, "/admin/v1/systems/"+url.PathEscape(system)+"/pause", Reason{reason}, &s)
}

// Resume lets deliveries to a system go on.
func (c *Client) Resume(ctx context.Context, system string) (s System, err error) {
	return s, c.post(ctx, "/admin/v1/systems/"+url.PathEscape(system)+"/resume", struct{}{}, &s)
}

// Probe looks at a system without delivering anything.
func (c *Client) Probe(ctx context.Context, system string) (p Probe, err error) {
	return p, c.post(ctx, "/admin/v1/systems/"+url.PathEscape(system)+"/probe", struct{}{}, &p)
}

// Reload has the configuration read anew.
func (c *Client) Reload(ctx context.Context) (r Reload, err error) {
	return r, c.post(ctx, "/admin/v1/reload", struct{}{}, &r)
}

// Rewrap wraps every submission's key anew with the keyring's first key.
func (c *Client) Rewrap(ctx context.Context) (r Rewrap, err error) {
	return r, c.post(ctx, "/admin/v1/keys/rewrap", struct{}{}, &r)
}

// Figures counts submissions by state and what is parked by reason.
func (c *Client) Figures(ctx context.Context) (f Figures, err error) {
	return f, c.get(ctx, "/admin/v1/figures", &f)
}

// Doctor has the hub examine itself.
func (c *Client) Doctor(ctx context.Context) (d Doctor, err error) {
	return d, c.get(ctx, "/admin/v1/doctor", &d)
}

// Audit reads a piece of the audit trail.
func (c *Client) Audit(ctx context.Context, f AuditFilter) (t Trail, err error) {
	q := url.Values{"limit": {strconv.Itoa(f.Limit)}}
	for name, n := range map[string]int64{"from": f.From, "before": f.Before} {
		if n > 0 {
			q.Set(name, strconv.FormatInt(n, 10))
		}
	}
	for name, text := range map[string]string{"actor": f.Actor, "action": f.Action, "object": f.Object} {
		if text != "" {
			q.Set(name, text)
		}
	}
	return t, c.get(ctx, "/admin/v1/audit?"+q.Encode(), &t)
}

// Render gives the documents a submission would cause.
func (c *Client) Render(ctx context.Context, r Render) (d Renderings, err error) {
	return d, c.post(ctx, "/admin/v1/renderings", r, &d)
}

func (c *Client) get(ctx context.Context, path string, into any) error {
	return c.call(ctx, http.MethodGet, path, nil, into)
}

func (c *Client) post(ctx context.Context, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("write the request: %w", err)
	}
	return c.call(ctx, http.MethodPost, path, b, into)
}

func (c *Client) call(ctx context.Context, method, path string, body []byte, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, c.URL+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("address of the hub: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.Key)
	req.Header.Set("Accept", "application/json, application/problem+json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	missing, sent := ErrUnreachable, atomic.Bool{}
	if !asks(method, path) {
		req = req.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteRequest: func(w httptrace.WroteRequestInfo) {
			if w.Err == nil {
				sent.Store(true)
			}
		}}))
	}
	res, err := c.HTTP.Do(req)
	if sent.Load() {
		missing = ErrNoAnswer
	}
	if err != nil {
		return fmt.Errorf("%w: %w", missing, err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%w: read its answer: %w", missing, err)
	}
	if res.StatusCode/100 != 2 {
		return problemOf(res, answer)
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("read the hub's answer: %w", err)
	}
	return nil
}

// asks reports whether a call changes nothing: a filter travels in a body, too.
func asks(method, path string) bool {
	return method == http.MethodGet || strings.HasSuffix(path, "/search") || strings.HasSuffix(path, "/groups")
}

// problemOf reads the problem details. Where something else answers (a proxy, the
// portals' API), the hub was not reached: a 404 from there is no word about a case.
func problemOf(res *http.Response, answer []byte) error {
	p := struct {
		Problem
		Repeat string `json:"repeat"` // in every problem of the portals' API, in none of this one
	}{}
	switch {
	case !strings.HasPrefix(res.Header.Get("Content-Type"), "application/problem+json") || json.Unmarshal(answer, &p) != nil || p.Status == 0:
		return fmt.Errorf("%w: the address answered %s, and not as a hub's admin API does", ErrUnreachable, res.Status)
	case p.Repeat != "":
		return fmt.Errorf("%w: this is the address of the portals' API; the admin API has its own (listen.admin)", ErrUnreachable)
	}
	return &p.Problem
}
