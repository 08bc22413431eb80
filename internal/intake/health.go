package intake

import (
	"context"
	"time"
)

// livez says that the process answers.
func (a *API) livez(c *call) *refusal {
	return a.json(c, map[string]string{"status": "live"})
}

// readyz says whether submissions would be taken. Why not is for the operators' log.
func (a *API) readyz(c *call) *refusal {
	if err := a.IsReady(c.r.Context()); err != nil {
		return refuse(CodeNotReady).again(5 * time.Second).because(err)
	}
	return a.json(c, map[string]string{"status": "ready"})
}

// IsReady is nil where submissions would be taken, by a look that is a second old at most.
func (a *API) IsReady(ctx context.Context) error {
	return a.readiness.look(ctx, a.Now(), a.Ready)
}

// lookAgain is how long an answer of readyz is good. It needs no key, and each look
// writes to the store.
const lookAgain = time.Second

// readiness is what was seen last. One request looks, the others wait for it.
type readiness struct {
	busy chan struct{} // room for one
	seen bool
	at   time.Time
	err  error
}

func (r *readiness) look(ctx context.Context, now time.Time, ready func(context.Context) error) error {
	select {
	case r.busy <- struct{}{}:
		defer func() { <-r.busy }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if d := now.Sub(r.at); r.seen && d < lookAgain && d > -lookAgain {
		return r.err
	}
	// Whoever hangs up does not decide for the others.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	r.err = ready(ctx)
	r.seen, r.at = true, now
	return r.err
}
