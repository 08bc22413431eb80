package deliver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"maps"
	"strings"
	"sync/atomic"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// opened is a task with its seals broken, ready to send. Attachments are read
// while they are sent; what is wrong with one then is kept in damage.
type opened struct {
	key     *vault.Key
	message *connectors.Message
	damage  atomic.Pointer[error]
	notNow  atomic.Bool // an attachment could not be read for another reason
}

// errNotNow says that a record could not be read, which tells nothing about it.
var errNotNow = errors.New("the record cannot be read now")

func (o *opened) damaged(err error) error {
	o.damage.CompareAndSwap(nil, &err)
	return err
}

// open verifies everything of a task before anything of it is sent.
func (d *Deliverer) open(s *settings, t *store.Task) (*opened, error) {
	id := t.Delivery.ID
	key, err := d.Vault.Unwrap(t.Submission.ID, t.Submission.Municipality, t.DataKey)
	if err != nil {
		return nil, fmt.Errorf("data key: %w", err)
	}
	var head hub.DocumentHead
	plain, err := key.Open(hub.RecordHead(id), t.Head)
	if err != nil {
		return nil, fmt.Errorf("document head: %w", err)
	}
	if err := json.Unmarshal(plain, &head); err != nil {
		return nil, fmt.Errorf("document head: %w", err)
	}
	body, err := key.Open(hub.RecordBody(id), t.Body)
	if err != nil {
		return nil, fmt.Errorf("document: %w", err)
	}
	if err := checkSum(body, t.Delivery.SHA256); err != nil {
		return nil, err
	}
	m := &connectors.Message{
		ID: id.String(), Submission: t.Submission.ID.String(), Number: t.Submission.ID.Number(), Attempt: t.Delivery.Attempts,
		Municipality: t.Submission.Municipality, Service: t.Submission.Service, Role: t.Delivery.Role,
		Name: head.Name, ContentType: head.ContentType, Body: body, Trace: t.Submission.Trace,
	}
	if len(t.Token) > 0 {
		token, err := key.Open(hub.RecordToken(id), t.Token)
		if err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		m.Token = string(token)
	}
	if s.traits.Meta {
		if m.Meta, err = d.meta(key, t); err != nil {
			return nil, err
		}
	}
	o := &opened{key: key, message: m}
	for _, a := range t.Attachments {
		att, err := d.attachment(o, a)
		if err != nil {
			return nil, err
		}
		m.Attachments = append(m.Attachments, att)
	}
	return o, nil
}

// answered reports whether the delivery has this answer already.
func (o *opened) answered(t *store.Task, answer map[string]string) bool {
	if len(t.Answer) == 0 {
		return false
	}
	var before map[string]string
	plain, err := o.key.Open(hub.RecordAnswer(t.Delivery.ID), t.Answer)
	return err == nil && json.Unmarshal(plain, &before) == nil && maps.Equal(before, answer)
}

// meta is what is known beside the document, for a protocol that asks for it.
func (d *Deliverer) meta(key *vault.Key, t *store.Task) (map[string]string, error) {
	c, err := d.Case(context.Background(), t.Submission.ID)
	if errors.Is(err, store.ErrDamaged) {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("metadata: %w: %w", errNotNow, err)
	}
	plain, err := key.Open(hub.RecordMeta, c.Meta)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	var meta hub.Meta
	if err := json.Unmarshal(plain, &meta); err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	known := map[string]string{
		"trust-level": meta.TrustLevel, "mailbox": meta.Mailbox, "reference": meta.Reference,
		"consent-wording": t.Submission.Consent.Wording, "via": strings.Join(meta.Via, " "),
	}
	if at := t.Submission.WithdrawnAt; !at.IsZero() {
		known["withdrawn-at"] = at.Format(time.RFC3339)
	}
	for name, v := range meta.Account {
		known["account."+name] = v
	}
	if at := t.Submission.Consent.At; t.Submission.Consent.Given && !at.IsZero() {
		known["consent-at"] = at.Format(time.RFC3339)
	}
	maps.DeleteFunc(known, func(_, v string) bool { return v == "" })
	return known, nil
}

func (d *Deliverer) attachment(o *opened, a store.SealedAttachment) (connectors.Attachment, error) {
	var info hub.Attachment
	plain, err := o.key.Open(hub.RecordAttachmentInfo(a.N), a.Info)
	if err != nil {
		return connectors.Attachment{}, fmt.Errorf("attachment %d: %w", a.N, err)
	}
	if err := json.Unmarshal(plain, &info); err != nil {
		return connectors.Attachment{}, fmt.Errorf("attachment %d: %w", a.N, err)
	}
	return connectors.Attachment{
		Name: info.Name, ContentType: info.ContentType, Size: info.Size, SHA256: info.SHA256,
		Open: func() (io.ReadCloser, error) {
			f, err := d.Attachments(a.File)
			if errors.Is(err, fs.ErrNotExist) {
				return nil, o.damaged(fmt.Errorf("open attachment %d: %w", a.N, err))
			}
			if err != nil { // too many open files, say
				o.notNow.Store(true)
				return nil, fmt.Errorf("open attachment %d: %w", a.N, err)
			}
			r, err := o.key.OpenStream(f, hub.RecordAttachment(a.N))
			if err != nil {
				return nil, o.damaged(errors.Join(fmt.Errorf("open attachment %d: %w", a.N, err), f.Close()))
			}
			return &verified{Reader: r, file: f, sum: sha256.New(), want: info.SHA256, damaged: o.damaged}, nil
		},
	}, nil
}

// verified gives the end of the content only where all of it was right.
type verified struct {
	io.Reader
	file    io.Closer
	sum     hash.Hash
	want    string
	damaged func(error) error
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.Reader.Read(p)
	v.sum.Write(p[:n])
	switch {
	case err == io.EOF && hex.EncodeToString(v.sum.Sum(nil)) != v.want:
		return n, v.damaged(errors.New("the attachment's SHA-256 is not the received one's"))
	case err != nil && err != io.EOF:
		return n, v.damaged(err)
	}
	return n, err
}

func (v *verified) Close() error { return v.file.Close() }
