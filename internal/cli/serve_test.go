package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stellwerk/internal/app"
)

// The log says that the hub stops and that it has.
func TestStopIsLogged(t *testing.T) {
	f, err := prepareSample(filepath.Join(t.TempDir(), "town"))
	if err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, nil)
	snap, err := c.snapshot(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	opts := app.Options{Dir: f.dir, Version: "test", Log: slog.New(slog.NewTextHandler(&log, nil)), NoDelivery: true}
	for _, l := range []*net.Listener{&opts.PortalsListener, &opts.AdminListener} {
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.runHub(ctx, nil, opts, snap); err != nil {
		t.Fatal(err)
	}
	stopping, stopped := strings.Index(log.String(), "msg=stopping"), strings.Index(log.String(), "msg=stopped")
	if stopping < 0 || stopped < stopping {
		t.Errorf("the log says\n%s", log.String())
	}
}

// What a reload finds stands in the log, each finding by itself: whoever sent the
// signal reads nothing else.
func TestReloadFindingsAreLogged(t *testing.T) {
	f, err := prepareSample(filepath.Join(t.TempDir(), "town"))
	if err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	a, err := app.New(t.Context(), app.Options{Dir: f.dir, Log: slog.New(slog.NewTextHandler(&log, nil)), NoDelivery: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	if err := os.WriteFile(filepath.Join(f.dir, "portals", "kaputt.yaml"), []byte("nmae: x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	findings, err := a.Reload(t.Context(), "signal")
	if err != nil || !findings.HasErrors() {
		t.Fatalf("found %v, %v", findings, err)
	}
	for _, f := range findings {
		if !strings.Contains(log.String(), strings.Split(f.String(), `"`)[0]) {
			t.Errorf("%s is missing in the log\n%s", f, log.String())
		}
	}
}
