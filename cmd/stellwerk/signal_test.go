//go:build unix

package main

import (
	"bytes"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Whoever has just started the hub may ask for a reload at once, as tools that keep a
// machine's configuration do. It is no reason to end, and for systemd such an end would
// be a clean one, after which nothing is started again.
func TestHangUpWhileTheHubStarts(t *testing.T) {
	c := newCrashTown(t, build(t))
	cmd := exec.Command(c.bin, "serve", "--dir", c.dir)
	var out bytes.Buffer
	cmd.Stderr = &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	begun := false
	for {
		select {
		case err := <-ended:
			t.Fatalf("the hub ended: %v\n%s", err, out.String())
		case <-tick.C:
		}
		if _, err := os.Stat(filepath.Join(c.dir, "data", "stellwerk.lock")); err == nil {
			begun = true
			if err := cmd.Process.Signal(syscall.SIGHUP); err != nil {
				t.Fatal(err)
			}
		}
		if resp, err := http.Get(c.url + "/livez"); err == nil {
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			break
		}
	}
	if !begun {
		t.Fatal("it was ready before it was asked for a reload: that proves nothing")
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	for {
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the hub did not stop in order: %v\n%s", err, out.String())
			}
			return
		case <-tick.C: // and while it stops
			_ = cmd.Process.Signal(syscall.SIGHUP) // it may have ended meanwhile
		}
	}
}

// Whoever reads the log may go away: the hub goes on.
func TestNobodyReadsTheLog(t *testing.T) {
	c := newCrashTown(t, build(t))
	hub := filepath.Join(c.dir, "stellwerk.yaml")
	quiet, err := os.ReadFile(hub)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hub, bytes.ReplaceAll(quiet, []byte("level: warn"), []byte("level: info")), 0o600); err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(c.bin, "serve", "--dir", c.dir)
	cmd.Stderr = w
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	defer func() { _ = cmd.Process.Kill() }()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	end := time.Now().Add(20 * time.Second)
	for refused := 0; refused < 5; { // and the start has its lines in the log
		select {
		case err := <-ended:
			t.Fatalf("the hub ended with its log: %v", err)
		case <-tick.C:
		}
		if resp, err := http.Post(c.url+"/v1/submissions", "application/json", nil); err == nil {
			if err := resp.Body.Close(); err != nil {
				t.Fatal(err)
			}
			refused++
		}
		if time.Now().After(end) {
			t.Fatal("the hub does not answer")
		}
	}
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := <-ended; err != nil {
		t.Errorf("the hub did not stop in order: %v", err)
	}
}
