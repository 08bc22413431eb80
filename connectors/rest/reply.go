package rest

import (
	"maps"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// check complains about a rule that could never mean what it says.
func (r *reply) check(place string) error {
	switch {
	case !r.Outcome.given:
		return &connectors.SettingError{Setting: place + ".outcome", Message: "says nothing; write delivered, retry, refused, unknown or awaiting"}
	case (r.Equals != nil || r.Matches != nil) && !r.At.given():
		return &connectors.SettingError{Setting: place + ".at", Message: "is missing: equals and matches compare the text at a place"}
	case r.Equals != nil && r.Matches != nil:
		return &connectors.SettingError{Setting: place + ".matches", Message: "cannot stand beside equals"}
	case r.Outcome.Outcome == connectors.Awaiting && !r.Token.given():
		return &connectors.SettingError{Setting: place + ".token", Message: "is missing: what is awaited has to be asked for by a token"}
	case r.Code != "" && wire.CleanCode(r.Code) == "":
		return &connectors.SettingError{Setting: place + ".code", Message: "is no word of letters, digits, point and hyphen"}
	}
	return nil
}

func (r *reply) fits(a *answer) bool {
	if !r.Status.has(a.Status) {
		return false
	}
	if !r.At.given() {
		return true
	}
	v, ok := a.text(&r.At)
	switch {
	case !ok:
		return false
	case r.Equals != nil:
		return v == *r.Equals
	case r.Matches != nil:
		return r.Matches.MatchString(v)
	}
	return true
}

// verdict is a receipt and what later steps may use.
type verdict struct {
	connectors.Receipt
	kept map[string]string
	own  bool // by a rule of the request itself
}

// judge says what an answer means.
func (c *Connector) judge(q *compiled, a *answer) verdict {
	for n, rules := range [][]reply{q.replies, q.shared} {
		for i := range rules {
			if rules[i].fits(a) {
				v := rules[i].verdict(c, a)
				v.own = n == 0
				return v
			}
		}
	}
	if a.Status >= 200 && a.Status < 300 && q.anySuccess && !a.Page() {
		return verdict{Receipt: connectors.Receipt{Outcome: connectors.Delivered, Code: wire.HTTPCode(a.Status)}}
	}
	return verdict{Receipt: c.Judge(&a.Answer, q.path.path.Constant())}
}

// verdict applies a rule that fits.
func (r *reply) verdict(c *Connector, a *answer) verdict {
	v := verdict{Receipt: connectors.Receipt{Outcome: r.Outcome.Outcome, Code: r.Code}}
	if r.CodeAt.given() {
		if own, ok := a.text(&r.CodeAt); ok && wire.CleanCode(own) != "" {
			v.Code = own
		}
	}
	if v.Code == "" {
		v.Code = wire.HTTPCode(a.Status)
	}
	v.Answer = pick(a, r.Answer)
	maps.DeleteFunc(v.Answer, func(name, told string) bool { return !wire.Tellable(name, told) })
	v.kept = pick(a, r.Keep)
	if r.Token.given() {
		if token, _ := r.Token.from(a); wire.Tellable("", token) {
			v.Token = token
		}
	}
	if v.Outcome == connectors.Awaiting && v.Token == "" {
		v.Outcome, v.Code = connectors.Unknown, "answer-without-token"
	}
	if v.Outcome != connectors.Delivered {
		c.Explain(&v.Receipt, &a.Answer)
	}
	return v
}

func pick(a *answer, wanted map[string]extract) map[string]string {
	var found map[string]string
	for name, e := range wanted {
		if v, ok := e.from(a); ok && v != "" {
			if found == nil {
				found = make(map[string]string, len(wanted))
			}
			found[name] = v
		}
	}
	return found
}
