package deliver

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
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
		if n, most := claims.Load(), int64(10*time.Minute/tw.d.Scan)+20; n > most {
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

// Whatever falls due is known to its lane without a scan, and the flow is told once it can
// go on; the scan is for bells that were lost.
func TestNothingWaitsForTheScan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var begun []time.Time
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
			begun = append(begun, time.Now())
			time.Sleep(time.Second) // moved time: the lane has nothing to do meanwhile
			switch n {
			case 1:
				return connectors.Receipt{Outcome: connectors.Retry, Code: "busy"}
			case 2:
				return connectors.Receipt{Outcome: connectors.Awaiting, Token: "t"}
			case 5:
				return connectors.Receipt{Outcome: connectors.Refused, Code: "http-422"}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		alerts := tw.alerts()
		tw.d.Scan = 24 * time.Hour
		tw.start()
		id := tw.submit(func(n *store.NewDelivery) {
			if n.Role == "records" { // it waits for what finance answers
				n.State, n.After, n.Document, n.SHA256 = hub.DeliveryWaiting, []int{1}, nil, ""
			}
		}, "finance", "records")
		after(2 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		tw.expect(id, 2, hub.DeliveryWaiting, "")
		if got := b.kinds(); got != "send send ask" {
			t.Errorf("calls %s", got)
		}
		if len(tw.rung) != 1 || tw.rung[0] != id {
			t.Errorf("rung %v", tw.rung)
		}

		about := func(n *store.NewDelivery) { n.OrderKey = []byte("a dog") }
		first, second := tw.submit(about, "finance"), tw.submit(about, "finance")
		after(10 * time.Second)
		tw.expect(first, 1, hub.DeliveryDelivered, "")
		tw.expect(second, 1, hub.DeliveryParked, hub.ParkRefused)
		if pause := begun[4].Sub(begun[3]); pause != time.Second {
			t.Errorf("the second one about the same dog was sent %s after the first one, which took a second", pause)
		}
		if len(tw.rung) != 1 || *alerts != "" {
			t.Errorf("rung %v, alerts %q", tw.rung, *alerts)
		}
	})
}

// A lost bell costs a delay: the lane looks for itself.
func TestLostBell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		for range 3 {
			after(time.Minute)
			awake := tw.d
			tw.d = tw.deliverer("deaf") // whose lanes the bell does not reach
			id := tw.submit(nil, "finance")
			tw.d = awake
			after(tw.d.Scan)
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
	})
}
