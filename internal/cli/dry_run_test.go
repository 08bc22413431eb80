package cli

import (
	"os"
	"path/filepath"
	"testing"

	"stellwerk/internal/web/admin"
)

// The folder that --out names is made, as a person expects who writes it.
func TestDryRunMakesItsFolder(t *testing.T) {
	c := newConsole(t, map[string]any{"POST /admin/v1/renderings": admin.Renderings{Documents: []admin.Rendered{
		{Role: "finance", System: "kasse", Mapping: "a.yaml", Name: "a.json", ContentType: "application/json", Body: []byte("{}")},
	}}})
	dir := t.TempDir()
	file, out := filepath.Join(dir, "a.xml"), filepath.Join(dir, "new", "documents")
	if err := os.WriteFile(file, []byte("<a/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.run(0, "submit", file, "--municipality", "05999040", "--service", "hundeanmeldung", "--dry-run", "--out", out)
	if got, err := os.ReadFile(filepath.Join(out, "1-finance-a.json")); err != nil || string(got) != "{}" {
		t.Errorf("the document is %q (%v)", got, err)
	}
	c.run(exitFailed, "submit", file, "--municipality", "05999040", "--service", "hundeanmeldung", "--dry-run", "--out", file)
}
