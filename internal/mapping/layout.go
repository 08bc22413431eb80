package mapping

import (
	"io/fs"
	"path"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
)

// Layout says how a fixed-width file is built: record types and the place of each field.
// Positions count from 1, lengths count characters of the target's encoding, so an umlaut
// is one. In YAML:
//
//	name: veranlagung
//	encoding: windows-1252          # default for mappings that use it
//	line-ending: crlf               # crlf, lf or none
//	length: 120                     # of every record; optional
//	records:
//	  header:
//	    fields:
//	      - {name: art, at: 1, length: 2, const: V0}
//	      - {name: erstellt, at: 3-10, date: YYYYMMDD}
//	      - {filler: 110}
//	  record:
//	    fields:
//	      - {name: person.name, at: 1, length: 30}
//	      - {name: tax.yearly, at: 31-40, align: right, fill: "0", decimal: cents, if-empty: hold}
//	  trailer:
//	    fields:
//	      - {name: anzahl, at: 1, length: 6, align: right, fill: "0", count: records}
//	      - {name: summe, length: 12, align: right, fill: "0", decimal: cents, sum: tax.yearly}
//
// header and trailer are written once; every other record type is one that mappings fill,
// record where a mapping names none. at may be left out: the field follows the one before.
// decimal: point, comma, cents, or implied-N (N places without a point); a negative number
// has its sign in front, or behind with sign: trailing; sign: none refuses it.
// if-empty: blank (default), fill or hold.
type Layout struct {
	Path       string
	Name       string
	Encoding   string
	LineEnding string // "\r\n", "\n" or ""
	Records    []*LayoutRecord
}

// LayoutRecord is one record type.
type LayoutRecord struct {
	Name   string
	Line   int
	Length int
	Fields []LayoutField
}

// LayoutField is one field; a filler has no name.
type LayoutField struct {
	Name   string
	Line   int
	At     int // first position, from 1
	Length int

	right    bool
	fill     byte
	fillRune string
	decimal  string // "", point, comma, cents, implied
	places   int
	sign     string
	date     dateFormat
	constant string
	isConst  bool
	count    bool
	sum      string
	empty    string
	optional bool
}

// Record finds a record type.
func (l *Layout) Record(name string) *LayoutRecord {
	for _, r := range l.Records {
		if r.Name == name {
			return r
		}
	}
	return nil
}

// Names are the fields that a mapping may fill.
func (r *LayoutRecord) Names() (names []string) {
	for i := range r.Fields {
		if f := &r.Fields[i]; f.Name != "" && !f.isConst && !f.count && f.sum == "" {
			names = append(names, f.Name)
		}
	}
	return names
}

// LoadLayout reads and checks a layout: overlaps, gaps and lengths are findings.
func LoadLayout(fsys fs.FS, file string) (*Layout, Findings) {
	r := &reader{file: file}
	data := r.open(fsys, "layout")
	if data == nil {
		return nil, r.findings
	}
	return parseLayout(file, data)
}

func parseLayout(file string, data []byte) (*Layout, Findings) {
	r := &reader{file: file}
	root := r.read(data)
	if root == nil {
		return nil, r.findings.Sort()
	}
	o := r.object(root, "a layout", "name", "title", "encoding", "line-ending", "length", "records")
	l := &Layout{Path: file, Name: o.str("name"), Encoding: o.str("encoding")}
	if l.Name == "" {
		l.Name = strings.TrimSuffix(path.Base(file), path.Ext(file))
	}
	if _, ok := charsetByName(l.Encoding); l.Encoding != "" && !ok {
		r.add(o.at("encoding"), l.Encoding+" is not an encoding", didYouMean(l.Encoding, charsetNames()))
	}
	l.LineEnding = lineEnding(o.oneOf("line-ending", "crlf", "crlf", "lf", "none"))
	length := o.integer("length", 0, 1, 100000)
	o.pairs("records", func(k, v *yaml.Node) {
		l.Records = append(l.Records, r.layoutRecord(k, v, length))
	})
	if len(l.Records) == 0 {
		r.addf(root, "a layout needs records")
	}
	for _, rec := range l.Records {
		for i := range rec.Fields {
			if f := &rec.Fields[i]; f.sum != "" && !l.hasSummand(f.sum) {
				r.findings = append(r.findings, Finding{File: file, Line: f.Line, Column: 1, Message: f.sum + " is not a field that can be summed"})
			}
		}
	}
	if r.findings.HasErrors() {
		return nil, r.findings.Sort()
	}
	return l, r.findings.Sort()
}

func lineEnding(word string) string {
	switch word {
	case "lf":
		return "\n"
	case "none":
		return ""
	}
	return "\r\n"
}

func (l *Layout) hasSummand(name string) bool {
	for _, rec := range l.Records {
		if rec.Name == "header" || rec.Name == "trailer" {
			continue
		}
		for i := range rec.Fields {
			if rec.Fields[i].Name == name {
				return true
			}
		}
	}
	return false
}

