package mapping

import (
	"errors"
	"io/fs"
	"path"
	"strings"
)

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

// Files is the Resolver over a folder. Paths are tried beside the naming file first,
// then in each folder above it up to the root of FS; code lists likewise, as NAME.yaml,
// NAME.xml or NAME.gc in a folder codelists.
type Files struct {
	FS fs.FS
	// Compile makes the check of a schema file; nil: a mapping that names a schema
	// is refused at load.
	Compile func(fsys fs.FS, path string) (Check, error)
}

// FindingsError carries the findings of a file that another one names.
type FindingsError struct{ Findings Findings }

// Error joins the findings.
func (e *FindingsError) Error() string {
	if err := e.Findings.Err(); err != nil {
		return err.Error()
	}
	return "no errors"
}

// CodeList implements Resolver.
func (f Files) CodeList(from, name string) (*CodeList, error) {
	if !fs.ValidPath(name) {
		return nil, fs.ErrNotExist
	}
	for dir := path.Dir(from); ; dir = path.Dir(dir) {
		for _, ext := range []string{".yaml", ".xml", ".gc"} {
			file := path.Join(dir, "codelists", name+ext)
			if !f.has(file) {
				continue
			}
			l, findings := LoadCodeList(f.FS, file)
			if l == nil {
				return nil, &FindingsError{findings}
			}
			return l, nil
		}
		if dir == "." || dir == "/" {
			return nil, fs.ErrNotExist
		}
	}
}

func (f Files) has(file string) bool {
	if !fs.ValidPath(file) {
		return false
	}
	info, err := fs.Stat(f.FS, file)
	return err == nil && !info.IsDir()
}

// find looks for a path beside the naming file, in the folders above it, and in the root.
func (f Files) find(from, name string) (string, error) {
	for dir := path.Dir(from); ; dir = path.Dir(dir) {
		if file := path.Join(dir, name); !strings.HasPrefix(name, "/") && f.has(file) {
			return file, nil
		}
		if dir == "." || dir == "/" {
			return "", fs.ErrNotExist
		}
	}
}

// Layout implements Resolver.
func (f Files) Layout(from, name string) (*Layout, error) {
	file, err := f.find(from, name)
	if err != nil {
		return nil, err
	}
	l, findings := LoadLayout(f.FS, file)
	if l == nil {
		return nil, &FindingsError{findings}
	}
	return l, nil
}

// Schema implements Resolver.
func (f Files) Schema(from, name string) (Check, error) {
	file, err := f.find(from, name)
	if err != nil {
		return nil, err
	}
	if f.Compile == nil {
		return nil, errors.New("schemas cannot be checked here")
	}
	return f.Compile(f.FS, file)
}

// nowhere has nothing.
type nowhere struct{}

func (nowhere) CodeList(string, string) (*CodeList, error) { return nil, fs.ErrNotExist }
func (nowhere) Layout(string, string) (*Layout, error)     { return nil, fs.ErrNotExist }
func (nowhere) Schema(string, string) (Check, error)       { return nil, fs.ErrNotExist }
