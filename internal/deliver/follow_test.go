package deliver

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// reachedAnew is the town's configuration with another way to its finance system.
func (tw *town) reachedAnew(b connectors.Config) *config.Snapshot {
	changed := *tw.snap.Systems["finance"]
	changed.Config, changed.Way = b, [32]byte{1}
	return &config.Snapshot{Systems: map[string]*config.System{"finance": &changed}}
}

// Whoever has put right an address or a password expects what waits to go now, and not
// by a schedule that was made for the failure; after a start as well as after a reload.
func TestAnotherWayIsTriedAtOnce(t *testing.T) {
	refused := connectors.Receipt{Outcome: connectors.Retry, Code: "http-401", Fault: true}
	for _, restart := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			old := &backend{answer: always(refused)}
			tw := newTown(t, map[string]*backend{"finance": old})
			defer func() { tw.end() }()
			tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
			tw.start()
			var ids []hub.ID
			for range 20 {
				ids = append(ids, tw.submit(nil, "finance"))
			}
			after(time.Second)
			if got := tw.d.Breakers()["finance"]; got != "open" {
				t.Fatalf("the breaker is %s", got)
			}
			fresh := &backend{}
			tw.snap = tw.reachedAnew(fresh)
			if restart {
				if err := tw.d.Stop(t.Context()); err != nil {
					t.Fatal(err)
				}
				tw.restart()
			} else if err := tw.d.Apply(tw.snap); err != nil {
				t.Fatal(err)
			}
			after(time.Second)
			for _, id := range ids {
				tw.expect(id, 1, hub.DeliveryDelivered, "")
			}
			if fresh.count() != 20 {
				t.Errorf("restart %v: %d of 20 were sent", restart, fresh.count())
			}
		})
	}
}

// Whoever looks at the breaker of a dead system now and then finds it open or half-open,
// and never closed: an alarm that asks for open alone would begin to wait anew.
func TestBreakerOfADeadSystemAsAnAlarmSeesIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(9 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Retry, Code: "timeout", Fault: true}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		for range 5 {
			tw.submit(nil, "finance")
		}
		after(time.Minute)
		seen := map[string]int{}
		for range 60 {
			seen[tw.d.Breakers()["finance"]]++
			after(15 * time.Second)
		}
		if seen["closed"] > 0 || seen["open"] == 0 || seen["half-open"] == 0 {
			t.Errorf("the breaker was %v", seen)
		}
	})
}

// What changes nothing about a system's way leaves schedule and breaker as they are.
func TestTheSameWayKeepsTheSchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "http-401", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
		tw.start()
		for range 3 {
			tw.submit(nil, "finance")
		}
		after(time.Second)
		for range 20 { // a storm of reloads
			if err := tw.d.Apply(tw.snap); err != nil {
				t.Fatal(err)
			}
			after(time.Second)
		}
		if b.count() != 3 || tw.d.Breakers()["finance"] != "open" {
			t.Errorf("%d attempts, the breaker is %s; want 3 and open", b.count(), tw.d.Breakers()["finance"])
		}
	})
}

// An attempt that is under way while the settings change fails by the old ones: it is
// tried again by the new ones.
func TestUnderWayWhileTheWayChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(5 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Retry, Code: "http-401", Fault: true}
		}}
		tw := newTown(t, map[string]*backend{"finance": old})
		defer tw.end()
		tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Second)
		if err := tw.d.Apply(tw.reachedAnew(&backend{})); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
	})
}

