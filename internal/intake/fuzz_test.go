package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
	"unicode/utf8"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/vault"
)

// Whatever comes as metadata: no panic, and what is taken without a finding is
// within its limits and readable.
func FuzzMetadata(f *testing.F) {
	f.Add([]byte(meta(nil).body))
	f.Add([]byte(`{"municipality":"05974040","service":"hund","consent":{"given":false},"trust-level":"STORK-QAA-Level-1","x":[{}]}`))
	f.Add([]byte(`{"consent":{"given":true,"given":true}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, findings, malformed := fromJSON(body, german)
		if malformed {
			return
		}
		if !json.Valid(body) {
			t.Fatalf("%q is no JSON and was read", body)
		}
		if len(findings) > 0 {
			return
		}
		for _, v := range []string{m.reference, m.mailbox, m.wording, m.version, m.service, m.municipality, m.trust} {
			if !utf8.ValidString(v) || utf8.RuneCountInString(v) > maxName {
				t.Fatalf("%q was taken", v)
			}
		}
	})
}

// Whatever comes as a multipart body: an answer of the description, never a 5xx,
// and nothing left on the disk unless it was accepted.
func FuzzMultipart(f *testing.F) {
	for _, parts := range [][]part{
		{meta(nil), xmlPart},
		{meta(nil), xmlPart, {"attachment", "application/pdf", "a.pdf", "PDF"}},
		{xmlPart, meta(nil)},
		{meta(nil), {"payload", "application/json", "", `{"halter":{"name":"x"}}`}},
	} {
		f.Add(multi(f, parts...).body, "k")
	}
	keyring, err := vault.Generate()
	if err != nil {
		f.Fatal(err)
	}
	v, err := vault.Parse(keyring)
	if err != nil {
		f.Fatal(err)
	}
	journal := openStore(f)
	faults := &faults{Store: journal}
	snap := snapshot(f)
	api, err := New(Settings{
		Store: faults, Vault: v, Config: func() *config.Snapshot { return snap }, Attachments: journal.AttachmentDir(),
		Ring: func(hub.ID) {}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return morning },
	})
	if err != nil {
		f.Fatal(err)
	}
	runs, taken := 0, 0
	f.Cleanup(func() {
		if runs > 0 && taken == 0 {
			f.Error("nothing was accepted, not even a seed")
		}
	})
	f.Fuzz(func(t *testing.T, body []byte, key string) {
		// The seeds have their boundary in the first line.
		line, _, _ := bytes.Cut(body, []byte("\n"))
		boundary := string(bytes.Trim(line, "-\r"))
		r := httptest.NewRequest("POST", "/v1/submissions", bytes.NewReader(body))
		runs++
		r.Header = http.Header{
			"Authorization": {"Bearer " + keySoest}, "Idempotency-Key": {fmt.Sprint(key, runs)},
			"Content-Type": {`multipart/form-data; boundary="` + boundary + `"`},
		}
		w := &world{t: t, dir: journal.AttachmentDir()}
		before := len(w.spooledFiles())
		faults.last = nil
		res := httptest.NewRecorder()
		api.ServeHTTP(res, r)
		if res.Code >= 500 {
			t.Fatalf("%d %s", res.Code, res.Body)
		}
		files := len(w.spooledFiles()) - before
		if res.Code != http.StatusAccepted && (files > 0 || faults.last != nil) {
			t.Fatalf("%d, and left behind %d files", res.Code, files)
		}
		if res.Code == http.StatusAccepted {
			taken++
		}
		if res.Code == http.StatusAccepted && files != len(faults.last.Attachments) {
			t.Fatalf("%d files for %d attachments", files, len(faults.last.Attachments))
		}
	})
}
