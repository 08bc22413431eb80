package cli

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// outcome is what became of an order on one delivery or case, for JSON.
type outcome struct {
	Name     string           `json:"name"`
	Delivery hub.ID           `json:"delivery,omitzero"`
	Result   admin.Submission `json:"submission"`
}

// replay puts deliveries back.
func (p *Program) replay() *cobra.Command {
	var f filterFlags
	var order admin.Replay
	var dry bool
	cmd := &cobra.Command{
		Use:   "replay [ID...]",
		Short: "Put parked deliveries back: the same bytes, or mapped anew",
		Long: `Put deliveries back: the same bytes again, or with --anew mapped by today's
configuration. NUMBER/N is one delivery; NUMBER alone is all parked ones of the
case, or the case itself where it was parked before it was planned.

Instead of ids, flags choose what is parked: --dry-run says how many that are.
What was delivered already is put back with --force only, and what an earlier case
holds back goes ahead of it with --force.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == f.empty() {
				return wrongUsage("name the deliveries, or choose them by flags such as --system, --parked-as or --since")
			}
			if order.Reason == "" && !dry {
				return wrongUsage("--reason is needed: it stands in the audit trail")
			}
			if dry && len(args) > 0 {
				return wrongUsage("--dry-run counts what flags choose; it takes no ids")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				return p.replayMany(cmd.Context(), c, &f, order, dry)
			}
			return p.each(args, "put back", func(arg string) (outcomes []outcome, err error) {
				return replayCase(cmd.Context(), c, arg, order)
			})
		},
	}
	f.add(cmd, "state", "reason")
	cmd.Flags().StringVar(&f.reason, "parked-as", "", "only what is parked as refused, unclear, exhausted or unmapped")
	cmd.Flags().BoolVar(&order.Anew, "anew", false, "map anew with today's configuration")
	cmd.Flags().BoolVar(&order.Force, "force", false, "also what was delivered: the system gets it a second time")
	cmd.Flags().StringVar(&order.Reason, "reason", "", "why, for the audit trail")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count what the flags choose")
	cmd.Flags().IntVar(&f.limit, "limit", 1000, "at most so many in one go")
	return cmd
}

// replayCase carries out an order on what a reference names.
func replayCase(ctx context.Context, c *admin.Client, arg string, order admin.Replay) ([]outcome, error) {
	s, chosen, err := chosenBy(ctx, c, arg, hub.DeliveryParked)
	if err != nil {
		return nil, err
	}
	if len(chosen) == 0 && s.State == hub.SubmissionParked {
		after, err := c.Reopen(ctx, s.ID.String(), order.Reason)
		return []outcome{{Name: s.Number, Result: after}}, err
	}
	var out []outcome
	for _, d := range chosen {
		after, err := c.Replay(ctx, d.ID, order)
		if err != nil {
			return out, fmt.Errorf("%s: %w", name(s, d), err)
		}
		out = append(out, outcome{Name: name(s, d), Delivery: d.ID, Result: after})
	}
	if len(out) == 0 {
		return nil, noneParked(s)
	}
	return out, nil
}

// noneParked is the complaint about a case that was named as a whole and has nothing
// that is parked.
func noneParked(s *admin.Submission) error {
	if err := gone(s); err != nil {
		return err
	}
	return &admin.Problem{Status: 409, Code: admin.CodeState, Detail: s.Number + " has no parked delivery; name the one that is meant: " + s.Number + "/N"}
}

// chosenBy gives the deliveries a reference names: the one with its ordinal, or
// all that are in one of the states.
func chosenBy(ctx context.Context, c *admin.Client, arg string, states ...hub.DeliveryState) (*admin.Submission, []*admin.Delivery, error) {
	r, err := parseRef(arg)
	if err != nil {
		return nil, nil, err
	}
	s, err := c.Submission(ctx, r.submission)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", arg, err)
	}
	if r.ordinal > 0 {
		d, err := pick(&s, r.ordinal)
		return &s, []*admin.Delivery{d}, err
	}
	var chosen []*admin.Delivery
	for i := range s.Deliveries {
		for _, state := range states {
			if s.Deliveries[i].State == state {
				chosen = append(chosen, &s.Deliveries[i])
			}
		}
	}
	return &s, chosen, nil
}

// each carries an order out for every argument and ends at the first that fails:
// what was done is told before. Nothing is done where one is written wrong.
func (p *Program) each(args []string, done string, run func(arg string) ([]outcome, error)) error {
	for _, arg := range args {
		if _, err := parseRef(arg); err != nil {
			return err
		}
	}
	all := []outcome{}
	var failed error
	for _, arg := range args {
		out, err := run(arg)
		all = append(all, out...)
		if !p.json {
			for _, o := range out {
				p.say("%s %s; the case is %s", o.Name, done, o.Result.State)
			}
		}
		if err != nil {
			failed = err
			break
		}
	}
	if p.json && (failed == nil || len(all) > 0) {
		if err := p.emit(struct {
			Done []outcome `json:"done"`
		}{all}); err != nil {
			return err
		}
	}
	return failed
}

func (p *Program) replayMany(ctx context.Context, c *admin.Client, f *filterFlags, order admin.Replay, dry bool) error {
	filter, err := f.filter(p)
	if err != nil {
		return err
	}
	filter.Limit = 0
	o, err := c.ReplayMany(ctx, admin.ReplayMany{Replay: order, Filter: filter, DryRun: dry, Limit: f.limit})
	if err != nil {
		return err
	}
	return p.printOrder(&o, "put back", dry, f.limit)
}

// printOrder says what became of an order on several deliveries.
func (p *Program) printOrder(o *admin.Order, done string, dry bool, limit int) error {
	if p.json {
		if err := p.emit(o); err != nil {
			return err
		}
	} else if dry {
		p.say("%d would be %s", o.Matched-len(o.Refused), done)
		p.sayRefused(o.Refused)
		if o.More {
			p.say("that is more than --limit %d: as many go in one call", limit)
		}
	} else {
		p.say("%d %s", o.Done, done)
		p.sayRefused(o.Refused)
		if o.More {
			p.say("there are more: call again")
		}
	}
	if len(o.Refused) > 0 {
		return errFindings
	}
	return nil
}

// sayRefused names what an order was not carried out on. For many that have the same in
// their way that is said once, with some of them; --json has each.
func (p *Program) sayRefused(all []admin.Refusal) {
	const some = 5
	var details []string
	names := make(map[string][]string)
	for _, r := range all {
		name := r.Number
		if n := r.Delivery.Ordinal(); n > 0 {
			name += "/" + strconv.Itoa(n)
		}
		if names[r.Detail] == nil {
			details = append(details, r.Detail)
		}
		names[r.Detail] = append(names[r.Detail], name)
	}
	for _, detail := range details {
		of := names[detail]
		if len(of) > some {
			p.say("  %d refused, such as %s: %s", len(of), strings.Join(of[:some], ", "), detail)
			continue
		}
		for _, name := range of {
			p.say("  %s: %s", name, detail)
		}
	}
}
