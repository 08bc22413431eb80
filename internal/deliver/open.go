package deliver

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"

	"stellwerk/connectors"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// opened is a task with its seals broken, ready to send.
type opened struct {
	key     *vault.Key
	message *connectors.Message
}

// open verifies everything of a task before anything of it is sent.
func (d *Deliverer) open(t *store.Task) (*opened, error) {
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
	for _, a := range t.Attachments {
		att, err := d.attachment(key, a)
		if err != nil {
			return nil, err
		}
		m.Attachments = append(m.Attachments, att)
	}
	return &opened{key: key, message: m}, nil
}

func (d *Deliverer) attachment(key *vault.Key, a store.SealedAttachment) (connectors.Attachment, error) {
	var info hub.Attachment
	plain, err := key.Open(hub.RecordAttachmentInfo(a.N), a.Info)
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
			if err != nil {
				return nil, fmt.Errorf("open attachment %d: %w", a.N, err)
			}
			r, err := key.OpenStream(f, hub.RecordAttachment(a.N))
			if err != nil {
				return nil, errors.Join(fmt.Errorf("open attachment %d: %w", a.N, err), f.Close())
			}
			return &verified{Reader: r, file: f, sum: sha256.New(), want: info.SHA256}, nil
		},
	}, nil
}

// verified gives the end of the content only where all of it was right.
type verified struct {
	io.Reader
	file io.Closer
	sum  hash.Hash
	want string
}

func (v *verified) Read(p []byte) (int, error) {
	n, err := v.Reader.Read(p)
	v.sum.Write(p[:n])
	if err == io.EOF && hex.EncodeToString(v.sum.Sum(nil)) != v.want {
		return n, errors.New("the attachment's SHA-256 is not the received one's")
	}
	return n, err
}

func (v *verified) Close() error { return v.file.Close() }
