package mail

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"regexp"
	"strings"
	"time"
	"unicode/utf8"

	gomail "github.com/wneessen/go-mail"

	"stellwerk/connectors"
)

// document is what a mapping makes.
type document struct {
	To      string `json:"to"`
	Subject string `json:"subject"`
	Text    string `json:"text"`
}

// longestSubject is far more than any reader shows.
const longestSubject = 250

// unfitError is a mail that cannot be made: nothing is sent.
type unfitError struct {
	code string
	err  error
}

func (e *unfitError) Error() string { return e.err.Error() }

func unfit(code, format string, args ...any) error {
	return &unfitError{code, fmt.Errorf(format, args...)}
}

func readDocument(body []byte) (*document, error) {
	var doc *document
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil || doc == nil {
		return nil, unfit("document-unfit", "the document is no JSON object of to, subject and text")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, unfit("document-unfit", "the document goes on after its end")
	}
	switch {
	case doc.To == "" || doc.Subject == "" || strings.TrimSpace(doc.Text) == "":
		return nil, unfit("document-unfit", "to, subject or text is missing")
	case strings.ContainsFunc(doc.To, control) || strings.ContainsFunc(doc.Subject, control):
		return nil, unfit("header-injection", "to or subject holds a line end or another control character")
	case utf8.RuneCountInString(doc.Subject) > longestSubject:
		return nil, unfit("document-unfit", "subject is longer than %d characters", longestSubject)
	case strings.ContainsRune(doc.Text, 0):
		return nil, unfit("document-unfit", "text holds a NUL")
	}
	to, err := parseAddress(doc.To)
	if err != nil {
		return nil, unfit("recipient-malformed", "to is no mail address")
	}
	doc.To = to.String()
	return doc, nil
}

// compose makes the mail. Attachments are read to their end beforehand: one that is
// damaged must not leave half a mail behind.
func (c *config) compose(m *connectors.Message, now time.Time) (*gomail.Msg, error) {
	doc, err := readDocument(m.Body)
	if err != nil {
		return nil, err
	}
	size := int64(len(doc.Text))
	mail := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	for _, set := range []struct {
		text string
		into func(string) error
	}{
		{c.From, mail.From}, {doc.To, func(to string) error { return mail.To(to) }},
		{c.ReplyTo, mail.ReplyTo}, {c.Bounces, mail.EnvelopeFrom},
	} {
		if set.text == "" {
			continue
		}
		if err := set.into(set.text); err != nil {
			return nil, unfit("recipient-malformed", "an address cannot be written: %w", err)
		}
	}
	mail.Subject(doc.Subject)
	mail.SetMessageIDWithValue(m.ID + "@" + c.domain)
	mail.SetDateWithValue(now)
	mail.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no holiday notes in return
	mail.SetBodyString(gomail.TypeTextPlain, doc.Text)
	if c.Attachments == "omit" {
		return mail, nil
	}
	for i := range m.Attachments {
		if size += m.Attachments[i].Size; size > c.MaxSize {
			return nil, unfit("mail-too-large", "text and attachments are larger than %d bytes", c.MaxSize)
		}
	}
	for i := range m.Attachments {
		a := &m.Attachments[i]
		content, err := readAttachment(a)
		if err != nil {
			return nil, &unfitError{"attachment-damaged", err}
		}
		name := strings.Map(func(r rune) rune {
			if control(r) {
				return -1
			}
			return r
		}, a.Name)
		if err := mail.AttachReader(name, bytes.NewReader(content), gomail.WithFileContentType(contentType(a.ContentType))); err != nil {
			return nil, unfit("document-unfit", "attach a file: %w", err)
		}
	}
	return mail, nil
}

// contentType is the type alone of what a portal said: the file's name goes behind it,
// and a second one in its parameters would be a mail that servers refuse, or another
// name than the hub's. A mail within the mail would be shown as if it were one.
func contentType(v string) gomail.ContentType {
	essence, params, err := mime.ParseMediaType(v)
	if err != nil || !strings.Contains(essence, "/") || strings.HasPrefix(essence, "multipart/") || strings.HasPrefix(essence, "message/") {
		return gomail.TypeAppOctetStream
	}
	if charset := params["charset"]; strings.HasPrefix(essence, "text/") && charsetForm.MatchString(charset) {
		essence += "; charset=" + charset
	}
	return gomail.ContentType(essence)
}

var charsetForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$`)

func readAttachment(a *connectors.Attachment) (_ []byte, err error) {
	in, err := a.Open()
	if err != nil {
		return nil, fmt.Errorf("open attachment: %w", err)
	}
	defer func() { err = errors.Join(err, in.Close()) }()
	b, err := io.ReadAll(io.LimitReader(in, a.Size+1))
	if err != nil {
		return nil, fmt.Errorf("read attachment: %w", err)
	}
	if int64(len(b)) != a.Size {
		return nil, errors.New("read attachment: it is not as long as it was")
	}
	return b, nil
}
