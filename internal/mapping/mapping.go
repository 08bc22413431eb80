package mapping

import (
	"errors"
	"io/fs"

	"github.com/beevik/etree"
)

// Format is how a target document is written.
type Format string

// The formats a mapping can write.
const (
	XML   Format = "xml"
	JSON  Format = "json"
	CSV   Format = "csv"
	Fixed Format = "fixed"
)

// Mapping is one checked mapping file. It is immutable and safe for concurrent use.
type Mapping struct {
	Path     string
	Revision int
	Format   Format
	Tests    []Test
}

// Document is what Apply made.
type Document struct {
	Name        string // the mapping's file name without folder and ending: infoma
	Format      Format
	ContentType string // media type, with charset where it is not fixed by the type
	FileName    string // from output.file-name; empty if none is declared
	Body        []byte
	Records     int // csv, fixed and each: how many records it holds
}

// Load reads and checks a mapping file. All findings are returned at once; the
// mapping is nil exactly if one of them is an Error.
func Load(fsys fs.FS, path string, res Resolver) (*Mapping, Findings) {
	data, err := fs.ReadFile(fsys, path)
	if err != nil {
		return nil, Findings{{File: path, Message: "read mapping: " + err.Error()}}
	}
	return Parse(path, data, res)
}

// Parse checks the text of a mapping file; path names it in findings and is where
// relative paths start from.
func Parse(path string, data []byte, res Resolver) (*Mapping, Findings) {
	return nil, Findings{{File: path, Message: "not built yet"}}
}

// Apply renders the document for one submission. root is the root element of the
// gate's tree, which is read and never changed. A *Hold error parks the delivery.
func (m *Mapping) Apply(root *etree.Element, env *Env) (Document, error) {
	return Document{}, errors.New("not built yet")
}

// FieldResult is what became of one target field, for the workbench and mapping diff.
type FieldResult struct {
	Record  int    // from 1
	Target  string // full target path
	Source  string // the source as written in the file
	Line    int
	Before  string // the source's value
	After   string // the value in the target
	Present bool   // false: omitted from the target
	Hold    *Hold  // why it is held; the other fields are still evaluated
}

// Explain evaluates every field and says what became of each, holds included.
func (m *Mapping) Explain(root *etree.Element, env *Env) []FieldResult { return nil }

// Ordinances names the ordinances this mapping asks for.
func (m *Mapping) Ordinances() []string { return nil }

// CheckOrdinance says whether a municipality's table can answer this mapping:
// every key it selects by is given, every column asked for is there.
func (m *Mapping) CheckOrdinance(name string, o *Ordinance) Findings { return nil }

// Answers lists the earlier answers it reads, as role/key; routes need after: for each role.
func (m *Mapping) Answers() []string { return nil }

// InputPaths lists every input path the mapping reads, absolute, by local names, sorted.
func (m *Mapping) InputPaths() []string { return nil }

// Report says which part of the input a mapping uses and which targets it fills.
type Report struct {
	Used       []string // input leaves that a field, let, condition or test of the mapping reads
	Unused     []string // input leaves that are declared unused
	Unreported []string // input leaves that are neither: forgotten
	Stale      []string // declared unused, yet used or not in the input
	Filled     []string // target fields with a rule
	Unfilled   []string // fields of the layout without a rule
}

// Coverage compares the mapping with the leaves of its input (see LeafPaths; a
// schema's leaves in the same form do as well).
func (m *Mapping) Coverage(leaves []string) Report { return Report{} }

// LeafPaths lists the distinct leaves of a document in the form of coverage:
// /hund/rasse/code, /hund/@nr; without namespaces, sorted.
func LeafPaths(root *etree.Element) []string { return nil }

// Test is one entry of a mapping's tests.
type Test struct {
	Name   string
	Line   int
	Given  string // input document, relative to the mapping file
	Expect string // expected document; compared byte for byte
	Hold   string // instead of Expect: the field that must be held
}

// TestOptions are what a test run needs beyond the files.
type TestOptions struct {
	// ParseInput reads a given document into the tree; nil: a plain XML and JSON
	// reader, which is not the gate.
	ParseInput func(name string, data []byte) (*etree.Element, error)
	// Env is the submission the tests run under; nil: a fixed sample. What a test's own
	// env says goes before it.
	Env *Env
}

// TestResult is the outcome of one test of a mapping file.
type TestResult struct {
	Mapping string
	Line    int
	Name    string
	OK      bool
	Message string // why not, with place and remedy; empty if OK
	Diff    string // expected against actual, readable; only for differing documents
	Expect  string // path of the expectation
	Got     []byte // the document as rendered now, to confirm a changed expectation
}

// RunTests runs the tests of the mapping; fsys is where its files are.
func (m *Mapping) RunTests(fsys fs.FS, opts TestOptions) []TestResult { return nil }

// CodeList is a list of codes with one key column.
type CodeList struct{ Name, URI, Version string }

// LoadCodeList reads a YAML or Genericode 1.0 list.
func LoadCodeList(fsys fs.FS, path string) (*CodeList, Findings) { return nil, nil }

// Layout is a checked fixed-width layout.
type Layout struct{ Name string }

// LoadLayout reads a layout file.
func LoadLayout(fsys fs.FS, path string) (*Layout, Findings) { return nil, nil }

// Ordinance is a municipality's table of local law.
type Ordinance struct{ Name, Title, Currency string }

// LoadOrdinance reads an ordinance file.
func LoadOrdinance(fsys fs.FS, path string) (*Ordinance, Findings) { return nil, nil }
