package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What cannot be sent is the caller's to mend, and no hub that is away; and the
// portal's key goes to no other machine in clear.
func TestSubmitRefusesBeforeItSends(t *testing.T) {
	c := newConsole(t, nil)
	c.env["STELLWERK_PORTAL_KEY"] = "swp_a_b"
	dir := t.TempDir()
	file := filepath.Join(dir, "a.xml")
	if err := os.WriteFile(file, []byte("<a/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	push := []string{"submit", file, "--municipality", "05999040", "--service", "hundeanmeldung"}
	here := []string{"--portals", c.env["STELLWERK_HUB"]}
	for says, flags := range map[string][]string{
		"--attach: " + dir + " is a folder":                        append(here, "--attach", dir),
		"--attach: open " + file + "x":                             append(here, "--attach", file+"x"),
		"--idempotency-key: ":                                      append(here, "--idempotency-key", "a\x1b[31m"),
		`--portals: "nowhere" is not an address`:                   {"--portals", "nowhere"},
		"--portals: portal.example is another machine; its key mu": {"--portals", "http://portal.example"},
	} {
		c.run(exitUsage, append(push, flags...)...)
		if !strings.Contains(c.errorText(), says) {
			t.Errorf("%v says %q, want %q", flags, c.errorText(), says)
		}
	}
	if len(c.asked) > 0 {
		t.Errorf("it was sent all the same: %v", c.asked)
	}
	c.run(exitUsage, "load", "--submit-only", "--target", "http://portal.example", "--portal-key", "swp_a_b", "--count", "1")
}
