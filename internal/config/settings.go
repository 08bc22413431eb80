package config

import (
	"errors"

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
}

// errSettings is what a kind sees of complaints that are already noted.
var errSettings = errors.New("the settings are not in order")

// Decode fills a pointer to a struct with yaml tags.
func (s *settings) Decode(into any) error {
	d := strict.Decoder{
		File:  s.fileOf,
		Thing: "a setting of kind " + s.kind,
		Value: func(v any) error {
			if secret, ok := v.(connectors.Secret); ok {
				_, err := secret.Reveal(s.dir)
				return err
			}
			return nil
		},
	}
	s.found = append(s.found, d.Decode(s.top, into)...)
	if s.found.HasErrors() {
		return errSettings
	}
	return nil
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
