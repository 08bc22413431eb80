package retention

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// list is a store that notes what it is asked for: what a run orders, how much at a time
// and in which order, is seen here; what becomes of an order, in the suite of stores.
type list struct {
	subs     []hub.Submission // in the order of their ids
	steps    []string         // erase, scrub, receipts, cut
	orders   []store.Erase
	sizes    []int // of the calls of Erase
	before   time.Time
	cut      time.Time
	fail     error            // of Erase
	refuse   map[hub.ID]error // of one order
	scrubbed store.Scrubbed
}

func (l *list) Walk(_ context.Context, after hub.ID, limit int) ([]hub.Submission, error) {
	from, found := slices.BinarySearchFunc(l.subs, after, func(s hub.Submission, id hub.ID) int { return bytes.Compare(s.ID[:], id[:]) })
	if found {
		from++
	}
	return l.subs[from:min(from+limit, len(l.subs))], nil
}

func (l *list) Erase(_ context.Context, orders []store.Erase) ([]store.Erased, error) {
	l.steps, l.sizes = append(l.steps, "erase"), append(l.sizes, len(orders))
	if l.fail != nil {
		return nil, l.fail
	}
	done := make([]store.Erased, len(orders))
	for i, o := range orders {
		l.orders = append(l.orders, o)
		if err := l.refuse[o.ID]; err != nil {
			done[i].Err = err
			continue
		}
		done[i].Deletion = hub.Deletion{N: int64(len(l.orders)), Submission: o.ID, Parts: parts(o)}
	}
	return done, nil
}

func (l *list) Scrub(context.Context) (store.Scrubbed, error) {
	l.steps = append(l.steps, "scrub")
	return l.scrubbed, nil
}

func (l *list) ForgetReceipts(_ context.Context, before time.Time) (int, error) {
	l.steps, l.before = append(l.steps, "receipts"), before
	return 3, nil
}

func (l *list) CutAudit(_ context.Context, before time.Time, _, _ string, _ time.Time) (store.AuditStart, error) {
	l.steps, l.cut = append(l.steps, "cut"), before
	return store.AuditStart{}, nil
}

func (l *list) AuditStart(context.Context) (store.AuditStart, error) {
	return store.AuditStart{Seq: 7}, nil
}

func (l *list) Hold(context.Context, hub.ID, hub.Hold) error { return errors.ErrUnsupported }

func (l *list) Release(context.Context, hub.ID, string, string, time.Time) error {
	return errors.ErrUnsupported
}

func (l *list) Deletions(context.Context, store.DeletionFilter) ([]hub.Deletion, error) {
	return nil, errors.ErrUnsupported
}

// LastRun says that the clock was gone by today: whether it may be is another test's.
func (l *list) LastRun(context.Context, string) (time.Time, error) { return today, nil }

func (l *list) SetLastRun(context.Context, string, time.Time) error { return nil }

func parts(o store.Erase) (p []string) {
	for _, part := range []struct {
		name string
		is   bool
	}{{hub.PartPayload, o.Payload}, {hub.PartAttachments, o.Attachments}, {hub.PartMetadata, o.Metadata}} {
		if part.is {
			p = append(p, part.name)
		}
	}
	return p
}

var today = time.Date(2026, 6, 1, 9, 0, 0, 0, time.UTC)

// settledFor is a submission that has settled so many days ago.
func settledFor(n byte, days int) hub.Submission {
	at := today.AddDate(0, 0, -days)
	return hub.Submission{ID: hub.ID{0: 1, 15: n}, Municipality: "05974040", Service: "hundeanmeldung", State: hub.SubmissionSettled, ReceivedAt: at, SettledAt: at}
}

func runnerOver(l *list, rules route.Retention) *Runner {
	return &Runner{Store: l, Rules: func(string, string) route.Retention { return rules }, Log: slog.New(slog.DiscardHandler), Now: func() time.Time { return today }}
}

