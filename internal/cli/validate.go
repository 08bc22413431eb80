package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"stellwerk/internal/config"
	"stellwerk/internal/gate"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
	"stellwerk/internal/xsd"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// validation is what validate was asked.
type validation struct {
	schema, catalog                string
	service, municipality, version string
	dir, lang                      string
	at                             string
	findings                       int
	now                            time.Time
}

// validate judges files by a schema, or as the gate would judge them for a service.
func (p *Program) validate() *cobra.Command {
	var v validation
	cmd := &cobra.Command{
		Use:   "validate FILE...",
		Short: "Judge files by a schema, or as the gate would for a service",
		Long: `Judge files by a schema: an XSD (XML Schema 1.0) or a JSON Schema (2020-12), told
apart by the ending. Findings are printed as a compiler does; nothing is fetched
from anywhere. - is standard input. Files of any size are read in bounded memory.

  stellwerk validate antrag.xml --schema antrag.xsd
  stellwerk validate nachricht.xml --schema xdomea.xsd --catalog catalog.xml
  stellwerk validate antrag.json --service hundeanmeldung --municipality 05974040

--catalog names an OASIS XML catalogue that says which files stand for addresses
and namespaces.

With --service a file is judged by the route's own schemas and the gate's limits,
as if a portal pushed it now (or on the day that --at names). The route is that
of the operator's folder, or the shipped one where --dir is none.

Exit codes: 0 valid, 3 findings, 2 wrong usage or a file that is not there, 1 a
schema or a file that cannot be read.`,
		Args: usage(cobra.MinimumNArgs(1)),
	}
	f := cmd.Flags()
	f.StringVar(&v.schema, "schema", "", "the schema: FILE.xsd or FILE.json")
	f.StringVar(&v.catalog, "catalog", "", "XML catalogue for what the schema includes and imports")
	f.StringVar(&v.service, "service", "", "judge by the schemas of this service's route")
	f.StringVar(&v.municipality, "municipality", "", "with --service: the municipality must offer it (AGS or name)")
	f.StringVar(&v.version, "schema-version", "", "with --service: version of the schema; the newest that is taken where none is given")
	f.StringVar(&v.at, "at", "", "with --service: judge as on this day (2027-01-01)")
	f.StringVar(&v.lang, "lang", "en", "language of the findings: en or de")
	f.IntVar(&v.findings, "findings", 100, "how many findings of a file are listed")
	dir := p.folder(cmd)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		v.dir = *dir
		judge, err := p.judge(cmd.Context(), &v)
		if err != nil {
			return err
		}
		return p.validateFiles(cmd.Context(), &v, judge, args)
	}
	return cmd
}

// judge is the schema for a format, and the limits under which it is asked.
type judge func(f gate.Format) (gate.Schema, gate.Limits, error)

func (p *Program) judge(ctx context.Context, v *validation) (judge, error) {
	switch {
	case v.lang != "en" && v.lang != "de":
		return nil, wrongUsage("--lang is en or de")
	case v.findings < 1:
		return nil, wrongUsage("--findings is 1 or more")
	case (v.schema == "") == (v.service == ""):
		return nil, wrongUsage("give --schema FILE, or --service SERVICE")
	case v.service != "" && v.catalog != "":
		return nil, wrongUsage("--catalog belongs to --schema")
	case v.schema != "" && (v.municipality != "" || v.version != "" || v.at != ""):
		return nil, wrongUsage("--municipality, --schema-version and --at belong to --service")
	}
	v.now = p.Now()
	if v.at != "" {
		day, err := time.ParseInLocation(time.DateOnly, v.at, p.Zone)
		if err != nil {
			return nil, wrongUsage("--at: %q is not a date; write 2027-01-01", v.at)
		}
		v.now = day
	}
	if v.service != "" {
		return p.serviceJudge(v)
	}
	schema, err := p.compile(ctx, v)
	if err != nil {
		return nil, err
	}
	return func(f gate.Format) (gate.Schema, gate.Limits, error) {
		if schema.Format() != f {
			return nil, gate.Limits{}, wrongUsage("%s judges %s, and this file is %s", v.schema, strings.ToUpper(string(schema.Format())), strings.ToUpper(string(f)))
		}
		return schema, ownFile, nil
	}, nil
}

