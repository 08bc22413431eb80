package mapping

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// output is how the target document is written.
type output struct {
	cs          charset
	contentType string
	fileName    *source
	fileLine    int
	indent      bool
	check       Check
	record      string // XML, JSON: where the records of each go

	root       string // XML
	namespace  string
	location   string
	standalone bool
	nil        bool // xsi:nil may occur

	delimiter  byte // CSV
	quote      string
	formulas   string
	headerLine bool
	bom        bool
	ending     string
}

var outputKeys = map[Format][]string{
	XML:   {"root", "namespace", "xsd", "schema-location", "standalone", "record", "indent"},
	JSON:  {"schema", "record", "indent"},
	CSV:   {"delimiter", "quote", "formulas", "header-line", "bom", "line-ending"},
	Fixed: {"layout", "line-ending"},
}

var commonKeys = []string{"format", "encoding", "content-type", "file-name"}

func (c *compiler) output(n *yaml.Node) {
	all := slices.Clone(commonKeys)
	for _, keys := range outputKeys {
		all = append(all, keys...)
	}
	slices.Sort(all)
	o := c.r.object(n, "output", slices.Compact(all)...)
	if n.Kind != yaml.MappingNode {
		return
	}
	if o.need("format", "output") != "" {
		c.m.Format = Format(o.oneOf("format", "", string(XML), string(JSON), string(CSV), string(Fixed)))
	}
	for key, kn := range o.keys {
		if c.m.Format != "" && !slices.Contains(outputKeys[c.m.Format], key) && !slices.Contains(commonKeys, key) {
			c.r.add(kn, fmt.Sprintf("%s is not a setting of format %s", key, c.m.Format), didYouMean(key, outputKeys[c.m.Format]))
		}
	}
	out := &c.m.out
	c.encoding(o)
	switch c.m.Format {
	case XML:
		c.outputXML(o, out)
	case JSON:
		c.outputJSON(o, out)
	case CSV:
		c.outputCSV(o, out)
	case Fixed:
		c.outputFixed(o, out)
	}
	out.contentType = o.str("content-type")
	if out.contentType == "" {
		out.contentType = map[Format]string{XML: "application/xml", JSON: "application/json",
			CSV: "text/csv; charset=" + out.cs.name, Fixed: "text/plain; charset=" + out.cs.name}[c.m.Format]
	}
	if o.has("file-name") {
		c.scopes = append(c.scopes, &cscope{&block{}, []readPath{{absolute: true}}})
		s, err := c.template(o.str("file-name"))
		c.leave()
		if err != nil {
			c.r.addf(o.at("file-name"), "file-name: %v", err)
		}
		out.fileName, out.fileLine = s, o.at("file-name").Line
	}
}

func (c *compiler) encoding(o *object) {
	name := o.str("encoding")
	if c.m.Format == Fixed {
		c.layoutOf(o)
		if name == "" && c.m.layout != nil {
			name = c.m.layout.Encoding
		}
	}
	if name == "" {
		name = "utf-8"
	}
	cs, ok := charsetByName(name)
	if !ok {
		c.r.add(o.at("encoding"), name+" is not an encoding", didYouMean(name, charsetNames()))
		cs, _ = charsetByName("utf-8")
	}
	if c.m.Format == JSON && !cs.utf8 {
		c.r.addf(o.at("encoding"), "JSON is utf-8")
	}
	c.m.out.cs = cs
}

func (c *compiler) layoutOf(o *object) {
	name := o.need("layout", "format fixed")
	if name == "" {
		return
	}
	l, err := c.res.Layout(c.m.Path, name)
	if err != nil {
		c.r.addf(o.at("layout"), "%v", c.missing("layout", name, err))
		return
	}
	c.m.layout = l
}

