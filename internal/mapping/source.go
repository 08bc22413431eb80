package mapping

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// source is where a value comes from.
type source struct {
	text string // as written, for messages
	get  func(*state) (string, *refusal)
}

// facts are the values of the submission that sources and expressions can name.
type fact struct {
	scheme, name string
	get          func(*state) string
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return local(t).Format("2006-01-02T15:04:05-07:00")
}

func facts() []fact {
	s := func(name string, get func(*Submission) string) fact {
		return fact{"submission", name, func(st *state) string { return get(&st.env.Submission) }}
	}
	m := func(name string, get func(*Meta) string) fact {
		return fact{"meta", name, func(st *state) string { return get(&st.env.Meta) }}
	}
	return []fact{
		s("id", func(s *Submission) string { return s.ID }),
		s("number", func(s *Submission) string { return s.Number }),
		s("service", func(s *Submission) string { return s.Service }),
		s("portal", func(s *Submission) string { return s.Portal }),
		s("reference", func(s *Submission) string { return s.Reference }),
		s("bundle", func(s *Submission) string { return s.Bundle }),
		s("delivery", func(s *Submission) string { return s.Delivery }),
		s("received-at", func(s *Submission) string { return stamp(s.ReceivedAt) }),
		{"submission", "received-on", func(st *state) string { return st.receivedOn().String() }},
		{"submission", "rendered-at", func(st *state) string {
			if st.env.Now == nil {
				return stamp(st.env.Submission.ReceivedAt)
			}
			return stamp(st.env.Now())
		}},
		{"municipality", "ags", func(st *state) string { return st.env.Municipality.AGS }},
		{"municipality", "ars", func(st *state) string { return st.env.Municipality.ARS }},
		{"municipality", "name", func(st *state) string { return st.env.Municipality.Name }},
		m("trust-level", func(m *Meta) string { return m.TrustLevel }),
		m("mailbox", func(m *Meta) string { return m.Mailbox }),
		m("email", func(m *Meta) string { return m.Email }),
		m("channel", func(m *Meta) string { return m.Channel }),
		m("clerk", func(m *Meta) string { return m.Clerk }),
		m("consent-at", func(m *Meta) string { return stamp(m.ConsentAt) }),
		m("consent-version", func(m *Meta) string { return m.ConsentVersion }),
		{"record", "position", func(st *state) string { return strconv.Itoa(st.scope.pos) }},
		{"records", "count", func(st *state) string { return strconv.Itoa(st.records) }},
	}
}

func (st *state) receivedOn() Date {
	if st.env.Submission.ReceivedAt.IsZero() {
		return Date{}
	}
	return dateOf(local(st.env.Submission.ReceivedAt))
}

func (st *state) attachment() *Attachment {
	for s := st.scope; s != nil; s = s.parent {
		if s.att != nil {
			return s.att
		}
	}
	return &Attachment{}
}

var attachmentFields = []string{"name", "type", "size", "sha256", "id"}

func attachmentField(a *Attachment, name string) string {
	switch name {
	case "name":
		return a.Name
	case "type":
		return a.Type
	case "size":
		return strconv.FormatInt(a.Size, 10)
	case "sha256":
		return a.SHA256
	}
	return a.ID
}

// accountForm is what attributes of an account are called: surname, givenName.
var accountForm = regexp.MustCompile(`^[A-Za-z][0-9A-Za-z-]{0,40}$`)

// source compiles scheme:name or a path.
func (c *compiler) source(src string) (*source, error) {
	scheme, name, ok := strings.Cut(src, ":")
	if !ok || !slices.Contains(reservedPrefixes, scheme) {
		p, err := compilePath(src, c.ns)
		if err != nil {
			return nil, err
		}
		c.reads(p)
		return &source{text: src, get: func(st *state) (string, *refusal) { return st.text(p) }}, nil
	}
	get, err := c.scheme(scheme, name)
	if err != nil {
		return nil, err
	}
	return &source{text: src, get: get}, nil
}

// text is the text of the one node that p finds.
func (st *state) text(p *inputPath) (string, *refusal) {
	s, n := p.text(st.root, st.scope.cur)
	if n > 1 {
		return "", &refusal{code: CodeAmbiguous, detail: p.src, hard: true,
			message: p.src + " finds more than one value; one is wanted (use [1] or each)"}
	}
	return s, nil
}

