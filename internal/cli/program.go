package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"golang.org/x/term"
)

// Program is the command line with everything it touches.
type Program struct {
	In        io.Reader
	Out, Err  io.Writer
	LookupEnv func(string) (string, bool)
	Now       func() time.Time
	Zone      *time.Location // in which times are shown
	Version   string
	// Width is how many columns text may take; 0: the terminal's. Where Out is none
	// text is broken at 80, and tables are whole.
	Width int

	hub  string
	key  string
	ca   string
	json bool
}

// Standard is the program on this process's streams. The standard library's log is none
// of them: net/http quotes there what a partner sends unasked, and that may name a person.
func Standard() *Program {
	log.SetOutput(io.Discard)
	return &Program{In: os.Stdin, Out: os.Stdout, Err: os.Stderr, LookupEnv: os.LookupEnv,
		Now: time.Now, Zone: time.Local, Version: version()}
}

// Run executes one command and gives the exit code.
func (p *Program) Run(ctx context.Context, args []string) int {
	in := p.In
	p.In = &interruptible{ctx, in}
	defer func() { p.In = in }()
	root := p.root()
	root.SetArgs(args)
	root.SetIn(p.In)
	root.SetErr(p.Err)
	cmd, err := root.ExecuteContextC(ctx)
	if err != nil && !errors.Is(err, errFindings) {
		fmt.Fprintln(p.Err, "stellwerk: "+cleanLines(p.explainError(err)))
		var usage *usageError
		if errors.As(err, &usage) {
			fmt.Fprintf(p.Err, "Try: %s --help\n", cmd.CommandPath())
		}
	}
	return exitCode(err)
}

func (p *Program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "stellwerk",
		Short: "The hub between citizen portals and the systems of a town hall",
		Long: `Stellwerk takes what portals push, keeps it safe, maps it and brings it to
every system of the town hall that must have it.

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 findings, 4 not found,
5 hub not reachable, 6 key not accepted, 7 not possible in this state.`,
		SilenceErrors:     true,
		SilenceUsage:      true,
		PersistentPreRunE: nothingEmpty,
		Args:              usage(cobra.NoArgs),
		RunE:              func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return &usageError{err} })
	f := root.PersistentFlags()
	f.StringVar(&p.hub, "hub", "", "address of the hub's admin API (STELLWERK_HUB; default "+defaultHub+")")
	f.StringVar(&p.key, "key", "", "operator's key: file:PATH or env:NAME (STELLWERK_KEY)")
	f.StringVar(&p.ca, "ca", "", "certificate of a private authority that signed the hub's, PEM (STELLWERK_CA)")
	f.BoolVar(&p.json, "json", false, "write JSON")
	root.AddGroup(&cobra.Group{ID: groupRun, Title: "Run a hub:"}, &cobra.Group{ID: groupCases, Title: "Look up and repair:"},
		&cobra.Group{ID: groupSystems, Title: "Steer:"}, &cobra.Group{ID: groupConfig, Title: "Configure and map:"})
	root.SetCompletionCommandGroupID(groupConfig)
	root.SetHelpCommandGroupID(groupConfig)
	for group, commands := range map[string][]*cobra.Command{
		groupRun: {p.serve(), p.demo(), p.load(), p.submit(), p.enter()},
		groupCases: {p.list(), p.show(), p.trace(), p.bundle(), p.parked(), p.replay(), p.mend(), p.closeCase(), p.withdraw(), p.hold(), p.release(),
			p.erase(), p.deletions(), p.problems()},
		groupSystems: {p.systems(), p.reload(), p.doctor(), p.audit(), p.retention()},
		groupConfig:  {p.init(), p.check(), p.explain(), p.validate(), p.mapping(), p.keys(), p.versionCommand()},
	} {
		for _, c := range commands {
			c.GroupID = group
			root.AddCommand(c)
		}
	}
	root.SetOut(p.Out) // before completion is made: it keeps what it finds
	root.InitDefaultCompletionCmd()
	for _, c := range root.Commands() {
		if c.Name() == "completion" {
			c.Args = usage(cobra.NoArgs) // a shell it does not know is no reason for a silent help
			c.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
			for _, shell := range c.Commands() {
				shell.Args = usage(cobra.NoArgs)
			}
		}
	}
	return root
}

const (
	groupRun     = "run"
	groupCases   = "cases"
	groupSystems = "systems"
	groupConfig  = "config"
)

// nothingEmpty refuses a flag and an argument without a value. It is a script's
// variable that was never set: as if it were left out, it would choose everything.
// The shell's question what a word may be has an empty one where nothing is typed yet.
func nothingEmpty(cmd *cobra.Command, args []string) (err error) {
	if cmd.Name() == cobra.ShellCompRequestCmd { // its other name is an alias
		return nil
	}
	if slices.Contains(args, "") {
		return wrongUsage("an argument is empty: give it a value, or leave it out")
	}
	cmd.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && f.Value.Type() == "string" && f.Value.String() == "" {
			err = wrongUsage("--%s is empty: give it a value, or leave it out", f.Name)
		}
	})
	return err
}

// usage marks what an argument check complains about.
func usage(check cobra.PositionalArgs) cobra.PositionalArgs {
	return func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{err}
		}
		return nil
	}
}

func wrongUsage(format string, args ...any) error { return &usageError{fmt.Errorf(format, args...)} }

// emit writes a value as JSON, safe for a terminal.
func (p *Program) emit(v any) error { return p.writeJSON(v, "  ") }

// emitLine writes a value as one line of JSON.
func (p *Program) emitLine(v any) error { return p.writeJSON(v, "") }

func (p *Program) writeJSON(v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	_, err := p.Out.Write(cleanJSON(b.Bytes()))
	return err
}

// say writes a line for people; arguments that are text are cleaned.
func (p *Program) say(format string, args ...any) {
	for i, a := range args {
		switch v := a.(type) {
		case error:
			args[i] = clean(v.Error())
		case fmt.Stringer:
			args[i] = clean(v.String())
		default:
			if reflect.ValueOf(a).Kind() == reflect.String {
				args[i] = clean(fmt.Sprint(a))
			}
		}
	}
	fmt.Fprintf(p.Out, format+"\n", args...)
}

// room is how many columns a line of text may take.
func (p *Program) room() int {
	if p.Width > 0 {
		return p.Width
	}
	if f, ok := p.Out.(*os.File); ok && p.terminal() {
		if w, _, err := term.GetSize(int(f.Fd())); err == nil && w > 20 {
			return w
		}
	}
	return 80
}

// print puts a table out. It fits the terminal; what goes into a file or to
// another program is never cut.
func (p *Program) print(t *table) {
	room := p.room()
	if p.Width == 0 && !p.terminal() {
		room = math.MaxInt
	}
	t.write(p.Out, room)
}

// terminal reports whether people look at what is written.
func (p *Program) terminal() bool {
	f, ok := p.Out.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// env gives an environment variable, or the fallback where it is not set.
func (p *Program) env(name, fallback string) string {
	if v, ok := p.LookupEnv(name); ok && v != "" {
		return v
	}
	return fallback
}

// oneLine is text for a cell of a table.
func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }
