package cli

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"strconv"

	"stellwerk/routes"
)

// maxSerial is how many submissions can be told apart by their marks.
const maxSerial = 99_999_999

// loadMark begins the word by which partners and ledger know a submission; it
// stands in a field that every document carries, the street.
const loadMark = "LOAD-"

// mark is the word of the n-th submission.
func mark(n int) string { return fmt.Sprintf("%s%08d", loadMark, n) }

// slot is a place in the body that differs from submission to submission. Values
// keep their length, so the body does too.
type slot struct {
	at    int
	width int // digits
}

// loadBody is the payload of submissions, with their own chip, street and
// reference each: business keys are unique, as in life.
type loadBody struct {
	text  []byte
	slots []slot
}

// newLoadBody takes the service's example: what is pushed is what a portal pushes.
func newLoadBody() (*loadBody, error) {
	text, err := fs.ReadFile(routes.FS, sampleService+"/examples/labrador.xml")
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	b := &loadBody{text: bytes.Clone(text)}
	const digits = "00000000"
	for _, change := range []struct{ from, to string }{
		{"<h:chip>276098100000017</h:chip>", "<h:chip>2760981" + digits + "</h:chip>"},
		{"<h:strasse>Musterweg</h:strasse>", "<h:strasse>" + loadMark + digits + "</h:strasse>"},
		{"<h:vorgang>BP-2026-004711</h:vorgang>", "<h:vorgang>BP-" + digits + "</h:vorgang>"},
		{"0f2c7f0e-5d1b-4c0e-9a53-6f2b8f3f1a01", "0f2c7f0e-5d1b-4c0e-9a53-6f2b" + digits},
	} {
		if bytes.Count(b.text, []byte(change.from)) != 1 {
			return nil, fmt.Errorf("the example labrador.xml has not exactly one %s", change.from)
		}
		b.text = bytes.Replace(b.text, []byte(change.from), []byte(change.to), 1)
	}
	for at := 0; ; {
		i := bytes.Index(b.text[at:], []byte(digits))
		if i < 0 {
			break
		}
		b.slots = append(b.slots, slot{at: at + i, width: len(digits)})
		at += i + len(digits)
	}
	if len(b.slots) != 4 {
		return nil, fmt.Errorf("the example labrador.xml gives %d places to number, not 4", len(b.slots))
	}
	return b, nil
}

// write numbers a copy of the body, which into must be.
func (b *loadBody) write(into []byte, n int) {
	for _, s := range b.slots {
		rest := n
		for i := s.at + s.width - 1; i >= s.at; i-- {
			into[i] = byte('0' + rest%10)
			rest /= 10
		}
	}
}

// request is one client's request, made once and numbered for every push.
type request struct {
	bytes []byte
	key   int // where the number in the idempotency key stands
	body  []byte
	load  *loadBody
}

// newRequest lays out head and body in one piece, so that a push is one write.
func (b *loadBody) newRequest(host, portalKey, municipality, run, consentAt string) *request {
	head := "POST /v1/submissions HTTP/1.1\r\nHost: " + host + "\r\nAuthorization: Bearer " + portalKey +
		"\r\nContent-Type: application/xml\r\nAccept-Language: en\r\nStellwerk-Municipality: " + municipality +
		"\r\nStellwerk-Service: " + sampleService + "\r\nStellwerk-Consent: true\r\nStellwerk-Consent-At: " + consentAt +
		"\r\nContent-Length: " + strconv.Itoa(len(b.text)) + "\r\nIdempotency-Key: load-" + run + "-"
	r := &request{load: b, key: len(head)}
	r.bytes = append([]byte(head+"00000000\r\n\r\n"), b.text...)
	r.body = r.bytes[len(r.bytes)-len(b.text):]
	return r
}

// number makes it the n-th request and gives the body's SHA-256.
func (r *request) number(n int) [32]byte {
	rest := n
	for i := r.key + 7; i >= r.key; i-- {
		r.bytes[i] = byte('0' + rest%10)
		rest /= 10
	}
	r.load.write(r.body, n)
	return sha256.Sum256(r.body)
}
