package mapping

import "time"

// Env is what a mapping may use beyond the document: facts of the submission, of
// its municipality and of earlier deliveries. A mapping reads it, never changes it.
type Env struct {
	Submission   Submission
	Municipality Municipality
	Meta         Meta
	Attachments  []Attachment

	// Answers holds what earlier deliveries of this submission brought back, by
	// role and key: Answers["finance"]["kassenzeichen"].
	Answers map[string]map[string]string

	// Ordinances are the municipality's tables of local law, by the name the
	// mapping uses.
	Ordinances map[string]*Ordinance

	// Next assigns a number of a range to a record of the submission, by the path of its
	// node. It must give the same record the same number again, for a document may be
	// rendered more than once, and two documents may name it. A NoNumber holds the
	// document; any other error ends the rendering. Nil: a mapping that needs a number
	// is held.
	Next func(name, record string) (string, error)

	// Original gives the payload as it came, for Unchanged; nil: that is held.
	Original func() (mediaType string, body []byte, err error)

	// Now is the clock of submission:rendered-at; nil: the time of receipt is used.
	Now func() time.Time
}

// NoNumber is why a range gives no number, for operators.
type NoNumber string

func (n NoNumber) Error() string { return string(n) }

// Submission names the case that the document belongs to.
type Submission struct {
	ID         string    // the hub's id
	Number     string    // the id as it is read out on the phone
	Service    string    // e.g. hundeanmeldung
	Portal     string    // who submitted
	Reference  string    // the portal's own reference
	Bundle     string    // the bundle's id, if it belongs to one
	Delivery   string    // the id of the delivery being rendered
	ReceivedAt time.Time // when the 202 was given
}

// Municipality is the tenant. AGS and ARS are text with a leading zero.
type Municipality struct {
	AGS  string
	ARS  string
	Name string
}

// Meta is what the portal said about the citizen and the channel.
type Meta struct {
	TrustLevel     string // e.g. STORK-QAA-Level-3
	Mailbox        string // handle of the citizen's mailbox
	Email          string
	Channel        string // portal, counter, hub
	Clerk          string // who entered the case at the counter
	ConsentAt      time.Time
	ConsentVersion string
	Account        map[string]string // attributes of the citizen's account: surname, givenName, mail, …
}

// Attachment describes a stored file that came with the submission.
type Attachment struct {
	ID     string `expr:"id"`
	Name   string `expr:"name"`
	Type   string `expr:"type"` // media type
	Size   int64  `expr:"size"` // bytes
	SHA256 string `expr:"sha256"`
}
