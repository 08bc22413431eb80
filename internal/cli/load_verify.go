package cli

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/sim"
)

// arrivals is what the partners' sink has got.
type arrivals struct {
	times   map[hub.ID]int
	altered map[hub.ID]bool
	marks   map[hub.ID]string
	systems map[hub.ID]string
	at      map[hub.ID]int64 // microseconds since 1970
}

// verify is the second phase. It asks the partners only: what the hub believes
// does not count here.
func (p *Program) verify(ctx context.Context, o *loadOptions, report *loadReport) error {
	acknowledged := 0 // submissions
	if err := readLedger(o.ledger, func(entry) error { acknowledged++; return nil }); err != nil {
		return err
	}
	if acknowledged == 0 && !report.Pushed {
		return fmt.Errorf("%s holds no acknowledgement: there is nothing to be verified", o.ledger)
	}
	report.Expected = acknowledged * o.documents
	found, last := *report, time.Time{}
	for {
		n, at, err := p.await(ctx, o, o.before+report.Expected)
		if err != nil {
			return err
		}
		last = at
		if found, err = compared(ctx, o, *report); err != nil {
			return err
		}
		if found.Arrived == found.Expected || n < o.before+found.Expected {
			break
		}
		o.before = n - found.Arrived // of others: what is missing may still be on its way
	}
	*report = found
	if report.Pushed && !last.IsZero() {
		through := last.Sub(report.start).Seconds()
		report.Through, report.ThroughRate = rounded(through), rounded(float64(report.Acknowledged)/through)
	}
	return nil
}

// compared asks the partners for all they have and gives the report with what that shows.
func compared(ctx context.Context, o *loadOptions, report loadReport) (loadReport, error) {
	got, err := account(ctx, o.control)
	if err != nil {
		return report, err
	}
	marks, err := sim.Client{Control: o.control}.Marks(ctx)
	if err != nil {
		return report, err
	}
	report.Verified = true
	if len(got.times) == 0 && len(marks) > 0 {
		err = report.compareMarks(o, marks)
	} else {
		err = report.compare(o, got)
	}
	return report, err
}

// await waits until everything has arrived, or nothing new for as long as settle
// says, and gives how much that is and the time of the last arrival it saw.
func (p *Program) await(ctx context.Context, o *loadOptions, expected int) (int, time.Time, error) {
	most, last, quiet := -1, time.Time{}, time.Now()
	told := time.Now()
	for {
		asked := time.Now()
		n, err := o.arrived(ctx)
		if err != nil {
			return n, last, err
		}
		if n > most {
			most, quiet, last = n, time.Now(), time.Now()
		}
		if n >= expected || time.Since(quiet) > o.settle {
			return n, last, nil
		}
		if time.Since(told) > 5*time.Second {
			fmt.Fprintf(p.Err, "%d of %d documents have arrived\n", n-o.before, expected-o.before)
			told = time.Now()
		}
		// Desks count under the lock they take documents with: asking must cost them a
		// tenth of their time at most.
		if !sleep(ctx, max(100*time.Millisecond, 10*time.Since(asked))) {
			return n, last, ctx.Err()
		}
	}
}

// arrived counts what the partners have, the sink and those that are desks.
func (o *loadOptions) arrived(ctx context.Context) (int, error) {
	c := sim.Client{Control: o.control}
	sink, err := c.SinkCounts(ctx)
	if err != nil {
		return 0, err
	}
	n := sink.Documents
	marks, err := c.Marks(ctx)
	for _, of := range marks {
		for _, documents := range of {
			n += documents
		}
	}
	return n, err
}

// lookBefore asks what the partners have of earlier runs, so that this one goes on
// behind them.
func (o *loadOptions) lookBefore(ctx context.Context) (err error) {
	if o.before, err = o.arrived(ctx); err != nil || o.before == 0 || !o.goOn {
		return err
	}
	highest := 0
	see := func(mark string) {
		if n, err := strconv.Atoi(strings.TrimPrefix(mark, loadMark)); err == nil {
			highest = max(highest, n)
		}
	}
	c := sim.Client{Control: o.control}
	marks, err := c.Marks(ctx)
	if err != nil {
		return err
	}
	for _, of := range marks {
		for m := range of {
			see(m)
		}
	}
	if err := c.Arrived(ctx, func(a sim.Arrived) error { see(a.Mark); return nil }); err != nil {
		return err
	}
	o.first = highest + 1
	return o.check()
}

// compareMarks holds the ledger against what partners took that know a submission
// by its mark only: each must be at as many of them as it causes documents, and at
// none of them twice.
func (r *loadReport) compareMarks(o *loadOptions, marks map[string]map[string]int) error {
	err := readLedger(o.ledger, func(e entry) error {
		at := 0
		for _, of := range marks {
			if n := of[e.Mark]; n > 0 {
				at++
				r.Duplicated += n - 1
			}
		}
		r.Arrived += min(at, o.documents)
		if at < o.documents {
			r.Lost++
		}
		return nil
	})
	r.OK = r.OK && r.Lost+r.Duplicated == 0
	return err
}

// compare holds the ledger against the account.
func (r *loadReport) compare(o *loadOptions, got *arrivals) error {
	known := map[hub.ID]bool{}
	carried := map[string]int{} // mark and system: documents
	var copies []uint32
	err := readLedger(o.ledger, func(e entry) error {
		known[e.ID] = true
		missing, last := false, int64(0)
		for n := 1; n <= o.documents; n++ {
			id := e.ID.Delivery(n)
			times := got.times[id]
			if times == 0 {
				missing = true
				continue
			}
			r.Arrived++
			last = max(last, got.at[id])
			r.Recognised += times - 1
			if got.altered[id] || got.marks[id] != "" && got.marks[id] != e.Mark {
				r.Altered++
			}
		}
		if missing {
			r.Lost++
			return nil
		}
		if r.answered == nil {
			return nil
		}
		if answered := (*r.answered)[e.ID]; answered != 0 { // what was pushed more than once is not counted
			copies = append(copies, uint32(min(max(last-answered, 0), 1<<32-1))) // a copy may be there before its 202
		}
		return nil
	})
	slices.Sort(copies)
	r.LastCopy = latencyOf(copies)
	if err != nil {
		return err
	}
	for id, m := range got.marks {
		if m != "" {
			carried[m+" "+got.systems[id]]++
		}
		if !known[id.Submission()] {
			r.Unknown++
		}
	}
	for _, n := range carried {
		r.Duplicated += n - 1
	}
	r.OK = r.OK && r.Lost+r.Duplicated+r.Altered == 0
	return nil
}

// account asks for every document that has arrived.
func account(ctx context.Context, control string) (*arrivals, error) {
	got := &arrivals{times: map[hub.ID]int{}, altered: map[hub.ID]bool{}, marks: map[hub.ID]string{}, systems: map[hub.ID]string{}, at: map[hub.ID]int64{}}
	err := sim.Client{Control: control}.Arrived(ctx, func(a sim.Arrived) error {
		id, err := hub.ParseID(a.ID)
		if err != nil {
			return nil // not one of a hub's deliveries
		}
		got.times[id], got.marks[id], got.systems[id], got.at[id] = a.Times, a.Mark, a.System, a.At
		if a.Altered {
			got.altered[id] = true
		}
		return nil
	})
	return got, err
}
