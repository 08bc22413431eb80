//go:build unix

package folder

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

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

// The share is the receiver's, too: what it puts in a receipt's place is no reason to
// wait for ever.
func TestReceiptThatIsNoFile(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, "")
	m := connectortest.Message(1)
	if err := os.Mkdir(filepath.Join(watched, work), 0o750); err != nil {
		t.Fatal(err)
	}
	pipe := filepath.Join(watched, work, safe(m.ID)+".receipt")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	done := make(chan connectors.Receipt, 2)
	go func() { done <- c.Deliver(t.Context(), m); done <- c.Ask(t.Context(), m) }()
	for range 2 {
		select {
		case r := <-done:
			if r.Outcome == connectors.Delivered {
				t.Errorf("%+v", r)
			}
		case <-time.After(5 * time.Second):
			if f, err := os.OpenFile(pipe, os.O_WRONLY|syscall.O_NONBLOCK, 0); err == nil { // lets it go on
				_ = f.Close()
			}
			t.Fatal("it waits for a pipe to be written")
		}
	}
	if err := os.Remove(pipe); err != nil {
		t.Fatal(err)
	}
	want(t, c.Deliver(t.Context(), m), connectors.Delivered, "")
}

// Of a foreign file that is larger than what is delivered nothing has to be read.
func TestForeignFileOfTerabytes(t *testing.T) {
	dir, watched := drop(t)
	c := openConnector(t, dir, "")
	m := connectortest.Message(1)
	name := filepath.Join(watched, c.fileName(m))
	if err := os.WriteFile(name, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(name, 1<<40); err != nil {
		t.Fatal(err)
	}
	done := make(chan connectors.Receipt, 1)
	go func() { done <- c.Deliver(t.Context(), m) }()
	select {
	case r := <-done:
		want(t, r, connectors.Refused, "file-exists")
	case <-time.After(5 * time.Second):
		if err := os.Truncate(name, 0); err != nil { // lets it go on
			t.Error(err)
		}
		t.Fatal("it reads the whole of it")
	}
}
