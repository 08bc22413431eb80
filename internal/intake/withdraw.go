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
	clerk, p := clerkOf(c)
	if p != nil {
		return p
	}
	// Whoever hangs up has withdrawn all the same.
	ctx := context.WithoutCancel(c.r.Context())
	err := a.Store.Withdraw(ctx, s.Submission.ID, actor(c, clerk), "", c.at)
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

// clerkOf is who asks at a counter; nobody else says so.
func clerkOf(c *call) (string, *refusal) {
	const header = "Stellwerk-Clerk"
	m, findings := fromHeaders(c.r.Header, c.lang)
	switch {
	case len(findings) > 0:
	case c.portal.Operator && m.clerk == "":
		findings = []Finding{{Header: header, Rule: "required", Detail: clerkMissing.in(c.lang)}}
	case !c.portal.Operator && m.clerk != "":
		findings = []Finding{{Header: header, Rule: "counter-only", Detail: counterOnly.in(c.lang)}}
	}
	if len(findings) > 0 {
		return "", refuse(CodeMetaInvalid).with(findings...)
	}
	return m.clerk, nil
}
