package retention

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"log/slog"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
	"stellwerk/internal/store/sqlite"
)

// journal is a store with n settled submissions and three search hashes each.
func journal(b *testing.B, n int, now time.Time) *sqlite.Store {
	b.Helper()
	s, err := sqlite.Open(sqlite.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	var next, clock atomic.Int64
	ids := hub.IDs{Now: func() time.Time { return now.Add(time.Duration(clock.Add(1)) * time.Millisecond) }}
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			for i := next.Add(1); i <= int64(n); i = next.Add(1) {
				id := ids.New()
				if err := live(b.Context(), s, id, i, now); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	if b.Failed() {
		b.FailNow()
	}
	return s
}

func live(ctx context.Context, s *sqlite.Store, id hub.ID, n int64, now time.Time) error {
	hashes := make([][]byte, 3)
	for i := range hashes {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte{byte(i)}, uint64(n)))
		hashes[i] = sum[:16]
	}
	key := sha256.Sum256(id[:])
	if _, err := s.Accept(ctx, &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: "05974040", Service: "hundeanmeldung", Portal: "p", State: hub.SubmissionAccepted, ReceivedAt: now, Version: 1},
		Key:        id.String(), Answer: []byte("{}"), DataKey: append(key[:], key[:]...), Meta: []byte("m"), Payload: make([]byte, 1024), Actor: "portal:p",
	}); err != nil {
		return err
	}
	return s.Advance(ctx, id, 1, &store.Advance{At: now, State: hub.SubmissionSettled, Search: hashes})
}

// BenchmarkRetention deletes a whole journal of STELLWERK_JOURNAL submissions in one run,
// while somebody pushes one after the other: what a submission costs, and the longest that
// a push has waited.
func BenchmarkRetention(b *testing.B) {
	n := 2000
	if text := os.Getenv("STELLWERK_JOURNAL"); text != "" {
		var err error
		if n, err = strconv.Atoi(text); err != nil {
			b.Fatal(err)
		}
	}
	for b.Loop() {
		b.StopTimer()
		start := time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)
		s := journal(b, n, start)
		now := start.AddDate(2, 0, 0)
		r := Runner{Store: s, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler),
			Rules: func(string, string) route.Retention { return route.DefaultRetention }}
		if err := r.TrustClock(b.Context(), r.Now()); err != nil {
			b.Fatal(err)
		}
		ctx, stop := context.WithCancel(b.Context())
		var pushing sync.WaitGroup
		var longest time.Duration
		pushed := 0
		pushing.Go(func() {
			ids := hub.IDs{Now: func() time.Time { return now.Add(time.Duration(pushed) * time.Millisecond) }}
			for ctx.Err() == nil {
				at := time.Now()
				if err := live(b.Context(), s, ids.New(), int64(n+pushed), now); err != nil {
					b.Error(err)
					return
				}
				longest = max(longest, time.Since(at))
				pushed++
			}
		})
		b.StartTimer()
		began := time.Now()
		rep, err := r.Run(b.Context())
		took := time.Since(began)
		b.StopTimer()
		stop()
		pushing.Wait()
		if err != nil || rep.Erased[hub.PartMetadata] != n {
			b.Fatalf("%+v %v", rep, err)
		}
		b.ReportMetric(float64(took.Microseconds())/float64(n), "µs/submission")
		b.ReportMetric(float64(longest.Milliseconds()), "longest-push-ms")
		b.ReportMetric(float64(pushed)/took.Seconds(), "pushes/s")
		b.StartTimer()
	}
}
