// Package route reads route.yaml: for one service, what a portal may push, which
// deliveries follow, to which roles, when, and after what. It knows roles, never
// systems, and it sends nothing.
//
//	service: hundeanmeldung            # the folder's name
//	revision: 1
//	title: Hund anmelden               # German, as portals show it
//	description: …
//	leika: "99…"                       # 14 digits; left out where nobody has one
//	inputs: [{xml: x.xsd, version: "1", from: 2026-01-01, until: 2027-01-01}, {json: x.schema.json}]
//	consent: required                  # or not-needed
//	consent-wording: {version: "1", text: …}
//	retention: {payload: 30 days after settled}      # see Retention
//	keys: {chip: hund/chip}            # what people search and erase by: everybody's name that stands in it
//	order-by: hund/chip                # same value: delivered in order of receipt
//	answers: {kassenzeichen: finance/kassenzeichen}
//	                                   # what a portal is told of what systems answer, as
//	                                   # name: role/key; nothing else ever leaves
//	each: hund                         # let and when are asked for each; one yes is enough
//	let: {…}                           # as in mappings
//	deliveries:
//	  - {to: records}
//	  - {to: finance, after: [records]}
//	  - {to: public-order, when: listed or large}
//	  - {to: citizen, after: [finance], optional: true}
//	examples: [{name: labrador, title: …, file: examples/labrador.xml}]
//	                                   # version: for another input than the newest
//
// A bundle of several services is a file of its own beside their folders: the questions
// that decide which of its parts apply. Its format stands in routes/umzugsmappe.yaml.
//
// Versions of an input may be taken side by side for a while: from and until are days
// in Germany, until being the first on which it is refused. A portal that names no
// version gets the newest that is taken.
package route

import (
	"slices"
	"time"

	"github.com/beevik/etree"

	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
)

// Route is one checked route.yaml. It is immutable and safe for concurrent use.
type Route struct {
	Service         string
	Title           string // German, as portals show it
	Description     string // German, for the catalogue
	Leika           string // Leistungsschlüssel, 14 digits; empty where nobody has one
	Revision        int
	Path            string // of the file below routes/
	Inputs          []Input
	ConsentRequired bool
	Consent         Wording
	Retention       Retention // as far as the route says; DefaultRetention for the rest
	Keys            []Key     // sorted by name
	OrderBy         string    // path; empty: submissions do not wait for each other
	Answers         []Answer  // sorted by name; others are not told to portals
	Deliveries      []Delivery
	Examples        []Example

	paths map[string]path // of keys and order-by, as written
	rules []*mapping.Mapping
}

// Wording is the text that the citizen consents to.
type Wording struct {
	Version string
	Text    string // German
}

// Input is one form in which the service is pushed. Several versions of a format
// may be taken side by side.
type Input struct {
	Format     string    // "xml" or "json"
	Version    string    // as portals name it; "1" where the file says nothing
	SchemaFile string    // path below routes/
	SchemaText []byte    // of SchemaFile, for portals to fetch
	From       time.Time // taken from then on; zero: since ever
	Until      time.Time // not taken from then on; zero: without end
	Schema     Schema
}

// Key is what people search a submission by.
type Key struct {
	Name string
	Path string
}

// Answer is something that a system answers and the portal is told.
type Answer struct {
	Name   string // as portals read it
	Role   string // whose delivery brings it
	Key    string // as the system's kind calls it
	Line   int    // in route.yaml
	Column int
}

// Delivery is one line of the route.
type Delivery struct {
	To       string   // role; no two lines have the same
	After    []string // roles whose deliveries must have settled
	Optional bool     // left out where the municipality has no system for the role
	When     string   // expression as written; empty: always
	Line     int      // in route.yaml
	Column   int
}

// Example is a complete submission that portals and the demo may use.
type Example struct {
	Name    string
	Title   string // German
	Format  string // "xml" or "json"
	Version string // of the input it is for
	Path    string // below routes/
	Body    []byte
}

// Input gives the newest input of a format that is taken at the time.
func (r *Route) Input(format string, at time.Time) (*Input, bool) {
	var best *Input
	for i := range r.Inputs {
		in := &r.Inputs[i]
		if in.Format == format && in.Taken(at) && (best == nil || !in.From.Before(best.From)) {
			best = in
		}
	}
	return best, best != nil
}

// Version gives the named version of a format if it is taken at the time.
func (r *Route) Version(format, version string, at time.Time) (*Input, bool) {
	for i := range r.Inputs {
		if in := &r.Inputs[i]; in.Format == format && in.Version == version && in.Taken(at) {
			return in, true
		}
	}
	return nil, false
}

// Admits tells whether a document of one of the inputs may have something at a path of
// steps below its root; see gate.Schema.
func (r *Route) Admits(steps []string) bool {
	return len(r.Inputs) == 0 || slices.ContainsFunc(r.Inputs, func(in Input) bool { return in.Schema.Admits(steps) })
}

// Taken reports whether the input is taken at the time.
func (in *Input) Taken(at time.Time) bool {
	return !at.Before(in.From) && (in.Until.IsZero() || at.Before(in.Until))
}

// Plan gives the indices of the deliveries whose when holds. An error is a
// *mapping.Hold: the submission waits for a person.
func (r *Route) Plan(root *etree.Element, env *mapping.Env) ([]int, error) {
	var due []int
	for i := range r.Deliveries {
		if r.rules[i] != nil {
			doc, err := r.rules[i].Apply(root, env)
			if err != nil {
				return nil, err
			}
			if doc.Records == 0 {
				continue
			}
		}
		due = append(due, i)
	}
	return due, nil
}

// KeyValues gives the values of every key, by name, in document order: two dogs
// have two chips. A key without a value is left out.
func (r *Route) KeyValues(root *etree.Element) map[string][]string {
	out := map[string][]string{}
	for _, k := range r.Keys {
		if v := r.paths[k.Path].values(root); len(v) > 0 {
			out[k.Name] = v
		}
	}
	return out
}

// OrderValue gives the first value of order-by in document order; empty where the
// route has none or the submission lacks it.
func (r *Route) OrderValue(root *etree.Element) string {
	if r.OrderBy == "" {
		return ""
	}
	if v := r.paths[r.OrderBy].values(root); len(v) > 0 {
		return v[0]
	}
	return ""
}

// Authority is the role of the one delivery of a service that is handed on.
const Authority = hub.RoleAuthority

// HandedOn is the route of a service that another hub decides for: what is pushed is
// the same, and all of it goes there.
func (r *Route) HandedOn() *Route {
	to := *r
	to.Deliveries, to.rules = []Delivery{{To: Authority, Line: 1, Column: 1}}, make([]*mapping.Mapping, 1)
	to.Answers = make([]Answer, len(r.Answers))
	for i, a := range r.Answers { // the other hub tells them by the names that portals read
		to.Answers[i] = Answer{Name: a.Name, Role: Authority, Key: a.Name}
	}
	return &to
}

// Files lists every file of the route, below routes/.
func (r *Route) Files() []string {
	out := []string{r.Path}
	for _, in := range r.Inputs {
		out = append(out, in.SchemaFile)
	}
	for _, e := range r.Examples {
		out = append(out, e.Path)
	}
	slices.Sort(out)
	return slices.Compact(out)
}
