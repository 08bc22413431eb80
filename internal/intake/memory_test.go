package intake

import (
	"fmt"
	"io"
	"net/http"
	"runtime/metrics"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/config"
)

// Twenty hostile bodies of 10 MB at once, each made to hurt: together they stay
// under 256 MB, and none of them is a 5xx.
func TestHostileBodiesStayWithinMemory(t *testing.T) {
	w := newWorld(t)
	w.change(func(s *config.Snapshot) { s.Hub.Limits.Payload = 10 << 20 })
	const size = 10<<20 - 100
	kinds := []struct {
		contentType, head, again, tail string
	}{
		{"application/xml", "<antrag>", "ein langer Text ", "</antrag><zwei/>"},
		{"application/xml", "<antrag>", "<a>", ""},
		{"application/xml", "<antrag>", `<a b="1" c="2" d="3" e="4"/>`, "</antrag"},
		{"application/xml", "<antrag>", "&#38;", "</antrag>"},
		{"application/xml", `<antrag a="`, "x", `"/>`},
		{"application/json", `{"halter":{"name":"`, "x", `"}}`},
		{"application/json", `{"hund":[`, `{"chip":"1"},`, `{}]}`},
		{"application/json", `[`, `[`, ``},
		{"application/json", `{"hund":[`, `1,`, `1]} x`},
		{"application/json", `{"a":`, `9`, `}`},
	}
	peak := watchMemory()
	var all sync.WaitGroup
	for i := range 20 {
		k := kinds[i%len(kinds)]
		all.Go(func() {
			body := io.MultiReader(strings.NewReader(k.head), io.LimitReader(&endless{s: k.again}, int64(size/len(k.again)*len(k.again))), strings.NewReader(k.tail))
			req, err := http.NewRequest("POST", w.url+"/v1/submissions", body)
			if err != nil {
				t.Error(err)
				return
			}
			for h := dog(fmt.Sprint("k-", i), "Content-Type", k.contentType, "Authorization", "Bearer "+keySoest); len(h) > 0; h = h[2:] {
				req.Header.Set(h[0], h[1])
			}
			res, err := w.client.Transport.(*conformance).next.RoundTrip(req)
			if err != nil {
				t.Errorf("%s%s…: %v", k.head, k.again, err)
				return
			}
			defer res.Body.Close()
			if res.StatusCode < 400 || res.StatusCode >= 500 {
				t.Errorf("%s%s…: %d", k.head, k.again, res.StatusCode)
			}
		})
	}
	all.Wait()
	if got := peak(); got > 256<<20 {
		t.Errorf("%d MB at the peak", got>>20)
	} else {
		t.Logf("%d MB at the peak", got>>20)
	}
	if w.store.last != nil {
		t.Error("one reached the store")
	}
}

// endless repeats a text.
type endless struct {
	s  string
	at int
}

func (e *endless) Read(p []byte) (int, error) {
	for n := range p {
		p[n] = e.s[e.at]
		e.at = (e.at + 1) % len(e.s)
	}
	return len(p), nil
}

// watchMemory samples what the runtime holds of the system's memory; the result
// stops it and gives the peak.
func watchMemory() (peak func() uint64) {
	samples := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	stop, highest := make(chan struct{}), make(chan uint64)
	go func() {
		var most uint64
		tick := time.NewTicker(2 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(samples)
			most = max(most, samples[0].Value.Uint64()-samples[1].Value.Uint64())
			select {
			case <-stop:
				highest <- most
				return
			case <-tick.C:
			}
		}
	}()
	return func() uint64 { close(stop); return <-highest }
}
