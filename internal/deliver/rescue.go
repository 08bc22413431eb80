package deliver

import (
	"context"
	"errors"
	"fmt"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// rescuePage is how many expired leases one step looks at.
const rescuePage = 256

// rescue decides now and then what a crash left in sending, and parks what was planned,
// or put back, for a system that is gone.
func (d *Deliverer) rescue() {
	tick := time.NewTicker(d.Scan)
	defer tick.Stop()
	for {
		select {
		case <-d.alive.Done():
			return
		case <-tick.C:
			if err := d.rescueOnce(d.alive, ""); err != nil && d.alive.Err() == nil {
				d.Log.Error("rescue deliveries", "error", err)
			}
			d.strand()
		}
	}
}

// rescueOnce goes through the leases that have ended, and at the start through
// those this node held before: it cannot be sending them any more. One whose rescue
// cannot be written keeps nobody: it stays in sending and comes again with the next scan.
func (d *Deliverer) rescueOnce(ctx context.Context, owner string) error {
	left := map[hub.ID]bool{} // were not rescued by this call
	var failed []error
	seen := d.seen
	d.seen = map[hub.ID]bool{}
	for {
		limit := rescuePage + len(left)
		expired, err := d.Store.Expired(ctx, d.Now(), owner, limit)
		if err != nil {
			return fmt.Errorf("look for deliveries a crash left in sending: %w", err)
		}
		for _, e := range expired {
			if left[e.ID] {
				continue
			}
			if _, sending := d.leases.Load(e.ID); sending && e.Owner == d.Node {
				left[e.ID] = true // by this process, which could not renew its lease; its outcome will come
				continue
			}
			if e.Owner == d.Node && owner == "" && !seen[e.ID] {
				left[e.ID], d.seen[e.ID] = true, true
				continue
			}
			d.mu.Lock()
			l := d.lanes[e.System]
			d.mu.Unlock()
			park := l != nil && !l.state().traits.Repeatable && !l.state().traits.Askable
			if err := d.Store.Rescue(ctx, e.ID, e.Owner, park, d.Now()); err != nil {
				left[e.ID] = true
				if !errors.Is(err, store.ErrStale) {
					failed = append(failed, err)
				}
				continue
			}
			d.Log.Warn("rescued", "delivery", e.ID.String(), "system", e.System, "parked", park)
			if park && d.Alert != nil {
				d.Alert("unclear", e.ID, nil)
			}
		}
		if len(expired) < limit {
			break
		}
	}
	if len(failed) > 0 && ctx.Err() == nil {
		d.Log.Error("deliveries that a crash left in sending stay so", "deliveries", len(failed), "error", failed[0])
	}
	return nil
}

// extend renews the leases of attempts that take longer than one.
func (d *Deliverer) extend() {
	tick := time.NewTicker(d.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-d.alive.Done():
			return
		case <-tick.C:
		}
		var ids []hub.ID
		d.leases.Range(func(id, _ any) bool {
			ids = append(ids, id.(hub.ID))
			return true
		})
		if len(ids) == 0 {
			continue
		}
		if err := d.Store.Extend(d.alive, d.Node, ids, d.Now().Add(d.Lease)); err != nil && d.alive.Err() == nil {
			d.Log.Error("extend leases", "error", err)
		}
	}
}
