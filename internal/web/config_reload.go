package web

import (
	"context"
	"fmt"

	"stellwerk/internal/config"
)

// reload reads the configuration anew. Where it has an error the old one stays in
// force; swapped says which it was.
func (d *desk) reload(ctx context.Context, actor string) (swapped bool, revision string, findings config.Findings, err error) {
	if findings, err = d.Reload(ctx, actor); err != nil {
		return false, "", nil, fmt.Errorf("reload: %w", err)
	}
	return !findings.HasErrors(), d.Live.Get().Revision, findings, nil
}
