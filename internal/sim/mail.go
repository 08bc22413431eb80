package sim

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net/http"
	netmail "net/mail"
	"strings"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// mailServer keeps mails. It takes them only over TLS, only after a login, and only
// whole: with From, To, Date, Subject and Message-ID. It knows nobody whose name
// begins with unbekannt, and asks for patience for those that begin with voll. It lets
// nobody send whose name begins with fremd. The fault status is an SMTP reply's, given to
// the recipient, where most servers say what they do not like.
type mailServer struct {
	*partner
	name string
}

// startMail brings up the server at its two addresses: STARTTLS, and TLS from the
// first byte on.
func (t *Town) startMail(o Options) error {
	p := newPartner("mail", o)
	security, err := t.authority.server("mail", false, o.Now())
	if err != nil {
		return err
	}
	d := &mailServer{p, "mail.musterstadt.example"}
	create := func() server {
		s := smtp.NewServer(smtp.BackendFunc(d.session))
		s.Domain, s.TLSConfig, s.ErrorLog = d.name, security, log.New(io.Discard, "", 0)
		s.MaxMessageBytes, s.EnableSMTPUTF8 = bodyLimit, true
		s.ReadTimeout, s.WriteTimeout = time.Minute, time.Minute
		return s
	}
	p.scheme = "smtp"
	p.listener = &listener{address: o.Listen["mail"], create: create}
	p.second = &listener{address: o.Listen["mail-tls"], create: create, tls: security}
	if err := p.listen(true); err != nil {
		return errors.Join(err, p.listen(false))
	}
	t.mail, t.partners = p, append(t.partners, p)
	t.Mail, t.MailTLS = p.listener.address, p.second.address
	return nil
}

func (d *mailServer) session(c *smtp.Conn) (smtp.Session, error) {
	return &mailSession{server: d, conn: c}, nil
}

// mailSession is one connection's talk.
type mailSession struct {
	server *mailServer
	conn   *smtp.Conn
	known  bool // has logged in
	faults Faults
}

func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != User || password != Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func refusal(code int, text string) error {
	return &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode{code / 100, 0, 0}, Message: text}
}

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.faults = s.server.suffering()
	_, secure := s.conn.TLSConnectionState()
	switch {
	case !secure || !s.known:
		return refusal(530, "erst STARTTLS, dann AUTH")
	case s.faults.Torn:
		return s.drop()
	case strings.HasPrefix(from, "fremd"):
		s.server.refused()
		return refusal(553, "dieser Absender gehoert nicht zur Anmeldung")
	}
	return nil
}

// drop breaks the connection; what it returns reaches nobody.
func (s *mailSession) drop() error {
	_ = s.conn.Conn().Close()
	return refusal(421, "weg")
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	switch {
	case s.faults.Status != 0:
		return refusal(s.faults.Status, "gestoert")
	case strings.HasPrefix(to, "unbekannt"):
		s.server.refused()
		return refusal(550, "kein solches Postfach")
	case strings.HasPrefix(to, "voll"):
		return refusal(452, "Postfach voll")
	}
	return nil
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err // broke off
	}
	f := s.faults
	if f.Delay != "" {
		d, _ := time.ParseDuration(f.Delay) // was checked when set
		if !s.server.wait(d) {
			return s.drop()
		}
	}
	m, files, err := readMail(raw)
	if err != nil || f.Refuse != "" && strings.Contains(m.Subject+m.Text, f.Refuse) {
		s.server.refused()
		return refusal(554, "diese Mail wird nicht angenommen")
	}
	if f.Silent {
		s.server.wait(0)
		return s.drop()
	}
	s.server.take(incoming{id: m.ID, contentType: "message/rfc822", body: raw, files: files}, true, func(int) map[string]string { return nil })
	if f.AnswerLost {
		return s.drop()
	}
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// wait passes d, or the town's life where d is 0; false where the town ended.
func (p *partner) wait(d time.Duration) bool {
	r, _ := http.NewRequest(http.MethodGet, "/", nil) // of nobody: it ends with the town only
	return p.pause(r, d)
}

// Mail is a mail as its reader sees it.
type Mail struct {
	N           int       `json:"n"`
	ID          string    `json:"id"` // Message-ID without its brackets
	From        string    `json:"from"`
	To          string    `json:"to"`
	Subject     string    `json:"subject"`
	Text        string    `json:"text"`
	Date        time.Time `json:"date"`
	Attachments []File    `json:"attachments,omitempty"`
}

// readMail refuses what is not whole.
func readMail(raw []byte) (Mail, []File, error) {
	var m Mail
	in, err := netmail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return m, nil, err
	}
	for _, name := range []string{"From", "To", "Date", "Subject", "Message-Id"} {
		if len(in.Header[name]) != 1 || in.Header.Get(name) == "" {
			return m, nil, fmt.Errorf("%s is missing or stands twice", name)
		}
	}
	if m.Date, err = in.Header.Date(); err != nil {
		return m, nil, err
	}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(in.Header.Get("Subject")); err != nil {
		return m, nil, err
	}
	for name, into := range map[string]*string{"From": &m.From, "To": &m.To} {
		all, err := in.Header.AddressList(name)
		if err != nil || len(all) != 1 {
			return m, nil, fmt.Errorf("%s is not one address", name)
		}
		*into = all[0].Address
	}
	m.ID = strings.Trim(in.Header.Get("Message-Id"), "<>")
	files, err := m.parts(in.Header.Get("Content-Type"), in.Header.Get("Content-Transfer-Encoding"), "", in.Body)
	m.Attachments = files
	return m, files, err
}

// parts reads the text and the files below one part.
func (m *Mail) parts(contentType, encoding, file string, body io.Reader) ([]File, error) {
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil {
		return nil, err
	}
	if strings.HasPrefix(kind, "multipart/") {
		var files []File
		r := multipart.NewReader(body, params["boundary"])
		for {
			part, err := r.NextRawPart()
			if err == io.EOF {
				return files, nil
			}
			if err != nil {
				return nil, err
			}
			more, err := m.parts(part.Header.Get("Content-Type"), part.Header.Get("Content-Transfer-Encoding"), part.FileName(), part)
			if err != nil {
				return nil, err
			}
			files = append(files, more...)
		}
	}
	switch strings.ToLower(encoding) {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	b, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	if file == "" && kind == "text/plain" {
		m.Text = strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n", "\n"), "\n")
		return nil, nil
	}
	if decoded, err := new(mime.WordDecoder).DecodeHeader(file); err == nil {
		file = decoded
	}
	return []File{{Name: file, ContentType: kind, Size: int64(len(b)), SHA256: checksum(b)}}, nil
}

// mails lists the newest mails after the n-th.
func (t *Town) mails(after int) ([]Mail, error) {
	out := []Mail{}
	for _, r := range t.mail.received(after) {
		raw := r.Raw
		if raw == nil {
			raw = []byte(r.Text)
		}
		m, _, err := readMail(raw)
		if err != nil {
			return nil, err
		}
		m.N = r.N
		out = append(out, m)
	}
	return out, nil
}
