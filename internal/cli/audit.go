package cli

import (
	"strconv"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
)

// audit reads who did what to what, and why.
func (p *Program) audit() *cobra.Command {
	var from int64
	var limit int
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Read the audit trail: who did what to what, and why",
		Args:  usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			t, err := c.Audit(cmd.Context(), from, limit)
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(t)
			}
			out := columns(">SEQ", "AT", "~ACTOR", "~ACTION", "~OBJECT", "~REASON")
			for _, e := range t.Entries {
				out.add(strconv.FormatInt(e.Seq, 10), p.when(e.At), e.Actor, e.Action, object(e.Object), e.Reason)
			}
			p.printOrNothing(out, "no entry")
			if t.Next > 0 {
				p.say("there are more: --from %d", t.Next)
			}
			return nil
		},
	}
	cmd.Flags().Int64Var(&from, "from", 0, "sequence number to begin at")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many, up to 1000")
	return cmd
}

// object is what an entry is about, in the words of lists: a case by its number.
func object(s string) string {
	id, err := hub.ParseID(s)
	if err != nil {
		return s
	}
	if id.Ordinal() > 0 {
		return id.Number() + "/" + strconv.Itoa(id.Ordinal())
	}
	return id.Number()
}
