package cli

import (
	"fmt"
	"maps"
	"slices"
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
		e, err := snap.Explain(municipality(snap, args[0]), args[1])
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

// municipality finds an AGS by a name: Stadt Soest, or Soest where there is one only.
func municipality(snap *config.Snapshot, name string) string {
	var found []string
	for ags, m := range snap.Municipalities {
		switch _, last, _ := strings.Cut(m.Name, " "); {
		case ags == name, strings.EqualFold(m.Name, name):
			return ags
		case strings.EqualFold(last, name):
			found = append(found, ags)
		}
	}
	if len(found) == 1 {
		return found[0]
	}
	return name
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
	for _, name := range slices.Sorted(maps.Keys(e.Ordinances)) {
		p.say("  local law   %s: %s", name, e.Ordinances[name])
	}
	for _, name := range slices.Sorted(maps.Keys(e.Ranges)) {
		p.say("  numbers     %s: from %d to %d", name, e.Ranges[name].First, e.Ranges[name].Last)
	}
	k := e.Retention
	p.say("  kept        payload %s; attachments %s; metadata %s; audit %s", k.Payload, k.Attachments, k.Metadata, k.Audit)
	portals := strings.Join(e.Portals, ", ")
	if portals == "" {
		portals = "none may push it"
	}
	p.say("  portals     %s", portals)
	p.say("")
	for i, d := range e.Deliveries {
		p.say("%d %s", i+1, d.To)
		if d.System == "" {
			p.say("    left out: %s has no system for it", e.CompetentFor)
			continue
		}
		kind := d.Kind
		if d.Profile != "" {
			kind += ", " + d.Profile
		}
		p.say("    system   %s (%s)", d.System, kind)
		p.say("    mapping  %s, %s%s", d.Mapping, d.Format, own(d.Own))
		if d.When != "" {
			p.say("    when     %s", d.When)
		}
		if len(d.After) > 0 {
			p.say("    after    %s", strings.Join(d.After, ", "))
		}
	}
}

func own(is bool) string {
	if is {
		return ", the operator's own"
	}
	return ""
}
