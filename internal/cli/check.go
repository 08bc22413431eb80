package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
)

// folder declares --dir: the operator's folder.
func (p *Program) folder(cmd *cobra.Command) *string {
	return cmd.Flags().String("dir", p.env("STELLWERK_DIR", "."), "the operator's folder (STELLWERK_DIR)")
}

// check reads an operator's folder as serve does and says everything that is wrong.
func (p *Program) check() *cobra.Command {
	var noTests bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Check the operator's folder: every finding at once, and the mappings' tests",
		Long: `Check the operator's folder as serve reads it: every finding at once, with file,
line, column and remedy. Then run the tests that stand in mappings, and hold the
services' examples against what they become by local law (expected/<AGS>/…, which
mapping test --confirm --municipality AGS writes): a changed rate shows here, line
by line, before it reaches a cash office.`,
		Args: usage(cobra.NoArgs),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(*cobra.Command, []string) error {
		snap, findings := app.Check(*dir)
		var tests []mapping.TestResult
		if snap != nil && !noTests {
			tests = append(snap.TestMappings(), snap.TestLocal(false)...)
		}
		return p.reportCheck(snap, findings, tests)
	}
	cmd.Flags().BoolVar(&noTests, "no-tests", false, "leave out the mappings' tests")
	return cmd
}

// checkReport is what check says as JSON.
type checkReport struct {
	OK       bool            `json:"ok"`
	Revision string          `json:"revision,omitempty"`
	Findings config.Findings `json:"findings"`
	Tests    []testReport    `json:"tests"`
}

func (p *Program) reportCheck(snap *config.Snapshot, findings config.Findings, tests []mapping.TestResult) error {
	report := checkReport{OK: snap != nil, Findings: findings, Tests: []testReport{}}
	if report.Findings == nil {
		report.Findings = config.Findings{}
	}
	failed := 0
	for _, t := range tests {
		report.Tests = append(report.Tests, testForm(t))
		if !t.OK {
			failed++
			report.OK = false
		}
	}
	if snap != nil {
		report.Revision = snap.Revision
	}
	if p.json {
		if err := p.emit(report); err != nil {
			return err
		}
	} else {
		p.printFindings(findings)
		p.printTests(tests, false)
		switch {
		case snap == nil:
			p.say("%s", plural(len(findings), "finding", "findings")+": this folder would not start")
		case failed > 0:
			p.say("%s of %d failed", plural(failed, "test", "tests"), len(tests))
		default:
			p.say("good: revision %s, %s, %s, %s, %s", snap.Revision,
				plural(len(snap.Municipalities), "municipality", "municipalities"), plural(len(snap.Routes), "service", "services"),
				plural(len(snap.Systems), "system", "systems"), plural(len(tests), "mapping test", "mapping tests"))
		}
	}
	if !report.OK {
		return errFindings
	}
	return nil
}

// printFindings writes each finding as a compiler does.
func (p *Program) printFindings(findings config.Findings) {
	for _, f := range findings {
		fmt.Fprintln(p.Out, clean(f.String()))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
