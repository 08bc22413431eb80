package config

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

type municipalityYAML struct {
	AGS        string                 `yaml:"ags"`
	ARS        string                 `yaml:"ars"`
	Name       string                 `yaml:"name,required"`
	Systems    map[string]string      `yaml:"systems"`
	Ordinances map[string]string      `yaml:"ordinances"`
	Ranges     map[string]Range       `yaml:"number-ranges"`
	Services   map[string]serviceYAML `yaml:"services"`
	Hub        string                 `yaml:"hub"`
	Retention  route.Retention        `yaml:"retention"`
}

type serviceYAML struct {
	Competent string          `yaml:"competent"`
	Retention route.Retention `yaml:"retention"`
}

// tenant is a municipality with its file.
type tenant struct {
	file string
	yaml municipalityYAML
	is   *Municipality
}

var (
	agsForm = regexp.MustCompile(`^(0[1-9]|1[0-6])[0-9]{3}([0-9]{3})?$`)
	arsForm = regexp.MustCompile(`^(0[1-9]|1[0-6])[0-9]{3}([0-9]{7})?$`)
)

func (l *loader) municipalities() {
	l.snap.Municipalities = map[string]*Municipality{}
	l.tables = map[string]*mapping.Ordinance{}
	for _, ags := range l.list("municipalities") {
		file := path.Join("municipalities", ags+".yaml")
		if !agsForm.MatchString(ags) {
			l.complain(Finding{File: file, Message: "a municipality's file is named by its AGS: five digits for a Kreis, eight for a town",
				Suggestion: "such as 05974040.yaml"})
			continue
		}
		t := tenant{file: file}
		if !l.read(file, "a setting of a municipality", &t.yaml) {
			l.broken[ags] = true
			continue
		}
		if t.yaml.AGS != "" && t.yaml.AGS != ags {
			l.at(file, "ags", "ags is "+t.yaml.AGS+", but the file is named "+ags+".yaml", "rename the file or remove the key")
		}
		l.ars(file, ags, t.yaml.ARS)
		t.is = &Municipality{
			AGS: ags, ARS: t.yaml.ARS, Name: t.yaml.Name,
			Systems: map[string]*System{}, Ordinances: map[string]*mapping.Ordinance{}, Ranges: map[string]Range{}, Services: map[string]*Binding{},
			Retention: t.yaml.Retention,
		}
		l.roles(&t)
		l.handsOn(&t)
		l.ordinances(&t)
		l.ranges(&t)
		l.snap.Municipalities[ags] = t.is
		l.tenants = append(l.tenants, t)
	}
	if len(l.tenants) == 0 && len(l.broken) == 0 {
		l.complain(Finding{File: "municipalities", Severity: mapping.Warning, Message: "there is no municipality",
			Suggestion: "add municipalities/<AGS>.yaml"})
	}
}

// ars checks that the Regionalschlüssel belongs to the AGS: it inserts four digits
// before the last three.
func (l *loader) ars(file, ags, ars string) {
	switch {
	case ars == "":
	case !arsForm.MatchString(ars):
		l.at(file, "ars", "ars: "+ars+" is not a Regionalschlüssel", "five digits for a Kreis, twelve for a town")
	case len(ars) == 5 && ars != ags, len(ars) == 12 && ars[:5]+ars[9:] != ags:
		l.at(file, "ars", "ars: "+ars+" does not belong to the AGS "+ags, "")
	}
}

func (l *loader) roles(t *tenant) {
	for role, name := range t.yaml.Systems {
		key := "systems." + role
		s := l.snap.Systems[name]
		switch {
		case s != nil:
			t.is.Systems[role] = s
		case l.broken[name]:
			// Its own file says why.
			t.is.Systems[role] = &System{Name: name, Document: l.wants[name]}
		default:
			l.at(t.file, key, role+": "+name+" is not a system of this folder", strict.Suggest(name, l.names(l.own, "systems")))
			t.is.Systems[role] = &System{Name: name}
		}
		// An optional delivery whose role is mistyped would be left out in silence.
		if near := strict.Suggest(role, l.allRoles()); !slices.Contains(l.allRoles(), role) && strings.HasPrefix(near, "did you mean") {
			l.warnKey(t.file, key, "no route has the role "+role, near)
		}
		if !names.MatchString(role) {
			l.atKey(t.file, key, role+" is not the name of a role", "use small letters, digits and hyphens")
		}
	}
}

