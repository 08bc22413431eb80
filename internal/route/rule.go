package route

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"

	"stellwerk/internal/config/strict"
	"stellwerk/internal/mapping"
)

// rule makes a mapping out of a delivery's when, with the route's let, each and
// namespaces: one record for each node for which it holds. So a condition means
// in a route exactly what it means in a mapping. Nil where there is no when.
func (l *loader) rule(r *Route, i int, when string) *mapping.Mapping {
	if when == "" {
		return nil
	}
	if l.top.Style&yaml.FlowStyle != 0 {
		l.at("", "a route with conditions is written line by line, not in braces", "")
		return nil
	}
	var b bytes.Buffer
	b.Write(l.only("namespaces", "each", "let"))
	end := bytes.Count(b.Bytes(), []byte("\n"))
	fmt.Fprintf(&b, "revision: 1\noutput: {format: csv, formulas: keep}\nif-none: send\nfields: {due: {const: \"1\"}}\nwhen: %s\n", strconv.QuoteToASCII(when))
	m, found := mapping.Parse(l.file, b.Bytes(), l.res)
	at := strict.At(l.top, fmt.Sprintf("deliveries[%d].when", i))
	if m != nil {
		found = append(found, m.CheckInput(r.Admits)...)
	}
	for _, f := range found {
		if f.Line > end {
			f.Line, f.Column = at.Line, at.Column
		}
		l.found = append(l.found, f)
	}
	return m
}

// only gives the file's text with every top-level entry but the named ones left
// blank, so that lines and columns of complaints stay true.
func (l *loader) only(keys ...string) []byte {
	lines := strings.Split(strings.TrimRight(string(l.text), "\n"), "\n")
	keep := make([]bool, len(lines)+1)
	for i := 0; i+1 < len(l.top.Content); i += 2 {
		k := l.top.Content[i]
		next := len(lines) + 1
		if i+2 < len(l.top.Content) {
			next = l.top.Content[i+2].Line
		}
		for _, name := range keys {
			if k.Value == name {
				for line := k.Line; line < next; line++ {
					keep[line-1] = true
				}
			}
		}
	}
	var b bytes.Buffer
	for i, line := range lines {
		if keep[i] {
			b.WriteString(line)
		}
		b.WriteByte('\n')
	}
	return b.Bytes()
}
