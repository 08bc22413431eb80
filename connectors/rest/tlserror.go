package rest

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
)

// isTLS reports whether the connection was given up over its security.
func isTLS(err error) bool {
	var record tls.RecordHeaderError
	var verification *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var op *net.OpError
	return errors.As(err, &record) || errors.As(err, &verification) || errors.As(err, &authority) ||
		errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
}

// newReader gives a reader that net/http knows the length of.
func newReader(b []byte) *bytes.Reader { return bytes.NewReader(b) }
