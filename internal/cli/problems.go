package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
)

// problems explains the codes that a delivery or a submission can have.
func (p *Program) problems() *cobra.Command {
	var lang string
	cmd := &cobra.Command{
		Use:   "problems [CODE]...",
		Short: "Explain the codes that hold a case up, and who must act",
		Long: `Explain the codes of deliveries and submissions: what each means and who must act:
citizen, portal, clerk, operator or backend. Without CODE it lists them all. What the
portals' API refuses is explained at /docs and /v1/problems of every hub.`,
		RunE: func(_ *cobra.Command, args []string) error {
			if lang != "de" && lang != "en" {
				return wrongUsage("--lang is de or en")
			}
			all := hub.Troubles
			if len(args) > 0 {
				all = make([]hub.Trouble, len(args))
				for i, code := range args {
					all[i] = hub.TroubleOf(code)
				}
			}
			return p.printTroubles(all, args, lang)
		},
	}
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the texts: de or en")
	return cmd
}

type troubleLine struct {
	Code   string    `json:"code"`
	Family string    `json:"family,omitempty"` // whose entry it is, where it has none of its own
	Who    hub.Party `json:"who"`
	Title  string    `json:"title"`
	Detail string    `json:"detail"`
}

func (p *Program) printTroubles(all []hub.Trouble, asked []string, lang string) error {
	lines := make([]troubleLine, len(all))
	for i, t := range all {
		l := troubleLine{Code: t.Code, Who: t.Who, Title: t.Title.En, Detail: t.Means.En}
		if lang == "de" {
			l.Title, l.Detail = t.Title.De, t.Means.De
		}
		if i < len(asked) && asked[i] != t.Code {
			l.Code, l.Family = asked[i], t.Code
		}
		lines[i] = l
	}
	if p.json {
		return p.emit(lines)
	}
	if len(asked) == 0 {
		t := columns("CODE", "WHO", "~MEANS")
		for _, l := range lines {
			t.add(l.Code, string(l.Who), l.Title)
		}
		t.write(p.Out, p.room())
		return nil
	}
	for _, l := range lines {
		family := ""
		if l.Family != "" {
			family = ", one of " + l.Family
		}
		p.say("%s (%s%s): %s", clean(l.Code), l.Who, family, l.Title)
		fmt.Fprint(p.Out, wrap(l.Detail, "  ", p.room()))
	}
	return nil
}
