package config

import (
	"errors"
	"io"
	"io/fs"
	"slices"
	"testing"
	"testing/fstest"
)

// locked has files that cannot be read.
type locked struct{ fstest.MapFS }

func (l locked) Open(name string) (fs.File, error) {
	if f := l.MapFS[name]; f != nil && f.Mode&0o400 == 0 {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return l.MapFS.Open(name)
}

func (l locked) ReadFile(name string) ([]byte, error) {
	f, err := l.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

func TestOverlay(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text), Mode: 0o400} }
	o := overlay{
		over:  locked{fstest.MapFS{"s/own.yaml": file("own"), "s/both.yaml": file("own"), "s/locked.yaml": {Data: []byte("own")}}},
		under: fstest.MapFS{"s/shipped.yaml": file("shipped"), "s/both.yaml": file("shipped"), "s/locked.yaml": file("shipped"), "t/x.yaml": file("shipped")},
	}
	for name, want := range map[string]string{"s/own.yaml": "own", "s/both.yaml": "own", "s/shipped.yaml": "shipped", "t/x.yaml": "shipped"} {
		if got, err := fs.ReadFile(o, name); err != nil || string(got) != want {
			t.Errorf("%s is %q, %v", name, got, err)
		}
	}
	if got, err := fs.ReadFile(o, "s/locked.yaml"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that cannot be read is %q, %v", got, err)
	}
	if f, err := o.Open("s/locked.yaml"); !errors.Is(err, fs.ErrPermission) {
		t.Errorf("a file that cannot be read opens: %v, %v", f, err)
	}
	if _, err := fs.ReadFile(o, "s/nothing.yaml"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	var names []string
	entries, err := fs.ReadDir(o, "s")
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if err != nil || !slices.Equal(names, []string{"both.yaml", "locked.yaml", "own.yaml", "shipped.yaml"}) {
		t.Errorf("folder %v, %v", names, err)
	}
	if _, err := fs.ReadDir(o, "nothing"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}
