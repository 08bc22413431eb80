package mapping

import (
	"slices"
	"strings"

	"github.com/beevik/etree"
)

// Report says which part of the input a mapping uses and which targets it fills.
type Report struct {
	Used       []string // input leaves that a field, let or condition of the mapping reads
	Unused     []string // input leaves that are declared unused
	Unreported []string // input leaves that are neither: forgotten
	Stale      []string // declared unused, yet used or not in the input
	Filled     []string // target fields with a rule
	Unfilled   []string // fields of the layout without a rule
}

// Coverage compares the mapping with the leaves of its input (see LeafPaths; a
// schema's leaves in the same form do as well).
func (m *Mapping) Coverage(leaves []string) Report {
	var r Report
	hit := make([]bool, len(m.unusedPaths))
	for _, leaf := range leaves {
		used := slices.ContainsFunc(m.readPaths, func(p string) bool { return matches(p, leaf, false) })
		declared := false
		for i, p := range m.unusedPaths {
			if matches(p, leaf, true) {
				declared = true
				hit[i] = hit[i] || !used
			}
		}
		switch {
		case used:
			r.Used = append(r.Used, leaf)
		case declared:
			r.Unused = append(r.Unused, leaf)
		default:
			r.Unreported = append(r.Unreported, leaf)
		}
	}
	for i, p := range m.unusedPaths {
		if !hit[i] {
			r.Stale = append(r.Stale, p)
		}
	}
	for _, b := range append([]*block{m.header, m.trailer}, m.blocks...) {
		r.Filled = append(r.Filled, filled(b)...)
	}
	slices.Sort(r.Filled)
	r.Unfilled = slices.Clone(m.unfilled)
	return r
}

// Targets are the fields at the top of the document, or of each of its records.
func (m *Mapping) Targets() []string {
	var out []string
	for _, b := range m.blocks {
		for _, f := range b.fields {
			out = append(out, f.target)
		}
	}
	return out
}

// inputRead is a path that a mapping reads, with the place that names it first.
type inputRead struct {
	steps        []string
	line, column int
}

// CheckInput warns of paths at which no document of the service can have anything: what
// is read there would be missing in every one. Admits is asked with absolute steps.
func (m *Mapping) CheckInput(admits func(steps []string) bool) Findings {
	var out Findings
	told := map[string]bool{}
	for _, r := range m.readAt {
		if len(r.steps) == 0 || admits(r.steps) {
			continue
		}
		n := 1 // steps until it leads nowhere: what lies below is missing with it
		for n < len(r.steps) && admits(r.steps[:n]) {
			n++
		}
		at := "/" + strings.Join(r.steps[:n], "/")
		if told[at] {
			continue
		}
		told[at] = true
		out = append(out, Finding{File: m.Path, Line: r.line, Column: r.column, Severity: Warning,
			Message: "no document of the service can have anything at " + at, Suggestion: "see the service's schema"})
	}
	return out.Sort()
}

func filled(b *block) (names []string) {
	if b == nil {
		return nil
	}
	for _, f := range b.fields {
		if f.group {
			names = append(names, filled(f.inner)...)
		} else {
			names = append(names, f.full)
		}
	}
	return names
}

// matches compares a path of the mapping with a leaf; below: the leaf may lie under it.
func matches(pattern, leaf string, below bool) bool {
	return matchSteps(strings.Split(pattern, "/")[1:], strings.Split(leaf, "/")[1:], below)
}

func matchSteps(p, l []string, below bool) bool {
	for i, s := range p {
		if s == "**" {
			for j := i; j <= len(l); j++ {
				if matchSteps(p[i+1:], l[j:], below) {
					return true
				}
			}
			return false
		}
		if i >= len(l) || s != l[i] && !(s == "*" && !strings.HasPrefix(l[i], "@")) && !(s == "@*" && strings.HasPrefix(l[i], "@")) {
			return s == "" && len(p) == 1
		}
	}
	return below || len(p) == len(l)
}

// LeafPaths lists the distinct leaves of a document in the form of coverage:
// /hund/rasse/code, /hund/@nr; without namespaces, sorted. An element with both
// attributes and text counts by itself too.
func LeafPaths(root *etree.Element) []string {
	set := map[string]bool{}
	leafPaths(root, "", set)
	return sorted(set)
}

func leafPaths(e *etree.Element, at string, set map[string]bool) {
	for i := range e.Attr {
		a := &e.Attr[i]
		if !isNamespaceDecl(a) && a.Key != "nil" && a.NamespaceURI() != "http://www.w3.org/2001/XMLSchema-instance" {
			set[at+"/@"+a.Key] = true
		}
	}
	children := false
	for _, t := range e.Child {
		if c, ok := t.(*etree.Element); ok {
			children = true
			leafPaths(c, at+"/"+c.Tag, set)
		}
	}
	if !children && at != "" {
		set[at] = true
	}
}
