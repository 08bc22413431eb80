package intake

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"stellwerk/internal/config"
)

// authenticate finds the portal by its key. No byte of the body is read before.
func (a *API) authenticate(c *call) *refusal {
	portal, ok := portalOf(c.r.Header, c.snap, c.at)
	if !ok {
		return refuse(CodeUnauthenticated).leavingBody()
	}
	c.portal = portal
	return nil
}

// Known reports whether a request has a portal's key that is good now.
func (a *API) Known(r *http.Request) bool {
	_, ok := portalOf(r.Header, a.Config(), a.Now())
	return ok
}

func portalOf(h http.Header, snap *config.Snapshot, at time.Time) (*config.Portal, bool) {
	given := h["Authorization"]
	if len(given) != 1 {
		return nil, false
	}
	scheme, key, _ := strings.Cut(given[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return nil, false
	}
	return snap.PortalByKey(strings.TrimSpace(key), at)
}

// slots counts the requests under way. One portal gets three quarters of them at
// most, so that a portal gone wild leaves room for its neighbours.
type slots struct {
	mu     sync.Mutex
	total  int
	portal map[string]int
}

// enter takes a slot; leave gives it back.
func (s *slots) enter(portal string, limit int) (leave func(), p *refusal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.total >= limit:
		return nil, refuse(CodeBusy).again(time.Second).leavingBody()
	case s.portal[portal] >= max(1, limit*3/4):
		return nil, refuse(CodePortalBusy).again(time.Second).leavingBody()
	}
	if s.portal == nil {
		s.portal = make(map[string]int)
	}
	s.total++
	s.portal[portal]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.total--
		if s.portal[portal]--; s.portal[portal] == 0 {
			delete(s.portal, portal)
		}
	}, nil
}

// strangersLogged is how many refusals a minute of requests without a portal are in the
// log: whoever can reach the hub could fill its disk otherwise.
const strangersLogged = 120

// strangers counts them.
type strangers struct {
	mu     sync.Mutex
	minute time.Time
	n      int // in this minute
}

// say reports whether one more is logged, and how many were left out in the minute
// before, once.
func (s *strangers) say(at time.Time) (say bool, left int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d := at.Sub(s.minute); d < 0 || d >= time.Minute {
		left = max(0, s.n-strangersLogged)
		s.minute, s.n = at, 0
	}
	s.n++
	return s.n <= strangersLogged, left
}
