package cli

import (
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// audit reads who did what to what, and why.
func (p *Program) audit() *cobra.Command {
	var f admin.AuditFilter
	var verify bool
	var noted string
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Read the audit trail, newest first, or check its chain with --verify",
		Long: `Read the audit trail: who did what to what, and why; newest first.

Every entry carries a hash over itself and the one before. --verify reads the
whole trail and checks it here, not in the hub: an entry changed, left out or
moved is named, and the command ends with 3. Its last line is the end of the
chain. Kept elsewhere and given back with --since-noted, it also proves that
nothing was cut off or written anew up to there.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if f.From < 0 || f.Before < 0 {
				return wrongUsage("--from and --before take a sequence number, such as stands in the first column")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			if verify || noted != "" {
				for _, name := range []string{"from", "before", "limit", "actor", "action", "object"} {
					if cmd.Flags().Changed(name) {
						return wrongUsage("--verify reads the whole trail: it takes no --%s", name)
					}
				}
				return p.verifyAudit(cmd.Context(), c, noted)
			}
			return p.readAudit(cmd, c, f)
		},
	}
	fs := cmd.Flags()
	fs.Int64Var(&f.From, "from", 0, "read on from this sequence number, oldest first")
	fs.Int64Var(&f.Before, "before", 0, "read back from below this sequence number: the next page")
	fs.IntVar(&f.Limit, "limit", 100, "how many, up to 1000")
	fs.StringVar(&f.Actor, "actor", "", "only of this actor (operator:NAME), or kind: operator, portal, counter, hub")
	fs.StringVar(&f.Action, "action", "", "only this action: replayed, closed, payload-read, …")
	fs.StringVar(&f.Object, "object", "", "only about this system, case or delivery")
	fs.BoolVar(&verify, "verify", false, "check the chain of the whole trail")
	fs.StringVar(&noted, "since-noted", "", "with --verify: the end of the chain that was noted before, SEQ:HASH")
	return cmd
}

func (p *Program) readAudit(cmd *cobra.Command, c *admin.Client, f admin.AuditFilter) error {
	if strings.Contains(f.Object, "/") { // as it stands in the column: a delivery
		_, chosen, err := chosenBy(cmd.Context(), c, f.Object)
		if err != nil {
			return err
		}
		for _, d := range chosen {
			f.Object = d.ID.String()
		}
	}
	t, err := c.Audit(cmd.Context(), f)
	// A rare actor may need more than one look of the hub.
	for err == nil && t.Next > 0 && len(t.Entries) < f.Limit {
		more, rest := f, admin.Trail{}
		more.Limit = f.Limit - len(t.Entries)
		if f.From > 0 {
			more.From = t.Next
		} else {
			more.Before = t.Next
		}
		if rest, err = c.Audit(cmd.Context(), more); err == nil {
			t.Entries, t.Next = append(t.Entries, rest.Entries...), rest.Next
			if t.Damaged == 0 {
				t.Damaged = rest.Damaged
			}
		}
	}
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
	if t.Damaged > 0 {
		p.say("the trail is damaged from entry %d on; audit --verify says more", t.Damaged)
	}
	switch {
	case t.Next == 0:
	case f.From > 0:
		p.say("there are more: --from %d", t.Next)
	default:
		p.say("there are more: --before %d", t.Next)
	}
	return nil
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
