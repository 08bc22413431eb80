package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// hold keeps cases from being deleted.
func (p *Program) hold() *cobra.Command {
	return p.forReason("hold NUMBER...", "Keep a case from being deleted: a legal hold",
		`Keep a case from being deleted, whatever the retention says and anybody orders,
until it is released: a lawsuit, an audit. list --held shows all of them.`, "is held",
		func(ctx context.Context, c *admin.Client, id, why string) (admin.Submission, error) {
			return c.Hold(ctx, id, why)
		})
}

// release lifts holds.
func (p *Program) release() *cobra.Command {
	return p.forReason("release NUMBER...", "Lift a legal hold",
		`Lift a legal hold. From then on the retention counts again, and what is overdue is
deleted with its next run.`, "is released",
		func(ctx context.Context, c *admin.Client, id, why string) (admin.Submission, error) {
			return c.Release(ctx, id, why)
		})
}

// forReason is a command that does something to cases as a whole, for a reason.
func (p *Program) forReason(use, short, long, done string, do func(context.Context, *admin.Client, string, string) (admin.Submission, error)) *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use: use, Short: short, Long: long, Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why == "" {
				return wrongUsage("--reason is needed: it stands in the audit trail")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			return p.each(args, done, func(arg string) ([]outcome, error) {
				r, err := parseRef(arg)
				if err != nil {
					return nil, err
				}
				if r.ordinal > 0 {
					return nil, wrongUsage("that is for a case as a whole: give its number without /%d", r.ordinal)
				}
				after, err := do(cmd.Context(), c, r.submission, why)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", arg, err)
				}
				return []outcome{{Name: after.Number, Result: after}}, nil
			})
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why, for the audit trail")
	return cmd
}
