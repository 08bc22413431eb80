//go:build !windows

package cli

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// root rotates the keyring and the hub, another user, must read it at its next start;
// behind a link it stays where it is.
func TestRotatedKeyringStaysReadable(t *testing.T) {
	c := newConsole(t, nil)
	ring := filepath.Join(t.TempDir(), "keyring")
	link := filepath.Join(t.TempDir(), "keyring")
	c.run(0, "keys", "keyring", "new", ring)
	uid, gid := os.Getuid(), os.Getgid()
	if uid == 0 {
		uid, gid = 1234, 5678
	}
	for _, err := range []error{os.Chown(ring, uid, gid), os.Chmod(ring, 0o640), os.Symlink(ring, link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	c.run(0, "keys", "keyring", "rotate", link)
	info, err := os.Lstat(ring)
	if err != nil {
		t.Fatal(err)
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !ok || int(st.Uid) != uid || int(st.Gid) != gid || info.Mode().Perm() != 0o640 {
		t.Errorf("after rotating it is %v of %+v", info.Mode(), info.Sys())
	}
	if at, err := os.Lstat(link); err != nil || at.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v", err)
	}
}
