package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// withdraw takes cases back for the citizen.
func (p *Program) withdraw() *cobra.Command {
	var why string
	cmd := &cobra.Command{
		Use:   "withdraw NUMBER...",
		Short: "Take a case back for the citizen: what has not left is not sent",
		Long: `Take a case back for the citizen. What has not left is closed, what is being
sent comes to its end, and the answer names who has the document already. Once
more changes nothing. A case of which everything has left is refused.`,
		Args: usage(cobra.MinimumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why == "" {
				return wrongUsage("--reason is needed: it stands in the audit trail")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			return p.each(args, "withdrawn", func(arg string) ([]outcome, error) {
				r, err := parseRef(arg)
				if err != nil {
					return nil, err
				}
				if r.ordinal > 0 {
					return nil, wrongUsage("a case is withdrawn as a whole: give its number without /%d; one delivery is ended by close", r.ordinal)
				}
				after, err := c.Withdraw(cmd.Context(), r.submission, why)
				if err != nil {
					return nil, fmt.Errorf("%s: %w", arg, err)
				}
				if !p.json {
					p.withdrawal(&after)
				}
				return []outcome{{Name: after.Number, Result: after}}, nil
			})
		},
	}
	cmd.Flags().StringVar(&why, "reason", "", "why, for the audit trail")
	return cmd
}

// withdrawal says who has the document, who gets nothing, and what is open.
func (p *Program) withdrawal(s *admin.Submission) {
	w := s.Withdrawal
	if w == nil {
		return
	}
	for _, line := range []struct {
		what  string
		roles []string
	}{{"have it already", w.Left}, {"get nothing", w.Cancelled}, {"are being looked at", w.Open}} {
		if len(line.roles) > 0 {
			p.say("%s: %s", line.what, strings.Join(line.roles, ", "))
		}
	}
}

// withdrawnAdvice says what a withdrawal has come to, once the case has settled.
func withdrawnAdvice(s *admin.Submission) (cause, next string) {
	cause = "the citizen withdrew it"
	if len(s.Withdrawal.Cancelled) > 0 {
		cause += "; not sent: " + strings.Join(s.Withdrawal.Cancelled, ", ")
	}
	if len(s.Withdrawal.Left) > 0 {
		return cause + "; had left already: " + strings.Join(s.Withdrawal.Left, ", "), "whoever has it must be told: the hub cannot take it back there"
	}
	return cause, "nothing to do"
}

// withdrawnUnclear is for a delivery of a withdrawn case that may have arrived.
func withdrawnUnclear(s *admin.Submission, d *admin.Delivery) (cause, next string) {
	return fmt.Sprintf("the citizen withdrew it while nobody knew whether %s (%s) had it; it is not sent again", d.Role, d.System),
		"look it up there; had it arrived, they must be told; then: stellwerk close " + name(s, d) + " --reason …"
}

func isWithdrawn(s *admin.Submission) bool {
	return s.Withdrawal != nil && s.State != hub.SubmissionDamaged
}
