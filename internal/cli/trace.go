package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// trace tells a submission's whole story.
func (p *Program) trace() *cobra.Command {
	return &cobra.Command{
		Use:   "trace ID",
		Short: "Tell a submission's whole story: every attempt, cause and next step",
		Args:  usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			t, err := c.Trace(cmd.Context(), r.submission)
			if err != nil {
				return err
			}
			if err := hasOrdinal(&t.Submission, r); err != nil {
				return err
			}
			if p.json {
				cause, next := advice(p, &t.Submission, t.Attempts)
				return p.emit(struct {
					admin.Trace
					Cause string `json:"cause"`
					Next  string `json:"next-step"`
				}{t, cause, next})
			}
			p.printTrace(&t)
			return nil
		},
	}
}

func (p *Program) printTrace(t *admin.Trace) {
	p.heading(&t.Submission)
	if t.Reference != "" {
		p.say("  portal's reference: %s", t.Reference)
		p.say("")
	}
	p.story(t)
	p.deliveries(&t.Submission)
	if t.Withheld != "" {
		p.say("Details are missing: %s", t.Withheld)
		p.say("")
	}
	p.advise(&t.Submission, t.Attempts)
}

// line is one line of the story, with what is told below it.
type line struct {
	at     time.Time
	text   string
	detail string
	like   string // what it has in common with others of its kind; "" for what stands alone
}

// longRun is how many attempts alike stand one below the other; of more the middle is
// counted. A citizen who takes a week to pay is asked for some hundred times.
const longRun = 5

// folded leaves out the middle of long runs of attempts that are alike.
func folded(lines []line) (out []line) {
	for len(lines) > 0 {
		n := 1
		for n < len(lines) && lines[0].like != "" && lines[n].like == lines[0].like {
			n++
		}
		if run := lines[:n]; n > longRun {
			out = append(out, run[0], run[1], line{at: run[n-2].at, text: fmt.Sprintf("… %d more like these (--json tells each)", n-3)}, run[n-1])
		} else {
			out = append(out, run...)
		}
		lines = lines[n:]
	}
	return out
}

// story merges events and attempts by time. An attempt tells more than the event
// of the same moment, so such events are left out.
func (p *Program) story(t *admin.Trace) {
	names := map[hub.ID]string{}
	for _, d := range t.Deliveries {
		names[d.ID] = fmt.Sprintf("%d %s → %s", d.Ordinal, d.Role, d.System)
	}
	tried := map[hub.ID]bool{}
	var lines []line
	for _, a := range t.Attempts {
		tried[a.Delivery] = tried[a.Delivery] || a.N > 0
		lines = append(lines, attemptLine(a, names[a.Delivery]))
	}
	for _, e := range t.Events {
		if tried[e.Delivery] && !e.Delivery.Zero() && (e.Type == "attempt" || e.Type == "delivered") {
			continue
		}
		lines = append(lines, eventLine(e, names[e.Delivery]))
	}
	slices.SortStableFunc(lines, func(a, b line) int { return a.at.Compare(b.at) })
	day := ""
	var before time.Time
	for _, l := range folded(lines) {
		if d := l.at.In(p.Zone).Format("Monday, 2 January 2006"); d != day {
			p.say("  %s", d)
			day, before = d, l.at
		}
		head := fmt.Sprintf("  %s  %9s  ", p.moment(l.at), "+"+span(l.at.Sub(before)))
		indent, room := strings.Repeat(" ", columnsOf(head)), max(60, p.room())
		fmt.Fprint(p.Out, head+strings.TrimPrefix(wrap(clean(oneLine(l.text)), indent, room), indent))
		if l.detail != "" {
			fmt.Fprint(p.Out, wrap(clean(oneLine(l.detail)), indent, room))
		}
		before = l.at
	}
	p.say("")
}

func attemptLine(a admin.Attempt, who string) line {
	took := time.Duration(a.Milliseconds * float64(time.Millisecond))
	text := fmt.Sprintf("%s: %s %d %s", who, attemptWord(a.Kind), a.N, a.Outcome)
	if a.N == 0 {
		text = fmt.Sprintf("%s: mapping %s", who, a.Outcome)
	}
	if a.Code != "" && a.Outcome != "delivered" {
		text += " " + a.Code
	}
	if took > 0 {
		text += " in " + span(took)
	}
	return line{at: a.At, text: text, detail: a.Detail, like: fmt.Sprint(a.Delivery, a.Kind, a.Outcome, a.Code)}
}

// attemptWord says what kind of attempt it was.
func attemptWord(kind string) string {
	if kind == "send" || kind == "" {
		return "attempt"
	}
	return kind
}

func eventLine(e hub.Event, who string) line {
	text := e.Type
	switch {
	case who != "":
		text = who + ": " + text
	case e.Role != "":
		text = e.Role + ": " + text
	}
	if e.Code != "" {
		text += " " + e.Code
	}
	if e.Actor != "" {
		text += " (" + e.Actor + ")"
	}
	if len(e.Text) > 0 && len(e.Text) <= 40 {
		return line{at: e.At, text: text + ": " + e.Text}
	}
	return line{at: e.At, text: text, detail: e.Text}
}
