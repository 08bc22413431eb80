package flow

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

// Large payloads wait for one another; small ones wait for nobody. Whoever is done gives
// back what it took, whatever became of it.
func TestLargePayloadsWaitForOneAnother(t *testing.T) {
	d := newDesk(t)
	fill := func(s string) string {
		return strings.Replace(s, "</h:halter>", "</h:halter>"+strings.Repeat(" ", small), 1)
	}
	large, poison, little := d.accept("labrador.xml", fill, nil), d.accept("labrador.xml", fill, nil), d.accept("labrador.xml", nil, nil)
	give, err := d.memory.take(t.Context(), openMost) // larger than all there is: all there is
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := d.Run(ctx, large); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a large one did not wait: %v", err)
	}
	d.run(little)
	give()
	if s := d.run(large); s.Submission.State != hub.SubmissionRunning {
		t.Errorf("the large one is %s", s.Submission.State)
	}
	real := stages[2].run
	stages[2].run = func(*work) error { panic("poison") }
	defer func() { stages[2].run = real }()
	d.run(poison)
	if !d.memory.free.TryAcquire(openMost) {
		t.Error("not all memory was given back")
	}
	if d.warm.get(large) != nil || d.warm.get(little) == nil {
		t.Error("the large one stays open, or the small one does not")
	}
}

// A run that tells the portal and then goes on with what is there now does not wait for
// the memory that it has itself.
func TestLargePayloadIsTold(t *testing.T) {
	d := newDesk(t)
	d.callsBack(true)
	id := d.accept("dackel.xml", func(s string) string {
		return strings.Replace(s, "</h:halter>", "</h:halter>"+strings.Repeat(" ", small), 1)
	}, nil)
	s := d.run(id)
	give, err := d.memory.take(t.Context(), openMost/openCost-s.Submission.Size) // there is room for one
	if err != nil {
		t.Fatal(err)
	}
	defer give()
	d.end(id)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := d.Run(ctx, id); err != nil {
		t.Fatalf("it waits for itself: %v", err)
	}
	if got := d.told(id); len(got) != 1 {
		t.Errorf("told %v", got)
	}
}

// What stays open is bounded by number and by size.
func TestWarmIsBounded(t *testing.T) {
	for name, test := range map[string]struct {
		put, stay int
		size      int64
	}{
		"many":     {warmest + 100, warmest, 3000},
		"big ones": {warmest, warmBytes / small, small},
		"too big":  {3, 0, small + 1},
		"some":     {3, 3, 3000},
	} {
		t.Run(name, func(t *testing.T) {
			var c warm
			var ids hub.IDs
			var all []hub.ID
			for range test.put {
				id := ids.New()
				all = append(all, id)
				c.put(id, &opened{size: test.size})
				c.put(id, &opened{size: test.size})
			}
			if len(c.open) != test.stay || c.bytes != int64(test.stay)*test.size {
				t.Errorf("%d stay with %d bytes, want %d", len(c.open), c.bytes, test.stay)
			}
			for i, id := range all {
				if (c.get(id) != nil) != (i >= test.put-test.stay) {
					t.Fatalf("number %d of %d: %v; the newest are to stay", i, test.put, c.get(id) != nil)
				}
				c.forget(id)
			}
			if len(c.open) != 0 || c.bytes != 0 {
				t.Errorf("forgotten: %d with %d bytes", len(c.open), c.bytes)
			}
		})
	}
}
