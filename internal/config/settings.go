package config

import (
	"errors"
	"fmt"
	"hash"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v4"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
)

// settings is what a kind reads its configuration from: the profile's keys with the
// system's laid over them. It keeps every complaint with its place, so a kind may
// simply return the error it gets.
type settings struct {
	kind  string
	file  string // the system's
	dir   string // where secrets start
	top   *yaml.Node
	files map[*yaml.Node]string // nodes that stand in the profile
	found Findings
	way   hash.Hash // of what Decode has read
}

// errSettings is what a kind sees of complaints that are already noted.
var errSettings = errors.New("the settings are not in order")

// Decode fills a pointer to a struct with yaml tags.
func (s *settings) Decode(into any) error {
	d := strict.Decoder{
		File:  s.fileOf,
		Thing: "a setting of kind " + s.kind,
		Value: func(v any) error {
			secret, ok := v.(connectors.Secret)
			if !ok {
				return nil
			}
			text, err := reveal(secret, s.dir)
			s.counts(text)
			return err
		},
	}
	s.found = append(s.found, d.Decode(s.top, into)...)
	if s.found.HasErrors() {
		return errSettings
	}
	return nil
}

// reached is the SHA-256 of what a system is reached by: what was read of its settings,
// secrets included, and the settings themselves with the files that they name, such as
// certificates.
func (s *settings) reached(system ...any) (sum [32]byte) {
	s.tree(s.top)
	s.counts(fmt.Append(nil, system...))
	return [32]byte(s.way.Sum(nil))
}

func (s *settings) tree(n *yaml.Node) {
	s.counts([]byte(n.Value))
	for _, c := range n.Content {
		s.tree(c)
	}
	if n.Kind != yaml.ScalarNode || n.Value == "" {
		return
	}
	file := n.Value
	if !filepath.IsAbs(file) {
		file = filepath.Join(s.dir, file)
	}
	if info, err := os.Stat(file); err == nil && info.Mode().IsRegular() && info.Size() <= largest {
		if text, err := os.ReadFile(file); err == nil {
			s.counts(text)
		}
	}
}

// largest is the size up to which a file counts: a certificate is small.
const largest = 1 << 20

// counts takes a text into the sum, marked off from the next one.
func (s *settings) counts(text []byte) {
	fmt.Fprintf(s.way, "%d:%s", len(text), text)
}

func (s *settings) fileOf(n *yaml.Node) string {
	if f, ok := s.files[n]; ok {
		return f
	}
	return s.file
}

// mark notes that a node and all below it stand in another file.
func (s *settings) mark(n *yaml.Node, file string) {
	s.files[n] = file
	for _, c := range n.Content {
		s.mark(c, file)
	}
}
