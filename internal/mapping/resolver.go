package mapping

import "io/fs"

// Check judges a finished document: nil, or why it may not leave.
type Check func(document []byte) error

// Resolver finds what a mapping file names. from is the path of the file that
// names it. A missing thing is fs.ErrNotExist. Findings of a file that is there
// but broken are returned as a Findings error, see FindingsError.
type Resolver interface {
	// CodeList finds a list by its name in mapping files, e.g. hunderassen.
	CodeList(from, name string) (*CodeList, error)
	// Layout finds a layout by its path.
	Layout(from, name string) (*Layout, error)
	// Schema compiles an XSD or a JSON Schema into a check, by its path.
	Schema(from, name string) (Check, error)
}

// Files is the Resolver over a folder. Paths are tried beside the naming file
// first, then from the root of FS. Code lists are searched as NAME.yaml, NAME.xml
// and NAME.gc in codelists/ beside the file, in each folder above it, and in the root.
type Files struct {
	FS fs.FS
	// Compile makes the check of a schema file; nil: a mapping that names a schema
	// is refused at load.
	Compile func(fsys fs.FS, path string) (Check, error)
}
