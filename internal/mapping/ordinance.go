package mapping

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Ordinance is local law as a table. To change a rate, add one row with its valid-from
// and paragraph; the old row stays and keeps applying to earlier dates.
//
//	name: hundesteuer
//	title: Hundesteuersatzung der Stadt Musterstadt
//	currency: EUR
//	keys: {dogs: number, kind: text}      # what a rate depends on
//	texts: [konto]                        # columns that are no decimals; optional
//	on: seit                              # where the date is, if the mapping does not say; optional
//	tables:
//	  - valid-from: 2022-01-01
//	    valid-to: 2029-12-31              # optional
//	    paragraph: § 2 Abs. 1
//	    rows:
//	      - {kind: normal, dogs: 1,  amount: 85.80}
//	      - {kind: normal, dogs: 2,  amount: 102.00}
//	      - {kind: normal, dogs: 3+, amount: 118.80}
//	      - {kind: normal, dogs: 3+, amount: 124.80, valid-from: 2027-01-01, paragraph: § 2 Abs. 1 c n.F.}
//	      - {when: "kind == 'listed' and dogs >= 2", amount: 600.00}
//
// For a date, the table with the latest valid-from that has begun applies; of its rows
// that match the keys, the one with the latest valid-from that has begun, and among
// equals the first. A key cell is a value, a list of values in brackets, a range 2-4,
// 3+, or * (also: left out). Amounts are decimals with a point, exact.
type Ordinance struct {
	Path     string
	Name     string
	Title    string
	Currency string
	Columns  []string // value columns
	Keys     []OrdinanceKey

	on     *inputPath
	texts  []string
	tables []ordTable
}

// OrdinanceKey is something a rate depends on.
type OrdinanceKey struct {
	Name   string
	Number bool

	line, column int
}

type ordTable struct {
	line      int
	from, to  Date
	paragraph string
	rows      []ordRow
}

type ordRow struct {
	line      int
	from      Date
	paragraph string
	match     []keyMatch   // by key; nil matches all
	open      map[int]bool // keys for which * is written
	when      *condition
	values    []cell // by column
}

// Rate is the answer of an ordinance, with the law it rests on.
type Rate struct {
	Value     string
	Paragraph string
	ValidFrom Date
	Line      int
}

// LoadOrdinance reads and checks an ordinance file.
func LoadOrdinance(fsys fs.FS, file string) (*Ordinance, Findings) {
	r := &reader{file: file}
	data := r.open(fsys, "ordinance")
	if data == nil {
		return nil, r.findings
	}
	return parseOrdinance(file, data)
}

