//go:build unix

package sqlite

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stellwerk/internal/store"
)

// A start on a full disk says so, whatever SQLite calls it, and what is to be done; on one
// that has space it does not blame that.
func TestStartOnAFullDisk(t *testing.T) {
	for _, full := range []bool{true, false} {
		dir := t.TempDir()
		s, err := Open(Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.Mkdir(filepath.Join(dir, "stellwerk.db-shm"), 0o700); err != nil { // the index of the -wal cannot be made
			t.Fatal(err)
		}
		_, err = Open(Options{Dir: dir, free: func(string) (uint64, uint64, bool) {
			if full {
				return 16 << 10, 1 << 30, true
			}
			return 1 << 30, 2 << 30, true
		}})
		if err == nil || errors.Is(err, store.ErrFull) != full || strings.Contains(err.Error(), "larger disk") != full {
			t.Errorf("full %v: %v", full, err)
		}
	}
}

// Numbers, names of systems and the trail are nobody else's to read, though the process
// was started with a umask that allows it and the folder is open.
func TestFilesAreTheHubsAlone(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	s := open(t, Options{Dir: dir})
	if err := s.Healthy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"stellwerk.db", "stellwerk.db-wal", "stellwerk.db-shm", LockFile, "attachments"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s is %s", name, info.Mode())
		}
	}
}
