package cli

import (
	"math"
	"time"
)

// loadReport is what a load test found.
type loadReport struct {
	OK bool `json:"ok"`

	Pushed       bool    `json:"pushed"` // the first phase ran
	Count        int     `json:"count,omitempty"`
	Acknowledged int     `json:"acknowledged"`
	Refused      int     `json:"refused"`
	Failed       int     `json:"failed"`   // no answer within patience
	Repeated     int     `json:"repeated"` // acknowledged only when pushed again
	Refusal      string  `json:"refusal,omitempty"`
	Seconds      float64 `json:"seconds,omitempty"`
	Rate         float64 `json:"accepts-per-second,omitempty"`
	Latency      latency `json:"latency-milliseconds,omitzero"`
	LastCopy     latency `json:"last-copy-milliseconds,omitzero"` // from the 202 to the last partner's copy

	Verified    bool    `json:"verified"` // the second phase ran
	Expected    int     `json:"documents-expected,omitempty"`
	Arrived     int     `json:"documents-arrived,omitempty"`
	Through     float64 `json:"end-to-end-seconds,omitempty"`
	ThroughRate float64 `json:"end-to-end-per-second,omitempty"`
	Lost        int     `json:"lost"`           // acknowledged submissions of which a document is missing
	Duplicated  int     `json:"duplicated"`     // documents that came a second time under another id
	Altered     int     `json:"altered"`        // documents that hold another submission, or came with two contents
	Recognised  int     `json:"recognised"`     // arrivals of an id the partner had already: recognised, not taken again
	Unknown     int     `json:"unacknowledged"` // documents of submissions whose 202 never arrived here

	Memory int64 `json:"hub-memory-bytes,omitempty"` // at its most

	start    time.Time
	answered *receipts // nil where the first phase ran elsewhere
}

// latency is how long something took.
type latency struct {
	P50 float64 `json:"p50"`
	P95 float64 `json:"p95"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

// rounded keeps three decimals: more would be noise.
func rounded(v float64) float64 { return math.Round(v*1000) / 1000 }

func (p *Program) reportLoad(r *loadReport) error {
	if p.json {
		if err := p.emit(r); err != nil {
			return err
		}
	} else {
		p.printLoad(r)
	}
	if !r.OK {
		return errFindings
	}
	return nil
}

func (p *Program) printLoad(r *loadReport) {
	if r.Pushed {
		p.say("accepted      %d of %d in %.1f s: %.0f a second", r.Acknowledged, r.Count, r.Seconds, r.Rate)
		p.say("latency       p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms", r.Latency.P50, r.Latency.P95, r.Latency.P99, r.Latency.Max)
		if r.Refused+r.Failed+r.Repeated > 0 {
			p.say("not at once   %d repeated, %d refused, %d failed", r.Repeated, r.Refused, r.Failed)
		}
		if r.Refusal != "" {
			p.say("first trouble %s", r.Refusal)
		}
	}
	if r.Verified {
		p.say("arrived       %d of %d documents", r.Arrived, r.Expected)
		if r.ThroughRate > 0 {
			p.say("end to end    %.1f s: %.0f submissions a second", r.Through, r.ThroughRate)
		}
		if r.LastCopy != (latency{}) {
			p.say("last copy     p50 %.1f ms, p95 %.1f ms, p99 %.1f ms, max %.1f ms after the 202", r.LastCopy.P50, r.LastCopy.P95, r.LastCopy.P99, r.LastCopy.Max)
		}
		p.say("lost          %d", r.Lost)
		p.say("duplicated    %d", r.Duplicated)
		p.say("altered       %d", r.Altered)
		if r.Recognised+r.Unknown > 0 {
			p.say("besides       %d repetitions recognised by partners, %d documents of submissions without a 202", r.Recognised, r.Unknown)
		}
	}
	if r.Memory > 0 {
		p.say("hub's memory  %s at its most", bytesOf(r.Memory))
	}
}
