// Package connectors is the contract between the hub and the protocols it
// speaks. It imports nothing of ours, and a kind imports nothing but it and connectors/wire, the
// way over HTTP: a new protocol is one package below this one and one line in
// connectors/all.
//
// A Kind is a protocol. A profile is a product on it: YAML embedded in the kind
// (paths, headers, which replies mean refused). A system is one installation:
// YAML of the operator, the profile's settings overlaid with its own.
package connectors

import (
	"context"
	"crypto/ed25519"
	"io"
	"io/fs"
	"net/netip"
	"time"
)

// Kind is a protocol this build can speak.
type Kind struct {
	Name     string // as written in a system file's kind:
	Summary  string // one line for `stellwerk version` and the handbook
	Profiles fs.FS  // profiles/<name>.yaml; nil where the kind has none

	// Configure reads and checks a system's settings without touching the
	// network. Its error names the setting: see SettingError.
	Configure func(Settings) (Config, error)
}

// Settings are a system's settings for its kind: the profile's values with the
// system file's values laid over them, key by key at the top level only.
type Settings interface {
	// Decode fills a pointer to a struct with yaml tags. An unknown key is an
	// error that carries its place and a suggestion.
	Decode(into any) error
}

// SettingError is a complaint about one setting; configuration adds file and line.
type SettingError struct {
	Setting string // dotted path of the key
	Message string // what is wrong and what would be right
}

// Error gives setting and message.
func (e *SettingError) Error() string { return e.Setting + ": " + e.Message }

// Config is a system's checked settings.
type Config interface {
	Traits() Traits
	// Open makes ready to deliver. It does not fail because a partner is down.
	Open(Environment) (Connector, error)
}

// Answering is a Config that knows by which keys its receipts may carry answers: a
// mistyped key is found at load then, and not by a portal that is told nothing.
type Answering interface {
	Config
	Answers() []string
}

// Choosy is a Config of a kind that takes documents of one shape: any other would be
// refused in every attempt, and is found at load.
type Choosy interface {
	Config
	// Takes says what is wrong with documents of a format (xml, json, csv or fixed) with
	// these fields at the top; nil where they are taken.
	Takes(format string, fields []string) error
}

// Traits tell the hub what it may do after an unknown outcome.
type Traits struct {
	// Repeatable: the system recognises a message id it has already taken, so the
	// same delivery may be sent again without harm.
	Repeatable bool
	// Askable: the connector is an Asker.
	Askable bool
	// Notices: what was delivered may change over there later, and the system may say
	// so: the token is kept and asked by again. Such a kind is Askable.
	Notices bool
	// Meta: the protocol asks for Message.Meta; others are not given it.
	Meta bool
}

// Environment is what the hub lends to a connector.
type Environment struct {
	System string           // the system's name
	Now    func() time.Time // the hub's clock
	Dir    string           // the operator's folder: relative paths in settings start here
	Allow  []netip.Prefix   // addresses this system may be reached at; checked when dialling
	// Concurrency is how many calls run at once at most: the size of a pool of
	// connections. Zero where the hub sets no limit.
	Concurrency int
}

// Bridge is a Config of a kind that hands submissions on to another hub.
type Bridge interface {
	Config
	// Here is this hub's name, as the other one knows it. A submission that has come
	// by a hub of that name is never taken again.
	Here() string
	// Authority is the AGS that a submission to a municipality is addressed to over there.
	Authority(municipality string) string
	// Callers are the keys of which one signs what the other hub calls back; empty
	// where it does not call.
	Callers() []ed25519.PublicKey
}

// Connector delivers to one system. Its methods are called by many goroutines
// at once, up to the system's concurrency limit.
type Connector interface {
	// Deliver sends one message and says what became of it. It returns when ctx
	// ends, and never panics on what a partner answers. It never retries.
	Deliver(ctx context.Context, m *Message) Receipt
	// Close ends every connection; calls under way return soon.
	Close() error
}

// Asker is a connector that can ask what became of a message.
type Asker interface {
	// Ask looks up a message by its id, or by the token of an earlier Awaiting
	// receipt. Delivered: it is there. Retry with code "not-found": it never
	// arrived and may be sent. Awaiting: still under way, and so is a message with a
	// token whose system cannot be asked just now. Cancelled: ended by the citizen or the office.
	// Unknown: no answer, or one that nobody understands.
	Ask(ctx context.Context, m *Message) Receipt
}

// Prober is a connector that can check its system without delivering anything.
type Prober interface {
	Probe(ctx context.Context) error
}

// Message is one delivery, ready to send.
type Message struct {
	ID           string // the delivery's id, the same in every attempt: the idempotency key
	Submission   string
	Number       string // the submission's number, as read out on the phone
	Attempt      int    // from 1
	Municipality string // AGS
	Service      string
	Role         string
	Name         string // of the document, fit for a file name: no path, no blanks
	ContentType  string
	Body         []byte
	Attachments  []Attachment
	Token        string // from an earlier Awaiting receipt
	// Meta is what is known beside the document, by name; a name that is missing is
	// not known: trust-level (STORK-QAA-Level-1 … -4) and mailbox of the citizen's
	// account, account.<name> for each attribute of it, consent-at (RFC 3339) and
	// consent-wording, withdrawn-at where the citizen has taken the submission back,
	// reference of the portal, and via, the hubs that have handed the
	// submission on, the first one first, with blanks between.
	// It is personal and goes only where a kind's protocol asks for it.
	Meta  map[string]string
	Trace string // W3C traceparent, to be passed on
}

// Attachment is a file that goes along.
type Attachment struct {
	Name        string
	ContentType string
	Size        int64
	SHA256      string // hex
	// Open gives the content; every call starts at the beginning. Reading fails
	// where the stored content is damaged: the message must not be completed then.
	Open func() (io.ReadCloser, error)
}

// Outcome is what became of an attempt.
type Outcome int

// The outcomes. The zero value is Unknown: what nobody decided is not a success.
const (
	Unknown   Outcome = iota // the request may have arrived; nobody knows
	Delivered                // the system has acknowledged
	Retry                    // certainly not taken; try again by the schedule
	Refused                  // certainly not taken, and repeating does not help
	Awaiting                 // taken; the answer comes later: ask again with Token
	Cancelled                // taken, and ended by the citizen or the office: it will never come to success, and nobody needs to act here
)

// String is the outcome's word in records, metrics and logs.
func (o Outcome) String() string {
	return [...]string{"unknown", "delivered", "retry", "refused", "awaiting", "cancelled"}[o]
}

// Receipt is an outcome and what was learned with it.
type Receipt struct {
	Outcome Outcome
	// Code is a stable word for machines and logs: "http-422", "connection-refused",
	// "timeout", a partner's own error code. Never text with personal data. Two codes of
	// Awaiting are told to the citizen: payment-open, who must pay at the answer
	// payment-url, and action-required.
	Code string
	// Detail is for operators and may quote the partner's answer. It is stored
	// sealed and never logged.
	Detail string
	// Answer is what the system gave back, by name: "kassenzeichen", "aktenzeichen",
	// "payment-url". Open to later deliveries of the same submission.
	Answer map[string]string
	// RetryAfter is the partner's wish for the next attempt; zero where it has none.
	RetryAfter time.Duration
	// Token identifies the message in later calls of Ask.
	Token string
	// Person says of an unknown outcome that only a person can clear it up: the
	// delivery is parked at once and neither sent nor asked again.
	Person bool
	// Fault tells whether the attempt speaks against the system's health. A refusal
	// does not: eight wrong IBANs must not open the breaker for everyone.
	Fault bool
}
