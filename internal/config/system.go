package config

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"stellwerk/connectors"
	"stellwerk/internal/config/strict"
)

// systemYAML is what every kind of system has; all other keys are its kind's.
type systemYAML struct {
	Kind     string       `yaml:"kind,required"`
	Profile  string       `yaml:"profile"`
	Document string       `yaml:"document"`
	Allow    []string     `yaml:"allow"`
	Retry    retryYAML    `yaml:"retry"`
	Breaker  breakerYAML  `yaml:"breaker"`
	Limits   limitsYAML   `yaml:"limits"`
	Windows  []windowYAML `yaml:"windows"`
}

type retryYAML struct {
	Schedule    []time.Duration `yaml:"schedule"`
	Then        time.Duration   `yaml:"then"`
	GiveUpAfter time.Duration   `yaml:"give-up-after"`
}

type breakerYAML struct {
	OpenAfter     int           `yaml:"open-after"`
	HalfOpenAfter time.Duration `yaml:"half-open-after"`
}

type limitsYAML struct {
	Concurrency int           `yaml:"concurrency"`
	Rate        string        `yaml:"rate"`
	Timeout     time.Duration `yaml:"timeout"`
}

// windowYAML is {maintenance: "Sat 22:00-Sun 02:00", time-zone: Europe/Berlin};
// the word before the time is the window's name and free.
type windowYAML map[string]string

// common are the keys that every system has; the others are its kind's.
var common = []string{"kind", "profile", "document", "allow", "retry", "breaker", "limits", "windows"}

func (l *loader) systems() {
	l.snap.Systems = map[string]*System{}
	for _, name := range l.list("systems") {
		file := path.Join("systems", name+".yaml")
		if !l.name(file, name) {
			continue
		}
		if s := l.system(file, name); s != nil {
			l.snap.Systems[name] = s
		} else {
			l.broken[name] = true
		}
	}
}

func (l *loader) system(file, name string) *System {
	data, err := fs.ReadFile(l.own, file)
	if err != nil {
		l.complain(Finding{File: file, Message: reason(err)})
		return nil
	}
	top, found := strict.Read(file, data)
	l.found = append(l.found, found...)
	if top == nil {
		return nil
	}
	l.nodes[file] = top
	if top.Kind != yaml.MappingNode {
		l.complain(Finding{File: file, Line: top.Line, Column: top.Column, Message: "the file must have keys"})
		return nil
	}
	ours, theirs := split(top)
	y := systemYAML{
		Retry:   retryYAML{Schedule: []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour}, Then: 6 * time.Hour, GiveUpAfter: 14 * 24 * time.Hour},
		Breaker: breakerYAML{OpenAfter: 5, HalfOpenAfter: 30 * time.Second},
		Limits:  limitsYAML{Concurrency: 4, Timeout: 30 * time.Second},
	}
	found = strict.Decode(file, "a setting of a system", ours, &y)
	l.found = append(l.found, found...)
	if y.Document == "" || names.MatchString(y.Document) {
		l.wants[name] = y.Document
	}
	before := len(l.found)
	s := &System{
		Name: name, Kind: y.Kind, Profile: y.Profile, Document: y.Document,
		Retry:   Retry(y.Retry),
		Breaker: Breaker(y.Breaker),
		Limits:  SystemLimits{Concurrency: y.Limits.Concurrency, Timeout: y.Limits.Timeout},
	}
	if y.Kind != "" {
		l.configure(file, s, theirs, y.Allow)
	}
	l.pace(file, &y, s)
	for i, w := range y.Windows {
		l.window(file, fmt.Sprintf("windows[%d]", i), w, s)
	}
	if found.HasErrors() || l.found[before:].HasErrors() {
		return nil
	}
	return s
}

// split parts the keys that every system has from those of its kind.
func split(top *yaml.Node) (ours, theirs *yaml.Node) {
	a, b := *top, *top
	a.Content, b.Content = nil, nil
	for i := 0; i+1 < len(top.Content); i += 2 {
		to := &b
		if slices.Contains(common, top.Content[i].Value) {
			to = &a
		}
		to.Content = append(to.Content, top.Content[i], top.Content[i+1])
	}
	return &a, &b
}

// configure hands the settings to the kind, laid over its profile's.
func (l *loader) configure(file string, s *System, theirs *yaml.Node, allow []string) {
	at := slices.IndexFunc(l.src.Kinds, func(k connectors.Kind) bool { return k.Name == s.Kind })
	if at < 0 {
		var all []string
		for _, k := range l.src.Kinds {
			all = append(all, k.Name)
		}
		l.at(file, "kind", s.Kind+" is not a kind of system", strict.Suggest(s.Kind, all))
		return
	}
	kind := l.src.Kinds[at]
	set := &settings{kind: kind.Name, file: file, top: theirs, dir: l.src.Dir, files: map[*yaml.Node]string{}, way: sha256.New()}
	if s.Profile != "" && !l.profile(file, kind, s.Profile, set) {
		return
	}
	l.allow(file, s, set, allow)
	cfg, err := kind.Configure(set)
	if err == nil && len(set.found) == 0 {
		err = l.opens(s, cfg)
	}
	var complaint *connectors.SettingError
	switch {
	case len(set.found) > 0:
		l.found = append(l.found, set.found...)
	case errors.As(err, &complaint):
		n := strict.At(set.top, complaint.Setting)
		f := Finding{File: set.fileOf(n), Line: n.Line, Column: n.Column, Message: complaint.Error()}
		if f.File != file { // several systems may use the profile, and what one lacks is given in its own file
			f.Message = fmt.Sprintf("profile %s: %s (%s:%d:%d)", s.Profile, f.Message, f.File, f.Line, f.Column)
			at := strict.At(l.nodes[file], "profile")
			f.File, f.Line, f.Column = file, at.Line, at.Column
		}
		l.complain(f)
	case err != nil:
		l.complain(Finding{File: file, Message: err.Error()})
	}
	s.Config = cfg
	s.Way = set.reached(s.Kind, s.Allow, s.Retry)
}

