package intake

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

type part struct{ name, contentType, file, body string }

// meta is a part metadata: the usual one, changed.
func meta(change func(map[string]any)) part {
	m := map[string]any{
		"municipality": soest, "service": "hund",
		"consent": map[string]any{"given": true, "at": "2026-11-23T09:30:00+01:00"},
	}
	if change != nil {
		change(m)
	}
	b, err := json.Marshal(m)
	if err != nil {
		panic(err)
	}
	return part{"metadata", "application/json", "", string(b)}
}

var xmlPart = part{"payload", "application/xml", "", antrag}

type form struct {
	body        []byte
	contentType string
}

func multi(t testing.TB, parts ...part) form {
	t.Helper()
	var b bytes.Buffer
	mw := multipart.NewWriter(&b)
	for _, p := range parts {
		h := textproto.MIMEHeader{}
		disposition := fmt.Sprintf(`form-data; name=%q`, p.name)
		if p.file != "" {
			disposition += `; filename="` + p.file + `"`
		}
		h.Set("Content-Disposition", disposition)
		if p.contentType != "" {
			h.Set("Content-Type", p.contentType)
		}
		pw, err := mw.CreatePart(h)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(pw, p.body); err != nil {
			t.Fatal(err)
		}
	}
	if err := mw.Close(); err != nil {
		t.Fatal(err)
	}
	return form{b.Bytes(), mw.FormDataContentType()}
}

func (w *world) sendMulti(f form, key string, more ...string) answer {
	w.t.Helper()
	return w.postForm("/v1/submissions", f, append([]string{"Idempotency-Key", key}, more...)...)
}

func (w *world) postForm(path string, f form, headers ...string) answer {
	w.t.Helper()
	return w.do("POST", path, string(f.body), append([]string{"Content-Type", f.contentType}, headers...)...)
}

func TestAttachmentsLieSealedAndSynced(t *testing.T) {
	w := newWorld(t)
	large := strings.Repeat("Geheimnis ", 30_000)
	r := w.accepted(w.sendMulti(multi(t, meta(nil), xmlPart,
		part{"attachment", "application/pdf", `C:\Users\x\impfpass.pdf`, large},
		part{"attachment", "", "", ""},
	), "k-1"))
	a := w.store.last
	if len(a.Attachments) != 2 || a.Submission.Attachments != 2 || len(r.Attachments) != 2 {
		t.Fatalf("attachments %+v", a.Attachments)
	}
	key, err := w.vault.Unwrap(r.ID, soest, a.DataKey)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []struct {
		info hub.Attachment
		body string
	}{
		{hub.Attachment{N: 1, Name: "impfpass.pdf", ContentType: "application/pdf"}, large},
		{hub.Attachment{N: 2, Name: "anlage-2", ContentType: "application/octet-stream"}, ""},
	} {
		at := a.Attachments[i]
		want.info.Size = int64(len(want.body))
		sum := sha256.Sum256([]byte(want.body))
		want.info.SHA256 = hex.EncodeToString(sum[:])
		if got := (AttachmentReceipt{want.info.N, want.info.Size, want.info.SHA256}); r.Attachments[i] != got {
			t.Errorf("receipt %+v, want %+v", r.Attachments[i], got)
		}
		plain, err := key.Open(hub.RecordAttachmentInfo(i+1), at.Info)
		if err != nil {
			t.Fatal(err)
		}
		var info hub.Attachment
		if err := json.Unmarshal(plain, &info); err != nil || info != want.info {
			t.Errorf("info %+v, want %+v", info, want.info)
		}
		file, err := os.ReadFile(filepath.Join(w.dir, at.File))
		if err != nil {
			t.Fatal(err)
		}
		if bytes.Contains(file, []byte("Geheimnis")) {
			t.Error("the file is not sealed")
		}
		rd, err := key.OpenStream(bytes.NewReader(file), hub.RecordAttachment(i+1))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(rd); err != nil || string(got) != want.body {
			t.Errorf("content of %d: %d bytes, %v", i+1, len(got), err)
		}
	}
}

