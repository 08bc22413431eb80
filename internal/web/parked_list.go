package web

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// item is something that waits for a person: a delivery, or a submission as a
// whole (Delivery is nil then).
type item struct {
	Submission hub.Submission
	Delivery   *hub.Delivery
	Reason     string // a park reason, or damaged
	Code       string
}

// damagedReason stands where a park reason would, for a submission set aside.
const damagedReason = "damaged"

// parked gives what waits for a person, newest submission first. A page holds
// whole submissions, q.Limit of them at most.
func (d *desk) parked(ctx context.Context, q query) (items []item, next hub.ID, err error) {
	if q.Value != "" {
		return nil, hub.ID{}, wrong("what is parked cannot be searched by value; search the submissions")
	}
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
	// The store's questions find more than what is parked for this reason: the page is
	// full, or the end is reached, before anybody is told that there is nothing.
	for page, most := q.Filter, q.Limit; ; page.Limit = 1000 {
		found := map[hub.ID]store.Row{}
		for _, f := range parkedFilters(page) {
			rows, err := d.Store.List(ctx, f)
			if err != nil {
				return nil, hub.ID{}, fmt.Errorf("list what is parked: %w", err)
			}
			for _, r := range rows {
				found[r.Submission.ID] = r
			}
		}
		rows := newest(found, page.Limit)
		d.setAside(ctx, rows)
		for _, r := range rows {
			of := parkedOf(r, q.Filter)
			items = append(items, of...)
			if len(of) > 0 {
				most--
			}
			if most == 0 {
				return items, r.Submission.ID, nil
			}
		}
		if len(rows) < page.Limit {
			return items, hub.ID{}, nil
		}
		page.Before = rows[len(rows)-1].Submission.ID
	}
}

// parkedFilters are the questions to the store whose answers together are what is
// parked: a parked delivery need not park its submission (it may be optional), and
// a parked or damaged submission need not have a delivery.
func parkedFilters(f store.Filter) (all []store.Filter) {
	if f.Reason != damagedReason {
		deliveries := f
		deliveries.State, deliveries.DeliveryState = "", hub.DeliveryParked
		all = append(all, deliveries)
	}
	if f.System != "" {
		return all // a submission as a whole belongs to no system
	}
	whole := f
	whole.DeliveryState = ""
	if f.Reason != damagedReason {
		whole.State = hub.SubmissionParked
		all = append(all, whole)
	}
	if f.Reason == "" || f.Reason == damagedReason {
		whole.State, whole.Reason, whole.Code = hub.SubmissionDamaged, "", ""
		all = append(all, whole)
	}
	return all
}

// parkedOf picks what is parked of a submission and matches the filter.
func parkedOf(r store.Row, f store.Filter) (items []item) {
	take := func(i item) {
		if (f.Reason == "" || string(f.Reason) == i.Reason) && (f.Code == "" || f.Code == i.Code) {
			items = append(items, i)
		}
	}
	s := r.Submission
	switch {
	case s.State == hub.SubmissionDamaged:
		if f.System == "" {
			take(item{Submission: s, Reason: damagedReason, Code: s.Code})
		}
		return items // its deliveries wait for the same decision
	case f.System == "" && s.State == hub.SubmissionParked && s.Reason != "":
		take(item{Submission: s, Reason: string(s.Reason), Code: s.Code})
	}
	for i := range r.Deliveries {
		if del := &r.Deliveries[i]; del.State == hub.DeliveryParked && (f.System == "" || f.System == del.System) {
			take(item{Submission: s, Delivery: del, Reason: string(del.Reason), Code: del.Code})
		}
	}
	return items
}

// group counts what is parked for the same cause.
type group struct {
	System, Service, Reason, Code string
	Count                         int
	Oldest                        time.Time
	Example                       hub.ID // the newest one
}

// most is how many submissions the groups are counted over.
const most = 200_000

// parkedGroups counts what is parked by cause, most frequent first: a thousand
// refusals of one system are one thing to repair. complete is false where there
// are more than are counted in one go.
func (d *desk) parkedGroups(ctx context.Context, q query) (groups []group, complete bool, err error) {
	type cause struct{ system, service, reason, code string }
	found := map[cause]*group{}
	q.Limit = 1000
	for seen := 0; seen < most; seen += q.Limit {
		items, next, err := d.parked(ctx, q)
		if err != nil {
			return nil, false, err
		}
		for _, i := range items {
			k := cause{service: i.Submission.Service, reason: i.Reason, code: i.Code}
			if i.Delivery != nil {
				k.system = i.Delivery.System
			}
			g := found[k]
			if g == nil {
				g = &group{System: k.system, Service: k.service, Reason: k.reason, Code: k.code, Example: i.Submission.ID}
				found[k] = g
			}
			g.Count++
			g.Oldest = i.Submission.ReceivedAt // newest first: the last one seen is the oldest
		}
		if next.Zero() {
			complete = true
			break
		}
		q.Before = next
	}
	for _, g := range found {
		groups = append(groups, *g)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.System, b.System), cmp.Compare(a.Service, b.Service),
			cmp.Compare(a.Reason, b.Reason), cmp.Compare(a.Code, b.Code))
	})
	return groups, complete, nil
}
