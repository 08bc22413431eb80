// Package retention deletes what has been kept long enough. It walks through all
// submissions in the order of their receipt, asks the rules in force what is due,
// and has the store delete it, a few at a time, so that nobody who writes waits.
//
// It never touches what has not settled, and nothing under a legal hold, and nothing at
// all where the clock has jumped (see clock.go). It knows no clock but the one it is given, no network and no content: what it decides by
// stands in the row of the submission.
package retention

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// Runner looks what is due and has it deleted. Its fields are set once, before use.
type Runner struct {
	Store interface {
		store.Erasure
		LastRun(ctx context.Context, job string) (time.Time, error)
		SetLastRun(ctx context.Context, job string, at time.Time) error
	}
	// Rules are those in force for a municipality's service; "" and "" for what is
	// about no submission.
	Rules func(ags, service string) route.Retention
	// Erased is told of every submission that was deleted, for whoever still has it
	// in memory; nil for nobody.
	Erased func(hub.ID)
	Log    *slog.Logger
	Now    func() time.Time

	one sync.Mutex // one run at a time
}

// The sizes of a run: submissions looked at, and deleted, in one go; and after how
// many deletions the files are searched for destroyed keys.
const (
	page  = 512
	batch = 2048
	scrub = 50_000
)

// receipts is how long the receipt of a submission that was deleted early is kept:
// longer than the idempotency key that asks for it.
const receipts = 31 * 24 * time.Hour

// Due is what is to be deleted of one submission next.
type Due struct {
	Submission hub.Submission
	Parts      []string // payload, attachments, metadata: those that fall due together
	Rules      string   // why
	At         time.Time
}

// next is what falls due next of a submission; false where nothing ever does.
func next(s *hub.Submission, r route.Retention) (Due, bool) {
	if s.State != hub.SubmissionSettled {
		return Due{}, false
	}
	d := Due{Submission: *s}
	var why []string
	for _, part := range []struct {
		name string
		gone bool
		keep route.Keep
	}{
		{hub.PartPayload, !s.Erased.Payload.IsZero(), r.Payload},
		{hub.PartAttachments, !s.Erased.Attachments.IsZero() || s.Attachments == 0, r.Attachments},
		{hub.PartMetadata, false, r.Metadata},
	} {
		at, ok := part.keep.Due(s.ReceivedAt, s.SettledAt)
		switch {
		case part.gone || !ok || !d.At.IsZero() && at.After(d.At):
			continue
		case d.At.IsZero() || at.Before(d.At):
			d.At, d.Parts, why = at, nil, nil
		}
		d.Parts = append(d.Parts, part.name)
		why = append(why, part.name+": "+part.keep.String())
	}
	d.Rules = strings.Join(why, "; ")
	return d, len(d.Parts) > 0
}

// due is everything that is due at a time, as one order; false where nothing is.
func due(s *hub.Submission, r route.Retention, now time.Time) (store.Erase, bool) {
	o := store.Erase{ID: s.ID}
	var why []string
	is := func(name string, k route.Keep) bool {
		at, ok := k.Due(s.ReceivedAt, s.SettledAt)
		if !ok || at.After(now) {
			return false
		}
		why = append(why, name+": "+k.String())
		return true
	}
	if s.State != hub.SubmissionSettled {
		return o, false
	}
	o.Payload = s.Erased.Payload.IsZero() && is(hub.PartPayload, r.Payload)
	o.Attachments = s.Attachments > 0 && s.Erased.Attachments.IsZero() && is(hub.PartAttachments, r.Attachments)
	o.Metadata = is(hub.PartMetadata, r.Metadata)
	o.Rule = strings.Join(why, "; ")
	return o, o.Payload || o.Attachments || o.Metadata
}

