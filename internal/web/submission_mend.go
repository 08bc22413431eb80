package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

// mend takes a damaged submission back after its record was restored. Every
// record that can be opened is checked before; nothing of it leaves.
func (d *desk) mend(ctx context.Context, actor, name, why string) (*store.Status, error) {
	why, err := reason(why)
	if err != nil {
		return nil, err
	}
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	id := status.Submission.ID
	if status.Submission.State != hub.SubmissionDamaged {
		return nil, &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "the submission is not damaged: there is nothing to mend"}
	}
	broken, err := d.broken(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("verify %s: %w", id, err)
	}
	if len(broken) > 0 {
		return nil, &admin.Problem{Status: http.StatusConflict, Code: admin.CodeDamaged,
			Detail: "still damaged: " + strings.Join(broken, ", ") + "; restore it from the backup and mend again, or close the submission"}
	}
	if err := d.Store.Mend(ctx, id, actor, why, d.Now()); err != nil {
		return nil, err
	}
	d.Ring(id)
	for _, delivery := range status.Deliveries {
		if !delivery.State.Settled() {
			d.Wake(delivery.System)
		}
	}
	return d.Store.Submission(ctx, id)
}

// broken names the records of a submission that fail their check. An error says
// nothing about them: a key that the operator has not given, a disk that does not read.
func (d *desk) broken(ctx context.Context, id hub.ID) ([]string, error) {
	c, err := d.Store.Case(ctx, id)
	if errors.Is(err, store.ErrErased) {
		return nil, nil // there is nothing left to be checked
	}
	if errors.Is(err, store.ErrDamaged) {
		return []string{"the rows of the submission"}, nil
	}
	if err != nil {
		return nil, err
	}
	key, err := d.Vault.Unwrap(id, c.Submission.Municipality, c.DataKey)
	if errors.Is(err, vault.ErrNoKey) {
		return nil, err
	}
	if err != nil {
		return []string{"data-key"}, nil
	}
	v := &verifier{desk: d, key: key}
	v.json(hub.RecordMeta, c.Meta, &hub.Meta{})
	v.sum(hub.RecordPayload, c.Payload, hex.EncodeToString(c.Submission.SHA256[:]))
	for _, a := range c.Attachments {
		if err := v.attachment(a); err != nil {
			return nil, err
		}
	}
	for _, delivery := range c.Deliveries {
		v.optional(hub.RecordAnswer(delivery.ID), c.Answers[delivery.ID])
		if err := v.delivery(ctx, delivery.ID); err != nil {
			return nil, err
		}
	}
	return v.broken, nil
}

// verifier collects what fails its check.
type verifier struct {
	*desk
	key    *vault.Key
	broken []string
}

func (v *verifier) open(name string, sealed []byte) ([]byte, bool) {
	plain, err := v.key.Open(name, sealed)
	if err != nil {
		v.broken = append(v.broken, name)
	}
	return plain, err == nil
}

// optional is a record that need not have been written.
func (v *verifier) optional(name string, sealed []byte) {
	if len(sealed) > 0 {
		v.open(name, sealed)
	}
}

func (v *verifier) json(name string, sealed []byte, into any) bool {
	plain, ok := v.open(name, sealed)
	if ok && json.Unmarshal(plain, into) != nil {
		v.broken, ok = append(v.broken, name), false
	}
	return ok
}

func (v *verifier) sum(name string, sealed []byte, want string) {
	plain, ok := v.open(name, sealed)
	if got := sha256.Sum256(plain); ok && hex.EncodeToString(got[:]) != want {
		v.broken = append(v.broken, name)
	}
}

// attachment reads the whole file, a segment at a time.
func (v *verifier) attachment(a store.SealedAttachment) error {
	var info hub.Attachment
	if !v.json(hub.RecordAttachmentInfo(a.N), a.Info, &info) {
		return nil
	}
	name := hub.RecordAttachment(a.N)
	f, err := v.Attachments(a.File)
	if errors.Is(err, fs.ErrNotExist) {
		v.broken = append(v.broken, name)
		return nil
	}
	if err != nil {
		return fmt.Errorf("open %s: %w", name, err)
	}
	defer func() { _ = f.Close() }() // it was only read
	sum := sha256.New()
	plain, err := v.key.OpenStream(f, name)
	if err == nil {
		_, err = io.Copy(sum, plain)
	}
	switch {
	case errors.Is(err, vault.ErrDamaged), err == nil && hex.EncodeToString(sum.Sum(nil)) != info.SHA256:
		v.broken = append(v.broken, name)
	case err != nil:
		return fmt.Errorf("read %s: %w", name, err)
	}
	return nil
}

// delivery checks the rendered document and the attempts' details.
func (v *verifier) delivery(ctx context.Context, id hub.ID) error {
	doc, err := v.Store.Document(ctx, id)
	switch {
	case errors.Is(err, store.ErrDamaged):
		v.broken = append(v.broken, hub.RecordBody(id))
	case err == nil:
		v.json(hub.RecordHead(id), doc.Head, &hub.DocumentHead{})
		v.sum(hub.RecordBody(id), doc.Body, doc.SHA256)
	case !errors.Is(err, store.ErrNotFound):
		return err
	}
	attempts, err := v.Store.Attempts(ctx, id)
	if err != nil {
		return err
	}
	for _, a := range attempts {
		v.optional(hub.RecordDetail(id, a.N), a.Detail)
	}
	return nil
}
