package cli

import (
	"encoding/json"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stellwerk/internal/web/admin"
)

// A hub whose certificate a private authority has signed is reached with --ca only.
func TestPrivateAuthority(t *testing.T) {
	hub := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(admin.Systems{}); err != nil {
			t.Error(err)
		}
	}))
	hub.Config.ErrorLog = log.New(io.Discard, "", 0)
	hub.StartTLS()
	defer hub.Close()
	dir := t.TempDir()
	ca, other := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "none.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: hub.Certificate().Raw})
	for file, content := range map[string][]byte{ca: block, other: []byte("no certificate")} {
		if err := os.WriteFile(file, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := newConsole(t, nil)
	c.env["STELLWERK_HUB"] = hub.URL
	c.run(5, "systems")
	if !strings.Contains(c.errorText(), "--ca FILE") {
		t.Errorf("no remedy: %s", c.errorText())
	}
	c.run(0, "systems", "--ca", ca)
	c.env["STELLWERK_CA"] = ca
	c.run(0, "systems")
	c.run(2, "systems", "--ca", other)
	c.run(2, "systems", "--ca", filepath.Join(dir, "absent.pem"))
}

func TestProbeAll(t *testing.T) {
	c := newConsole(t, map[string]any{
		"GET /admin/v1/systems":              admin.Systems{Systems: []admin.System{{Name: "akte", Kind: "rest"}, {Name: "kasse", Kind: "folder"}, {Name: "alt", Gone: true}}},
		"POST /admin/v1/systems/akte/probe":  admin.Probe{System: "akte", OK: true, Milliseconds: 12.3},
		"POST /admin/v1/systems/kasse/probe": admin.Probe{System: "kasse", Error: "no such folder"},
	})
	got := c.run(3, "systems", "probe", "--all")
	if !strings.Contains(got, "akte    rest    12.3  answers\n") || !strings.Contains(got, "no such folder") || strings.Contains(got, "alt") {
		t.Errorf("got\n%s", got)
	}
	c.run(3, "systems", "probe", "kasse")
	c.run(0, "systems", "probe", "akte")
	c.run(2, "systems", "probe")
	c.run(2, "systems", "probe", "akte", "--all")
}

// A key travels in clear within this machine only; a server that listens everywhere is
// on it, too.
func TestAddressesOfThisMachine(t *testing.T) {
	for base, here := range map[string]bool{
		"http://127.0.0.1:8080": true, "http://[::1]:8080": true, "http://localhost": true, "http://[::]:8080": true, "http://0.0.0.0:8080": true,
		"http://10.0.0.5:8080": false, "http://hub.example": false, "https://hub.example": true, "ftp://127.0.0.1": false, "127.0.0.1:8080": false,
	} {
		if err := checkAddress("--portals", base, "http://127.0.0.1:8080"); (err == nil) != here {
			t.Errorf("%s: %v", base, err)
		}
	}
}

// An order whose answer is lost may have been carried out; it is not told as if nobody
// were there.
func TestAnswerLost(t *testing.T) {
	hub := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			t.Error(err)
		}
		panic(http.ErrAbortHandler)
	}))
	defer hub.Close()
	c := newConsole(t, nil)
	c.env["STELLWERK_HUB"] = hub.URL
	c.run(exitUnreachable, "replay", "--system", "kasse", "--reason", "T")
	if got := c.errorText(); !strings.Contains(got, "stays done") || strings.Contains(got, "is it running") {
		t.Errorf("an order: %s", got)
	}
	for _, question := range []string{"systems", "parked", "list"} {
		c.run(exitUnreachable, question)
		if got := c.errorText(); !strings.Contains(got, "is it running") {
			t.Errorf("%s: %s", question, got)
		}
	}
	hub.Close()
	c.run(exitUnreachable, "replay", "--system", "kasse", "--reason", "T")
	if got := c.errorText(); !strings.Contains(got, "is it running") {
		t.Errorf("nobody there: %s", got)
	}
}
