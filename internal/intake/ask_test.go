package intake

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// answer is a response that was read.
type answer struct {
	*http.Response
	body []byte
}

func (a answer) decode(t *testing.T, into any) {
	t.Helper()
	if err := json.Unmarshal(a.body, into); err != nil {
		t.Fatalf("%v: %s", err, a.body)
	}
}

// do sends a request. Headers come in pairs; one with an empty value is taken away.
func (w *world) do(method, path, body string, headers ...string) answer {
	w.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, w.url+path, r)
	if err != nil {
		w.t.Fatal(err)
	}
	return w.send(req, headers...)
}

func (w *world) send(req *http.Request, headers ...string) answer {
	w.t.Helper()
	if req.Header.Get("Authorization") == "" {
		req.Header.Set("Authorization", "Bearer "+keySoest)
	}
	for i := 0; i < len(headers); i += 2 {
		if headers[i+1] == "" {
			req.Header.Del(headers[i])
			continue
		}
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.client.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer{res, body}
}

// dog are the headers of a complete submission with its key.
func dog(key string, more ...string) []string {
	return append([]string{
		"Idempotency-Key", key, "Content-Type", "application/xml",
		"Stellwerk-Municipality", soest, "Stellwerk-Service", "hund",
		"Stellwerk-Consent", "true", "Stellwerk-Consent-At", "2026-11-23T09:30:00+01:00",
	}, more...)
}

// submit sends the usual submission.
func (w *world) submit(key string, more ...string) answer {
	w.t.Helper()
	return w.do("POST", "/v1/submissions", antrag, dog(key, more...)...)
}

// refused checks a problem and gives it.
func (w *world) refused(a answer, code Code) problemBody {
	w.t.Helper()
	e, ok := find(code)
	if !ok {
		w.t.Fatalf("no problem %s", code)
	}
	var p problemBody
	if a.Header.Get("Content-Type") != "application/problem+json" {
		w.t.Fatalf("%d %s: %s", a.StatusCode, a.Header.Get("Content-Type"), a.body)
	}
	a.decode(w.t, &p)
	if p.Code != code || a.StatusCode != e.Status || p.Status != e.Status || p.Type != typePrefix+string(code) || p.Detail == "" {
		w.t.Fatalf("want %s (%d), got %d: %s", code, e.Status, a.StatusCode, a.body)
	}
	if bytes.Contains(a.body, []byte("Geheimnis")) || bytes.Contains(a.body, []byte("%!")) {
		w.t.Fatalf("the problem repeats what was submitted, or is not written out: %s", a.body)
	}
	return p
}

// accepted checks a receipt and gives it.
func (w *world) accepted(a answer) Receipt {
	w.t.Helper()
	if a.StatusCode != http.StatusAccepted {
		w.t.Fatalf("want 202, got %d: %s", a.StatusCode, a.body)
	}
	var r Receipt
	a.decode(w.t, &r)
	if a.Header.Get("Location") != "https://hub.example/v1/submissions/"+r.ID.String() || r.Status != a.Header.Get("Location") {
		w.t.Fatalf("Location %q, receipt %s", a.Header.Get("Location"), a.body)
	}
	return r
}

// spooledFiles lists what lies in the attachment folder.
func (w *world) spooledFiles() []string {
	w.t.Helper()
	var out []string
	err := filepath.WalkDir(w.dir, func(name string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(w.dir, name)
			out = append(out, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return out
}
