// Package config reads the operator's folder, lays it over the shipped routes and
// mappings, and gives one checked, immutable Snapshot, or all complaints at once.
//
//	stellwerk.yaml                 the hub itself
//	municipalities/<AGS>.yaml      a tenant: systems by role, ordinances, services
//	portals/<name>.yaml            who may submit
//	operators/<name>.yaml          who may operate
//	systems/<name>.yaml            an installation of a backend
//	ordinances/*.yaml              local law, named by municipalities
//	profiles/<kind>/<name>.yaml    a product on a kind, instead of a shipped one
//	routes/<service>/…             whole files instead of shipped ones
//	routes/<bundle>.yaml           a bundle of several services, likewise
//	mappings/…                     whole files instead of shipped ones
//	expected/<AGS>/…               what the examples become by local law; see local.go
//	secrets/, data/                not read here
//
// A whole file replaces a whole shipped file; nothing is deep-merged, but for a
// system's settings, which are laid over its profile's top-level keys. What is
// absent uses the default; what is there and wrong stops the start.
package config

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // maintenance windows know Europe/Berlin on a machine without zone files

	"go.yaml.in/yaml/v4"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
)

// Finding is one complaint about a file; Findings are all of them at once.
type (
	Finding  = mapping.Finding
	Findings = mapping.Findings
)

// Source says where a snapshot is read from.
type Source struct {
	Dir      string // the operator's folder
	Routes   fs.FS  // shipped: routes.FS
	Mappings fs.FS  // shipped: mappings.FS
	Kinds    []connectors.Kind
	Keyring  func([]byte) error // optional: what is wrong with the operator's keyring
	Changes  fs.FS              // optional: whole files laid over the operator's, to try them out
	Now      func() time.Time   // for keys that have run out; time.Now where nil
}

// Load reads and checks everything. The snapshot is nil exactly if one of the
// findings is an error.
func Load(src Source) (*Snapshot, Findings) {
	if src.Now == nil {
		src.Now = time.Now
	}
	if info, err := os.Stat(src.Dir); err != nil || !info.IsDir() {
		return nil, Findings{{File: src.Dir, Message: "is not a folder", Suggestion: "stellwerk demo shows a complete one"}}
	}
	own := fs.FS(folder{src.Dir})
	if src.Changes != nil {
		own = overlay{over: src.Changes, under: own}
	}
	l := &loader{
		src:      src,
		own:      own,
		routes:   overlay{over: sub(own, "routes"), under: src.Routes},
		mappings: overlay{over: sub(own, "mappings"), under: src.Mappings},
		nodes:    map[string]*yaml.Node{},
		loaded:   map[string]*mapping.Mapping{},
		asked:    map[string]bool{},
		broken:   map[string]bool{},
		wants:    map[string]string{},
		kept:     map[route.Retention]string{},
		snap:     &Snapshot{Dir: src.Dir},
	}
	l.files = counting{resolver(l.mappings), l.asked}
	l.folder()
	l.hub()
	l.portals()
	l.operators()
	l.systems()
	l.route()
	l.bundles()
	l.documents()
	l.municipalities()
	l.bindings()
	l.answers()
	l.scopes()
	l.unused()
	l.idle()
	l.snap.Revision = l.revision()
	l.snap.mappings, l.snap.routes = l.mappings, l.routes
	l.found = l.found.Sort()
	if l.found.HasErrors() {
		return nil, l.found
	}
	return l.snap, l.found
}

// loader fills one snapshot.
type loader struct {
	src      Source
	own      fs.FS
	routes   overlay
	mappings overlay
	files    mapping.Resolver
	found    Findings
	snap     *Snapshot

	callbacks map[string]string // system's name by portal

	nodes    map[string]*yaml.Node       // top node by file, for cross checks
	tenants  []tenant                    // municipality files that could be read
	loaded   map[string]*mapping.Mapping // by path; nil where it is broken
	used     []string                    // mappings that a binding uses
	asked    map[string]bool             // code lists, layouts and own profiles that something uses, by path
	tables   map[string]*mapping.Ordinance
	keySeen  map[[32]byte]string        // in which file a key's hash stands
	broken   map[string]bool            // names of files that are there but could not be read
	wants    map[string]string          // the documents of the systems whose files could be read
	kept     map[route.Retention]string // contradictions of rules that were looked at
	services []string                   // every service with a route, readable or not
}

func (l *loader) complain(f Finding) { l.found = append(l.found, f) }

// at complains about the value at a dotted path of a file that was read.
func (l *loader) at(file, key, message, remedy string) {
	l.mark(file, key, strict.At, mapping.Error, message, remedy)
}

// atKey complains about the whole entry at a dotted path.
func (l *loader) atKey(file, key, message, remedy string) {
	l.mark(file, key, strict.KeyAt, mapping.Error, message, remedy)
}

func (l *loader) warnKey(file, key, message, remedy string) {
	l.mark(file, key, strict.KeyAt, mapping.Warning, message, remedy)
}

