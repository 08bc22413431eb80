package config

import (
	"crypto/ed25519"
	"net/netip"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// Snapshot is everything the operator and the shipped files say, checked and
// immutable. A reload makes a new one; whoever holds the old one keeps it.
type Snapshot struct {
	Revision       string // of all files together: the first 12 hex digits of their SHA-256
	Dir            string // the operator's folder
	Hub            Hub
	Municipalities map[string]*Municipality // by AGS
	Portals        map[string]*Portal       // by name
	Operators      map[string]*Operator     // by name
	Systems        map[string]*System       // by name
	Routes         map[string]*route.Route  // by service
	Bundles        map[string]*route.Bundle // by name

	mappings, routes overlay // what is shipped, below what is the operator's
}

// Municipality is a tenant.
type Municipality struct {
	AGS        string
	ARS        string // Regionalschlüssel; empty where the file does not say
	Name       string
	Systems    map[string]*System // by role
	Ordinances map[string]*mapping.Ordinance
	Ranges     map[string]Range    // of numbers that it assigns, by name
	Services   map[string]*Binding // by service
	Retention  route.Retention     // for all its services, as far as it says
	Hub        *System             // leads to the hub that this authority works with; nil: it works with this one
}

// Range are the numbers from First to Last.
type Range struct {
	First int64 `yaml:"first" json:"first"`
	Last  int64 `yaml:"last,required" json:"last"`
}

// Binding is a service as one municipality offers it: the route with this
// municipality's systems, mappings and ordinances, resolved and checked.
type Binding struct {
	Municipality *Municipality // that offers it
	Competent    *Municipality // that decides it: its systems and ordinances are used; mostly the same
	Route        *route.Route
	Deliveries   []Delivery      // one for each delivery of the route, in its order
	Retention    route.Retention // for this service here, as far as it says
}

// Delivery is a route's delivery with what this municipality has for it. System
// is nil where the route's delivery is optional and the municipality has no
// system for the role: it is left out then.
type Delivery struct {
	Route   *route.Delivery
	System  *System
	Mapping *mapping.Mapping
	Own     bool // the mapping is the operator's file, not the shipped one
}

// Portal is a client that may submit.
type Portal struct {
	Name           string
	Title          string
	Keys           []Key
	Municipalities []string  // AGS; empty means none
	Services       []string  // empty means all
	Operator       bool      // counter staff: submissions come in by channel "counter"
	Callback       *System   // by which it is told that a case's status is news; nil: it is not told
	Hub            *OtherHub // another Stellwerk: submissions come in by channel "hub"; else nil
}

// OtherHub is a hub that hands submissions on to this one, with what it knows of the
// citizen's account in a signed envelope.
type OtherHub struct {
	Issuer   string              // its name, as it signs
	Keys     []ed25519.PublicKey // of which one must have signed; two while it exchanges them
	Required bool                // nothing is taken without an envelope
}

// Operator may use the admin API.
type Operator struct {
	Name string
	Keys []Key
}

// Key is a credential as it is kept: hashed.
type Key struct {
	SHA256 [32]byte  // of the whole key text
	Until  time.Time // zero: without end
}

// Hub is the operator's stellwerk.yaml.
type Hub struct {
	Node     string // name of this process in leases and attempts; the host's name where empty
	Listen   Listen
	Data     string            // folder of the journal and the attachments
	Key      connectors.Secret // the operator's keyring
	Limits   Limits
	Timeouts Timeouts
	Flow     Flow
	Log      Log
	Tracing  Tracing
	// Retention is for all municipalities, as far as it says; it goes before the routes.
	Retention route.Retention
}

// Listen says where the hub is reached.
type Listen struct {
	Portals string // the portals' API
	Admin   string // console, admin API, metrics
	TLS     *TLS   // for both; nil only behind a proxy or on loopback
	Proxy   bool   // a proxy in front speaks TLS with the world
	Public  string // base address portals see, for Location and the API description
}

// TLS names the certificate files.
type TLS struct {
	Certificate string
	Key         connectors.Secret
}

// Limits bound what a portal may push.
type Limits struct {
	Payload     int64 // bytes; 10 MB
	Attachment  int64 // bytes each; 200 MB
	Attachments int   // 100
	Total       int64 // bytes of a request; 2 GB
	Requests    int   // at once, over all portals; 512
}

// Timeouts bound a request.
type Timeouts struct {
	Header, Read, Write, Idle, Stop time.Duration // 5s, 5m, 5m, 2m, 10s
}

// Flow sizes the workers.
type Flow struct {
	Workers int           // submissions worked on at once; four for each processor, at least 8
	Lease   time.Duration // of a claimed delivery; 2m
	Scan    time.Duration // between two looks for what no doorbell announced; 5s
}

// Log says what is logged.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // json or text
}

// Tracing says where traces go; off where the endpoint is empty.
type Tracing struct {
	Endpoint string
	Sample   float64 // 0 to 1
}

// System is one installation of a backend.
type System struct {
	Name     string
	Kind     string
	Profile  string
	Document string // the mapping it wants: mappings/<service>/<document>.yaml; the role's name where empty
	Config   connectors.Config
	Way      [32]byte       // SHA-256 of what it is reached by: its kind's settings with the secrets and files they name, allow, retry
	Allow    []netip.Prefix // addresses it may be reached at
	Retry    Retry
	Breaker  Breaker
	Limits   SystemLimits
	Windows  []Window
}

// Retry is the schedule of a delivery that was certainly not taken.
type Retry struct {
	Schedule    []time.Duration // before the second, third, … attempt
	Then        time.Duration   // after the schedule's end
	GiveUpAfter time.Duration   // counted from the first attempt; parked as exhausted then
}

// Breaker is the circuit breaker in front of a system.
type Breaker struct {
	OpenAfter     int           // faults in a row
	HalfOpenAfter time.Duration // until one attempt is let through
}

// SystemLimits respect a system's pace.
type SystemLimits struct {
	Concurrency int
	Rate        float64       // attempts a second; 0: without limit
	Timeout     time.Duration // of one attempt
}
