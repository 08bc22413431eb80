package cli

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
	"stellwerk/mappings"
)

//go:embed initfiles
var initFiles embed.FS

// render writes a file by its template, unless it is there.
func (b *beginning) render(file, tmpl string, data any) (bool, error) {
	t, err := template.New(tmpl).Option("missingkey=error").ParseFS(initFiles, "initfiles/"+tmpl)
	if err != nil {
		return false, fmt.Errorf("read the template %s: %w", tmpl, err)
	}
	var out bytes.Buffer
	if err := t.Execute(&out, data); err != nil {
		return false, fmt.Errorf("fill the template %s: %w", tmpl, err)
	}
	return b.put(file, out.Bytes())
}

// yamlText is a text as YAML takes it, quoted where it must be.
func yamlText(s string) string {
	out, err := yaml.Marshal(s)
	if err != nil {
		panic("cli: " + err.Error()) // a string always marshals
	}
	return strings.TrimSpace(string(out))
}

// means says in German what a role is.
var means = map[string]string{
	"records": "die Akte, also das Dokumentenmanagement", "finance": "die Kasse, also das Finanzverfahren",
	"public-order": "das Ordnungsamt", "payment": "die Bezahlplattform", "waste": "die Abfallwirtschaft",
	"district": "das Fachverfahren des Kreises", "citizen": "das Postfach des Bürgerkontos", "citizen-mail": "die Antwort per E-Mail",
}

// begins is how a role's system usually is; it is a suggestion, and the file says so.
var begins = map[string]struct{ kind, profile string }{
	"records": {"rest", "eakte"}, "finance": {"rest", "kasse-json"}, "public-order": {"rest", "ordnungsamt-json"},
	"payment": {"xbezahldienste", "pmpayment"}, "citizen": {"rest", "postkorb-json"}, "citizen-mail": {"mail", ""},
	"waste": {"rest", "entsorger-json"}, "district": {"rest", "reitregister-json"},
}

// missing are the lines that only the operator can complete, by kind and profile. An empty
// setting is complained about by check, with its line.
var missing = map[string][]string{
	"": {"address:                                # fehlt: wo ist es? https://…"},
	"rest/eakte": {"address:                                # fehlt: wo ist sie? https://…",
		"values:",
		"  anwendung: Stellwerk                  # als was sich der Hub dort meldet",
		"  userlogin:                            # fehlt: der technische Benutzer",
		"  joboe:                                # fehlt: die Organisationseinheit, etwa COO.1.2300.1.847",
		"  jobposition:                          # fehlt: die Stelle, etwa Poststelle"},
	"mail": {"address:                                # fehlt: der Mailserver, etwa mail.example:587",
		"from:                                   # fehlt: Absender, etwa Stadt Soest <noreply@soest.example>"},
	"xbezahldienste": {"address:                                # fehlt: die Bezahlplattform, https://…",
		"originator:                             # fehlt: Kennung des Onlinedienstes bei der Plattform",
		"redirect-url:                           # fehlt: wohin der Mensch nach dem Bezahlen zurückkehrt, https://…"},
}

type kindForm struct{ Name, Pad, Blank, Summary, Profiles string }

func kindForms() []kindForm {
	var out []kindForm
	width := 0
	for _, k := range app.Kinds() {
		width = max(width, len(k.Name))
	}
	for _, k := range app.Kinds() {
		f := kindForm{Name: k.Name, Summary: k.Summary, Pad: strings.Repeat(" ", width-len(k.Name)), Blank: strings.Repeat(" ", width)}
		var profiles []string
		if k.Profiles != nil {
			entries, _ := fs.ReadDir(k.Profiles, "profiles")
			for _, e := range entries {
				profiles = append(profiles, strings.TrimSuffix(e.Name(), ".yaml"))
			}
		}
		f.Profiles = strings.Join(profiles, ", ")
		out = append(out, f)
	}
	return out
}

// needs is a role over all chosen services.
type needs struct {
	optional  bool
	services  []string
	documents []string // beside the role's own
}

func (b *beginning) roles(chosen bool) map[string]*needs {
	out := map[string]*needs{}
	for _, o := range b.offers {
		if chosen && !slices.Contains(b.chosen, o.Route.Service) {
			continue
		}
		for _, r := range o.Roles {
			n := out[r.Name]
			if n == nil {
				n = &needs{optional: true}
				out[r.Name] = n
			}
			n.optional = n.optional && r.Optional
			n.services = append(n.services, o.Route.Service)
			for _, d := range r.Documents {
				if d != r.Name && !slices.Contains(n.documents, d) {
					n.documents = append(n.documents, d)
				}
			}
		}
	}
	return out
}

func (b *beginning) systemName(role string) string { return role + "-" + b.slug }

