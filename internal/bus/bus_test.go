package bus

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func start(t *testing.T, handle func(b *Bus)) *Bus {
	t.Helper()
	b, err := New(Options{Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
	if err != nil {
		t.Fatal(err)
	}
	handle(b)
	done := make(chan error, 1)
	go func() { done <- b.Run(context.Background()) }()
	<-b.Running()
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return b
}

func TestEveryBellIsHeardOnce(t *testing.T) {
	const n = 200
	var wg sync.WaitGroup
	wg.Add(n)
	var heard sync.Map
	b := start(t, func(b *Bus) {
		b.Handle("flow", 8, func(_ context.Context, key string) error {
			if _, twice := heard.LoadOrStore(key, true); twice {
				t.Errorf("%s was heard twice", key)
			}
			wg.Done()
			return nil
		})
	})
	for i := range n {
		if !b.Ring("flow", fmt.Sprint(i)) {
			t.Fatal("a bell was dropped although there is room")
		}
	}
	wg.Wait()
}

func TestWorkersAreBounded(t *testing.T) {
	var now, most atomic.Int32
	var wg sync.WaitGroup
	wg.Add(64)
	gate := make(chan struct{})
	b := start(t, func(b *Bus) {
		b.Handle("flow", 4, func(context.Context, string) error {
			defer wg.Done()
			if n := now.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-gate
			now.Add(-1)
			return nil
		})
	})
	for i := range 64 {
		b.Ring("flow", fmt.Sprint(i))
	}
	close(gate)
	wg.Wait()
	if most.Load() > 4 {
		t.Errorf("%d handlers at once, 4 were allowed", most.Load())
	}
}

// A poison message must neither spin nor keep its neighbours from being handled.
func TestPanicAndErrorDoNotSpin(t *testing.T) {
	var calls atomic.Int32
	heard := make(chan string, 100)
	b := start(t, func(b *Bus) {
		b.Handle("flow", 1, func(_ context.Context, key string) error {
			calls.Add(1)
			heard <- key
			switch key {
			case "panic":
				panic("poison")
			case "error":
				return errors.New("broken")
			}
			return nil
		})
	})
	for _, key := range []string{"panic", "error", "good"} {
		b.Ring("flow", key)
		if got := <-heard; got != key {
			t.Fatalf("heard %s, want %s", got, key)
		}
	}
	if calls.Load() != 3 {
		t.Errorf("handled %d times, want 3", calls.Load())
	}
}

// lines gives what is written to it, line by line.
type lines chan string

func (l lines) Write(b []byte) (int, error) { l <- string(b); return len(b), nil }

// What a panic says may quote a document, so the log has its type and its place.
func TestPanicIsToldWithoutItsValue(t *testing.T) {
	log := make(lines, 10)
	b := start(t, func(b *Bus) {
		b.opts.Log = slog.New(slog.NewTextHandler(log, nil))
		b.Handle("flow", 1, func(context.Context, string) error { panic(errors.New("Erika Musterfrau")) })
	})
	b.Ring("flow", "key-1")
	got := <-log
	if !strings.Contains(got, "handler panicked") || !strings.Contains(got, "key-1") || !strings.Contains(got, "bus_test.go") || strings.Contains(got, "Erika") {
		t.Errorf("the log says %s", got)
	}
}

func TestBellsAreBoundedAndCoalesced(t *testing.T) {
	gate := make(chan struct{})
	entered := make(chan struct{}, 1)
	b := start(t, func(b *Bus) {
		b.Handle("flow", 1, func(context.Context, string) error {
			select {
			case entered <- struct{}{}:
			default:
			}
			<-gate
			return nil
		})
	})
	b.Ring("flow", "first")
	<-entered
	for range 10 * Waiting {
		if !b.Ring("flow", "same") {
			t.Fatal("a bell that waits already takes no room")
		}
	}
	dropped := false
	for i := range 2 * Waiting {
		dropped = dropped || !b.Ring("flow", fmt.Sprint(i))
	}
	if !dropped {
		t.Error("the number of waiting bells is not bounded")
	}
	close(gate)
}

// TestBellBeforeTheRouterRuns: deliveries are made before anybody listens. Such a
// bell is lost, and must not make the next ones for the same key look rung.
func TestBellBeforeTheRouterRuns(t *testing.T) {
	heard := make(chan string, Waiting)
	b := start(t, func(b *Bus) {
		b.Handle("answer", 1, func(_ context.Context, key string) error {
			heard <- key
			return nil
		})
		for i := range Waiting {
			if b.Ring("answer", fmt.Sprint(i)) {
				t.Fatal("a bell that nobody can hear is said to have rung")
			}
		}
	})
	if !b.Ring("answer", "1") {
		t.Fatal("there is no room although nobody was heard yet")
	}
	if key := <-heard; key != "1" {
		t.Errorf("heard %s", key)
	}
}

// On a full disk thousands fail at every scan. The log has the first ones of a minute and
// says how many more there were.
func TestManyErrorsAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		b := &Bus{opts: Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, topics: map[string]*topic{"flow": {}}}
		for i := range 3000 {
			b.stopped("flow", fmt.Sprint("key-", i), errors.New("disk full"))
		}
		if n := strings.Count(log.String(), "handler stopped"); n != mostTold || strings.Count(log.String(), "\n") != mostTold+1 {
			t.Errorf("%d told one by one:\n%s", n, &log)
		}
		time.Sleep(time.Minute)
		log.Reset()
		b.stopped("flow", "another", errors.New("disk full"))
		if got := log.String(); !strings.Contains(got, fmt.Sprint("more=", 3000-mostTold)) || !strings.Contains(got, "another") {
			t.Errorf("a minute later: %s", got)
		}
	})
}