func (c *compiler) scheme(scheme, name string) (func(*state) (string, *refusal), error) {
	switch scheme {
	case "let":
		ref, ok := c.let(name)
		if !ok {
			return nil, fmt.Errorf("let:%s is not declared above%s", name, inParens(didYouMean(name, c.letNames())))
		}
		return func(st *state) (string, *refusal) { return st.let(ref) }, nil
	case "answer":
		role, key, ok := strings.Cut(name, "/")
		if !ok || role == "" || key == "" {
			return nil, fmt.Errorf("answer:%s is not answer:ROLE/KEY", name)
		}
		c.answers[name] = true
		return func(st *state) (string, *refusal) { return st.env.Answers[role][key], nil }, nil
	case "attachment":
		if !c.inAttachment() {
			return nil, fmt.Errorf("attachment:%s stands only below each: submission:attachments", name)
		}
		if !slices.Contains(attachmentFields, name) {
			return nil, fmt.Errorf("attachment:%s is not known%s", name, inParens(didYouMean(name, attachmentFields)))
		}
		return func(st *state) (string, *refusal) { return attachmentField(st.attachment(), name), nil }, nil
	}
	if scheme == "records" && !c.counting {
		return nil, fmt.Errorf("records:%s stands only in header and trailer", name)
	}
	if sum, ok := strings.CutPrefix(name, "sum/"); ok && scheme == "records" {
		i := c.sumOf(sum)
		return func(st *state) (string, *refusal) { return st.sums[i].String(), nil }, nil
	}
	if attribute, ok := strings.CutPrefix(name, "account/"); ok && scheme == "meta" {
		if !accountForm.MatchString(attribute) {
			return nil, fmt.Errorf("meta:%s is not meta:account/NAME", name)
		}
		return func(st *state) (string, *refusal) { return st.env.Meta.Account[attribute], nil }, nil
	}
	f, ok := findFact(scheme, name)
	if !ok {
		var names []string
		for _, f := range facts() {
			if f.scheme == scheme {
				names = append(names, f.name)
			}
		}
		return nil, fmt.Errorf("%s:%s is not known%s", scheme, name, inParens(didYouMean(name, names)))
	}
	return func(st *state) (string, *refusal) { return f.get(st), nil }, nil
}

func findFact(scheme, name string) (fact, bool) {
	for _, f := range facts() {
		if f.scheme == scheme && f.name == name {
			return f, true
		}
	}
	return fact{}, false
}

// firstOf takes the first source that is not empty.
func firstOf(list []*source) *source {
	if len(list) == 1 {
		return list[0]
	}
	names := make([]string, len(list))
	for i, s := range list {
		names[i] = s.text
	}
	return &source{text: strings.Join(names, ", "), get: func(st *state) (string, *refusal) {
		for _, s := range list {
			if v, ref := s.get(st); v != "" || ref != nil {
				return v, ref
			}
		}
		return "", nil
	}}
}

// template compiles text with sources in braces; {{ and }} stand for braces.
func (c *compiler) template(src string) (*source, error) {
	type part struct {
		text string
		src  *source
	}
	var parts []part
	var lit strings.Builder
	for i := 0; i < len(src); {
		switch {
		case strings.HasPrefix(src[i:], "{{"), strings.HasPrefix(src[i:], "}}"):
			lit.WriteByte(src[i])
			i += 2
		case src[i] == '}':
			return nil, fmt.Errorf("a } without {; write }} for a brace")
		case src[i] == '{':
			end := strings.IndexByte(src[i:], '}')
			if end < 0 {
				return nil, fmt.Errorf("a { is not closed; write {{ for a brace")
			}
			s, err := c.source(strings.TrimSpace(src[i+1 : i+end]))
			if err != nil {
				return nil, err
			}
			parts = append(parts, part{text: lit.String()}, part{src: s})
			lit.Reset()
			i += end + 1
		default:
			lit.WriteByte(src[i])
			i++
		}
	}
	parts = append(parts, part{text: lit.String()})
	return &source{text: src, get: func(st *state) (string, *refusal) {
		var b strings.Builder
		for _, p := range parts {
			b.WriteString(p.text)
			if p.src != nil {
				v, ref := p.src.get(st)
				if ref != nil {
					return "", ref
				}
				b.WriteString(v)
			}
		}
		return b.String(), nil
	}}, nil
}
