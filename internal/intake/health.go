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
	ctx, cancel := context.WithTimeout(c.r.Context(), 5*time.Second)
	defer cancel()
	if err := a.Ready(ctx); err != nil {
		return refuse(CodeNotReady).again(5 * time.Second).because(err)
	}
	return a.json(c, map[string]string{"status": "ready"})
}