// systems writes one file for each role that must be provided for, and a page
// about all kinds and roles.
func (b *beginning) systems() error {
	kinds := kindForms()
	all := b.roles(true)
	for _, role := range slices.Sorted(maps.Keys(all)) {
		n := all[role]
		if n.optional {
			continue
		}
		how, ok := begins[role]
		if !ok {
			how.kind, how.profile = "rest", "generic-json"
		}
		lines, ok := missing[how.kind+"/"+how.profile]
		if !ok {
			lines, ok = missing[how.kind]
		}
		if !ok {
			lines = missing[""]
		}
		file := b.systemName(role)
		if _, err := b.render("systems/"+file+".yaml", "system.yaml", map[string]any{
			"Name": b.name, "Role": role, "Means": means[role], "Services": strings.Join(n.services, ", "), "Kinds": kinds, "Kind": how.kind, "Profile": how.profile,
			"Missing": lines, "Others": n.documents, "Documents": strings.Join(n.documents, ", "), "File": file,
		}); err != nil {
			return err
		}
	}
	type roleForm struct {
		Role, Means, Services string
		Optional              bool
	}
	var roles []roleForm
	every := b.roles(false)
	for _, role := range slices.Sorted(maps.Keys(every)) {
		roles = append(roles, roleForm{role, means[role], strings.Join(every[role].services, ", "), every[role].optional})
	}
	_, err := b.render("systems/README.md", "README.md", map[string]any{"Kinds": kinds, "Roles": roles})
	return err
}

// law lists the ordinances that the chosen services ask for.
func (b *beginning) law() []string {
	found := map[string]bool{}
	for _, o := range b.offers {
		if !slices.Contains(b.chosen, o.Route.Service) {
			continue
		}
		for _, r := range o.Roles {
			if r.Optional {
				continue
			}
			for _, name := range r.Ordinances() {
				found[name] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(found))
}

var validFrom = regexp.MustCompile(`(?m)^(\s*- valid-from:)\s*\S.*$`)

// ordinances copies the sample tables without the day from which they apply: whoever
// fills it in has looked at the rates.
func (b *beginning) ordinances() error {
	for _, name := range b.law() {
		text, err := fs.ReadFile(mappings.FS, path.Join("ordinances", name+".yaml"))
		if err != nil {
			return fmt.Errorf("read the sample of %s: %w", name, err)
		}
		head := "# Muster für " + b.name + ": die Sätze der eigenen Satzung eintragen, dann den Tag, ab dem sie gelten.\n"
		body := validFrom.ReplaceAll(text, []byte("$1 JJJJ-MM-TT   # fehlt: ab wann diese Sätze gelten"))
		if _, err := b.put("ordinances/"+name+"-"+b.slug+".yaml", append([]byte(head), body...)); err != nil {
			return err
		}
	}
	return nil
}

// municipality writes the tenant's own file.
func (b *beginning) municipality() error {
	type pair struct{ Role, Name, File string }
	type serviceForm struct {
		Title, Line string
		Needs       []string
	}
	data := struct {
		Name, Quoted, AGS, ARS string
		Town                   bool
		Systems, Ordinances    []pair
		Optional               []string
		Services               []serviceForm
	}{Name: b.name, Quoted: yamlText(b.name), AGS: b.ags, ARS: b.ags, Town: len(b.ags) == 8}
	if data.Town {
		data.ARS = b.ags[:5] + "0000" + b.ags[5:]
	}
	all := b.roles(true)
	for _, role := range slices.Sorted(maps.Keys(all)) {
		if all[role].optional {
			data.Optional = append(data.Optional, role)
			continue
		}
		data.Systems = append(data.Systems, pair{Role: role, File: b.systemName(role)})
	}
	for _, name := range b.law() {
		data.Ordinances = append(data.Ordinances, pair{Name: name, File: name + "-" + b.slug + ".yaml"})
	}
	for i := range b.offers {
		o := &b.offers[i]
		s := serviceForm{Title: o.Route.Title, Needs: needsOf(o), Line: o.Route.Service + ": {}"}
		if !slices.Contains(b.chosen, o.Route.Service) {
			s.Line = "# " + s.Line
			if data.Town {
				s.Line = "# " + o.Route.Service + `: {competent: "` + b.ags[:5] + `"}   # wo der Kreis entscheidet und auch hier eingerichtet ist`
			}
		}
		data.Services = append(data.Services, s)
	}
	_, err := b.render("municipalities/"+b.ags+".yaml", "municipality.yaml", data)
	return err
}

// needsOf says in German what a service needs of a municipality.
func needsOf(o *config.Offer) []string {
	var out []string
	for _, r := range o.Roles {
		line := "braucht " + r.Name
		if r.Optional {
			line = "freiwillig " + r.Name
		}
		if m := means[r.Name]; m != "" {
			line += " (" + m + ")"
		}
		if r.When != "" {
			line += ", wenn " + r.When
		}
		if law := r.Ordinances(); len(law) > 0 {
			line += "; Satzung: " + strings.Join(law, ", ")
		}
		out = append(out, line)
	}
	return out
}
