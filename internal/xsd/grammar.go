package xsd

import (
	"fmt"
	"strings"
)

// production says which attributes and children an element of a schema document may have. Children are a
// pattern over the letters of childLetters; attributes are words, required ones with a !.
type production struct{ attrs, kids string }

const facetAttrs = "value! fixed"

// productions are the schema for schemas in short. Some elements have one for each place they stand in:
// name, or name/parent, or name:ref where a ref attribute is there.
var productions = map[string]production{
	"schema":                     {"targetNamespace version finalDefault blockDefault attributeFormDefault elementFormDefault", "(i|I|r|a)*((s|c|g|G|e|A|n)a*)*"},
	"include":                    {"schemaLocation!", "a?"},
	"import":                     {"namespace schemaLocation", "a?"},
	"redefine":                   {"schemaLocation!", "(a|s|c|g|G)*"},
	"annotation":                 {"", "d*"},
	"documentation":              {"source", ""},
	"appinfo":                    {"source", ""},
	"element/schema":             {"name! type substitutionGroup nillable default fixed abstract final block", "a?(s|c)?k*"},
	"element":                    {"name! type nillable default fixed block form minOccurs maxOccurs", "a?(s|c)?k*"},
	"element:ref":                {"ref! minOccurs maxOccurs", "a?"},
	"complexType/schema":         {"name! mixed abstract final block", "a?(m|M|(g|L|C|S)?(A|G)*Y?)"},
	"complexType/redefine":       {"name! mixed abstract final block", "a?(m|M|(g|L|C|S)?(A|G)*Y?)"},
	"complexType":                {"mixed", "a?(m|M|(g|L|C|S)?(A|G)*Y?)"},
	"simpleType/schema":          {"name! final", "a?(R|l|u)"},
	"simpleType/redefine":        {"name! final", "a?(R|l|u)"},
	"simpleType":                 {"", "a?(R|l|u)"},
	"restriction/simpleType":     {"base", "a?s?f*"},
	"restriction/simpleContent":  {"base!", "a?s?f*(A|G)*Y?"},
	"restriction/complexContent": {"base!", "a?(g|L|C|S)?(A|G)*Y?"},
	"extension/simpleContent":    {"base!", "a?(A|G)*Y?"},
	"extension/complexContent":   {"base!", "a?(g|L|C|S)?(A|G)*Y?"},
	"list":                       {"itemType", "a?s?"},
	"union":                      {"memberTypes", "a?s*"},
	"simpleContent":              {"", "a?(R|X)"},
	"complexContent":             {"mixed", "a?(R|X)"},
	"sequence":                   {"minOccurs maxOccurs", "a?(e|g|C|S|y)*"},
	"choice":                     {"minOccurs maxOccurs", "a?(e|g|C|S|y)*"},
	"all":                        {"minOccurs maxOccurs", "a?e*"},
	"sequence/group":             {"", "a?(e|g|C|S|y)*"},
	"choice/group":               {"", "a?(e|g|C|S|y)*"},
	"all/group":                  {"", "a?e*"},
	"group/schema":               {"name!", "a?(L|C|S)"},
	"group/redefine":             {"name!", "a?(L|C|S)"},
	"group":                      {"ref! minOccurs maxOccurs", "a?"},
	"attributeGroup/schema":      {"name!", "a?(A|G)*Y?"},
	"attributeGroup/redefine":    {"name!", "a?(A|G)*Y?"},
	"attributeGroup":             {"ref!", "a?"},
	"attribute/schema":           {"name! type default fixed", "a?s?"},
	"attribute":                  {"name! type default fixed use form", "a?s?"},
	"attribute:ref":              {"ref! default fixed use", "a?"},
	"any":                        {"namespace processContents minOccurs maxOccurs", "a?"},
	"anyAttribute":               {"namespace processContents", "a?"},
	"notation":                   {"name! public system", "a?"},
	"key":                        {"name!", "a?xF+"},
	"unique":                     {"name!", "a?xF+"},
	"keyref":                     {"name! refer!", "a?xF+"},
	"selector":                   {"xpath!", "a?"},
	"field":                      {"xpath!", "a?"},
	"enumeration":                {"value!", "a?"},
	"pattern":                    {"value!", "a?"},
	"length":                     {facetAttrs, "a?"},
	"minLength":                  {facetAttrs, "a?"},
	"maxLength":                  {facetAttrs, "a?"},
	"totalDigits":                {facetAttrs, "a?"},
	"fractionDigits":             {facetAttrs, "a?"},
	"minInclusive":               {facetAttrs, "a?"},
	"maxInclusive":               {facetAttrs, "a?"},
	"minExclusive":               {facetAttrs, "a?"},
	"maxExclusive":               {facetAttrs, "a?"},
	"whiteSpace":                 {facetAttrs, "a?"},
}

