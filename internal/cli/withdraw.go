package cli

import (
	"context"
	"fmt"
	"slices"
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
	left := slices.Clone(s.Withdrawal.Left)
	for i := range s.Deliveries {
		switch d := &s.Deliveries[i]; {
		case d.Code == hub.CodeRemoteRefund:
			return cause + "; the fee is paid at the other hub, which has to give it back: " + d.Role, "nothing to do here; what comes of it there comes back by itself"
		case d.Code == hub.CodeRefund:
			cause += "; the fee had been paid, and a person has seen to the fee: " + d.Role
			left = slices.DeleteFunc(left, func(role string) bool { return role == d.Role })
		}
	}
	if len(left) > 0 {
		return cause + "; had left already: " + strings.Join(left, ", "), "whoever has it must be told: the hub cannot take it back there"
	}
	return cause, "nothing to do"
}

// withdrawnUnclear is for a delivery of a withdrawn case that may have arrived, or a fee
// that was paid for it.
func withdrawnUnclear(s *admin.Submission, d *admin.Delivery) (cause, next string) {
	if d.Reason == hub.ParkRefund {
		return fmt.Sprintf("the fee was paid for what the citizen withdrew, and nothing is done for it (%s at %s)", d.Role, d.System),
			fmt.Sprintf("give it back (in the provider's console by id %s), then: stellwerk close %s --reason …", d.ID, name(s, d))
	}
	if d.Role == hub.RoleAuthority {
		return fmt.Sprintf("the citizen withdrew it while nobody knew whether %s (%s) had it; it is not handed on again, and that hub does not know of the withdrawal", d.Role, d.System),
			fmt.Sprintf("ask there for the reference %s; is it there, have it withdrawn there, too; then: stellwerk close %s --reason …", s.Number, name(s, d))
	}
	return fmt.Sprintf("the citizen withdrew it while nobody knew whether %s (%s) had it; it is not sent again", d.Role, d.System),
		"look it up there; had it arrived, they must be told; then: stellwerk close " + name(s, d) + " --reason …"
}

func isWithdrawn(s *admin.Submission) bool {
	return s.Withdrawal != nil && s.State != hub.SubmissionDamaged
}
