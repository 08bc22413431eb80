package crew

import (
	"runtime"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestEveryFunctionRuns(t *testing.T) {
	defer goleak.VerifyNone(t)
	c := New(3)
	defer c.Close()
	var all sync.WaitGroup
	var mu sync.Mutex
	ran := make(map[int]int)
	for i := range 500 {
		all.Add(1)
		c.Go(func() {
			defer all.Done()
			mu.Lock()
			defer mu.Unlock()
			ran[i]++
		})
	}
	all.Wait()
	for i := range 500 {
		if ran[i] != 1 {
			t.Errorf("function %d ran %d times", i, ran[i])
		}
	}
}

// What runs waits for nobody else, however many there are already.
func TestNobodyWaits(t *testing.T) {
	defer goleak.VerifyNone(t)
	c := New(1)
	defer c.Close()
	const n = 20
	var met sync.WaitGroup
	met.Add(n)
	for range n {
		c.Go(func() { met.Done(); met.Wait() })
	}
	met.Wait()
}

// A goroutine that has nothing to do is used again, and no more than asked for stay.
func TestStaying(t *testing.T) {
	defer goleak.VerifyNone(t)
	c := New(2)
	defer c.Close()
	before := runtime.NumGoroutine()
	for range 3 {
		var all sync.WaitGroup
		all.Add(10)
		for range 10 {
			c.Go(func() { all.Done(); all.Wait() })
		}
		all.Wait()
	}
	for deadline := time.Now().Add(10 * time.Second); runtime.NumGoroutine() != before+2; runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatalf("%d goroutines stay, want 2", runtime.NumGoroutine()-before)
		}
	}
}

func TestAfterCloseItRunsAllTheSame(t *testing.T) {
	defer goleak.VerifyNone(t)
	c := New(2)
	c.Close()
	done := make(chan struct{})
	c.Go(func() { close(done) })
	<-done
}
