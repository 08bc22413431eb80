package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/retention"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/routes"
	"stellwerk/testdata"
)

// kept is a hub over the sample folder with a clock that is moved. It sends nothing.
type kept struct {
	*testing.T
	*App
	dir string
	key string // Idempotency-Key
	mu  sync.Mutex
	now time.Time
}

func newKept(t *testing.T) *kept {
	t.Helper()
	k := &kept{T: t, dir: t.TempDir(), key: "k-1", now: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	sample, err := fs.Sub(testdata.Musterstadt, "musterstadt")
	k.must(err)
	k.must(os.CopyFS(k.dir, sample))
	k.must(os.WriteFile(filepath.Join(k.dir, "secrets", "partners.password"), []byte("x\n"), 0o600))
	t.Cleanup(func() {
		if err := k.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	k.start()
	return k
}

// start begins a run over the folder.
func (k *kept) start() {
	k.Helper()
	portals, err := net.Listen("tcp", "127.0.0.1:0")
	k.must(err)
	operators, err := net.Listen("tcp", "127.0.0.1:0")
	k.must(err)
	k.App, err = New(k.Context(), Options{
		Dir: k.dir, Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Now: k.clock, NoDelivery: true, PortalsListener: portals, AdminListener: operators,
	})
	k.must(err)
	k.must(k.Start(k.Context()))
}

func (k *kept) clock() time.Time { k.mu.Lock(); defer k.mu.Unlock(); return k.now }

func (k *kept) set(now time.Time) { k.mu.Lock(); defer k.mu.Unlock(); k.now = now }

func (k *kept) pass(days int) { k.mu.Lock(); defer k.mu.Unlock(); k.now = k.now.AddDate(0, 0, days) }

func (k *kept) must(err error) {
	k.Helper()
	if err != nil {
		k.Fatal(err)
	}
}

// call speaks to the portals' API as the citizens' portal does.
func (k *kept) call(method, path, contentType string, body io.Reader) (int, []byte) {
	k.Helper()
	req, err := http.NewRequestWithContext(k.Context(), method, k.PortalsURL()+path, body)
	k.must(err)
	req.Header.Set("Authorization", "Bearer swp_buergerportal_only-for-the-demo-Zq3tY8mK")
	req.Header.Set("Idempotency-Key", k.key)
	if contentType != "" {
		req.Header.Set("Content-Type", contentType)
	}
	res, err := http.DefaultClient.Do(req)
	k.must(err)
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	k.must(err)
	return res.StatusCode, answer
}

// push submits a labrador with an attachment.
func (k *kept) push() []byte {
	k.Helper()
	payload, err := fs.ReadFile(routes.FS, "hundeanmeldung/examples/labrador.xml")
	k.must(err)
	var body bytes.Buffer
	w := multipart.NewWriter(&body)
	for _, part := range []struct{ name, file, contentType, content string }{
		{"metadata", "", "application/json", `{"municipality": "05999040", "service": "hundeanmeldung", "consent": {"given": true, "at": "2026-03-02T08:00:00Z", "wording": "1"}}`},
		{"payload", "", "application/xml", string(payload)},
		{"attachment", "sachkunde.pdf", "application/pdf", "%PDF-1.4 Sachkunde von Jörg Beispiel"},
	} {
		disposition := `form-data; name="` + part.name + `"`
		if part.file != "" {
			disposition += `; filename="` + part.file + `"`
		}
		p, err := w.CreatePart(textproto.MIMEHeader{"Content-Disposition": {disposition}, "Content-Type": {part.contentType}})
		k.must(err)
		_, err = io.WriteString(p, part.content)
		k.must(err)
	}
	k.must(w.Close())
	status, receipt := k.call("POST", "/v1/submissions", w.FormDataContentType(), &body)
	if status != http.StatusAccepted {
		k.Fatalf("%d %s", status, receipt)
	}
	return receipt
}

// submit pushes a case and takes it back: so it has settled.
func (k *kept) submit() (id hub.ID, receipt []byte) {
	k.Helper()
	receipt = k.push()
	var r struct{ ID hub.ID }
	k.must(json.Unmarshal(receipt, &r))
	if status, answer := k.call("POST", "/v1/submissions/"+r.ID.String()+"/withdrawal", "", nil); status != http.StatusOK {
		k.Fatalf("%d %s", status, answer)
	}
	return r.ID, receipt
}

// night runs the job as the clock does, in the last of all the nights up to now.
func (k *kept) night() {
	k.Helper()
	k.must(k.retention.TrustClock(k.Context(), k.clock()))
	i := slices.IndexFunc(k.schedule(), func(j job) bool { return j.name == retention.Job })
	if i < 0 {
		k.Fatal("the retention is not scheduled")
	}
	k.do(k.schedule()[i])
	ran, err := k.store.LastRun(k.Context(), retention.Job)
	k.must(err)
	if !ran.Equal(k.clock()) {
		k.Fatalf("the job ran at %v, now is %v: it failed", ran, k.clock())
	}
}

// wrapped are the data keys in the store.
func (k *kept) wrapped() map[hub.ID][]byte {
	k.Helper()
	keys := map[hub.ID][]byte{}
	_, err := k.store.Rewrap(k.Context(), 10, func(id hub.ID, _ string, wrapped []byte) ([]byte, error) {
		keys[id] = bytes.Clone(wrapped)
		return nil, nil
	})
	k.must(err)
	return keys
}

// holding names the files of the data folder that hold a text, with its size.
func (k *kept) holding(text []byte) (files []string) {
	k.Helper()
	k.must(filepath.WalkDir(filepath.Join(k.dir, "data"), func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, text) {
			files = append(files, filepath.Base(path))
		}
		return err
	}))
	return files
}

func (k *kept) attachments() (n int) {
	k.Helper()
	k.must(filepath.WalkDir(k.store.AttachmentDir(), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			n++
		}
		return err
	}))
	return n
}

