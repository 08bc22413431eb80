package web

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"stellwerk/internal/config"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// known refuses names that neither the configuration nor the journal has: nothing
// found under a mistyped name looks like good news. What left the configuration is
// known for as long as the journal has something of it.
func (d *desk) known(ctx context.Context, f store.Filter) error {
	snap := d.Live.Get()
	for _, n := range []struct {
		what, name string
		configured []string
		alone      store.Filter
	}{
		{"municipality", f.Municipality, slices.Collect(maps.Keys(snap.Municipalities)), store.Filter{Municipality: f.Municipality}},
		{"service", f.Service, slices.Collect(maps.Keys(snap.Routes)), store.Filter{Service: f.Service}},
		{"portal", f.Portal, slices.Collect(maps.Keys(snap.Portals)), store.Filter{Portal: f.Portal}},
		{"system", f.System, slices.Collect(maps.Keys(snap.Systems)), store.Filter{System: f.System}},
	} {
		if n.name == "" || slices.Contains(n.configured, n.name) {
			continue
		}
		n.alone.Limit = 1
		rows, err := d.Store.List(ctx, n.alone)
		if err != nil {
			return fmt.Errorf("look up a %s: %w", n.what, err)
		}
		if len(rows) == 0 {
			near := config.Hint(n.name, n.configured)
			if ags := named(snap, n.name); n.what == "municipality" && ags != "" {
				near = " (did you mean " + ags + "?)"
			}
			return &admin.Problem{Status: http.StatusNotFound, Code: admin.CodeNotFound,
				Detail: fmt.Sprintf("%q is not a %s of this hub, and its journal has nothing of it%s", n.name, n.what, near)}
		}
	}
	return nil
}

// named is the AGS of the one municipality with this name in its own, empty where
// there is none or more than one.
func named(snap *config.Snapshot, name string) string {
	found := ""
	for ags, m := range snap.Municipalities {
		if strings.Contains(strings.ToLower(m.Name), strings.ToLower(name)) {
			if found != "" {
				return ""
			}
			found = ags
		}
	}
	return found
}
