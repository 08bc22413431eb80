// Package mail sends a document as a mail, over SMTP with TLS only. The document is
// a JSON object that a mapping makes:
//
//	{"to": "Zoë Müßig <zoe@example.org>", "subject": "Ihr Antrag 7K2M-0001", "text": "Guten Tag, …"}
//
// One recipient, one subject, plain text; anything else in it is refused, and so is
// what would end a header's line. Sender and address of bounces are the system's.
// The Message-ID is made from the delivery's id, the same in every attempt; it tells
// people that two mails are one, but no server does. Mail is neither repeatable nor
// askable: after an unknown outcome a person decides.
//
// A mail is open post. Attachments stay behind unless attachments: send says that
// the recipient is an office which gets its files this way.
//
//	no TLS, no login, no connection, lost before the content's end   retry
//	4xx                                                              retry, code smtp-4xx; 450, 452 of a recipient: no fault of the server
//	5xx of the sender                                                retry: no mail of this system would be taken
//	530, 534, 535, 538 about login or TLS                            retry: not the mail's fault
//	other 5xx                                                        refused, code smtp-5xx
//	lost after the content's end                                     unknown
package mail

import "stellwerk/connectors"

// Kind is the protocol.
func Kind() connectors.Kind {
	return connectors.Kind{
		Name:      "mail",
		Summary:   "mail over SMTP with TLS",
		Configure: configure,
	}
}
