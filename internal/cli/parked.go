package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
)

// parked shows what waits for a person.
func (p *Program) parked() *cobra.Command {
	var f filterFlags
	var list bool
	var before string
	cmd := &cobra.Command{
		Use:   "parked",
		Short: "Show what waits for a person: by cause, or each with --list",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			filter, err := f.filter(p)
			if err != nil {
				return err
			}
			if !list && (cmd.Flags().Changed("limit") || before != "") {
				return wrongUsage("--limit and --before are for --list")
			}
			if before != "" {
				if filter.Before, err = hub.ParseID(before); err != nil {
					return wrongUsage("--before takes the id at the end of the page before")
				}
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if list {
				page, err := c.Parked(cmd.Context(), filter)
				if err != nil {
					return err
				}
				if p.json {
					return p.emit(page)
				}
				t := columns("NUMBER", "RECEIVED", "~SERVICE", "~SYSTEM", "REASON", "~CODE", ">SINCE")
				for _, i := range page.Items {
					number := i.Number
					if i.Ordinal > 0 {
						number += "/" + strconv.Itoa(i.Ordinal)
					}
					t.add(number, p.when(i.ReceivedAt), i.Service, i.System, i.Reason, i.Code, p.age(i.Since))
				}
				p.printOrNothing(t, "nothing waits for a person")
				if !page.Next.Zero() {
					p.say("there are more: --before %s", page.Next.String())
				}
				return nil
			}
			groups, err := c.ParkedGroups(cmd.Context(), filter)
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(groups)
			}
			t := columns(">COUNT", "~SYSTEM", "~SERVICE", "REASON", "~CODE", ">OLDEST", "EXAMPLE")
			for _, g := range groups.Groups {
				t.add(strconv.Itoa(g.Count), g.System, g.Service, g.Reason, g.Code, p.age(g.Oldest), g.Example)
			}
			p.printOrNothing(t, "nothing waits for a person")
			if !groups.Complete {
				p.say("there are more than were counted; narrow the choice")
			}
			return nil
		},
	}
	f.add(cmd, "state", "delivery-state")
	cmd.Flags().BoolVar(&list, "list", false, "each one, newest first")
	cmd.Flags().IntVar(&f.limit, "limit", 50, "with --list: how many cases, up to 1000")
	cmd.Flags().StringVar(&before, "before", "", "with --list: older than this id")
	return cmd
}

func (p *Program) printOrNothing(t *table, nothing string) {
	if len(t.rows) == 0 {
		p.say("%s", nothing)
		return
	}
	p.print(t)
}
