package cli

import (
	"context"
	"fmt"
	"slices"
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
	acknowledged := 0
	if err := readLedger(o.ledger, func(entry) error { acknowledged++; return nil }); err != nil {
		return err
	}
	last, err := p.await(ctx, o, acknowledged*o.documents)
	if err != nil {
		return err
	}
	got, err := account(ctx, o.control)
	if err != nil {
		return err
	}
	report.Verified = true
	report.Expected = acknowledged * o.documents
	if err := report.compare(o, got); err != nil {
		return err
	}
	if report.Pushed && !last.IsZero() {
		through := last.Sub(report.start).Seconds()
		report.Through, report.ThroughRate = rounded(through), rounded(float64(report.Acknowledged)/through)
	}
	return nil
}

// await waits until everything has arrived, or nothing new for as long as settle
// says, and gives the time of the last arrival it saw.
func (p *Program) await(ctx context.Context, o *loadOptions, expected int) (time.Time, error) {
	most, last, quiet := -1, time.Time{}, time.Now()
	told := time.Now()
	for {
		asked := time.Now()
		counts, err := sim.Client{Control: o.control}.SinkCounts(ctx)
		if err != nil {
			return last, err
		}
		n := counts.Documents
		if n > most {
			most, quiet, last = n, time.Now(), time.Now()
		}
		if n >= expected || time.Since(quiet) > o.settle {
			return last, nil
		}
		if time.Since(told) > 5*time.Second {
			fmt.Fprintf(p.Err, "%d of %d documents have arrived\n", n, expected)
			told = time.Now()
		}
		// The partners count under the lock they take documents with: asking must cost
		// them a tenth of their time at most.
		if !sleep(ctx, max(100*time.Millisecond, 10*time.Since(asked))) {
			return last, ctx.Err()
		}
	}
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
