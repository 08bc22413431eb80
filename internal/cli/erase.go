package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// erase deletes cases, or all those of a person.
func (p *Program) erase() *cobra.Command {
	var order admin.Erase
	cmd := &cobra.Command{
		Use:   "erase [NUMBER...]",
		Short: "Delete cases, or all those of a person, with proof",
		Long: `Delete cases that have settled, whole: payload, documents, answers, attachments,
what they are found by and their story. The key of each is destroyed; what is left
is a row without personal data, the deletion record, and the audit trail.

By person: --search finds cases by a business key, as in list; give it more than
once, and a case must have all of the values. - reads values, one a line, from
standard input. --dry-run shows what is found, and by which keys: whoever is only
named in somebody else's case, as a new owner or an account's holder, is found there,
too. The order then says with --cases how many that are, so that nobody else's are
deleted; where only some of what is found is meant, give their numbers.

The output is the proof; deletions prints it again. What is not settled, damaged
or under a legal hold is refused. Numbers after - are read from standard input too:
after a backup was restored, what was deleted since is deleted again that way.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if (len(args) == 0) == (len(order.Search) == 0) {
				return wrongUsage("name the cases, or the person by --search: one of the two")
			}
			if order.Reason == "" && !order.DryRun {
				return wrongUsage("--reason is needed: it stands in the deletion record")
			}
			if len(order.Search) > 0 && order.Cases == 0 && !order.DryRun {
				return wrongUsage("--cases is needed with --search: look with --dry-run how many there are")
			}
			var err error
			if order.Search, err = p.lines(order.Search); err != nil {
				return err
			}
			if args, err = p.lines(args); err != nil {
				return err
			}
			for _, arg := range args {
				r, err := parseRef(arg)
				if err != nil {
					return err
				}
				if r.ordinal > 0 {
					return wrongUsage("a case is deleted as a whole: give its number without /%d", r.ordinal)
				}
				order.Submissions = append(order.Submissions, r.submission)
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			done, err := eraseAll(cmd.Context(), c, order)
			if err == nil || len(done.Deletions) > 0 { // they are the proof, whatever came after them
				err = errors.Join(err, p.printErasure(&done))
			}
			return err
		},
	}
	fs := cmd.Flags()
	fs.StringArrayVar(&order.Search, "search", nil, "a business key's value, or - to read values from standard input")
	fs.StringVar(&order.Municipality, "municipality", "", "with --search: only this municipality (AGS)")
	fs.StringVar(&order.Service, "service", "", "with --search: only this service")
	fs.IntVar(&order.Cases, "cases", 0, "with --search: how many cases are meant")
	fs.BoolVar(&order.DryRun, "dry-run", false, "only show what would be deleted")
	fs.StringVar(&order.Reason, "reason", "", "why, for the deletion record and the audit trail")
	return cmd
}

// eraseAll places an order in requests of a size that the hub takes. What was done before
// an error stays done, and is given.
func eraseAll(ctx context.Context, c *admin.Client, order admin.Erase) (all admin.Erasure, err error) {
	if len(order.Submissions) <= admin.MostErased {
		return c.Erase(ctx, order)
	}
	all = admin.Erasure{DryRun: order.DryRun, Deletions: []admin.Deletion{}}
	for some := range slices.Chunk(order.Submissions, admin.MostErased) {
		o := order
		o.Submissions, o.Order = some, all.Order
		done, err := c.Erase(ctx, o)
		if err != nil {
			return all, fmt.Errorf("%d of %d were looked at, the rest was not; the same order goes on: %w", all.Matched+len(all.Refused), len(order.Submissions), err)
		}
		if len(done.Deletions) > 0 {
			all.Order = done.Order
		}
		all.Matched += done.Matched
		all.Deletions = append(all.Deletions, done.Deletions...)
		all.Refused = append(all.Refused, done.Refused...)
		all.Found = append(all.Found, done.Found...)
		all.Files.Keys += done.Files.Keys
		all.Files.Pages += done.Files.Pages
		all.Files.Remaining, all.Files.LogEmptied = done.Files.Remaining, done.Files.LogEmptied
	}
	return all, nil
}

// lines puts what stands in standard input in the place of -, line by line.
func (p *Program) lines(values []string) ([]string, error) {
	var out []string
	for _, v := range values {
		if v != "-" {
			out = append(out, v)
			continue
		}
		in := bufio.NewScanner(p.In)
		for in.Scan() {
			if line := strings.TrimSpace(in.Text()); line != "" {
				out = append(out, line)
			}
		}
		if err := in.Err(); err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
	}
	return out, nil
}

// They end an order of which something was refused, or would be.
var (
	errNotErased   = &admin.Problem{Status: 409, Code: admin.CodeState, Detail: "not everything was deleted; see above"}
	errNotErasable = &admin.Problem{Status: 409, Code: admin.CodeState, Detail: "not everything would be deleted; see above"}
)

func (p *Program) printErasure(e *admin.Erasure) error {
	if p.json {
		if err := p.emit(e); err != nil {
			return err
		}
	} else {
		p.sayErasure(e)
	}
	switch {
	case len(e.Refused) == 0:
		return nil
	case e.DryRun:
		return errNotErasable
	}
	return errNotErased
}

func (p *Program) sayErasure(e *admin.Erasure) {
	if e.DryRun {
		p.printList(&admin.Page{Submissions: e.Found})
		for _, f := range e.FoundBy {
			p.say("%s has it as %s", f.Number, strings.Join(f.Keys, ", "))
		}
		for _, r := range e.Refused {
			p.say("%s would not be deleted: %s", r.Number, r.Detail)
		}
		gone := len(e.Found)
		for _, r := range e.Refused {
			if !r.Submission.Zero() { // a name that the hub does not have was not found
				gone--
			}
		}
		found := ""
		if gone != len(e.Found) {
			found = fmt.Sprintf(" of %d found", len(e.Found))
		}
		p.say("%s%s would be deleted; nothing was", plural(gone, "case", "cases"), found)
		return
	}
	if len(e.Deletions) > 0 {
		p.say("order %s", e.Order.String())
		p.say("")
	}
	for i := range e.Deletions {
		p.deletion(&e.Deletions[i])
	}
	for _, r := range e.Refused {
		p.say("%s is not deleted: %s", r.Number, r.Detail)
	}
	if len(e.Deletions) > 0 {
		p.files(&e.Files)
	}
}

// files says whether the destroyed keys have left the files of the store.
func (p *Program) files(f *admin.ErasureInFile) {
	switch {
	case f.Remaining > 0:
		p.say("the rest of a key is left on %s of the file: the hub looks again every night; stop it and run VACUUM to be sure now", plural(f.Remaining, "page", "pages"))
	case !f.LogEmptied:
		p.say("the keys are destroyed; the write-ahead log could not be emptied yet and is with the next run of the retention")
	case f.Keys > 0:
		p.say("the hub's files were searched for %s: none is left", plural(f.Keys, "key or record that is gone", "keys and records that are gone"))
	}
}

// deletion prints one record, to be filed.
func (p *Program) deletion(d *admin.Deletion) {
	p.say("deletion %d  %s  %s", d.N, d.Number, p.clock(d.At))
	p.say("  id            %s", d.Submission.String())
	p.say("  municipality  %s", d.Municipality)
	p.say("  service       %s", d.Service)
	p.say("  received      %s, settled %s", p.clock(d.ReceivedAt), p.clock(d.SettledAt))
	p.say("  deleted       %s", strings.Join(d.Parts, ", "))
	if d.Rule != "" {
		p.say("  by rule       %s", d.Rule)
	} else {
		p.say("  by order of   %s: %s", d.Actor, d.Reason)
	}
	c := d.Counts
	p.say("  counts        %s, %s, %s, %s, %s, %s", plural(c.Records, "sealed record", "sealed records"), plural(c.Documents, "document", "documents"),
		plural(c.Attachments, "attachment", "attachments"), plural(c.SearchHashes, "search hash", "search hashes"), plural(c.Rows, "row", "rows"), bytesOf(c.Bytes))
	key := "is kept for what is left"
	if d.KeyDestroyed {
		key = "destroyed"
	} else if slices.Contains(d.Parts, hub.PartMetadata) { // nothing is left
		key = "was destroyed before"
	}
	p.say("  data key      %s", key)
	if len(d.Recipients) > 0 {
		p.say("  sent to       %s: to be told that it is deleted here", strings.Join(d.Recipients, ", "))
	}
	p.say("  sha256        %s", d.SHA256)
	p.say("")
}

// deletions prints deletion records again.
func (p *Program) deletions() *cobra.Command {
	var order string
	var before int64
	var limit int
	var ordered bool
	cmd := &cobra.Command{
		Use:   "deletions [NUMBER]",
		Short: "Print the records of deletions: what, when, by which rule or whose order",
		Long: `Print the records of deletions, newest first: those of a case, of an order, or
all. The digest of each stands in the audit trail, too. --ordered leaves out what
went by rule, however much that is, and without --limit prints all of the rest: what
is to be deleted again when a backup was restored.`,
		Args: usage(cobra.MaximumNArgs(1)),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			var id hub.ID
			if order != "" {
				if id, err = hub.ParseID(order); err != nil {
					return wrongUsage("--order takes the id that erase has printed")
				}
			}
			submission := ""
			if len(args) == 1 {
				r, err := parseRef(args[0])
				if err != nil {
					return err
				}
				submission = r.submission
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			read := c.Deletions
			if ordered {
				read = orderedOf(c)
				if !cmd.Flags().Changed("limit") {
					limit = math.MaxInt
				}
			}
			all, err := read(cmd.Context(), submission, id, before, limit)
			if err != nil {
				return err
			}
			if len(all.Damaged) > 0 { // the list is not whole
				defer func() { err = errors.Join(err, errFindings) }()
			}
			if p.json {
				return p.emit(all)
			}
			if len(all.Deletions)+len(all.Damaged) == 0 {
				p.say("nothing was deleted")
			}
			for i := range all.Deletions {
				p.deletion(&all.Deletions[i])
			}
			for _, n := range all.Damaged {
				p.say("deletion %d fails its check and cannot be read; what it was about stands in the audit trail", n)
			}
			if all.Next > 0 {
				p.say("there are more: --before %d", all.Next)
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&order, "order", "", "only of this order")
	cmd.Flags().Int64Var(&before, "before", 0, "older than this record: the next page")
	cmd.Flags().IntVar(&limit, "limit", 100, "how many, up to 1000")
	cmd.Flags().BoolVar(&ordered, "ordered", false, "only what somebody ordered")
	return cmd
}

// orderedOf reads as many records as are wanted of those that go back to an order:
// thousands that went by rule may lie between two of them.
func orderedOf(c *admin.Client) func(context.Context, string, hub.ID, int64, int) (admin.Deletions, error) {
	return func(ctx context.Context, submission string, order hub.ID, before int64, limit int) (admin.Deletions, error) {
		all := admin.Deletions{Deletions: []admin.Deletion{}}
		for {
			page, err := c.Deletions(ctx, submission, order, before, 1000)
			if err != nil {
				return admin.Deletions{}, err
			}
			all.Damaged = append(all.Damaged, page.Damaged...)
			for _, d := range page.Deletions {
				if d.Reason == "" {
					continue
				}
				if all.Deletions = append(all.Deletions, d); len(all.Deletions) >= limit {
					all.Next = d.N
					return all, nil
				}
			}
			if before = page.Next; before == 0 {
				return all, nil
			}
		}
	}
}

// retention says what would be deleted next, or has it deleted.
func (p *Program) retention() *cobra.Command {
	var limit int
	show := &cobra.Command{
		Use:   "retention",
		Short: "Show what the retention would delete next; run deletes what is due",
		Long: `Show what the rules would delete now, and what comes next; nothing is deleted. The
hub does that every night by itself. explain shows the rules of a service.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			r, err := c.Retention(cmd.Context(), limit)
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(r)
			}
			p.printRetention(&r)
			return nil
		},
	}
	show.Flags().IntVar(&limit, "limit", 20, "how many of the next ones, up to 1000")
	var today string
	run := &cobra.Command{
		Use: "run", Short: "Delete now what is due",
		Long: `Delete now what is due. Where the clock is two weeks or more ahead of the last time
that the hub went by it, nothing is deleted: it may have jumped, and what was deleted
early does not come back. If it is right after all, because the hub stood still or a
backup was restored, --today with the date of today says so.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, err := p.client()
			if err != nil {
				return err
			}
			r, err := c.RunRetention(cmd.Context(), admin.RunRetention{Today: today})
			if err != nil {
				return err
			}
			if p.json {
				return p.emit(r)
			}
			p.say("of %s: %s", plural(r.Examined, "case", "cases"), byPart(r.Erased))
			if r.Held > 0 {
				p.say("%s due and under a legal hold", plural(r.Held, "is", "are"))
			}
			if r.Refused > 0 {
				p.say("%s changed meanwhile or damaged; the next run looks again", plural(r.Refused, "was", "were"))
			}
			p.files(&r.Files)
			return nil
		},
	}
	run.Flags().StringVar(&today, "today", "", "the date of today, where the hub does not trust its clock")
	show.AddCommand(run)
	return show
}

func (p *Program) printRetention(r *admin.Retention) {
	last := "never"
	if !r.LastRun.IsZero() {
		last = p.clock(r.LastRun)
	}
	p.say("%s, %d not settled and kept in any case; last run: %s", plural(r.Examined, "case", "cases"), r.Unsettled, last)
	p.say("due now: %s", byPart(r.Due))
	if r.Held > 0 {
		p.say("due and under a legal hold: %d (list --held)", r.Held)
	}
	if len(r.Next) == 0 {
		return
	}
	p.say("")
	t := columns("NUMBER", "DUE", "~SERVICE", "~MUNICIPALITY", "~PARTS", "~RULE")
	for _, d := range r.Next {
		t.add(d.Number, p.clock(d.At), d.Service, d.Municipality, strings.Join(d.Parts, ", "), d.Rules)
	}
	p.print(t)
}

// byPart counts in words.
func byPart(n map[string]int) string {
	var out []string
	for _, part := range []string{hub.PartPayload, hub.PartAttachments, hub.PartMetadata} {
		if n[part] > 0 {
			out = append(out, part+" of "+strconv.Itoa(n[part]))
		}
	}
	if len(out) == 0 {
		return "nothing"
	}
	return strings.Join(out, ", ")
}
