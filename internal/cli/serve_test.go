package cli

import (
	"bytes"
	"context"
	"log/slog"
	"net"
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
	if err := c.runHub(ctx, opts, snap); err != nil {
		t.Fatal(err)
	}
	stopping, stopped := strings.Index(log.String(), "msg=stopping"), strings.Index(log.String(), "msg=stopped")
	if stopping < 0 || stopped < stopping {
		t.Errorf("the log says\n%s", log.String())
	}
}
