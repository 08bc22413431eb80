package sqlite

import (
	"sync"
	"time"

	"stellwerk/internal/store"
)

// The reserve is kept free of new submissions, so that the outcomes of what was
// accepted can still be written on a disk that is full for everybody else: 64 MB,
// or a fiftieth of a small disk.
const (
	reserve      = 64 << 20
	reserveShare = 50
)

// space watches the disk's free space.
type space struct {
	dir string

	mu   sync.Mutex
	next time.Time
	low  bool
}

// Disk is the store's folder, what may still be written there and what its disk has,
// in bytes; not ok where nobody can tell.
func (s *Store) Disk() (dir string, free, total uint64, ok bool) {
	free, total, ok = diskSpace(s.space.dir)
	return s.space.dir, free, total, ok
}

// Room is ErrFull where only the reserve is left: nothing new is to be written beside
// the store either.
func (s *Store) Room() error {
	if s.space.full() {
		return store.ErrFull
	}
	return nil
}

// full reports whether only the reserve is left. It looks at most ten times a
// second, so intake recovers by itself as soon as there is room.
func (s *space) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if now := time.Now(); now.After(s.next) {
		s.next = now.Add(100 * time.Millisecond)
		free, total, ok := diskSpace(s.dir)
		s.low = ok && free < min(reserve, total/reserveShare)
	}
	return s.low
}
