package flow

import (
	"context"
	"sync"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// sweepPage is how many submissions one look finds.
const sweepPage = 192

// whenever is how far ahead something due may be and is done now: the clock was set back
// since, and nothing is ever due to the flow later than at once.
const whenever = 100 * 365 * 24 * time.Hour

// rest is how long the sweep leaves a submission alone whose key is not in the
// keyring.
const rest = time.Minute

// Sweep finds what no doorbell announced: rung before a crash, dropped because
// too many waited, or due on a node that is gone. It looks every interval, and at
// once when nudged, and returns when ctx ends. A look that cannot ring all there is
// tells full, and goes on behind the last one as soon as it is nudged: there is room
// then. So what cannot be done now does not keep the sweep from what is behind it.
func (f *Flow) Sweep(ctx context.Context, interval time.Duration, nudge <-chan struct{}, full func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	var last store.Due
	for {
		more := true
		for rung := 0; more && rung == 0 && ctx.Err() == nil; {
			rung, more = f.look(ctx, &last, full)
		}
		for wait := true; wait; {
			select {
			case <-ctx.Done():
				return
			case <-nudge:
				wait = f.stillBusy(full)
			case <-tick.C: // whoever rings without a pause must not keep it from the rest
				wait = false
			}
		}
	}
}

// stillBusy reports whether the bells of the last look wait: whoever answers them nudges
// again. A nudge may have been for those before.
func (f *Flow) stillBusy(full func()) bool {
	if f.Busy == nil || !f.Busy() {
		return false
	}
	full()
	return f.Busy() // asked again: the last one may have been answered meanwhile
}

// look rings the next page of what is due, and says how many bells that were and
// whether there may be more behind last.
func (f *Flow) look(ctx context.Context, last *store.Due, full func()) (rung int, more bool) {
	page, err := f.Store.Due(ctx, f.Now().Add(whenever), *last, sweepPage)
	if err != nil {
		if ctx.Err() == nil {
			f.Log.Error("look for due submissions", "error", err)
		}
		return 0, false
	}
	if more = len(page) == sweepPage; more {
		full() // before the bells: whoever answers the last one must know
	} else {
		f.resting.wake(f.Now())
	}
	if len(page) == 0 {
		f.ahead.drop()
	}
	if f.Busy == nil || !f.Busy() {
		f.readAhead(ctx, page)
	}
	for _, one := range page {
		if f.running.has(one.ID) || f.resting.has(one.ID, f.Now()) {
			*last = one
			continue
		}
		if !f.Ring(one.ID) {
			full()
			return rung, false
		}
		rung++
		*last = one
	}
	if !more {
		*last = store.Due{}
	}
	return rung, more
}

// readAhead reads together what is about to be run one by one.
func (f *Flow) readAhead(ctx context.Context, page []store.Due) {
	ids := make([]hub.ID, 0, len(page))
	for _, one := range page {
		if !f.running.has(one.ID) && f.warm.get(one.ID) == nil && !f.ahead.has(one.ID) {
			ids = append(ids, one.ID)
		}
	}
	if len(ids) < 2 {
		return
	}
	cases, err := f.Store.Cases(ctx, ids)
	if err != nil && ctx.Err() == nil {
		f.Log.Error("read what is due", "error", err)
	}
	f.ahead.put(cases)
}

// ahead are the cases of a page, each for the run that is rung for it. One that has
// changed meanwhile is found out by its version, as any other.
type ahead struct {
	mu    sync.Mutex
	cases map[hub.ID]*store.Case
}

// put adds a page. What nobody has taken of the pages before is dropped as soon as it
// is more than two.
func (a *ahead) put(cases []*store.Case) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.cases == nil || len(a.cases) > 2*sweepPage {
		a.cases = make(map[hub.ID]*store.Case, 2*sweepPage)
	}
	for _, c := range cases {
		a.cases[c.Submission.ID] = c
	}
}

func (a *ahead) has(id hub.ID) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.cases[id] != nil
}

// drop lets go of what nobody has taken.
func (a *ahead) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cases = nil
}

// take is nil where the case was not read ahead, or was taken.
func (a *ahead) take(id hub.ID) *store.Case {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.cases[id]
	delete(a.cases, id)
	return c
}

// resting are submissions that the sweep leaves alone for a while.
type resting struct {
	mu    sync.Mutex
	until map[hub.ID]time.Time
}

func (r *resting) put(id hub.ID, until time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = map[hub.ID]time.Time{}
	}
	r.until[id] = until
}

func (r *resting) has(id hub.ID, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	until, is := r.until[id]
	return is && now.Before(until)
}

// wake lets go of those whose time is over.
func (r *resting) wake(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id, until := range r.until {
		if !now.Before(until) {
			delete(r.until, id)
		}
	}
}
