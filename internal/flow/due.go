package flow

import (
	"context"
	"time"
)

// sweepPage is how many submissions one look finds.
const sweepPage = 512

// Sweep finds what no doorbell announced: rung before a crash, dropped because
// too many waited, or due on a node that is gone. It looks every interval, and at
// once when nudged, and returns when ctx ends.
func (f *Flow) Sweep(ctx context.Context, interval time.Duration, nudge <-chan struct{}) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if err := f.sweepOnce(ctx); err != nil && ctx.Err() == nil {
			f.Log.Error("look for due submissions", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-nudge:
		case <-tick.C:
		}
	}
}

func (f *Flow) sweepOnce(ctx context.Context) error {
	for {
		ids, err := f.Store.Due(ctx, f.Now(), sweepPage)
		if err != nil {
			return err
		}
		rung := 0
		for _, id := range ids {
			if _, busy := f.running.Load(id); busy {
				continue
			}
			rung++
			if err := f.Ring(ctx, id); err != nil {
				return err
			}
		}
		if rung == 0 || len(ids) < sweepPage {
			return nil
		}
	}
}