// What the new way has refused meanwhile waits as long as its partner asks for, though an
// attempt by the old one ends later.
func TestUnderWayKeepsWhatTheNewWaySays(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &backend{answer: func(_ string, _ *connectors.Message, n int) connectors.Receipt {
			if n > 1 {
				return connectors.Receipt{Outcome: connectors.Retry, Code: "http-401"}
			}
			time.Sleep(9 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Retry, Code: "http-401"}
		}}
		tw := newTown(t, map[string]*backend{"finance": old})
		defer tw.end()
		tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
		tw.start()
		for range 10 {
			tw.submit(nil, "finance")
			after(100 * time.Millisecond)
		}
		fresh := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "http-429", RetryAfter: time.Hour})}
		if err := tw.d.Apply(tw.reachedAnew(fresh)); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		if n := fresh.count(); n != 9 {
			t.Fatalf("%d attempts by the new way, want 9", n)
		}
		after(time.Minute)
		if n := fresh.count(); n != 10 {
			t.Errorf("%d attempts by the new way, want 10: one for each", n)
		}
	})
}

// A system that is taken out and comes back by another way has what was under way meanwhile
// at once, too.
func TestUnderWayWhileItIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(5 * time.Second) // moved time
			return connectors.Receipt{Outcome: connectors.Retry, Code: "http-401"}
		}}
		tw := newTown(t, map[string]*backend{"finance": old})
		defer tw.end()
		tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Second)
		for _, snap := range []*config.Snapshot{{}, tw.reachedAnew(&backend{})} {
			if err := tw.d.Apply(snap); err != nil {
				t.Fatal(err)
			}
		}
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
	})
}

// What may have arrived is not asked for sooner than a system that is at work needs.
func TestAnotherWayLeavesTimeToFinish(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, _ int) connectors.Receipt {
			switch {
			case kind == "send":
				return connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout"}
			case time.Since(begun) < 50*time.Second:
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(3 * time.Second) // asked once: it is not there
		if err := tw.d.Apply(tw.reachedAnew(b)); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if got := b.kinds(); got != "send ask ask" {
			t.Errorf("calls %s: sent again while the system was at work on it", got)
		}
	})
}

// A person says that the system works again: nothing waits for its next try, and the
// breaker does not keep it.
func TestAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var works atomic.Bool
		b := brokenUntil(&works, "http-403")
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.snap.Systems["finance"].Retry.Schedule = []time.Duration{40 * time.Minute}
		tw.snap.Systems["finance"].Breaker.HalfOpenAfter = time.Hour
		tw.start()
		var ids []hub.ID
		for range 10 {
			ids = append(ids, tw.submit(nil, "finance"))
		}
		after(time.Second)
		works.Store(true)
		if err := tw.d.Again(t.Context(), "finance", "operator:x"); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		for _, id := range ids {
			tw.expect(id, 1, hub.DeliveryDelivered, "")
		}
	})
}

// What waits for a system that the configuration has no longer waits for a person, who
// sees why; once the system is there again it goes on by itself.
func TestSystemThatIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var paid, up atomic.Bool
		finance := brokenUntil(&up, "down")
		payment := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, _ int) connectors.Receipt {
			if kind == "ask" && paid.Load() {
				return connectors.Receipt{Outcome: connectors.Delivered}
			}
			return connectors.Receipt{Outcome: connectors.Awaiting, Token: "transaction"}
		}}
		tw := newTown(t, map[string]*backend{"finance": finance, "payment": payment})
		defer tw.end()
		unclear := tw.unclear()
		tw.start()
		id := tw.submit(nil, "finance", "payment")
		after(time.Second)
		if err := tw.d.Apply(&config.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnmapped)
		tw.expect(id, 2, hub.DeliveryParked, hub.ParkUnclear) // it may be paid, and nobody asks any more
		for _, d := range tw.status(id).Deliveries {
			if d.Code != hub.CodeSystemGone {
				t.Errorf("%s has the code %q", d.ID, d.Code)
			}
		}
		if *unclear != 1 {
			t.Errorf("%d alerts of an unclear outcome, want 1", *unclear)
		}
		// What the flow planned by the configuration before comes too late.
		late := tw.submit(nil, "finance")
		after(10 * time.Second)
		tw.expect(late, 1, hub.DeliveryParked, hub.ParkUnmapped)

		paid.Store(true)
		up.Store(true)
		if err := tw.d.Apply(tw.snap); err != nil {
			t.Fatal(err)
		}
		after(2 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		tw.expect(late, 1, hub.DeliveryDelivered, "")
		if got := payment.kinds(); tw.status(id).Deliveries[1].State != hub.DeliveryDelivered || got[:8] != "send ask" {
			t.Errorf("the payment is %s after %s: it is asked for, and not begun anew", tw.status(id).Deliveries[1].State, got)
		}
	})
}

