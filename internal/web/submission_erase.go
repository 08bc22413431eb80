package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/web/admin"
)

// maxErase bounds one request. A person has no more cases; who finds more has
// searched for too little.
const maxErase = admin.MostErased

// erasing is an order to delete submissions.
type erasing struct {
	Names         []string
	Values        []string // of business keys; a submission must have them all
	Municipality  string
	Service       string
	Cases         int // how many the search must find
	Dry           bool
	Actor, Reason string
	Order         hub.ID // to go on with; zero for a new one
}

// erasure is what became of it.
type erasure struct {
	Order    hub.ID
	Found    []store.Row         // of a dry run
	By       map[hub.ID][]string // the keys by which a search has found it
	Matched  int
	Done     []hub.Deletion
	Refused  []refused
	Unknown  []string // names that the hub does not have
	Scrubbed store.Scrubbed
}

// erase deletes submissions whole: by name, or all those of a person.
func (d *desk) erase(ctx context.Context, o erasing) (*erasure, error) {
	var err error
	if o.Reason, err = reason(o.Reason); err != nil && !o.Dry {
		return nil, err
	}
	if (len(o.Names) == 0) == (len(o.Values) == 0) {
		return nil, wrong("name the submissions, or what they are searched by: one of the two")
	}
	if len(o.Names) > maxErase || len(o.Values) > 10 {
		return nil, wrong("an order is for at most %d submissions and 10 values", maxErase)
	}
	if err := d.known(ctx, store.Filter{Municipality: o.Municipality, Service: o.Service}); err != nil {
		return nil, err
	}
	rows, by, unknown, err := d.toErase(ctx, o)
	if err != nil {
		return nil, err
	}
	out := &erasure{Matched: len(rows), Unknown: unknown}
	if o.Dry {
		out.Found, out.By = rows, by
		for i := range rows {
			if err := erasable(&rows[i].Submission); err != nil {
				out.Refused = append(out.Refused, refused{ID: rows[i].Submission.ID, Err: notErased(&rows[i].Submission, err)})
			}
		}
		return out, nil
	}
	if len(o.Values) > 0 && o.Cases != len(rows) {
		return nil, &admin.Problem{Status: http.StatusConflict, Code: admin.CodeStale,
			Detail: fmt.Sprintf("the search finds %d cases and not %d: look at them with --dry-run, and order anew with --cases %d", len(rows), o.Cases, len(rows))}
	}
	if out.Order, err = d.eraseOrder(ctx, o); err != nil {
		return nil, err
	}
	var orders []store.Erase
	for _, r := range rows {
		orders = append(orders, store.Erase{ID: r.Submission.ID, Metadata: true, Order: out.Order, Actor: o.Actor, Reason: o.Reason, At: d.Now()})
	}
	done, err := d.Store.Erase(ctx, orders)
	for i := range done {
		switch {
		case done[i].Deletion.N != 0:
			out.Done = append(out.Done, done[i].Deletion)
			d.Ring(orders[i].ID) // the flow lets go of what it holds
		case done[i].Err != nil:
			out.Refused = append(out.Refused, refused{ID: orders[i].ID, Err: notErased(&rows[i].Submission, done[i].Err)})
		}
	}
	if err != nil {
		return nil, err
	}
	if out.Scrubbed, err = d.Store.Scrub(ctx); err != nil {
		// What was ordered is done, and its rest is looked for again every night.
		d.Log.Error("remove the rest of destroyed keys from the store's files", "error", err)
	}
	return out, nil
}

// eraseOrder is the id of an order: a new one, or the one it goes on with.
func (d *desk) eraseOrder(ctx context.Context, o erasing) (hub.ID, error) {
	if o.Order.Zero() {
		ids := hub.IDs{Now: d.Now}
		return ids.New(), nil
	}
	before, err := d.Store.Deletions(ctx, store.DeletionFilter{Order: o.Order, Limit: 1})
	if err != nil {
		return hub.ID{}, err
	}
	if len(before) == 0 || before[0].Actor != o.Actor || before[0].Reason != o.Reason {
		return hub.ID{}, wrong("order is not one of yours for this reason")
	}
	return o.Order, nil
}

// erasable is why an order would be refused as a submission stands now; the store decides
// again when it comes.
func erasable(s *hub.Submission) error {
	switch {
	case s.State == hub.SubmissionErased:
		return store.ErrErased
	case s.State != hub.SubmissionSettled:
		return store.ErrState
	case s.Hold.On():
		return store.ErrHeld
	}
	return nil
}

