package flow

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"

	"stellwerk/internal/gate"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
)

// reread lets through what was let in once: the limits may have been tightened
// since.
var reread = gate.Limits{
	Bytes: math.MaxInt64, Nodes: math.MaxInt, Depth: 100_000, Attributes: math.MaxInt, AttributeBytes: math.MaxInt,
	TagBytes: math.MaxInt, Members: math.MaxInt, NameBytes: math.MaxInt, TextBytes: math.MaxInt, Namespaces: math.MaxInt,
	NamespaceBytes: math.MaxInt, References: math.MaxInt, NumberBytes: math.MaxInt,
}

// open unseals what the stages need and checks it against what was received.
func open(w *work) error {
	s := &w.c.Submission
	if o := w.opened; o != nil {
		env := o.env
		w.key, w.root, w.env, w.attachments = o.key, o.root, &env, o.attachments
		w.env.Next, w.env.Original = w.number, w.original
		return w.answers()
	}
	w.attachments = w.c.Attachments
	var err error
	if w.key, err = w.Vault.Unwrap(s.ID, s.Municipality, w.c.DataKey); err != nil {
		return w.orDamage("data-key", err)
	}
	payload, err := w.unseal(hub.RecordPayload, w.c.Payload)
	if err != nil {
		return err
	}
	if sum := sha256.Sum256(payload); !bytes.Equal(sum[:], s.SHA256[:]) {
		return &damagedError{what: hub.RecordPayload, err: errors.New("its SHA-256 is not that of the receipt")}
	}
	var meta hub.Meta
	if err := w.unsealJSON(hub.RecordMeta, w.c.Meta, &meta); err != nil {
		return err
	}
	tree, err := gate.Tree(w.ctx, payload, meta.MediaType, reread)
	if err != nil {
		w.park("payload-unreadable")
		return errDone
	}
	w.root = tree.Root()
	return w.environment(&meta)
}

// original unseals the payload as it came; few mappings ask for it.
func (w *work) original() (mediaType string, body []byte, err error) {
	c := w.c
	if w.opened != nil { // the run before has opened it, this one has read its progress
		if c, err = w.Store.Case(w.ctx, c.Submission.ID); err != nil {
			return "", nil, err
		}
	}
	var meta hub.Meta
	if err := w.unsealJSON(hub.RecordMeta, c.Meta, &meta); err != nil {
		return "", nil, err
	}
	body, err = w.unseal(hub.RecordPayload, c.Payload)
	return meta.MediaType, body, err
}

// environment is what mappings may use besides the payload.
func (w *work) environment(meta *hub.Meta) error {
	s := &w.c.Submission
	w.env = &mapping.Env{
		Submission: mapping.Submission{
			ID: s.ID.String(), Number: s.ID.Number(), Service: s.Service, Portal: s.Portal,
			Reference: meta.Reference, ReceivedAt: s.ReceivedAt,
		},
		Meta: mapping.Meta{
			TrustLevel: meta.TrustLevel, Mailbox: meta.Mailbox, Channel: s.Channel, Clerk: meta.Clerk,
			Email: meta.Account["mail"], Account: meta.Account,
			ConsentAt: s.Consent.At, ConsentVersion: s.Consent.Wording,
		},
		Now: w.Now, Next: w.number, Original: w.original,
	}
	if !s.Bundle.Zero() {
		w.env.Submission.Bundle = s.Bundle.String()
	}
	for _, a := range w.c.Attachments {
		var info hub.Attachment
		if err := w.unsealJSON(hub.RecordAttachmentInfo(a.N), a.Info, &info); err != nil {
			return err
		}
		w.env.Attachments = append(w.env.Attachments, mapping.Attachment{
			ID: hub.RecordAttachment(a.N), Name: info.Name, Type: info.ContentType, Size: info.Size, SHA256: info.SHA256,
		})
	}
	return w.answers()
}

// answers opens what came back from the deliveries that have settled: a later
// delivery of the same submission may use the Kassenzeichen of an earlier one.
func (w *work) answers() error {
	for _, d := range w.c.Deliveries {
		sealed := w.c.Answers[d.ID]
		if len(sealed) == 0 || d.State != hub.DeliveryDelivered {
			continue
		}
		var answer map[string]string
		if err := w.unsealJSON(hub.RecordAnswer(d.ID), sealed, &answer); err != nil {
			return err
		}
		if w.env.Answers == nil {
			w.env.Answers = map[string]map[string]string{}
		}
		w.env.Answers[d.Role] = answer
	}
	return nil
}
