package flow

import (
	"context"
	"time"
)

// sweepPage is how many submissions one look finds.
const sweepPage = 512

// Sweep finds what no doorbell announced: rung before a crash, dropped because
// too many waited, or due on a node that is gone. It looks every interval, and at
// once when nudged, and returns when ctx ends. A full page means that there may be
// more: full is told so, and nudges again when there is room.
func (f *Flow) Sweep(ctx context.Context, interval time.Duration, nudge <-chan struct{}, full func()) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		ids, err := f.Store.Due(ctx, f.Now(), sweepPage)
		if err != nil && ctx.Err() == nil {
			f.Log.Error("look for due submissions", "error", err)
		}
		if len(ids) == sweepPage {
			full() // before the bells: whoever answers the last one must know
		}
		for _, id := range ids {
			if _, busy := f.running.Load(id); !busy {
				f.Ring(id)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-nudge:
		case <-tick.C:
		}
	}
}
