package cli

import (
	"io"
	"net/http"
	"net/http/httptest"
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

// The portal's key and the citizen's form are for the address that was given, and not
// for one that it names.
func TestPortalsAddressIsNotLedElsewhere(t *testing.T) {
	led := 0
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { led++ }))
	defer other.Close()
	file := filepath.Join(t.TempDir(), "a.xml")
	if err := os.WriteFile(file, []byte("<a/>"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect} {
		portals := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // or the client may see the hanging up first
			http.Redirect(w, r, other.URL+r.URL.Path, status)
		}))
		defer portals.Close()
		c := newConsole(t, nil)
		c.env["STELLWERK_PORTAL_KEY"] = "swp_a_b"
		for _, args := range [][]string{
			{"submit", file, "--municipality", "05999040", "--service", "hundeanmeldung"},
			{"enter", "hundeanmeldung", "--municipality", "05999040", "--clerk", "Brandt"},
		} {
			c.run(exitUnreachable, append(args, "--portals", portals.URL)...)
			if led > 0 || !strings.Contains(c.errorText(), "not as the portals' API does") {
				t.Errorf("%d %s: led on %d times, says %q", status, args[0], led, c.errorText())
			}
		}
	}
}
