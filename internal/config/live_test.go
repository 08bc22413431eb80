package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stellwerk/internal/config"
)

// A portal under another name is another portal: its cases are not to be read, and an
// idempotency key is new. Whoever renames the file hears it with the reload, once.
func TestRenamedPortal(t *testing.T) {
	dir := folder(t, nil)
	live := config.NewLive(source(dir), mustLoadDir(t, dir))
	if err := os.Rename(filepath.Join(dir, "portals", "buergerportal.yaml"), filepath.Join(dir, "portals", "serviceportal.yaml")); err != nil {
		t.Fatal(err)
	}
	reload := func() string {
		t.Helper()
		snap, found := live.Reload(func(*config.Snapshot) error { return nil })
		if found.HasErrors() || snap.Portals["serviceportal"] == nil {
			t.Fatalf("not in force: %s", lines(found))
		}
		return lines(found)
	}
	if got := reload(); !strings.Contains(got, "portals/buergerportal.yaml: warning: is gone") {
		t.Errorf("the reload says: %q", got)
	}
	if got := reload(); got != "" {
		t.Errorf("the second one says: %q", got)
	}
}

func mustLoadDir(t *testing.T, dir string) *config.Snapshot {
	t.Helper()
	snap, found := config.Load(source(dir))
	if snap == nil {
		t.Fatal(lines(found))
	}
	return snap
}
