package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// fileTree is a machine's files as schemas refer to each other in them: by paths
// that may lead up as well as down.
type fileTree struct {
	root string
	fs   fs.FS
}

// wholeMachine is the tree that holds an absolute path.
func wholeMachine(file string) fileTree {
	root := filepath.VolumeName(file) + string(filepath.Separator)
	return fileTree{root: root, fs: os.DirFS(root)}
}

// name is an absolute path as the tree names it.
func (t fileTree) name(file string) string {
	return filepath.ToSlash(strings.TrimPrefix(file, t.root))
}

// shown is a tree's name as people see it: from the working folder where that is
// shorter.
func (t fileTree) shown(name string) string {
	file := t.root + filepath.FromSlash(name)
	if wd, err := os.Getwd(); err == nil {
		if rel, err := filepath.Rel(wd, file); err == nil && len(rel) < len(file) {
			return rel
		}
	}
	return file
}
