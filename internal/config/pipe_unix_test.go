//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/txtar"

	"stellwerk/internal/config"
)

// A pipe in the place of a file is a finding; nobody waits for what comes out of it.
func TestPipeInTheFolder(t *testing.T) {
	for _, file := range []string{"systems/pipe.yaml", "mappings/hundeanmeldung/finance.yaml", "stellwerk.yaml"} {
		dir := folder(t, nil)
		path := filepath.Join(dir, filepath.FromSlash(file))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		_ = os.Remove(path)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		snap, found := config.Load(source(dir))
		if text := lines(found); snap != nil || !strings.Contains(text, file) || !strings.Contains(text, "it is no regular file") {
			t.Errorf("%s: %s", file, text)
		}
	}
}

// Nor does anybody wait for a pipe in the place of a secret: it would have to be read
// again with every check and reload.
func TestPipeAsASecret(t *testing.T) {
	for file, system := range map[string]string{
		"secrets/keyring":  "kind: post\nprofile: counter\naddress: 127.0.0.1:9\n",
		"secrets/post.key": "kind: post\nprofile: counter\naddress: 127.0.0.1:9\ncredentials: {password: \"file:secrets/post.key\"}\n",
	} {
		dir := folder(t, []txtar.File{{Name: "systems/post.yaml", Data: []byte(system)}})
		path := filepath.Join(dir, filepath.FromSlash(file))
		_ = os.Remove(path)
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		done := make(chan string, 1)
		go func() {
			_, found := config.Load(source(dir))
			done <- lines(found)
		}()
		select {
		case text := <-done:
			if !strings.Contains(text, "is no regular file") {
				t.Errorf("%s: %s", file, text)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: the check waits for the pipe", file)
		}
	}
}
