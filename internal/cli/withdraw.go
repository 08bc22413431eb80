package cli

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// withdraw takes cases back for the citizen.
func (p *Program) withdraw() *cobra.Command {
	return p.forReason("withdraw NUMBER...", "Take a case back for the citizen: what has not left is not sent",
		`Take a case back for the citizen. What has not left is closed, what is being
sent comes to its end, and the answer names who has the document already. Once
more changes nothing. A case of which everything has left is refused. One delivery
is ended by close.`, "withdrawn",
		func(ctx context.Context, c *admin.Client, id, why string) (admin.Submission, error) {
			after, err := c.Withdraw(ctx, id, why)
			if err == nil && !p.json {
				p.withdrawal(&after)
			}
			return after, err
		})
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
		next = "whoever has it must be told: the hub cannot take it back there"
		for i := range s.Deliveries {
			if d := &s.Deliveries[i]; d.Role == hub.RolePayment && d.State == hub.DeliveryDelivered {
				next = "the fee is paid, and nothing is done for it: it must be given back (" + d.System + "); " + next
			}
		}
		return cause + "; had left already: " + strings.Join(s.Withdrawal.Left, ", "), next
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
