package storetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// parallel runs n calls on some goroutines and ends the test with the first error.
func (f *fixture) parallel(goroutines, n int, call func(i int) error) {
	f.Helper()
	var wg sync.WaitGroup
	var next atomic.Int64
	errs := make(chan error, goroutines)
	for range goroutines {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				if err := call(i); err != nil {
					errs <- err
					return
				}
			}
		})
	}
	wg.Wait()
	select {
	case err := <-errs:
		f.Fatal(err)
	default:
	}
}

// concurrent lets many go through the whole life at once: nothing is lost,
// nothing is claimed twice.
func concurrent(f *fixture) {
	const n, systems = 400, 3
	all := make([]*store.Acceptance, n)
	for i := range all {
		all[i] = f.acceptance()
		all[i].OrderKey = fmt.Appendf(nil, "key %d", i%97)
	}
	now := f.now
	var claims [systems]sync.Map
	var delivered, settled atomic.Int64
	work := func(system int) error {
		name := fmt.Sprint("system-", system)
		tasks, err := f.Claim(f.ctx, store.Claim{System: name, Owner: node, Now: now, Lease: time.Minute, Limit: 8})
		if err != nil {
			return err
		}
		for _, t := range tasks {
			if _, twice := claims[system].LoadOrStore(t.Delivery.ID, true); twice {
				return fmt.Errorf("delivery %s is claimed twice", t.Delivery.ID)
			}
			e, err := f.Record(f.ctx, f.outcome(t, hub.DeliveryDelivered))
			if err != nil {
				return err
			}
			if e.Settled {
				settled.Add(1)
			}
			delivered.Add(1)
		}
		return nil
	}
	f.parallel(16, n, func(i int) error {
		a := all[i]
		if _, err := f.Accept(f.ctx, a); err != nil {
			return err
		}
		id := a.Submission.ID
		adv := &store.Advance{At: now, State: hub.SubmissionRunning, Search: [][]byte{[]byte(fmt.Sprintf("%016d", i))}}
		for s := range systems {
			d := f.pending(id, s+1, fmt.Sprint("system-", s))
			d.OrderKey = a.OrderKey
			adv.Deliveries = append(adv.Deliveries, d)
		}
		if err := f.Advance(f.ctx, id, 1, adv); err != nil {
			return err
		}
		return work(i % systems)
	})
	// What was held back comes when the one before it has settled.
	for range n {
		if delivered.Load() == n*systems {
			break
		}
		f.parallel(systems, systems, work)
	}
	equal(f, "delivered", delivered.Load(), int64(n*systems))
	equal(f, "settled", settled.Load(), int64(n))
	got, err := f.Figures(f.ctx)
	f.must(err)
	equal(f, "settled in the figures", got.Submissions[hub.SubmissionSettled], n)
	for name, s := range got.Systems {
		equal(f, "open for "+name, s, store.SystemFigures{})
	}
	for _, a := range all {
		f.state(a.Submission.ID, hub.SubmissionSettled)
	}
}

// concurrentClaims: several claim from one system at once.
func concurrentClaims(f *fixture) {
	for range 100 {
		f.planned("infoma")
	}
	var seen sync.Map
	var count atomic.Int64
	now := f.now
	f.parallel(8, 100, func(i int) error {
		tasks, err := f.Claim(f.ctx, store.Claim{System: "infoma", Owner: fmt.Sprint("node-", i%8), Now: now, Lease: time.Minute, Limit: 1 + i%3})
		for _, t := range tasks {
			if _, twice := seen.LoadOrStore(t.Delivery.ID, true); twice {
				return fmt.Errorf("delivery %s is claimed twice", t.Delivery.ID)
			}
			if len(t.Body) == 0 {
				return fmt.Errorf("delivery %s comes without its document", t.Delivery.ID)
			}
			count.Add(1)
		}
		return err
	})
	equal(f, "claimed", count.Load(), 100)
}

// concurrentSameKey: of many with one idempotency key exactly one is new.
func concurrentSameKey(f *fixture) {
	all := make([]*store.Acceptance, 64)
	for i := range all {
		all[i] = f.acceptance()
		all[i].Key, all[i].Fingerprint = "the same", [32]byte{1}
	}
	var fresh atomic.Int64
	ids := make([]hub.ID, len(all))
	f.parallel(16, len(all), func(i int) error {
		got, err := f.Accept(f.ctx, all[i])
		if err == nil && !got.Replayed {
			fresh.Add(1)
		}
		ids[i] = got.ID
		return err
	})
	equal(f, "new ones", fresh.Load(), 1)
	for _, id := range ids {
		equal(f, "id", id, ids[0])
	}
	rows, err := f.List(f.ctx, store.Filter{})
	f.must(err)
	equal(f, "submissions", len(rows), 1)
}

