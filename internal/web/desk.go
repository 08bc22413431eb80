package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// desk has the functions of an operator. Each takes the actor's name as it stands
// in the audit trail.
type desk struct{ Options }

// audit writes one line that belongs to no other step of the store.
func (d *desk) audit(ctx context.Context, actor, action, object, reason string) error {
	err := d.Store.Audit(ctx, hub.AuditEntry{At: d.Now(), Actor: actor, Action: action, Object: object, Reason: reason})
	if err != nil {
		return fmt.Errorf("%w: %w", errUnread, err)
	}
	return nil
}

// find reads a submission by its id or its number. A number may stand for more
// than one id: the newest is taken, and two cases of one millisecond that share
// their random bits as well have never been seen.
func (d *desk) find(ctx context.Context, name string) (*store.Status, error) {
	if id, err := hub.ParseID(name); err == nil {
		return store.Read(ctx, d.Store, id.Submission(), d.Now())
	}
	first, last, err := hub.ParseNumber(name)
	if err != nil {
		return nil, err
	}
	rows, err := d.Store.List(ctx, store.Filter{First: first, Last: last, Limit: 2})
	if err != nil {
		return nil, fmt.Errorf("look up a number: %w", err)
	}
	if len(rows) == 0 {
		return nil, store.ErrNotFound
	}
	return store.Read(ctx, d.Store, rows[0].Submission.ID, d.Now())
}

// delivery reads the submission of a delivery and the delivery itself.
func (d *desk) delivery(ctx context.Context, id hub.ID) (*store.Status, *hub.Delivery, error) {
	status, err := store.Read(ctx, d.Store, id.Submission(), d.Now())
	if err != nil {
		return nil, nil, err
	}
	for i := range status.Deliveries {
		if status.Deliveries[i].ID == id {
			return status, &status.Deliveries[i], nil
		}
	}
	return nil, nil, store.ErrNotFound
}

// reason checks why a person does something: it is kept for years and read by others.
func reason(text string) (string, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return "", wrong("a reason is needed: it stands in the audit trail")
	}
	if utf8.RuneCountInString(text) > 500 || !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl) {
		return "", wrong("a reason is one line of at most 500 characters")
	}
	return text, nil
}

// opener opens the sealed records of one submission.
type opener struct {
	*desk
	id  hub.ID
	key *vault.Key
}

// opening unwraps a submission's key.
func (d *desk) opening(ctx context.Context, c *store.Case) (*opener, error) {
	key, err := d.Vault.Unwrap(c.Submission.ID, c.Submission.Municipality, c.DataKey)
	if err != nil {
		return nil, d.damaged(ctx, c.Submission.ID, "data-key", err)
	}
	return &opener{desk: d, id: c.Submission.ID, key: key}, nil
}

// open gives a record's content; nil for a record that was never written.
func (o *opener) open(ctx context.Context, name string, sealed []byte) ([]byte, error) {
	if len(sealed) == 0 {
		return nil, nil
	}
	plain, err := o.key.Open(name, sealed)
	if err != nil {
		return nil, o.damaged(ctx, o.id, name, err)
	}
	return plain, nil
}

// damaged sets the submission aside, unless only the operator's key is missing.
func (d *desk) damaged(ctx context.Context, id hub.ID, record string, cause error) error {
	if errors.Is(cause, vault.ErrNoKey) {
		return cause
	}
	d.Log.Error("a stored record is damaged; the submission is set aside", "submission", id.String(), "record", record)
	if err := d.Store.Damage(ctx, id, record, d.Now()); err != nil {
		return fmt.Errorf("set submission %s aside: %w", id, err)
	}
	return fmt.Errorf("%s of %s: %w", record, id, store.ErrDamaged)
}

// detailText makes an attempt's detail readable. A mapping's detail is a JSON
// object; everything else is text of a partner.
func detailText(plain []byte) string {
	var hold struct{ Place, Field, Message, Value string }
	if bytes.HasPrefix(plain, []byte("{")) && json.Unmarshal(plain, &hold) == nil && hold.Message != "" {
		text := hold.Message
		if hold.Field != "" {
			text = hold.Field + ": " + text
		}
		if hold.Place != "" {
			text = hold.Place + ": " + text
		}
		if hold.Value != "" {
			text += fmt.Sprintf(" (the value is %q)", hold.Value)
		}
		return text
	}
	return strings.ToValidUTF8(string(plain), "\uFFFD")
}