// Thirty days after its end a case's content is gone: no file of the data folder
// holds the key any more, and a copy from before cannot be opened by what is left.
func TestContentIsGoneAfterThirtyDays(t *testing.T) {
	k := newKept(t)
	id, _ := k.submit()
	copied, err := k.store.Case(t.Context(), id)
	k.must(err)
	wrapped := k.wrapped()[id]
	sealed := wrapped[len(wrapped)-60 : len(wrapped)-16]
	if len(k.holding(sealed)) == 0 || k.attachments() != 1 {
		t.Fatal("the key or the attachment is not found while it is there: this test proves nothing")
	}

	k.pass(29)
	k.night()
	if len(k.wrapped()[id]) == 0 || k.attachments() != 1 {
		t.Fatal("deleted too early")
	}
	if status, answer := k.call("GET", "/v1/submissions/"+id.String(), "", nil); status != http.StatusOK || bytes.Contains(answer, []byte(`"erased"`)) {
		t.Fatalf("%d %s", status, answer)
	}

	k.pass(1)
	k.night()
	for _, text := range [][]byte{sealed, []byte("Beispiel"), []byte("276098100000017"), []byte("Musterweg")} {
		if files := k.holding(text); len(files) > 0 {
			t.Errorf("%q is in %v", text, files)
		}
	}
	if n := k.attachments(); n != 0 {
		t.Errorf("%d attachments are left", n)
	}
	if len(k.wrapped()[id]) != 0 {
		t.Error("the data key is left")
	}
	if status, answer := k.call("GET", "/v1/submissions/"+id.String(), "", nil); status != http.StatusOK || !bytes.Contains(answer, []byte(`"erased":{"payload":"2026-04-01T09:00:00Z","attachments":"2026-04-01T09:00:00Z"}`)) {
		t.Errorf("%d %s", status, answer)
	}
	if status, answer := k.call("GET", "/v1/submissions/"+id.String()+"/events", "", nil); status != http.StatusOK || !bytes.Contains(answer, []byte(`"type":"erased","text":"Inhalte gelöscht."`)) {
		t.Errorf("%d %s", status, answer)
	}
	proofs, err := k.store.Deletions(t.Context(), store.DeletionFilter{Submission: id})
	k.must(err)
	if len(proofs) != 1 || !proofs[0].KeyDestroyed || proofs[0].Counts.Attachments != 1 || !strings.Contains(proofs[0].Rule, "payload: 30 days after settled") {
		t.Errorf("%+v", proofs)
	}

	// A copy of the store from before holds the sealed bytes. With the key destroyed
	// they cannot be opened; with the copy's own wrapped key they can, as long as the
	// operator's key of that time is there. Rotated, rewrapped and removed, they can not.
	if _, err := k.vault.Unwrap(id, "05999040", nil); err == nil {
		t.Error("nothing opens it")
	}
	key, err := k.vault.Unwrap(id, "05999040", wrapped)
	k.must(err)
	if plain, err := key.Open(hub.RecordPayload, copied.Payload); err != nil || !bytes.Contains(plain, []byte("Beispiel")) {
		t.Errorf("a backup with its key and the keyring: %v", err)
	}
	ring, err := os.ReadFile(filepath.Join(k.dir, "secrets", "keyring"))
	k.must(err)
	rotated, err := vault.Rotate(ring)
	k.must(err)
	var left []string
	for line := range strings.Lines(string(rotated)) {
		if !strings.HasPrefix(line, "k1 ") {
			left = append(left, line)
		}
	}
	after, err := vault.Parse([]byte(strings.Join(left, "")))
	k.must(err)
	if _, err := after.Unwrap(id, "05999040", wrapped); !errors.Is(err, vault.ErrNoKey) {
		t.Errorf("a backup after the old key was removed: %v", err)
	}

	// A year after its end nothing but the row is left.
	k.pass(-30 + 365)
	k.night()
	if status, answer := k.call("GET", "/v1/submissions/"+id.String(), "", nil); status != http.StatusGone || !bytes.Contains(answer, []byte(`"submission-erased"`)) {
		t.Errorf("%d %s", status, answer)
	}
}

