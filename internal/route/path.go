package route

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/beevik/etree"
)

// path is a way to values by local names, such as hund/chip or kopf/@id. Unlike a
// mapping's it has no predicates: what people search by must be plain.
type path struct {
	steps     []string
	attribute string
}

var step = regexp.MustCompile(`^(\*|[\pL_][\pL\pN_.-]*)$`)

func parsePath(text string) (path, error) {
	var p path
	rest := strings.TrimPrefix(text, "/")
	if before, attribute, ok := strings.Cut(rest, "@"); ok {
		if !step.MatchString(attribute) || before != "" && !strings.HasSuffix(before, "/") {
			return path{}, fmt.Errorf("%q is not a path", text)
		}
		p.attribute, rest = attribute, strings.TrimSuffix(before, "/")
	}
	if rest != "" || p.attribute == "" {
		p.steps = strings.Split(rest, "/")
	}
	for _, s := range p.steps {
		if !step.MatchString(s) {
			return path{}, fmt.Errorf("%q is not a path of names, such as hund/chip", text)
		}
	}
	return p, nil
}

// values gives the trimmed texts at the path, in document order, without empty ones.
func (p path) values(root *etree.Element) []string {
	var out []string
	p.walk(root, 0, func(v string) {
		if v = strings.TrimSpace(v); v != "" {
			out = append(out, v)
		}
	})
	return out
}

func (p path) walk(e *etree.Element, depth int, found func(string)) {
	if depth == len(p.steps) {
		if p.attribute == "" {
			found(text(e))
			return
		}
		for _, a := range e.Attr {
			if a.Key == p.attribute && a.Space != "xmlns" {
				found(a.Value)
			}
		}
		return
	}
	for _, c := range e.ChildElements() {
		if p.steps[depth] == "*" || c.Tag == p.steps[depth] {
			p.walk(c, depth+1, found)
		}
	}
}

// text is the character data that stands directly in an element.
func text(e *etree.Element) string {
	var b strings.Builder
	for _, t := range e.Child {
		if t, ok := t.(*etree.CharData); ok {
			b.WriteString(t.Data)
		}
	}
	return b.String()
}
