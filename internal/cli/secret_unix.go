//go:build !windows

package cli

import (
	"os"
	"syscall"
)

// asBefore gives a file the owner and the mode of the one it is to replace: whoever
// could read that one can go on. Only root gives a file away; everybody else keeps
// the group at least.
func asBefore(file string, before os.FileInfo) error {
	if st, ok := before.Sys().(*syscall.Stat_t); ok && os.Chown(file, int(st.Uid), int(st.Gid)) != nil {
		if err := os.Chown(file, -1, int(st.Gid)); err != nil {
			return err
		}
	}
	return os.Chmod(file, before.Mode().Perm())
}
