package flow

import (
	"sync"

	"github.com/beevik/etree"

	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// warmest is how many submissions with a delivery still waiting stay open.
const warmest = 512

// warm keeps what a run has opened and checked for the run that follows as soon as
// a predecessor has settled, mostly within milliseconds. It saves work and nothing
// else: what is not in it is read and checked again.
type warm struct {
	mu    sync.Mutex
	open  map[hub.ID]*opened
	order []hub.ID // the oldest first
}

// opened is a submission's content, unsealed and read. It is never changed.
type opened struct {
	key         *vault.Key
	root        *etree.Element
	env         mapping.Env // without answers
	attachments []store.SealedAttachment
}

func (c *warm) put(id hub.ID, o *opened) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = make(map[hub.ID]*opened, warmest)
	}
	if _, known := c.open[id]; !known {
		c.order = append(c.order, id)
	}
	c.open[id] = o
	if len(c.order) > warmest {
		delete(c.open, c.order[0])
		c.order = c.order[1:]
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
	delete(c.open, id) // its place in order runs out by itself
}
