package xbezahldienste

import (
	"errors"
	"net/url"
	"regexp"
	"slices"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// settings are the keys of a system file and its profile.
type settings struct {
	wire.Settings `yaml:",inline"`

	Authentication authentication `yaml:"authentication"` // of the profile
	Originator     string         `yaml:"originator"`     // template: the online service, such as its LeiKa key
	Endpoint       string         `yaml:"endpoint"`       // template: the authority; {municipality} where empty
	RedirectURL    string         `yaml:"redirect-url"`   // template: where the citizen comes back to
	Lapse          time.Duration  `yaml:"lapse"`          // for how long an unpaid transaction is waited for
	LeaveOut       []string       `yaml:"leave-out"`      // requestor, empty-booking-data
}

// authentication is what a product asks for.
type authentication struct {
	Way       string `yaml:"way"`        // oauth2, certificate, basic; any where empty
	TokenPath string `yaml:"token-path"` // oauth2: where the token is, on the address's host
	SecretIn  string `yaml:"secret-in"`  // oauth2: header or body
}

type config struct {
	wire.Settings
	originator, endpoint, redirect wire.Template[*connectors.Message]
	lapse                          time.Duration
	noRequestor, noEmptyBooking    bool
}

// Shortest and longest lapse: a citizen needs minutes to pay, and a transaction
// that is older than a quarter is for a person.
const (
	shortestLapse = 5 * time.Minute
	longestLapse  = 90 * 24 * time.Hour
)

func configure(in connectors.Settings) (connectors.Config, error) {
	s := settings{Settings: wire.Defaults(), Endpoint: "{municipality}", Lapse: 72 * time.Hour}
	if err := in.Decode(&s); err != nil {
		return nil, err
	}
	if err := s.authenticate(); err != nil {
		return nil, err
	}
	if err := s.Check(); err != nil {
		return nil, err
	}
	c := &config{Settings: s.Settings, lapse: s.Lapse}
	if s.Lapse < shortestLapse || s.Lapse > longestLapse {
		return nil, &connectors.SettingError{Setting: "lapse", Message: "is between 5m and 90d"}
	}
	if err := c.templates(&s); err != nil {
		return nil, err
	}
	for _, what := range s.LeaveOut {
		switch what {
		case "requestor":
			c.noRequestor = true
		case "empty-booking-data":
			c.noEmptyBooking = true
		default:
			return nil, &connectors.SettingError{Setting: "leave-out", Message: "knows requestor and empty-booking-data"}
		}
	}
	return c, nil
}

// authenticate checks that the installation has what the product asks for, and
// completes the way to its token.
func (s *settings) authenticate() error {
	complain := func(key, message string) error {
		return &connectors.SettingError{Setting: key, Message: message}
	}
	a := &s.Authentication
	if !slices.Contains([]string{"", "header", "body"}, a.SecretIn) {
		return complain("authentication.secret-in", "is header or body")
	}
	switch a.Way {
	case "":
	case "basic":
		if s.Credentials.Basic == nil {
			return complain("credentials", "are missing: this product asks for basic: {user: …, password: …}")
		}
	case "certificate":
		if !s.TLS.Identified() {
			return complain("tls", "has no certificate of the hub: this product asks for pkcs12 and password")
		}
	case "oauth2":
		if s.Credentials.OAuth2 == nil {
			return complain("credentials", "are missing: this product asks for oauth2: {client-id: …, client-secret: …}")
		}
	default:
		return complain("authentication.way", "is oauth2, certificate or basic")
	}
	g := s.Credentials.OAuth2
	if g == nil {
		return nil
	}
	if g.TokenURL == "" && a.TokenPath != "" {
		if u, err := url.Parse(s.Address); err == nil && u.Host != "" {
			g.TokenURL = u.Scheme + "://" + u.Host + a.TokenPath
		}
	}
	if g.Style == "" && a.SecretIn == "body" {
		g.Style = "post"
	}
	return nil
}

// idForm is what the standard lets an originator, an endpoint or an id be.
var idForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,36}$`)

func (c *config) templates(s *settings) error {
	for _, t := range []struct {
		key, text string
		into      *wire.Template[*connectors.Message]
		check     func(string) error
	}{
		{"originator", s.Originator, &c.originator, checkID},
		{"endpoint", s.Endpoint, &c.endpoint, checkID},
		{"redirect-url", s.RedirectURL, &c.redirect, checkRedirect},
	} {
		var err error
		if *t.into, err = wire.CutMessage(t.text); err == nil {
			// A sample that every name fits into shows what is wrong with the rest.
			var sample string
			if sample, err = t.into.Fill(&connectors.Message{}, func(string) string { return "0" }); err == nil {
				err = t.check(sample)
			}
		}
		if err != nil {
			return &connectors.SettingError{Setting: t.key, Message: err.Error()}
		}
	}
	return nil
}

func checkID(v string) error {
	if v == "" {
		return errors.New("is missing: the provider has given it")
	}
	if !idForm.MatchString(v) {
		return errors.New("has letters, digits, _ and -, 36 of them at most")
	}
	return nil
}

// checkRedirect takes an empty one: the document may bring its own.
func checkRedirect(v string) error {
	if v == "" {
		return nil
	}
	return wire.CheckLink(v)
}

// Answers are those of an open transaction and of one that is paid.
func (c *config) Answers() []string {
	return []string{"amount", "kassenzeichen", "paid-at", "payment-method", "payment-method-detail", "payment-url", "transaction-id"}
}

// Takes implements connectors.Choosy.
func (c *config) Takes(format string, _ []string) error {
	if format != "json" {
		return errors.New("a payment is asked for in JSON")
	}
	return nil
}

// Traits: a repeated requestId is recognised, and a transaction can be asked for.
func (c *config) Traits() connectors.Traits {
	return connectors.Traits{Repeatable: true, Askable: true}
}

// Open reads secrets and certificates; it connects to nothing.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	client, err := c.Settings.Open(env)
	if err != nil {
		return nil, err
	}
	return &Connector{c, client}, nil
}