func (c *compiler) schema(o *object, key string) Check {
	if !o.has(key) {
		return nil
	}
	name := o.str(key)
	check, err := c.res.Schema(c.m.Path, name)
	if err != nil {
		c.r.addf(o.at(key), "%v", c.missing("schema", name, err))
	}
	return check
}

func (c *compiler) outputXML(o *object, out *output) {
	out.root = o.need("root", "format xml")
	if out.root != "" && !c.targetName(out.root) {
		c.r.addf(o.at("root"), "root: %s", c.badName(out.root))
	}
	out.namespace = o.str("namespace")
	out.location = o.str("schema-location")
	out.standalone = o.boolean("standalone", false)
	out.indent = o.boolean("indent", true)
	out.check = c.schema(o, "xsd")
	if out.record = o.str("record"); out.record != "" && !isName(out.record) && !c.targetPath(out.record) {
		c.r.addf(o.at("record"), "record: %s is not a path of names", out.record)
	}
	out.nil = out.location != ""
}

func (c *compiler) targetPath(p string) bool {
	for _, s := range strings.Split(p, "/") {
		if !c.targetName(s) {
			return false
		}
	}
	return true
}

// targetName reports a name whose prefix, if any, is declared.
func (c *compiler) targetName(s string) bool {
	prefix, _, ok := splitName(s)
	return ok && (prefix == "" || c.ns[prefix] != "" || prefix == "xml")
}

func (c *compiler) badName(s string) string {
	prefix, _, ok := splitName(s)
	if !ok {
		return fmt.Sprintf("%q is not an XML name", s)
	}
	return unknownPrefix(prefix, c.ns).Error()
}

func (c *compiler) outputJSON(o *object, out *output) {
	out.indent = o.boolean("indent", true)
	out.check = c.schema(o, "schema")
	out.record = o.str("record")
}

func (c *compiler) outputCSV(o *object, out *output) {
	out.delimiter = ';'
	if o.has("delimiter") {
		d := o.str("delimiter")
		if d == `\t` || d == "tab" {
			d = "\t"
		}
		if len(d) != 1 || strings.ContainsAny(d, "\"\r\n") || d[0] >= 0x7F || d[0] < ' ' && d != "\t" {
			c.r.add(o.at("delimiter"), "delimiter is one ASCII character", `like ";", "," or "tab"`)
			d = ";"
		}
		out.delimiter = d[0]
	}
	out.quote = o.oneOf("quote", "minimal", "minimal", "all", "never")
	if out.formulas = o.oneOf("formulas", "", "keep", "escape", "hold"); !o.has("formulas") {
		c.r.add(o.node, "format csv needs formulas: what becomes of a value that begins with = + - @ and that a spreadsheet would run",
			"keep (the receiver is a program), escape (with an apostrophe) or hold")
	}
	out.headerLine = o.boolean("header-line", true)
	if out.bom = o.boolean("bom", false); out.bom && !out.cs.utf8 {
		c.r.addf(o.at("bom"), "a byte order mark is for utf-8")
	}
	out.ending = lineEnding(o.oneOf("line-ending", "crlf", "crlf", "lf"))
}

func (c *compiler) outputFixed(o *object, out *output) {
	if c.m.layout != nil {
		out.ending = c.m.layout.LineEnding
		for _, rec := range c.m.layout.Records {
			c.layoutText(o, rec)
		}
	}
	if o.has("line-ending") {
		out.ending = lineEnding(o.oneOf("line-ending", "crlf", "crlf", "lf", "none"))
	}
}

// layoutText checks that the constants of the layout exist in the encoding.
func (c *compiler) layoutText(o *object, rec *LayoutRecord) {
	for i := range rec.Fields {
		f := &rec.Fields[i]
		if _, _, bad := c.m.out.cs.append(nil, f.constant); bad != fits {
			c.r.addf(o.at("layout"), "the constant of %s (%s:%d) does not exist in %s", f.Name, c.m.layout.Path, f.Line, c.m.out.cs.name)
		}
	}
}
