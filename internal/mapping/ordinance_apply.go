package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v4"
)

// ordUse is one question of a mapping to an ordinance.
type ordUse struct {
	name   string
	column string
	line   int
	on     *source
	by     map[string]*program
	lets   map[string]letRef // lets whose names may serve as keys
}

const defaultColumn = "amount"

// ordinance reads NAME[/COLUMN] or {name, column, on, by}.
func (c *compiler) ordinance(n *yaml.Node) int {
	u := ordUse{line: n.Line, column: defaultColumn, by: map[string]*program{}, lets: c.visibleLets()}
	if n.Kind == yaml.ScalarNode {
		u.name, u.column = splitOrdinance(c.r.scalar(n, "ordinance"))
	} else {
		o := c.r.object(n, "ordinance", "name", "column", "on", "by")
		u.name = o.need("name", "ordinance")
		if o.has("column") {
			u.column = o.str("column")
		}
		if o.has("on") {
			src, err := c.source(o.str("on"))
			if err != nil {
				c.r.addf(o.at("on"), "on: %v", err)
			}
			u.on = src
		}
		o.pairs("by", func(k, v *yaml.Node) {
			p, err := c.program(c.r.scalar(v, k.Value))
			if err != nil {
				c.r.exprFinding(v, k.Value, err)
				return
			}
			u.by[k.Value] = p
		})
	}
	c.m.ordinances = append(c.m.ordinances, u)
	return len(c.m.ordinances) - 1
}

func splitOrdinance(s string) (name, column string) {
	name, column, ok := strings.Cut(s, "/")
	if !ok {
		column = defaultColumn
	}
	return name, column
}

// ordinanceByName is a question asked in an expression.
func (c *compiler) ordinanceByName(ref string) int {
	name, column := splitOrdinance(ref)
	c.m.ordinances = append(c.m.ordinances, ordUse{name: name, column: column, lets: c.visibleLets()})
	return len(c.m.ordinances) - 1
}

func (c *compiler) visibleLets() map[string]letRef {
	out := map[string]letRef{}
	for _, name := range c.letNames() {
		out[name], _ = c.let(name)
	}
	return out
}

func noRate(detail, format string, args ...any) *refusal {
	return &refusal{code: CodeNoRate, detail: detail, message: fmt.Sprintf(format, args...)}
}

// ordinance asks the municipality's table.
func (st *state) ordinance(i int, on Date, given bool) (string, *refusal) {
	u := &st.m.ordinances[i]
	ord := st.env.Ordinances[u.name]
	if ord == nil {
		return "", noRate(u.name, "the municipality has no ordinance %s", u.name)
	}
	if !given {
		var ref *refusal
		if on, ref = st.rateDate(u, ord); ref != nil {
			return "", ref
		}
	}
	keys := make([]string, len(ord.Keys))
	for k, key := range ord.Keys {
		v, ref := st.rateKey(u, ord, key)
		if ref != nil {
			return "", ref
		}
		keys[k] = v
	}
	rate, err := ord.rate(on, keys, u.column)
	if err != nil {
		return "", noRate(u.name, "%v", err)
	}
	if st.explain != nil {
		st.explain.paragraph = rate.Paragraph
	}
	return rate.Value, nil
}

// rateDate: what the mapping says, else the ordinance, else the day of receipt.
func (st *state) rateDate(u *ordUse, ord *Ordinance) (Date, *refusal) {
	var text string
	var ref *refusal
	what := ""
	switch {
	case u.on != nil:
		what = u.on.text
		text, ref = u.on.get(st)
	case ord.on != nil:
		what = ord.on.src
		text, ref = st.text(ord.on)
	default:
		return st.receivedOn(), nil
	}
	if ref != nil {
		return Date{}, ref
	}
	d, err := ParseDate(text)
	if err != nil || !d.IsSet() {
		return Date{}, &refusal{code: CodeNotADate, detail: what, message: what + " is not a date, on which the rate of " + ord.Name + " depends", value: text}
	}
	return d, nil
}

func (st *state) rateKey(u *ordUse, ord *Ordinance, key OrdinanceKey) (string, *refusal) {
	if p := u.by[key.Name]; p != nil {
		return p.text(st)
	}
	if ref, ok := u.lets[key.Name]; ok {
		return st.let(ref)
	}
	return "", noRate(u.name, "ordinance %s asks for %s, which this mapping does not give", ord.Name, key.Name)
}

func (st *state) ordinanceNumber(i int, on Date, given bool) (Decimal, error) {
	s, ref := st.ordinance(i, on, given)
	if ref != nil {
		return Decimal{}, ref
	}
	return toDecimal(s)
}

// Ordinances names the ordinances this mapping asks for.
func (m *Mapping) Ordinances() []string {
	set := map[string]bool{}
	for _, u := range m.ordinances {
		set[u.name] = true
	}
	return sorted(set)
}

// CheckOrdinance says whether a municipality's table can answer this mapping: every key
// it selects by is given, every column asked for is there. The findings are at the
// table's file, one for each key and column, and name the mapping's lines that ask.
func (m *Mapping) CheckOrdinance(name string, o *Ordinance) Findings {
	type complaint struct {
		line, column          int
		before, after, remedy string // around the mapping's name
	}
	asked := map[complaint][]string{} // lines of the mapping
	rows := o.tables[0].line
	for i := range m.ordinances {
		u := &m.ordinances[i]
		if u.name != name {
			continue
		}
		complain := func(c complaint) {
			lines := asked[c]
			if line := strconv.Itoa(u.line); u.line > 0 && !slices.Contains(lines, line) { // an expression knows no line
				lines = append(lines, line)
			}
			asked[c] = lines
		}
		if !slices.Contains(o.Columns, u.column) {
			complain(complaint{rows, 1, "no row gives the column " + u.column + " that ", " asks for", didYouMean(u.column, o.Columns)})
		}
		if slices.Contains(o.texts, u.column) && u.line == 0 {
			complain(complaint{rows, 1, "", " computes with the column " + u.column + ", which is text", ""})
		}
		for _, k := range o.Keys {
			_, isLet := u.lets[k.Name]
			if _, by := u.by[k.Name]; isLet || by {
				continue
			}
			remedy := didYouMean(k.Name, append(slices.Sorted(maps.Keys(u.by)), slices.Sorted(maps.Keys(u.lets))...))
			if !strings.HasPrefix(remedy, "did you mean") {
				remedy = "there: by: {" + k.Name + ": …}, or a let of that name"
			}
			complain(complaint{k.line, k.column, "the key " + k.Name + " is not given by ", "", remedy})
		}
	}
	var out Findings
	for c, lines := range asked {
		by := m.Path
		if len(lines) > 0 {
			by += ":" + strings.Join(lines, ",")
		}
		out = append(out, Finding{File: o.Path, Line: c.line, Column: c.column, Message: c.before + by + c.after, Suggestion: c.remedy})
	}
	return out.Sort()
}
