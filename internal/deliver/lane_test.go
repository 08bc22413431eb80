package deliver

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/internal/store"
)

// stuck is a store in which something is due that no claim gives.
type stuck struct {
	store.Deliver
	claims *atomic.Int64
}

func (s stuck) Claim(ctx context.Context, c store.Claim) ([]store.Task, error) {
	s.claims.Add(1)
	return s.Deliver.Claim(ctx, c)
}

func (s stuck) NextDue(context.Context, string) (time.Time, error) {
	return time.Now().Add(-time.Hour), nil
}

// What is due and cannot be claimed does not keep the lane claiming, and keeps nobody
// else from being sent at once.
func TestLaneGetsTiredOfWhatIsNeverGiven(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		var claims atomic.Int64
		tw.d.Store = stuck{tw.store, &claims}
		tw.start()
		after(10 * time.Minute)
		if n, most := claims.Load(), int64(2*10*time.Minute/tw.d.Scan)+20; n > most {
			t.Errorf("%d claims in ten minutes, want at most %d", n, most)
		}
		tw.submit(nil, "finance")
		tw.d.Wake("finance")
		after(10 * time.Millisecond)
		if b.count() != 1 {
			t.Error("what can be sent waits for what cannot")
		}
	})
}
