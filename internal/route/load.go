package route

import (
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/config/strict"
	"stellwerk/internal/hub"
	"stellwerk/internal/mapping"
)

type fileYAML struct {
	Service     string            `yaml:"service,required"`
	Revision    int               `yaml:"revision,required"`
	Title       string            `yaml:"title,required"`
	Description string            `yaml:"description"`
	Leika       string            `yaml:"leika"`
	Inputs      []inputYAML       `yaml:"inputs,required"`
	Consent     string            `yaml:"consent,required"`
	Wording     *wordingYAML      `yaml:"consent-wording"`
	Retention   Retention         `yaml:"retention"`
	Keys        map[string]string `yaml:"keys"`
	OrderBy     string            `yaml:"order-by"`
	Answers     map[string]string `yaml:"answers"`
	Namespaces  *yaml.Node        `yaml:"namespaces"`
	Each        string            `yaml:"each"`
	Let         *yaml.Node        `yaml:"let"`
	Deliveries  []deliveryYAML    `yaml:"deliveries,required"`
	Examples    []exampleYAML     `yaml:"examples"`
}

type inputYAML struct {
	XML     string `yaml:"xml"`
	JSON    string `yaml:"json"`
	Version string `yaml:"version"`
	From    string `yaml:"from"`
	Until   string `yaml:"until"`
}

type wordingYAML struct {
	Version string `yaml:"version,required"`
	Text    string `yaml:"text,required"`
}

type deliveryYAML struct {
	To       string   `yaml:"to,required"`
	When     string   `yaml:"when"`
	After    []string `yaml:"after"`
	Optional bool     `yaml:"optional"`
}

type exampleYAML struct {
	Name    string `yaml:"name,required"`
	Title   string `yaml:"title"`
	File    string `yaml:"file,required"`
	Version string `yaml:"version"`
}

// Load reads <service>/route.yaml and what it names. All findings are returned at
// once; the route is nil exactly if one of them is an error.
func Load(fsys fs.FS, service string, res mapping.Resolver) (*Route, mapping.Findings) {
	l := loader{fsys: fsys, res: res, file: service + "/route.yaml"}
	data, err := fs.ReadFile(fsys, l.file)
	if err != nil {
		return nil, mapping.Findings{{File: l.file, Message: "is missing", Suggestion: "a service is a folder with a route.yaml"}}
	}
	top, found := strict.Read(l.file, data)
	if top == nil {
		return nil, found
	}
	l.top, l.text, l.found = top, data, found
	var y fileYAML
	found = strict.Decode(l.file, "a setting of a route", top, &y)
	l.found = append(l.found, found...)
	if found.HasErrors() {
		return nil, l.found.Sort()
	}
	r := l.route(service, &y)
	if l.found.HasErrors() {
		return nil, l.found.Sort()
	}
	return r, l.found.Sort()
}

type loader struct {
	fsys  fs.FS
	res   mapping.Resolver
	file  string
	top   *yaml.Node
	text  []byte
	found mapping.Findings
}

func (l *loader) at(key, message, remedy string) {
	n := strict.At(l.top, key)
	l.found = append(l.found, mapping.Finding{File: l.file, Line: n.Line, Column: n.Column, Message: message, Suggestion: remedy})
}

func (l *loader) warn(key, message, remedy string) {
	n := strict.At(l.top, key)
	l.found = append(l.found, mapping.Finding{File: l.file, Severity: mapping.Warning, Line: n.Line, Column: n.Column, Message: message, Suggestion: remedy})
}