func TestFingerprintDoesNotSeeTheBoundary(t *testing.T) {
	w := newWorld(t)
	pdf := part{"attachment", "application/pdf", "impfpass.pdf", "PDF"}
	first := w.sendMulti(multi(t, meta(nil), xmlPart, pdf), "k-1")
	w.accepted(first)
	if again := w.sendMulti(multi(t, meta(nil), xmlPart, pdf), "k-1"); string(again.body) != string(first.body) {
		t.Errorf("another boundary: %d %s", again.StatusCode, again.body)
	}
	if n := len(w.spooledFiles()); n != 1 {
		t.Errorf("%d files after a repetition, want 1", n)
	}
	for name, f := range map[string]form{
		"attachment's bytes": multi(t, meta(nil), xmlPart, part{"attachment", "application/pdf", "impfpass.pdf", "PDX"}),
		"attachment's name":  multi(t, meta(nil), xmlPart, part{"attachment", "application/pdf", "impfpass2.pdf", "PDF"}),
		"attachment's type":  multi(t, meta(nil), xmlPart, part{"attachment", "text/plain", "impfpass.pdf", "PDF"}),
		"no attachment":      multi(t, meta(nil), xmlPart),
		"one more":           multi(t, meta(nil), xmlPart, pdf, pdf),
		"metadata":           multi(t, meta(func(m map[string]any) { m["reference"] = "x" }), xmlPart, pdf),
		"payload":            multi(t, meta(nil), part{"payload", "application/xml", "", antrag + " "}, pdf),
		"payload's type":     multi(t, meta(nil), part{"payload", "text/xml", "", antrag}, pdf),
	} {
		t.Run(name, func(t *testing.T) { w.in(t).refused(w.sendMulti(f, "k-1"), CodeKeyReused) })
	}
	if n := len(w.spooledFiles()); n != 1 {
		t.Errorf("%d files, want 1", n)
	}
	// The same content, packed differently, is the same.
	alone := w.submit("k-2")
	if again := w.sendMulti(multi(t, meta(nil), xmlPart), "k-2"); string(again.body) != string(alone.body) {
		t.Errorf("alone %s, multipart %s", alone.body, again.body)
	}
}

