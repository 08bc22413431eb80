package config

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"time"

	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

// Explanation is a service of a municipality, laid open: what `stellwerk explain` shows.
type Explanation struct {
	AGS          string              `json:"municipality"`
	Name         string              `json:"name"`
	Competent    string              `json:"competent"` // AGS
	CompetentFor string              `json:"competent-name"`
	Service      string              `json:"service"`
	Title        string              `json:"title"`
	Revision     int                 `json:"revision"`
	Route        string              `json:"route"` // file
	OwnRoute     bool                `json:"own-route"`
	Inputs       []string            `json:"inputs"` // "xml 1 (hundeanmeldung.xsd) until 2027-01-01"
	Consent      bool                `json:"consent-required"`
	Keys         []string            `json:"keys"`
	OrderBy      string              `json:"order-by,omitempty"`
	Deliveries   []ExplainedDelivery `json:"deliveries"`
	Ordinances   map[string]string   `json:"ordinances,omitempty"` // title by name
	Ranges       map[string]Range    `json:"number-ranges,omitempty"`
	Portals      []string            `json:"portals"`
	Retention    ExplainedRetention  `json:"retention"`
}

// ExplainedDelivery is one line of the route as it works here.
type ExplainedDelivery struct {
	To       string   `json:"to"`
	When     string   `json:"when,omitempty"`
	After    []string `json:"after,omitempty"`
	Optional bool     `json:"optional,omitempty"`
	System   string   `json:"system,omitempty"` // empty: left out here
	Kind     string   `json:"kind,omitempty"`
	Profile  string   `json:"profile,omitempty"`
	Mapping  string   `json:"mapping,omitempty"` // file
	Own      bool     `json:"own,omitempty"`     // the operator's file, not the shipped one
	Format   string   `json:"format,omitempty"`
}

// ExplainedRetention is how long the parts of a submission are kept here.
type ExplainedRetention struct {
	Payload     string `json:"payload"`
	Attachments string `json:"attachments"`
	Metadata    string `json:"metadata"`
	Audit       string `json:"audit"`
}

// Explain lays a service of a municipality open. Its error names what there is.
func (s *Snapshot) Explain(ags, service string) (*Explanation, error) {
	m, ok := s.Municipalities[ags]
	if !ok {
		return nil, fmt.Errorf("%s is not a municipality here%s", ags, Hint(ags, slices.Collect(maps.Keys(s.Municipalities))))
	}
	b, ok := m.Services[service]
	if !ok {
		return nil, fmt.Errorf("%s does not offer %s%s", m.Name, service, Hint(service, slices.Collect(maps.Keys(m.Services))))
	}
	r := b.Route
	e := &Explanation{
		AGS: m.AGS, Name: m.Name, Competent: b.Competent.AGS, CompetentFor: b.Competent.Name,
		Service: r.Service, Title: r.Title, Revision: r.Revision, Route: "routes/" + r.Path,
		OwnRoute: s.ownRoute(r.Path), Consent: r.ConsentRequired, OrderBy: r.OrderBy,
	}
	for _, in := range r.Inputs {
		input := fmt.Sprintf("%s %s (%s)", in.Format, in.Version, path.Base(in.SchemaFile))
		if !in.From.IsZero() {
			input += " from " + in.From.Format(time.DateOnly)
		}
		if !in.Until.IsZero() {
			input += " until " + in.Until.Format(time.DateOnly)
		}
		e.Inputs = append(e.Inputs, input)
	}
	for _, k := range r.Keys {
		e.Keys = append(e.Keys, k.Name+": "+k.Path)
	}
	for _, d := range b.Deliveries {
		x := ExplainedDelivery{To: d.Route.To, When: d.Route.When, After: d.Route.After, Optional: d.Route.Optional}
		if d.System != nil {
			x.System, x.Kind, x.Profile = d.System.Name, d.System.Kind, d.System.Profile
		}
		if d.Mapping != nil {
			x.Mapping, x.Own, x.Format = "mappings/"+d.Mapping.Path, d.Own, string(d.Mapping.Format)
			if d.Mapping.Format == mapping.Original {
				x.Mapping = "the payload as it came"
			}
			for _, name := range d.Mapping.Ranges() {
				if e.Ranges == nil {
					e.Ranges = map[string]Range{}
				}
				e.Ranges[name] = b.Competent.Ranges[name]
			}
			for _, name := range d.Mapping.Ordinances() {
				if o := b.Competent.Ordinances[name]; o != nil {
					if e.Ordinances == nil {
						e.Ordinances = map[string]string{}
					}
					e.Ordinances[name] = o.Title
				}
			}
		}
		e.Deliveries = append(e.Deliveries, x)
	}
	kept := b.retention(s)
	e.Retention = ExplainedRetention{kept.Payload.String(), kept.Attachments.String(), kept.Metadata.String(), kept.Audit.String()}
	for _, name := range slices.Sorted(maps.Keys(s.Portals)) {
		if s.Portals[name].Allows(ags, service) {
			e.Portals = append(e.Portals, name)
		}
	}
	return e, nil
}