// handsOn checks the system of an authority that works with a hub of its own.
func (l *loader) handsOn(t *tenant) {
	name := t.yaml.Hub
	if name == "" {
		return
	}
	s := l.snap.Systems[name]
	switch {
	case s == nil && l.broken[name]:
		s = &System{Name: name} // its own file says why
	case s == nil:
		l.at(t.file, "hub", "hub: "+name+" is not a system of this folder", strict.Suggest(name, l.names(l.own, "systems")))
		s = &System{Name: name}
	default:
		if _, ok := s.Config.(connectors.Bridge); !ok {
			l.at(t.file, "hub", "hub: "+name+" is of kind "+s.Kind+", which leads to no other hub", "name a system of kind hub")
		}
	}
	for key, used := range map[string]bool{"systems": len(t.yaml.Systems) > 0, "ordinances": len(t.yaml.Ordinances) > 0, "number-ranges": len(t.yaml.Ranges) > 0} {
		if used {
			l.atKey(t.file, key, "hub hands on everything for "+t.is.Name+": nobody uses its "+key+" here", "remove "+key+", or hub")
		}
	}
	t.is.Hub = s
}

// allRoles are the roles that routes speak of.
func (l *loader) allRoles() []string {
	var out []string
	for _, r := range l.snap.Routes {
		for _, d := range r.Deliveries {
			out = append(out, d.To)
		}
	}
	return out
}

func (l *loader) ordinances(t *tenant) {
	for name, file := range t.yaml.Ordinances {
		table, there := l.table(file)
		switch {
		case !there:
			l.at(t.file, "ordinances."+name, "ordinance "+name+": there is no file "+file,
				"paths begin at the operator's folder: ordinances/"+name+".yaml")
			table = nil
		case table == nil: // its own file says why
		}
		t.is.Ordinances[name] = table
	}
}

// ranges reads the number ranges. Without first one begins at 1.
func (l *loader) ranges(t *tenant) {
	for name, r := range t.yaml.Ranges {
		key := "number-ranges." + name
		if !names.MatchString(name) {
			l.atKey(t.file, key, name+" is not the name of a number range", "use small letters, digits and hyphens")
		}
		if r.First == 0 {
			r.First = 1
		}
		if r.First < 1 || r.Last < r.First {
			l.at(t.file, key, fmt.Sprintf("%s: there is no number from %d to %d", key, r.First, r.Last), "first is 1 or more, and last is not below it")
		}
		t.is.Ranges[name] = r
	}
}

// idle warns of number ranges from which no mapping draws.
func (l *loader) idle() {
	drawn := map[*Municipality]map[string]bool{}
	for _, m := range l.snap.Municipalities {
		for _, b := range m.Services {
			for i := range b.Deliveries {
				d := &b.Deliveries[i]
				if d.System == nil {
					continue
				}
				if d.Mapping == nil {
					return // a mapping that could not be read may be what draws
				}
				for _, name := range d.Mapping.Ranges() {
					if drawn[b.Competent] == nil {
						drawn[b.Competent] = map[string]bool{}
					}
					drawn[b.Competent][name] = true
				}
			}
		}
	}
	for i := range l.tenants {
		t := &l.tenants[i]
		for _, name := range slices.Sorted(maps.Keys(t.is.Ranges)) {
			if !drawn[t.is][name] {
				l.warnKey(t.file, "number-ranges."+name, "no mapping of "+t.is.Name+"'s services draws from the number range "+name, "in a mapping: FIELD: {number-range: "+name+"}")
			}
		}
	}
}

// table reads an ordinance once, the operator's file or the shipped sample.
func (l *loader) table(file string) (table *mapping.Ordinance, there bool) {
	if table, seen := l.tables[file]; seen {
		return table, true
	}
	both := overlay{over: l.own, under: l.src.Mappings}
	if !fs.ValidPath(file) {
		return nil, false
	}
	if _, err := fs.Stat(both, file); errors.Is(err, fs.ErrNotExist) {
		return nil, false
	}
	table, found := mapping.LoadOrdinance(both, file)
	l.found = append(l.found, found...)
	l.tables[file] = table
	return table, true
}

func (l *loader) allAGS() []string { return slices.Sorted(maps.Keys(l.snap.Municipalities)) }

