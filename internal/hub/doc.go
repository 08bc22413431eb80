// Package hub has the words of Stellwerk as types: what a portal pushes, what a
// backend gets, and every state between the two. It knows no file, no network
// and no database; everybody else speaks in its words.
//
// # Glossary
//
//	municipality  a tenant: a town or a Kreis, known by its AGS (text, leading zero)
//	portal        a client that may submit, with keys and a scope
//	service       a Leistung: input schemas and a route
//	submission    what a portal pushed: metadata, payload, attachments
//	bundle        several submissions that belong together, each with its own success
//	part          what one of them is for, as the bundle's form names it
//	route         for one service: which deliveries, to which roles, when, after what
//	role          what a route speaks of: finance, payment, records, public-order, …
//	kind          a protocol, one Go package under connectors/
//	profile       a product on a kind: paths, headers, quirks, which replies mean refused
//	system        one installation of a backend: address, secret reference, limits
//	mapping       source document → one target document
//	delivery      one document to one system, with its whole life
//	attempt       one try of a delivery
//	park          set aside for a person, with a reason; a state, not another queue
//	retry         same delivery, same bytes, by the clock
//	replay        a person puts a parked or settled delivery back
//	breaker       per system, in front of it: what is down is left alone for a while
//	callback      a delivery that tells the portal of a new status; no part of the case
//
// # The life of a submission
//
//	           plan                        last delivery settles
//	accepted ────────▶ running ───────────────────────────────▶ settled
//	    │                │  ▲                                      │
//	    │ (unmapped,     │  │ replay, close                        │ replay
//	    │  not offered)  ▼  │                                      ▼
//	    └──────────▶  parked ◀── a delivery is parked          running
//
//	any state ──▶ damaged: a stored record failed its check; nothing of it is sent
//
// What has settled is deleted when its time has come or a person orders it: the
// payload and the attachments first, and with the metadata it becomes erased.
//
// A submission may be withdrawn until everything has left. That is no state of its
// own: what has not left is closed, what is being sent comes to its end, and the
// submission settles as ever; WithdrawnAt says that it was. A payment for what then never
// left is parked, to be given back.
//
// # The life of a delivery
//
//	           render              claim               outcome
//	waiting ─────────▶ pending ─────────▶ sending ─────────────────▶ delivered
//	  (for its          ▲  ▲               │ │ ├─ awaiting (asked again by the clock, or called back)
//	   predecessor)     │  └── retry, not-before ┘
//	                    │                    └─ refused / unclear / exhausted / unmapped ─▶ parked
//	                    └────────────── replay by a person ◀──────────────────────────────────┤
//	                                                             closed with a reason ◀────────┘
//
// A crash leaves a delivery in sending with an expired lease. A repeatable system
// is sent the same id again, an askable one is asked, otherwise the delivery is
// parked as unclear: an unknown outcome is never blindly resent.
//
// A system that hands on to another hub may be called back after the end, too: what
// was delivered or parked awaits again then, and is asked for.
package hub
