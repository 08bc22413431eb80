package sqlite

import (
	"sync"

	"stellwerk/internal/store"
)

// freshBytes bounds each of the two generations of what is fresh.
const freshBytes = 4 << 20

// fresh keeps what was just written and is about to be read once: the case of a
// new submission until the flow has planned it, its progress as soon as the flow has
// something to do again, and a rendered document until it is claimed. It is filled by the writer with the commit and emptied by it with
// every change, so it never says anything else than the file. What is not here
// is read from the file.
type fresh struct {
	mu sync.Mutex
	// *store.Case by the submission's key, and by its negative without the content;
	// *store.Rendered by the delivery's
	young, old map[int64]any
	size       int
}

func (f *fresh) put(key int64, v any, size int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.old, key)
	if f.size += size; f.young == nil || f.size > freshBytes {
		f.old, f.young, f.size = f.young, make(map[int64]any), size
	}
	f.young[key] = v
}

func (f *fresh) drop(keys ...int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, key := range keys {
		delete(f.young, key)
		delete(f.old, key)
	}
}

func (f *fresh) get(key int64) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v := f.young[key]; v != nil {
		return v
	}
	return f.old[key]
}

// newCase is the case of a submission as it was accepted, nil where it is not
// fresh any more.
func (f *fresh) newCase(key int64) *store.Case {
	c, _ := f.get(key).(*store.Case)
	if c == nil {
		return nil
	}
	own := *c
	return &own
}

// progress is a submission for which the flow has something to do, again or for the
// first time; nil where it is not fresh any more.
func (f *fresh) progress(key int64) *store.Case {
	if c := f.newCase(-key); c != nil {
		return c
	}
	return f.newCase(key)
}

func (f *fresh) document(key int64) *store.Rendered {
	d, _ := f.get(key).(*store.Rendered)
	return d
}

// arrival is something to become fresh with the commit.
type arrival struct {
	key  int64
	v    any
	size int
}
