package deliver

import (
	"context"
	"encoding/hex"
	"fmt"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// follow makes what waits follow the systems that there are now: it goes on where its
// system is back, does not wait for its next try where that is reached in another way,
// and is parked where it is gone. The lanes run in any case; what the store does not
// take now is done with a later scan.
func (d *Deliverer) follow(ctx context.Context, snap *config.Snapshot) {
	d.owed = nil
	has := func(system string) bool { return snap.Systems[system] != nil }
	back, err := d.Store.Return(ctx, has, d.Now())
	if len(back) > 0 {
		d.Log.Info("deliveries go on: their systems are configured again", "deliveries", len(back))
	}
	if err != nil {
		d.owed = snap
		d.Log.Error("what was parked for want of its system stays so", "error", err)
	}
	d.park(ctx, has)
	ways := make(map[string][]byte, len(snap.Systems))
	for name, system := range snap.Systems {
		ways[name] = d.Vault.Hash("way", "", hex.EncodeToString(system.Way[:]))
	}
	due, err := d.Store.Reached(ctx, ways, d.Now())
	hurried := 0
	for name, n := range due {
		hurried += n
		d.Log.Info("a system is reached in another way; what waits is tried now", "system", name, "deliveries", n)
	}
	if err != nil {
		if hurried == 0 { // or it would be tried with every scan
			d.owed = snap
		}
		d.Log.Error("what waits for its next try goes on waiting", "error", err)
	}
	for name := range snap.Systems {
		d.Wake(name)
	}
}

// strand parks what waits for systems that have no lane, and does what a reload still
// owes. A hub that stops has no lanes at all, which says nothing about them.
func (d *Deliverer) strand() {
	d.follows <- struct{}{}
	defer func() { <-d.follows }()
	d.mu.Lock()
	running := d.running
	lanes := make(map[string]bool, len(d.lanes))
	for name := range d.lanes {
		lanes[name] = true
	}
	d.mu.Unlock()
	switch {
	case !running:
	case d.owed != nil:
		d.follow(d.alive, d.owed)
	default:
		d.park(d.alive, func(system string) bool { return lanes[system] })
	}
}

// park parks what waits for systems that are not there, and tells whom it concerns.
func (d *Deliverer) park(ctx context.Context, has func(string) bool) {
	parked, err := d.Store.Strand(ctx, has, d.Now())
	if err != nil && ctx.Err() == nil {
		d.Log.Error("what waits for a system that is gone stays so", "error", err)
	}
	systems := map[string]int{}
	for _, s := range parked {
		systems[s.System]++
		if s.Reason == hub.ParkUnclear && d.Alert != nil {
			d.Alert("unclear", s.ID, nil)
		}
		d.Ring(s.ID.Submission())
	}
	for system, n := range systems {
		d.Log.Warn("the configuration does not know a system any more; what waited for it is parked", "system", system, "deliveries", n)
	}
}

// late reports whether a system is reached in another way by now than by an attempt's
// settings.
func (d *Deliverer) late(s *settings) bool {
	d.mu.Lock()
	l := d.lanes[s.system.Name]
	d.mu.Unlock()
	return l != nil && l.state().system.Way != s.system.Way
}

// tryNow makes what waits for a system's next try due.
func (d *Deliverer) tryNow(system string) {
	if _, err := d.Store.Hurry(d.alive, system, "hub", d.Now()); err != nil && d.alive.Err() == nil {
		d.Log.Error("what waits for its next try goes on waiting", "system", system, "error", err)
	}
	d.Wake(system)
}

// Again lets a person say that a system works again: its breaker forgets what was, and
// nothing waits for its next try.
func (d *Deliverer) Again(ctx context.Context, system, actor string) error {
	d.mu.Lock()
	l := d.lanes[system]
	d.mu.Unlock()
	if l == nil {
		return fmt.Errorf("go on with %s: %w", system, store.ErrNotFound)
	}
	l.afresh()
	_, err := d.Store.Hurry(ctx, system, actor, d.Now())
	l.wake()
	return err
}
