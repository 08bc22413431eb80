package web

import (
	"context"

	"stellwerk/internal/config"
)

// reload reads the configuration anew. Where it has an error the old one stays in
// force; swapped says which it was.
func (d *desk) reload(ctx context.Context, actor string) (swapped bool, revision string, findings config.Findings, err error) {
	if err := d.audit(ctx, actor, "reload", d.Live.Get().Revision, ""); err != nil {
		return false, "", nil, err
	}
	findings = d.Reload()
	return !findings.HasErrors(), d.Live.Get().Revision, findings, nil
}
