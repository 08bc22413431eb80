package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

// rewrap wraps every submission's key anew with the keyring's first key. When it
// has come to its end the keys behind the first one may leave the keyring. A hub
// that has not read the rotated file yet would find nothing to do, and its answer
// would be taken for leave to remove the old key: it refuses.
//
// Unread are those that cannot be read: mended from a backup, one of them may have a key
// that only an older one opens.
func (d *desk) rewrap(ctx context.Context, actor string) (changed, unread int, err error) {
	if err := d.ringOnDisk(); err != nil {
		return 0, 0, err
	}
	if err := d.audit(ctx, actor, "rewrap", "keyring", ""); err != nil {
		return 0, 0, err
	}
	n, err := d.Store.Rewrap(ctx, 500, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		if d.Vault.Current(wrapped) {
			return nil, nil // nothing to change
		}
		return d.Vault.Rewrap(id, municipality, wrapped)
	})
	var some store.UnreadKeys
	if err != nil && !errors.As(err, &some) {
		return n, 0, fmt.Errorf("wrap keys anew, %d done: %w", n, err)
	}
	return n, int(some), nil
}

// ringOnDisk demands that the keyring in force begins as the file does.
func (d *desk) ringOnDisk() error {
	text, err := d.Keyring()
	if err != nil {
		d.Log.Error("read the keyring", "error", err)
		return keep("the keyring cannot be read, so no key was wrapped anew; see the hub's log, and remove no key from it")
	}
	ring, err := vault.Parse(text)
	if err != nil {
		d.Log.Error("read the keyring", "error", err)
		return keep("the keyring as it is now is not one the hub could start with, so no key was wrapped anew; see the hub's log")
	}
	if !d.Vault.SameFirst(ring) {
		return keep("the keyring's first key is not the one in force, so no key was wrapped anew: restart the hub, then stellwerk keys rewrap again; until then remove no key from the keyring")
	}
	return nil
}

// keep refuses: every key must stay in the keyring.
func keep(detail string) error {
	return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: detail}
}