// What the citizen takes back while its system is gone is not sent when that comes back.
func TestWithdrawnWhileItsSystemIsGone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{traits: connectors.Traits{Repeatable: true}, answer: always(connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout"})}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.start()
		id := tw.submit(nil, "finance")
		after(100 * time.Millisecond)
		if err := tw.d.Apply(&config.Snapshot{}); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
		if err := tw.store.Withdraw(context.Background(), id, "portal:portal", "", time.Now()); err != nil {
			t.Fatal(err)
		}
		sent := b.count()
		if err := tw.d.Apply(tw.snap); err != nil {
			t.Fatal(err)
		}
		after(10 * time.Minute)
		tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
		if b.count() != sent {
			t.Errorf("%d attempts after the withdrawal", b.count()-sent)
		}
	})
}

// A hub that stops has no lanes any more, and its systems are not gone.
func TestStoppingParksNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tw := newTown(t, map[string]*backend{"finance": {answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "down"})}})
		tw.start()
		id := tw.submit(nil, "finance")
		after(time.Second)
		if err := tw.d.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		tw.d.alive = context.Background() // as it was when the scan began
		tw.d.strand()
		tw.expect(id, 1, hub.DeliveryPending, "")
		if err := tw.store.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// full is a store whose disk takes nothing for a while.
type full struct {
	store.Deliver
	now atomic.Bool
}

func (f *full) Return(ctx context.Context, has func(string) bool, at time.Time) ([]hub.ID, error) {
	if f.now.Load() {
		return nil, store.ErrFull
	}
	return f.Deliver.Return(ctx, has, at)
}

func (f *full) Reached(ctx context.Context, ways map[string][]byte, at time.Time) (map[string]int, error) {
	if f.now.Load() {
		return nil, store.ErrFull
	}
	return f.Deliver.Reached(ctx, ways, at)
}

// What the store did not take at a reload is done once it does: nobody reloads for that.
func TestFollowsOnceTheDiskHasRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		refused := connectors.Receipt{Outcome: connectors.Retry, Code: "http-401", Fault: true}
		tw := newTown(t, map[string]*backend{"finance": {answer: always(refused)}, "records": {answer: always(refused)}})
		defer tw.end()
		disk := &full{Deliver: tw.store}
		tw.d.Store = disk
		for _, s := range tw.snap.Systems {
			s.Retry.Schedule = []time.Duration{6 * time.Hour}
		}
		tw.start()
		id := tw.submit(nil, "finance", "records")
		after(time.Second)
		if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": tw.snap.Systems["finance"]}}); err != nil {
			t.Fatal(err)
		}
		after(time.Second)
		tw.expect(id, 2, hub.DeliveryParked, hub.ParkUnmapped)
		disk.now.Store(true)
		repaired := tw.reachedAnew(&backend{})
		records := *tw.snap.Systems["records"]
		records.Config = &backend{}
		repaired.Systems["records"] = &records
		if err := tw.d.Apply(repaired); err != nil {
			t.Fatal(err)
		}
		after(time.Minute)
		tw.expect(id, 1, hub.DeliveryPending, "")
		tw.expect(id, 2, hub.DeliveryParked, hub.ParkUnmapped)
		disk.now.Store(false)
		after(10 * time.Second)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		tw.expect(id, 2, hub.DeliveryDelivered, "")
	})
}
