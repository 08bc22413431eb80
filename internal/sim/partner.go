package sim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// partner is what all partners have in common: an address, faults and a memory.
type partner struct {
	*ledger
	name     string
	scheme   string // of its address; http where it is empty
	listener *listener
	second   *listener // of the same service, where it has two addresses
	handler  http.Handler
	// refuse answers as this partner does when a document is not to its liking.
	refuse func(http.ResponseWriter)
	// aside are requests that bring no document: torn, silent, answer-lost and refuse
	// leave them alone. Every GET and search is one.
	aside func(*http.Request) bool
	gone  chan struct{} // closed when the town closes: ends silence

	mu     sync.Mutex
	faults Faults
	hits   int // requests since the faults were set
}

func newPartner(name string, o Options) *partner {
	return &partner{name: name, ledger: newLedger(o.Now, o.Remember, o.Mark), gone: make(chan struct{})}
}

func (p *partner) serve(address string, h http.Handler) error {
	p.handler = h
	p.listener = &listener{address: address, handler: p}
	return p.listener.start()
}

func (p *partner) close() error {
	close(p.gone)
	if p.listener == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.listen(false)
}

// listen opens or closes the partner's addresses.
func (p *partner) listen(up bool) error {
	var errs []error
	for _, l := range []*listener{p.listener, p.second} {
		switch {
		case l == nil:
		case up:
			errs = append(errs, l.start())
		default:
			errs = append(errs, l.stop())
		}
	}
	return errors.Join(errs...)
}

// Faults are what a partner suffers from. All that are set work together.
type Faults struct {
	Down       bool   `json:"down,omitempty"`        // nobody listens
	Torn       bool   `json:"torn,omitempty"`        // the connection breaks before anything is taken
	Silent     bool   `json:"silent,omitempty"`      // takes the request in, never answers, keeps nothing
	AnswerLost bool   `json:"answer-lost,omitempty"` // takes the document, then the connection breaks
	Forgetful  bool   `json:"forgetful,omitempty"`   // takes repeated ids for new ones
	Status     int    `json:"status,omitempty"`      // answers with this status, takes nothing
	RetryAfter int    `json:"retry-after,omitempty"` // seconds, along with status
	Page       bool   `json:"page,omitempty"`        // status comes as a page, from a proxy before a partner that is away
	Behind     int    `json:"behind,omitempty"`      // records: the DMS behind the interface fails with this status
	Delay      string `json:"delay,omitempty"`       // works this long before it begins: "1500ms"
	Refuse     string `json:"refuse,omitempty"`      // refuses documents that hold this text
	Times      int    `json:"times,omitempty"`       // only the next requests; all where 0
	Every      int    `json:"every,omitempty"`       // only each n-th request; each where 0
}

// setFaults replaces the faults.
func (p *partner) setFaults(f Faults) error {
	if f.Delay != "" {
		if _, err := time.ParseDuration(f.Delay); err != nil {
			return err
		}
	}
	if f.Status != 0 && (f.Status < 200 || f.Status > 599) {
		return errors.New("status is no HTTP status")
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults, p.hits = f, 0
	if p.listener == nil {
		return nil
	}
	return p.listen(!f.Down)
}

func (p *partner) currentFaults() Faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// suffering gives the faults for the next request.
func (p *partner) suffering() Faults {
	p.mu.Lock()
	defer p.mu.Unlock()
	f := p.faults
	p.hits++
	if f.Times > 0 && p.hits > f.Times || f.Every > 1 && p.hits%f.Every != 0 {
		return Faults{Forgetful: f.Forgetful}
	}
	return f
}

// bodyLimit is the most that any partner takes.
const bodyLimit = 256 << 20

// ServeHTTP lets the partner suffer, then work.
func (p *partner) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, bodyLimit)
	looking := r.Method == http.MethodGet || strings.HasSuffix(r.URL.Path, "/search") || p.aside != nil && p.aside(r)
	f := p.suffering()
	if f.Delay != "" {
		d, _ := time.ParseDuration(f.Delay) // was checked when set
		if !p.pause(r, d) {
			panic(http.ErrAbortHandler)
		}
	}
	if f.Status != 0 {
		if f.RetryAfter > 0 {
			w.Header().Set("Retry-After", strconv.Itoa(f.RetryAfter))
		}
		_, _ = io.Copy(io.Discard, r.Body)
		if f.Page {
			w.Header().Set("Content-Type", "text/html")
			w.WriteHeader(f.Status)
			_, _ = fmt.Fprintf(w, "<html><head><title>%d %s</title></head></html>\n", f.Status, http.StatusText(f.Status))
			return
		}
		answer(w, f.Status, map[string]string{"code": "gestoert"})
		return
	}
	if looking {
		p.handler.ServeHTTP(w, r)
		return
	}
	if f.Torn {
		panic(http.ErrAbortHandler)
	}
	if f.Refuse != "" {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		if bytes.Contains(body, []byte(f.Refuse)) {
			p.refuse(w)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
	}
	if f.Silent {
		_, _ = io.Copy(io.Discard, r.Body)
		p.pause(r, 0)
		panic(http.ErrAbortHandler)
	}
	if f.AnswerLost {
		p.handler.ServeHTTP(nowhere{http.Header{}}, r)
		panic(http.ErrAbortHandler)
	}
	p.handler.ServeHTTP(w, r)
}

// pause waits for d, for ever where d is 0. It reports false where the request
// or the town ended before.
func (p *partner) pause(r *http.Request, d time.Duration) bool {
	var done <-chan time.Time
	if d > 0 {
		timer := time.NewTimer(d)
		defer timer.Stop()
		done = timer.C
	}
	select {
	case <-done:
		return true
	case <-r.Context().Done():
	case <-p.gone:
	}
	return false
}

// nowhere takes an answer that gets lost.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header         { return n.header }
func (n nowhere) Write(b []byte) (int, error) { return len(b), nil }
func (n nowhere) WriteHeader(int)             {}

// answer writes JSON.
func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the other side may have gone
}
