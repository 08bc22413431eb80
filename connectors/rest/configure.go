package rest

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// config is a system's settings, checked, with everything compiled that is the
// same for every message.
type config struct {
	wire.Settings
	repeatable bool
	steps      []*compiled
	ask        *compiled
	probe      *compiled
}

// compiled is a request ready to be filled.
type compiled struct {
	name        string
	place       string // of its settings
	method      string
	path        pathTemplate
	contentType template
	fixed       http.Header // headers that are the same for every message
	headers     []header    // the others
	body        string
	json        []field
	set         []field
	parts       *compiledParts
	each        bool
	harmless    bool
	replies     []reply
	shared      []reply
	anySuccess  bool // no rule says what delivered looks like: every 2xx is
	expect      statuses
}

type header struct {
	name  string
	value template
}

type field struct {
	key   string // as a JSON string
	value template
}

type compiledParts struct {
	document, attachments string
	documentFile          template
}

func configure(in connectors.Settings) (connectors.Config, error) {
	s := settings{Settings: wire.Defaults()}
	if err := in.Decode(&s); err != nil {
		return nil, err
	}
	if err := s.Settings.Check(); err != nil {
		return nil, err
	}
	c := &config{Settings: s.Settings, repeatable: s.Repeatable}
	for i := range s.Replies {
		if err := s.Replies[i].check(fmt.Sprintf("replies[%d]", i)); err != nil {
			return nil, err
		}
	}
	switch {
	case s.Request != nil && len(s.Steps) > 0:
		return nil, &connectors.SettingError{Setting: "steps", Message: "cannot stand beside request: a delivery is one request or several steps"}
	case s.Request != nil:
		if err := c.addStep(&s, s.Request, "request"); err != nil {
			return nil, err
		}
	case len(s.Steps) == 0:
		return nil, &connectors.SettingError{Setting: "request", Message: "is missing: name a profile, or write request: {method: POST, path: /…}"}
	}
	for i := range s.Steps {
		if err := c.addStep(&s, &s.Steps[i], fmt.Sprintf("steps[%d]", i)); err != nil {
			return nil, err
		}
	}
	if err := c.checkAttachments(s.Attachments); err != nil {
		return nil, err
	}
	var err error
	if s.Ask != nil {
		if s.Ask.Method == "" {
			s.Ask.Method = http.MethodGet
		}
		if s.Ask.Body == "" && len(s.Ask.JSON) == 0 {
			s.Ask.Body = "none"
		}
		if c.ask, err = s.compile(s.Ask, "ask"); err != nil {
			return nil, err
		}
	}
	if c.ask == nil && slices.ContainsFunc(c.steps, (*compiled).awaits) {
		return nil, &connectors.SettingError{Setting: "ask", Message: "is missing: a reply's outcome is awaiting, and nobody could find out how it ends"}
	}
	c.probe, err = s.compileProbe()
	return c, err
}

// awaits reports whether a reply says that the outcome is still to come.
func (c *compiled) awaits() bool {
	return slices.ContainsFunc(slices.Concat(c.replies, c.shared), func(r reply) bool { return r.Outcome.Outcome == connectors.Awaiting })
}

// checkAttachments sees to it that attachments are left out on purpose only.
func (c *config) checkAttachments(setting string) error {
	sends := false
	for _, step := range c.steps {
		sends = sends || step.body == "attachment" || step.parts != nil && step.parts.attachments != ""
	}
	message := ""
	switch {
	case setting != "" && setting != "omit":
		message = "is omit or left out"
	case setting == "" && !sends:
		message = "no request sends them; write omit if this system is to get none"
	case setting == "omit" && sends:
		message = "omit contradicts the request, which sends them"
	default:
		return nil
	}
	return &connectors.SettingError{Setting: "attachments", Message: message}
}

func (c *config) addStep(s *settings, q *request, place string) error {
	if q.Method == "" {
		q.Method = http.MethodPost
	}
	step, err := s.compile(q, place)
	if err != nil {
		return err
	}
	c.steps = append(c.steps, step)
	return nil
}

