package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// closeCase ends deliveries that will not be sent.
func (p *Program) closeCase() *cobra.Command {
	var f filterFlags
	var why string
	var dry bool
	cmd := &cobra.Command{
		Use:   "close [ID...]",
		Short: "End a delivery that is not under way, or a damaged case, with a reason",
		Long: `End deliveries that were dealt with on another way, or are no longer wanted.
NUMBER/N is one delivery that is parked, waits or is due: also one of a system that
is gone. NUMBER alone is all parked ones of the case, or the case itself where it
was parked before it was planned, or is damaged: then nothing more of it is sent.

What waits for a closed delivery goes on, for that one was dealt with on another
way. A payment is different: what waits for it is closed with it, for only what is
paid is handled. Paid at the counter? Then let the parts go on that should:
stellwerk replay NUMBER/N --anew --reason …

Instead of ids, flags choose what is parked: --dry-run says how many that are.
With --delivery-state and --system also what is pending, waiting or awaiting there.
What is damaged is closed by its number only.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == f.empty() {
				return wrongUsage("name the deliveries, or choose them by flags such as --system, --parked-as or --since")
			}
			if why == "" && !dry {
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
				return p.closeMany(cmd.Context(), c, &f, why, dry)
			}
			return p.each(args, "closed", func(arg string) (out []outcome, err error) {
				s, chosen, err := chosenBy(cmd.Context(), c, arg, hub.DeliveryParked)
				if err != nil {
					return nil, err
				}
				unplanned := len(s.Deliveries) == 0 && s.State == hub.SubmissionParked
				if unplanned || s.State == hub.SubmissionDamaged && !namesDelivery(arg) {
					after, err := c.CloseSubmission(cmd.Context(), s.ID.String(), why)
					if err != nil {
						return nil, fmt.Errorf("%s: %w", s.Number, err)
					}
					return []outcome{{Name: s.Number, Result: after}}, nil
				}
				for _, d := range chosen {
					after, err := c.Close(cmd.Context(), d.ID, why)
					if err != nil {
						return out, fmt.Errorf("%s: %w", name(s, d), err)
					}
					out = append(out, outcome{Name: name(s, d), Delivery: d.ID, Result: after})
				}
				if len(out) == 0 {
					return nil, noneParked(s)
				}
				return out, nil
			})
		},
	}
	f.add(cmd, "state", "reason")
	cmd.Flags().StringVar(&f.reason, "parked-as", "", "only what is parked as refused, unclear, exhausted, unmapped or refund")
	cmd.Flags().StringVar(&why, "reason", "", "why, for the audit trail")
	cmd.Flags().BoolVar(&dry, "dry-run", false, "only count what the flags choose")
	cmd.Flags().IntVar(&f.limit, "limit", 1000, "at most so many in one go")
	return cmd
}

func (p *Program) closeMany(ctx context.Context, c *admin.Client, f *filterFlags, why string, dry bool) error {
	filter, err := f.filter(p)
	if err != nil {
		return err
	}
	filter.Limit = 0
	o, err := c.CloseMany(ctx, admin.CloseMany{Reason: why, Filter: filter, DryRun: dry, Limit: f.limit})
	if err != nil {
		return err
	}
	return p.printOrder(&o, "closed", dry, f.limit)
}

// namesDelivery reports whether a reference that can be read has an ordinal.
func namesDelivery(arg string) bool {
	r, err := parseRef(arg)
	return err == nil && r.ordinal > 0
}

// mend takes damaged cases back after their record was restored.
func (p *Program) mend() *cobra.Command {
	return p.forReason("mend NUMBER...", "Take a damaged case back after its record was restored",
		`Take a damaged case back after its record was restored from the backup. The hub
checks every record first, by seal and SHA-256, and names what is still damaged.
Then the case goes on where it stood: what was due is due again.

What cannot be restored is ended with close NUMBER --reason ….`, "mended",
		func(ctx context.Context, c *admin.Client, id, why string) (admin.Submission, error) {
			return c.Mend(ctx, id, why)
		})
}