func rule(t *testing.T, text string) (k route.Keep) {
	t.Helper()
	if err := k.UnmarshalText([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return k
}

func TestWhatIsDue(t *testing.T) {
	rules := route.Retention{Payload: rule(t, "30 days after settled"), Attachments: rule(t, "10 days after settled"), Metadata: rule(t, "60 days after settled")}
	with := func(s hub.Submission, change func(*hub.Submission)) hub.Submission {
		s.Attachments = 2
		change(&s)
		return s
	}
	asIs := func(*hub.Submission) {}
	for name, tt := range map[string]struct {
		s    hub.Submission
		want string // parts due now
		next string // parts that are due next, whenever that is
	}{
		"nothing yet":         {with(settledFor(1, 9), asIs), "", "attachments"},
		"attachments first":   {with(settledFor(1, 10), asIs), "attachments", "attachments"},
		"none to delete":      {settledFor(1, 10), "", "payload"},
		"gone already":        {with(settledFor(1, 10), func(s *hub.Submission) { s.Erased.Attachments = today }), "", "payload"},
		"payload, too":        {with(settledFor(1, 30), asIs), "payload attachments", "attachments"},
		"payload is gone":     {with(settledFor(1, 30), func(s *hub.Submission) { s.Erased.Payload, s.Erased.Attachments = today, today }), "", "metadata"},
		"all of it":           {with(settledFor(1, 60), asIs), "payload attachments metadata", "attachments"},
		"it runs":             {with(settledFor(1, 60), func(s *hub.Submission) { s.State = hub.SubmissionRunning }), "", ""},
		"it waits for people": {with(settledFor(1, 60), func(s *hub.Submission) { s.State = hub.SubmissionParked }), "", ""},
		"it is damaged":       {with(settledFor(1, 60), func(s *hub.Submission) { s.State = hub.SubmissionDamaged }), "", ""},
		"it is deleted":       {with(settledFor(1, 60), func(s *hub.Submission) { s.State = hub.SubmissionErased }), "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			l := &list{subs: []hub.Submission{tt.s}}
			if _, err := runnerOver(l, rules).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := ""
			for _, o := range l.orders {
				got = strings.Join(parts(o), " ")
				if o.ID != tt.s.ID || o.Actor != Actor || !o.At.Equal(today) || strings.Count(o.Rule, "; ") != len(parts(o))-1 {
					t.Errorf("order: %+v", o)
				}
			}
			if got != tt.want {
				t.Errorf("deleted %q, want %q", got, tt.want)
			}
			p, err := runnerOver(l, rules).Preview(t.Context(), 5)
			if err != nil {
				t.Fatal(err)
			}
			next := ""
			if len(p.Next) > 0 {
				next = strings.Join(p.Next[0].Parts, " ")
			}
			if next != tt.next {
				t.Errorf("next %q, want %q", next, tt.next)
			}
		})
	}
}

// What falls due at the same moment is shown together, with the rule of each.
func TestWhatFallsDueTogether(t *testing.T) {
	s := settledFor(1, 1)
	s.Attachments = 1
	l := &list{subs: []hub.Submission{s}}
	p, err := runnerOver(l, route.DefaultRetention).Preview(t.Context(), 5)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Next) != 1 || !slices.Equal(p.Next[0].Parts, []string{"payload", "attachments"}) || !p.Next[0].At.Equal(s.SettledAt.AddDate(0, 0, 30)) ||
		p.Next[0].Rules != "payload: 30 days after settled; attachments: 30 days after settled" {
		t.Errorf("%+v", p.Next)
	}
}