func (r *reader) layoutRecord(k, v *yaml.Node, length int) *LayoutRecord {
	o := r.object(v, "a record type", "fields", "length", "title")
	rec := &LayoutRecord{Name: k.Value, Line: k.Line}
	length = o.integer("length", length, 1, 100000)
	next := 1
	seen := map[string]int{}
	for _, n := range o.seq("fields") {
		f := r.layoutField(n, next)
		if f == nil {
			continue
		}
		switch {
		case f.At < next:
			r.addf(n, "%s begins at %d, but the field before ends at %d", f.title(), f.At, next-1)
		case f.At > next:
			r.add(n, "positions "+strconv.Itoa(next)+" to "+strconv.Itoa(f.At-1)+" are not described",
				"add {filler: "+strconv.Itoa(f.At-next)+"} before it")
		}
		if first, dup := seen[f.Name]; dup && f.Name != "" {
			r.addf(n, "%s is given twice, first in line %d", f.Name, first)
		}
		seen[f.Name] = f.Line
		next = f.At + f.Length
		rec.Fields = append(rec.Fields, *f)
	}
	rec.Length = next - 1
	if len(rec.Fields) == 0 {
		r.addf(k, "record type %s has no fields", k.Value)
	} else if length > 0 && length != rec.Length {
		sug := ""
		if length > rec.Length {
			sug = "add {filler: " + strconv.Itoa(length-rec.Length) + "} at the end"
		}
		r.add(k, "record type "+k.Value+" has "+strconv.Itoa(rec.Length)+" characters, but its length is "+strconv.Itoa(length), sug)
	}
	return rec
}

func (f *LayoutField) title() string {
	if f.Name == "" {
		return "filler"
	}
	return f.Name
}

func (r *reader) layoutField(n *yaml.Node, next int) *LayoutField {
	o := r.object(n, "a layout field", "name", "title", "at", "length", "filler", "align", "fill", "decimal", "sign",
		"date", "const", "count", "sum", "if-empty", "optional")
	if n.Kind != yaml.MappingNode {
		return nil
	}
	f := &LayoutField{Line: n.Line, At: next, fillRune: " ", fill: ' '}
	if o.has("at") {
		from, to, isRange := strings.Cut(o.str("at"), "-")
		f.At = number(from)
		if isRange {
			f.Length = number(to) - f.At + 1
		}
		if f.At < 1 || isRange && f.Length < 1 {
			r.add(o.at("at"), "at is a position or a range", "like 31 or 31-40")
			return nil
		}
	}
	if o.has("filler") {
		if o.has("name") {
			r.addf(n, "a filler has no name")
		}
		f.Length = o.integer("filler", 1, 1, 100000)
		f.isConst = true
	} else {
		f.Name = o.need("name", "a layout field")
		if given := o.integer("length", 0, 1, 100000); given > 0 {
			if f.Length > 0 && f.Length != given {
				r.addf(o.at("length"), "%s: length %d does not fit at %s", f.Name, given, o.str("at"))
			}
			f.Length = given
		}
		if f.Length == 0 {
			r.addf(n, "%s needs length", f.title())
			return nil
		}
	}
	f.right = o.oneOf("align", "left", "left", "right") == "right"
	if o.has("fill") {
		f.fillRune = o.str("fill")
		if utf8.RuneCountInString(f.fillRune) != 1 || f.fillRune[0] >= utf8.RuneSelf || f.fillRune[0] < ' ' {
			r.add(o.at("fill"), "fill is one ASCII character", `like " " or "0"`)
			f.fillRune = " "
		}
		f.fill = f.fillRune[0]
	}
	r.layoutForm(o, f)
	f.sign = o.oneOf("sign", "leading", "leading", "trailing", "none")
	f.empty = o.oneOf("if-empty", "blank", "blank", "fill", "hold")
	f.optional = o.boolean("optional", false)
	if o.has("const") {
		f.constant, f.isConst = o.str("const"), true
		if utf8.RuneCountInString(f.constant) > f.Length {
			r.addf(o.at("const"), "%s: the constant is longer than %d", f.Name, f.Length)
		}
	}
	f.count = o.oneOf("count", "", "records") != ""
	f.sum = o.str("sum")
	return f
}

// layoutForm reads decimal and date.
func (r *reader) layoutForm(o *object, f *LayoutField) {
	switch form := o.str("decimal"); {
	case form == "":
	case form == "point", form == "comma":
		f.decimal = form
	case form == "cents":
		f.decimal, f.places = "implied", 2
	case strings.HasPrefix(form, "implied-") && number(form[8:]) >= 0 && number(form[8:]) <= 9:
		f.decimal, f.places = "implied", number(form[8:])
	default:
		r.add(o.at("decimal"), form+" is not a form of decimal", "possible: point, comma, cents, implied-N")
	}
	if o.has("date") {
		var err error
		if f.date, err = parseDateFormat(o.str("date")); err != nil {
			r.addf(o.at("date"), "%s: %v", f.title(), err)
		}
	}
}

// number reads a small whole number; -1 if it is none.
func number(s string) int {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	if err != nil || n < 0 || n > 1000000 {
		return -1
	}
	return n
}
