package xsd_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"sort"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"stellwerk/internal/xsd"
)

// The W3C suite's own description of its tests, as far as it is needed.
type testSet struct {
	Contributor string      `xml:"contributor,attr"`
	Version     string      `xml:"version,attr"`
	Groups      []testGroup `xml:"testGroup"`
}

type testGroup struct {
	Name      string         `xml:"name,attr"`
	Version   string         `xml:"version,attr"`
	Schemas   []suiteTest    `xml:"schemaTest"`
	Instances []instanceTest `xml:"instanceTest"`
}

type suiteTest struct {
	Name      string     `xml:"name,attr"`
	Version   string     `xml:"version,attr"`
	Documents []suiteRef `xml:"schemaDocument"`
	Expected  []expected `xml:"expected"`
	Current   current    `xml:"current"`
}

type instanceTest struct {
	Name     string     `xml:"name,attr"`
	Version  string     `xml:"version,attr"`
	Document suiteRef   `xml:"instanceDocument"`
	Expected []expected `xml:"expected"`
	Current  current    `xml:"current"`
}

type suiteRef struct {
	Href string `xml:"http://www.w3.org/1999/xlink href,attr"`
}

type expected struct {
	Validity string `xml:"validity,attr"`
	Version  string `xml:"version,attr"`
}

type current struct {
	Status string `xml:"status,attr"`
}

// we lists the suite's version tokens this package answers to. Names are those of XML 1.0's fifth edition;
// Go's Unicode tables are newer than 6.0 and agree with it on what is tested.
var we = []string{"1.0", "1.0-2e", "XML-1.0", "XML-1.0-5e", "Unicode_6.0.0"}

// ours tells whether a set, a group or a test is for us: it is if any of its tokens is.
func ours(version string) bool {
	tokens := strings.Fields(version)
	return len(tokens) == 0 || slices.ContainsFunc(tokens, func(t string) bool { return slices.Contains(we, t) })
}

// expectation gives the validity expected of us, "" if there is none: a verdict holds where all of its tokens
// do. Beside "valid" and "invalid" there are verdicts the suite leaves open (indeterminate, notKnown,
// implementation-defined); those are not judged.
func expectation(list []expected) string {
	for _, e := range list {
		if !slices.ContainsFunc(strings.Fields(e.Version), func(t string) bool { return !slices.Contains(we, t) }) {
			return e.Validity
		}
	}
	return ""
}

// tally is one contributor's row: agreed and all, for each of the four judgements.
type tally struct{ validSchemas, invalidSchemas, validDocs, invalidDocs [2]int }

func (t *tally) count(which *[2]int, agreed bool) {
	which[1]++
	if agreed {
		which[0]++
	}
}

const suiteVariable = "STELLWERK_XSDTESTS"

// TestSuite judges the W3C XML Schema test suite. Differences must be those of testdata/differences.txt.
func TestSuite(t *testing.T) {
	root := os.Getenv(suiteVariable)
	if root == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s must name an unpacked W3C XML Schema test suite", suiteVariable)
		}
		t.Skipf("%s does not name an unpacked W3C XML Schema test suite", suiteVariable)
	}
	s := &suite{t: t, tree: os.DirFS(root), rows: map[string]*tally{}, known: readDifferences(t), met: map[string]bool{}}
	if s.sets() == 0 {
		t.Fatalf("no test sets below %s", root)
	}
	s.print()
}

type suite struct {
	t       *testing.T
	tree    fs.FS
	rows    map[string]*tally
	known   map[string]string
	met     map[string]bool
	unknown []string
	leftOut int      // groups that are not one settled schema test
	missing []string // files the sets name that are not there
}

// sets judges the test sets of all contributors' *Meta directories and counts them.
func (s *suite) sets() int {
	n := 0
	files, _ := fs.Glob(s.tree, "*Meta/*")
	for _, file := range files {
		if strings.HasSuffix(file, ".xml") || strings.HasSuffix(file, ".testSet") {
			s.set(file)
			n++
		}
	}
	return n
}

func (s *suite) set(file string) {
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
		s.t.Fatal(err)
	}
	var set testSet
	in := xml.NewDecoder(bytes.NewReader(data))
	in.CharsetReader = latin1
	if err := in.Decode(&set); err != nil {
		s.t.Errorf("%s: %v", file, err)
		return
	}
	if set.Contributor == "" || !ours(set.Version) {
		return
	}
	row := s.rows[set.Contributor]
	if row == nil {
		row = &tally{}
		s.rows[set.Contributor] = row
	}
	for _, g := range set.Groups {
		if ours(g.Version) {
			s.guarded(row, set.Contributor, path.Dir(file), g)
		}
	}
}