// The earliest come first, whatever the order of receipt; what is held, open or deleted
// is not among them.
func TestPreviewOfMany(t *testing.T) {
	held, open, deleted := settledFor(6, 40), settledFor(7, 40), settledFor(8, 40)
	held.Hold, open.State, deleted.State = hub.Hold{Since: today}, hub.SubmissionRunning, hub.SubmissionErased
	heldLong := settledFor(9, 3)
	heldLong.Hold = hub.Hold{Since: today}
	l := &list{subs: []hub.Submission{settledFor(1, 3), settledFor(2, 5), settledFor(3, 1), settledFor(4, 31), settledFor(5, 4), held, open, deleted, heldLong}}
	p, err := runnerOver(l, route.DefaultRetention).Preview(t.Context(), 3)
	if err != nil {
		t.Fatal(err)
	}
	var next []byte
	for _, d := range p.Next {
		next = append(next, d.Submission.ID[15])
	}
	if !slices.Equal(next, []byte{4, 2, 5}) {
		t.Errorf("next: %v", next)
	}
	if p.Examined != 9 || p.Unsettled != 1 || p.Held != 1 || p.Due[hub.PartPayload] != 1 || p.Due[hub.PartMetadata] != 0 || len(l.steps) != 0 {
		t.Errorf("%+v, and %v was done", p, l.steps)
	}
}

// Each answer of the store is counted for what it is, and whoever has a submission in
// memory hears of what was deleted, and of nothing else.
func TestWhatBecameOfTheOrders(t *testing.T) {
	l := &list{subs: []hub.Submission{settledFor(1, 40), settledFor(2, 40), settledFor(3, 40)}}
	l.refuse = map[hub.ID]error{l.subs[1].ID: store.ErrHeld, l.subs[2].ID: store.ErrDamaged}
	r := runnerOver(l, route.DefaultRetention)
	var told []hub.ID
	r.Erased = func(id hub.ID) { told = append(told, id) }
	rep, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Erased[hub.PartPayload] != 1 || rep.Held != 1 || rep.Refused != 1 || rep.Receipts != 3 || !slices.Equal(told, []hub.ID{l.subs[0].ID}) {
		t.Errorf("%+v, told of %v", rep, told)
	}
	if !slices.Equal(l.steps, []string{"erase", "scrub", "receipts", "cut"}) || !l.before.Equal(today.Add(-receipts)) {
		t.Errorf("%v, receipts before %s", l.steps, l.before)
	}
}

// What was destroyed before an error leaves the files, and the trail keeps its lines.
func TestAfterAnError(t *testing.T) {
	l := &list{subs: []hub.Submission{settledFor(1, 40)}, fail: store.ErrFull, scrubbed: store.Scrubbed{Keys: 2, Pages: 5, Remaining: 1}}
	rep, err := runnerOver(l, route.DefaultRetention).Run(t.Context())
	if !errors.Is(err, store.ErrFull) || !slices.Equal(l.steps, []string{"erase", "scrub"}) {
		t.Errorf("%v after %v", err, l.steps)
	}
	if rep.Scrubbed.Keys != 2 || rep.Scrubbed.Pages != 5 || rep.Scrubbed.Remaining != 1 || rep.Scrubbed.Log {
		t.Errorf("%+v", rep.Scrubbed)
	}
}

// What is left of a destroyed key is said so, and nothing where none is.
func TestRestOfAKeyIsSaid(t *testing.T) {
	for name, tt := range map[string]struct {
		did  store.Scrubbed
		said bool
	}{
		"pages": {store.Scrubbed{Remaining: 1, Log: true}, true}, "log": {store.Scrubbed{}, true}, "none": {store.Scrubbed{Keys: 2, Log: true}, false},
	} {
		var log strings.Builder
		r := runnerOver(&list{scrubbed: tt.did}, route.DefaultRetention)
		r.Log = slog.New(slog.NewTextHandler(&log, nil))
		if _, err := r.Run(t.Context()); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(log.String(), "the rest of a destroyed key is left") != tt.said {
			t.Errorf("%s: %s", name, log.String())
		}
	}
}

