//go:build unix

package folder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

// The mode is the files', whatever umask the hub runs under, and whoever may read
// the attachments may enter their folder.
func TestModeIsTheFiles(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0o077))
	for mode, folder := range map[string]fs.FileMode{"0640": 0o750, "0664": 0o775, "0600": 0o700} {
		dir, watched := drop(t)
		c := openConnector(t, dir, "attachments: folder\nmode: '"+mode+"'")
		m := connectortest.Message(1)
		connectortest.Attach(m, "nachweis.pdf", "application/pdf", []byte("%PDF"))
		if r := c.Deliver(t.Context(), m); r.Outcome != connectors.Delivered {
			t.Fatalf("%+v", r)
		}
		for _, name := range visible(t, watched) {
			info, err := os.Stat(filepath.Join(watched, name))
			if err != nil || fmt.Sprintf("0%o", info.Mode().Perm()) != mode {
				t.Errorf("mode %s: %s is %v, %v", mode, name, info.Mode(), err)
			}
			if in := filepath.Dir(name); in != "." {
				if info, err := os.Stat(filepath.Join(watched, in)); err != nil || info.Mode().Perm() != folder {
					t.Errorf("mode %s: the folder %s is %v, %v", mode, in, info.Mode(), err)
				}
			}
		}
	}
}