// An order of the same day destroys the content, and a repeated request still gets
// its receipt, byte for byte.
func TestReceiptOutlivesTheContent(t *testing.T) {
	k := newKept(t)
	id, receipt := k.submit()
	done, err := k.store.Erase(t.Context(), []store.Erase{{ID: id, Metadata: true, Actor: "operator:x", Reason: "y", At: k.clock()}})
	k.must(err)
	k.must(done[0].Err)
	if again := k.push(); !bytes.Equal(again, receipt) {
		t.Errorf("%s\nfirst %s", again, receipt)
	}
	k.pass(29)
	k.night()
	if again := k.push(); !bytes.Equal(again, receipt) {
		t.Errorf("a month later: %s\nfirst %s", again, receipt)
	}
}

// A clock that jumps a year ahead forgets nothing by any job: no content, no answers, no
// idempotency key, no attachment that is just coming in.
func TestNoJobGoesByAClockThatJumped(t *testing.T) {
	k := newKept(t)
	_, receipt := k.submit()
	for _, j := range k.schedule() {
		k.do(j)
	}
	k.pass(365)
	for _, j := range k.schedule() {
		k.do(j)
		if at, err := k.store.LastRun(t.Context(), j.name); err != nil || k.clock().Sub(at) < 364*24*time.Hour {
			t.Errorf("%s ran: %v %v", j.name, at, err)
		}
	}
	if again := k.push(); !bytes.Equal(again, receipt) {
		t.Errorf("the key was forgotten: %s\nfirst %s", again, receipt)
	}
	k.must(k.retention.Confirm(t.Context(), k.clock()))
	for _, j := range k.schedule() {
		k.do(j)
	}
	if n := k.attachments(); n != 0 {
		t.Errorf("with a person's word: %d attachments are left", n)
	}
}

// A clock that jumps while a job runs is not trusted by its end: the job began by another.
func TestClockThatJumpsWithinAJobIsNotTrusted(t *testing.T) {
	k := newKept(t)
	k.submit()
	k.do(job{name: "long", run: func(context.Context) error { k.pass(365); return nil }})
	if err := k.retention.CheckClock(t.Context()); !errors.As(err, new(*retention.Jumped)) {
		t.Errorf("the clock is trusted: %v", err)
	}
}

// Every job has a time that the scheduler understands.
func TestScheduleIsUnderstood(t *testing.T) {
	k := newKept(t)
	jobs, err := k.jobs()
	k.must(err)
	if n := len(jobs.Entries()); n != len(k.schedule()) || n < 3 {
		t.Errorf("%d jobs are scheduled", n)
	}
}
