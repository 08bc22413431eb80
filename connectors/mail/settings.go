package mail

import (
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/idna"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// settings are the keys of a system file.
type settings struct {
	Address     string           `yaml:"address"`  // host:port
	Security    string           `yaml:"security"` // starttls, or tls from the first byte on
	TLS         wire.TLS         `yaml:"tls"`
	Credentials wire.Credentials `yaml:"credentials"` // basic, or none
	From        string           `yaml:"from"`        // "Stadt Soest <noreply@soest.example>"
	ReplyTo     string           `yaml:"reply-to"`
	Bounces     string           `yaml:"bounces"` // address that undeliverable mail goes back to; from's where empty
	Hello       string           `yaml:"hello"`   // the hub's name for the server; the machine's where empty
	Attachments string           `yaml:"attachments"`
	MaxSize     int64            `yaml:"max-size"` // bytes of text and attachments together; 20 MB
}

type config struct {
	settings
	host   string
	port   int
	domain string // of from, for the Message-ID
}

func configure(in connectors.Settings) (connectors.Config, error) {
	c := &config{settings: settings{Security: "starttls", Attachments: "omit", MaxSize: 20 << 20}}
	if err := in.Decode(&c.settings); err != nil {
		return nil, err
	}
	complain := func(key, message string) (connectors.Config, error) {
		return nil, &connectors.SettingError{Setting: key, Message: message}
	}
	host, port, err := net.SplitHostPort(c.Address)
	if err == nil {
		c.host = host
		c.port, err = strconv.Atoi(port)
	}
	switch {
	case c.Address == "":
		return complain("address", "is missing: the mail server, host:587")
	case err != nil || host == "" || c.port < 1 || c.port > 65535:
		return complain("address", "is no host:port")
	case c.Security != "starttls" && c.Security != "tls":
		return complain("security", "is starttls, or tls for a server that speaks it from the first byte on")
	case c.TLS.Minimum == "none":
		return complain("tls.minimum", `is "1.3" or "1.2": a mail without TLS can be read by everybody on the way`)
	case c.Credentials.Bearer != nil || c.Credentials.Header != nil || c.Credentials.OAuth2 != nil:
		return complain("credentials", "are basic: {user: …, password: …}, or none")
	case c.Attachments != "omit" && c.Attachments != "send":
		return complain("attachments", "is omit or send")
	case c.MaxSize < 1<<10 || c.MaxSize > 100<<20:
		return complain("max-size", "is between 1024 and 104857600 bytes")
	case strings.ContainsFunc(c.Hello, control):
		return complain("hello", "is no name of a machine")
	}
	if err := c.TLS.Check(); err != nil {
		return nil, err
	}
	if err := c.Credentials.Check(); err != nil {
		return nil, err
	}
	for _, a := range []struct {
		key  string
		text *string
		must bool
	}{{"from", &c.From, true}, {"reply-to", &c.ReplyTo, false}, {"bounces", &c.Bounces, false}} {
		if *a.text == "" && !a.must {
			continue
		}
		parsed, err := parseAddress(*a.text)
		if err != nil {
			return complain(a.key, "is no mail address such as Stadt Soest <noreply@soest.example>")
		}
		*a.text = parsed.String()
		if a.key == "from" {
			c.domain = parsed.Address[strings.LastIndexByte(parsed.Address, '@')+1:]
		}
	}
	return c, nil
}

// parseAddress reads exactly one address that ends no header's line. A domain with
// umlauts gets the form that every server takes (RFC 5890).
func parseAddress(text string) (*netmail.Address, error) {
	if strings.ContainsFunc(text, control) {
		return nil, fmt.Errorf("it holds a control character")
	}
	a, err := netmail.ParseAddress(text)
	if err != nil {
		return nil, err
	}
	at := strings.LastIndexByte(a.Address, '@') + 1
	if domain := a.Address[at:]; strings.ContainsFunc(domain, func(r rune) bool { return r >= utf8.RuneSelf }) {
		if domain, err = idna.Lookup.ToASCII(domain); err != nil {
			return nil, fmt.Errorf("its domain: %w", err)
		}
		a.Address = a.Address[:at] + domain
	}
	return a, nil
}

func control(r rune) bool {
	return r < ' ' || r == 0x7f || r == '\u0085' || r == '\u2028' || r == '\u2029'
}

// Traits: nobody recognises a repeated mail, and nobody can be asked.
func (c *config) Traits() connectors.Traits { return connectors.Traits{} }

// Takes implements connectors.Choosy; readDocument asks the same of each document.
func (c *config) Takes(format string, fields []string) error {
	has := slices.Sorted(slices.Values(fields))
	if format == "json" && slices.Equal(has, []string{"subject", "text", "to"}) {
		return nil
	}
	return errors.New("a mail is made of JSON with to, subject and text, and nothing else")
}

// Open reads secrets and certificates; it connects to nothing.
func (c *config) Open(env connectors.Environment) (connectors.Connector, error) {
	security, err := c.TLS.Open(env.Dir)
	if err != nil {
		return nil, err
	}
	security.ServerName = c.host
	k := newConnector(c, env, security)
	if b := c.Credentials.Basic; b != nil {
		password, err := b.Password.Reveal(env.Dir)
		if err != nil {
			return nil, &connectors.SettingError{Setting: "credentials.basic.password", Message: err.Error()}
		}
		k.user, k.password = b.User, string(password)
	}
	return k, nil
}
