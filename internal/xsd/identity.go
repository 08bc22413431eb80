package xsd

import (
	"slices"
	"strconv"
)

// icScope is one constraint in force: from the element that declares it to that element's end.
type icScope struct {
	ic    *constraint
	depth int // of the declaring element
	nodes []icNode
	table map[string]Pos // key sequences met
	refs  []icRef        // of a keyref: those to be found
}

// icNode is an element the selector chose and that is still open, or whose values are complete.
type icNode struct {
	depth  int
	pos    Pos
	path   string
	values []icValue
}

type icValue struct {
	seen   int  // how many elements or attributes the field met
	open   int  // depth of the element whose value is awaited
	set    bool // it has a value
	nilled bool
	maybe  bool // it has none because its element may be nil, which a key forbids
	key    string
}

type icRef struct {
	key  string
	pos  Pos
	path string
}

// icTable holds the key sequences of a key or unique below an element, for keyrefs higher up. A sequence
// that two subtrees bring refers to nothing.
type icTable struct {
	ic   *constraint
	keys map[string]bool // false: brought twice
}

// openScopes begins the constraints of f and finds where f is selected, or a field.
func (v *Validator) openScopes(f *frame) {
	if f.decl != nil {
		for _, ic := range f.decl.constraints {
			v.scopes = append(v.scopes, icScope{ic: ic, depth: v.depth, table: map[string]Pos{}})
		}
	}
	for i := range v.scopes {
		s := &v.scopes[i]
		if v.matchesAny(s.ic.selector, s.depth, v.depth) {
			s.nodes = append(s.nodes, icNode{depth: v.depth, pos: f.pos, path: v.path(), values: make([]icValue, len(s.ic.fields))})
		}
		for n := range s.nodes {
			node := &s.nodes[n]
			for k, paths := range s.ic.fields {
				for p := range paths {
					if paths[p].attr == nil && v.matches(&paths[p], node.depth, v.depth) {
						f.fields++
						val := &node.values[k]
						if val.seen++; val.seen > 1 {
							v.report(f, v.fieldTwice(s.ic))
							break
						}
						val.open = v.depth
						break
					}
				}
			}
		}
	}
}

func (v *Validator) matchesAny(paths []xpath, from, to int) bool {
	for i := range paths {
		if paths[i].attr == nil && v.matches(&paths[i], from, to) {
			return true
		}
	}
	return false
}

// matches tells whether the open elements below depth from, up to depth to, are the path's steps.
func (v *Validator) matches(p *xpath, from, to int) bool {
	n := to - from
	if n < len(p.steps) || n > len(p.steps) && !p.deep {
		return false
	}
	for i := range p.steps {
		if !p.steps[i].matches(v.frames[to-len(p.steps)+i].name) {
			return false
		}
	}
	return true
}

func (v *Validator) isAttributeField(f *frame, name Name) bool {
	for i := range v.scopes {
		s := &v.scopes[i]
		for n := range s.nodes {
			for _, paths := range s.ic.fields {
				for p := range paths {
					if paths[p].attr != nil && paths[p].attr.matches(name) && v.matches(&paths[p], s.nodes[n].depth, v.depth) {
						return true
					}
				}
			}
		}
	}
	return false
}

func (v *Validator) attributeField(f *frame, name Name, key string) {
	for i := range v.scopes {
		s := &v.scopes[i]
		for n := range s.nodes {
			node := &s.nodes[n]
			for k, paths := range s.ic.fields {
				for p := range paths {
					if paths[p].attr == nil || !paths[p].attr.matches(name) || !v.matches(&paths[p], node.depth, v.depth) {
						continue
					}
					val := &node.values[k]
					if val.seen++; val.seen > 1 {
						v.report(f, v.fieldTwice(s.ic))
					}
					val.set, val.key = true, key
					break
				}
			}
		}
	}
}

