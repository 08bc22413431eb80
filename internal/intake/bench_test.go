package intake

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// instant is a store that costs nothing.
type instant struct{ Store }

func (instant) Accept(_ context.Context, a *store.Acceptance) (store.Accepted, error) {
	return store.Accepted{ID: a.Submission.ID, Answer: a.Answer}, nil
}

// BenchmarkSubmit is one accept of 3 KB without network and store: what intake,
// gate and vault cost together. BenchmarkGate is the gate's part of it.
func BenchmarkSubmit(b *testing.B) {
	keyring, err := vault.Generate()
	if err != nil {
		b.Fatal(err)
	}
	v, err := vault.Parse(keyring)
	if err != nil {
		b.Fatal(err)
	}
	snap := snapshot(b)
	api, err := New(Settings{
		Store: instant{}, Vault: v, Config: func() *config.Snapshot { return snap }, Attachments: b.TempDir(),
		Ring: func(hub.ID) {}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return morning },
	})
	if err != nil {
		b.Fatal(err)
	}
	body := benchBody()
	header := http.Header{"Authorization": {"Bearer " + keySoest}}
	for h := dog("k"); len(h) > 0; h = h[2:] {
		header.Set(h[0], h[1])
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		r := httptest.NewRequest("POST", "/v1/submissions", bytes.NewReader(body))
		r.Header = header
		header["Idempotency-Key"] = []string{strconv.Itoa(i)}
		res := httptest.NewRecorder()
		api.ServeHTTP(res, r)
		if res.Code != http.StatusAccepted {
			b.Fatal(res.Code, res.Body)
		}
	}
}

func BenchmarkGate(b *testing.B) {
	body := benchBody()
	b.ReportAllocs()
	for b.Loop() {
		watch, err := gate.NewWatch("hund/chip")
		if err != nil {
			b.Fatal(err)
		}
		if _, err := gate.Check(b.Context(), body, "application/xml", gate.Options{Handlers: []gate.Handler{watch}}); err != nil {
			b.Fatal(err)
		}
	}
}

func benchBody() []byte {
	return []byte(strings.Replace(antrag, "</antrag>", strings.Repeat("<feld>ein Wert mit etwas Text</feld>", 80)+"</antrag>", 1))
}
