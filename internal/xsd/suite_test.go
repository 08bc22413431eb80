package xsd_test

import (
	"bytes"
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"
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

// ours tells whether a test with these version tokens is one of XML Schema 1.0.
func ours(version string) bool {
	for _, w := range strings.Fields(version) {
		if strings.HasPrefix(w, "1.1") || strings.Contains(w, "xml11") || strings.HasPrefix(w, "XML-1.1") {
			return false
		}
	}
	return true
}

// expectation gives the expected validity for XML Schema 1.0, "" if there is none.
func expectation(list []expected) string {
	validity := ""
	for _, e := range list {
		switch {
		case e.Version == "Unicode_6.0.0": // Go's tables are newer; on what is tested they agree with 6.0
			return e.Validity
		case e.Version == "Unicode_4.0.0":
		case ours(e.Version) && validity == "":
			validity = e.Validity
		}
	}
	return validity
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
	sets, err := filepath.Glob(filepath.Join(root, "*Meta", "*"))
	if err != nil || len(sets) == 0 {
		t.Fatalf("no test sets below %s", root)
	}
	s := &suite{t: t, tree: os.DirFS(root), rows: map[string]*tally{}, known: readDifferences(t), met: map[string]bool{}}
	for _, file := range sets {
		if !strings.HasSuffix(file, ".xml") && !strings.HasSuffix(file, ".testSet") {
			continue
		}
		s.set(filepath.ToSlash(strings.TrimPrefix(file, root+string(filepath.Separator))))
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
}

func (s *suite) set(file string) {
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
		s.t.Fatal(err)
	}
	var set testSet
	if err := xml.Unmarshal(data, &set); err != nil {
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
			s.group(row, set.Contributor, path.Dir(file), g)
		}
	}
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
		return
	}
	var files []string
	for _, d := range test.Documents {
		f := path.Join(dir, d.Href)
		if _, err := fs.Stat(s.tree, f); err != nil {
			return
		}
		files = append(files, f)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	schema, err := xsd.Compile(ctx, xsd.Files(s.tree, nil), files...)
	var bad *xsd.SchemaError
	if err != nil && !errors.As(err, &bad) {
		s.t.Errorf("%s %s: %v", contributor, g.Name, err)
		return
	}
	switch expectation(test.Expected) {
	case "valid":
		row.count(&row.validSchemas, err == nil)
		if err != nil {
			s.differ(contributor, "schema", test.Name, "refused", err)
		}
	case "invalid":
		row.count(&row.invalidSchemas, err != nil)
		if err == nil {
			s.differ(contributor, "schema", test.Name, "accepted", nil)
		}
	}
	for _, it := range g.Instances {
		if ours(it.Version) && settled(it.Current) {
			s.instance(ctx, row, contributor, dir, schema, files, it)
		}
	}
}

func settled(c current) bool {
	return c.Status != "queried" && !strings.HasPrefix(c.Status, "disputed")
}

func (s *suite) instance(ctx context.Context, row *tally, contributor, dir string, schema *xsd.Schema, files []string, it instanceTest) {
	want := expectation(it.Expected)
	if want != "valid" && want != "invalid" {
		return
	}
	if schema == nil {
		if want == "valid" {
			row.count(&row.validDocs, false)
			s.differ(contributor, "instance", it.Name, "refused", errors.New("its schema is refused"))
		} else {
			row.count(&row.invalidDocs, true)
		}
		return
	}
	file := path.Join(dir, it.Document.Href)
	data, err := fs.ReadFile(s.tree, file)
	if err != nil {
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
	row.count(&row.invalidDocs, err != nil)
	if err == nil {
		s.differ(contributor, "instance", it.Name, "accepted", nil)
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
