package config

import (
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// Offer is a shipped service with what a municipality needs to offer it.
type Offer struct {
	Route *route.Route
	Roles []OfferRole // in the route's order
}

// OfferRole is one delivery of a service as a municipality has to provide for it.
type OfferRole struct {
	Name      string
	Optional  bool
	When      string              // as in the route
	Documents []string            // mappings that fit it: the role's own first, then its other formats
	Local     map[string][]string // ordinances by document, sorted
}

// Ordinances are the local laws that the role's own document asks for.
func (r OfferRole) Ordinances() []string {
	if len(r.Documents) == 0 {
		return nil
	}
	return r.Local[r.Documents[0]]
}

// Offers lists the shipped services, by name.
func Offers(src Source) ([]Offer, error) {
	entries, err := fs.ReadDir(src.Routes, ".")
	if err != nil {
		return nil, fmt.Errorf("list the shipped services: %w", err)
	}
	var out []Offer
	var roles []string // of all services
	for _, e := range entries {
		if !e.IsDir() {
			continue
		}
		r, found := route.Load(src.Routes, e.Name(), resolver(src.Mappings))
		if r == nil {
			return nil, found.Err()
		}
		for _, d := range r.Deliveries {
			roles = append(roles, d.To)
		}
		out = append(out, Offer{Route: r})
	}
	for i := range out {
		r := out[i].Route
		for j := range r.Deliveries {
			role, err := offerRole(src.Mappings, r, &r.Deliveries[j], roles)
			if err != nil {
				return nil, err
			}
			out[i].Roles = append(out[i].Roles, role)
		}
	}
	return out, nil
}

func offerRole(mappings fs.FS, r *route.Route, d *route.Delivery, roles []string) (OfferRole, error) {
	role := OfferRole{Name: d.To, Optional: d.Optional, When: d.When, Local: map[string][]string{}}
	entries, err := fs.ReadDir(mappings, r.Service)
	if err != nil {
		return role, fmt.Errorf("list the mappings of %s: %w", r.Service, err)
	}
	for _, e := range entries {
		document, ok := strings.CutSuffix(e.Name(), ".yaml")
		// A document that is named after another role is that role's: waste-csv is for waste.
		other := slices.ContainsFunc(roles, func(x string) bool {
			return x != d.To && (document == x || strings.HasPrefix(document, x+"-")) && !strings.HasPrefix(document, d.To+"-") && document != d.To
		})
		if !ok || other {
			continue
		}
		m, found := mapping.Load(mappings, path.Join(r.Service, e.Name()), resolver(mappings))
		if m == nil {
			return role, found.Err()
		}
		role.Documents = append(role.Documents, document)
		role.Local[document] = m.Ordinances()
	}
	if i := slices.Index(role.Documents, d.To); i > 0 {
		role.Documents = slices.Insert(slices.Delete(role.Documents, i, i+1), 0, d.To)
	}
	return role, nil
}
