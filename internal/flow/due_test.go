package flow

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// bells take the place of the bus: so many may wait, each once.
type bells struct {
	wait        chan hub.ID
	known       sync.Map
	full, nudge chan struct{}
}

func (d *desk) bells(room int) *bells {
	b := &bells{wait: make(chan hub.ID, room), full: make(chan struct{}, 1), nudge: make(chan struct{}, 1)}
	d.Ring = func(id hub.ID) bool {
		if _, is := b.known.LoadOrStore(id, true); is {
			return true
		}
		select {
		case b.wait <- id:
			return true
		default:
			b.known.Delete(id)
			return false
		}
	}
	return b
}

// sweep runs the sweep and answers its bells until done says so.
func (d *desk) sweep(b *bells, done func() bool) (runs map[hub.ID]int) {
	d.t.Helper()
	ctx, stop := context.WithTimeout(d.t.Context(), 30*time.Second)
	var tasks sync.WaitGroup
	defer tasks.Wait()
	defer stop()
	tasks.Go(func() {
		d.Sweep(ctx, 10*time.Millisecond, b.nudge, func() {
			select {
			case b.full <- struct{}{}:
			default:
			}
		})
	})
	runs = map[hub.ID]int{}
	for !done() {
		select {
		case id := <-b.wait:
			b.known.Delete(id)
			runs[id]++
			if err := d.Run(ctx, id); err != nil && !errors.Is(err, vault.ErrNoKey) {
				d.t.Fatal(err)
			}
		case <-ctx.Done():
			d.t.Fatal("the sweep did not come to its end")
		}
		if len(b.wait) == 0 {
			select {
			case <-b.full:
				b.nudge <- struct{}{}
			default:
			}
		}
	}
	return runs
}

// More submissions than a page holds wait for a key that nobody has: the one behind
// them goes on, and they are not tried again and again.
func TestSweepPassesWhatCannotBeDone(t *testing.T) {
	d := newDesk(t)
	ring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	if ring, err = vault.Rotate(ring); err != nil {
		t.Fatal(err)
	}
	other, err := vault.Parse(ring)
	if err != nil {
		t.Fatal(err)
	}
	for range sweepPage + 8 {
		d.accept("labrador.xml", nil, func(a *store.Acceptance) {
			if _, a.DataKey, err = other.NewKey(a.Submission.ID, town); err != nil {
				t.Fatal(err)
			}
		})
	}
	d.now = d.now.Add(time.Second)
	last := d.accept("labrador.xml", nil, nil)
	runs := d.sweep(d.bells(16), func() bool {
		s, err := d.store.Submission(t.Context(), last)
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Deliveries) > 0
	})
	for id, n := range runs {
		if n > 1 {
			t.Errorf("%s was tried %d times", id, n)
		}
	}
	if len(runs) != sweepPage+9 {
		t.Errorf("%d submissions were tried, want %d", len(runs), sweepPage+9)
	}
	for _, want := range []int{0, sweepPage + 8} { // now, and when they have rested
		d.bells(sweepPage + 9)
		rung, from, more := 0, store.Due{}, true
		for more {
			var n int
			n, more = d.look(t.Context(), &from, func() {})
			rung += n
		}
		if rung != want {
			t.Errorf("%d of them are rung again, want %d", rung, want)
		}
		d.now = d.now.Add(rest)
	}
}

