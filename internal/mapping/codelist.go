package mapping

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"github.com/beevik/etree"
	"go.yaml.in/yaml/v4"
)

// CodeList is a list of codes: rows found by a key column. In YAML:
//
//	name: hunderassen
//	list-uri: urn:example:codeliste:hunderassen
//	version: "2026-01"
//	key: code
//	columns: [code, name, infoma]      # optional; else those of the rows
//	rows:
//	  - {code: "101", name: Labrador Retriever, infoma: LAB}
//
// A list of one column may write its rows as plain values: rows: ["101", "102"].
type CodeList struct {
	Path    string
	Name    string
	URI     string // listURI of messages, CanonicalUri in Genericode
	Version string // listVersionID of messages
	Key     string
	Columns []string

	rows  map[string][]cell // by key, in the order of Columns
	order []string
}

// cell is a value that may be absent in its row.
type cell struct {
	text string
	set  bool
}

// Len is the number of rows.
func (l *CodeList) Len() int { return len(l.rows) }

// Keys are the keys in file order.
func (l *CodeList) Keys() []string { return slices.Clone(l.order) }

// Has reports whether key is in the list.
func (l *CodeList) Has(key string) bool {
	_, ok := l.rows[key]
	return ok
}

// Lookup gives the column of the row with that key.
func (l *CodeList) Lookup(key, column string) (string, bool) {
	row, ok := l.rows[key]
	i := slices.Index(l.Columns, column)
	if !ok || i < 0 {
		return "", false
	}
	return row[i].text, row[i].set
}

