package config

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// overlay shows the files of over, and those of under that over does not have. A
// file that is there but cannot be read is an error, never the shipped one.
type overlay struct{ over, under fs.FS }

// Open opens a file; a folder is listed from both.
func (o overlay) Open(name string) (fs.File, error) {
	f, err := o.over.Open(name)
	if err == nil || o.under == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	return o.under.Open(name)
}

// ReadFile reads a whole file.
func (o overlay) ReadFile(name string) ([]byte, error) {
	b, err := fs.ReadFile(o.over, name)
	if err == nil || o.under == nil || !errors.Is(err, fs.ErrNotExist) {
		return b, err
	}
	return fs.ReadFile(o.under, name)
}

// ReadDir lists a folder of both, sorted; where both have a name, the upper one's.
func (o overlay) ReadDir(name string) ([]fs.DirEntry, error) {
	a, err := fs.ReadDir(o.over, name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var b []fs.DirEntry
	err2 := error(fs.ErrNotExist)
	if o.under != nil {
		b, err2 = fs.ReadDir(o.under, name)
	}
	if err != nil && err2 != nil {
		return nil, err
	}
	for _, e := range b {
		if !slices.ContainsFunc(a, func(x fs.DirEntry) bool { return x.Name() == e.Name() }) {
			a = append(a, e)
		}
	}
	slices.SortFunc(a, func(x, y fs.DirEntry) int { return strings.Compare(x.Name(), y.Name()) })
	return a, nil
}

// owns reports whether the operator has a file of his own.
func (o overlay) owns(name string) bool {
	_, err := fs.Stat(o.over, name)
	return err == nil
}

// sub is fs.Sub without its error: the names here are constants.
func sub(fsys fs.FS, dir string) fs.FS {
	s, err := fs.Sub(fsys, dir)
	if err != nil {
		panic("config: " + err.Error())
	}
	return s
}

// reason words an error of the file system without repeating the path.
func reason(err error) string {
	var pe *fs.PathError
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "is missing"
	case errors.As(err, &pe):
		return "cannot be read: " + pe.Err.Error()
	}
	return "cannot be read: " + err.Error()
}

// folder is an operator's folder. What is no file is refused before it is opened: a pipe
// would keep its reader waiting for ever.
type folder struct{ dir string }

func (f folder) Open(name string) (fs.File, error) {
	info, err := f.Stat(name)
	if err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		err = &fs.PathError{Op: "open", Path: name, Err: errors.New("it is no regular file")}
	}
	if err != nil {
		return nil, err
	}
	return os.DirFS(f.dir).Open(name)
}

func (f folder) Stat(name string) (fs.FileInfo, error) { return fs.Stat(os.DirFS(f.dir), name) }