// bindings joins services, systems, mappings and ordinances.
func (l *loader) bindings() {
	for i := range l.tenants {
		t := &l.tenants[i]
		for service, y := range t.yaml.Services {
			key := "services." + service
			r := l.snap.Routes[service]
			if r == nil {
				if !slices.Contains(l.services, service) {
					l.atKey(t.file, key, service+" is not a service", strict.Suggest(service, l.services))
				}
				continue
			}
			b := &Binding{Municipality: t.is, Competent: t.is, Route: r, Retention: y.Retention}
			l.retention(t, service, b)
			if y.Competent != "" && y.Competent != t.is.AGS {
				other := l.snap.Municipalities[y.Competent]
				if other == nil {
					if !l.broken[y.Competent] {
						l.at(t.file, key+".competent", service+": competent is "+y.Competent+", which is not configured here",
							strict.Suggest(y.Competent, l.allAGS()))
					}
					continue
				}
				b.Competent = other
			}
			l.deliveries(t.file, key, b)
			t.is.Services[service] = b
		}
	}
	for _, t := range l.tenants {
		for service, b := range t.is.Services {
			if at := b.Competent; at != t.is && at.Services[service] == nil {
				l.at(t.file, "services."+service+".competent", service+": competent is "+at.AGS+" ("+at.Name+"), which does not offer it",
					"add "+service+": {} to the services of municipalities/"+at.AGS+".yaml")
			}
		}
	}
}

// retention checks what the rules of all files come to for a service.
func (l *loader) retention(t *tenant, service string, b *Binding) {
	rules := b.retention(l.snap)
	why, seen := l.kept[rules]
	if !seen {
		_, why = rules.Contradiction()
		l.kept[rules] = why
	}
	if why == "" {
		return
	}
	key := "services." + service
	if b.Retention != (route.Retention{}) {
		key += ".retention"
	}
	l.atKey(t.file, key, service+": "+why, "the rules of the service here go before those of the municipality, of "+hubFile+" and of the route")
}

func (l *loader) deliveries(file, key string, b *Binding) {
	if b.Competent.Hub != nil {
		if there, ok := b.Competent.Hub.Config.(connectors.Bridge); ok {
			if to := there.Authority(b.Municipality.AGS); to != b.Competent.AGS {
				l.atKey(file, key, fmt.Sprintf("%s: systems/%s.yaml hands on to %s, but %s is competent", b.Route.Service, b.Competent.Hub.Name, to, b.Competent.AGS),
					`write municipality: "`+b.Competent.AGS+`" there`)
			}
		}
		b.Route = b.Route.HandedOn()
		b.Deliveries = []Delivery{{Route: &b.Route.Deliveries[0], System: b.Competent.Hub, Mapping: mapping.Unchanged()}}
		return
	}
	who := "this municipality"
	if b.Competent != b.Municipality {
		who = b.Competent.Name + ", which is competent,"
	}
	for i := range b.Route.Deliveries {
		rd := &b.Route.Deliveries[i]
		d := Delivery{Route: rd, System: b.Competent.Systems[rd.To]}
		if d.System == nil {
			if !rd.Optional {
				l.atKey(file, key, fmt.Sprintf("%s needs a system for %q; %s has %s", b.Route.Service, rd.To, who, l.has(b.Competent)), "")
			}
			b.Deliveries = append(b.Deliveries, d)
			continue
		}
		if rd.To == hub.RolePayment && d.System.Config != nil && !bringsLink(d.System.Config) {
			l.atKey(file, key, fmt.Sprintf("%s: %s, the system for payment, brings no link to pay by: what waits for the payment would go on unpaid", b.Route.Service, d.System.Name),
				"name a system of kind xbezahldienste, or one whose answers have "+hub.AnswerPaymentURL)
		}
		document := d.System.Document
		if document == "" {
			document = rd.To
		}
		// Of a system whose file cannot be read nobody knows what it wants.
		if _, known := l.wants[d.System.Name]; known {
			l.document(file, key, b, &d, document)
		}
		b.Deliveries = append(b.Deliveries, d)
	}
}

// bringsLink reports whether a system answers with where the citizen can pay. One that
// only takes a document has taken no money.
func bringsLink(c connectors.Config) bool {
	a, ok := c.(connectors.Answering)
	return ok && slices.Contains(a.Answers(), hub.AnswerPaymentURL)
}

func (l *loader) has(m *Municipality) string {
	if len(m.Systems) == 0 {
		return "no systems"
	}
	out := ""
	for _, role := range slices.Sorted(maps.Keys(m.Systems)) {
		if out != "" {
			out += ", "
		}
		out += role
	}
	return out
}
