package config

import (
	"crypto/ed25519"

	"stellwerk/connectors"
)

// IsHere reports whether other hubs know this one by the name: what has come by it
// has been here before.
func (s *Snapshot) IsHere(name string) bool {
	for _, system := range s.Systems {
		if b, ok := system.Config.(connectors.Bridge); ok && b.Here() == name {
			return true
		}
	}
	return false
}

// Callers are the keys of the calls that a system makes back; none where there is no
// such system, or it does not call.
func (s *Snapshot) Callers(system string) []ed25519.PublicKey {
	if there := s.Systems[system]; there != nil {
		if b, ok := there.Config.(connectors.Bridge); ok {
			return b.Callers()
		}
	}
	return nil
}
