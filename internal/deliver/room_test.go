package deliver

import (
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/store"
)

// Room is kept for a delivery that is claimed by the step that renders it: a place of the
// system's, under the lease of this node.
func TestRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.snap.Systems["finance"].Limits.Concurrency = 2
		if tw.d.Reserve("finance") != nil {
			t.Error("there is room before the start")
		}
		tw.start()
		after(time.Second)
		if tw.d.Reserve("nobody") != nil {
			t.Error("there is room at a system that is not there")
		}
		first, second := tw.d.Reserve("finance"), tw.d.Reserve("finance")
		if first == nil || second == nil || tw.d.Reserve("finance") != nil {
			t.Fatal("there is room for two")
		}
		if l := first.Lease(); l.Owner != "node" || !l.Until.Equal(time.Now().Add(time.Minute)) {
			t.Errorf("lease %+v", l)
		}
		// What is due meanwhile waits for room, and has it before any newcomer.
		waits := tw.submit(nil, "finance")
		after(time.Second)
		if b.count() != 0 {
			t.Error("more are under way than may be")
		}
		second.Leave()
		if tw.d.Reserve("finance") != nil {
			t.Error("a newcomer has the room of one that was due before")
		}
		after(time.Second)
		tw.expect(waits, 1, "delivered", "")

		lease := first.Lease()
		id := tw.submit(func(n *store.NewDelivery) { n.Document.Lease = &lease }, "finance")
		tasks := tw.claimed
		if len(tasks) != 1 {
			t.Fatalf("%d claimed", len(tasks))
		}
		first.Use(tasks[0])
		after(time.Second)
		tw.expect(id, 1, "delivered", "")
		if b.count() != 2 {
			t.Errorf("calls %v", b.calls)
		}
		for range 3 { // all of it is free again
			one, two := tw.d.Reserve("finance"), tw.d.Reserve("finance")
			if one == nil || two == nil {
				t.Fatal("no room is left")
			}
			one.Leave()
			two.Leave()
		}
	})
}

// There is no room at a system that takes nothing now.
func TestNoRoom(t *testing.T) {
	for name, out := range map[string]func(*testing.T, *town, *config.System){
		"maintenance": func(t *testing.T, tw *town, s *config.System) {
			s.Windows = []config.Window{maintenance(t, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))}
		},
		"its rate":   func(_ *testing.T, _ *town, s *config.System) { s.Limits.Rate = 1 },
		"it is down": func(_ *testing.T, _ *town, s *config.System) { s.Breaker.OpenAfter = 1 },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tw := newTown(t, map[string]*backend{"finance": {answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down", Fault: true})}})
				defer tw.end()
				out(t, tw, tw.snap.Systems["finance"])
				tw.start()
				tw.submit(nil, "finance") // what its breaker and its pace are up to
				after(100 * time.Millisecond)
				if room := tw.d.Reserve("finance"); room != nil {
					room.Leave()
					t.Error("there is room")
				}
			})
		})
	}
}

// The stop waits for what is to be sent in a room.
func TestStopWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {}})
		tw.start()
		after(time.Second)
		room := tw.d.Reserve("finance")
		if room == nil {
			t.Fatal("no room")
		}
		go func() {
			time.Sleep(3 * time.Second) // moved time
			room.Leave()
		}()
		began := time.Now()
		tw.end()
		if took := time.Since(began); took != 3*time.Second {
			t.Errorf("the stop took %s", took)
		}
	})
}