func parseOrdinance(file string, data []byte) (*Ordinance, Findings) {
	r := &reader{file: file}
	root := r.read(data)
	if root == nil {
		return nil, r.findings.Sort()
	}
	o := r.object(root, "an ordinance", "name", "title", "currency", "keys", "texts", "on", "tables", "source")
	ord := &Ordinance{Path: file, Name: o.str("name"), Title: o.str("title"), Currency: o.oneOf("currency", "EUR", "EUR")}
	if ord.Name == "" {
		ord.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	o.pairs("keys", func(k, v *yaml.Node) {
		kind := r.scalar(v, k.Value)
		if kind != "number" && kind != "text" {
			r.add(v, "a key is number or text", "")
		}
		if !isIdentifier(k.Value) || slices.Contains(ordReserved, k.Value) {
			r.addf(k, "%s cannot be the name of a key", k.Value)
		}
		ord.Keys = append(ord.Keys, OrdinanceKey{k.Value, kind == "number", k.Line, k.Column})
	})
	for _, n := range o.seq("texts") {
		ord.texts = append(ord.texts, r.scalar(n, "a column"))
	}
	if o.has("on") {
		p, err := compilePath(o.str("on"), nil)
		if err != nil {
			r.addf(o.at("on"), "on: %v", err)
		}
		ord.on = p
	}
	tables := o.seq("tables")
	for _, n := range tables {
		ord.tables = append(ord.tables, r.ordTable(ord, n))
	}
	if len(tables) == 0 {
		r.addf(root, "an ordinance needs tables")
	}
	ord.order(r)
	if r.findings.HasErrors() {
		return nil, r.findings.Sort()
	}
	return ord, r.findings.Sort()
}

var ordReserved = []string{"valid-from", "paragraph", "when", "note"}

func (r *reader) ordTable(ord *Ordinance, n *yaml.Node) ordTable {
	o := r.object(n, "a table", "valid-from", "valid-to", "paragraph", "rows", "note")
	t := ordTable{line: n.Line, paragraph: o.str("paragraph")}
	t.from = r.date(o, "valid-from", true)
	t.to = r.date(o, "valid-to", false)
	if c, ok := t.from.Cmp(t.to); ok && c > 0 {
		r.addf(o.at("valid-to"), "valid-to is before valid-from")
	}
	rows := o.seq("rows")
	if len(rows) == 0 {
		r.addf(n, "a table needs rows")
	}
	for _, n := range rows {
		row := r.ordRow(ord, &t, n)
		for _, other := range t.rows {
			if other.same(&row) {
				r.addf(n, "this row has the keys and the valid-from of line %d and would never apply", other.line)
			}
		}
		t.rows = append(t.rows, row)
	}
	for i, n := range rows {
		for k, key := range ord.Keys {
			if row := &t.rows[i]; row.match[k] == nil && row.when == nil && !row.open[k] && slices.ContainsFunc(t.rows, func(o ordRow) bool { return o.match[k] != nil }) {
				r.warnf(n, `the row leaves out %s, which other rows give; write %s: "*" if it applies to all`, key.Name, key.Name)
			}
		}
		r.mistyped(ord, &t, i, n)
	}
	return t
}

// mistyped warns of a column that is almost one that other rows give and this one
// does not, or that stands alone in the place of one that all others give: whoever asks
// for that would be told, case by case, that there is no rate.
func (r *reader) mistyped(ord *Ordinance, t *ordTable, row int, n *yaml.Node) {
	for i, name := range ord.Columns {
		if !t.rows[row].gives(i) {
			continue
		}
		for k, other := range ord.Columns {
			if k == i || t.rows[row].gives(k) {
				continue
			}
			with := func(column int) (rows int) {
				for j := range t.rows {
					if t.rows[j].gives(column) {
						rows++
					}
				}
				return rows
			}
			d := distance(name, other)
			switch near := d == 1 || d == 2 && len(other) > 5; {
			case near && with(k) > 0:
				r.warnf(n, "the row gives %s and no %s, which other rows give; did you mean %s?", name, other, other)
			case !near && len(t.rows) > 2 && with(i) == 1 && with(k) == len(t.rows)-1:
				r.warnf(n, "the row gives %s, which no other row gives, and no %s, which all others give", name, other)
			}
		}
	}
}

// gives reports whether there is a value in a column.
func (row *ordRow) gives(column int) bool {
	return column < len(row.values) && row.values[column].set
}

func (r *reader) date(o *object, key string, required bool) Date {
	if !o.has(key) {
		if required {
			r.addf(o.node, "a table needs %s", key)
		}
		return Date{}
	}
	d, err := isoDate(o.str(key))
	if err != nil {
		r.addf(o.at(key), "%s %s is not a date (YYYY-MM-DD)", key, o.str(key))
	}
	return d
}

// isoDate takes YYYY-MM-DD alone.
func isoDate(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' {
		return Date{}, errDate
	}
	return ParseDate(s)
}