// LoadCodeList reads a YAML or Genericode 1.0 list (.xml, .gc).
func LoadCodeList(fsys fs.FS, file string) (*CodeList, Findings) {
	r := &reader{file: file}
	data := r.open(fsys, "code list")
	if data == nil {
		return nil, r.findings
	}
	var l *CodeList
	switch path.Ext(file) {
	case ".xml", ".gc":
		l = r.genericode(data)
	default:
		l = r.codeList(data)
	}
	if r.findings.HasErrors() {
		return nil, r.findings.Sort()
	}
	l.Path = file
	if l.Name == "" {
		l.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	return l, r.findings.Sort()
}

func (r *reader) codeList(data []byte) *CodeList {
	root := r.read(data)
	if root == nil {
		return nil
	}
	o := r.object(root, "a code list", "name", "title", "list-uri", "version", "key", "columns", "rows")
	l := &CodeList{Name: o.str("name"), URI: o.str("list-uri"), Version: o.str("version"), Key: o.str("key"), rows: map[string][]cell{}}
	for _, n := range o.seq("columns") {
		l.Columns = append(l.Columns, r.scalar(n, "a column"))
	}
	declared := len(l.Columns) > 0
	if l.Key == "" {
		l.Key = "code"
	}
	if !o.has("rows") {
		r.addf(root, "a code list needs rows")
	}
	rows := o.seq("rows")
	if !declared {
		l.Columns = []string{l.Key}
		for _, n := range rows {
			if n.Kind == yaml.MappingNode {
				r.pairs(n, "a row", func(k, _ *yaml.Node) {
					if !slices.Contains(l.Columns, k.Value) {
						l.Columns = append(l.Columns, k.Value)
					}
				})
			}
		}
	} else if !slices.Contains(l.Columns, l.Key) {
		r.addf(o.at("columns"), "the key column %s is not in columns", l.Key)
	}
	if !declared {
		r.strayColumns(l.Columns, rows)
	}
	lines := map[string]int{}
	for _, n := range rows {
		key, row := r.codeRow(l, n, declared)
		if key == "" {
			continue
		}
		if first, dup := lines[key]; dup {
			r.addf(n, "key %q is given twice, first in line %d", key, first)
			continue
		}
		lines[key] = n.Line
		l.rows[key] = row
		l.order = append(l.order, key)
	}
	return l
}

// strayColumns warns of a column that one row gives in the place of one that all others
// give: whoever looks that up would be told, case by case, that the code has none.
func (r *reader) strayColumns(columns []string, rows []*yaml.Node) {
	given := map[string][]*yaml.Node{} // rows by column
	for _, n := range rows {
		for i := 0; n.Kind == yaml.MappingNode && i+1 < len(n.Content); i += 2 {
			given[n.Content[i].Value] = append(given[n.Content[i].Value], n)
		}
	}
	for _, stray := range columns {
		if len(given[stray]) != 1 {
			continue
		}
		for _, usual := range columns {
			if row := given[stray][0]; len(rows) > 2 && len(given[usual]) == len(rows)-1 && !slices.Contains(given[usual], row) {
				r.warnf(row, "the row gives %s, which no other row gives, and no %s, which all others give", stray, usual)
			}
		}
	}
}

func (r *reader) codeRow(l *CodeList, n *yaml.Node, declared bool) (string, []cell) {
	if n.Kind == yaml.ScalarNode {
		key := r.scalar(n, "a row")
		row := make([]cell, len(l.Columns))
		row[slices.Index(l.Columns, l.Key)] = cell{key, true}
		return key, row
	}
	row := make([]cell, len(l.Columns))
	r.pairs(n, "a row", func(k, v *yaml.Node) {
		i := slices.Index(l.Columns, k.Value)
		if i < 0 {
			if declared {
				r.add(k, k.Value+" is not a column", didYouMean(k.Value, l.Columns))
			}
			return
		}
		row[i] = cell{r.scalar(v, k.Value), true}
	})
	i := slices.Index(l.Columns, l.Key)
	if i < 0 || row[i].text == "" {
		r.addf(n, "the row has no key (%s)", l.Key)
		return "", nil
	}
	return row[i].text, row
}

// genericode reads OASIS Genericode 1.0. The children of CodeList are unqualified; the
// key column is the one that Key/ColumnRef names, never the first.
func (r *reader) genericode(data []byte) *CodeList {
	lines := r.genericodeRows(data)
	doc := etree.NewDocument()
	if err := doc.ReadFromBytes(data); err != nil && !r.findings.HasErrors() {
		r.addf(nil, "not XML: %v", err)
	}
	if r.findings.HasErrors() {
		return nil
	}
	at := func(row int) *yaml.Node { return &yaml.Node{Line: lines[row], Column: 1} }
	top := &yaml.Node{Line: 1, Column: 1}
	root := doc.Root()
	if root == nil || root.Tag != "CodeList" || root.NamespaceURI() != "http://docs.oasis-open.org/codelist/ns/genericode/1.0/" {
		r.addf(top, "not a Genericode 1.0 code list")
		return nil
	}
	l := &CodeList{rows: map[string][]cell{}}
	if id := root.SelectElement("Identification"); id != nil {
		l.URI = childText(id, "CanonicalUri")
		l.Version = childText(id, "Version")
	}
	set := root.SelectElement("ColumnSet")
	if set == nil {
		r.addf(top, "the code list has no ColumnSet")
		return nil
	}
	for _, c := range set.SelectElements("Column") {
		l.Columns = append(l.Columns, c.SelectAttrValue("Id", ""))
	}
	keys := set.SelectElements("Key")
	for _, k := range keys {
		if ref := k.SelectElements("ColumnRef"); len(ref) == 1 {
			if recommended := k.FindElement("Annotation/AppInfo/recommendedKeyColumn"); l.Key == "" || recommended != nil {
				l.Key = ref[0].SelectAttrValue("Ref", "")
			}
		}
	}
	i := slices.Index(l.Columns, l.Key)
	if i < 0 {
		r.addf(top, "the code list has no key of one column")
		return nil
	}
	simple := root.SelectElement("SimpleCodeList")
	if simple == nil {
		r.addf(top, "the code list has no SimpleCodeList")
		return nil
	}
	for n, e := range simple.SelectElements("Row") {
		row := make([]cell, len(l.Columns))
		next := 0
		for _, v := range e.SelectElements("Value") {
			if ref := v.SelectAttrValue("ColumnRef", ""); ref != "" {
				next = slices.Index(l.Columns, ref) // without a reference: the column after the last
			}
			if next < 0 || next >= len(row) {
				r.addf(at(n), "row %d names a column that is not in the ColumnSet", n+1)
				break
			}
			if s := v.SelectElement("SimpleValue"); s != nil {
				row[next] = cell{textOf(s), true}
			}
			next++
		}
		key := row[i].text
		switch {
		case !row[i].set:
			r.addf(at(n), "row %d has no key (%s)", n+1, l.Key)
		case l.rows[key] != nil:
			r.addf(at(n), "key %q is given twice, again in row %d", key, n+1)
		default:
			l.rows[key] = row
			l.order = append(l.order, key)
		}
	}
	return l
}

// genericodeRows says in which line each row begins, and where the file is no XML document
// with one root element: the tree tells neither.
func (r *reader) genericodeRows(data []byte) (lines []int) {
	dec := xml.NewDecoder(bytes.NewReader(data))
	dec.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil } // the tree says what it cannot read
	depth, roots := 0, 0
	for {
		line, column := dec.InputPos()
		t, err := dec.Token()
		if err != nil {
			var syntax *xml.SyntaxError
			switch {
			case errors.As(err, &syntax):
				r.add(&yaml.Node{Line: syntax.Line, Column: 1}, "not XML: "+syntax.Msg, "")
			case !errors.Is(err, io.EOF):
				r.add(&yaml.Node{Line: line, Column: column}, "not XML: "+err.Error(), "")
			}
			return lines
		}
		switch t := t.(type) {
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			if depth++; t.Name.Local == "Row" {
				lines = append(lines, line)
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte("\uFEFF")))) > 0 {
				r.add(&yaml.Node{Line: line, Column: column}, "not XML: there is text outside the root element", "")
				return lines
			}
		}
		if roots > 1 {
			r.add(&yaml.Node{Line: line, Column: column}, "not XML: a second root element begins here", "")
			return lines
		}
	}
}

func childText(e *etree.Element, tag string) string {
	if c := e.SelectElement(tag); c != nil {
		return strings.TrimSpace(textOf(c))
	}
	return ""
}
