package cli

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"

	"stellwerk/connectors"
	"stellwerk/internal/web/admin"
)

// defaultHub is where a hub's admin API listens if its stellwerk.yaml says nothing.
const defaultHub = "http://127.0.0.1:8081"

// client reaches the hub that flags or environment name.
func (p *Program) client() (*admin.Client, error) {
	base := p.hub
	if base == "" {
		base = p.env("STELLWERK_HUB", defaultHub)
	}
	if err := checkAddress("--hub", base, defaultHub); err != nil {
		return nil, err
	}
	key, err := p.operatorKey()
	if err != nil {
		return nil, err
	}
	c := admin.New(base, key)
	c.HTTP.Transport, err = p.transport()
	return c, err
}

// checkAddress refuses what is no address, and one to which a key would travel in clear.
func checkAddress(flag, base, example string) error {
	u, err := url.Parse(base)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return wrongUsage("%s: %q is not an address; write %s or https://…", flag, base, example)
	}
	if u.Scheme == "http" && !loopback(u.Hostname()) {
		return wrongUsage("%s: %s is another machine; its key must not travel without TLS: write https://…", flag, u.Host)
	}
	return nil
}

// transport trusts this machine's authorities, and the one that --ca names.
func (p *Program) transport() (http.RoundTripper, error) {
	t := http.DefaultTransport.(*http.Transport).Clone()
	file := p.ca
	if file == "" {
		file = p.env("STELLWERK_CA", "")
	}
	if file == "" {
		return t, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, &usageError{fmt.Errorf("--ca: %w", err)}
	}
	trusted, err := x509.SystemCertPool()
	if err != nil {
		trusted = x509.NewCertPool() // a machine without authorities of its own
	}
	if !trusted.AppendCertsFromPEM(pem) {
		return nil, wrongUsage("--ca: %s has no certificate in PEM form", file)
	}
	t.TLSClientConfig = &tls.Config{RootCAs: trusted, MinVersion: tls.VersionTLS12}
	return t, nil
}

// portalsClient reaches the portals' API. It follows no redirects: the key and what citizens
// wrote are for the given address only.
func (p *Program) portalsClient(timeout time.Duration) (*http.Client, error) {
	transport, err := p.transport()
	if err != nil {
		return nil, err
	}
	return &http.Client{
		Timeout: timeout, Transport: transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}, nil
}

// loopback reports whether a host is this machine, also as a server that listens
// everywhere names itself.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && (ip.IsLoopback() || ip.IsUnspecified())
}

// operatorKey reads the key from the reference in --key or STELLWERK_KEY; the
// variable may also hold the key itself.
func (p *Program) operatorKey() (string, error) {
	ref := p.key
	if ref == "" {
		v := p.env("STELLWERK_KEY", "")
		if v == "" {
			return "", wrongUsage("no operator's key: give --key file:PATH or set STELLWERK_KEY")
		}
		if strings.HasPrefix(v, "swo_") {
			return alone("STELLWERK_KEY", v)
		}
		ref = v
	}
	return p.reveal("--key", ref)
}

// reveal reads a key that a flag refers to.
func (p *Program) reveal(flag, ref string) (string, error) {
	if name, ok := strings.CutPrefix(ref, "env:"); ok {
		v, set := p.LookupEnv(name)
		if !set || v == "" {
			return "", wrongUsage("%s: the environment variable %s is not set", flag, name)
		}
		return alone(flag, v)
	}
	s, err := connectors.NewSecret(ref)
	if err != nil {
		return "", wrongUsage("%s: %w", flag, err)
	}
	key, err := s.Reveal(".")
	if err != nil {
		return "", wrongUsage("%s: %w", flag, err)
	}
	return alone(flag, string(key))
}

// alone is a key without the blanks around it. All that keys prints is not one.
func alone(flag, text string) (string, error) {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return "", wrongUsage("%s: there is more than a key; its one line alone belongs there", flag)
	}
	return text, nil
}

// explainError adds the remedy that only the command line knows.
func (p *Program) explainError(err error) string {
	var problem *admin.Problem
	var unknown x509.UnknownAuthorityError
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("%v\n  is its certificate signed by an authority of your own? --ca FILE names it", err)
	case errors.Is(err, admin.ErrNoAnswer):
		return fmt.Sprintf("%v\n  what was carried out stays done: stellwerk audit and stellwerk systems show how far it came; the same command goes on from there", err)
	case errors.Is(err, admin.ErrUnreachable):
		return fmt.Sprintf("%v\n  is it running? stellwerk serve starts it; --hub or STELLWERK_HUB says where it is", err)
	case errors.As(err, &problem) && exitOfStatus(problem.Status) == exitKey:
		return "the hub does not accept the key (--key, STELLWERK_KEY); operators/*.yaml of its folder says whose keys are valid"
	}
	return err.Error()
}
