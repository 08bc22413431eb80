package connectors

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Secret is a reference to a secret: "file:secrets/infoma.key" or
// "env:INFOMA_KEY". It never holds the secret itself, and prints as ••• so that
// no log and no table can show where it lies.
type Secret struct{ ref string }

// NewSecret reads a reference. A text without file: or env: is an error: it may
// be the secret itself, so the error does not repeat it.
func NewSecret(ref string) (Secret, error) {
	kind, rest, ok := strings.Cut(ref, ":")
	if !ok || rest == "" || kind != "file" && kind != "env" {
		return Secret{}, errors.New("a secret is a reference: file:<path> or env:<NAME>, never the secret itself")
	}
	return Secret{ref: ref}, nil
}

// UnmarshalText reads the reference from a configuration file.
func (s *Secret) UnmarshalText(text []byte) (err error) {
	*s, err = NewSecret(string(text))
	return err
}

// Empty reports whether no reference was given.
func (s Secret) Empty() bool { return s.ref == "" }

// String hides the reference.
func (s Secret) String() string { return "•••" }

// GoString hides the reference from %#v.
func (s Secret) GoString() string { return "•••" }

// MarshalText hides the reference from every encoder.
func (s Secret) MarshalText() ([]byte, error) { return []byte("•••"), nil }

// Lasts complains of a file that cannot be read again and again: a pipe keeps its reader
// waiting, and has nothing for the second one.
func (s Secret) Lasts(dir string) error {
	kind, file, _ := strings.Cut(s.ref, ":")
	if kind != "file" {
		return nil
	}
	if !filepath.IsAbs(file) {
		file = filepath.Join(dir, file)
	}
	if info, err := os.Stat(file); err == nil && !info.IsDir() && !info.Mode().IsRegular() {
		return fmt.Errorf("read secret: %s is no regular file", file)
	}
	return nil
}

// Reveal reads the secret; relative files start at dir. One trailing line end is
// not part of it.
func (s Secret) Reveal(dir string) ([]byte, error) {
	kind, rest, _ := strings.Cut(s.ref, ":")
	switch kind {
	case "env":
		v, ok := os.LookupEnv(rest)
		if !ok || v == "" {
			return nil, fmt.Errorf("the environment variable %s of a secret is not set", rest)
		}
		return []byte(v), nil
	case "file":
		if !filepath.IsAbs(rest) {
			rest = filepath.Join(dir, rest)
		}
		b, err := os.ReadFile(rest)
		if err != nil {
			return nil, fmt.Errorf("read secret: %w", err)
		}
		b = bytes.TrimSuffix(bytes.TrimSuffix(b, []byte("\n")), []byte("\r"))
		if len(b) == 0 {
			return nil, fmt.Errorf("read secret: %s is empty", rest)
		}
		return b, nil
	}
	return nil, errors.New("no secret was configured")
}