// randomLives drives submissions through random steps and compares the figures
// with what the rows say.
func randomLives(f *fixture) {
	rnd := rand.New(rand.NewPCG(7, 11))
	systems := []string{"infoma", "records", "waste"}
	var ids []hub.ID
	some := func() hub.ID { return ids[rnd.IntN(len(ids))] }
	for range 1500 {
		f.pass(time.Duration(rnd.IntN(40)) * time.Minute)
		switch n := rnd.IntN(22); {
		case n < 4 || len(ids) == 0:
			ids = append(ids, f.inOrder(fmt.Sprint("key ", rnd.IntN(9)), systems[:1+rnd.IntN(3)]...))
		case n < 14:
			for _, t := range f.claimSome(systems[rnd.IntN(3)], 1+rnd.IntN(4)) {
				if rnd.IntN(12) == 0 {
					continue // this one crashes
				}
				f.record(t, []hub.DeliveryState{hub.DeliveryDelivered, hub.DeliveryDelivered, hub.DeliveryPending, hub.DeliveryParked, hub.DeliveryAwaiting}[rnd.IntN(5)])
			}
		case n < 16:
			for _, e := range f.expired("") {
				f.must(f.Rescue(f.ctx, e.ID, e.Owner, rnd.IntN(2) == 0, f.now))
			}
		case n < 17:
			err := f.Replay(f.ctx, some().Delivery(1), store.Replay{Force: true, Actor: "operator:x", At: f.now})
			if !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrDamaged) {
				f.must(err)
			}
		case n < 18:
			_, err := f.CloseDelivery(f.ctx, some().Delivery(1), "operator:x", "y", f.now)
			if !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrDamaged) {
				f.must(err)
			}
		case n < 19:
			if err := f.Withdraw(f.ctx, some(), "portal:soest", "", f.now); !errors.Is(err, store.ErrState) {
				f.must(err)
			}
		case n < 20:
			o := f.order(some())
			o.Metadata = rnd.IntN(2) == 0
			if err := f.erase(o)[0].Err; !errors.Is(err, store.ErrState) && !errors.Is(err, store.ErrDamaged) {
				f.must(err)
			}
		case rnd.IntN(10) == 0:
			f.must(f.Damage(f.ctx, some(), "x", f.now))
		case rnd.IntN(4) == 0:
			if err := f.Mend(f.ctx, some(), "operator:x", "y", f.now); !errors.Is(err, store.ErrState) {
				f.must(err)
			}
		}
	}
	f.figuresMatch(ids)
	f.chainHolds()
	erased, withdrawn := 0, 0
	for _, id := range ids {
		s := f.status(id)
		gone := s.Submission.State == hub.SubmissionErased
		if gone != !s.Submission.Erased.Metadata.IsZero() && s.Submission.State != hub.SubmissionDamaged || gone && len(s.Deliveries) > 0 {
			f.Errorf("%s is %s, erased %+v", id, s.Submission.State, s.Submission.Erased)
		}
		if gone {
			erased++
		}
		if s.Submission.WithdrawnAt.IsZero() {
			continue
		}
		withdrawn++
		for _, d := range s.Deliveries {
			if d.State == hub.DeliveryWaiting || d.State == hub.DeliveryPending {
				f.Errorf("%s was withdrawn, and delivery %d is %s", id, d.ID.Ordinal(), d.State)
			}
		}
	}
	if erased == 0 || withdrawn == 0 {
		f.Errorf("%d erased, %d withdrawn: nothing was tried", erased, withdrawn)
	}
}

// figuresMatch compares the figures with the rows.
func (f *fixture) figuresMatch(ids []hub.ID) {
	f.Helper()
	submissions := make(map[hub.SubmissionState]int64)
	parked := make(map[hub.ParkReason]int64)
	systems := make(map[string]store.SystemFigures)
	for _, id := range ids {
		s := f.status(id)
		submissions[s.Submission.State]++
		for _, d := range s.Deliveries {
			if s.Submission.State == hub.SubmissionDamaged && d.State != hub.DeliverySending {
				continue
			}
			sys := systems[d.System]
			switch d.State {
			case hub.DeliveryPending:
				sys.Pending++
			case hub.DeliverySending:
				sys.Sending++
			case hub.DeliveryAwaiting:
				sys.Awaiting++
			case hub.DeliveryParked:
				sys.Parked++
				parked[d.Reason]++
			}
			systems[d.System] = sys
		}
	}
	got, err := f.Figures(f.ctx)
	f.must(err)
	for state, n := range submissions {
		equal(f, "submissions "+string(state), got.Submissions[state], n)
	}
	for reason, n := range parked {
		equal(f, "parked "+string(reason), got.Parked[reason], n)
	}
	for name, want := range systems {
		have := got.Systems[name]
		have.OldestWaiting, have.OldestAsked = time.Time{}, time.Time{}
		equal(f, "figures of "+name, have, want)
	}
}
