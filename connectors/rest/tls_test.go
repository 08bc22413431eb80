package rest_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"software.sslmate.com/src/go-pkcs12"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

// identity is a self-signed certificate for a client, in dir as PEM and PKCS#12.
func identity(t *testing.T, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "stellwerk"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign}
	der, err := x509.CreateCertificate(rand.Reader, form, form, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	store, err := pkcs12.Modern.Encode(key, cert, nil, "p12-password")
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{
		"hub.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		"hub.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}),
		"hub.p12": store,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return pool
}

func TestTLS(t *testing.T) {
	t.Setenv("P12_PASSWORD", "p12-password")
	t.Setenv("P12_WRONG", "wrong")
	env := environment(t)
	clients := identity(t, env.Dir)
	start := func(change func(*tls.Config)) string {
		s := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Config.ErrorLog = log.New(io.Discard, "", 0)
		s.TLS = &tls.Config{}
		change(s.TLS)
		s.StartTLS()
		t.Cleanup(s.Close)
		ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
		if err := os.WriteFile(filepath.Join(env.Dir, "ca.pem"), ca, 0o600); err != nil {
			t.Fatal(err)
		}
		return "address: " + s.URL + "\n"
	}
	modern := start(func(*tls.Config) {})
	old := start(func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 })
	mutual := start(func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients })
	for name, test := range map[string]struct {
		settings string
		outcome  connectors.Outcome
		code     string
	}{
		"1.3":                      {modern + "tls: {ca: ca.pem}", connectors.Delivered, "http-200"},
		"authority unknown":        {modern, connectors.Retry, "tls"},
		"1.2 is not enough":        {old + "tls: {ca: ca.pem}", connectors.Retry, "tls"},
		"1.2 with a reason":        {old + "tls: {ca: ca.pem, minimum: '1.2', reason: Appliance from 2016}", connectors.Delivered, "http-200"},
		"certificate missing":      {mutual + "tls: {ca: ca.pem}", connectors.Retry, "tls"},
		"certificate as PEM":       {mutual + "tls: {ca: ca.pem, certificate: hub.pem, key: 'file:hub.key'}", connectors.Delivered, "http-200"},
		"certificate as PKCS#12":   {mutual + "tls: {ca: ca.pem, pkcs12: 'file:hub.p12', password: 'env:P12_PASSWORD'}", connectors.Delivered, "http-200"},
		"plain towards TLS server": {"address: http" + modern[len("address: https"):], connectors.Retry, "tls"},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, env, simple, test.settings).Deliver(t.Context(), connectortest.Message(1))
			want(t, r, test.outcome, test.code)
			if r.Fault != (test.outcome == connectors.Retry) {
				t.Errorf("fault is %v", r.Fault)
			}
		})
	}
	for _, broken := range []string{"tls: {ca: none.pem}", "tls: {ca: hub.key}", "tls: {pkcs12: 'file:hub.p12', password: 'env:P12_WRONG'}", "tls: {certificate: hub.pem, key: 'env:P12_WRONG'}",
		"credentials: {bearer: {token: 'file:none'}}"} {
		if c, err := configure(t, "", simple, modern, broken).Open(env); err == nil {
			_ = c.Close()
			t.Errorf("%s opens", broken)
		}
	}
}

// A proxy that does not like the hub's certificate, or gets none, says so with a 400: no
// document is refused by that.
func TestProxySaysTLS(t *testing.T) {
	page := ""
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadRequest)
		_, _ = io.WriteString(w, page)
	})
	for text, code := range map[string]string{
		"<html>\r\n<head><title>400 The SSL certificate error</title></head>\r\n<body>":                     "tls",
		"<html>\r\n<head><title>400 No required SSL certificate was sent</title></head>\r\n":                "tls",
		"<html>\r\n<head><title>400 The plain HTTP request was sent to HTTPS port</title></head>\r\n":       "tls",
		"<!DOCTYPE HTML>\n<html><p>Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />": "tls",
		"Bad Request\r\nThis combination of host and port requires TLS.\r\n":                                "tls",
		"<html><head><title>400 Bad Request</title>":                                                        "http-400",
		`{"feld":"bemerkung","fehler":"The SSL certificate error"}`:                                         "http-400",
	} {
		page = text
		r := open(t, environment(t), simple, "address: "+s.URL).Deliver(t.Context(), connectortest.Message(1))
		outcome := connectors.Refused
		if code == "tls" {
			outcome = connectors.Retry
		}
		want(t, r, outcome, code)
		if r.Fault != (code == "tls") {
			t.Errorf("%q: fault is %t", text, r.Fault)
		}
	}
}
