package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"stellwerk/internal/hub"
)

// content is a document or a payload, opened.
type content struct {
	Delivery    hub.ID // zero for a payload
	Name        string
	ContentType string
	SHA256      string
	Revision    string
	Body        []byte
}

// document opens the rendered document of a delivery. The audit line is durable
// before the content leaves.
func (d *desk) document(ctx context.Context, actor string, id hub.ID) (*content, error) {
	if _, _, err := d.delivery(ctx, id); err != nil {
		return nil, err
	}
	doc, err := d.Store.Document(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read the document of %s: %w", id, err)
	}
	c, err := d.Store.Case(ctx, id.Submission())
	if err != nil {
		return nil, fmt.Errorf("read submission %s: %w", id.Submission(), err)
	}
	if err := d.audit(ctx, actor, "document-read", id.String(), ""); err != nil {
		return nil, err
	}
	o, err := d.opening(ctx, c)
	if err != nil {
		return nil, err
	}
	plain, err := o.open(ctx, hub.RecordHead(id), doc.Head)
	if err != nil {
		return nil, err
	}
	var head hub.DocumentHead
	if err := json.Unmarshal(plain, &head); err != nil {
		return nil, d.damaged(ctx, id.Submission(), hub.RecordHead(id), err)
	}
	body, err := o.open(ctx, hub.RecordBody(id), doc.Body)
	if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(body); hex.EncodeToString(sum[:]) != doc.SHA256 {
		return nil, d.damaged(ctx, id.Submission(), hub.RecordBody(id), errDigest)
	}
	return &content{Delivery: id, Name: head.Name, ContentType: head.ContentType, SHA256: doc.SHA256, Revision: doc.Revision, Body: body}, nil
}

var errDigest = errors.New("its SHA-256 is not the one noted when it was written")

// payload opens what the portal pushed.
func (d *desk) payload(ctx context.Context, actor, name string) (*content, error) {
	status, err := d.find(ctx, name)
	if err != nil {
		return nil, err
	}
	id := status.Submission.ID
	c, err := d.Store.Case(ctx, id)
	if err != nil {
		return nil, fmt.Errorf("read submission %s: %w", id, err)
	}
	if err := d.audit(ctx, actor, "payload-read", id.String(), ""); err != nil {
		return nil, err
	}
	o, err := d.opening(ctx, c)
	if err != nil {
		return nil, err
	}
	plain, err := o.open(ctx, hub.RecordMeta, c.Meta)
	if err != nil {
		return nil, err
	}
	var meta hub.Meta
	if err := json.Unmarshal(plain, &meta); err != nil {
		return nil, d.damaged(ctx, id, hub.RecordMeta, err)
	}
	body, err := o.open(ctx, hub.RecordPayload, c.Payload)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(body) != c.Submission.SHA256 {
		return nil, d.damaged(ctx, id, hub.RecordPayload, errDigest)
	}
	return &content{Name: id.Number() + "." + c.Submission.Format, ContentType: meta.MediaType,
		SHA256: hex.EncodeToString(c.Submission.SHA256[:]), Body: body}, nil
}
