package web

import (
	"context"
	"fmt"

	"stellwerk/internal/hub"
)

// rewrap wraps every submission's key anew with the keyring's first key. When it
// has come to its end the keys behind the first one may leave the keyring.
func (d *desk) rewrap(ctx context.Context, actor string) (int, error) {
	if err := d.audit(ctx, actor, "rewrap", "keyring", ""); err != nil {
		return 0, err
	}
	n, err := d.Store.Rewrap(ctx, 500, func(id hub.ID, municipality string, wrapped []byte) ([]byte, error) {
		if d.Vault.Current(wrapped) {
			return nil, nil // nothing to change
		}
		return d.Vault.Rewrap(id, municipality, wrapped)
	})
	if err != nil {
		return n, fmt.Errorf("wrap keys anew, %d done: %w", n, err)
	}
	return n, nil
}
