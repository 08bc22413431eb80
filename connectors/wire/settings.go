package wire

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"stellwerk/connectors"
)

// Settings are the keys that every kind over HTTP has. A kind embeds them inline.
type Settings struct {
	Address     string      `yaml:"address"` // https://host/base
	Credentials Credentials `yaml:"credentials"`
	TLS         TLS         `yaml:"tls"`
	AnswerLimit int         `yaml:"answer-limit"` // bytes of an answer that are read; 1 MB
}

// Defaults are the settings before a file is read.
func Defaults() Settings { return Settings{AnswerLimit: 1 << 20} }

// Check complains about what cannot be. It demands TLS, except towards this
// machine or with a reason.
func (s *Settings) Check() error {
	if err := s.checkAddress(); err != nil {
		return err
	}
	if err := s.Credentials.Check(); err != nil {
		return err
	}
	if s.AnswerLimit < 1 || s.AnswerLimit > 64<<20 {
		return &connectors.SettingError{Setting: "answer-limit", Message: "is between 1 and 67108864 bytes"}
	}
	return nil
}

func (s *Settings) checkAddress() error {
	complain := func(message string) error {
		return &connectors.SettingError{Setting: "address", Message: message}
	}
	u, err := url.Parse(s.Address)
	switch {
	case s.Address == "":
		return complain("is missing: the system's base address, https://host/path")
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		return complain("is no address such as https://host/path")
	case u.User != nil:
		return complain("holds credentials; they belong into credentials:")
	case u.RawQuery != "" || u.Fragment != "":
		return complain("has a query or fragment; it is only the part that all paths share")
	case u.Port() != "":
		if n, err := strconv.Atoi(u.Port()); err != nil || n < 1 || n > 65535 {
			return complain("has the port " + u.Port() + "; ports are 1 to 65535")
		}
	}
	if err := s.TLS.Check(); err != nil {
		return err
	}
	if u.Scheme != "https" && s.TLS.Minimum != "none" && !Loopback(u.Hostname()) {
		return complain("is without TLS; use https://, or say why not: tls: {minimum: none, reason: …}")
	}
	return nil
}

// Base is the address without a slash at its end.
func (s *Settings) Base() string { return strings.TrimSuffix(s.Address, "/") }

// longestLink is XBezahldienste's limit for an address, and every browser's at least.
const longestLink = 2082

// CheckLink says what is wrong with an address that a citizen is led to.
func CheckLink(v string) error {
	u, err := url.Parse(v)
	if err != nil || u.Hostname() == "" || u.Scheme != "https" && (u.Scheme != "http" || !Loopback(u.Hostname())) {
		return errors.New("is no https:// address")
	}
	if len(v) > longestLink {
		return fmt.Errorf("has %d characters at most", longestLink)
	}
	return nil
}

// LongestAnswer is how many bytes of one answer are taken over, and of a token.
const LongestAnswer = 4096

// Tellable reports whether an answer is taken over: it is kept, told to portals and put
// into later documents. A citizen is led to a payment-url, so it must be a web page.
func Tellable(name, v string) bool {
	return v != "" && len(v) <= LongestAnswer && (name != "payment-url" || CheckLink(v) == nil)
}

// Loopback reports whether a host is this machine, by its name or address.
func Loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