func (s *Snapshot) ownRoute(file string) bool {
	_, err := os.Stat(filepath.Join(s.Dir, "routes", filepath.FromSlash(file)))
	return err == nil
}

// Hint is the remedy for a name that is not here, in brackets: the nearest of those
// that are, or all where they are few.
func Hint(word string, allowed []string) string {
	if h := strict.Suggest(word, allowed); h != "" {
		return " (" + h + ")"
	}
	return ""
}

// MappingFiles are the paths of all mappings in force, shipped and own, sorted.
func (s *Snapshot) MappingFiles() []string {
	var out []string
	dirs, _ := fs.ReadDir(s.mappings, ".")
	for _, dir := range dirs {
		if !dir.IsDir() || slices.Contains([]string{"ordinances", "codelists", "layouts"}, dir.Name()) {
			continue
		}
		files, _ := fs.ReadDir(s.mappings, dir.Name())
		for _, f := range files {
			if !f.IsDir() && path.Ext(f.Name()) == ".yaml" {
				out = append(out, path.Join(dir.Name(), f.Name()))
			}
		}
	}
	return out
}

// Mapping loads a mapping of this snapshot by its path: hundeanmeldung/infoma.yaml.
func (s *Snapshot) Mapping(file string) (*mapping.Mapping, Findings) {
	m, found := mapping.Load(s.mappings, file, resolver(s.mappings))
	return m, under("mappings", found)
}

// TestMappings runs the tests that stand in mappings, all of them or those named.
// What a test is given is looked for beside the mapping, then beside the route
// (its examples serve both), then in the operator's folder. Where a test names no
// ordinance of its own, the sample ones apply.
func (s *Snapshot) TestMappings(files ...string) []mapping.TestResult {
	if len(files) == 0 {
		files = s.MappingFiles()
	}
	beside := overlay{over: s.mappings, under: overlay{over: s.routes, under: folder{s.Dir}}}
	env := mapping.SampleEnv()
	env.Ordinances = s.sampleOrdinances()
	var out []mapping.TestResult
	for _, file := range files {
		m, found := s.Mapping(file)
		if m == nil {
			out = append(out, mapping.TestResult{Mapping: file, Message: found.Err().Error()})
			continue
		}
		out = append(out, m.RunTests(beside, mapping.TestOptions{ParseInput: parseInput, Env: env})...)
	}
	return out
}

func (s *Snapshot) sampleOrdinances() map[string]*mapping.Ordinance {
	out := map[string]*mapping.Ordinance{}
	files, _ := fs.ReadDir(s.mappings, "ordinances")
	for _, f := range files {
		if o, _ := mapping.LoadOrdinance(s.mappings, path.Join("ordinances", f.Name())); o != nil {
			out[o.Name] = o
		}
	}
	return out
}
