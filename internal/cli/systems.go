package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// systems shows and steers the backends.
func (p *Program) systems() *cobra.Command {
	list := func(cmd *cobra.Command, _ []string) error {
		c, err := p.client()
		if err != nil {
			return err
		}
		all, err := c.Systems(cmd.Context())
		if err != nil {
			return err
		}
		if p.json {
			return p.emit(all)
		}
		t := columns("~SYSTEM", "~KIND", "~STATE", ">PENDING", ">SENDING", ">AWAITING", ">PARKED", ">OLDEST")
		for i := range all.Systems {
			s := &all.Systems[i]
			t.add(s.Name, s.Kind, p.systemState(s), count(s.Pending), count(s.Sending), count(s.Awaiting), count(s.Parked), p.age(s.Oldest))
		}
		p.printOrNothing(t, "no system")
		return nil
	}
	cmd := &cobra.Command{Use: "systems", Short: "Show and steer the backends", Args: usage(cobra.NoArgs), RunE: list}
	var why string
	pause := &cobra.Command{
		Use: "pause SYSTEM", Short: "Stop deliveries to a system until it is resumed", Args: usage(cobra.ExactArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) error {
			if why == "" {
				return wrongUsage("--reason is needed: it stands in the audit trail and in every list")
			}
			return p.steer(func(c *admin.Client) (admin.System, error) { return c.Pause(cmd.Context(), args[0], why) })
		},
	}
	pause.Flags().StringVar(&why, "reason", "", "why, for the audit trail")
	cmd.AddCommand(
		&cobra.Command{Use: "list", Short: "Show every system: state, what waits, breaker", Args: usage(cobra.NoArgs), RunE: list},
		pause,
		&cobra.Command{
			Use: "resume SYSTEM", Short: "Let deliveries to a system go on", Args: usage(cobra.ExactArgs(1)),
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.steer(func(c *admin.Client) (admin.System, error) { return c.Resume(cmd.Context(), args[0]) })
			},
		},
		&cobra.Command{
			Use: "probe SYSTEM", Short: "Look at a system without delivering anything", Args: usage(cobra.ExactArgs(1)),
			RunE: p.probe,
		},
	)
	return cmd
}

func (p *Program) probe(cmd *cobra.Command, args []string) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	r, err := c.Probe(cmd.Context(), args[0])
	if err != nil {
		return err
	}
	switch {
	case p.json:
		err = p.emit(r)
	case r.OK:
		p.say("%s answers, in %.1f ms", r.System, r.Milliseconds)
	default:
		p.say("%s does not: %s", r.System, r.Error)
	}
	if err == nil && !r.OK {
		return errFindings
	}
	return err
}

func (p *Program) steer(order func(*admin.Client) (admin.System, error)) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	s, err := order(c)
	if err != nil {
		return err
	}
	if p.json {
		return p.emit(s)
	}
	p.say("%s is %s; %d wait", s.Name, p.systemState(&s), s.Pending)
	return nil
}

// systemState is the state with what belongs to it.
func (p *Program) systemState(s *admin.System) string {
	switch {
	case s.Gone:
		return "not configured"
	case s.State == "paused" && s.Paused != "":
		return "paused: " + s.Paused
	case s.State == "window" && !s.Until.IsZero():
		return "window until " + p.when(s.Until)
	case s.State == "ready" && s.Breaker == "half-open":
		return "ready, being tried"
	}
	return s.State
}

func count(n int64) string { return strconv.FormatInt(n, 10) }
