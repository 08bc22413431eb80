// Package crew runs functions on goroutines that stay. A new goroutine begins with a
// small stack and copies it several times on its way down into a mapping or an HTTP
// exchange; one that has been there before has its stack already.
package crew

import (
	"sync"
	"sync/atomic"
)

// Crew is a set of goroutines that wait for something to do.
type Crew struct {
	work chan func()
	quit chan struct{}
	idle atomic.Int64
	most int64
	once sync.Once
}

// New makes a crew of which at most so many stay while there is nothing to do.
func New(most int) *Crew {
	return &Crew{work: make(chan func()), quit: make(chan struct{}), most: int64(most)}
}

// Go runs f at once, on a goroutine that waits or on a new one.
func (c *Crew) Go(f func()) {
	select {
	case c.work <- f:
	default:
		go c.serve(f)
	}
}

func (c *Crew) serve(f func()) {
	for {
		f()
		if c.idle.Add(1) > c.most {
			c.idle.Add(-1)
			return
		}
		select {
		case f = <-c.work:
			c.idle.Add(-1)
		case <-c.quit:
			return
		}
	}
}

// Close sends home who waits. Whoever is at work goes home afterwards; who is called
// then runs on a goroutine of its own.
func (c *Crew) Close() { c.once.Do(func() { close(c.quit) }) }