// opens tries whether a system opens: what the files that its settings name hold
// would stop the start, too.
func (l *loader) opens(s *System, cfg connectors.Config) error {
	conn, err := cfg.Open(connectors.Environment{System: s.Name, Now: l.src.Now, Dir: l.src.Dir, Allow: s.Allow, Concurrency: s.Limits.Concurrency})
	if err != nil {
		return err
	}
	return conn.Close()
}

// profile lays the system's settings over the profile's.
func (l *loader) profile(file string, kind connectors.Kind, name string, set *settings) bool {
	own := path.Join("profiles", kind.Name, name+".yaml")
	shipped := "profiles/" + name + ".yaml"
	label := own
	data, err := fs.ReadFile(l.own, own)
	l.asked[own] = err == nil
	if errors.Is(err, fs.ErrNotExist) && kind.Profiles != nil {
		label = "connectors/" + kind.Name + "/" + shipped
		data, err = fs.ReadFile(kind.Profiles, shipped)
	}
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrInvalid) {
		l.at(file, "profile", name+" is not a profile of kind "+kind.Name, strict.Suggest(name, l.profiles(kind)))
		return false
	}
	if err != nil {
		l.complain(Finding{File: own, Message: reason(err)})
		return false
	}
	top, found := strict.Read(label, data)
	l.found = append(l.found, found...)
	if top == nil {
		return false
	}
	if top.Kind != yaml.MappingNode {
		l.complain(Finding{File: label, Line: top.Line, Column: top.Column, Message: "the file must have keys"})
		return false
	}
	merged := *set.top
	for i := 0; i+1 < len(top.Content); i += 2 {
		key := top.Content[i]
		if slices.Contains(common, key.Value) {
			l.complain(Finding{File: label, Line: key.Line, Column: key.Column, Message: key.Value + " cannot stand in a profile", Suggestion: "it belongs to the system's file"})
			return false
		}
		if !has(set.top, key.Value) {
			merged.Content = append(merged.Content, key, top.Content[i+1])
			set.mark(key, label)
			set.mark(top.Content[i+1], label)
		}
	}
	set.top = &merged
	return true
}

func (l *loader) profiles(kind connectors.Kind) []string {
	all := l.names(l.own, path.Join("profiles", kind.Name))
	if kind.Profiles != nil {
		all = append(all, l.names(kind.Profiles, "profiles")...)
	}
	return all
}

func (l *loader) names(fsys fs.FS, dir string) []string {
	var out []string
	entries, _ := fs.ReadDir(fsys, dir)
	for _, e := range entries {
		if n, ok := strings.CutSuffix(e.Name(), ".yaml"); ok && !e.IsDir() {
			out = append(out, n)
		}
	}
	return out
}

func has(n *yaml.Node, key string) bool {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return true
		}
	}
	return false
}

// allow reads the addresses a system may be reached at. A numeric address allows
// itself; a name does not: whoever answers for the name would decide.
func (l *loader) allow(file string, s *System, set *settings, in []string) {
	for i, text := range in {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			var a netip.Addr
			if a, err = netip.ParseAddr(text); err == nil {
				p = netip.PrefixFrom(a, a.BitLen())
			}
		}
		if err != nil {
			l.at(file, fmt.Sprintf("allow[%d]", i), text+" is not a network", "write 10.20.30.0/24 or 10.20.30.40")
			continue
		}
		s.Allow = append(s.Allow, p.Masked())
	}
	node := strict.At(set.top, "address")
	if !has(set.top, "address") || node.Kind != yaml.ScalarNode {
		return
	}
	host := hostOf(node.Value)
	a, err := netip.ParseAddr(host)
	switch {
	case host == "":
		return // there is no address yet, which its kind complains about
	case len(in) > 0:
		if err == nil && len(s.Allow) == len(in) && !slices.ContainsFunc(s.Allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }) {
			l.at(file, "allow", "allow does not hold "+host+", the system's own address", "it would never be called; without allow it is allowed itself")
		}
	case err == nil:
		s.Allow = []netip.Prefix{netip.PrefixFrom(a, a.BitLen())}
	case host == "localhost":
		s.Allow = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}
	default:
		l.complain(Finding{File: set.fileOf(node), Line: node.Line, Column: node.Column,
			Message: "address: " + host + " is a name, and nothing says where it may lead", Suggestion: "give allow: [<network of the system>]"})
	}
}

func hostOf(address string) string {
	if u, err := url.Parse(address); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}
