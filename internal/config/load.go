package config

import (
	"io/fs"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/mapping"
)

// Finding is one complaint about a file; Findings are all of them at once.
type (
	Finding  = mapping.Finding
	Findings = mapping.Findings
)

// Source says where a snapshot is read from.
type Source struct {
	Dir      string // the operator's folder
	Routes   fs.FS  // shipped; routes.FS
	Mappings fs.FS  // shipped; mappings.FS
	Kinds    []connectors.Kind
	Now      func() time.Time // for keys that have run out; time.Now where nil
}

// Load reads and checks everything. The snapshot is nil exactly if one of the
// findings is an error.
func Load(src Source) (*Snapshot, Findings) { return nil, nil }

// Live holds the snapshot in force.
type Live struct{}

// NewLive starts with a loaded snapshot.
func NewLive(src Source, snap *Snapshot) *Live { return &Live{} }

// Get gives the snapshot in force; whoever works on a submission keeps it until done.
func (l *Live) Get() *Snapshot { return nil }

// Reload reads everything anew and swaps only where no finding is an error.
func (l *Live) Reload() (*Snapshot, Findings) { return nil, nil }

// Binding gives a service as a municipality offers it.
func (s *Snapshot) Binding(ags, service string) (*Binding, bool) { return nil, false }

// Allows reports whether the portal may submit this service to this municipality.
func (p *Portal) Allows(ags, service string) bool { return false }

// PortalByKey finds the portal a key belongs to, in constant time per key.
func (s *Snapshot) PortalByKey(key string, now time.Time) (*Portal, bool) { return nil, false }

// OperatorByKey finds the operator a key belongs to.
func (s *Snapshot) OperatorByKey(key string, now time.Time) (*Operator, bool) { return nil, false }

// Window is a time in which a system is not called.
type Window struct{}

// Closed reports whether the system is in a window, and until when.
func (s *System) Closed(t time.Time) (until time.Time, closed bool) { return time.Time{}, false }