func (r *reader) ordRow(ord *Ordinance, t *ordTable, n *yaml.Node) ordRow {
	row := ordRow{line: n.Line, from: t.from, paragraph: t.paragraph, match: make([]keyMatch, len(ord.Keys)), open: map[int]bool{}}
	some := false
	r.pairs(n, "a row", func(k, v *yaml.Node) {
		if i := slices.IndexFunc(ord.Keys, func(x OrdinanceKey) bool { return x.Name == k.Value }); i >= 0 {
			m, err := parseKeyMatch(r, v, ord.Keys[i].Number)
			if err != nil {
				r.addf(v, "%s: %v", k.Value, err)
			}
			row.match[i] = m
			row.open[i] = err == nil && m == nil
			return
		}
		text := r.scalar(v, k.Value)
		switch k.Value {
		case "valid-from":
			d, err := isoDate(text)
			if err != nil {
				r.addf(v, "valid-from %s is not a date (YYYY-MM-DD)", text)
			} else if c, ok := d.Cmp(t.from); ok && c < 0 {
				r.addf(v, "valid-from of the row is before that of its table")
			}
			row.from = d
		case "paragraph":
			row.paragraph = text
		case "note":
		case "when":
			c, err := compileCondition(text, ord.Keys)
			if err != nil {
				r.exprFinding(v, "when", err)
			}
			row.when = c
		default:
			some = true
			r.ordValue(ord, &row, k, v, text)
		}
	})
	if !some {
		r.addf(n, "the row gives no value")
	}
	if row.paragraph == "" {
		r.warnf(n, "the row has no paragraph; a notice has to name one")
	}
	return row
}

// thousands is how a German hand writes them; here the point is a decimal one.
var thousands = regexp.MustCompile(`^[1-9][0-9]{0,2}\.[0-9]{3}$`)

func (r *reader) ordValue(ord *Ordinance, row *ordRow, k, v *yaml.Node, text string) {
	for _, key := range ord.Keys {
		if d := distance(k.Value, key.Name); d == 1 || d == 2 && len(key.Name) > 5 {
			r.add(k, k.Value+" is not a key of this ordinance", "did you mean "+key.Name+"?")
			return
		}
	}
	if !slices.Contains(ord.texts, k.Value) {
		d, err := ParseDecimal(text)
		if err == nil && !d.set && v.Kind == yaml.ScalarNode {
			r.add(v, k.Value+" has no value", "leave it out where there is no rate, or name it in texts")
		}
		if err == nil && thousands.MatchString(text) {
			r.warnf(v, "%s: %s is read as %s (write %s.00, if that is meant)", k.Value, text, d.trimmed(), strings.ReplaceAll(text, ".", ""))
		}
		if err == nil && d.unscaled < 0 {
			r.warnf(v, "%s: %s is negative (what is to be taken off is written without a sign)", k.Value, text)
		}
		if err != nil {
			sug := ""
			if fixed := strings.ReplaceAll(strings.ReplaceAll(text, ".", ""), ",", "."); strings.Contains(text, ",") {
				sug = "write " + fixed
			} else {
				sug = "if it is a key, declare it in keys; if it is text, in texts"
			}
			r.add(v, fmt.Sprintf("%s: %s %v", k.Value, text, err), sug)
		}
	}
	i := slices.Index(ord.Columns, k.Value)
	if i < 0 {
		i = len(ord.Columns)
		ord.Columns = append(ord.Columns, k.Value)
	}
	for len(row.values) <= i {
		row.values = append(row.values, cell{})
	}
	row.values[i] = cell{text, true}
}

// order sorts tables by date and says where two begin on the same day.
func (ord *Ordinance) order(r *reader) {
	slices.SortStableFunc(ord.tables, func(a, b ordTable) int { return cmp.Compare(a.from.String(), b.from.String()) })
	for i := 1; i < len(ord.tables); i++ {
		if a, b := ord.tables[i-1], ord.tables[i]; a.from == b.from && a.from.IsSet() {
			r.findings = append(r.findings, Finding{File: r.file, Line: b.line, Column: 1,
				Message: fmt.Sprintf("another table is valid from %s too, in line %d", b.from, a.line)})
		}
	}
}