func (l *loader) mark(file, key string, find func(*yaml.Node, string) *yaml.Node, s mapping.Severity, message, remedy string) {
	f := Finding{File: file, Severity: s, Message: message, Suggestion: remedy}
	if top := l.nodes[file]; top != nil {
		n := find(top, key)
		f.Line, f.Column = n.Line, n.Column
	}
	l.complain(f)
}

// read fills a value from one file of the operator's folder and says whether it is
// there and without a fault.
func (l *loader) read(file, thing string, into any) bool {
	data, err := fs.ReadFile(l.own, file)
	if err != nil {
		l.complain(Finding{File: file, Message: reason(err)})
		return false
	}
	top, found := strict.Read(file, data)
	l.found = append(l.found, found...)
	if top == nil {
		return false
	}
	l.nodes[file] = top
	found = strict.Decode(file, thing, top, into)
	l.found = append(l.found, found...)
	return !found.HasErrors()
}

// list gives the names (without .yaml) of a folder's files, sorted. Files with
// another ending are warned of: nobody reads them.
func (l *loader) list(folder string) []string {
	entries, err := fs.ReadDir(l.own, folder)
	if err != nil {
		return nil
	}
	var names []string
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".yaml")
		file := path.Join(folder, e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."), strings.HasSuffix(e.Name(), "~"):
		case e.IsDir() || !ok:
			remedy := ""
			if strings.HasSuffix(e.Name(), ".yml") {
				remedy = "name it " + strings.TrimSuffix(e.Name(), ".yml") + ".yaml"
			}
			if !strings.EqualFold(path.Ext(e.Name()), ".md") {
				l.complain(Finding{File: file, Severity: mapping.Warning, Message: "is not read", Suggestion: remedy})
			}
		default:
			names = append(names, name)
		}
	}
	return names
}

// folders are the entries of an operator's folder that mean something here.
var folders = []string{
	"stellwerk.yaml", "municipalities", "portals", "operators", "systems", "ordinances",
	"profiles", "routes", "mappings", "expected", "secrets", "data",
}

func (l *loader) folder() {
	entries, err := fs.ReadDir(l.own, ".")
	if err != nil {
		l.complain(Finding{File: l.src.Dir, Message: reason(err)})
		return
	}
	for _, e := range entries {
		name := e.Name()
		if slices.Contains(folders, name) || strings.HasPrefix(name, ".") || strings.EqualFold(path.Ext(name), ".md") {
			continue
		}
		// Other things may lie here; what looks like configuration is worth a word.
		near := strict.Suggest(name, folders)
		if strings.HasPrefix(near, "did you mean") || strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml") {
			l.complain(Finding{File: name, Severity: mapping.Warning, Message: "is not read", Suggestion: near})
		}
	}
}

// route reads every route, shipped or own.
func (l *loader) route() {
	l.snap.Routes = map[string]*route.Route{}
	entries, _ := fs.ReadDir(l.routes, ".")
	for _, e := range entries {
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		l.services = append(l.services, e.Name())
		r, found := route.Load(l.routes, e.Name(), l.files)
		l.found = append(l.found, under("routes", found)...)
		if r != nil {
			l.snap.Routes[e.Name()] = r
		}
	}
}

// bundles reads every bundle, shipped or own: the files beside the services' folders.
func (l *loader) bundles() {
	l.snap.Bundles = map[string]*route.Bundle{}
	entries, _ := fs.ReadDir(l.routes, ".")
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".yaml")
		switch {
		case e.IsDir(), strings.HasPrefix(e.Name(), "."), strings.HasSuffix(e.Name(), "~"), strings.EqualFold(path.Ext(e.Name()), ".md"):
		case !ok:
			l.complain(Finding{File: path.Join("routes", e.Name()), Severity: mapping.Warning, Message: "is not read",
				Suggestion: "a service is a folder, a bundle of services a file that ends in .yaml"})
		default:
			b, found := route.LoadBundle(l.routes, name, l.services)
			l.found = append(l.found, under("routes", found)...)
			if b != nil {
				l.snap.Bundles[name] = b
			}
		}
	}
}

// under puts a folder before the files of findings.
func under(folder string, found Findings) Findings {
	out := slices.Clone(found)
	for i := range out {
		if !strings.HasPrefix(out[i].File, folder+"/") {
			out[i].File = folder + "/" + out[i].File
		}
	}
	return out
}

// revision is the first 12 hex digits of the SHA-256 over every file that has a
// say, in order of their names. Secrets are not part of it.
func (l *loader) revision() string {
	h := sha256.New()
	add := func(prefix string, fsys fs.FS, root string) {
		_ = fs.WalkDir(fsys, root, func(p string, e fs.DirEntry, err error) error {
			if err != nil || e.IsDir() {
				return nil
			}
			data, err := fs.ReadFile(fsys, p)
			if err == nil {
				fmt.Fprintf(h, "%s/%s\x00%d\x00", prefix, p, len(data))
				h.Write(data)
			}
			return nil
		})
	}
	add("routes", l.routes, ".")
	add("mappings", l.mappings, ".")
	for _, f := range []string{"stellwerk.yaml", "municipalities", "portals", "operators", "systems", "ordinances", "profiles"} {
		add("own", l.own, f)
	}
	return hex.EncodeToString(h.Sum(nil))[:12]
}
