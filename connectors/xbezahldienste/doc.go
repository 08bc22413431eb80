// Package xbezahldienste asks a payment provider for a transaction that a citizen
// pays, by XBezahldienste 1.0.0 (FITKO), and watches it until it is final.
//
// The document is the standard's payment request as a JSON object. The mapping
// makes its fields; this package puts in requestId (the delivery's id),
// requestTimestamp, the currency where it is missing and, by the setting
// redirect-url, where the citizen comes back to. It checks every rule of the
// standard and the sums before it sends, and complains about all that is wrong at
// once. Attachments are never sent: a payment has none.
//
//	paymentInformation.status   outcome
//	INITIAL                     awaiting, with payment-url and transaction-id
//	INITIAL, after lapse        cancelled, payment-lapsed; counted from the provider's times,
//	                            or from when it was seen first where it gives none
//	PAYED                       delivered, with kassenzeichen, payment-method, paid-at, amount
//	CANCELED                    cancelled, payment-cancelled
//	FAILED                      refused, payment-failed
//	any other                   unknown: a newer standard's word is never guessed at
//
// Version 1.0 pushes nothing: the hub polls by Ask. While the provider cannot be
// asked, a known transaction stays awaiting.
//
// A repeated request is answered with PAYMENT_EXISTS, which is success of the same
// request: the transaction is looked up, by the id that is known, the id that the
// problem names, or the requestId, which some providers take in its place. Where
// none of them leads to it the outcome is unknown: the citizen has no link, and only
// the provider's own console can tell.
//
// The standard's spellings are its own and kept: grosAmount, PAYED, CANCELED.
// Success is 200, not 201. The provider's Kassenzeichen may be given only once the
// citizen has authorised; a payment that is PAYED without one is delivered without it.
//
// The lapse is the hub's. Version 1.0 knows no way to withdraw a transaction: a
// lapse shorter than the provider's own lets a citizen pay for what the hub has
// given up.
package xbezahldienste

import (
	"embed"
	"io/fs"

	"stellwerk/connectors"
)

//go:embed profiles/*.yaml
var profiles embed.FS

// Kind is the protocol with its profiles.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "xbezahldienste",
		Summary:   "payments by XBezahldienste 1.0: asks for a transaction, watches it until paid",
		Profiles:  fs.FS(profiles),
		Configure: configure,
	}
}