// latin1 reads the few sets that are not in UTF-8.
func latin1(name string, in io.Reader) (io.Reader, error) {
	if n := strings.ToLower(name); n != "iso-8859-1" && n != "us-ascii" {
		return nil, fmt.Errorf("encoding %q is not read here", name)
	}
	data, err := io.ReadAll(in)
	text := make([]rune, len(data))
	for i, b := range data {
		text[i] = rune(b)
	}
	return strings.NewReader(string(text)), err
}

// guarded judges a group so that a panic or a time-out in one does not hide the rows of the others.
func (s *suite) guarded(row *tally, contributor, dir string, g testGroup) {
	defer func() {
		if r := recover(); r != nil {
			s.t.Errorf("%s %s: panic: %v\n%s", contributor, g.Name, r, debug.Stack())
		}
	}()
	s.group(row, contributor, dir, g)
}

// group judges one group. As the numbers do, it takes groups with one schema test of one
// document and leaves out what the suite's keepers have not settled.
func (s *suite) group(row *tally, contributor, dir string, g testGroup) {
	tests := 0
	var test suiteTest
	for _, st := range g.Schemas {
		if ours(st.Version) {
			test = st
			tests++
		}
	}
	if tests != 1 || len(test.Documents) == 0 || !settled(test.Current) {
		s.leftOut++
		return
	}
	var files []string
	for _, d := range test.Documents {
		f := path.Join(dir, d.Href)
		if _, err := fs.Stat(s.tree, f); err != nil {
			s.missing = append(s.missing, f)
			return
		}
		files = append(files, f)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	schema, err := xsd.Compile(ctx, xsd.Files(s.tree, nil), files...)
	var bad *xsd.SchemaError
	judged := err == nil || errors.As(err, &bad) // else it is a failure of ours, whatever is expected
	switch want := expectation(test.Expected); {
	case want == "valid":
		row.count(&row.validSchemas, err == nil)
		if err != nil {
			s.differ(contributor, "schema", test.Name, "refused", err)
		}
	case want == "invalid":
		row.count(&row.invalidSchemas, err != nil && judged)
		if err == nil {
			s.differ(contributor, "schema", test.Name, "accepted", nil)
		} else if !judged {
			s.differ(contributor, "schema", test.Name, "failed", err)
		}
	}
	for _, it := range g.Instances {
		if ours(it.Version) && settled(it.Current) {
			s.instance(row, contributor, dir, schema, judged, files, it)
		}
	}
}

// patience is what one schema or one instance may take; the suite's own take milliseconds.
const patience = 20 * time.Second

func settled(c current) bool {
	return c.Status != "queried" && !strings.HasPrefix(c.Status, "disputed")
}

func (s *suite) instance(row *tally, contributor, dir string, schema *xsd.Schema, judged bool, files []string, it instanceTest) {
	want := expectation(it.Expected)
	if want != "valid" && want != "invalid" {
		return
	}
	file := path.Join(dir, it.Document.Href)
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
		s.missing = append(s.missing, file)
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if schema == nil {
		if want == "valid" {
			row.count(&row.validDocs, false)
			s.differ(contributor, "instance", it.Name, "refused", errors.New("its schema is refused"))
		} else {
			row.count(&row.invalidDocs, judged)
		}
		return
	}
	if more := s.hinted(path.Dir(file), data, schema); len(more) > 0 {
		if wider, err := xsd.Compile(ctx, xsd.Files(s.tree, nil), append(files, more...)...); err == nil {
			schema = wider
		}
	}
	found, err := schema.Validate(ctx, bytes.NewReader(data), xsd.Options{MaxFindings: 3})
	if err == nil && len(found) > 0 {
		err = errors.New(found[0].String())
	}
	if want == "valid" {
		row.count(&row.validDocs, err == nil)
		if err != nil {
			s.differ(contributor, "instance", it.Name, "refused", err)
		}
		return
	}
	failed := ctx.Err() != nil // a time-out is no verdict
	row.count(&row.invalidDocs, err != nil && !failed)
	if err == nil {
		s.differ(contributor, "instance", it.Name, "accepted", nil)
	} else if failed {
		s.differ(contributor, "instance", it.Name, "failed", err)
	}
}

var schemaLocation = regexp.MustCompile(`[sS]chemaLocation\s*=\s*["']([^"']*)["']`)

// hinted lists the schema files an instance names that are not part of its schema. The validator itself
// follows no such hints; the suite means its instances to be judged with them.
func (s *suite) hinted(dir string, data []byte, schema *xsd.Schema) []string {
	var out []string
	for _, m := range schemaLocation.FindAllSubmatch(data, -1) {
		for _, word := range strings.Fields(string(m[1])) {
			f := path.Join(dir, word)
			if _, err := fs.Stat(s.tree, f); err == nil && !slices.Contains(schema.Files(), f) && !strings.Contains(word, "://") {
				out = append(out, f)
			}
		}
	}
	return out
}

func (s *suite) differ(contributor, what, name, how string, err error) {
	line := contributor + " " + what + " " + name + " " + how
	if _, ok := s.known[line]; ok {
		s.met[line] = true
		return
	}
	if err != nil {
		line += ": " + strings.SplitN(err.Error(), "\n", 2)[0]
	}
	s.unknown = append(s.unknown, line)
}

func (s *suite) print() {
	var names []string
	for n := range s.rows {
		names = append(names, n)
	}
	sort.Strings(names)
	var all tally
	rows := fmt.Sprintf("%-28s %15s %15s %15s %15s\n", "contributor", "valid schemas", "invalid schemas", "valid docs", "invalid docs")
	line := func(name string, t *tally) string {
		cell := func(c [2]int) string { return fmt.Sprintf("%d/%d", c[0], c[1]) }
		return fmt.Sprintf("%-28s %15s %15s %15s %15s\n", name, cell(t.validSchemas), cell(t.invalidSchemas), cell(t.validDocs), cell(t.invalidDocs))
	}
	for _, n := range names {
		t := s.rows[n]
		rows += line(n, t)
		for i := range 2 {
			all.validSchemas[i] += t.validSchemas[i]
			all.invalidSchemas[i] += t.invalidSchemas[i]
			all.validDocs[i] += t.validDocs[i]
			all.invalidDocs[i] += t.invalidDocs[i]
		}
	}
	s.t.Log("accepted or refused as expected, of all:\n" + rows + line("all", &all))
	s.t.Logf("groups left out for having no schema test, or none that is settled: %d; files that are not there: %d %v",
		s.leftOut, len(s.missing), s.missing[:min(len(s.missing), 5)])
	listed := map[string]bool{} // contributors whose differences are listed
	for entry := range s.known {
		contributor, _, _ := strings.Cut(entry, " ")
		listed[contributor] = true
		if s.rows[contributor] != nil && !s.met[entry] {
			s.t.Errorf("testdata/differences.txt: %s is no longer true", entry)
		}
	}
	for _, u := range s.unknown {
		if contributor, _, _ := strings.Cut(u, " "); listed[contributor] {
			s.t.Errorf("difference not listed in testdata/differences.txt: %s", u)
		} else {
			s.t.Logf("difference: %s", u)
		}
	}
}

// readDifferences reads testdata/differences.txt: lines of contributor, what, name and how, then # and the
// reason.
func readDifferences(t *testing.T) map[string]string {
	data, err := os.ReadFile("testdata/differences.txt")
	if err != nil {
		t.Fatal(err)
	}
	known := map[string]string{}
	for n, line := range strings.Split(string(data), "\n") {
		entry, reason, ok := strings.Cut(line, "#")
		entry = strings.Join(strings.Fields(entry), " ")
		if entry == "" {
			continue
		}
		if !ok || strings.TrimSpace(reason) == "" {
			t.Errorf("testdata/differences.txt:%d: no reason for %s", n+1, entry)
		}
		known[entry] = strings.TrimSpace(reason)
	}
	return known
}

// TestSuiteLayout runs the suite's runner on a suite of our own that has everything the whole suite's
// description may have.
func TestSuiteLayout(t *testing.T) {
	const head = `<ts:testSet xmlns:ts="http://www.w3.org/XML/2004/xml-schema-test-suite/" xmlns:xlink="http://www.w3.org/1999/xlink" name="S" `
	schema := func(version, doc, rest string) string {
		return `<ts:schemaTest name="s" version="` + version + `"><ts:schemaDocument xlink:href="../aData/` + doc + `"/>` + rest + `</ts:schemaTest>`
	}
	instance := func(version, doc, rest string) string {
		return `<ts:instanceTest name="i" version="` + version + `"><ts:instanceDocument xlink:href="../aData/` + doc + `"/>` + rest + `</ts:instanceTest>`
	}
	const valid, invalid, accepted = `<ts:expected validity="valid"/>`, `<ts:expected validity="invalid"/>`, `<ts:current status="accepted" date="2007-01-01"/>`
	group := func(version, inside string) string {
		return `<ts:testGroup name="g" version="` + version + `"><ts:documentationReference xlink:href=""/>` + inside + `</ts:testGroup>`
	}
	set := func(contributor, version string, groups ...string) *fstest.MapFile {
		return &fstest.MapFile{Data: []byte(head + `contributor="` + contributor + `" version="` + version + `"><ts:annotation/>` + strings.Join(groups, "") + `</ts:testSet>`)}
	}
	file := func(s string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(s)} }
	tree := fstest.MapFS{
		"suite.xml":           file(`<ts:testSuite xmlns:ts="http://www.w3.org/XML/2004/xml-schema-test-suite/"/>`),
		"aMeta/report.html":   file(`<html>`),
		"aMeta/other.xml":     file(`<other/>`),
		"aData/good.xsd":      file(schemaHead + `<xs:element name="a" type="xs:int"/></xs:schema>`),
		"aData/import.xsd":    file(schemaHead + `<xs:import namespace="urn:b"/><xs:element name="c"><xs:complexType><xs:sequence><xs:element ref="b:b" xmlns:b="urn:b"/></xs:sequence></xs:complexType></xs:element></xs:schema>`),
		"aData/b.xsd":         file(`<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="urn:b"><xs:element name="b" type="xs:int"/></xs:schema>`),
		"aData/bad.xsd":       file(schemaHead + `<xs:element name="a" type="none"/></xs:schema>`),
		"aData/good.xml":      file(`<a>1</a>`),
		"aData/bad.xml":       file(`<a>x</a>`),
		"aData/c.xml":         file(`<c><b xmlns="urn:b">1</b></c>`),
		"aData/hint.xml":      file(`<b xmlns="urn:b" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="urn:b b.xsd">1</b>`),
		"bMeta/one.testSet":   set("B", "1.1", group("", schema("", "bad.xsd", valid))),
		"cMeta/Latin.testSet": file(`<?xml version="1.0" encoding="ISO-8859-1"?>` + head + "contributor=\"C\"><ts:annotation>\xe4</ts:annotation>" + group("", schema("", "bad.xsd", valid)) + `</ts:testSet>`),
		"aMeta/one.testSet": set("A", "",
			group("", schema("", "good.xsd", valid+accepted)+instance("", "good.xml", valid+accepted)+instance("", "bad.xml", invalid+accepted)),
			group("1.0 1.1", schema("", "bad.xsd", invalid)+instance("", "good.xml", invalid)),
			group("1.1", schema("", "bad.xsd", valid)),
			group("", schema("1.1 CTR-all-compile", "bad.xsd", valid)+schema("1.0", "good.xsd", `<ts:expected validity="invalid" version="1.1"/><ts:expected validity="valid" version="1.0"/>`)+
				instance("1.1", "bad.xml", valid)+instance("1.0 1.1", "good.xml", valid)+
				instance("", "bad.xml", `<ts:expected validity="indeterminate"/>`)+instance("", "bad.xml", `<ts:expected validity="notKnown"/>`)+instance("", "bad.xml", valid+`<ts:current status="queried" date="2007-01-01"/>`)),
			group("", schema("", "bad.xsd", valid+`<ts:current status="disputed-spec" date="2007-01-01"/>`)),
			group("", schema("", "import.xsd", `<ts:schemaDocument xlink:href="../aData/b.xsd"/>`+valid)+instance("", "c.xml", valid)),
			group("", schema("", "good.xsd", valid)+instance("", "hint.xml", valid)+instance("", "nowhere.xml", valid)),
			group("", schema("", "nowhere.xsd", valid)),
			group("", instance("", "good.xml", valid))),
	}
	s := &suite{t: t, tree: tree, rows: map[string]*tally{}, known: map[string]string{}, met: map[string]bool{}}
	if n := s.sets(); n != 4 {
		t.Errorf("%d sets", n)
	}
	if want := (tally{[2]int{4, 4}, [2]int{1, 1}, [2]int{4, 4}, [2]int{2, 2}}); *s.rows["A"] != want {
		t.Errorf("A: %v, want %v; %v", *s.rows["A"], want, s.unknown)
	}
	if want := (tally{validSchemas: [2]int{0, 1}}); *s.rows["C"] != want {
		t.Errorf("C: %v, want %v", *s.rows["C"], want)
	}
	if len(s.rows) != 2 || len(s.unknown) != 1 || !strings.HasPrefix(s.unknown[0], "C schema s refused: aData/bad.xsd:") {
		t.Errorf("rows %v, differences %v", s.rows, s.unknown)
	}
	if s.leftOut != 2 || !slices.Equal(s.missing, []string{"aData/nowhere.xml", "aData/nowhere.xsd"}) {
		t.Errorf("left out %d, missing %v", s.leftOut, s.missing)
	}
}