var childLetters = map[string]string{
	"annotation": "a", "simpleType": "s", "complexType": "c", "group": "g", "attributeGroup": "G", "element": "e",
	"attribute": "A", "notation": "n", "include": "i", "import": "I", "redefine": "r", "sequence": "S",
	"choice": "C", "all": "L", "any": "y", "anyAttribute": "Y", "simpleContent": "m", "complexContent": "M",
	"restriction": "R", "extension": "X", "list": "l", "union": "u", "key": "k", "unique": "k", "keyref": "k",
	"selector": "x", "field": "F", "documentation": "d", "appinfo": "d", "enumeration": "f", "pattern": "f",
	"length": "f", "minLength": "f", "maxLength": "f", "totalDigits": "f", "fractionDigits": "f",
	"minInclusive": "f", "maxInclusive": "f", "minExclusive": "f", "maxExclusive": "f", "whiteSpace": "f",
}

// grammar holds the children patterns compiled.
type grammar struct {
	sets *setCache
	kids map[string]*regex
}

func newGrammar(sets *setCache) *grammar { return &grammar{sets: sets, kids: map[string]*regex{}} }

func (g *grammar) children(pattern string) *regex {
	re, ok := g.kids[pattern]
	if !ok {
		re, _ = compilePattern(pattern, g.sets) // the table's own patterns compile
		g.kids[pattern] = re
	}
	return re
}

func lookupProduction(n, parent *node) (production, bool) {
	name := n.name.Local
	if parent != nil {
		if p, ok := productions[name+"/"+parent.name.Local]; ok {
			return p, true
		}
	}
	if n.has("ref") && (name == "element" || name == "attribute") {
		name += ":ref"
	}
	p, ok := productions[name]
	return p, ok
}

// checkTree reports what the schema for schemas does not allow; false says that the document's
// structure is not to be relied on.
func (c *compiler) checkTree(n, parent *node) bool {
	if n.name.Space != schemaSpace {
		c.issue(n.at, "s4s-elt-invalid-content", "<%s> is no element of XML Schema", n.name)
		return false
	}
	p, ok := lookupProduction(n, parent)
	if !ok {
		c.issue(n.at, "s4s-elt-invalid", "<%s> is not known here", n.name.Local)
		return false
	}
	good := c.checkAttrs(n, p)
	if n.text != "" && n.name.Local != "documentation" && n.name.Local != "appinfo" {
		c.issue(n.at, "s4s-elt-character", "text inside <%s>", n.name.Local)
		good = false
	}
	var letters strings.Builder
	for _, k := range n.kids {
		l := childLetters[k.name.Local]
		if l == "" || k.name.Space != schemaSpace {
			c.issue(k.at, "s4s-elt-invalid-content", "<%s> is not allowed inside <%s>", k.name, n.name.Local)
			good = false
			continue
		}
		letters.WriteString(l)
	}
	if good && !c.grammar.children(p.kids).Match([]byte(letters.String())) {
		c.issue(n.at, "s4s-elt-invalid-content", "the children of <%s> are not in the order or number XML Schema asks", n.name.Local)
		good = false
	}
	for _, k := range n.kids {
		if k.name.Space == schemaSpace && !c.checkTree(k, n) {
			good = false
		}
	}
	return good
}

