package flow

import (
	"context"
	"sync"

	"golang.org/x/sync/semaphore"
)

const (
	small    = 64 << 10  // bytes of a payload that nobody counts
	openCost = 8         // bytes of memory for a byte of payload: sealed, plain and as a tree
	openMost = 128 << 20 // bytes that large payloads may take at once
)

// memory is what large payloads are opened in, so that many of them at a time do not take
// all there is: they wait for one another, the others for none of them.
type memory struct {
	once sync.Once
	free *semaphore.Weighted
}

// take waits until there is room for a payload of so many bytes; give gives it back.
func (m *memory) take(ctx context.Context, size int64) (give func(), err error) {
	m.once.Do(func() { m.free = semaphore.NewWeighted(openMost) })
	weight := min(openCost*size, openMost)
	if err := m.free.Acquire(ctx, weight); err != nil {
		return nil, err
	}
	return func() { m.free.Release(weight) }, nil
}
