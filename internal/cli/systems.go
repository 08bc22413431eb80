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
			Use: "resume SYSTEM", Short: "Let deliveries to a system go on, and try at once what has failed", Args: usage(cobra.ExactArgs(1)),
			Long: `Let deliveries to a system go on. What waits for its next try after a failure is due
at once, at the system's pace, and its breaker closes: also where nobody has paused
it, this says that the system works again.`,
			RunE: func(cmd *cobra.Command, args []string) error {
				return p.steer(func(c *admin.Client) (admin.System, error) { return c.Resume(cmd.Context(), args[0]) })
			},
		},
		p.probeCommand(),
	)
	return cmd
}

func (p *Program) probeCommand() *cobra.Command {
	var all bool
	cmd := &cobra.Command{
		Use: "probe SYSTEM | --all", Short: "Look at a system without delivering anything", Args: usage(cobra.MaximumNArgs(1)),
		Long: `Look at a system without delivering anything: can it be reached, does it take the
credentials. --all looks at every system, and ends with 3 where one does not
answer.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if all == (len(args) == 1) {
				return wrongUsage("name a system, or give --all")
			}
			if all {
				return p.probeAll(cmd)
			}
			return p.probe(cmd, args)
		},
	}
	cmd.Flags().BoolVar(&all, "all", false, "every system, one after the other")
	return cmd
}

// probeAll looks at one system after the other: it is no load test.
func (p *Program) probeAll(cmd *cobra.Command) error {
	c, err := p.client()
	if err != nil {
		return err
	}
	all, err := c.Systems(cmd.Context())
	if err != nil {
		return err
	}
	probes, failed := []admin.Probe{}, 0
	t := columns("~SYSTEM", "~KIND", ">MS", "~RESULT")
	for i := range all.Systems {
		s := &all.Systems[i]
		if s.Gone {
			continue
		}
		r, err := c.Probe(cmd.Context(), s.Name)
		if err != nil {
			return err
		}
		result := "answers"
		if !r.OK {
			failed++
			result = r.Error
		}
		probes = append(probes, r)
		t.add(s.Name, s.Kind, strconv.FormatFloat(r.Milliseconds, 'f', 1, 64), result)
	}
	if p.json {
		err = p.emit(struct {
			OK     bool          `json:"ok"`
			Probes []admin.Probe `json:"probes"`
		}{failed == 0, probes})
	} else {
		p.printOrNothing(t, "no system")
	}
	if err == nil && failed > 0 {
		return errFindings
	}
	return err
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