// Where bells are dropped, the sweep goes on with the first one that was.
func TestSweepRingsAll(t *testing.T) {
	d := newDesk(t)
	var ids []hub.ID
	for range 25 {
		ids = append(ids, d.accept("labrador.xml", nil, nil))
		d.now = d.now.Add(time.Millisecond)
	}
	runs := d.sweep(d.bells(4), func() bool {
		due, err := d.store.Due(t.Context(), d.now, store.Due{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return len(due) == 0
	})
	for _, id := range ids {
		if runs[id] == 0 {
			t.Errorf("%s was never rung", id)
		}
	}
}

// few bells that wait leave room for a page.
const few = 16

// reads counts the cases that are read ahead, those of the last few left out.
type reads struct {
	flowStore
	n atomic.Int64
}

func (r *reads) Cases(ctx context.Context, ids []hub.ID) ([]*store.Case, error) {
	if len(ids) > few {
		r.n.Add(int64(len(ids)))
	}
	return r.flowStore.Cases(ctx, ids)
}

// However often it is nudged, the sweep adds nothing to bells that wait, and reads
// every case once.
func TestSweepWaitsForRoom(t *testing.T) {
	d := newDesk(t)
	const all = 3 * sweepPage / 2
	for range all {
		d.accept("labrador.xml", nil, nil)
	}
	d.now = d.now.Add(time.Second)
	counted := &reads{flowStore: d.Store}
	d.Store = counted
	b := d.bells(sweepPage + few)
	d.Busy = func() bool { return len(b.wait) > few }
	ctx, stop := context.WithCancel(t.Context())
	var tasks sync.WaitGroup
	tasks.Go(func() {
		for ctx.Err() == nil {
			select {
			case b.nudge <- struct{}{}:
			case <-ctx.Done():
			}
		}
	})
	d.sweep(b, func() bool {
		due, err := d.store.Due(t.Context(), d.now, store.Due{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		return len(due) == 0
	})
	stop()
	tasks.Wait()
	if n := counted.n.Load(); n > all {
		t.Errorf("%d cases were read ahead, want each of %d once", n, all)
	}
}

// Where bells wait all the time, what nobody rang for is found nevertheless.
func TestSweepLooksWhileOthersRing(t *testing.T) {
	d := newDesk(t)
	d.Busy = func() bool { return true }
	planned := func(id hub.ID) bool {
		s, err := d.store.Submission(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return len(s.Deliveries) > 0
	}
	first := d.accept("labrador.xml", nil, nil)
	var second hub.ID
	d.sweep(d.bells(16), func() bool {
		if second.Zero() && planned(first) { // the look at the start is over
			second = d.accept("labrador.xml", nil, nil)
		}
		return !second.Zero() && planned(second)
	})
}

// A clock that was set back keeps nothing that was accepted before from being planned.
func TestSweepThoughTheClockWasSetBack(t *testing.T) {
	d := newDesk(t)
	id := d.accept("labrador.xml", nil, nil)
	d.now = d.now.Add(-25 * time.Hour)
	var rung []hub.ID
	d.Ring = func(id hub.ID) bool { rung = append(rung, id); return true }
	var last store.Due
	if d.look(t.Context(), &last, func() {}); !slices.Equal(rung, []hub.ID{id}) {
		t.Errorf("rung %v, want %s", rung, id)
	}
}

// A case that was read ahead and has changed before its turn is read again.
func TestReadAheadIsNotBelieved(t *testing.T) {
	d := newDesk(t)
	withdrawn, damaged, whole := d.accept("labrador.xml", nil, nil), d.accept("labrador.xml", nil, nil), d.accept("labrador.xml", nil, nil)
	var cases []*store.Case
	for _, id := range []hub.ID{withdrawn, damaged, whole} {
		c, err := d.store.Case(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		cases = append(cases, c)
	}
	if err := d.store.Withdraw(t.Context(), withdrawn, "citizen", "", d.now); err != nil {
		t.Fatal(err)
	}
	if err := d.store.Damage(t.Context(), damaged, "payload", d.now); err != nil {
		t.Fatal(err)
	}
	d.ahead.put(cases)
	if s := d.run(withdrawn); len(s.Deliveries) != 0 {
		t.Errorf("planned although it was withdrawn: %+v", s.Deliveries)
	}
	if s := d.run(damaged); s.Submission.State != hub.SubmissionDamaged || len(s.Deliveries) != 0 {
		t.Errorf("planned although it was set aside: %s", states(s))
	}
	if s := d.run(whole); len(s.Deliveries) == 0 {
		t.Error("what has not changed was not planned")
	}
	if d.ahead.take(whole) != nil {
		t.Error("it is still read ahead after its run")
	}
}
