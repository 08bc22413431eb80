package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// closeCase ends deliveries that will not be sent.
func (p *Program) closeCase() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "close ID...",
		Short: "End a parked or waiting delivery with a reason",
		Long: `End deliveries that were dealt with on another way, or are no longer wanted.
NUMBER/N is one delivery; NUMBER alone is all parked ones of the case, or the
case itself where it was parked before it was planned.`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why == "" {
				return wrongUsage("--reason is needed: it stands in the audit trail")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			return p.each(args, "closed", func(arg string) (out []outcome, err error) {
				s, chosen, err := chosenBy(cmd.Context(), c, arg, hub.DeliveryParked)
				if err != nil {
					return nil, err
				}
				if len(s.Deliveries) == 0 && s.State == hub.SubmissionParked {
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
					return nil, &admin.Problem{Status: 409, Code: admin.CodeState, Detail: s.Number + " has no parked delivery; name the one that is meant: " + s.Number + "/N"}
				}
				return out, nil
			})
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why, for the audit trail")
	return cmd
}
