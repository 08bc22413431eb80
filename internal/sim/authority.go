package sim

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"software.sslmate.com/src/go-pkcs12"
)

// authority issues the town's certificates. It is made anew with every town, and
// its key is never written down.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(now time.Time) (*authority, error) {
	a := &authority{pool: x509.NewCertPool()}
	form := certificate("Musterstadt CA", now)
	form.IsCA, form.BasicConstraintsValid, form.KeyUsage = true, true, x509.KeyUsageCertSign
	var err error
	if a.key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		return nil, err
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, a.key.Public(), a.key)
	if err != nil {
		return nil, err
	}
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	a.pool.AddCert(a.cert)
	return a, nil
}

// certificate is the form of one that is good for a year around now, by the town's
// clock as well as the machine's.
func certificate(name string, now time.Time) *x509.Certificate {
	from, until := now, now
	if real := time.Now(); real.Before(from) {
		from = real
	} else {
		until = real
	}
	return &x509.Certificate{
		SerialNumber: big.NewInt(from.UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: from.AddDate(0, 0, -1), NotAfter: until.AddDate(1, 0, 0),
	}
}

// issue makes a certificate for this machine or, for a client, by its name only.
func (a *authority) issue(name string, client bool, now time.Time) (tls.Certificate, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	form := certificate(name, now)
	form.KeyUsage = x509.KeyUsageDigitalSignature
	if client {
		form.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	} else {
		form.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		form.DNSNames, form.IPAddresses = []string{"localhost"}, []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback}
	}
	der, err := x509.CreateCertificate(rand.Reader, form, a.cert, key.Public(), a.key)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}, err
}

// write puts the authority's certificate and one for the hub into a folder.
func (a *authority) write(dir string, now time.Time) (ca, hub string, err error) {
	pair, err := a.issue("stellwerk", true, now)
	if err != nil {
		return "", "", err
	}
	store, err := pkcs12.Modern.Encode(pair.PrivateKey, pair.Leaf, nil, Password)
	if err != nil {
		return "", "", err
	}
	ca, hub = filepath.Join(dir, "ca.pem"), filepath.Join(dir, "hub.p12")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw}), 0o600); err != nil {
		return "", "", err
	}
	return ca, hub, os.WriteFile(hub, store, 0o600)
}

// server is how a partner speaks TLS; mutual demands a certificate of the hub.
func (a *authority) server(name string, mutual bool, now time.Time) (*tls.Config, error) {
	pair, err := a.issue(name, false, now)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS13, Certificates: []tls.Certificate{pair}}
	if mutual {
		c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, a.pool
	}
	return c, nil
}
