package config

import (
	"maps"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"

	"stellwerk/internal/mapping"
)

// Live holds the snapshot in force.
type Live struct {
	src   Source
	start Hub // with which the process runs
	now   atomic.Pointer[Snapshot]
	mu    sync.Mutex // one reload at a time
}

// NewLive starts with a loaded snapshot.
func NewLive(src Source, snap *Snapshot) *Live {
	l := &Live{src: src, start: snap.Hub}
	l.now.Store(snap)
	return l
}

// Get gives the snapshot in force. Whoever works on something asks once and keeps
// the answer until done.
func (l *Live) Get() *Snapshot { return l.now.Load() }

// Reload reads everything anew and puts it in force. Where a finding is an error,
// or apply does not take the new snapshot, the old one stays in force and is
// returned. What only a start can change is taken up by the next start; a warning
// says so.
func (l *Live) Reload(apply func(*Snapshot) error) (*Snapshot, Findings) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.now.Load()
	next, found := Load(l.src)
	if next == nil {
		return old, found
	}
	if err := apply(next); err != nil {
		return old, append(found, Finding{File: hubFile, Message: err.Error()})
	}
	l.now.Store(next)
	return next, append(append(found, atStart(l.start, next.Hub)...), left(old, next)...)
}

// left warns of portals whose files are gone. A name that has changed is another portal.
func left(old, next *Snapshot) (found Findings) {
	for _, name := range slices.Sorted(maps.Keys(old.Portals)) {
		if next.Portals[name] == nil {
			found = append(found, Finding{File: "portals/" + name + ".yaml", Severity: mapping.Warning,
				Message:    "is gone: nobody reads or is told the status of its cases any more, and what is repeated under another name is a new case",
				Suggestion: "keep the file's name where the portal goes on; its title is free"})
		}
	}
	return found
}

// atStart warns of settings that have changed and that a running hub does not take up.
func atStart(old, next Hub) (found Findings) {
	old.Listen.Public, next.Listen.Public = "", "" // only written into answers
	for _, s := range []struct {
		name      string
		old, next any
	}{
		{"listen", old.Listen, next.Listen}, {"data", old.Data, next.Data}, {"key", old.Key, next.Key}, {"node", old.Node, next.Node},
		{"log", old.Log, next.Log}, {"tracing", old.Tracing, next.Tracing}, {"flow", old.Flow, next.Flow}, {"timeouts", old.Timeouts, next.Timeouts},
	} {
		if !reflect.DeepEqual(s.old, s.next) {
			found = append(found, Finding{File: hubFile, Severity: mapping.Warning, Message: s.name + " has changed: it takes effect when the hub is started anew"})
		}
	}
	return found
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
