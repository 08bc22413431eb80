package intake

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"sync"
	"time"

	"stellwerk/connectors/webhook"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// maxCallback bounds what is read before a signature is checked, and mostMeant the
// submissions that one number can stand for.
const (
	maxCallback = 16 << 10
	mostMeant   = 8
)

// callback takes a call of another hub: it has something new about a submission that
// this one has handed on to it. The call is a doorbell and no more: what is new is asked
// for over there, with this hub's own key. Whoever may call learns nothing by it: a
// reference that means nothing here is answered like any other.
func (a *API) callback(c *call) *refusal {
	system := c.r.PathValue("system")
	callers := c.snap.Callers(system)
	if len(callers) == 0 {
		return refuse(CodeCallback).leavingBody()
	}
	rd := &reader{API: a, c: c}
	rd.deadline(c.snap.Hub.Timeouts.Header)
	body, err := io.ReadAll(http.MaxBytesReader(c.w, c.r.Body, maxCallback))
	if err != nil {
		return refuse(CodeCallback).leavingBody()
	}
	id, err := webhook.Verify(c.r.Header, callers, body, c.at)
	if err != nil {
		return refuse(CodeCallback).because(err)
	}
	leave, p := a.slots.enter("callbacks", c.snap.Hub.Limits.Requests) // like a portal's, behind its key
	if p != nil {
		return p
	}
	defer leave()
	if !a.rung.before(system, id, c.at) {
		if p := a.notice(c, system, body); p != nil {
			return p
		}
		a.rung.note(system, id, c.at)
	}
	c.outcome = outcomeNoticed
	c.w.WriteHeader(http.StatusNoContent)
	return nil
}

// notice has everything asked for that the call can mean.
func (a *API) notice(c *call, system string, body []byte) *refusal {
	var said struct {
		Data struct {
			Reference string `json:"reference"` // what this hub gave: the submission's number
		} `json:"data"`
	}
	if json.Unmarshal(body, &said) != nil {
		return nil // well signed, and about nothing of ours
	}
	first, last, err := hub.ParseNumber(said.Data.Reference)
	if err != nil {
		return nil
	}
	ctx := context.WithoutCancel(c.r.Context())
	rows, err := a.Store.List(ctx, store.Filter{System: system, First: first, Last: last, Limit: mostMeant})
	if err != nil {
		return storeProblem(err)
	}
	for i := range rows {
		for j := range rows[i].Deliveries {
			d := &rows[i].Deliveries[j]
			if d.System != system {
				continue
			}
			switch err := a.Store.Notice(ctx, d.ID, c.at); {
			case err == nil:
				c.id = rows[i].Submission.ID
				a.Wake(system)
			case errors.Is(err, store.ErrStale): // it is being asked for: perhaps a moment too early
				return refuse(CodeBusy).again(time.Second)
			case errors.Is(err, store.ErrState), errors.Is(err, store.ErrDamaged), errors.Is(err, store.ErrNotFound):
			default:
				return storeProblem(err)
			}
		}
	}
	return nil
}

// rung are the calls that were heard lately, as long as their timestamps are good: one
// that is played again rings nothing. A restart forgets them, which costs an asking.
type rung struct {
	mu   sync.Mutex
	at   map[[2]string]time.Time
	next time.Time // when to forget
}

func (r *rung) before(system, id string, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !now.Before(r.next) {
		for k, at := range r.at {
			if now.Sub(at) > 2*webhook.Tolerance {
				delete(r.at, k)
			}
		}
		r.next = now.Add(webhook.Tolerance)
	}
	_, there := r.at[[2]string{system, id}]
	return there
}

func (r *rung) note(system, id string, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.at == nil {
		r.at = map[[2]string]time.Time{}
	}
	r.at[[2]string{system, id}] = now
}
