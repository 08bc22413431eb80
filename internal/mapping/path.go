package mapping

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/antchfx/xpath"
	"github.com/beevik/etree"
)

type stepKind uint8

const (
	stepChild stepKind = iota
	stepAnyChild
	stepParent
	stepAttr
)

// pathStep is one step of a plain path.
type pathStep struct {
	kind  stepKind
	local string
	space string // namespace, if bound
	bound bool   // the step has a prefix
}

// inputPath is a compiled input path. Plain paths are walked by steps; everything else
// of XPath goes through exprs.
type inputPath struct {
	src      string
	absolute bool
	steps    []pathStep
	exprs    *sync.Pool // of *xpath.Expr, which keeps state while it is evaluated; nil for plain paths
	reads    []readPath // what it reads, by local names
}

// readPath is one location that a path reads: the steps by local name, "*" for any,
// "**" for any depth, ".." for up.
type readPath struct {
	absolute bool
	steps    []string
}

var reservedPrefixes = []string{"submission", "municipality", "meta", "answer", "let", "record", "attachment", "records"}

// compilePath checks a path and prepares it. Errors name what is wrong, never the file.
func compilePath(src string, ns map[string]string) (*inputPath, error) {
	if src == "" {
		return nil, errors.New("an empty path; . is the current node")
	}
	if len(src) > 1000 {
		return nil, errors.New("a path of more than 1000 characters")
	}
	p := &inputPath{src: src, absolute: strings.HasPrefix(src, "/")}
	plain, err := p.plain(ns)
	if err != nil || plain {
		return p, err
	}
	reads, err := checkXPath(src, ns)
	if err != nil {
		return nil, err
	}
	p.reads = reads
	first, err := compileXPath(src, ns)
	if err != nil {
		return nil, fmt.Errorf("%s is not an XPath expression: %v", src, err)
	}
	p.exprs = &sync.Pool{New: func() any {
		again, _ := compileXPath(src, ns) // it compiled before, with the same namespaces
		return again
	}}
	p.exprs.Put(first)
	return p, nil
}

// compileXPath shields the caller from a panic in the library on odd input.
func compileXPath(src string, ns map[string]string) (e *xpath.Expr, err error) {
	defer func() {
		if v := recover(); v != nil {
			e, err = nil, fmt.Errorf("%v", v)
		}
	}()
	return xpath.CompileWithNS(src, ns)
}

// plain takes paths of names, *, ., .. and a final @attribute; false: something else.
func (p *inputPath) plain(ns map[string]string) (bool, error) {
	rest := p.src
	if p.absolute {
		rest = rest[1:]
	}
	if p.src == "/" {
		p.reads = []readPath{{absolute: true}}
		return true, nil
	}
	parts := strings.Split(rest, "/")
	read := readPath{absolute: p.absolute}
	down := false
	for i, part := range parts {
		s := pathStep{kind: stepChild}
		name := part
		if strings.HasPrefix(name, "@") {
			if _, _, ok := splitName(name[1:]); ok && i < len(parts)-1 {
				return false, fmt.Errorf("%s: an attribute has nothing below it", p.src)
			}
			s.kind, name = stepAttr, name[1:]
		}
		switch {
		case part == ".":
			continue
		case part == "..":
			if down { // several children lead to the same parent
				return false, nil
			}
			s.kind = stepParent
		case part == "*":
			s.kind, down = stepAnyChild, true
		default:
			prefix, local, ok := splitName(name)
			if !ok {
				return false, nil
			}
			s.local, down = local, true
			if prefix != "" {
				uri, known := ns[prefix]
				if !known {
					return false, unknownPrefix(prefix, ns)
				}
				s.space, s.bound = uri, true
			}
		}
		p.steps = append(p.steps, s)
		read.steps = append(read.steps, s.reads())
	}
	p.reads = []readPath{read}
	return true, nil
}

func (s pathStep) reads() string {
	switch s.kind {
	case stepParent:
		return ".."
	case stepAnyChild:
		return "*"
	case stepAttr:
		return "@" + s.local
	}
	return s.local
}

func unknownPrefix(prefix string, ns map[string]string) error {
	known := make([]string, 0, len(ns))
	for k := range ns {
		known = append(known, k)
	}
	slices.Sort(known)
	if len(known) == 0 {
		return fmt.Errorf("prefix %s is not in namespaces", prefix)
	}
	return fmt.Errorf("prefix %s is not in namespaces (declared: %s)", prefix, strings.Join(known, ", "))
}

// splitName parts p:name; ok is false for anything that is not a name.
func splitName(s string) (prefix, local string, ok bool) {
	if i := strings.IndexByte(s, ':'); i >= 0 {
		prefix, s = s[:i], s[i+1:]
		if !isName(prefix) {
			return "", "", false
		}
	}
	return prefix, s, isName(s)
}

// isName reports an XML name without colon.
func isName(s string) bool {
	if s == "" {
		return false
	}
	for i, r := range s {
		if r == utf8.RuneError || !nameRune(r, i == 0) {
			return false
		}
	}
	return true
}

// nameRune follows NameStartChar and NameChar of XML 1.0, fifth edition, without the colon.
func nameRune(r rune, first bool) bool {
	switch {
	case r == '_', 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z',
		0xC0 <= r && r <= 0xD6, 0xD8 <= r && r <= 0xF6, 0xF8 <= r && r <= 0x2FF,
		0x370 <= r && r <= 0x37D, 0x37F <= r && r <= 0x1FFF, 0x200C <= r && r <= 0x200D,
		0x2070 <= r && r <= 0x218F, 0x2C00 <= r && r <= 0x2FEF, 0x3001 <= r && r <= 0xD7FF,
		0xF900 <= r && r <= 0xFDCF, 0xFDF0 <= r && r <= 0xFFFD, 0x10000 <= r && r <= 0xEFFFF:
		return true
	case first:
		return false
	}
	return r == '-' || r == '.' || '0' <= r && r <= '9' || r == 0xB7 || 0x300 <= r && r <= 0x36F || 0x203F <= r && r <= 0x2040
}

// endsInAttribute reports a plain path to an attribute, which cannot be repeated over.
func (p *inputPath) endsInAttribute() bool {
	return p.exprs == nil && len(p.steps) > 0 && p.steps[len(p.steps)-1].kind == stepAttr
}

// isNil reports the null of a JSON document, or xsi:nil.
func isNil(e *etree.Element) bool {
	for i := range e.Attr {
		if e.Attr[i].Key == "nil" && (e.Attr[i].Value == "true" || e.Attr[i].Value == "1") {
			return true
		}
	}
	return false
}
