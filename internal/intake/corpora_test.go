package intake

import (
	"bytes"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/vault"
)

// Whatever lies in the corpora, sent as XML, as JSON, as a form and as an
// attachment: no panic and no 5xx.
func TestCorporaAreNever5xx(t *testing.T) {
	dir := os.Getenv("STELLWERK_CORPORA")
	if dir == "" {
		if os.Getenv("CI") == "true" {
			t.Fatal("STELLWERK_CORPORA is not set")
		}
		t.Skip("STELLWERK_CORPORA is not set: the corpora are not here")
	}
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	v, err := vault.Parse(keyring)
	if err != nil {
		t.Fatal(err)
	}
	journal, snap := openStore(t), snapshot(t)
	api, err := New(Settings{
		Store: journal, Vault: v, Config: func() *config.Snapshot { return snap }, Attachments: journal.AttachmentDir(),
		Ring: func(hub.ID) {}, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return morning },
	})
	if err != nil {
		t.Fatal(err)
	}
	answers := map[int]int{}
	send := func(file, path, contentType string, body []byte, headers ...string) int {
		r := httptest.NewRequest("POST", path, bytes.NewReader(body))
		for h := append([]string{"Authorization", "Bearer " + keySoest, "Content-Type", contentType}, headers...); len(h) > 0; h = h[2:] {
			r.Header.Set(h[0], h[1])
		}
		res := httptest.NewRecorder()
		api.ServeHTTP(res, r)
		answers[res.Code]++
		if res.Code >= 500 {
			t.Errorf("%s as %s: %d %s", file, contentType, res.Code, res.Body)
		}
		return res.Code
	}
	err = filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		body, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		file, _ := filepath.Rel(dir, name)
		headers := dog("")[4:]
		send(file, "/v1/validations", "application/xml", body, headers...)
		send(file, "/v1/validations", "text/xml; charset=iso-8859-1", body, headers...)
		send(file, "/v1/validations", "application/json", body, headers...)
		send(file, "/v1/validations", "multipart/form-data; boundary=b", body)
		f := multi(t, meta(nil), xmlPart, part{"attachment", "application/octet-stream", "anlage", string(body)})
		if len(body) <= 1<<20 {
			if code := send(file, "/v1/submissions", f.contentType, f.body, "Idempotency-Key", fmt.Sprintf("%x", sum(body))); code != http.StatusAccepted {
				t.Errorf("%s as an attachment: %d", file, code)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("answers by status: %v", answers)
}
