package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
)

// explain lays open what becomes of a service in a municipality, without sending.
func (p *Program) explain() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "explain MUNICIPALITY SERVICE",
		Short: "Show route, mappings and systems of a service in a municipality",
		Long: `Show what becomes of a service's submissions in a municipality: the route, the
mapping of every document (shipped, or the operator's own) and the systems.
MUNICIPALITY is its AGS or its name. Nothing is sent.`,
		Args: usage(cobra.ExactArgs(2)),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		snap, err := p.snapshot(*dir)
		if err != nil {
			return err
		}
		ags := args[0]
		for _, m := range snap.Municipalities {
			if strings.EqualFold(m.Name, args[0]) {
				ags = m.AGS
			}
		}
		e, err := snap.Explain(ags, args[1])
		if err != nil {
			return &notFoundError{err}
		}
		if p.json {
			return p.emit(e)
		}
		p.printExplanation(e)
		return nil
	}
	return cmd
}

// snapshot reads the operator's folder; its findings are printed where it has errors.
func (p *Program) snapshot(dir string) (*config.Snapshot, error) {
	snap, findings := app.Check(dir)
	if snap == nil {
		for _, f := range findings {
			fmt.Fprintln(p.Err, clean(f.String()))
		}
		return nil, errFindings
	}
	return snap, nil
}

func (p *Program) printExplanation(e *config.Explanation) {
	p.say("%s (%s) in %s (%s)", e.Title, e.Service, e.Name, e.AGS)
	if e.Competent != e.AGS {
		p.say("  decided by  %s (%s): its systems and its local law", e.CompetentFor, e.Competent)
	}
	p.say("  route       %s, revision %d%s", e.Route, e.Revision, own(e.OwnRoute))
	p.say("  inputs      %s", strings.Join(e.Inputs, ", "))
	consent := "not asked for"
	if e.Consent {
		consent = "required"
	}
	p.say("  consent     %s", consent)
	if len(e.Keys) > 0 {
		p.say("  found by    %s", strings.Join(e.Keys, ", "))
	}
	if e.OrderBy != "" {
		p.say("  in order of %s", e.OrderBy)
	}
	for name, title := range e.Ordinances {
		p.say("  local law   %s: %s", name, title)
	}
	portals := strings.Join(e.Portals, ", ")
	if portals == "" {
		portals = "none may push it"
	}
	p.say("  portals     %s", portals)
	p.say("")
	t := columns(">#", "~TO", "~SYSTEM", "~KIND", "~MAPPING", "~WHEN", "~AFTER")
	for i, d := range e.Deliveries {
		system, kind := d.System, d.Kind
		if d.Profile != "" {
			kind += "/" + d.Profile
		}
		if system == "" {
			system = "(left out here)"
		}
		when := d.When
		if when == "" {
			when = "always"
		}
		t.add(fmt.Sprint(i+1), d.To, system, kind, d.Mapping+own(d.Own), when, strings.Join(d.After, ", "))
	}
	t.write(p.Out, p.room())
}

func own(is bool) string {
	if is {
		return " (own)"
	}
	return ""
}
