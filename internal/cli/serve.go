package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"github.com/spf13/cobra"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
)

// serve runs a hub until it is told to stop.
func (p *Program) serve() *cobra.Command {
	var noDelivery bool
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the hub",
		Long: `Run the hub on the operator's folder. SIGHUP reads the configuration anew, SIGTERM
and SIGINT stop it: what is under way comes to its end, within the configured time.`,
		Args: usage(cobra.NoArgs),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		hup := hangUps()
		signal.Ignore(syscall.SIGPIPE) // whoever reads the log may go away: cases are worth more than lines
		snap, err := p.snapshot(*dir)
		if err != nil {
			return err
		}
		tuneMemory(p.LookupEnv)
		return p.runHub(cmd.Context(), hup, app.Options{Dir: *dir, Version: p.Version, Log: logger(p.Err, snap.Hub.Log), NoDelivery: noDelivery}, snap)
	}
	cmd.Flags().BoolVar(&noDelivery, "no-delivery", false, "accept and keep, but plan and send nothing: for measuring")
	return cmd
}

// hangUps gives what asks for a reload, to the end of the process: a SIGHUP that comes
// while the hub starts waits until it can be served, and one that comes while it stops
// does not cut it off.
func hangUps() <-chan os.Signal {
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	return hup
}

// runHub starts a hub, waits for its end and stops it.
func (p *Program) runHub(ctx context.Context, hup <-chan os.Signal, opts app.Options, snap *config.Snapshot) error {
	a, err := app.New(ctx, opts)
	if err != nil {
		return err
	}
	err = a.Start(ctx)
	if err == nil {
		err = attend(ctx, hup, a, func(config.Findings, error) {}) // the log has them
	}
	// ctx has ended by now; the stop has a time of its own.
	opts.Log.Info("stopping", "within", snap.Hub.Timeouts.Stop.String())
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), snap.Hub.Timeouts.Stop)
	defer cancel()
	err = errors.Join(err, a.Stop(stop))
	opts.Log.Info("stopped")
	return err
}

// attend serves SIGHUP until the hub is told to stop, or fails from inside. told is
// called with what a reload found.
func attend(ctx context.Context, hup <-chan os.Signal, a *app.App, told func(config.Findings, error)) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case err := <-a.Failed():
			return fmt.Errorf("the hub stopped: %w", err)
		case <-hup:
			told(a.Reload(ctx, "signal"))
		}
	}
}

// logger writes what the hub has to tell, as the operator wants it.
func logger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo // the configuration was checked
	}
	opts := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(w, opts))
	}
	return slog.New(slog.NewJSONHandler(w, opts))
}

// memory is what Go's heap may take before the collector works harder. The store's
// page cache and the connections come on top.
const memory = 160 << 20

// tuneMemory trades memory for speed up to a limit: the collector runs a quarter as
// often as by default while the heap is small. GOGC and GOMEMLIMIT say otherwise.
func tuneMemory(env func(string) (string, bool)) {
	if _, set := env("GOGC"); !set {
		debug.SetGCPercent(400)
	}
	if _, set := env("GOMEMLIMIT"); !set {
		debug.SetMemoryLimit(memory)
	}
}
