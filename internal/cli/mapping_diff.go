package cli

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/web/admin"
)

// mappingDiff shows what a change would do to real submissions.
func (p *Program) mappingDiff() *cobra.Command {
	var q admin.Diff
	var against string
	cmd := &cobra.Command{
		Use:   "diff",
		Short: "Show what a changed mapping, code list or rate would do to the last submissions",
		Long: `Show what a changed mapping, code list, route or ordinance table would do to the
last submissions, field by field. Nothing is sent and nothing is kept.

The hub compares what is in force with its own folder as it lies on disk now: so
edit, look, and only then: stellwerk reload. With --against DIR the files below
DIR/routes, mappings, ordinances and municipalities are tried out instead, laid
over the hub's folder; they are not written there.

The values are the citizens': the audit trail notes whose were shown to whom.
--counts-only shows how often each field would change, and no value.

Ends with 3 where the changed folder has errors.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) (err error) {
			if against != "" {
				if q.Files, err = changedFiles(against); err != nil {
					return err
				}
			}
			if q.Last < 1 {
				return wrongUsage("--last is at least 1")
			}
			c, err := p.client()
			if err != nil {
				return err
			}
			d, err := c.Diff(cmd.Context(), q)
			if err != nil {
				return err
			}
			if p.json {
				err = p.emit(d)
			} else {
				p.printDiff(&d, q.CountsOnly)
			}
			if err == nil && d.Findings.HasErrors() {
				return errFindings
			}
			return err
		},
	}
	f := cmd.Flags()
	f.StringVar(&against, "against", "", "folder with the changed files; the hub's own folder where none is given")
	f.StringVar(&q.Service, "service", "", "only submissions of this service")
	f.StringVar(&q.Municipality, "municipality", "", "only submissions of this municipality (AGS)")
	f.IntVar(&q.Last, "last", 50, "how many submissions are looked at, newest first; at most 500")
	f.BoolVar(&q.CountsOnly, "counts-only", false, "how often each field would change, without any value")
	return cmd
}

// changedFiles reads what may be tried out of a folder.
func changedFiles(dir string) (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, folder := range []string{"routes", "mappings", "ordinances", "municipalities"} {
		err := filepath.WalkDir(filepath.Join(dir, folder), func(name string, d fs.DirEntry, err error) error {
			switch {
			case os.IsNotExist(err):
				return nil
			case err != nil || d.IsDir() || strings.HasPrefix(d.Name(), "."):
				return err
			}
			content, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			rel, err := filepath.Rel(dir, name)
			files[filepath.ToSlash(rel)] = content
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("read the changes: %w", err)
		}
	}
	if len(files) == 0 {
		return nil, wrongUsage("--against: %s has nothing below routes, mappings, ordinances or municipalities", dir)
	}
	return files, nil
}

func (p *Program) printDiff(d *admin.Differences, countsOnly bool) {
	p.printFindings(d.Findings)
	if d.To == "" {
		p.say("%s: this change would not be taken", plural(len(d.Findings), "finding", "findings"))
		return
	}
	p.say("revision %s against %s: %s, %d would be different", d.From, d.To, plural(d.Submissions, "submission", "submissions"), d.Changed)
	if d.Skipped > 0 {
		p.say("%d could not be compared: not offered or not open any more, or waiting for a person", d.Skipped)
	}
	if len(d.Fields) > 0 {
		p.say("")
		t := columns(">COUNT", "~WHAT", "~SERVICE", "~ROLE", "~FIELD")
		for _, f := range d.Fields {
			field := f.Field
			if field == "" {
				field = "(the whole delivery)"
			}
			t.add(fmt.Sprint(f.Count), f.What, f.Service, f.Role, field)
		}
		p.printOrNothing(t, "")
	}
	if countsOnly {
		return
	}
	for i := range d.Cases {
		p.printCase(&d.Cases[i])
	}
}

func (p *Program) printCase(c *admin.CaseDiff) {
	p.say("")
	head := c.Number + "  " + c.Service + " to " + c.Role
	switch {
	case c.State != "":
		head += ": " + c.State
	case c.Was != "":
		head += ": " + c.Was + " → " + c.System
	}
	p.say("%s", head)
	for _, f := range c.Changes {
		place := f.Field
		if f.Record > 1 {
			place = fmt.Sprintf("%s (record %d)", f.Field, f.Record)
		}
		p.say("  %s", place)
		p.say("    - %s", valueOf(f.Old, f.OldState))
		p.say("    + %s", valueOf(f.New, f.NewState))
	}
}

func valueOf(value, state string) string {
	if code, held := strings.CutPrefix(state, "held:"); held {
		return "(waits for a person: " + code + ")"
	}
	if state == "absent" {
		return "(left out)"
	}
	return value
}
