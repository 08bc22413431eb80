package mail

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// Connector sends mail over one server, a connection for each.
type Connector struct {
	*config
	security       *tls.Config
	dialer         *net.Dialer
	user, password string
	now            func() time.Time
	open           context.Context // ends with Close
	close          context.CancelFunc
}

func newConnector(c *config, env connectors.Environment, security *tls.Config) *Connector {
	k := &Connector{config: c, security: security, dialer: wire.Dialer(env.Allow), now: env.Now}
	if k.now == nil {
		k.now = time.Now
	}
	k.open, k.close = context.WithCancel(context.Background())
	return k
}

// Close ends every call.
func (c *Connector) Close() error {
	c.close()
	return nil
}

// begin ties a call to the connector's life.
func (c *Connector) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(ctx)
	stop := context.AfterFunc(c.open, cancel)
	return ctx, func() { stop(); cancel() }
}

// Deliver sends one mail.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	if c.open.Err() != nil {
		return wire.Closed()
	}
	mail, err := c.compose(m, c.now())
	if unfit := (*unfitError)(nil); errors.As(err, &unfit) {
		return connectors.Receipt{Outcome: connectors.Refused, Code: unfit.code, Detail: unfit.Error()}
	} else if err != nil {
		return connectors.Receipt{Outcome: connectors.Refused, Code: "document-unfit", Detail: err.Error()}
	}
	ctx, end := c.begin(ctx)
	defer end()
	var r connectors.Receipt
	l, err := c.dial(ctx)
	if err != nil {
		r = c.failure(ctx, l, err, connectors.Retry)
	} else {
		r = c.send(ctx, l, mail)
	}
	if r.Outcome == connectors.Delivered {
		r.Answer = map[string]string{"message-id": m.ID + "@" + c.domain}
	}
	if r.Detail != "" {
		r.Detail = wire.Excerpt([]byte(c.redact(r.Detail)))
	}
	return r
}

// line is a connection that speaks TLS and is logged in.
type line struct {
	client *gomail.Client
	smtp   *smtp.Client
	conn   *bounded
	stop   func() bool // stops waiting for the call's end
}

// mostSaid is what a server may say over one mail, in bytes: certificates and a few
// replies.
const mostSaid = 256 << 10

// bounded is a connection that ends where the other side says too much: the library
// keeps a reply in memory until its end, however far that is.
type bounded struct {
	net.Conn
	left atomic.Int64
}

var errSaysTooMuch = errors.New("the server does not end its replies")

func (b *bounded) Read(p []byte) (int, error) {
	left := b.left.Load()
	if left <= 0 {
		return 0, errSaysTooMuch
	}
	n, err := b.Conn.Read(p[:min(int64(len(p)), left)])
	b.left.Add(-int64(n))
	return n, err
}

// tooMuch reports whether it ended so.
func (l *line) tooMuch() bool { return l.conn != nil && l.conn.left.Load() <= 0 }

// leave is how long a server may take to say goodbye.
const leave = 2 * time.Second

// quit takes leave after a mail that was taken, and hangUp otherwise: after half a
// mail QUIT would end the mail, too, and the server would take it for whole.
func (l *line) quit() {
	_ = l.conn.SetDeadline(time.Now().Add(leave))
	_ = l.client.CloseWithSMTPClient(l.smtp) // the mail is taken, whatever it says now
	l.hangUp()
}

func (l *line) hangUp() {
	if l.conn != nil {
		l.stop()
		_ = l.conn.Close() // nothing is waited for any more
	}
}

