package web

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"slices"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// query chooses submissions: the store's filter, and what must be looked up first.
type query struct {
	store.Filter
	Number   string // an id or a number
	InBundle string // an id or a number of a bundle
	Value    string // of a business key, as written on the form
}

// list gives a page, newest first. next is the cursor of the page after it, zero
// on the last one.
func (d *desk) list(ctx context.Context, actor string, q query) (rows []store.Row, next hub.ID, err error) {
	if q.Limit == 0 {
		q.Limit = 50
	}
	if q.Limit < 0 || q.Limit > 1000 {
		return nil, hub.ID{}, wrong("limit is 1 to 1000")
	}
	if q.Number != "" {
		if q.First, q.Last, err = idRange(q.Number); err != nil {
			return nil, hub.ID{}, err
		}
	}
	if q.InBundle != "" {
		if q.Bundle, err = d.bundleID(ctx, q.InBundle); err != nil {
			return nil, hub.ID{}, err
		}
	}
	if q.Value == "" {
		rows, err = d.Store.List(ctx, q.Filter)
	} else {
		rows, _, err = d.search(ctx, actor, q)
	}
	if err != nil {
		return nil, hub.ID{}, fmt.Errorf("list submissions: %w", err)
	}
	d.setAside(ctx, rows)
	if len(rows) == q.Limit {
		next = rows[len(rows)-1].Submission.ID
	}
	return rows, next, nil
}

// setAside writes down what a list has come upon: rows that fail their check and that
// nobody knew of. From then on every count has them. A list is given all the same where
// that cannot be written.
func (d *desk) setAside(ctx context.Context, rows []store.Row) {
	for _, r := range rows {
		if !r.Damage {
			continue
		}
		if err := d.Store.Damage(context.WithoutCancel(ctx), r.Submission.ID, "row", d.Now()); err != nil {
			d.Log.Error("set a submission aside", "submission", r.Submission.ID.String(), "error", err)
		}
	}
}

// idRange is what an id or a number stands for.
func idRange(s string) (first, last hub.ID, err error) {
	if id, err := hub.ParseID(s); err == nil {
		return id.Submission(), id.Submission().Delivery(0xff), nil
	}
	return hub.ParseNumber(s)
}

// search looks a value up under every business key it may be one of. A hash holds
// for one key of one municipality, so without a municipality all are asked: a few
// thousand look-ups in an index at most. By says which keys had it.
func (d *desk) search(ctx context.Context, actor string, q query) (rows []store.Row, by map[hub.ID][]string, err error) {
	// The audit trail keeps who searched where; what for is personal and stays out.
	if err := d.audit(ctx, actor, "searched", orAll(q.Municipality), ""); err != nil {
		return nil, nil, err
	}
	snap := d.Live.Get()
	names := map[string]bool{"reference": true}
	for service, r := range snap.Routes {
		if q.Service == "" || q.Service == service {
			for _, k := range r.Keys {
				names[k.Name] = true
			}
		}
	}
	towns := []string{q.Municipality}
	if q.Municipality == "" {
		// Also those that have left the folder: their cases are still there.
		if towns, err = d.Store.Municipalities(ctx); err != nil {
			return nil, nil, err
		}
	}
	found := map[hub.ID]store.Row{}
	by = map[hub.ID][]string{}
	for _, ags := range towns {
		for name := range names {
			f := q.Filter
			f.Municipality, f.Search = ags, d.Vault.Hash("search:"+name, ags, q.Value)
			rows, err := d.Store.List(ctx, f)
			if err != nil {
				return nil, nil, err
			}
			for _, r := range rows {
				found[r.Submission.ID] = r
				by[r.Submission.ID] = append(by[r.Submission.ID], name)
			}
		}
	}
	return newest(found, q.Limit), by, nil
}

// newest orders rows as the store's lists are ordered.
func newest(found map[hub.ID]store.Row, limit int) []store.Row {
	rows := slices.SortedFunc(maps.Values(found), func(a, b store.Row) int {
		return bytes.Compare(b.Submission.ID[:], a.Submission.ID[:])
	})
	return rows[:min(limit, len(rows))]
}

func orAll(s string) string {
	if s == "" {
		return "all"
	}
	return s
}
