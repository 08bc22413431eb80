package flow

import (
	"sync"

	"github.com/beevik/etree"

	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// What stays open of submissions with a delivery still waiting: so many, whose payloads
// together have at most so many bytes. A tree takes a multiple of them.
const (
	warmest   = 512
	warmBytes = 8 << 20
)

// warm keeps what a run has opened and checked for the run that follows as soon as
// a predecessor has settled, mostly within milliseconds. It saves work and nothing
// else: what is not in it is read and checked again.
type warm struct {
	mu    sync.Mutex
	open  map[hub.ID]*opened
	order []hub.ID // the oldest first
	bytes int64
}

// opened is a submission's content, unsealed and read. It is never changed.
type opened struct {
	key         *vault.Key
	root        *etree.Element
	env         mapping.Env // without answers
	attachments []store.SealedAttachment
	size        int64 // of the payload
}

func (c *warm) put(id hub.ID, o *opened) {
	if o.size > small {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[hub.ID]*opened, warmest)
	}
	if _, known := c.open[id]; !known {
		c.order = append(c.order, id)
	}
	c.drop(id)
	c.open[id], c.bytes = o, c.bytes+o.size
	for len(c.order) > warmest || c.bytes > warmBytes {
		c.drop(c.order[0])
		c.order = c.order[1:]
	}
}

// drop is called with mu held.
func (c *warm) drop(id hub.ID) {
	if o := c.open[id]; o != nil {
		c.bytes -= o.size
		delete(c.open, id)
	}
}

// get is nil where a submission is not open.
func (c *warm) get(id hub.ID) *opened {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[id]
}

// forget drops a submission that has come to its end or was found damaged.
func (c *warm) forget(id hub.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drop(id) // its place in order runs out by itself
}
