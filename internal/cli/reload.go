package cli

import "github.com/spf13/cobra"

// reload has the hub read its configuration anew.
func (p *Program) reload() *cobra.Command {
	return &cobra.Command{
		Use:   "reload",
		Short: "Have the hub read its configuration anew",
		Long: `Have the hub read its configuration anew. Where it has an error, the old one
stays in force and every finding is printed.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			r, err := c.Reload(cmd.Context())
			if err != nil {
				return err
			}
			if p.json {
				err = p.emit(r)
			} else {
				p.printFindings(r.Findings)
				if r.Swapped {
					p.say("revision %s is in force", r.Revision)
				} else {
					p.say("not reloaded; revision %s stays in force", r.Revision)
				}
			}
			if err == nil && !r.Swapped {
				return errFindings
			}
			return err
		},
	}
}
