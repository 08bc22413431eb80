package xsd

import "strings"

// constraint is a key, unique or keyref.
type constraint struct {
	name     Name
	kind     constraintKind
	selector []xpath
	fields   [][]xpath
	refer    *constraint
	at       where
}

type constraintKind byte

const (
	constraintUnique constraintKind = iota
	constraintKey
	constraintKeyref
)

func (k constraintKind) String() string { return [...]string{"unique", "key", "keyref"}[k] }

// xpath is one branch of a selector or field: optional .//, child steps, for fields an attribute at the
// end.
type xpath struct {
	deep  bool
	steps []nameTest
	attr  *nameTest
}

type nameTest struct {
	any  bool // *
	ns   bool // prefix:*
	name Name
}

func (t *nameTest) matches(n Name) bool {
	switch {
	case t.any:
		return true
	case t.ns:
		return n.Space == t.name.Space
	}
	return n == t.name
}

// constraint reads an identity constraint; keyrefs find what they refer to when all are known.
func (c *compiler) constraint(n *node) *constraint {
	ic := &constraint{name: Name{n.doc.target, n.token("name")}, at: n.at}
	switch n.name.Local {
	case "key":
		ic.kind = constraintKey
	case "keyref":
		ic.kind = constraintKeyref
	}
	if old := c.constraints[ic.name]; old != nil {
		if old.at != ic.at {
			c.issue(n.at, "sch-props-correct.2", "identity constraint %s is there already", ic.name)
		}
		return nil
	}
	c.constraints[ic.name] = ic
	good := true
	for _, k := range n.kids {
		switch k.name.Local {
		case "selector":
			ic.selector, good = c.xpaths(k, false)
		case "field":
			paths, ok := c.xpaths(k, true)
			good = good && ok
			ic.fields = append(ic.fields, paths)
		}
	}
	if ic.kind == constraintKeyref {
		refer, ok := c.expand(n, n.token("refer"))
		if !ok {
			return nil
		}
		if refer.Space != n.doc.target && !n.doc.imports[refer.Space] {
			c.issue(n.at, "src-resolve.4", "key %s: the schema does not import its namespace", refer)
			return nil
		}
		c.later = append(c.later, func() {
			to := c.constraints[refer]
			switch {
			case to == nil || to.kind == constraintKeyref:
				c.issue(n.at, "src-resolve", "there is no key or unique %s", refer)
			case len(to.fields) != len(ic.fields):
				c.issue(n.at, "c-props-correct.2", "%s has %d fields, %s has %d", ic.name, len(ic.fields), to.name, len(to.fields))
			default:
				ic.refer = to
			}
		})
	}
	if !good {
		return nil
	}
	return ic
}

func (c *compiler) xpaths(n *node, field bool) ([]xpath, bool) {
	text, _ := n.attr("xpath")
	var out []xpath
	for _, branch := range strings.Split(text, "|") {
		p, ok := c.xpath(n, branch, field)
		if !ok {
			rule := "c-selector-xpath"
			if field {
				rule = "c-fields-xpaths"
			}
			c.issue(n.at, rule, "%q is not of the paths XML Schema allows", text)
			return nil, false
		}
		out = append(out, p)
	}
	return out, true
}

// xpath reads one branch: ('.//')? step ('/' step)* with steps ., name, prefix:name, prefix:*, *, child::…
// and, at the end of fields, @… or attribute::….
func (c *compiler) xpath(n *node, s string, field bool) (p xpath, ok bool) {
	tokens, ok := xpathTokens(s)
	if !ok || len(tokens) == 0 {
		return p, false
	}
	if len(tokens) > 2 && tokens[0] == "." && tokens[1] == "//" {
		p.deep = true
		tokens = tokens[2:]
	}
	for len(tokens) > 0 {
		attr := false
		switch {
		case tokens[0] == "@":
			attr, tokens = true, tokens[1:]
		case len(tokens) > 1 && tokens[1] == "::" && tokens[0] == "attribute":
			attr, tokens = true, tokens[2:]
		case len(tokens) > 1 && tokens[1] == "::" && tokens[0] == "child":
			tokens = tokens[2:]
		case tokens[0] == ".":
			if tokens = tokens[1:]; len(tokens) == 0 {
				return p, true
			}
			if tokens[0] != "/" || len(tokens) == 1 {
				return p, false
			}
			tokens = tokens[1:]
			continue
		}
		if len(tokens) == 0 || attr && !field {
			return p, false
		}
		test, ok := c.nameTest(n, tokens[0])
		if !ok {
			return p, false
		}
		tokens = tokens[1:]
		if attr {
			p.attr = &test
			return p, len(tokens) == 0
		}
		p.steps = append(p.steps, test)
		if len(tokens) == 0 {
			return p, true
		}
		if tokens[0] != "/" || len(tokens) == 1 {
			return p, false
		}
		tokens = tokens[1:]
	}
	return p, false
}

// xpathTokens splits a path at blanks and at . / // @ ::
func xpathTokens(s string) ([]string, bool) {
	var out []string
	for i := 0; i < len(s); {
		switch {
		case isSpace(s[i]):
			i++
		case strings.HasPrefix(s[i:], "//"), strings.HasPrefix(s[i:], "::"):
			out = append(out, s[i:i+2])
			i += 2
		case s[i] == '/' || s[i] == '@' || s[i] == '.':
			out = append(out, s[i:i+1])
			i++
		default:
			j := i
			for j < len(s) && !isSpace(s[j]) && s[j] != '/' && s[j] != '@' && !strings.HasPrefix(s[j:], "::") {
				j++
			}
			out = append(out, s[i:j])
			i = j
		}
	}
	return out, true
}

func (c *compiler) nameTest(n *node, s string) (t nameTest, ok bool) {
	if s == "*" {
		return nameTest{any: true}, true
	}
	if prefix, wild := strings.CutSuffix(s, ":*"); wild {
		space, ok := n.ns.Lookup(prefix)
		return nameTest{ns: true, name: Name{Space: space}}, ok && isNCName(prefix)
	}
	q, ok := splitQName(s)
	if !ok {
		return t, false
	}
	t.name.Local = q.Local
	if q.Space != "" { // the default namespace is not for names in paths
		t.name.Space, ok = n.ns.Lookup(q.Space)
	}
	return t, ok
}
