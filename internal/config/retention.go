package config

import "stellwerk/internal/route"

// Retention is how long the parts of a municipality's submissions of a service are
// kept: what the service says there, then the municipality, then stellwerk.yaml,
// then the route, then the default. It has an answer for what is configured no more,
// too.
func (s *Snapshot) Retention(ags, service string) route.Retention {
	m := s.Municipalities[ags]
	if m != nil && m.Services[service] != nil {
		return m.Services[service].retention(s)
	}
	b := &Binding{Municipality: m, Route: s.Routes[service]}
	return b.retention(s)
}

func (b *Binding) retention(s *Snapshot) route.Retention {
	r := b.Retention
	if b.Municipality != nil {
		r = r.Over(b.Municipality.Retention)
	}
	r = r.Over(s.Hub.Retention)
	if b.Route != nil {
		r = r.Over(b.Route.Retention)
	}
	return r.Over(route.DefaultRetention)
}
