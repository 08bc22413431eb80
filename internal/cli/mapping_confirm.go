package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
)

// mappingTest runs the tests of mappings, and confirms what has changed on purpose.
func (p *Program) mappingTest() *cobra.Command {
	var confirm bool
	var ags string
	cmd := &cobra.Command{
		Use:   "test [MAPPING...]",
		Short: "Run the tests that stand in mappings; confirm what changed on purpose",
		Long: `Run the tests that stand in mappings, and hold the services' examples against what
they become by each municipality's own law (expected/<AGS>/…).

--confirm shows what differs and then writes it as the new expectation: to
mappings/… or expected/… of the operator's folder, never to what is shipped. With
--municipality it also writes the expectations that are not there yet, which is
how a municipality's examples begin:

  stellwerk mapping test --municipality 05974040 --confirm      # once
  (a new rate: one line in ordinances/hundesteuer.yaml)
  stellwerk check                                               # red, with what changes
  stellwerk mapping test --confirm                              # looked at, and confirmed`,
	}
	dir := p.folder(cmd)
	cmd.Flags().BoolVar(&confirm, "confirm", false, "show what differs, then write it as the new expectation")
	cmd.Flags().StringVar(&ags, "municipality", "", "only this municipality's examples (AGS or name), those without an expectation too")
	cmd.RunE = func(_ *cobra.Command, args []string) error {
		if ags != "" && len(args) > 0 {
			return wrongUsage("name mappings, or --municipality")
		}
		snap, err := p.snapshot(*dir)
		if err != nil {
			return err
		}
		results, err := testsOf(snap, args, ags, confirm)
		if err != nil {
			return err
		}
		return p.reportTests(*dir, results, confirm)
	}
	return cmd
}

// testsOf runs what the arguments choose.
func testsOf(snap *config.Snapshot, args []string, ags string, confirm bool) ([]mapping.TestResult, error) {
	if ags != "" {
		key := municipality(snap, ags)
		if snap.Municipalities[key] == nil {
			return nil, &notFoundError{fmt.Errorf("%s is no municipality of this folder", ags)}
		}
		return snap.TestLocal(confirm, key), nil
	}
	files, err := mappingFiles(snap, args)
	if err != nil {
		return nil, err
	}
	results := snap.TestMappings(files...)
	if len(args) == 0 {
		results = append(results, snap.TestLocal(false)...)
	}
	return results, nil
}

func (p *Program) reportTests(dir string, results []mapping.TestResult, confirm bool) error {
	if !p.json {
		p.printTests(results, !confirm)
	}
	failed, written := 0, []string{}
	reports := make([]testReport, len(results))
	for i := range results {
		t := &results[i]
		reports[i] = testForm(*t)
		switch {
		case t.OK:
		case confirm && t.Got != nil && t.Expect != "":
			file, err := confirmed(dir, t)
			if err != nil {
				return err
			}
			written = append(written, file)
		default:
			failed++
		}
	}
	if p.json {
		if err := p.emit(struct {
			OK        bool         `json:"ok"`
			Tests     []testReport `json:"tests"`
			Confirmed []string     `json:"confirmed,omitempty"` // files that were written
		}{failed == 0, reports, written}); err != nil {
			return err
		}
	} else {
		for _, file := range written {
			p.say("confirmed: %s", file)
		}
		end := fmt.Sprintf("%s, %d failed", plural(len(results), "test", "tests"), failed)
		if len(written) > 0 {
			end += fmt.Sprintf(", %d confirmed", len(written))
		}
		p.say("%s", end)
	}
	if failed > 0 {
		return errFindings
	}
	return nil
}

// confirmed writes what a test got as its expectation into the operator's folder,
// in one step, and gives the file's name.
func confirmed(dir string, t *mapping.TestResult) (string, error) {
	name := filepath.FromSlash(t.Expect)
	if !strings.HasPrefix(t.Expect, config.ExpectedDir+"/") {
		// A mapping's expectation lies beside it, or anywhere in the operator's folder.
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			name = filepath.Join("mappings", name)
		}
	}
	if !filepath.IsLocal(name) {
		return "", fmt.Errorf("confirm %s: it leads out of the folder", t.Expect)
	}
	file := filepath.Join(dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("confirm %s: %w", t.Expect, err)
	}
	return filepath.ToSlash(name), replaceSecret(file, t.Got)
}
