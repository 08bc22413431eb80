//go:build unix

package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

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
