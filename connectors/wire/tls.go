package wire

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"

	"software.sslmate.com/src/go-pkcs12"

	"stellwerk/connectors"
)

// TLS says how a connection is secured. TLS 1.3 is the least unless a
// reason says why a partner cannot have it.
type TLS struct {
	Minimum     string            `yaml:"minimum"`     // "1.3", "1.2" or none
	Reason      string            `yaml:"reason"`      // for anything below 1.3
	CA          string            `yaml:"ca"`          // PEM file of the partner's authority; the machine's own where empty
	Certificate string            `yaml:"certificate"` // PEM file of the hub's certificate
	Key         connectors.Secret `yaml:"key"`         // its key, PEM
	PKCS12      connectors.Secret `yaml:"pkcs12"`      // certificate and key in one
	Password    connectors.Secret `yaml:"password"`    // of the PKCS#12
}

// Check complains about settings that contradict each other.
func (t *TLS) Check() error {
	complain := func(key, message string) error {
		return &connectors.SettingError{Setting: "tls." + key, Message: message}
	}
	switch t.Minimum {
	case "", "1.3":
	case "1.2", "none":
		if t.Reason == "" {
			return complain("reason", "is missing: say why "+t.Minimum+" has to do")
		}
	default:
		return complain("minimum", `is "1.3", "1.2" or none`)
	}
	switch {
	case (t.Certificate == "") != t.Key.Empty():
		return complain("certificate", "and key go together")
	case t.Certificate != "" && !t.PKCS12.Empty():
		return complain("pkcs12", "cannot stand beside certificate")
	case t.PKCS12.Empty() && !t.Password.Empty():
		return complain("password", "is for pkcs12, which is missing")
	}
	return nil
}

// Open reads the files and secrets; dir is where relative paths start. Its error is
// a SettingError.
func (t *TLS) Open(dir string) (*tls.Config, error) {
	c := &tls.Config{MinVersion: tls.VersionTLS13}
	if t.Minimum == "1.2" {
		c.MinVersion = tls.VersionTLS12
	}
	complain := func(key string, err error) error {
		return &connectors.SettingError{Setting: "tls." + key, Message: err.Error()}
	}
	beside := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(dir, path)
	}
	if t.CA != "" {
		pem, err := os.ReadFile(beside(t.CA))
		if err != nil {
			return nil, complain("ca", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, complain("ca", errors.New("there is no certificate in "+t.CA))
		}
	}
	switch {
	case t.Certificate != "":
		pem, err := os.ReadFile(beside(t.Certificate))
		if err != nil {
			return nil, complain("certificate", err)
		}
		key, err := t.Key.Reveal(dir)
		if err != nil {
			return nil, complain("key", err)
		}
		pair, err := tls.X509KeyPair(pem, key)
		if err != nil {
			return nil, complain("certificate", err)
		}
		c.Certificates = []tls.Certificate{pair}
	case !t.PKCS12.Empty():
		pair, err := t.decodePKCS12(dir)
		if err != nil {
			return nil, complain("pkcs12", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

// Identified reports whether the hub shows a certificate of its own.
func (t *TLS) Identified() bool { return t.Certificate != "" || !t.PKCS12.Empty() }

func (t *TLS) decodePKCS12(dir string) (tls.Certificate, error) {
	store, err := t.PKCS12.Reveal(dir)
	if err != nil {
		return tls.Certificate{}, err
	}
	var password []byte
	if !t.Password.Empty() {
		if password, err = t.Password.Reveal(dir); err != nil {
			return tls.Certificate{}, err
		}
	}
	key, leaf, chain, err := pkcs12.DecodeChain(store, string(password))
	if err != nil {
		return tls.Certificate{}, err
	}
	pair := tls.Certificate{PrivateKey: key, Leaf: leaf, Certificate: [][]byte{leaf.Raw}}
	for _, above := range chain {
		pair.Certificate = append(pair.Certificate, above.Raw)
	}
	return pair, nil
}