// ownFile are the limits for a file that the caller chose himself: what is bounded
// by the document's depth stays bounded, its length does not matter.
var ownFile = gate.Limits{
	Bytes: math.MaxInt64 - 1, Nodes: math.MaxInt, Values: math.MaxInt, Depth: 1000, Attributes: 1024, AttributeBytes: 16 << 20,
	TagBytes: 16 << 20, Members: 1 << 20, TextBytes: math.MaxInt, Namespaces: 1024, References: math.MaxInt,
}

// compile reads a schema from anywhere in this machine's files, and from nowhere else.
func (p *Program) compile(ctx context.Context, v *validation) (gate.Schema, error) {
	file, err := filepath.Abs(v.schema)
	if err != nil {
		return nil, &usageError{err}
	}
	if info, err := os.Stat(file); err != nil {
		return nil, &usageError{err}
	} else if info.IsDir() {
		return nil, wrongUsage("%s is a folder; name the schema's file", v.schema)
	}
	tree := wholeMachine(file)
	switch strings.ToLower(filepath.Ext(file)) {
	case ".json":
		if v.catalog != "" {
			return nil, wrongUsage("--catalog belongs to an XSD")
		}
		return gate.CompileJSON(tree.fs, tree.name(file))
	case ".xsd":
	default:
		return nil, wrongUsage("%s ends neither in .xsd nor in .json", v.schema)
	}
	var catalog *xsd.Catalog
	if v.catalog != "" {
		at, err := filepath.Abs(v.catalog)
		if err != nil {
			return nil, &usageError{err}
		}
		if _, err := os.Stat(at); err != nil {
			return nil, &usageError{err}
		}
		if catalog, err = xsd.ReadCatalog(ctx, tree.fs, tree.name(at)); err != nil {
			return nil, fmt.Errorf("read the catalogue: %w", err)
		}
	}
	schema, err := xsd.Compile(ctx, xsd.Files(tree.fs, catalog), tree.name(file))
	var broken *xsd.SchemaError
	if errors.As(err, &broken) {
		for _, issue := range broken.Issues {
			issue.File = tree.shown(issue.File)
			fmt.Fprintln(p.Err, clean(issue.String()))
		}
		return nil, fmt.Errorf("%s cannot be used: %s", v.schema, plural(len(broken.Issues), "finding", "findings"))
	}
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", v.schema, err)
	}
	for _, issue := range schema.Warnings() {
		issue.File = tree.shown(issue.File)
		fmt.Fprintln(p.Err, "warning: "+clean(issue.String()))
	}
	return gate.NewXMLSchema(schema), nil
}

// serviceJudge takes the schemas that the route names for the time.
func (p *Program) serviceJudge(v *validation) (judge, error) {
	rt, limits, err := p.routeOf(v)
	if err != nil {
		return nil, err
	}
	return func(f gate.Format) (gate.Schema, gate.Limits, error) {
		in, ok := rt.Input(string(f), v.now)
		if v.version != "" {
			in, ok = rt.Version(string(f), v.version, v.now)
		}
		if !ok {
			return nil, limits, wrongUsage("%s is not taken as %s then; it is taken as %s", v.service,
				strings.TrimSpace(string(f)+" "+v.version), strings.Join(inputsOf(rt, v.now), ", "))
		}
		return in.Schema, limits, nil
	}, nil
}

func inputsOf(rt *route.Route, at time.Time) []string {
	var out []string
	for i := range rt.Inputs {
		if in := &rt.Inputs[i]; in.Taken(at) {
			out = append(out, in.Format+" "+in.Version)
		}
	}
	if len(out) == 0 {
		return []string{"nothing"}
	}
	return out
}

