package config

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

// The first part of a key's text: who it is for.
const (
	portalKey   = "swp"
	operatorKey = "swo"
)

// names are what portals, operators and systems may be called: they stand in
// keys, file names, metrics and web addresses.
var names = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$`)

type keyYAML struct {
	SHA256 string `yaml:"sha256,required"`
	Until  string `yaml:"until"`
}

type portalYAML struct {
	Title          string         `yaml:"title,required"`
	Keys           []keyYAML      `yaml:"keys,required"`
	Municipalities []string       `yaml:"municipalities"`
	Services       []string       `yaml:"services"`
	Counter        bool           `yaml:"counter"`
	Callback       string         `yaml:"callback"`
	Hub            *hubPortalYAML `yaml:"hub"`
}

// hubPortalYAML makes a portal another Stellwerk, which hands on what citizens have
// given to it.
type hubPortalYAML struct {
	Issuer   string   `yaml:"issuer,required"` // its name, as it signs
	Keys     []string `yaml:"keys,required"`   // whpk_…
	Envelope string   `yaml:"envelope"`        // required or optional
}

var issuerForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

type operatorYAML struct {
	Keys []keyYAML `yaml:"keys,required"`
}

func (l *loader) portals() {
	l.snap.Portals, l.callbacks = map[string]*Portal{}, map[string]string{}
	l.keySeen = map[[32]byte]string{}
	for _, name := range l.list("portals") {
		file := path.Join("portals", name+".yaml")
		var y portalYAML
		if !l.name(file, name) || !l.read(file, "a setting of a portal", &y) {
			continue
		}
		if y.Services != nil && len(y.Services) == 0 {
			l.at(file, "services", "services is empty", "remove the key to allow all")
		}
		if len(y.Municipalities) == 0 {
			l.warnKey(file, "municipalities", "the portal may submit to no municipality", "list their keys under municipalities")
		}
		l.snap.Portals[name] = &Portal{
			Name: name, Title: y.Title, Municipalities: y.Municipalities, Services: y.Services, Operator: y.Counter,
			Keys: l.keys(file, y.Keys), Hub: l.otherHub(file, &y),
		}
		l.callbacks[name] = y.Callback
	}
}

// otherHub checks what a portal file says of a hub behind it.
func (l *loader) otherHub(file string, y *portalYAML) *OtherHub {
	if y.Hub == nil {
		return nil
	}
	h := &OtherHub{Issuer: y.Hub.Issuer, Required: y.Hub.Envelope != "optional"}
	if y.Counter {
		l.atKey(file, "hub", "a portal is a counter or another hub, not both", "give each its own file")
	}
	if y.Hub.Issuer != "" && !issuerForm.MatchString(y.Hub.Issuer) {
		l.at(file, "hub.issuer", "hub.issuer: "+y.Hub.Issuer+" is not a hub's name", "it is the issuer in the other hub's system file")
	}
	if y.Hub.Envelope != "" {
		l.oneOf(file, "hub.envelope", y.Hub.Envelope, "required", "optional")
	}
	for i, text := range y.Hub.Keys {
		at := fmt.Sprintf("hub.keys[%d]", i)
		if strings.HasPrefix(text, connectors.PrivatePrefix) {
			l.at(file, at, at+" is a private key, readable by everyone who reads this file", "make a new pair, and write its public half here: whpk_…")
			continue
		}
		key, err := connectors.ParsePublicKey(text)
		if err != nil {
			l.at(file, at, at+": "+err.Error(), "")
			continue
		}
		h.Keys = append(h.Keys, key)
	}
	if len(y.Hub.Keys) > 2 {
		l.atKey(file, "hub.keys", "more than two keys are valid at once", "two serve to change from one to the other")
	}
	return h
}

func (l *loader) operators() {
	l.snap.Operators = map[string]*Operator{}
	for _, name := range l.list("operators") {
		file := path.Join("operators", name+".yaml")
		var y operatorYAML
		if l.name(file, name) && l.read(file, "a setting of an operator", &y) {
			l.snap.Operators[name] = &Operator{Name: name, Keys: l.keys(file, y.Keys)}
		}
	}
}

func (l *loader) name(file, name string) bool {
	if names.MatchString(name) {
		return true
	}
	l.complain(Finding{File: file, Message: name + " is not a name", Suggestion: "use small letters, digits and hyphens"})
	return false
}

// keys reads hashed credentials. Two are valid at once while one replaces the
// other; a third is most likely forgotten.
func (l *loader) keys(file string, in []keyYAML) []Key {
	var out []Key
	valid := 0
	for i, k := range in {
		at := fmt.Sprintf("keys[%d]", i)
		var key Key
		sum, err := hex.DecodeString(k.SHA256)
		switch {
		case strings.HasPrefix(k.SHA256, portalKey+"_") || strings.HasPrefix(k.SHA256, operatorKey+"_"):
			l.at(file, at+".sha256", at+".sha256 is a key itself, readable by everyone who reads this file",
				"make a new key, and write its SHA-256 here")
			continue
		case err != nil || len(sum) != 32:
			l.at(file, at+".sha256", at+".sha256 is not a SHA-256 in 64 hex digits", "")
			continue
		}
		key.SHA256 = [32]byte(sum)
		if k.Until != "" {
			if key.Until, err = moment(k.Until); err != nil {
				l.at(file, at+".until", at+".until: "+err.Error(), "")
			}
		}
		if other, ok := l.keySeen[key.SHA256]; ok {
			l.at(file, at+".sha256", at+".sha256 is the same as in "+other, "give each its own key")
		}
		l.keySeen[key.SHA256] = file
		if key.Until.IsZero() || l.src.Now().Before(key.Until) {
			valid++
		}
		out = append(out, key)
	}
	switch {
	case len(in) == 0:
		l.warnKey(file, "keys", "there is no key, so nobody comes in by this file", "add one")
	case len(out) == len(in) && valid == 0:
		l.warnKey(file, "keys", "every key has run out", "add one")
	case valid > 2:
		l.atKey(file, "keys", "more than two keys are valid at once", "two serve to change from one to the other; give the older ones an until")
	}
	return out
}

// moment reads a date, which means its beginning in Germany, or an RFC 3339 time.
func moment(text string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339, text); err == nil {
		return t, nil
	}
	t, err := time.ParseInLocation(time.DateOnly, text, berlin())
	if err != nil {
		return time.Time{}, fmt.Errorf("%q is not a date: write 2026-12-31 or 2026-12-31T12:00:00+01:00", text)
	}
	return t, nil
}

// scopes checks that portals name what is there.
func (l *loader) scopes() {
	for name, p := range l.snap.Portals {
		file := path.Join("portals", name+".yaml")
		for i, ags := range p.Municipalities {
			if l.snap.Municipalities[ags] == nil && !l.broken[ags] {
				l.at(file, fmt.Sprintf("municipalities[%d]", i), ags+" is not a municipality of this folder",
					strict.Suggest(ags, l.allAGS()))
			}
		}
		for i, s := range p.Services {
			at := fmt.Sprintf("services[%d]", i)
			switch {
			case !slices.Contains(l.services, s):
				l.at(file, at, s+" is not a service", strict.Suggest(s, l.services))
			case !l.offered(p.Municipalities, s):
				l.mark(file, at, strict.At, mapping.Warning, "none of the portal's municipalities offers "+s, "add it to the services of a municipality")
			}
		}
		p.Callback = l.callback(file, l.callbacks[name])
	}
}

// offered reports whether one of the municipalities offers a service, or may: its
// file, or the service's, could not be read.
func (l *loader) offered(municipalities []string, service string) bool {
	return l.snap.Routes[service] == nil || slices.ContainsFunc(municipalities, func(ags string) bool {
		m := l.snap.Municipalities[ags]
		return m == nil || m.Services[service] != nil
	})
}

// signing is the kind that callbacks go by: a portal must be able to tell them from
// a stranger's.
const signing = "webhook"

// callback finds the system by which a portal is called back.
func (l *loader) callback(file, name string) *System {
	if name == "" {
		return nil
	}
	system := l.snap.Systems[name]
	switch {
	case l.broken[name]: // it is complained about already
	case system == nil:
		l.at(file, "callback", name+" is not a system", strict.Suggest(name, slices.Collect(maps.Keys(l.snap.Systems))))
	case system.Kind != signing:
		l.at(file, "callback", name+" is of kind "+system.Kind+", whose calls are not signed", "callbacks go to a system of kind "+signing)
	}
	return system
}

// Allows reports whether the portal may submit this service to this municipality.
func (p *Portal) Allows(ags, service string) bool {
	return slices.Contains(p.Municipalities, ags) && (len(p.Services) == 0 || slices.Contains(p.Services, service))
}

// PortalByKey finds the portal that a key belongs to. It takes the same time for a
// wrong key as for a right one; which portals there are is no secret, and neither
// is the name in the key.
func (s *Snapshot) PortalByKey(key string, now time.Time) (*Portal, bool) {
	p := s.Portals[owner(portalKey, key)]
	if p == nil {
		matches(nil, key, now)
		return nil, false
	}
	if !matches(p.Keys, key, now) {
		return nil, false
	}
	return p, true
}

// OperatorByKey finds the operator that a key belongs to.
func (s *Snapshot) OperatorByKey(key string, now time.Time) (*Operator, bool) {
	o := s.Operators[owner(operatorKey, key)]
	if o == nil {
		matches(nil, key, now)
		return nil, false
	}
	if !matches(o.Keys, key, now) {
		return nil, false
	}
	return o, true
}

// owner is the name in a key: swp_<name>_<random>.
func owner(kind, key string) string {
	rest, ok := strings.CutPrefix(key, kind+"_")
	name, random, found := strings.Cut(rest, "_")
	if !ok || !found || random == "" {
		return ""
	}
	return name
}

func matches(keys []Key, key string, now time.Time) bool {
	sum, hit := sha256.Sum256([]byte(key)), 0
	for _, k := range keys {
		if k.Until.IsZero() || now.Before(k.Until) {
			hit |= subtle.ConstantTimeCompare(sum[:], k.SHA256[:])
		}
	}
	return hit == 1
}

// NewPortalKey makes a key for a portal: the text for the portal, shown once, and
// the hash for its file.
func NewPortalKey(portal string) (text, hash string) { return newKey(portalKey, portal) }

// NewOperatorKey makes a key for an operator.
func NewOperatorKey(operator string) (text, hash string) { return newKey(operatorKey, operator) }

func newKey(kind, name string) (text, hash string) {
	b := make([]byte, 32)
	if _, err := rand.Read(b); err != nil {
		panic("config: the system has no randomness: " + err.Error())
	}
	text = kind + "_" + name + "_" + base64.RawURLEncoding.EncodeToString(b)
	sum := sha256.Sum256([]byte(text))
	return text, hex.EncodeToString(sum[:])
}