// walk calls each with every submission and the rules for it, oldest first.
func (r *Runner) walk(ctx context.Context, each func(*hub.Submission, route.Retention) error) error {
	rules := make(map[[2]string]route.Retention)
	for after := (hub.ID{}); ; {
		subs, err := r.Store.Walk(ctx, after, page)
		if err != nil {
			return err
		}
		for i := range subs {
			s := &subs[i]
			key := [2]string{s.Municipality, s.Service}
			rule, known := rules[key]
			if !known {
				rule = r.Rules(s.Municipality, s.Service)
				rules[key] = rule
			}
			if err := each(s, rule); err != nil {
				return err
			}
			after = s.ID
		}
		if len(subs) < page {
			return nil
		}
	}
}

// Plan is what a run would do, and what comes next.
type Plan struct {
	Examined  int
	Unsettled int            // kept in any case
	Held      int            // due, and under a legal hold
	Due       map[string]int // submissions by part
	Next      []Due          // not under a hold, the earliest first
}

// Preview says what a run would delete now, and what comes next. It deletes nothing.
func (r *Runner) Preview(ctx context.Context, limit int) (*Plan, error) {
	now := r.Now()
	p := &Plan{Due: map[string]int{}}
	err := r.walk(ctx, func(s *hub.Submission, rules route.Retention) error {
		p.Examined++
		if s.State != hub.SubmissionSettled && s.State != hub.SubmissionErased {
			p.Unsettled++
		}
		o, is := due(s, rules, now)
		if is && s.Hold.On() {
			p.Held++
		}
		if s.Hold.On() {
			return nil
		}
		for part, yes := range map[string]bool{hub.PartPayload: o.Payload, hub.PartAttachments: o.Attachments, hub.PartMetadata: o.Metadata} {
			if yes {
				p.Due[part]++
			}
		}
		d, ok := next(s, rules)
		if !ok || len(p.Next) >= limit && !d.At.Before(p.Next[len(p.Next)-1].At) {
			return nil
		}
		i, _ := slices.BinarySearchFunc(p.Next, d, func(a, b Due) int {
			if a.At.After(b.At) {
				return 1
			}
			return -1
		})
		p.Next = slices.Insert(p.Next, i, d)
		p.Next = p.Next[:min(limit, len(p.Next))]
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("preview the retention: %w", err)
	}
	return p, nil
}

// Report is what a run did.
type Report struct {
	Order     hub.ID // of its deletion records
	Examined  int
	Erased    map[string]int // submissions by part
	Held      int            // due, and under a legal hold
	Refused   int            // due, and changed meanwhile or damaged: the next run looks again
	Scrubbed  store.Scrubbed
	Receipts  int              // of idempotency keys that are forgotten
	AuditFrom store.AuditStart // the trail begins behind it
}

// Actor is who deletes by rule.
const Actor = "hub"

// Job is the name under which the store keeps when it last ran.
const Job = "retention"

// Run deletes what is due. What it did before an error stays done. A *Jumped where the
// clock is not trusted.
func (r *Runner) Run(ctx context.Context) (*Report, error) {
	r.one.Lock()
	defer r.one.Unlock()
	if err := r.CheckClock(ctx); err != nil {
		return nil, err
	}
	now := r.Now()
	ids := hub.IDs{Now: r.Now}
	rep := &Report{Order: ids.New(), Erased: map[string]int{}}
	var orders []store.Erase
	pending := 0 // deletions since the files were searched
	flush := func() error {
		n, err := r.erase(ctx, orders, rep)
		orders = orders[:0]
		if pending += n; err != nil || pending < scrub {
			return err
		}
		pending = 0
		return r.scrub(ctx, rep)
	}
	keepFrom := now // the oldest submission whose lines in the trail are still kept
	err := r.walk(ctx, func(s *hub.Submission, rules route.Retention) error {
		rep.Examined++
		if s.ReceivedAt.Before(keepFrom) && !trailOver(s, rules, now) {
			keepFrom = s.ReceivedAt
		}
		o, is := due(s, rules, now)
		switch {
		case !is:
			return nil
		case s.Hold.On():
			rep.Held++
			return nil
		}
		o.Order, o.Actor, o.At = rep.Order, Actor, now
		if orders = append(orders, o); len(orders) < batch {
			return nil
		}
		return flush()
	})
	if err == nil {
		err = flush()
	}
	// Also after an error: what was deleted is to leave the files.
	err = errors.Join(err, r.scrub(ctx, rep))
	if err != nil {
		return rep, fmt.Errorf("run the retention: %w", err)
	}
	if rep.Receipts, err = r.Store.ForgetReceipts(ctx, now.Add(-receipts)); err != nil {
		return rep, fmt.Errorf("run the retention: %w", err)
	}
	if rep.AuditFrom, err = r.cut(ctx, keepFrom, now); err != nil {
		return rep, fmt.Errorf("run the retention: %w", err)
	}
	r.Log.Info("retention", "order", rep.Order.String(), "examined", rep.Examined, "payloads", rep.Erased[hub.PartPayload],
		"attachments", rep.Erased[hub.PartAttachments], "metadata", rep.Erased[hub.PartMetadata], "held", rep.Held, "refused", rep.Refused,
		"pages", rep.Scrubbed.Pages, "remaining", rep.Scrubbed.Remaining, "log-emptied", rep.Scrubbed.Log)
	return rep, nil
}

func (r *Runner) erase(ctx context.Context, orders []store.Erase, rep *Report) (n int, err error) {
	if len(orders) == 0 {
		return 0, nil
	}
	done, err := r.Store.Erase(ctx, orders)
	for i := range done {
		switch {
		case done[i].Deletion.N != 0:
			n++
			if r.Erased != nil {
				r.Erased(done[i].Deletion.Submission)
			}
			for _, part := range done[i].Deletion.Parts {
				rep.Erased[part]++
			}
		case errors.Is(done[i].Err, store.ErrHeld):
			rep.Held++
		case done[i].Err != nil:
			rep.Refused++
		}
	}
	return n, err
}

func (r *Runner) scrub(ctx context.Context, rep *Report) error {
	did, err := r.Store.Scrub(ctx)
	rep.Scrubbed.Keys += did.Keys
	rep.Scrubbed.Pages += did.Pages
	rep.Scrubbed.Remaining, rep.Scrubbed.Log = did.Remaining, did.Log
	if did.Remaining > 0 || err == nil && !did.Log {
		r.Log.Warn("the rest of a destroyed key is left in the store's files; the next run looks again", "pages", did.Remaining, "log-emptied", did.Log)
	}
	return err
}

// trailOver reports whether a submission's lines in the audit trail may go.
func trailOver(s *hub.Submission, rules route.Retention, now time.Time) bool {
	if s.State != hub.SubmissionErased || s.Hold.On() {
		return false
	}
	at, ok := rules.Audit.Due(s.ReceivedAt, s.SettledAt)
	return ok && !at.After(now)
}

// cut removes the old end of the audit trail: what is older than every submission
// whose lines are kept, and as old as lines about no submission must be.
func (r *Runner) cut(ctx context.Context, keepFrom, now time.Time) (store.AuditStart, error) {
	keep := r.Rules("", "").Audit
	if _, ok := keep.Due(now, now); !ok {
		return r.Store.AuditStart(ctx)
	}
	// The last moment whose period is over; Due rises with it.
	over := func(at time.Time) bool { due, _ := keep.Due(at, at); return !due.After(now) }
	low, high := now.AddDate(-200, 0, 0), now
	for high.Sub(low) > time.Minute {
		if middle := low.Add(high.Sub(low) / 2); over(middle) {
			low = middle
		} else {
			high = middle
		}
	}
	if low.Before(keepFrom) {
		keepFrom = low
	}
	return r.Store.CutAudit(ctx, keepFrom, Actor, "audit: "+keep.String(), now)
}