func (c *compiler) checkAttrs(n *node, p production) bool {
	good := true
	allowed := strings.Fields(p.attrs)
	for i := range n.attrs {
		a := &n.attrs[i]
		if a.Name.Space != "" {
			if a.Name.Space == schemaSpace {
				c.issue(n.at, "s4s-att-not-allowed", "attribute %s is not allowed on <%s>", a.Name, n.name.Local)
				good = false
			}
			continue
		}
		known := a.Name.Local == "id"
		for _, w := range allowed {
			known = known || strings.TrimSuffix(w, "!") == a.Name.Local
		}
		if !known {
			c.issue(n.at, "s4s-att-not-allowed", "attribute %s is not allowed on this <%s>", a.Name.Local, n.name.Local)
			good = false
		} else if why := attrFault(n, a); why != "" {
			c.issue(n.at, "s4s-att-invalid-value", "attribute %s of <%s>: %q %s", a.Name.Local, n.name.Local, a.Value, why)
			good = false
		} else if a.Name.Local == "id" {
			id := n.token("id")
			if n.doc.ids[id] {
				c.issue(n.at, "cvc-id.2", "id %q stands twice", id)
			}
			n.doc.ids[id] = true
		}
	}
	if n.is("notation") && !n.has("public") && !n.has("system") {
		c.issue(n.at, "s4s-att-must-appear", "<notation> needs attribute public or system")
	}
	for _, w := range allowed {
		if name, must := strings.CutSuffix(w, "!"); must && !n.has(name) {
			c.issue(n.at, "s4s-att-must-appear", "<%s> needs attribute %s", n.name.Local, name)
			good = false
		}
	}
	return good
}

// attrFault says what is wrong with an attribute's value, "" if nothing is.
func attrFault(n *node, a *Attr) string {
	v := strings.Join(strings.Fields(a.Value), " ")
	oneOf := func(words ...string) string {
		for _, w := range words {
			if w == v {
				return ""
			}
		}
		return "is not one of " + strings.Join(words, ", ")
	}
	setOf := func(words ...string) string {
		if v == "#all" {
			return ""
		}
		for _, f := range strings.Fields(v) {
			found := false
			for _, w := range words {
				found = found || w == f
			}
			if !found {
				return "is not of " + strings.Join(words, ", ") + " or #all"
			}
		}
		return ""
	}
	switch a.Name.Local {
	case "nillable", "abstract", "mixed":
		return oneOf("true", "false", "1", "0")
	case "fixed":
		if _, facet := childLetters[n.name.Local]; facet && childLetters[n.name.Local] == "f" {
			return oneOf("true", "false", "1", "0")
		}
	case "elementFormDefault", "attributeFormDefault", "form":
		return oneOf("qualified", "unqualified")
	case "use":
		return oneOf("optional", "required", "prohibited")
	case "processContents":
		return oneOf("strict", "lax", "skip")
	case "minOccurs", "maxOccurs":
		if v == "unbounded" && a.Name.Local == "maxOccurs" {
			return ""
		}
		if d, ok := parseDecimal([]byte(v)); !ok || strings.Contains(v, ".") || d.neg {
			return "is no number of occurrences"
		}
	case "name", "id":
		if !isNCName(v) {
			return "is no name without a colon"
		}
	case "blockDefault":
		return setOf("extension", "restriction", "substitution")
	case "finalDefault":
		return setOf("extension", "restriction", "list", "union")
	case "block":
		if n.name.Local == "element" {
			return setOf("extension", "restriction", "substitution")
		}
		return setOf("extension", "restriction")
	case "final":
		if n.name.Local == "simpleType" {
			return setOf("restriction", "list", "union")
		}
		return setOf("extension", "restriction")
	case "targetNamespace":
		if v == "" {
			return "is empty; a schema without a namespace has no such attribute"
		}
	case "ref", "type", "base", "itemType", "refer", "substitutionGroup":
		if _, ok := splitQName(v); !ok {
			return "is no qualified name"
		}
	case "memberTypes":
		for _, f := range strings.Fields(v) {
			if _, ok := splitQName(f); !ok {
				return "is no list of qualified names"
			}
		}
	case "source":
		if !isURI([]byte(v)) {
			return "is no URI"
		}
	case "namespace":
		if n.name.Local == "any" || n.name.Local == "anyAttribute" {
			return namespaceFault(v)
		}
	}
	return ""
}

func namespaceFault(v string) string {
	if v == "##any" || v == "##other" {
		return ""
	}
	for _, f := range strings.Fields(v) {
		if strings.HasPrefix(f, "##") && f != "##targetNamespace" && f != "##local" {
			return fmt.Sprintf("has %s, which is not known here", f)
		}
	}
	return ""
}

// splitQName splits prefix:local; the prefix is Space.
func splitQName(s string) (Name, bool) {
	prefix, local, ok := strings.Cut(s, ":")
	if !ok {
		return Name{Local: s}, isNCName(s)
	}
	return Name{prefix, local}, isNCName(prefix) && isNCName(local)
}
