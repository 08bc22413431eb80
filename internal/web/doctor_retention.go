package web

import (
	"context"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
)

// A night that was missed is made good by the next one; two are a sign.
const missedNights = 50 * time.Hour

// checkRetention says when the retention last ran. A hub that is younger than that
// cannot have missed it.
func (d *desk) checkRetention(ctx context.Context) check {
	last, err := d.Store.LastRun(ctx, retention.Job)
	if err != nil {
		return check{"retention", checkBad, "when it last ran cannot be read", "see the check of the store"}
	}
	if !last.IsZero() && d.Now().Sub(last) <= missedNights {
		return check{"retention", checkOK, "last ran " + last.UTC().Format(time.RFC3339), ""}
	}
	oldest, err := d.Store.Walk(ctx, hub.ID{}, 1)
	switch {
	case err != nil:
		return check{"retention", checkBad, "the oldest submission cannot be read", "see the check of the store"}
	case len(oldest) == 0 || d.Now().Sub(oldest[0].ReceivedAt) <= missedNights:
		return check{"retention", checkOK, "nothing is that old yet", ""}
	case last.IsZero():
		return check{"retention", checkWarning, "it has never run, and there are submissions for " + d.Now().Sub(oldest[0].ReceivedAt).Round(time.Hour).String(), "the hub's log says why; stellwerk retention run does it now"}
	}
	return check{"retention", checkWarning, fmt.Sprintf("it last ran %s ago", d.Now().Sub(last).Round(time.Hour)), "the hub's log says why; stellwerk retention run does it now"}
}
