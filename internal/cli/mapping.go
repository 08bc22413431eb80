package cli

import (
	"context"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/beevik/etree"
	"github.com/spf13/cobra"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// mapping tests, measures and tries mappings, without a hub.
func (p *Program) mapping() *cobra.Command {
	cmd := &cobra.Command{Use: "mapping", Short: "Test, measure and try mappings", Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() }}
	cmd.AddCommand(p.mappingTest(), p.mappingDiff(), p.mappingCoverage(), p.mappingRender(), p.mappingShow())
	return cmd
}

// testReport is one test of a mapping, for JSON.
type testReport struct {
	Mapping string `json:"mapping"`
	Line    int    `json:"line"`
	Name    string `json:"name"`
	OK      bool   `json:"ok"`
	Message string `json:"message,omitempty"`
	Diff    string `json:"diff,omitempty"`
}

func testForm(t mapping.TestResult) testReport {
	return testReport{Mapping: t.Mapping, Line: t.Line, Name: t.Name, OK: t.OK, Message: t.Message, Diff: t.Diff}
}

// printTests writes what failed, and with all also what did not.
func (p *Program) printTests(results []mapping.TestResult, all bool) {
	for _, t := range results {
		place := "mappings/" + t.Mapping
		if t.Line > 0 {
			place += fmt.Sprintf(":%d", t.Line)
		}
		switch {
		case !t.OK:
			p.say("%s: %s (test %q)", place, t.Message, t.Name)
			if t.Diff != "" {
				fmt.Fprintln(p.Out, cleanLines(strings.TrimRight(t.Diff, "\n")))
			}
		case all:
			p.say("%s: ok (test %q)", place, t.Name)
		}
	}
}

// mappingFiles finds the mappings that arguments name: hundeanmeldung/infoma, with
// or without mappings/ before and .yaml behind it. None named means all.
func mappingFiles(snap *config.Snapshot, args []string) ([]string, error) {
	all := snap.MappingFiles()
	if len(args) == 0 {
		return all, nil
	}
	var out []string
	for _, arg := range args {
		file := strings.TrimPrefix(path.Clean(arg), "mappings/")
		if path.Ext(file) != ".yaml" {
			file += ".yaml"
		}
		if !slices.Contains(all, file) {
			return nil, &notFoundError{fmt.Errorf("%s is not a mapping; there are: %s", arg, strings.Join(all, ", "))}
		}
		out = append(out, file)
	}
	return out, nil
}

// one loads the mapping that an argument names.
func one(snap *config.Snapshot, arg string) (m *mapping.Mapping, file string, err error) {
	files, err := mappingFiles(snap, []string{arg})
	if err != nil {
		return nil, "", err
	}
	m, findings := snap.Mapping(files[0])
	if m == nil {
		return nil, "", fmt.Errorf("load mapping %s: %w", files[0], findings.Err())
	}
	return m, files[0], nil
}

func (p *Program) mappingCoverage() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "coverage MAPPING [INPUT...]",
		Short: "Say which part of the input a mapping uses, and what it forgets",
		Long: `Say which fields of the input a mapping uses, which it leaves out on purpose and
which it forgets. The input is the service's XML examples (the JSON ones where it
has no others), or the files that are named.`,
		Args: usage(cobra.MinimumNArgs(1)),
	}
	dir := p.folder(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		snap, err := p.snapshot(*dir)
		if err != nil {
			return err
		}
		m, file, err := one(snap, args[0])
		if err != nil {
			return err
		}
		leaves, err := p.leaves(cmd.Context(), snap, path.Dir(file), args[1:])
		if err != nil {
			return err
		}
		r := m.Coverage(leaves)
		if p.json {
			err = p.emit(struct {
				Mapping    string   `json:"mapping"`
				Used       []string `json:"used"`
				Unused     []string `json:"unused"`
				Unreported []string `json:"forgotten"`
				Stale      []string `json:"stale"`
				Filled     []string `json:"filled"`
				Unfilled   []string `json:"unfilled"`
			}{file, list0(r.Used), list0(r.Unused), list0(r.Unreported), list0(r.Stale), list0(r.Filled), list0(r.Unfilled)})
		} else {
			p.printCoverage(file, &r)
		}
		if err == nil && len(r.Unreported) > 0 {
			return errFindings
		}
		return err
	}
	return cmd
}

// list0 is a list that JSON shows as [] where it is empty.
func list0(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

func (p *Program) printCoverage(file string, r *mapping.Report) {
	p.say("mappings/%s: %d used, %d left out on purpose, %d forgotten; %d targets filled", file,
		len(r.Used), len(r.Unused), len(r.Unreported), len(r.Filled))
	for _, part := range []struct {
		what  string
		paths []string
	}{
		{"forgotten (map it, or name it under unused)", r.Unreported},
		{"named under unused, yet used or not in this input", r.Stale},
		{"fields of the layout without a rule", r.Unfilled},
	} {
		if len(part.paths) > 0 {
			p.say("%s:", part.what)
			for _, path := range part.paths {
				p.say("  %s", path)
			}
		}
	}
}

// leaves are the input's leaves, over all examples together.
func (p *Program) leaves(ctx context.Context, snap *config.Snapshot, service string, files []string) ([]string, error) {
	found := map[string]bool{}
	add := func(name, format string, body []byte) error {
		root, err := tree(ctx, body, format)
		if err != nil {
			return fmt.Errorf("read %s: %w", name, err)
		}
		for _, l := range mapping.LeafPaths(root) {
			found[l] = true
		}
		return nil
	}
	for _, file := range files {
		body, mediaType, err := p.readInput(file)
		if err != nil {
			return nil, err
		}
		if err := add(file, mediaType, body); err != nil {
			return nil, err
		}
	}
	if r := snap.Routes[service]; r != nil && len(files) == 0 {
		// What is an attribute in XML is a key in JSON: together they would tell of
		// paths that no one submission has.
		xml := slices.ContainsFunc(r.Examples, func(e route.Example) bool { return e.Format == "xml" })
		for _, e := range r.Examples {
			if xml && e.Format != "xml" {
				continue
			}
			if err := add(e.Path, "application/"+e.Format, e.Body); err != nil {
				return nil, err
			}
		}
	}
	if len(found) == 0 {
		return nil, wrongUsage("%s has no examples; name an input file", service)
	}
	return slices.Sorted(maps.Keys(found)), nil
}

func (p *Program) readInput(file string) (body []byte, mediaType string, err error) {
	if body, err = p.readFile(file); err != nil {
		return nil, "", err
	}
	mediaType, err = mediaTypeOf(file, body)
	return body, mediaType, err
}

// tree reads an input as the gate does, within its default limits.
func tree(ctx context.Context, body []byte, mediaType string) (*etree.Element, error) {
	t, err := gate.Tree(ctx, body, mediaType, gate.Limits{})
	if err != nil {
		return nil, err
	}
	return t.Root(), nil
}
