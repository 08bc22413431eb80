package mapping

import (
	"io/fs"
	"slices"
	"sync"
)

// Format is how a target document is written.
type Format string

// The formats a mapping can write.
const (
	XML   Format = "xml"
	JSON  Format = "json"
	CSV   Format = "csv"
	Fixed Format = "fixed"

	// Original is the payload as it came; no mapping file says so, see Unchanged.
	Original Format = "original"
)

// Unchanged hands the payload on as it came, byte for byte: to another hub, which
// has the same service.
func Unchanged() *Mapping { return &Mapping{Path: string(Original), Revision: 1, Format: Original} }

// Mapping is one checked mapping file. It is immutable and safe for concurrent use.
type Mapping struct {
	Path     string
	Revision int
	Format   Format
	Tests    []Test

	out      output
	layout   *Layout
	prefixes []string // declared namespaces, in file order
	head     string   // XML: up to the root's attributes; csv: the line of column names

	top     *block
	header  *block
	blocks  []*block
	wrapped bool // the one block holds the records of each as a repeated group
	trailer *block

	paths      []*inputPath // of expressions
	letRefs    []letRef
	lookups    []*lookup
	ordinances []ordUse
	sumFields  []string

	readPaths   []string
	readAt      []inputRead
	unusedPaths []string
	unfilled    []string
	answers     []string
	ranges      []string
	states      sync.Pool // of *state
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
	r := &reader{file: path}
	data := r.open(fsys, "mapping")
	if data == nil {
		return nil, r.findings
	}
	return Parse(path, data, res)
}

// Parse checks the text of a mapping file; path names it in findings and is where
// relative paths start from.
func Parse(path string, data []byte, res Resolver) (*Mapping, Findings) {
	r := &reader{file: path}
	root := r.read(data)
	if root == nil {
		return nil, r.findings.Sort()
	}
	if res == nil {
		res = nowhere{}
	}
	c := &compiler{r: r, m: &Mapping{Path: path}, res: res, ns: map[string]string{}, defs: stepDefs(),
		answers: map[string]bool{}, read: map[string]bool{}, lists: map[string]*CodeList{}, ranges: map[string]bool{}}
	c.mapping(root)
	if c.r.findings.HasErrors() {
		return nil, c.r.findings.Sort()
	}
	switch c.m.Format {
	case XML:
		c.xmlHead()
	case CSV:
		c.csvNames()
	}
	c.m.readPaths, c.m.answers, c.m.ranges = sorted(c.read), sorted(c.answers), sorted(c.ranges)
	if c.r.findings.HasErrors() {
		return nil, c.r.findings.Sort()
	}
	return c.m, c.r.findings.Sort()
}

// Answers lists the earlier answers it reads, as role/key; routes need after: for each role.
func (m *Mapping) Answers() []string { return slices.Clone(m.answers) }

// InputPaths lists every input path the mapping reads, absolute, by local names, sorted.
// * stands for any name, ** for any depth.
func (m *Mapping) InputPaths() []string { return slices.Clone(m.readPaths) }