// routeOf finds the route in the operator's folder, or the shipped one where there
// is no folder.
func (p *Program) routeOf(v *validation) (*route.Route, gate.Limits, error) {
	if _, err := os.Stat(filepath.Join(v.dir, "stellwerk.yaml")); errors.Is(err, os.ErrNotExist) && v.municipality == "" && v.dir == "." {
		rt, found := route.Load(routes.FS, v.service, mapping.Files{FS: mappings.FS})
		if rt == nil {
			return nil, gate.Limits{}, &notFoundError{fmt.Errorf("there is no route of %s: %w", v.service, found.Err())}
		}
		return rt, gate.Limits{}, nil
	}
	snap, err := p.snapshot(v.dir)
	if err != nil {
		return nil, gate.Limits{}, err
	}
	rt := snap.Routes[v.service]
	if rt == nil {
		return nil, gate.Limits{}, &notFoundError{fmt.Errorf("there is no service %s", v.service)}
	}
	if v.municipality != "" {
		if err := offers(snap, municipality(snap, v.municipality), v.service); err != nil {
			return nil, gate.Limits{}, err
		}
	}
	return rt, gate.Limits{Bytes: snap.Hub.Limits.Payload}, nil
}

func offers(snap *config.Snapshot, ags, service string) error {
	if _, ok := snap.Binding(ags, service); !ok {
		_, err := snap.Explain(ags, service) // names what there is
		return &notFoundError{err}
	}
	return nil
}

// validateFiles judges one file after the other and reports all of them.
func (p *Program) validateFiles(ctx context.Context, v *validation, judge judge, files []string) error {
	verdicts := make([]verdict, 0, len(files))
	bad := 0
	for _, file := range files {
		one, err := p.validateFile(ctx, v, judge, file)
		if err != nil {
			return err
		}
		if !one.OK {
			bad++
		}
		if p.json {
			verdicts = append(verdicts, *one)
		} else if err := p.printVerdict(v, one); err != nil {
			return err
		}
	}
	if p.json {
		if err := p.emit(struct {
			OK    bool      `json:"ok"`
			Files []verdict `json:"files"`
		}{bad == 0, verdicts}); err != nil {
			return err
		}
	}
	if bad > 0 {
		return errFindings
	}
	return nil
}

func (p *Program) validateFile(ctx context.Context, v *validation, judge judge, file string) (_ *verdict, err error) {
	in := p.In
	if file != "-" {
		f, err := os.Open(file)
		if err != nil {
			return nil, &usageError{err}
		}
		defer func() { _ = f.Close() }() // only read
		in = f
	}
	body := bufio.NewReaderSize(in, 64<<10)
	mediaType, err := mediaTypeOfReader(file, body)
	if err != nil {
		return nil, err
	}
	format, err := gate.FormatOf(mediaType)
	if err != nil {
		return nil, err
	}
	schema, limits, err := judge(format)
	if err != nil {
		return nil, err
	}
	out := &verdict{File: file, Findings: []verdictFinding{}}
	o := gate.Options{Limits: limits, Schema: schema, Findings: v.findings}
	var head *headBuilder
	if p.json {
		head = newHeadBuilder()
		o.Handlers = []gate.Handler{head}
	}
	res, err := gate.CheckReader(ctx, body, mediaType, o)
	out.fill(&res)
	if !out.judge(err) {
		return nil, fmt.Errorf("read %s: %w", file, err)
	}
	if head != nil {
		out.Header = head.header()
	}
	return out, nil
}

// mediaTypeOfReader is mediaTypeOf for what has not been read yet.
func mediaTypeOfReader(name string, body *bufio.Reader) (string, error) {
	first, err := body.Peek(512)
	if err != nil && err != io.EOF && err != bufio.ErrBufferFull {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	if bytes.HasPrefix(first, []byte{0xFE, 0xFF}) || bytes.HasPrefix(first, []byte{0xFF, 0xFE}) {
		return "application/xml", nil // UTF-16, which JSON never is
	}
	return mediaTypeOf(name, first)
}