// Many are ordered a batch at a time, and the files are searched on the way, too: a run
// over a million submissions that is stopped has not left all its keys there.
func TestManyAreOrderedInBatches(t *testing.T) {
	l := &list{scrubbed: store.Scrubbed{Log: true}}
	const n = scrub + 3*batch
	for i := range n {
		s := settledFor(0, 40)
		s.ID[12], s.ID[13], s.ID[14] = byte(i>>16), byte(i>>8), byte(i)
		l.subs = append(l.subs, s)
	}
	r := runnerOver(l, route.DefaultRetention)
	asked := 0
	r.Rules = func(string, string) route.Retention { asked++; return route.DefaultRetention }
	rep, err := r.Run(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if rep.Erased[hub.PartPayload] != n || len(l.orders) != n || slices.Max(l.sizes) != batch {
		t.Errorf("%+v, %d orders in calls of %v", rep.Erased, len(l.orders), l.sizes)
	}
	scrubs := 0
	for i, step := range l.steps {
		if step != "scrub" {
			continue
		}
		scrubs++
		if scrubs == 1 && i != (scrub+batch-1)/batch {
			t.Errorf("the files were searched first after %d batches", i)
		}
	}
	if scrubs != 2 {
		t.Errorf("the files were searched %d times", scrubs)
	}
	if asked != 2 { // for the service, and for what is about no submission
		t.Errorf("the rules were asked for %d times", asked)
	}
}

// The trail is cut before the oldest submission whose lines are kept, and never younger
// than the rule for lines about no submission.
func TestWhereTheTrailIsCut(t *testing.T) {
	old := func(n byte, years int, state hub.SubmissionState) hub.Submission {
		s := settledFor(n, 0)
		s.ReceivedAt, s.SettledAt, s.State = today.AddDate(-years, 0, 0), today.AddDate(-years, 0, 0), state
		return s
	}
	held := old(1, 20, hub.SubmissionErased)
	held.Hold = hub.Hold{Since: today}
	late := old(1, 20, hub.SubmissionErased)
	late.SettledAt = today.AddDate(-5, 0, 0)
	byRule := time.Date(2016, 1, 1, 0, 0, 0, 0, time.UTC) // ten years after the end of 2015
	for name, tt := range map[string]struct {
		subs []hub.Submission
		want time.Time
	}{
		"nothing there":      {nil, byRule},
		"all long deleted":   {[]hub.Submission{old(1, 20, hub.SubmissionErased), old(2, 15, hub.SubmissionErased)}, byRule},
		"one still open":     {[]hub.Submission{old(1, 20, hub.SubmissionErased), old(2, 15, hub.SubmissionRunning)}, today.AddDate(-15, 0, 0)},
		"one held":           {[]hub.Submission{held, old(2, 15, hub.SubmissionErased)}, today.AddDate(-20, 0, 0)},
		"one that took long": {[]hub.Submission{late, old(2, 15, hub.SubmissionErased)}, today.AddDate(-20, 0, 0)},
		"one deleted late":   {[]hub.Submission{old(1, 10, hub.SubmissionErased)}, byRule}, // its lines are kept, and are younger
	} {
		t.Run(name, func(t *testing.T) {
			l := &list{subs: tt.subs}
			if _, err := runnerOver(l, route.DefaultRetention).Run(t.Context()); err != nil {
				t.Fatal(err)
			}
			if off := l.cut.Sub(tt.want).Abs(); off > 2*time.Hour { // the year ends in Germany, and is found to the minute
				t.Errorf("cut before %s, want %s", l.cut, tt.want)
			}
		})
	}
	t.Run("never", func(t *testing.T) {
		l := &list{}
		rules := route.DefaultRetention
		rules.Audit = rule(t, "never")
		rep, err := runnerOver(l, rules).Run(t.Context())
		if err != nil || slices.Contains(l.steps, "cut") || rep.AuditFrom.Seq != 7 {
			t.Errorf("%+v %v after %v", rep, err, l.steps)
		}
	})
	t.Run("kept for good, of one service", func(t *testing.T) {
		l := &list{subs: []hub.Submission{old(1, 30, hub.SubmissionErased)}}
		r := runnerOver(l, route.DefaultRetention)
		r.Rules = func(ags, _ string) route.Retention {
			rules := route.DefaultRetention
			if ags != "" {
				rules.Audit = rule(t, "never")
			}
			return rules
		}
		if _, err := r.Run(t.Context()); err != nil || !l.cut.Equal(today.AddDate(-30, 0, 0)) {
			t.Errorf("cut before %s: %v", l.cut, err)
		}
	})
}