var (
	word  = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,48}[a-z0-9])?$`)
	leika = regexp.MustCompile(`^99[0-9]{12}$`)
)

func (l *loader) route(service string, y *fileYAML) *Route {
	r := &Route{
		Service: service, Title: y.Title, Description: y.Description, Leika: y.Leika, Revision: y.Revision,
		Path: l.file, OrderBy: y.OrderBy, ConsentRequired: y.Consent == "required", paths: map[string]path{},
	}
	if y.Service != service {
		l.at("service", "service is "+y.Service+", but the folder is named "+service, "")
	}
	if y.Revision < 1 {
		l.at("revision", "revision must be 1 or more", "raise it with every change")
	}
	if y.Leika != "" && !leika.MatchString(y.Leika) {
		l.at("leika", "leika is not a Leistungsschlüssel of 14 digits that begins with 99", "")
	}
	if y.Consent != "required" && y.Consent != "not-needed" {
		l.at("consent", "consent is "+y.Consent+"; it must be required or not-needed", "")
	}
	if y.Wording != nil {
		r.Consent = Wording(*y.Wording)
	}
	r.Retention = y.Retention
	if _, why := y.Retention.Over(DefaultRetention).Contradiction(); why != "" {
		l.at("retention", "retention: "+why, "what a submission is found by goes last; what is not written is the default")
	}
	l.inputs(r, y.Inputs)
	l.examples(r, y.Examples)
	l.keys(r, y)
	l.deliveries(r, y)
	l.answers(r, y)
	return r
}

// keys checks that every path is one, and that it leads somewhere: an example
// must have a value there, or people would search for what is never found.
func (l *loader) keys(r *Route, y *fileYAML) {
	for _, name := range slices.Sorted(maps.Keys(y.Keys)) {
		r.Keys = append(r.Keys, Key{Name: name, Path: y.Keys[name]})
		if !word.MatchString(name) {
			l.at("keys."+name, name+" is not the name of a key", "use small letters, digits and hyphens")
		}
		l.path(r, "keys."+name, y.Keys[name])
	}
	if y.OrderBy != "" {
		l.path(r, "order-by", y.OrderBy)
	}
}

func (l *loader) path(r *Route, key, text string) {
	p, err := parsePath(text)
	if err != nil {
		l.at(key, err.Error(), "")
		return
	}
	r.paths[text] = p
	if len(r.Examples) == 0 {
		return
	}
	for i := range r.Examples {
		if root, err := parse(&r.Examples[i]); err == nil && len(p.values(root)) > 0 {
			return
		}
	}
	l.at(key, fmt.Sprintf("no example has a value at %s", text), "paths begin below the root element and go by local names")
}

func (l *loader) deliveries(r *Route, y *fileYAML) {
	var roles []string
	for _, d := range y.Deliveries {
		roles = append(roles, d.To)
	}
	for i, d := range y.Deliveries {
		at := fmt.Sprintf("deliveries[%d]", i)
		n := strict.At(l.top, at)
		r.Deliveries = append(r.Deliveries, Delivery{
			To: d.To, After: d.After, Optional: d.Optional, When: d.When, Line: n.Line, Column: n.Column,
		})
		if !word.MatchString(d.To) {
			l.at(at+".to", d.To+" is not the name of a role", "use small letters, digits and hyphens")
		}
		if d.To == hub.RolePortal {
			l.at(at+".to", "portals are told by the hub itself", "name a system under callback: in portals/NAME.yaml")
		}
		if slices.Index(roles, d.To) < i {
			l.at(at+".to", "there are two deliveries to "+d.To, "a role takes part once")
		}
		for j, a := range d.After {
			key := fmt.Sprintf("%s.after[%d]", at, j)
			switch {
			case !slices.Contains(roles, a):
				l.at(key, d.To+" waits for "+a+", which is no delivery of this route", strict.Suggest(a, roles))
			case a == d.To:
				l.at(key, d.To+" waits for itself", "")
			}
		}
		r.rules = append(r.rules, l.rule(r, i, d.When))
	}
	if len(y.Deliveries) == 0 {
		l.at("deliveries", "deliveries is empty", "a route delivers at least once")
	}
	if len(y.Deliveries) > 255 {
		l.at("deliveries", "a route has at most 255 deliveries", "")
	}
	l.cycle(r)
}

// cycle complains about deliveries that wait for each other.
func (l *loader) cycle(r *Route) {
	state := map[string]int{} // 1: on the way, 2: done
	var way []string
	var visit func(i int) bool
	visit = func(i int) bool {
		d := &r.Deliveries[i]
		switch state[d.To] {
		case 1:
			from := slices.Index(way, d.To)
			l.at(fmt.Sprintf("deliveries[%d].after", i), "deliveries wait for each other: "+strings.Join(append(way[from:], d.To), " after "), "")
			return true
		case 2:
			return false
		}
		state[d.To], way = 1, append(way, d.To)
		defer func() { state[d.To], way = 2, way[:len(way)-1] }()
		for _, a := range d.After {
			at := slices.IndexFunc(r.Deliveries, func(x Delivery) bool { return x.To == a })
			if at >= 0 && a != d.To && visit(at) {
				return true
			}
		}
		return false
	}
	for i := range r.Deliveries {
		if visit(i) {
			return
		}
	}
}