// notErased says what is to be done before a submission can be deleted.
func notErased(s *hub.Submission, err error) error {
	state := func(format string, args ...any) error {
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: fmt.Sprintf(format, args...)}
	}
	switch {
	case errors.Is(err, store.ErrErased), errors.Is(err, store.ErrHeld), !errors.Is(err, store.ErrState):
		return err
	case s.State == hub.SubmissionDamaged:
		return state("it is damaged; end it first: stellwerk close %s --reason …", s.ID.Number())
	case s.State == hub.SubmissionParked:
		return state("it is parked; end it first: stellwerk withdraw %s --reason …, and close what is still parked then", s.ID.Number())
	}
	return state("it is %s; take it back first: stellwerk withdraw %s --reason …", s.State, s.ID.Number())
}

// toErase finds what an order is about, oldest first. A name that the hub does not
// have keeps nothing else from being deleted: after a restored backup some are not
// there.
func (d *desk) toErase(ctx context.Context, o erasing) (rows []store.Row, by map[hub.ID][]string, unknown []string, err error) {
	by = map[hub.ID][]string{}
	seen := map[hub.ID]bool{}
	for _, name := range o.Names {
		status, err := d.find(ctx, name)
		if errors.Is(err, store.ErrNotFound) {
			unknown = append(unknown, name)
			continue
		}
		if err != nil {
			return nil, nil, nil, err
		}
		if !seen[status.Submission.ID] {
			seen[status.Submission.ID] = true
			rows = append(rows, store.Row{Submission: status.Submission, Deliveries: status.Deliveries})
		}
	}
	for i, value := range o.Values {
		if strings.TrimSpace(value) == "" {
			return nil, nil, nil, wrong("a value to search by is empty")
		}
		q := query{Filter: store.Filter{Municipality: o.Municipality, Service: o.Service, Limit: maxErase}, Value: value}
		found, keys, err := d.search(ctx, o.Actor, q)
		if err != nil {
			return nil, nil, nil, fmt.Errorf("search: %w", err)
		}
		if len(found) >= maxErase {
			return nil, nil, nil, wrong("%d cases or more have this value: add another one that only this person has", maxErase)
		}
		for id, names := range keys {
			by[id] = append(by[id], names...)
		}
		if i == 0 {
			rows = found
			continue
		}
		rows = slices.DeleteFunc(rows, func(r store.Row) bool {
			return !slices.ContainsFunc(found, func(f store.Row) bool { return f.Submission.ID == r.Submission.ID })
		})
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return slices.Compare(a.Submission.ID[:], b.Submission.ID[:]) })
	return rows, by, unknown, nil
}

func (s *Server) apiErase(r *http.Request, actor string) (any, error) {
	var o admin.Erase
	if err := decode(r, small, &o); err != nil {
		return nil, err
	}
	done, err := s.erase(r.Context(), erasing{Names: o.Submissions, Values: o.Search, Municipality: o.Municipality, Service: o.Service,
		Cases: o.Cases, Dry: o.DryRun, Actor: actor, Reason: o.Reason, Order: o.Order})
	if err != nil {
		return nil, err
	}
	out := admin.Erasure{Order: done.Order, Matched: done.Matched, DryRun: o.DryRun, Deletions: deletionForms(done.Done), Files: filesForm(done.Scrubbed)}
	if o.DryRun {
		out.Found = s.pageForm(done.Found, hub.ID{}).Submissions
		for _, r := range done.Found {
			if names := done.By[r.Submission.ID]; len(names) > 0 {
				slices.Sort(names)
				out.FoundBy = append(out.FoundBy, admin.FoundBy{Number: r.Submission.ID.Number(), Keys: slices.Compact(names)})
			}
		}
	}
	for _, name := range done.Unknown {
		out.Refused = append(out.Refused, admin.NotErased{Number: name, Code: admin.CodeNotFound, Detail: "the hub has nothing under this name"})
	}
	for _, ref := range done.Refused {
		p := problemOf(ref.Err)
		out.Refused = append(out.Refused, admin.NotErased{Submission: ref.ID, Number: ref.ID.Number(), Code: p.Code, Detail: p.Detail})
	}
	return out, nil
}

func deletionForms(all []hub.Deletion) []admin.Deletion {
	out := make([]admin.Deletion, len(all))
	for i, d := range all {
		out[i] = admin.Deletion{Number: d.Submission.Number(), Deletion: d}
	}
	return out
}

func filesForm(s store.Scrubbed) admin.ErasureInFile {
	return admin.ErasureInFile{Keys: s.Keys, Pages: s.Pages, Remaining: s.Remaining, LogEmptied: s.Log}
}
