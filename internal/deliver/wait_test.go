package deliver

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"stellwerk/connectors"
)

// Nobody waits for a system but where it is full for a moment; and then for a moment.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		busy := &backend{answer: func(string, *connectors.Message, int) connectors.Receipt {
			<-release
			return connectors.Receipt{Outcome: connectors.Delivered}
		}}
		tw := newTown(t, map[string]*backend{"finance": busy, "records": {}})
		defer tw.end()
		tw.snap.Systems["finance"].Limits.Concurrency = 2
		tw.start()
		after(time.Second)
		waits := func(want time.Duration, systems ...string) {
			t.Helper()
			start := time.Now()
			tw.d.Wait(t.Context(), systems)
			if took := time.Since(start); took != want {
				t.Errorf("for %v: %v, want %v", systems, took, want)
			}
		}
		waits(0)
		waits(0, "finance", "records", "nobody")

		for range 2 {
			tw.submit(nil, "finance")
		}
		tw.d.Wake("finance")
		after(time.Millisecond)
		waits(0, "records")
		waits(moment, "records", "finance")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start := time.Now()
		if tw.d.Wait(ctx, []string{"finance"}); time.Since(start) != 0 {
			t.Error("who does not want it any more waits")
		}
		go func() {
			time.Sleep(10 * time.Millisecond) // moved time
			release <- struct{}{}
		}()
		waits(10*time.Millisecond, "finance")

		// Full again, and this time for long: it is slow.
		tw.submit(nil, "finance")
		tw.d.Wake("finance")
		after(slow)
		waits(0, "finance")
		close(release)
		after(time.Second)
		waits(0, "finance")
	})
}

// Nobody waits for a system that takes nothing now.
func TestWaitForNobodyWhoIsOut(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := &backend{answer: always(connectors.Receipt{Outcome: connectors.Retry, Code: "connection-refused", Fault: true})}
		tw := newTown(t, map[string]*backend{"finance": down, "records": {}})
		defer tw.end()
		tw.start()
		for range 20 {
			tw.submit(nil, "finance")
		}
		tw.d.Wake("finance")
		after(slow) // so that what is full is full anew
		if state := tw.d.Breakers()["finance"]; state == "closed" {
			t.Fatalf("its breaker is %s", state)
		}
		tw.submit(nil, "finance")
		start := time.Now()
		if tw.d.Wait(t.Context(), []string{"finance", "records"}); time.Since(start) != 0 {
			t.Errorf("waited %v for a system whose breaker is open", time.Since(start))
		}
	})
}
