package rest

import (
	"regexp"
	"strconv"
	"strings"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// settings are the keys of a system file and its profile. Templates are texts
// with {names}; see template.go.
type settings struct {
	wire.Settings `yaml:",inline"`

	Values      map[string]string `yaml:"values"`  // this installation's own values for templates
	Headers     map[string]string `yaml:"headers"` // templates, sent with every request
	Repeatable  bool              `yaml:"repeatable"`
	Attachments string            `yaml:"attachments"` // omit: this system gets none; else a step has to send them
	Request     *request          `yaml:"request"`     // the one request of a delivery, or …
	Steps       []request         `yaml:"steps"`       // … several, in order
	Replies     []reply           `yaml:"replies"`     // for every request, after its own
	Ask         *request          `yaml:"ask"`         // makes the system askable
	Probe       *probe            `yaml:"probe"`
}

// request is one HTTP request.
type request struct {
	Name        string            `yaml:"name"` // of a step, for its outcome codes
	Method      string            `yaml:"method"`
	Path        string            `yaml:"path"`         // template below the address; may have a query
	ContentType string            `yaml:"content-type"` // template; the document's own where empty
	Accept      string            `yaml:"accept"`
	Headers     map[string]string `yaml:"headers"`
	Body        string            `yaml:"body"` // document, attachment, multipart, json or none
	JSON        map[string]string `yaml:"json"` // body json: a flat object of templates
	Set         map[string]string `yaml:"set"`  // keys put into the document, which is a JSON object then
	Parts       *parts            `yaml:"parts"`
	Each        string            `yaml:"each"`     // attachment: the step runs once for each
	Harmless    bool              `yaml:"harmless"` // leaves nothing at the partner that counts
	Replies     []reply           `yaml:"replies"`
}

// parts are the parts of a multipart body.
type parts struct {
	Document     string `yaml:"document"`      // name of the document's part
	DocumentFile string `yaml:"document-file"` // template of its file name; a plain field where empty
	Attachments  string `yaml:"attachments"`   // name of each attachment's part; left out where empty
}

// reply is one row of the table that says what a reply means. All of its
// conditions hold together.
type reply struct {
	Status  statuses           `yaml:"status"`
	At      lookup             `yaml:"at"` // present, unless equals or matches say more
	Equals  *string            `yaml:"equals"`
	Matches *pattern           `yaml:"matches"`
	Outcome outcome            `yaml:"outcome"`
	Code    string             `yaml:"code"`    // for the receipt
	CodeAt  lookup             `yaml:"code-at"` // the partner's own code, where it is a plain word
	Answer  map[string]extract `yaml:"answer"`
	Keep    map[string]extract `yaml:"keep"` // for later steps, as {kept.name}
	Token   extract            `yaml:"token"`
}

type probe struct {
	Method string   `yaml:"method"`
	Path   string   `yaml:"path"`
	Expect statuses `yaml:"expect"`
}

// outcome is written as one of the contract's words.
type outcome struct {
	connectors.Outcome
	given bool
}

func (o *outcome) UnmarshalText(text []byte) error {
	for _, known := range []connectors.Outcome{connectors.Unknown, connectors.Delivered, connectors.Retry, connectors.Refused, connectors.Awaiting, connectors.Cancelled} {
		if known.String() == string(text) {
			*o = outcome{known, true}
			return nil
		}
	}
	return &connectors.SettingError{Setting: "outcome", Message: strconv.Quote(string(text)) + " is none of delivered, retry, refused, unknown, awaiting, cancelled"}
}

// statuses is a set of HTTP statuses: "201", "4xx", "200 202 5xx".
type statuses struct {
	given bool
	set   [6]struct {
		all  bool
		some []int
	}
}

func (s *statuses) UnmarshalText(text []byte) error {
	for _, word := range strings.FieldsFunc(string(text), func(r rune) bool { return r == ' ' || r == ',' }) {
		s.given = true
		if len(word) == 3 && strings.HasSuffix(word, "xx") && word[0] >= '1' && word[0] <= '5' {
			s.set[word[0]-'0'].all = true
			continue
		}
		n, err := strconv.Atoi(word)
		if err != nil || n < 100 || n > 599 {
			return &connectors.SettingError{Setting: "status", Message: strconv.Quote(word) + ` is no HTTP status; write 201, 4xx or several with blanks between`}
		}
		s.set[n/100].some = append(s.set[n/100].some, n)
	}
	return nil
}

func (s *statuses) has(status int) bool {
	if !s.given {
		return true
	}
	if status < 100 || status > 599 {
		return false
	}
	class := s.set[status/100]
	if class.all {
		return true
	}
	for _, n := range class.some {
		if n == status {
			return true
		}
	}
	return false
}

// pattern is a regular expression in RE2 syntax.
type pattern struct{ *regexp.Regexp }

func (p *pattern) UnmarshalText(text []byte) (err error) {
	p.Regexp, err = regexp.Compile(string(text))
	return err
}
