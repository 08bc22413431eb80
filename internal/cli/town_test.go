package cli

import (
	"context"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/app"
	"stellwerk/internal/sim"
)

// openTown is a console on a running hub with the sample folder and its partners.
// The consent of a push must not lie in the future, so its clock is the real one.
func openTown(t *testing.T) (*console, *sampleFolder) {
	t.Helper()
	f, err := prepareSample(filepath.Join(t.TempDir(), "town"))
	if err != nil {
		t.Fatal(err)
	}
	town, err := sim.Start(t.Context(), sim.Options{Dir: f.data("partners"), Mark: loadMark})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := f.pointAt(town); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, nil)
	c.Now = time.Now
	c.control = town.Control
	c.open(f.dir, "file:"+f.operatorKeyFile())
	return c, f
}

// open starts a hub on a folder and points the console at it.
func (c *console) open(dir, key string) {
	c.t.Helper()
	opts := app.Options{Dir: dir, Version: "test", Log: slog.New(slog.NewTextHandler(io.Discard, nil))}
	for _, l := range []*net.Listener{&opts.PortalsListener, &opts.AdminListener} {
		var err error
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			c.t.Fatal(err)
		}
	}
	a, err := app.New(c.t.Context(), opts)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() {
		stop, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := a.Stop(stop); err != nil {
			c.t.Error(err)
		}
	})
	if err := a.Start(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
	c.env["STELLWERK_HUB"], c.env["STELLWERK_KEY"] = a.AdminURL(), key
	c.portals = a.PortalsURL()
}

// settled waits until a case has come to its end, and gives what show says.
func (c *console) settled(number string) string {
	c.t.Helper()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if got := c.run(0, "show", number, "--json"); strings.Contains(got, `"state": "settled"`) {
			return got
		}
		select {
		case <-tick.C:
		case <-end.C:
			c.t.Fatalf("%s does not settle:\n%s", number, c.run(0, "trace", number))
		}
	}
}
