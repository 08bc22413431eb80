package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// list shows submissions.
func (p *Program) list() *cobra.Command {
	var f filterFlags
	var search string
	var before, bundle string
	var held bool
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List submissions, newest first",
		Long: `List submissions, newest first.

--search finds cases by a business key (a chip number, a name, the portal's
reference), written as on the form; - reads it from standard input, so that it
stands in no history of commands.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(p)
			if err != nil {
				return err
			}
			filter.Held = held
			if before != "" {
				if filter.Before, err = hub.ParseID(before); err != nil {
					return wrongUsage("--before takes the id at the end of the page before")
				}
			}
			filter.Bundle = bundle
			if filter.Search, err = p.valueOrInput(search); err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			page, err := c.List(cmd.Context(), filter)
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(page)
			}
			p.printList(&page)
			return nil
		},
	}
	f.add(cmd)
	cmd.Flags().BoolVar(&held, "held", false, "only cases under a legal hold")
	cmd.Flags().StringVar(&search, "search", "", "a business key's value, or - to read it from standard input")
	cmd.Flags().StringVar(&bundle, "bundle", "", "only those in this bundle (id or number)")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "how many, up to 1000")
	cmd.Flags().StringVar(&before, "before", "", "older than this id: the next page")
	return cmd
}

func (p *Program) printList(page *admin.Page) {
	if len(page.Submissions) == 0 {
		p.say("no submission")
		return
	}
	heads := []string{"NUMBER", "RECEIVED", "~SERVICE", "~MUNICIPALITY", "STATE", ">DONE", "~OPEN"}
	bundles := slices.ContainsFunc(page.Submissions, func(s admin.Submission) bool { return s.Bundle != nil })
	if bundles {
		heads = append(heads, "BUNDLE")
	}
	t := columns(heads...)
	for i := range page.Submissions {
		s := &page.Submissions[i]
		done, open := progress(s)
		town := s.MunicipalityName
		if town == "" {
			town = s.Municipality
		}
		if s.Hold != nil {
			open = strings.TrimPrefix(open+", held", ", ")
		}
		row := []string{s.Number, p.when(s.ReceivedAt), s.Service, town, string(s.State), fmt.Sprintf("%d/%d", done, len(s.Deliveries)), open}
		switch {
		case s.Bundle != nil:
			row = append(row, s.Bundle.Number)
		case bundles:
			row = append(row, "")
		}
		t.add(row...)
	}
	p.print(t)
	if !page.Next.Zero() {
		p.say("there are more: --before %s", page.Next.String())
	}
}

// progress counts what has settled, and names what has not.
func progress(s *admin.Submission) (done int, open string) {
	if s.State == hub.SubmissionDamaged {
		return 0, "damaged"
	}
	open = s.Code
	for _, d := range s.Deliveries {
		if d.State.Settled() {
			done++
			continue
		}
		if open != "" {
			open += ", "
		}
		open += d.Role + " " + string(d.State)
		if d.Reason != "" {
			open += " " + string(d.Reason)
		}
	}
	return done, open
}
