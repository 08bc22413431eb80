package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/internal/store"
)

// crossed is a store behind which the flow takes room while a claim is under way.
type crossed struct {
	store.Deliver
	meanwhile func()
}

func (c crossed) Claim(ctx context.Context, claim store.Claim) ([]store.Task, error) {
	c.meanwhile()
	return c.Deliver.Claim(ctx, claim)
}

// tenASecond is a town whose finance system takes ten documents a second.
func tenASecond(t *testing.T) (*town, *backend) {
	t.Helper()
	b := &backend{}
	tw := newTown(t, map[string]*backend{"finance": b})
	system := tw.snap.Systems["finance"]
	system.Limits.Rate, system.Limits.Concurrency = 10, 100
	return tw, b
}

// tookTen holds what came within a second against what was saved up and a second's.
func (b *backend) tookTen(t *testing.T) {
	t.Helper()
	if n := b.count(); n < 9 || n > 19 {
		t.Errorf("%d within a second, the system takes 10 a second", n)
	}
}

// Room that the flow takes while a claim is under way does not make the claim free of
// charge: the system's rate holds.
func TestRateHoldsWhileTheFlowTakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw, b := tenASecond(t)
		defer tw.end()
		tw.d.Store = crossed{tw.store, func() {
			if room := tw.d.Reserve("finance"); room != nil {
				room.Leave()
			}
		}}
		tw.start()
		if err := tw.store.Pause(t.Context(), "finance", "operator:x", "moved", time.Now()); err != nil {
			t.Fatal(err)
		}
		for range 40 {
			tw.submit(nil, "finance")
		}
		after(time.Second)
		if err := tw.store.Resume(t.Context(), "finance", "operator:x", time.Now()); err != nil {
			t.Fatal(err)
		}
		tw.d.Wake("finance")
		after(900 * time.Millisecond)
		b.tookTen(t)
	})
}

// A reload that leaves a system's rate as it was does not fill up what it may be sent.
func TestRateHoldsOverAReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw, b := tenASecond(t)
		defer tw.end()
		tw.start()
		for range 40 {
			tw.submit(nil, "finance")
		}
		for range 3 {
			if err := tw.d.Apply(tw.snap); err != nil {
				t.Fatal(err)
			}
			after(300 * time.Millisecond)
		}
		b.tookTen(t)
	})
}
