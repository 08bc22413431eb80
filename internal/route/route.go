// Package route reads route.yaml: for one service, what a portal may push, which
// deliveries follow, to which roles, when, and after what. It knows roles, never
// systems, and it sends nothing.
package route

import (
	"time"

	"github.com/beevik/etree"

	"stellwerk/internal/mapping"
)

// Route is one checked route.yaml. It is immutable and safe for concurrent use.
type Route struct {
	Service         string
	Title           string // German, as portals show it
	Description     string // German, one or two sentences for the catalogue
	Leika           string // Leistungsschlüssel; empty where nobody has one
	Revision        int
	Path            string // of the file, for findings
	Inputs          []Input
	ConsentRequired bool
	Keys            []Key
	OrderBy         string // path; submissions with the same value are delivered in order of receipt
	Deliveries      []Delivery
	Examples        []Example
}

// Input is one form in which the service is pushed. Several versions of a format
// may be taken side by side.
type Input struct {
	Format     string    // "xml" or "json"
	Version    string    // as portals name it; "1" where the file says nothing
	SchemaFile string    // path below routes/
	SchemaText []byte    // of SchemaFile, as portals may fetch it
	From       time.Time // taken from then on; zero: since ever
	Until      time.Time // not taken from then on; zero: without end
	Schema     Schema
}

// Key is what people search a submission by.
type Key struct {
	Name string
	Path string
}

// Delivery is one line of the route.
type Delivery struct {
	To       string   // role
	Document string   // mapping's name where it is neither the system's nor the role's; mostly empty
	After    []string // roles that must be settled first
	Optional bool     // left out where the municipality has no system for the role
	When     string   // expression as written; empty: always
	Line     int      // in route.yaml
}

// Example is a complete submission that portals and the demo may use.
type Example struct {
	Name   string
	Title  string // German
	Format string // "xml" or "json"
	Path   string // below routes/
	Body   []byte
}

// Input gives the newest input of a format that is taken at the time.
func (r *Route) Input(format string, at time.Time) (*Input, bool) { return nil, false }

// Version gives the named version of a format if it is taken at the time.
func (r *Route) Version(format, version string, at time.Time) (*Input, bool) { return nil, false }

// Plan gives the indices of the deliveries whose when holds. An error is a
// *mapping.Hold: the submission waits for a person.
func (r *Route) Plan(root *etree.Element, env *mapping.Env) ([]int, error) { return nil, nil }

// KeyValues gives the values of every key, by name; a key may have several (two
// dogs, two chips).
func (r *Route) KeyValues(root *etree.Element) map[string][]string { return nil }

// OrderValue gives the first value of order-by in document order; empty where the
// route has none or the submission lacks it.
func (r *Route) OrderValue(root *etree.Element) string { return "" }

// Schema is a compiled schema of internal/gate.
type Schema = any