// Every refusal of a multipart request leaves nothing behind, in the store or on
// the disk.
func TestMultipartRefusals(t *testing.T) {
	w := newWorld(t)
	pdf := part{"attachment", "application/pdf", "impfpass.pdf", strings.Repeat("x", 100_000)}
	raw := func(body string) form { return form{[]byte(body), "multipart/form-data; boundary=b"} }
	truncated := multi(t, meta(nil), xmlPart, pdf)
	truncated.body = truncated.body[:len(truncated.body)-60]
	for name, c := range map[string]struct {
		form form
		code Code
	}{
		"no parts":               {raw("--b--\r\n"), CodeMultipart},
		"no boundary":            {raw("hello"), CodeMultipart},
		"payload first":          {multi(t, xmlPart, meta(nil)), CodeMultipart},
		"no payload":             {multi(t, meta(nil)), CodeMultipart},
		"attachment for it":      {multi(t, meta(nil), pdf, xmlPart), CodeMultipart},
		"another part":           {multi(t, meta(nil), xmlPart, pdf, part{"file", "", "x", "x"}), CodeMultipart},
		"payload twice":          {multi(t, meta(nil), xmlPart, xmlPart), CodeMultipart},
		"cut short":              {truncated, CodeMultipart},
		"endless part head":      {raw("--b\r\nContent-Disposition: form-data; name=metadata\r\nX: " + strings.Repeat("x", 20<<10) + "\r\n\r\n{}\r\n--b--\r\n"), CodeMultipart},
		"endless preamble":       {raw(strings.Repeat("x\r\n", 20<<10) + "--b--\r\n"), CodeMultipart},
		"base64":                 {raw("--b\r\nContent-Disposition: form-data; name=metadata\r\nContent-Transfer-Encoding: base64\r\n\r\ne30=\r\n--b--\r\n"), CodeContentEncoding},
		"base64 behind binary":   {raw("--b\r\nContent-Disposition: form-data; name=metadata\r\nContent-Transfer-Encoding: binary\r\nContent-Transfer-Encoding: base64\r\n\r\ne30=\r\n--b--\r\n"), CodeContentEncoding},
		"metadata no JSON":       {multi(t, part{"metadata", "application/json", "", "{"}, xmlPart), CodeMetaMalformed},
		"metadata an array":      {multi(t, part{"metadata", "application/json", "", "[]"}, xmlPart), CodeMetaMalformed},
		"metadata and more":      {multi(t, part{"metadata", "application/json", "", "{} {}"}, xmlPart), CodeMetaMalformed},
		"metadata not UTF-8":     {multi(t, part{"metadata", "application/json", "", "{\"reference\":\"\xff\"}"}, xmlPart), CodeMetaMalformed},
		"metadata too large":     {multi(t, part{"metadata", "application/json", "", `{"reference":"` + strings.Repeat("x", maxMetadata) + `"}`}, xmlPart), CodeMetaMalformed},
		"metadata as XML":        {multi(t, part{"metadata", "application/xml", "", "<x/>"}, xmlPart), CodeMediaType},
		"metadata incomplete":    {multi(t, part{"metadata", "application/json", "", "{}"}, xmlPart), CodeMetaInvalid},
		"no consent":             {multi(t, meta(func(m map[string]any) { delete(m, "consent") }), xmlPart, pdf), CodeConsent},
		"consent denied":         {multi(t, meta(func(m map[string]any) { m["consent"] = map[string]any{"given": false} }), xmlPart, pdf), CodeConsent},
		"another's town":         {multi(t, meta(func(m map[string]any) { m["municipality"] = iserlohn }), xmlPart, pdf), CodeOutOfScope},
		"not offered":            {multi(t, meta(func(m map[string]any) { m["municipality"], m["service"] = werl, "tonne" }), xmlPart, pdf), CodeNotOffered},
		"payload as PDF":         {multi(t, meta(nil), part{"payload", "application/pdf", "", antrag}, pdf), CodeMediaType},
		"payload without type":   {multi(t, meta(nil), part{"payload", "", "", antrag}, pdf), CodeMediaType},
		"payload in no form":     {multi(t, meta(func(m map[string]any) { m["service"] = "tonne" }), xmlPart, pdf), CodeMediaType},
		"payload empty":          {multi(t, meta(nil), part{"payload", "application/xml", "", ""}, pdf), CodePayloadMissing},
		"payload malformed":      {multi(t, meta(nil), part{"payload", "application/xml", "", "<a>Geheimnis"}, pdf), CodePayloadMalformed},
		"payload too large":      {multi(t, meta(nil), part{"payload", "application/xml", "", "<a>" + strings.Repeat(" ", 1<<20) + "</a>"}, pdf), CodePayloadLarge},
		"attachment too large":   {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", "x", strings.Repeat("x", 1<<20+1)}), CodeAttachmentLarge},
		"too many attachments":   {multi(t, meta(nil), xmlPart, pdf, pdf, pdf, part{"attachment", "", "x", "x"}), CodeAttachments},
		"request too large":      {multi(t, meta(nil), xmlPart, pdf, pdf, part{"attachment", "", "x", strings.Repeat("x", 3<<20)}), CodeRequestLarge},
		"attachment named oddly": {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", "M\xfcller.pdf", "x"}), CodeMetaInvalid},
		"control character":      {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", "a\x07b", "x"}), CodeMultipart},
		"attachment typed oddly": {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "x y z", "a", "x"}), CodeMetaInvalid},
		"name that is turned":    {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", "impfpass\u202efdp.exe", "x"}), CodeMetaInvalid},
		"name of two lines":      {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", "impfpass\u2028.pdf", "x"}), CodeMetaInvalid},
		"reference turned":       {multi(t, meta(func(m map[string]any) { m["reference"] = "R-1\u20661" }), xmlPart, pdf), CodeMetaInvalid},
		"attachment's long name": {multi(t, meta(nil), xmlPart, pdf, part{"attachment", "", strings.Repeat("x", 300), "x"}), CodeMetaInvalid},
	} {
		t.Run(name, func(t *testing.T) {
			w := w.in(t)
			w.refused(w.sendMulti(c.form, "k-1"), c.code)
			if files := w.spooledFiles(); len(files) > 0 {
				t.Errorf("left behind: %v", files)
			}
			if w.store.last != nil {
				t.Error("reached the store")
			}
		})
	}
	t.Run("headers beside the part", func(t *testing.T) {
		w := w.in(t)
		w.refused(w.sendMulti(multi(t, meta(nil), xmlPart), "k-1", "Stellwerk-Consent", "true"), CodeMultipart)
	})
	t.Run("request without a length", func(t *testing.T) {
		w := w.in(t)
		f := multi(t, meta(nil), xmlPart, part{"attachment", "", "x", strings.Repeat("x", 900<<10)}, part{"attachment", "", "x", strings.Repeat("x", 900<<10)}, part{"attachment", "", "x", strings.Repeat("x", 1<<20)})
		w.change(func(s *config.Snapshot) { s.Hub.Limits.Total = 2 << 20 })
		req, err := http.NewRequest("POST", w.url+"/v1/submissions", struct{ io.Reader }{bytes.NewReader(f.body)})
		if err != nil {
			t.Fatal(err)
		}
		w.refused(w.send(req, "Idempotency-Key", "k-1", "Content-Type", f.contentType), CodeRequestLarge)
		if files := w.spooledFiles(); len(files) > 0 {
			t.Errorf("left behind: %v", files)
		}
	})
}

// A line that drops in the middle of an attachment leaves nothing.
func TestCutConnectionLeavesNothing(t *testing.T) {
	w := newWorld(t)
	f := multi(t, meta(nil), xmlPart, part{"attachment", "application/pdf", "impfpass.pdf", strings.Repeat("x", 500_000)})
	conn, err := net.Dial("tcp", strings.TrimPrefix(w.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(conn, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nIdempotency-Key: k-1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n", keySoest, f.contentType, len(f.body))
	if _, err := conn.Write(f.body[:300_000]); err != nil {
		t.Fatal(err)
	}
	w.eventually("the upload is under way", func() bool { return len(w.spooledFiles()) == 1 })
	conn.Close()
	w.eventually("the refusal", func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		return len(w.outcomes) == 1 && w.outcomes[0] == string(CodeInterrupted)
	})
	if files := w.spooledFiles(); len(files) > 0 {
		t.Errorf("left behind: %v", files)
	}
	if w.store.last != nil {
		t.Error("reached the store")
	}
	w.accepted(w.sendMulti(f, "k-1")) // and the key is free
}

// eventually waits for what another goroutine does.
func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-deadline:
			w.t.Fatal("waited in vain: " + what)
		case <-tick.C:
		}
	}
}

// TestAttachmentsLeaveTheReserve: an attachment is on disk before its submission can be
// refused, so it stops growing where only the reserve is left.
func TestAttachmentsLeaveTheReserve(t *testing.T) {
	w := newWorld(t)
	var writes atomic.Int32
	w.api.Room = func() error {
		if writes.Add(1) > 2 { // it becomes scarce under way
			return store.ErrFull
		}
		return nil
	}
	f := multi(t, meta(nil), xmlPart, part{"attachment", "application/pdf", "scan.pdf", strings.Repeat("x", 256<<10)})
	a := w.sendMulti(f, "k-1")
	w.refused(a, CodeFull)
	if a.Header.Get("Retry-After") == "" {
		t.Error("it does not say when to come again")
	}
	if left := w.spooledFiles(); len(left) != 0 {
		t.Errorf("%v stay behind", left)
	}
	writes.Store(-1000)
	w.accepted(w.sendMulti(f, "k-1"))
}
