package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"slices"
	"strings"
	"testing/fstest"

	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// Difference is what another configuration would make of one delivery.
type Difference struct {
	Role, Mapping  string
	System, Was    string // Was is the old system where it is another one
	Added, Removed bool
	Changes        []admin.FieldChange
}

// ErrNotComparable marks a submission that cannot be opened or planned under both
// configurations: it is counted and left out.
var ErrNotComparable = errors.New("the submission cannot be compared")

const (
	maxDiff      = 500     // submissions
	maxDiffFiles = 8 << 20 // bytes
)

// tried are the folders whose files may be tried out: what decides about documents,
// never systems, portals or operators.
var tried = []string{"routes/", "mappings/", "ordinances/", "municipalities/"}

// diff compares the configuration in force with a changed one over stored
// submissions. Values leave only after the audit trail knows whose.
func (d *desk) diff(ctx context.Context, actor string, q *admin.Diff) (*admin.Differences, error) {
	if q.Last == 0 {
		q.Last = 50
	}
	if q.Last < 1 || q.Last > maxDiff {
		return nil, wrong("last is 1 to %d", maxDiff)
	}
	if err := d.known(ctx, store.Filter{Service: q.Service, Municipality: q.Municipality}); err != nil {
		return nil, err
	}
	changes, err := triedOut(q.Files)
	if err != nil {
		return nil, err
	}
	now := d.Live.Get()
	next, findings := d.Load(changes)
	out := &admin.Differences{From: now.Revision, Findings: findings, Fields: []admin.FieldCount{}}
	if out.Findings == nil {
		out.Findings = config.Findings{}
	}
	if next == nil {
		return out, nil
	}
	out.To = next.Revision
	what := fmt.Sprintf("last %d of %s, revision %s", q.Last, cmp.Or(q.Service, "all services"), next.Revision)
	if q.CountsOnly {
		what += ", counts only"
	}
	if err := d.audit(ctx, actor, "mapping-diff", now.Revision, what); err != nil {
		return nil, err
	}
	rows, err := d.Store.List(ctx, store.Filter{Service: q.Service, Municipality: q.Municipality, Limit: q.Last})
	if err != nil {
		return nil, fmt.Errorf("list submissions: %w", err)
	}
	counts := map[admin.FieldCount]int{}
	for i := range rows {
		s := &rows[i].Submission
		out.Submissions++
		all, err := d.Compare(ctx, s.ID, now, next)
		if errors.Is(err, ErrNotComparable) {
			out.Skipped++
			continue
		}
		if err != nil {
			return nil, err
		}
		if len(all) == 0 {
			continue
		}
		out.Changed++
		for j := range all {
			tally(counts, s.Service, &all[j])
		}
		if q.CountsOnly {
			continue
		}
		if err := d.audit(ctx, actor, "payload-read", s.ID.String(), "mapping diff"); err != nil {
			return nil, err
		}
		out.Cases = append(out.Cases, caseDiffs(s, all)...)
	}
	for f, n := range counts {
		f.Count = n
		out.Fields = append(out.Fields, f)
	}
	slices.SortFunc(out.Fields, func(a, b admin.FieldCount) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Service, b.Service), cmp.Compare(a.Role, b.Role), cmp.Compare(a.Field, b.Field), cmp.Compare(a.What, b.What))
	})
	return out, nil
}

// tally notes each field once for a delivery, however many records change.
func tally(counts map[admin.FieldCount]int, service string, d *Difference) {
	seen := map[admin.FieldCount]bool{}
	note := func(field, what string) {
		f := admin.FieldCount{Service: service, Role: d.Role, Mapping: d.Mapping, Field: field, What: what}
		if !seen[f] {
			seen[f] = true
			counts[f]++
		}
	}
	switch {
	case d.Added:
		note("", "added")
	case d.Removed:
		note("", "removed")
	case d.Was != "":
		note("", "moved")
	}
	for _, c := range d.Changes {
		was, is := strings.HasPrefix(c.OldState, "held:"), strings.HasPrefix(c.NewState, "held:")
		switch {
		case is && !was:
			note(c.Field, "held")
		case was && !is:
			note(c.Field, "freed")
		default:
			note(c.Field, "changed")
		}
	}
}

func caseDiffs(s *hub.Submission, all []Difference) []admin.CaseDiff {
	var out []admin.CaseDiff
	for _, d := range all {
		c := admin.CaseDiff{Submission: s.ID, Number: s.ID.Number(), Service: s.Service, Role: d.Role, System: d.System, Was: d.Was, Changes: d.Changes}
		switch {
		case d.Added:
			c.State = "added"
		case d.Removed:
			c.State = "removed"
		}
		if c.Changes == nil {
			c.Changes = []admin.FieldChange{}
		}
		out = append(out, c)
	}
	return out
}

// triedOut makes a tree of the files that were sent along; nil for none.
func triedOut(files map[string][]byte) (fs.FS, error) {
	if len(files) == 0 {
		return nil, nil
	}
	tree, size := fstest.MapFS{}, 0
	for name, content := range files {
		ours := slices.ContainsFunc(tried, func(folder string) bool { return strings.HasPrefix(name, folder) })
		if !ours || !fs.ValidPath(name) {
			return nil, wrong("files are paths below routes, mappings, ordinances and municipalities")
		}
		if size += len(content); size > maxDiffFiles {
			return nil, &admin.Problem{Status: http.StatusRequestEntityTooLarge, Code: admin.CodeTooLarge, Detail: "the files have more than 8 MB together"}
		}
		tree[name] = &fstest.MapFile{Data: content, Mode: 0o600}
	}
	return tree, nil
}

func (s *Server) apiDiff(r *http.Request, actor string) (any, error) {
	var q admin.Diff
	if err := decode(r, maxDiffFiles*4/3+small, &q); err != nil {
		return nil, err
	}
	return s.diff(r.Context(), actor, &q)
}
