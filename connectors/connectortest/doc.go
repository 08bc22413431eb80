// Package connectortest is the suite that every kind runs against a partner which
// really speaks its protocol. It checks what the hub relies on: the four outcomes
// are decided honestly, an answer that got lost leads to exactly one document at
// the partner, and nothing secret leaves in a receipt.
//
//	func TestSuite(t *testing.T) {
//		connectortest.Test(t, connectortest.Harness{Start: startPartner})
//	}
package connectortest

import (
	"testing"

	"stellwerk/connectors"
)

// Fault is what a partner suffers from.
type Fault string

// The faults. A partner is Healthy until told otherwise.
const (
	Healthy    Fault = "healthy"
	Refusing   Fault = "refusing"    // answers that the document is wrong
	Busy       Fault = "busy"        // answers that it takes nothing at the moment
	Silent     Fault = "silent"      // takes the request in and never answers, nor keeps it
	Torn       Fault = "torn"        // drops the connection before it has taken anything
	AnswerLost Fault = "answer-lost" // takes the document and drops the connection
	Down       Fault = "down"        // cannot be reached
)

// Harness starts the partner of one kind.
type Harness struct {
	// Start gives a fresh, healthy partner. It cleans up with t.Cleanup.
	Start func(t *testing.T) Partner
}

// Partner is the other side, and the connector's way to it.
type Partner struct {
	Config      connectors.Config
	Environment connectors.Environment
	Secrets     []string          // must appear in no receipt and no error
	Received    func() []Received // each document taken, once for each time it was taken
	// Break switches a fault on, and off with Healthy. It reports false where the
	// protocol knows no such fault; the test is left out then.
	Break func(Fault) bool

	// What follows is for protocols that take no document of any kind with any files.

	// Taken is the outcome of a document taken: Delivered, unless it says Awaiting.
	Taken connectors.Outcome
	// Message is the n-th sample message, instead of this package's own. A big one
	// has about 1 MB; nil where the protocol has no such thing.
	Message func(n int, big bool) *connectors.Message
	// Same reports whether the partner's document is the message's, where it is not
	// that byte by byte.
	Same func(Received, *connectors.Message) bool
	// Bare: attachments are not sent.
	Bare bool
}

// Received is a document as the partner has it.
type Received struct {
	Body        []byte
	Attachments [][]byte
}