// dial connects; the line is there beside an error, too. The connection ends with ctx,
// which the library does not look at once it is connected.
func (c *Connector) dial(ctx context.Context) (*line, error) {
	l := &line{}
	if ctx.Err() != nil {
		return l, ctx.Err()
	}
	options := []gomail.Option{
		gomail.WithPort(c.port), gomail.WithTLSConfig(c.security.Clone()), gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithTimeout(time.Hour), // the hub's own limit ends a call earlier
		gomail.WithDialContextFunc(func(dialing context.Context, network, address string) (net.Conn, error) {
			raw, err := c.dialer.DialContext(dialing, network, address)
			if err != nil {
				return nil, err
			}
			conn := &bounded{Conn: raw}
			conn.left.Store(mostSaid)
			l.conn, l.stop = conn, context.AfterFunc(ctx, func() { _ = conn.Close() })
			if c.Security != "tls" {
				return conn, nil
			}
			secure := tls.Client(conn, c.security.Clone())
			return secure, secure.HandshakeContext(dialing)
		}),
	}
	if c.Security == "tls" {
		options = append(options, gomail.WithSSL())
	} else {
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	}
	if c.Hello != "" {
		options = append(options, gomail.WithHELO(c.Hello))
	}
	if c.user != "" {
		options = append(options, gomail.WithUsername(c.user), gomail.WithPassword(c.password),
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256PLUS, gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	var err error
	if l.client, err = gomail.NewClient(c.host, options...); err != nil {
		return l, fmt.Errorf("make ready: %w", err)
	}
	if l.smtp, err = l.client.DialToSMTPClientWithContext(ctx); err != nil {
		l.hangUp()
		return l, err
	}
	return l, nil
}

// send sends the mail over a connection, and ends the connection.
func (c *Connector) send(ctx context.Context, l *line, mail *gomail.Msg) connectors.Receipt {
	err := l.client.SendWithSMTPClient(l.smtp, mail)
	if err == nil {
		l.quit()
		return connectors.Receipt{Outcome: connectors.Delivered, Code: "smtp-250"}
	}
	l.hangUp()
	var sent *gomail.SendError
	if !errors.As(err, &sent) {
		return c.failure(ctx, l, err, connectors.Unknown)
	}
	outcome := connectors.Retry // before the content's end no server takes a mail
	if sent.Reason == gomail.ErrSMTPDataClose {
		outcome = connectors.Unknown
	}
	switch code := sent.ErrorCode(); {
	case code >= 400 && code < 500 || slices.Contains(ourFault, code) || code >= 500 && sent.Reason == gomail.ErrSMTPMailFrom:
		// Of a recipient it is said that this mailbox is busy or full: the next one's mail
		// fares better.
		mailbox := sent.Reason == gomail.ErrSMTPRcptTo && (code == 450 || code == 452)
		return connectors.Receipt{Outcome: connectors.Retry, Code: smtpCode(code), Detail: err.Error(), Fault: !mailbox}
	case code >= 500 && code < 600:
		return connectors.Receipt{Outcome: connectors.Refused, Code: smtpCode(code), Detail: err.Error()}
	}
	return c.failure(ctx, l, err, outcome)
}

// ourFault are refusals over login and TLS (RFC 4954, RFC 3207): the next mail fares
// no better.
var ourFault = []int{530, 534, 535, 538}

func smtpCode(code int) string { return fmt.Sprintf("smtp-%d", code) }

// failure is the receipt of a call that ended without a mail server's word on the mail.
func (c *Connector) failure(ctx context.Context, l *line, err error, outcome connectors.Outcome) connectors.Receipt {
	r := connectors.Receipt{Outcome: outcome, Code: wire.Reason(err), Detail: err.Error(), Fault: true}
	var said *textproto.Error
	switch {
	case l.tooMuch():
		r.Code = "answer-too-large"
	case errors.As(err, &said):
		r.Code = smtpCode(said.Code)
	case strings.Contains(err.Error(), "does not support STARTTLS"): // the library has no type for it
		r.Code = "no-starttls"
	case strings.Contains(err.Error(), "SMTP AUTH"):
		r.Code = "login"
	}
	switch {
	case c.open.Err() != nil:
		r.Code, r.Fault = "closed", false
	case errors.Is(ctx.Err(), context.Canceled):
		r.Code, r.Fault = "cancelled", false
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		r.Code = "timeout"
	}
	return r
}

// redact takes the password out of what a server said.
func (c *Connector) redact(text string) string {
	if c.password == "" {
		return text
	}
	return strings.NewReplacer(c.password, "•••",
		base64.StdEncoding.EncodeToString([]byte(c.password)), "•••",
		base64.StdEncoding.EncodeToString([]byte("\x00"+c.user+"\x00"+c.password)), "•••").Replace(text)
}

// Probe connects, secures the line and logs in.
func (c *Connector) Probe(ctx context.Context) error {
	if c.open.Err() != nil {
		return errors.New("probe: the connector is closed")
	}
	ctx, end := c.begin(ctx)
	defer end()
	l, err := c.dial(ctx)
	if err != nil {
		r := c.failure(ctx, l, err, connectors.Retry)
		return fmt.Errorf("probe: %s: %s", r.Code, c.redact(r.Detail))
	}
	l.quit()
	return nil
}
