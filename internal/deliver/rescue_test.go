package deliver

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
)

// claimedByOneThatIsGone leaves a delivery in sending, as a process does that was killed.
func (tw *town) claimedByOneThatIsGone(system string) {
	tw.t.Helper()
	tasks, err := tw.store.Claim(tw.t.Context(), store.Claim{System: system, Owner: "node", Now: time.Now(), Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 {
		tw.t.Fatalf("%d tasks, %v", len(tasks), err)
	}
}

// What a crash left in sending: again where that is safe, a person otherwise.
func TestRescueAfterACrash(t *testing.T) {
	for _, repeatable := range []bool{true, false} {
		synctest.Test(t, func(t *testing.T) {
			b := &backend{traits: connectors.Traits{Repeatable: repeatable}}
			tw := newTown(t, map[string]*backend{"finance": b})
			defer tw.end()
			alerts := tw.alerts()
			id := tw.submit(nil, "finance")
			tw.claimedByOneThatIsGone("finance")
			tw.restart()
			after(10 * time.Second)
			if repeatable {
				tw.expect(id, 1, hub.DeliveryDelivered, "")
				if *alerts != "" {
					t.Errorf("alerts %q", *alerts)
				}
			} else {
				tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
				if *alerts != "unclear" {
					t.Errorf("alerts %q", *alerts)
				}
				if b.count() != 0 {
					t.Error("it was sent again although nobody knows whether it arrived")
				}
			}
		})
	}
}

// A process that was killed while it sent has left a system that may be at work still:
// what is not there a moment later is asked for once more before it is sent again.
func TestInterruptedMayBeAtWorkStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		done := time.Now().Add(20 * time.Second) // the system has it then
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, _ int) connectors.Receipt {
			if kind == "ask" && time.Now().Before(done) {
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound}
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		id := tw.submit(nil, "finance")
		tw.claimedByOneThatIsGone("finance")
		tw.restart()
		after(3 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if got := b.kinds(); got != "ask ask" {
			t.Errorf("calls %s: sent again while the system was at work on it", got)
		}
	})
}

// What may have arrived is not sent again to a system that by now neither recognises
// it nor can be asked: after a crash its file was gone for a while, or its promise was
// taken back while the delivery waited.
func TestUncertainIsNotSentToASystemThatHasLostItsPromise(t *testing.T) {
	t.Run("its file was gone at the start", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &backend{}
			tw := newTown(t, map[string]*backend{"finance": b})
			defer tw.end()
			id := tw.submit(nil, "finance")
			tw.claimedByOneThatIsGone("finance")
			with := tw.snap
			tw.snap = &config.Snapshot{}
			tw.restart()
			if err := tw.d.Apply(with); err != nil {
				t.Fatal(err)
			}
			after(time.Minute)
			tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
			if b.count() != 0 {
				t.Errorf("it got %v although nobody knows whether it arrived", b.calls)
			}
		})
	})
	t.Run("it was repeatable", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			b := &backend{traits: connectors.Traits{Repeatable: true}, answer: always(connectors.Receipt{Outcome: connectors.Unknown, Code: "timeout"})}
			tw := newTown(t, map[string]*backend{"finance": b})
			defer tw.end()
			unclear := tw.unclear()
			tw.start()
			id := tw.submit(nil, "finance")
			after(100 * time.Millisecond)
			fresh := &backend{}
			changed := *tw.snap.Systems["finance"]
			changed.Config = fresh
			if err := tw.d.Apply(&config.Snapshot{Systems: map[string]*config.System{"finance": &changed}}); err != nil {
				t.Fatal(err)
			}
			after(time.Minute)
			tw.expect(id, 1, hub.DeliveryParked, hub.ParkUnclear)
			if b.count() != 1 || fresh.count() != 0 || *unclear != 1 {
				t.Errorf("calls %v, then %v, %d alerts; want one of each but the second", b.calls, fresh.calls, *unclear)
			}
			attempts, err := tw.store.Attempts(t.Context(), id.Delivery(1))
			if err != nil || len(attempts) != 2 || attempts[1].Kind != "rescue" || attempts[1].Code != "timeout" || attempts[1].N != 2 || attempts[1].Node != "node" || attempts[1].At.IsZero() {
				t.Errorf("the story of the attempts: %+v, %v", attempts, err)
			}
		})
	})
}

// stubborn is a store that cannot write down the rescue of one delivery: a page beside
// it is corrupt, say.
type stubborn struct {
	store.Deliver
	id hub.ID
}

func (s stubborn) Rescue(ctx context.Context, id hub.ID, owner string, park bool, at time.Time) error {
	if id == s.id {
		return store.ErrDamaged
	}
	return s.Deliver.Rescue(ctx, id, owner, park, at)
}

