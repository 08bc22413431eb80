package web

import (
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

func TestMendGoesOnAndIsAudited(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	f.plan(id, key, `{"chip":"1"}`, "1")
	_, err := f.client.Mend(t.Context(), id.Number(), "nothing is wrong")
	f.problem(err, http.StatusConflict, admin.CodeState)
	f.must(f.store.Damage(t.Context(), id, "payload", f.now))
	_, err = f.client.Mend(t.Context(), id.Number(), " ")
	f.problem(err, http.StatusBadRequest, admin.CodeInvalid)
	s, err := f.client.Mend(t.Context(), id.Number(), "aus der Sicherung")
	f.must(err)
	if s.State != hub.SubmissionRunning || !slices.Contains(f.woke, system) || !slices.Contains(f.rang, id) {
		t.Errorf("mended it is %s, woke %v, rang %v", s.State, f.woke, f.rang)
	}
	if a := f.audited("mended"); len(a) != 1 || a[0].Actor != "operator:leitstelle" || a[0].Reason != "aus der Sicherung" {
		t.Errorf("the audit trail has %+v", a)
	}
	f.record(key, hub.DeliveryDelivered, "", "", "")
}

// What is still damaged is named, and the submission stays set aside.
func TestMendRefusesWhatIsStillDamaged(t *testing.T) {
	f := newFixture(t)
	document, key := f.accept("<hund/>")
	f.planned(document, key, "{}", "1", func(r *store.Rendered) { r.Body = key.Seal(hub.RecordBody(r.Delivery), []byte("{ }")) })
	f.must(f.store.Damage(t.Context(), document, "document", f.now))
	_, err := f.client.Mend(t.Context(), document.Number(), "x")
	f.problem(err, http.StatusConflict, admin.CodeDamaged)
	if want := hub.RecordBody(document.Delivery(1)); !strings.Contains(err.Error(), want) {
		t.Errorf("%q does not name %s", err, want)
	}

	attached, file := f.acceptAttached("scan of a letter")
	content, err := os.ReadFile(file)
	f.must(err)
	f.must(f.store.Damage(t.Context(), attached, "attachment:1", f.now))
	flipped := slices.Clone(content)
	flipped[len(flipped)/2] ^= 1
	for name, spoil := range map[string]func() error{
		"flipped": func() error { return os.WriteFile(file, flipped, 0o600) },
		"cut":     func() error { return os.WriteFile(file, content[:len(content)-1], 0o600) },
		"gone":    func() error { return os.Remove(file) },
	} {
		f.must(spoil())
		_, err = f.client.Mend(t.Context(), attached.Number(), "x")
		f.problem(err, http.StatusConflict, admin.CodeDamaged)
		if !strings.Contains(err.Error(), "attachment:1") {
			t.Errorf("%s: %q does not name the attachment", name, err)
		}
		if s, err := f.client.Submission(t.Context(), attached.String()); err != nil || s.State != hub.SubmissionDamaged {
			t.Errorf("%s: it is %s (%v), want damaged still", name, s.State, err)
		}
	}
	f.must(os.WriteFile(file, content, 0o600))
	s, err := f.client.Mend(t.Context(), attached.Number(), "restored")
	f.must(err)
	if s.State != hub.SubmissionAccepted {
		t.Errorf("restored and mended it is %s", s.State)
	}
}

func TestCloseDamaged(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	f.must(f.store.Damage(t.Context(), id, "payload", f.now))
	s, err := f.client.CloseSubmission(t.Context(), id.Number(), "neu eingereicht")
	f.must(err)
	if s.State != hub.SubmissionSettled || s.Deliveries[0].State != hub.DeliveryClosed || len(f.audited("closed")) != 1 {
		t.Errorf("closed it is %s, its delivery %s", s.State, s.Deliveries[0].State)
	}
}

// acceptAttached stores a submission with an attachment and gives its file.
func (f *fixture) acceptAttached(text string) (hub.ID, string) {
	f.Helper()
	id := f.ids.New()
	key, wrapped, err := f.vault.NewKey(id, ags)
	f.must(err)
	name := id.String() + "-1"
	file := filepath.Join(f.store.AttachmentDir(), name)
	f.must(os.MkdirAll(filepath.Dir(file), 0o700))
	out, err := os.Create(file)
	f.must(err)
	w, err := key.SealStream(out, hub.RecordAttachment(1))
	f.must(err)
	_, err = w.Write([]byte(text))
	f.must(err)
	f.must(w.Close())
	f.must(out.Close())
	sum, payload := sha256.Sum256([]byte(text)), sha256.Sum256([]byte("<hund/>"))
	_, err = f.store.Accept(f.Context(), &store.Acceptance{
		Submission: hub.Submission{ID: id, Municipality: ags, Service: "hundeanmeldung", Portal: "buergerportal", State: hub.SubmissionAccepted,
			ReceivedAt: f.now, Format: "xml", SHA256: payload, Size: 7, Attachments: 1, Version: 1},
		Key: id.String(), Answer: []byte("{}"), DataKey: wrapped, Payload: key.Seal(hub.RecordPayload, []byte("<hund/>")),
		Meta:  key.Seal(hub.RecordMeta, f.json(hub.Meta{})),
		Actor: "portal:buergerportal",
		Attachments: []store.SealedAttachment{{N: 1, File: name,
			Info: key.Seal(hub.RecordAttachmentInfo(1), f.json(hub.Attachment{N: 1, Name: "a.pdf", Size: int64(len(text)), SHA256: hex.EncodeToString(sum[:])}))}},
	})
	f.must(err)
	return id, file
}

// Rows that fail their check, which nobody has come upon before, do not keep an
// operator from seeing the submission and from ending it.
func TestWhatIsFoundDamagedIsSetAside(t *testing.T) {
	f := newFixture(t)
	id, key := f.accept("<hund/>")
	f.plan(id, key, "{}", "1")
	f.spoil(id)
	s, err := f.client.Submission(t.Context(), id.Number())
	f.must(err)
	if s.State != hub.SubmissionDamaged {
		t.Errorf("it is %s", s.State)
	}
	figures, err := f.store.Figures(t.Context())
	f.must(err)
	if n := figures.Submissions[hub.SubmissionDamaged]; n != 1 {
		t.Errorf("%d submissions are set aside", n)
	}
	s, err = f.client.CloseSubmission(t.Context(), id.Number(), "neu eingereicht")
	f.must(err)
	if s.State != hub.SubmissionSettled {
		t.Errorf("closed it is %s", s.State)
	}
}

// spoil makes the row of a submission one that fails its check.
func (f *fixture) spoil(id hub.ID) {
	f.Helper()
	db, err := sql.Open("sqlite", filepath.Join(f.dir, "stellwerk.db"))
	f.must(err)
	defer db.Close()
	_, err = db.Exec("UPDATE submission SET body = zeroblob(length(body)) WHERE id = ?", id[:])
	f.must(err)
}
