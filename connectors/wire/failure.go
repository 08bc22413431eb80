package wire

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"reflect"
	"slices"
	"syscall"
)

// Reason is the stable word for what went wrong on the way to a partner.
func Reason(err error) string {
	var blocked *blockedError
	var dns *net.DNSError
	var timeout net.Error
	switch {
	case errors.As(err, &blocked):
		return "address-not-allowed"
	case errors.As(err, &dns):
		return "name-not-found"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection-refused"
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return "unreachable"
	case isTLS(err):
		return "tls"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	}
	return "connection-broken"
}

// isTLS reports whether the connection was given up over its security.
func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var op *net.OpError
	return errors.As(err, &record) || errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// turnedDown recognises a TLS 1.3 partner that refuses the hub's certificate: it
// says so only after the request was written, but has read nothing of it. The
// alerts are those of RFC 8446, 6.2 for certificates and access.
func turnedDown(err error) bool {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "remote error" || op.Err == nil {
		return false
	}
	alert := reflect.ValueOf(op.Err) // crypto/tls does not export the type: a uint8
	if alert.Kind() != reflect.Uint8 {
		return false
	}
	n := alert.Uint()
	return n >= 42 && n <= 49 || n == 116
}

// tlsPages are what servers put on the page of a 400 that is about the connection's
// security and not about the request; they have no status for it.
var tlsPages = []string{
	"The SSL certificate error", "No required SSL certificate was sent", "The plain HTTP request was sent to HTTPS port", // nginx
	"speaking plain HTTP to an SSL-enabled server port", // Apache
	"This combination of host and port requires TLS",    // Tomcat
	"Client sent an HTTP request to an HTTPS server",    // Go
}

// speaksOfTLS reports whether a page is one of them.
func speaksOfTLS(page []byte) bool {
	return slices.ContainsFunc(tlsPages, func(says string) bool { return bytes.Contains(page, []byte(says)) })
}