// One that cannot be rescued keeps neither the hub from starting nor its neighbours
// from being rescued.
func TestRescueGoesOnBehindOneThatFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{traits: connectors.Traits{Repeatable: true}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		first, second := tw.submit(nil, "finance"), tw.submit(nil, "finance")
		for _, owner := range []string{"node", "gone"} {
			if tasks, err := tw.store.Claim(t.Context(), store.Claim{System: "finance", Owner: owner, Now: time.Now(), Lease: time.Minute, Limit: 1}); err != nil || len(tasks) != 1 {
				t.Fatalf("%d tasks, %v", len(tasks), err)
			}
		}
		if err := tw.store.Close(); err != nil {
			t.Fatal(err)
		}
		var err error
		if tw.store, err = sqlite.Open(sqlite.Options{Dir: tw.dir}); err != nil {
			t.Fatal(err)
		}
		tw.d = tw.deliverer("node")
		tw.d.Store = stubborn{tw.store, first.Delivery(1)}
		tw.start()
		after(2 * time.Minute)
		tw.expect(first, 1, hub.DeliverySending, "")
		tw.expect(second, 1, hub.DeliveryDelivered, "")
	})
}

// unextended is a store that cannot renew a lease: its disk is full, or the machine
// has slept past the end of it.
type unextended struct{ store.Deliver }

func (unextended) Extend(context.Context, string, []hub.ID, time.Time) error { return store.ErrFull }

// What this process is still sending is no leftover of a crash, though its lease has
// ended: it is neither asked for nor sent again beside itself.
func TestNoRescueOfWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, n int) connectors.Receipt {
			if kind == "ask" {
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound} // it has not arrived yet
			}
			if n == 1 {
				time.Sleep(2 * time.Minute) // moved time; the lease is one minute
			}
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.d.Store = unextended{tw.store}
		tw.start()
		id := tw.submit(nil, "finance")
		after(5 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if b.count() != 1 {
			t.Errorf("calls %v, want one", b.calls)
		}
	})
}

// asleep is a store behind whose first claim the machine sleeps past the end of the lease.
type asleep struct {
	store.Deliver
	once *sync.Once
	jump func()
}

func (a asleep) Claim(ctx context.Context, c store.Claim) ([]store.Task, error) {
	tasks, err := a.Deliver.Claim(ctx, c)
	if len(tasks) > 0 {
		a.once.Do(func() {
			a.jump()
			time.Sleep(6 * time.Second) // moved time: a look for what a crash has left comes between
		})
	}
	return tasks, err
}

// What was claimed and is about to be sent is no leftover of a crash either, though the
// clock has jumped behind its lease.
func TestNoRescueOfWhatWasJustClaimed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		var ahead atomic.Int64
		tw.d.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
		tw.d.Store = asleep{tw.store, new(sync.Once), func() { ahead.Store(int64(time.Hour)) }}
		tw.start()
		id := tw.submit(nil, "finance")
		after(5 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if b.count() != 1 {
			t.Errorf("calls %v, want one", b.calls)
		}
	})
}

// The next attempt may begin before the one before has told its metrics: what is being
// sent is known as such all the same.
func TestNextAttemptIsUnderWayToo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{traits: connectors.Traits{Askable: true}, answer: func(kind string, _ *connectors.Message, n int) connectors.Receipt {
			switch {
			case kind == "ask":
				return connectors.Receipt{Outcome: connectors.Retry, Code: NotFound} // it has not arrived yet
			case n == 1:
				return connectors.Receipt{Outcome: connectors.Retry, Code: "busy"}
			}
			time.Sleep(2 * time.Minute) // the lease is one minute
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		tw.d.Attempted = func(_, outcome string, _ time.Duration) {
			if outcome == connectors.Retry.String() {
				time.Sleep(10 * time.Second)
			}
		}
		tw.start()
		id := tw.submit(nil, "finance")
		after(5 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if b.count() != 2 {
			t.Errorf("calls %v, want two", b.calls)
		}
	})
}

// extended notes how often leases are renewed.
type extended struct {
	store.Deliver
	ids *[]hub.ID
}

func (e extended) Extend(ctx context.Context, owner string, ids []hub.ID, until time.Time) error {
	*e.ids = append(*e.ids, ids...)
	return e.Deliver.Extend(ctx, owner, ids, until)
}

// An attempt that takes longer than a lease keeps it, and nothing else does.
func TestLeaseOfALongAttemptIsRenewed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			time.Sleep(90 * time.Second) // moved time; the lease is one minute
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": b})
		defer tw.end()
		var renewed []hub.ID
		tw.d.Store = extended{tw.store, &renewed}
		tw.start()
		id := tw.submit(nil, "finance")
		for range 8 {
			after(10 * time.Second)
			if left, err := tw.store.Expired(t.Context(), time.Now().Add(30*time.Second), "", 10); err != nil || len(left) != 0 {
				t.Fatalf("its lease ends while it is sent: %+v, %v", left, err)
			}
		}
		after(5 * time.Minute)
		tw.expect(id, 1, hub.DeliveryDelivered, "")
		if n := len(renewed); n != 4 { // after 20, 40, 60 and 80 seconds
			t.Errorf("renewed %d times", n)
		}
	})
}
