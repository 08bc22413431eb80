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
	c.outcome = outcomeWithdrawn
	return a.json(c, a.statusOf(c, s))
}

// withdrawn is the citizen's sentence about a submission that was taken back.
func withdrawn(w *hub.Withdrawal) text {
	switch {
	case len(w.Open) > 0:
		return text{"Ihr Antrag ist zurückgezogen. Was gerade unterwegs war, wird noch geklärt.",
			"Your application is withdrawn. What was on its way at that moment is still being looked at."}
	case len(w.Left) > 0:
		return text{"Ihr Antrag ist zurückgezogen, soweit er noch nicht weitergeleitet war. Stellen, die ihn schon haben, haben ihn weiterhin: Wenden Sie sich bitte an diese.",
			"Your application is withdrawn as far as it had not been passed on. Offices that have it already still have it: please turn to them."}
	}
	return text{"Ihr Antrag ist zurückgezogen. Er wurde an keine Stelle weitergeleitet.",
		"Your application is withdrawn. It was not passed on to any office."}
}
