package config

import (
	"sync"
	"sync/atomic"
)

// Live holds the snapshot in force.
type Live struct {
	src Source
	now atomic.Pointer[Snapshot]
	mu  sync.Mutex // one reload at a time
}

// NewLive starts with a loaded snapshot.
func NewLive(src Source, snap *Snapshot) *Live {
	l := &Live{src: src}
	l.now.Store(snap)
	return l
}

// Get gives the snapshot in force. Whoever works on something asks once and keeps
// the answer until done.
func (l *Live) Get() *Snapshot { return l.now.Load() }

// Reload reads everything anew. Where a finding is an error the old snapshot stays
// in force and is returned; otherwise the new one is. What only a start can change
// (addresses to listen at, the data folder, the keyring) is taken up by the next
// start; the caller compares Hub to say so.
func (l *Live) Reload() (*Snapshot, Findings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	next, found := Load(l.src)
	if next == nil {
		return l.now.Load(), found
	}
	l.now.Store(next)
	return next, found
}

// Binding gives a service as a municipality offers it.
func (s *Snapshot) Binding(ags, service string) (*Binding, bool) {
	m, ok := s.Municipalities[ags]
	if !ok {
		return nil, false
	}
	b, ok := m.Services[service]
	return b, ok
}
