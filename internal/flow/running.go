package flow

import (
	"sync"

	"stellwerk/internal/hub"
)

// running are the submissions that this process works on, each once.
type running struct {
	mu  sync.Mutex
	ids map[hub.ID]bool // whether it was rung meanwhile
}

// begin takes a submission on. One that is worked on already is noted to be rung
// again: that run may have read it before what this bell means.
func (r *running) begin(id hub.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.ids == nil {
		r.ids = map[hub.ID]bool{}
	}
	_, busy := r.ids[id]
	r.ids[id] = busy
	return !busy
}

// again reports whether it was rung meanwhile; otherwise it is let go.
func (r *running) again(id hub.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	rung := r.ids[id]
	if r.ids[id] = false; !rung {
		delete(r.ids, id)
	}
	return rung
}

func (r *running) drop(id hub.ID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.ids, id)
}

func (r *running) has(id hub.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, busy := r.ids[id]
	return busy
}
