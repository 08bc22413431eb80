package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// bundle shows a bundle with the submissions in it.
func (p *Program) bundle() *cobra.Command {
	return &cobra.Command{
		Use:   "bundle ID",
		Short: "Show a bundle: its status and the submissions in it",
		Long: `Show a bundle, such as an Umzugsmappe: its status and the submissions in it.
ID is the bundle's id or number; show and trace name it for each submission, and
list --bundle lists them. Each submission has its own success: show, replay and
close work on it as on any other. What the citizen answered stays sealed.`,
		Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			r, err := parseRef(args[0])
			if err != nil {
				return err
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			b, err := c.Bundle(cmd.Context(), r.submission)
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(b)
			}
			p.printBundle(&b)
			return nil
		},
	}
}

func (p *Program) printBundle(b *admin.Bundle) {
	p.say("%s  %s  %s", b.Number, b.Bundle, string(b.Status))
	p.say("")
	p.say("  id            %s", b.ID.String())
	p.say("  portal        %s", b.Portal)
	p.say("  opened        %s", p.clock(b.OpenedAt))
	if !b.ClosedAt.IsZero() {
		p.say("  closed        %s", p.clock(b.ClosedAt))
	}
	p.say("  told          %s", b.Told)
	p.say("  configuration %s", b.Revision)
	p.say("")
	if len(b.Submissions) == 0 {
		p.say("no submission")
		return
	}
	t := columns("PART", "NUMBER", "RECEIVED", "~SERVICE", "~MUNICIPALITY", "STATE", "STATUS", ">DONE", "~OPEN")
	for i := range b.Submissions {
		s := &b.Submissions[i]
		done, open := progress(s)
		town := s.MunicipalityName
		if town == "" {
			town = s.Municipality
		}
		part := ""
		if s.Bundle != nil {
			part = s.Bundle.Part
		}
		t.add(part, s.Number, p.when(s.ReceivedAt), s.Service, town, string(s.State), string(s.Status), fmt.Sprintf("%d/%d", done, len(s.Deliveries)), open)
	}
	p.print(t)
}