// endFields gives the value of f to the fields it is; t is nil when it has no simple type.
func (v *Validator) endFields(f *frame, t *simpleType, key string, nilled bool) {
	if f.fields == 0 {
		return
	}
	for i := range v.scopes {
		s := &v.scopes[i]
		for n := range s.nodes {
			for k := range s.nodes[n].values {
				val := &s.nodes[n].values[k]
				if val.open != v.depth {
					continue
				}
				val.open = 0
				switch {
				case t == nil:
					if !f.hasChild || f.typ.complex != nil && f.typ.complex.content != contentText {
						v.report(f, v.fieldNotSimple(s.ic))
					}
				case nilled:
					val.nilled = true
				case s.ic.kind == constraintKey && f.decl != nil && f.decl.nillable:
					val.maybe = true
				case key != "":
					val.set, val.key = true, key
				}
			}
		}
	}
}

// closeScopes completes the nodes that end with f and the constraints f declares.
func (v *Validator) closeScopes(f *frame) {
	if len(v.scopes) == 0 && len(f.tables) == 0 {
		return
	}
	for i := range v.scopes {
		s := &v.scopes[i]
		for n := len(s.nodes) - 1; n >= 0 && s.nodes[n].depth == v.depth; n-- {
			v.closeNode(f, s, &s.nodes[n])
			s.nodes = s.nodes[:n]
		}
	}
	from := len(v.scopes)
	for from > 0 && v.scopes[from-1].depth == v.depth {
		from--
	}
	closing := v.scopes[from:]
	for i := range closing {
		if s := &closing[i]; s.ic.kind != constraintKeyref {
			merge(f, s)
		}
	}
	for i := range closing {
		if s := &closing[i]; s.ic.kind == constraintKeyref {
			v.resolveRefs(f, s)
		}
	}
	v.scopes = v.scopes[:from]
	if v.depth > 1 && len(v.scopes) > 0 {
		v.passUp(f, &v.frames[v.depth-2])
	}
}

func (v *Validator) closeNode(f *frame, s *icScope, node *icNode) {
	var key []byte
	for k := range node.values {
		val := &node.values[k]
		if !val.set {
			if s.ic.kind == constraintKey {
				v.reportNode(node, v.keyIncomplete(s.ic, k, val))
			}
			return
		}
		key = strconv.AppendInt(key, int64(len(val.key)), 10)
		key = append(append(key, ':'), val.key...)
	}
	if s.ic.kind == constraintKeyref {
		s.refs = append(s.refs, icRef{string(key), node.pos, node.path})
		return
	}
	if first, ok := s.table[string(key)]; ok {
		v.reportNode(node, v.keyTwice(s.ic, first))
		return
	}
	s.table[string(key)] = node.pos
}

// merge puts what the constraint met here into the tables of its element. What is met here comes before
// what came up from below.
func merge(f *frame, s *icScope) {
	t := f.table(s.ic)
	for k := range s.table {
		t.keys[k] = true
	}
}

func (f *frame) table(ic *constraint) *icTable {
	for i := range f.tables {
		if f.tables[i].ic == ic {
			return &f.tables[i]
		}
	}
	f.tables = append(f.tables, icTable{ic: ic, keys: map[string]bool{}})
	return &f.tables[len(f.tables)-1]
}

func (v *Validator) resolveRefs(f *frame, s *icScope) {
	var keys map[string]bool
	for i := range f.tables {
		if f.tables[i].ic == s.ic.refer {
			keys = f.tables[i].keys
		}
	}
	for _, r := range s.refs {
		if !keys[r.key] {
			v.reportNode(&icNode{pos: r.pos, path: r.path}, v.refDangling(s.ic))
		}
	}
}

// passUp hands tables to the parent if a keyref there or above may ask for them.
func (v *Validator) passUp(f, up *frame) {
	for i := range f.tables {
		t := &f.tables[i]
		wanted := slices.ContainsFunc(v.scopes, func(s icScope) bool { return s.ic.refer == t.ic })
		if !wanted {
			continue
		}
		to := up.table(t.ic)
		for k, good := range t.keys {
			_, twice := to.keys[k]
			to.keys[k] = good && !twice
		}
	}
}
