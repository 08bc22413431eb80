// Package hub hands a submission on to another Stellwerk, over the same API that
// portals use: a city's portal offers what the Kreis decides.
//
// The document goes as the payload, the original one or a mapped one; attachments go
// along. The metadata name the authority and the service, pass the consent on and give
// this hub's number as the reference. What is known of the citizen's account goes in a
// signed envelope beside them: see package envelope. The idempotency key is the
// delivery's id, so a repetition is one submission over there.
//
//	answer of the other hub            outcome
//	202, 200                           awaiting, with remote-id and remote-number
//	401, 403, 408, 409, 429, 503       retry
//	404, 405 of a proxy                retry
//	problem, repeat: later             retry
//	problem, repeat: same-key below 500 retry
//	other 4xx                          refused, with the problem's code
//	other 5xx                          unknown
//
// Then it is asked for: status, one of INITIATED, SUBMITTED, RECEIVED, PROCESSING,
// ACTION_REQUIRED, COMPLETED, REJECTED, CANCELLED, action, whose do says what the citizen
// or the authority must do, and answers, a flat object of texts.
//
//	COMPLETED                          delivered, with the answers
//	REJECTED, or state rejected        cancelled, remote-rejected: ended over there
//	CANCELLED                          cancelled, remote-refund where do is refund: the fee was paid
//	CANCELLED, or state cancelled      cancelled, remote-cancelled
//	ACTION_REQUIRED                    awaiting, payment-open where do is pay, else action-required
//	any other of the above             awaiting, with the answers so far: a payment-url
//	a word that nobody knows           unknown, for a person
//	state erased, or 404 of that hub   unknown, for a person: it was taken, and how it ended is not known
//
// Where the citizen has taken the submission back, the asking takes it back over there,
// too, as far as that hub can still stop it.
//
// What has been taken is never sent again, also where a person puts it back: it is asked
// for. Only if it is not there any more, it is sent.
//
// The other hub may call back (settings callers: the keys that it signs with): the delivery
// is asked for at once then, also where it was delivered, refused or cancelled before. The
// reference that it calls by is this hub's number of the submission.
//
// A hub that tells no status is judged by its state: settled is delivered, any other
// is awaiting. While the other hub cannot be asked, what it has taken stays awaiting.
package hub

import "stellwerk/connectors"

// Kind is the protocol.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "hub",
		Summary:   "another Stellwerk, over the portals' API",
		Configure: configure,
	}
}
