package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// doctor has the hub examine itself, and compares the two clocks.
func (p *Program) doctor() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "Examine the hub: store, disk, keyring, clock, overdue work, configuration",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			d, err := c.Doctor(cmd.Context())
			if err != nil {
				return err
			}
			d.Checks = append(d.Checks, p.compareClocks(d.At))
			bad := 0
			for _, check := range d.Checks {
				if check.State == "bad" {
					bad++
				}
			}
			if p.json {
				err = p.emit(d)
			} else {
				p.printChecks(d.Checks)
			}
			if err == nil && bad > 0 {
				return errFindings
			}
			return err
		},
	}
}

func (p *Program) compareClocks(hub time.Time) admin.Check {
	off := hub.Sub(p.Now()).Abs()
	if off > 30*time.Second {
		return admin.Check{Name: "clocks", State: "warning", Detail: "the hub's clock and this machine's differ by " + span(off), Remedy: "synchronise the one that is wrong"}
	}
	return admin.Check{Name: "clocks", State: "ok", Detail: "the hub's clock and this machine's agree"}
}

func (p *Program) printChecks(checks []admin.Check) {
	for _, c := range checks {
		p.say("%-8s %-14s %s", c.State, c.Name, c.Detail)
		if c.Remedy != "" {
			fmt.Fprint(p.Out, wrap("→ "+clean(c.Remedy), "                        ", p.room()))
		}
	}
}
