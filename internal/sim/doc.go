// Package sim is a simulated town hall: partners that speak their real protocols,
// refuse what the real ones would refuse, and suffer from faults on command. The
// demo, the stories, the load test and the crash test run against it.
//
//	partner       speaks                                    recognises repeats
//	finance       POST /veranlagungen, JSON                 by Idempotency-Key
//	cash-office   fixed-width files in a drop folder        by file name and content
//	records       DMS REST API 1.2.5: /incomings, …         no; can be searched
//	dms           d.velop: blob, then o2m                   no
//	public-order  POST /meldungen, JSON                     by Idempotency-Key
//	waste         POST /auftraege, JSON                     by Idempotency-Key
//	waste-lists   tables (CSV) in a drop folder             by file name and content
//	district      POST /antraege, JSON                      by Idempotency-Key
//	bookings      another finance system: POST …, XML        by vorgang
//	mailbox       POST /nachrichten, JSON                   by Idempotency-Key
//	portal        callbacks, perhaps signed                 by id
//	payment       XBezahldienste 1.0, and a page to pay at  by requestId
//	mail          SMTP with TLS and login                   no
//	sink          anything, fast; remembers checksums       by Idempotency-Key
//
// The control API has an address of its own; a partner that is down is down, and
// still tells there what it has received.
package sim

// User and Password are what records and dms ask for: these are the credentials
// of a simulation, which guard nothing.
const (
	User     = "stellwerk"
	Password = "musterstadt"
)