var methods = []string{http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodGet, http.MethodHead, http.MethodDelete}

// compile checks a request; place names it in complaints.
func (s *settings) compile(q *request, place string) (*compiled, error) {
	complain := func(key string, err error) error {
		return &connectors.SettingError{Setting: place + "." + key, Message: err.Error()}
	}
	c := &compiled{name: q.Name, place: place, method: q.Method, body: q.Body, harmless: q.Harmless, replies: q.Replies, shared: s.Replies}
	var err error
	if !slices.Contains(methods, q.Method) {
		return nil, complain("method", fmt.Errorf("%q is none of %s", q.Method, strings.Join(methods, ", ")))
	}
	if q.Path != "" && q.Path[0] != '/' {
		return nil, complain("path", errors.New("starts with a slash"))
	}
	if c.path, err = compilePath(q.Path, s.Values); err != nil {
		return nil, complain("path", err)
	}
	if q.Each != "" && q.Each != "attachment" {
		return nil, complain("each", errors.New("is attachment or left out"))
	}
	c.each = q.Each == "attachment"
	if err := s.compileHeaders(c, q); err != nil {
		return nil, err
	}
	if err := s.compileBody(c, q, complain); err != nil {
		return nil, err
	}
	c.anySuccess = true
	for i := range q.Replies {
		if err := q.Replies[i].check(fmt.Sprintf("%s.replies[%d]", place, i)); err != nil {
			return nil, err
		}
	}
	for _, r := range slices.Concat(q.Replies, s.Replies) {
		if r.Outcome.Outcome == connectors.Delivered || r.Outcome.Outcome == connectors.Awaiting {
			c.anySuccess = false
		}
	}
	return c, nil
}

// compileHeaders lays the request's headers over those of the system.
func (s *settings) compileHeaders(c *compiled, q *request) error {
	c.fixed = http.Header{"User-Agent": {"Stellwerk"}}
	if q.Accept != "" {
		c.fixed.Set("Accept", q.Accept)
	}
	all := map[string]template{}
	for place, from := range map[string]map[string]string{"headers": s.Headers, c.place + ".headers": q.Headers} {
		for name, text := range from {
			t, err := compileTemplate(text, s.Values)
			if err != nil {
				return &connectors.SettingError{Setting: place + "." + name, Message: err.Error()}
			}
			name = http.CanonicalHeaderKey(name)
			if _, ok := all[name]; !ok || place != "headers" {
				all[name] = t
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if t := all[name]; t.Constant() {
			v, _ := t.Fill(nil, wire.HeaderValue)
			c.fixed.Set(name, v)
		} else {
			c.headers = append(c.headers, header{name, t})
		}
	}
	return nil
}

// compileProbe gives the request that checks the system: by default a look at
// its base address, where any answer below 500 shows that it is alive.
func (s *settings) compileProbe() (*compiled, error) {
	p := probe{Method: http.MethodGet, Path: "/"}
	if s.Probe != nil {
		p = *s.Probe
		if p.Method == "" {
			p.Method = http.MethodGet
		}
	}
	c, err := s.compile(&request{Method: p.Method, Path: p.Path, Body: "none"}, "probe")
	if err != nil {
		return nil, err
	}
	c.expect = p.Expect
	if !c.expect.given {
		expected := "2xx"
		if s.Probe == nil {
			expected = "2xx 3xx 4xx"
		}
		return c, c.expect.UnmarshalText([]byte(expected))
	}
	return c, nil
}

// Answers are what the rules for replies take out of them.
func (c *config) Answers() []string {
	keys := map[string]bool{}
	requests := c.steps
	if c.ask != nil {
		requests = append(slices.Clone(requests), c.ask)
	}
	for _, r := range requests {
		for _, rule := range slices.Concat(r.replies, r.shared) {
			for key := range rule.Answer {
				keys[key] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(keys))
}

// Traits tell what the profile promises.
func (c *config) Traits() connectors.Traits {
	return connectors.Traits{Repeatable: c.repeatable, Askable: c.ask != nil}
}
