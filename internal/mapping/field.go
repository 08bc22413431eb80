package mapping

import (
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

type rule uint8

const (
	ruleHold rule = iota
	ruleOmit
	ruleKeep
	ruleNull
	ruleConst
)

// decision is a named outcome: if-empty and else.
type decision struct {
	rule rule
	text string
}

// field is one compiled entry of fields, or a let.
type field struct {
	target string // as written
	full   string // with the targets of the groups around it
	line   int
	kind   kind // what a let is in expressions

	src    *source
	when   *program
	in     *CodeList
	lookup *lookup
	table  map[string]string
	steps  []step

	constant bool // const: an attribute of it alone makes no element
	required bool
	ifEmpty  decision
	minding  bool // if-empty or required is given: white space alone counts as empty
	orElse   decision
	typ      string // JSON: string, number, integer, boolean

	each  *each
	inner *block // a group, or the scope of a repeated field
	group bool
	sum   int // index into the state's sums, or -1
}

// each repeats a block over nodes or attachments.
type each struct {
	text        string
	path        *inputPath
	attachments bool
}

// lookup is a column of a code list.
type lookup struct {
	list   *CodeList
	column string
}

// block is a scope of lets and fields.
type block struct {
	lets   []*field
	fields []*field
	each   *each
	when   *program
	send   bool // if-none: send
	counts bool // each pass is a record of the document
	record *LayoutRecord
	slots  []*field // by field of the record; nil: the layout fills it, or nobody
	sums   []int    // by field of the record: index of the sum it asks for
	tree   *tnode   // XML and JSON
	line   int
}

var fieldKeys = []string{"from", "expr", "const", "template", "ordinance", "number-range", "fields", "each", "let", "when",
	"in", "lookup", "map", "with", "required", "if-empty", "else", "type"}

var sourceKeys = []string{"from", "expr", "const", "template", "ordinance", "number-range", "fields"}

// field compiles one entry. prefix is the target path of the groups around it.
func (c *compiler) field(k, v *yaml.Node, prefix string, isLet bool) *field {
	f := &field{target: k.Value, full: prefix + k.Value, line: k.Line, sum: -1}
	defer c.look(k)()
	if v.Kind == yaml.ScalarNode {
		c.r.add(v, k.Value+" needs a rule, not a value", "write {from: …} or {const: …}")
		return nil
	}
	o := c.r.object(v, k.Value, fieldKeys...)
	if v.Kind != yaml.MappingNode {
		return nil
	}
	var given []string
	for _, s := range sourceKeys {
		if o.has(s) {
			given = append(given, s)
		}
	}
	switch {
	case len(given) == 0:
		c.r.add(v, k.Value+" does not say where its value comes from", "one of "+strings.Join(sourceKeys, ", "))
		return nil
	case len(given) > 1:
		c.r.addf(v, "%s has %s; one of them is wanted", k.Value, strings.Join(given, " and "))
		return nil
	}
	if isLet {
		for _, key := range []string{"fields", "each", "let", "type"} {
			if o.has(key) {
				c.r.addf(o.keys[key], "%s has no place in a let", key)
			}
		}
	}
	c.repeat(f, o, isLet)
	if f.inner != nil {
		c.enter(f.inner)
		defer c.leave()
		c.lets(f.inner, o)
	}
	c.pipeline(f, o, given[0], isLet)
	return f
}

// repeat reads each and let, which give the field a scope of its own.
func (c *compiler) repeat(f *field, o *object, isLet bool) {
	if isLet {
		return
	}
	f.group = o.has("fields")
	if o.has("each") {
		if c.m.Format == CSV || c.m.Format == Fixed {
			c.r.addf(o.keys["each"], "%s files have no repeated fields; each stands at the top or in records, and expr: join(\"path\", \" \") puts the values into one field", c.m.Format)
			return
		}
		f.each = c.each(o)
	}
	if f.each != nil || f.group {
		f.inner = &block{each: f.each, line: f.line}
	} else if o.has("let") {
		c.r.addf(o.keys["let"], "let stands at the top, in groups and beside each")
	}
}

func (c *compiler) each(o *object) *each {
	src := o.str("each")
	defer c.look(o.at("each"))()
	e := &each{text: src}
	if src == "submission:attachments" {
		e.attachments = true
		return e
	}
	p, err := compilePath(src, c.ns)
	if err == nil && p.endsInAttribute() {
		err = fmt.Errorf("%s is an attribute; each goes over elements", src)
	}
	if err != nil {
		c.r.addf(o.at("each"), "each: %v", err)
		return nil
	}
	c.reads(p)
	e.path = p
	return e
}

func (c *compiler) pipeline(f *field, o *object, from string, isLet bool) {
	if o.has("when") {
		f.when = c.conditionAt(o, "when")
	}
	f.ifEmpty = c.decision(o, "if-empty", c.emptyDefault(isLet), "omit", "keep", "null", "hold")
	f.orElse = c.decision(o, "else", decision{rule: ruleHold}, "hold", "omit", "keep")
	f.required = o.boolean("required", false)
	f.minding = f.required || o.has("if-empty")
	if f.group {
		c.group(f, o)
		return
	}
	f.src = c.valueSource(f, o, from)
	if o.has("in") {
		if l, err := c.lookup(o.str("in"), false); err != nil {
			c.r.addf(o.at("in"), "%v", err)
		} else {
			f.in, f.kind = l.list, kindBool
		}
		for _, key := range []string{"lookup", "map"} {
			if o.has(key) {
				c.r.addf(o.keys[key], "in gives true or false; %s does not go with it", key)
			}
		}
	}
	if o.has("lookup") {
		l, err := c.lookup(o.str("lookup"), true)
		if err != nil {
			c.r.addf(o.at("lookup"), "%v", err)
		}
		f.lookup, f.kind = l, kindText
	}
	if o.has("map") {
		f.table, f.kind = map[string]string{}, kindText
		o.pairs("map", func(k, v *yaml.Node) { f.table[k.Value] = c.r.scalar(v, k.Value) })
	}
	if o.has("with") {
		f.steps, f.kind = c.steps(o.list("with")), kindText
	}
	if n := len(f.steps); n > 0 && f.steps[n-1].comma() && (o.str("type") == "number" || o.str("type") == "integer") {
		c.r.add(o.at("with"), "the step comma writes what is no number in JSON", "leave it out, or the type")
	}
	if f.typ = o.oneOf("type", "string", "string", "number", "integer", "boolean"); o.has("type") && c.m.Format != JSON && c.m.Format != "" {
		c.r.addf(o.keys["type"], "type is for JSON")
	}
}

func (c *compiler) group(f *field, o *object) {
	if f.required && f.each == nil {
		c.r.addf(o.keys["required"], "required on a group wants each: at least one")
	}
	for _, key := range []string{"in", "lookup", "map", "with", "type", "else"} {
		if o.has(key) {
			c.r.addf(o.keys[key], "%s has no place beside fields", key)
		}
	}
	if c.m.Format == CSV || c.m.Format == Fixed {
		c.r.addf(o.keys["fields"], "%s files have no groups", c.m.Format)
		return
	}
	c.fields(f.inner, o, f.full+"/")
}

func (c *compiler) emptyDefault(isLet bool) decision {
	if isLet || c.m.Format == CSV || c.m.Format == Fixed {
		return decision{rule: ruleKeep}
	}
	return decision{rule: ruleOmit}
}

// decision reads if-empty and else: a word, or {const: TEXT}.
func (c *compiler) decision(o *object, key string, dflt decision, words ...string) decision {
	n := o.vals[key]
	if n == nil {
		return dflt
	}
	if n.Kind == yaml.MappingNode {
		in := c.r.object(n, key, "const")
		if !in.has("const") {
			return dflt
		}
		return decision{ruleConst, in.str("const")}
	}
	w := n.Value // null is a word here, even unquoted
	if n.Kind != yaml.ScalarNode {
		c.r.addf(n, "%s is a word or {const: …}", key)
		return dflt
	}
	if !slices.Contains(words, w) {
		c.r.add(n, fmt.Sprintf("%s is not a decision for %s", w, key), fmt.Sprintf("possible: %s, or {const: %q}", strings.Join(words, ", "), w))
		return dflt
	}
	return decision{rule: map[string]rule{"hold": ruleHold, "omit": ruleOmit, "keep": ruleKeep, "null": ruleNull}[w]}
}

// valueSource compiles the one key that says where the value comes from.
func (c *compiler) valueSource(f *field, o *object, key string) *source {
	none := &source{get: func(*state) (string, *refusal) { return "", nil }}
	n := o.at(key)
	switch key {
	case "from":
		var list []*source
		for _, n := range o.list("from") {
			s, err := c.source(c.r.scalar(n, "from"))
			if err != nil {
				c.r.addf(n, "from: %v", err)
				continue
			}
			list = append(list, s)
		}
		if len(list) > 0 {
			return firstOf(list)
		}
	case "expr":
		p, err := c.program(o.str("expr"))
		if err != nil {
			c.r.exprFinding(n, "expr", err)
			return none
		}
		f.kind = p.kind
		return &source{text: p.src, get: p.text}
	case "const":
		text := o.str("const")
		f.constant = true
		return &source{text: fmt.Sprintf("%q", text), get: func(*state) (string, *refusal) { return text, nil }}
	case "template":
		s, err := c.template(o.str("template"))
		if err != nil {
			c.r.addf(n, "template: %v", err)
			return none
		}
		return s
	case "ordinance":
		i := c.ordinance(n)
		f.kind = kindNumber
		return &source{text: "ordinance " + c.m.ordinances[i].name, get: func(st *state) (string, *refusal) { return st.ordinance(i, Date{}, false) }}
	case "number-range":
		name := o.need("number-range", f.target)
		c.ranges[name] = true
		return &source{text: "number-range " + name, get: func(st *state) (string, *refusal) { return st.number(name) }}
	}
	return none
}

func (c *compiler) conditionAt(o *object, key string) *program {
	defer c.look(o.at(key))()
	p, err := c.condition(o.str(key))
	if err != nil {
		c.r.exprFinding(o.at(key), key, err)
		return nil
	}
	return p
}
