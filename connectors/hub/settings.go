package hub

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"regexp"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// settings are the keys of a system file.
type settings struct {
	wire.Settings `yaml:",inline"`

	Issuer       string            `yaml:"issuer"`       // this hub's name, as the other one knows it
	Key          connectors.Secret `yaml:"key"`          // whsk_…: signs what is told of the citizen
	Municipality string            `yaml:"municipality"` // template: AGS of the authority; {municipality}
	Service      string            `yaml:"service"`      // template; {service}
	Version      string            `yaml:"version"`      // of the other hub's schema; its newest where empty
	Callers      []string          `yaml:"callers"`      // whpk_…: the keys of the other hub's calls, one, or two while it exchanges them
}

type config struct {
	settings
	municipality, service wire.Template[*connectors.Message]
	callers               []ed25519.PublicKey
}

// mostCallers are the keys of calls at once: the new one and the old one.
const mostCallers = 2

var (
	agsForm    = regexp.MustCompile(`^[0-9]{5}([0-9]{3})?$`)
	wordForm   = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)
	issuerForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
)

func configure(in connectors.Settings) (connectors.Config, error) {
	c := &config{settings: settings{Settings: wire.Defaults(), Municipality: "{municipality}", Service: "{service}"}}
	if err := in.Decode(&c.settings); err != nil {
		return nil, err
	}
	if err := c.Check(); err != nil {
		return nil, err
	}
	complain := func(key, message string) (connectors.Config, error) {
		return nil, &connectors.SettingError{Setting: key, Message: message}
	}
	switch {
	case c.Credentials == (wire.Credentials{}):
		return complain("credentials", "are missing: the key that the other hub gave this one, bearer: {token: file:…}")
	case !issuerForm.MatchString(c.Issuer):
		return complain("issuer", "is missing or no word: this hub's name, as the other one knows it")
	case c.Key.Empty():
		return complain("key", "is missing: file:… of a signing key; stellwerk keys makes one")
	case c.Version != "" && !regexp.MustCompile(`^[0-9A-Za-z._-]{1,64}$`).MatchString(c.Version):
		return complain("version", "is no version of a schema")
	case len(c.settings.Callers) > mostCallers:
		return complain("callers", "lists one key, or two while the other hub exchanges them")
	}
	for i, text := range c.settings.Callers {
		key, err := connectors.ParsePublicKey(text)
		if err != nil {
			return complain(fmt.Sprintf("callers[%d]", i), err.Error())
		}
		c.callers = append(c.callers, key)
	}
	for _, t := range []struct {
		key, text, sample string
		into              *wire.Template[*connectors.Message]
		form              *regexp.Regexp
		rule              string
	}{
		{"municipality", c.Municipality, "05974", &c.municipality, agsForm, "is an AGS of five or eight digits, in quotes"},
		{"service", c.Service, "x", &c.service, wordForm, "is a service's name"},
	} {
		var err error
		if *t.into, err = wire.CutMessage(t.text); err == nil {
			var filled string
			if filled, err = t.into.Fill(&connectors.Message{}, func(string) string { return t.sample }); err == nil && !t.form.MatchString(filled) {
				err = errors.New(t.rule)
			}
		}
		if err != nil {
			return complain(t.key, err.Error())
		}
	}
	return c, nil
}

// Takes implements connectors.Choosy: what is handed on is the payload as it came.
func (c *config) Takes(string, []string) error {
	return errors.New("it hands on what comes in for another authority, and takes no documents: it stands as hub: in the authority's own file")
}

// Traits: the other hub recognises a repeated key, and tells what became of it.
func (c *config) Traits() connectors.Traits {
	return connectors.Traits{Repeatable: true, Askable: true, Notices: true, Meta: true}
}

// Here implements connectors.Bridge.
func (c *config) Here() string { return c.Issuer }

// Authority implements connectors.Bridge.
func (c *config) Authority(municipality string) string {
	ags, _ := c.municipality.Fill(&connectors.Message{Municipality: municipality}, wire.Plain) // no value, no AGS
	return ags
}

// Callers implements connectors.Bridge.
func (c *config) Callers() []ed25519.PublicKey { return c.callers }

// Open reads the key; it connects to nothing.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	text, err := c.Key.Reveal(env.Dir)
	if err != nil {
		return nil, &connectors.SettingError{Setting: "key", Message: err.Error()}
	}
	k := &Connector{config: c}
	if k.key, err = connectors.ParsePrivateKey(string(text)); err != nil {
		return nil, &connectors.SettingError{Setting: "key", Message: err.Error()}
	}
	if k.Client, err = c.Settings.Open(env); err != nil {
		return nil, err
	}
	return k, nil
}
