package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// loadOptions say what the load test does.
type loadOptions struct {
	count, clients, documents int
	first                     int
	goOn                      bool // begin behind what the partners know already
	before                    int  // documents that the partners had before the first push
	rate                      float64
	patience, settle          time.Duration
	ledger                    string
	sync                      bool
	dir                       string
	target, portalKey         string
	control                   string
	municipality              string
	submitOnly, verifyOnly    bool
	acceptOnly                bool
}

// load is a two-phase load test.
func (p *Program) load() *cobra.Command {
	var o loadOptions
	cmd := &cobra.Command{
		Use:   "load",
		Short: "Push submissions, then ask the partners what arrived",
		Long: `A load test in two phases. The first pushes submissions and writes down what the
hub acknowledged. The second asks the simulated partners, never the hub, what has
arrived, and reports what was lost, delivered twice or altered.

Without --target it starts a throw-away hub, a process of its own, and partners.
With --target and --control it uses running ones; with --submit-only and
--verify-only the phases run apart, over the same --ledger. The partners may be
those of a demo, which know a submission by a word in its documents. A push that fails is
repeated with its idempotency key for as long as --patience says, so the hub may
be killed and restarted meanwhile.

Latency is the time from a push's turn to its 202: with --rate, a hub that stalls
is charged for the pushes that had to wait.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			o.goOn = !cmd.Flags().Changed("first")
			return p.runLoad(cmd.Context(), &o)
		},
	}
	f := cmd.Flags()
	f.IntVar(&o.count, "count", 10_000, "how many submissions")
	f.IntVar(&o.first, "first", 1, "number of the first one; with --control it goes on behind those that the partners have, else a later run over the same journal must say so")
	f.Float64Var(&o.rate, "rate", 0, "submissions a second; 0 means flat out")
	f.IntVar(&o.clients, "clients", 64, "pushes at once")
	f.IntVar(&o.documents, "documents", 3, "documents that each submission causes")
	f.DurationVar(&o.patience, "patience", 30*time.Second, "how long a push is repeated before it counts as failed")
	f.DurationVar(&o.settle, "settle", 30*time.Second, "how long the partners may get nothing new before the count is taken")
	f.StringVar(&o.ledger, "ledger", "", "file for what was acknowledged; a temporary one where none is given")
	f.BoolVar(&o.sync, "sync", false, "sync the ledger at every acknowledgement")
	f.StringVar(&o.dir, "dir", "", "folder of the throw-away hub, kept; a temporary one where none is given")
	f.StringVar(&o.target, "target", "", "address of a running hub's portals' API")
	f.StringVar(&o.portalKey, "portal-key", "", "with --target: the portal's key: file:PATH or env:NAME")
	f.StringVar(&o.control, "control", "", "with --target: address of the partners' control API")
	f.StringVar(&o.municipality, "municipality", sampleMunicipality, "AGS to submit to")
	f.BoolVar(&o.submitOnly, "submit-only", false, "only the first phase")
	f.BoolVar(&o.verifyOnly, "verify-only", false, "only the second phase, over an earlier --ledger")
	f.BoolVar(&o.acceptOnly, "accept-only", false, "the throw-away hub accepts and delivers nothing: the cost of an accept")
	return cmd
}

func (o *loadOptions) check() error {
	switch {
	case o.count < 1 || o.clients < 1 || o.documents < 1 || o.rate < 0 || o.first < 1:
		return wrongUsage("--count, --clients, --documents and --first are at least 1, --rate is not negative")
	case o.first+o.count > maxSerial:
		return wrongUsage("--first and --count may reach %d together", maxSerial)
	case o.submitOnly && o.verifyOnly:
		return wrongUsage("--submit-only and --verify-only exclude each other")
	case o.verifyOnly && (o.ledger == "" || o.control == ""):
		return wrongUsage("--verify-only needs --ledger and --control")
	case o.target != "" && (o.dir != "" || o.acceptOnly):
		return wrongUsage("--dir and --accept-only are for the throw-away hub, --target names another one")
	case o.target != "" && !o.submitOnly && o.control == "":
		return wrongUsage("--target needs --control, or --submit-only")
	case o.target == "" && !o.verifyOnly && o.control != "":
		return wrongUsage("--control belongs to --target")
	}
	return nil
}

// runLoad runs the phases that were asked for and says what came out.
func (p *Program) runLoad(ctx context.Context, o *loadOptions) (err error) {
	if o.ledger != "" && o.target == "" && !o.verifyOnly {
		if f, err := os.Stat(o.ledger); err == nil && f.Size() > 0 {
			return wrongUsage("--ledger: %s holds what an earlier run acknowledged, and the partners of a throw-away hub are new: name another file", o.ledger)
		}
	}
	if o.ledger == "" {
		f, err := os.CreateTemp("", "stellwerk-load-*.ledger")
		if err != nil {
			return fmt.Errorf("make a ledger: %w", err)
		}
		o.ledger = f.Name()
		defer func() { _ = os.Remove(f.Name()) }()
		if err := f.Close(); err != nil {
			return fmt.Errorf("make a ledger: %w", err)
		}
	}
	report := &loadReport{OK: true}
	var hub *throwaway
	if o.target == "" && !o.verifyOnly {
		if hub, err = p.startThrowaway(ctx, o); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, hub.close()) }()
		o.target, o.portalKey, o.control = hub.portals, hub.portalKey, hub.control
	} else if !o.verifyOnly && !strings.HasPrefix(o.portalKey, "swp_") {
		if o.portalKey == "" {
			return wrongUsage("--portal-key is needed with --target")
		}
		if o.portalKey, err = p.reveal("--portal-key", o.portalKey); err != nil {
			return err
		}
	}
	if hub == nil && !o.verifyOnly && o.control != "" {
		if err := o.lookBefore(ctx); err != nil {
			return err
		}
	}
	if !o.verifyOnly {
		if err := p.pushAll(ctx, o, report); err != nil {
			return err
		}
	}
	if !o.submitOnly && !o.acceptOnly {
		if err := p.verify(ctx, o, report); err != nil {
			return err
		}
	}
	if hub != nil {
		report.Memory = hub.memory()
	}
	return p.reportLoad(report)
}

// temporaryOr gives the folder to work in and what removes it.
func temporaryOr(dir string) (string, func() error, error) {
	if dir != "" {
		return dir, func() error { return nil }, nil
	}
	t, err := os.MkdirTemp("", "stellwerk-load-")
	if err != nil {
		return "", nil, fmt.Errorf("make a folder: %w", err)
	}
	return filepath.Join(t, "musterstadt"), func() error { return os.RemoveAll(t) }, nil
}
