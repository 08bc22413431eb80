package intake

import (
	"context"
	"errors"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// withdraw takes a submission of the portal back for the citizen, as far as it has
// not left. It answers with the status; a second call answers as the first did.
func (a *API) withdraw(c *call) *refusal {
	s, p := a.own(c)
	if p != nil {
		return p
	}
	actor := "portal:" + c.portal.Name
	if c.portal.Operator {
		actor = "counter:" + c.portal.Name
	}
	// Whoever hangs up has withdrawn all the same.
	ctx := context.WithoutCancel(c.r.Context())
	err := a.Store.Withdraw(ctx, s.Submission.ID, actor, "", c.at)
	if errors.Is(err, store.ErrState) {
		return refuse(CodeWithdrawal)
	}
	if err != nil {
		return storeProblem(err)
	}
	a.Ring(s.Submission.ID) // the flow lets go of what it holds
	if s, err = a.Store.Submission(ctx, s.Submission.ID); err != nil {
		return storeProblem(err)
	}
	for i := range s.Deliveries {
		if d := &s.Deliveries[i]; d.State == hub.DeliveryAwaiting {
			a.Wake(d.System) // another hub may still stop it
		}
	}
	c.outcome = outcomeWithdrawn
	return a.statusOf(c, s)
}
