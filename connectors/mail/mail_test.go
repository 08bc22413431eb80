package mail_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	netmail "net/mail"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/mail"
	"stellwerk/internal/sim"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

func letter(n int, big bool) *connectors.Message {
	m := connectortest.Message(n)
	m.Role = "citizen"
	text := fmt.Sprintf("Guten Tag,\n\nIhr Antrag %04d ist fertig: Straße, Größe, ß.\n.\n..\n-- \nStadt Soest", n)
	if big {
		text += strings.Repeat(" Straße", 1<<17)
	}
	m.Body, _ = json.Marshal(map[string]string{"to": "Zoë Müßig <zoe@example.org>", "subject": fmt.Sprintf("Ihr Antrag %04d: Bestätigung über die Anmeldung eines Hundes", n), "text": text})
	return m
}

type post struct {
	*sim.Town
	sim.Client
	env connectors.Environment
}

func start(t *testing.T) *post {
	t.Helper()
	t.Setenv("MAIL_PASSWORD", sim.Password)
	town, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = town.Close() })
	return &post{town, sim.Client{Control: town.Control}, connectors.Environment{System: "mail", Now: time.Now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16}}
}

func (p *post) configure(t *testing.T, more ...string) connectors.Config {
	t.Helper()
	base := "address: " + p.Mail + "\ntls: {ca: " + p.CA + "}\nfrom: Stadt Soest <noreply@soest.example>\ncredentials: {basic: {user: stellwerk, password: 'env:MAIL_PASSWORD'}}\n"
	c, err := mail.Kind().Configure(connectortest.Settings(append([]string{base}, more...)...))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *post) open(t *testing.T, more ...string) connectors.Connector {
	t.Helper()
	k, err := p.configure(t, more...).Open(p.env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k
}

// raw is a mail as the server has it, with the content of its files.
func raw(t *testing.T, text string) connectortest.Received {
	in, err := netmail.ReadMessage(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	var got connectortest.Received
	body := func(encoding string, r io.Reader) []byte {
		switch encoding {
		case "quoted-printable":
			r = quotedprintable.NewReader(r)
		case "base64":
			r = base64.NewDecoder(base64.StdEncoding, r)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	kind, params, _ := mime.ParseMediaType(in.Header.Get("Content-Type"))
	if kind == "text/plain" {
		got.Body = body(in.Header.Get("Content-Transfer-Encoding"), in.Body)
		return got
	}
	for parts := multipart.NewReader(in.Body, params["boundary"]); ; {
		part, err := parts.NextRawPart()
		if err == io.EOF {
			return got
		}
		if err != nil {
			t.Fatal(err)
		}
		if b := body(part.Header.Get("Content-Transfer-Encoding"), part); part.FileName() == "" {
			got.Body = b
		} else {
			got.Attachments = append(got.Attachments, b)
		}
	}
}

func suite(t *testing.T, bare bool, settings func(*post) string) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		p := start(t)
		return connectortest.Partner{
			Config: p.configure(t, settings(p)), Environment: p.env, Bare: bare, Message: letter,
			Secrets: []string{sim.Password, base64.StdEncoding.EncodeToString([]byte(sim.Password)), base64.StdEncoding.EncodeToString([]byte("\x00" + sim.User + "\x00" + sim.Password))},
			Same: func(got connectortest.Received, m *connectors.Message) bool {
				var sent struct {
					Text string `json:"text"`
				}
				_ = json.Unmarshal(m.Body, &sent)
				return strings.TrimSpace(strings.ReplaceAll(string(got.Body), "\r\n", "\n")) == sent.Text
			},
			Received: func() (all []connectortest.Received) {
				got, err := p.Received(t.Context(), "mail", 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range got {
					all = append(all, raw(t, r.Text))
				}
				return all
			},
			Break: func(f connectortest.Fault) bool {
				if err := p.Suffer(t.Context(), "mail", map[connectortest.Fault]sim.Faults{
					connectortest.Refusing: {Refuse: "Antrag"}, connectortest.Busy: {Status: 451}, connectortest.Silent: {Silent: true},
					connectortest.Torn: {Torn: true}, connectortest.AnswerLost: {AnswerLost: true}, connectortest.Down: {Down: true},
				}[f]); err != nil {
					t.Fatal(err)
				}
				return true
			},
		}
	}})
}

func TestSuiteStartTLS(t *testing.T) {
	suite(t, true, func(*post) string { return "security: starttls" })
}

func TestSuiteImplicitTLSWithAttachments(t *testing.T) {
	suite(t, false, func(p *post) string { return "address: " + p.MailTLS + "\nsecurity: tls\nattachments: send" })
}

func want(t *testing.T, r connectors.Receipt, outcome connectors.Outcome, code string) {
	t.Helper()
	if r.Outcome != outcome || r.Code != code {
		t.Errorf("got %s %s (%s), want %s %s", r.Outcome, r.Code, r.Detail, outcome, code)
	}
}

func TestMailAsItIsRead(t *testing.T) {
	p := start(t)
	at := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	p.env.Now = func() time.Time { return at }
	k := p.open(t, "reply-to: steueramt@soest.example\nbounces: bounce@soest.example\nhello: hub.soest.example")
	m := letter(1, false)
	connectortest.Attach(m, "geheim.pdf", "application/pdf", []byte("%PDF"))
	r := k.Deliver(t.Context(), m)
	want(t, r, connectors.Delivered, "smtp-250")
	if r.Answer["message-id"] != m.ID+"@soest.example" {
		t.Errorf("answer %v", r.Answer)
	}
	all, err := p.Mails(t.Context(), 0)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	got := all[0]
	if got.ID != m.ID+"@soest.example" || got.From != "noreply@soest.example" || got.To != "zoe@example.org" || !got.Date.Equal(at) ||
		got.Subject != "Ihr Antrag 0001: Bestätigung über die Anmeldung eines Hundes" || !strings.Contains(got.Text, "\n.\n..\n-- \nStadt Soest") {
		t.Errorf("%+v", got)
	}
	if len(got.Attachments) != 0 {
		t.Error("an attachment went by open post")
	}
	raws, err := p.Received(t.Context(), "mail", 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"Auto-Submitted: auto-generated", "Reply-To: <steueramt@soest.example>"} {
		if !strings.Contains(raws[0].Text, line) {
			t.Errorf("no line %s in\n%s", line, raws[0].Text)
		}
	}
}

// A domain with an umlaut has a form that every server takes (RFC 5890); only the name
// before it asks for one that speaks SMTPUTF8.
func TestDomainsWithUmlauts(t *testing.T) {
	p := start(t)
	k := p.open(t, "from: Amt <amt@städte.example>\nreply-to: amt@städte.example\nbounces: zurück@Städte.example")
	m := letter(1, false)
	m.Body, _ = json.Marshal(map[string]string{"to": "Jörg <joerg@MÜLLERS-hof.example>", "subject": "s", "text": "t"})
	r := k.Deliver(t.Context(), m)
	want(t, r, connectors.Delivered, "smtp-250")
	all, err := p.Received(t.Context(), "mail", 0)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	for _, line := range []string{"<joerg@xn--mllers-hof-9db.example>", "<amt@xn--stdte-hra.example>", "Message-ID: <" + m.ID + "@xn--stdte-hra.example>"} {
		if !strings.Contains(all[0].Text, line) {
			t.Errorf("no %s in\n%s", line, all[0].Text)
		}
	}
}

// Nothing that a mapping or a citizen writes can add a header or a recipient.
func TestDocuments(t *testing.T) {
	p := start(t)
	k := p.open(t)
	doc := func(to, subject, text string) []byte {
		b, _ := json.Marshal(map[string]string{"to": to, "subject": subject, "text": text})
		return b
	}
	for name, test := range map[string]struct {
		body    []byte
		outcome connectors.Outcome
		code    string
	}{
		"fine":                   {doc("a@example.org", "s", "t"), connectors.Delivered, "smtp-250"},
		"umlauts in the mailbox": {doc("zoë@example.org", "s", "t"), connectors.Delivered, "smtp-250"},
		"line end in subject":    {doc("a@example.org", "s\r\nBcc: b@example.org", "t"), connectors.Refused, "header-injection"},
		"line end in to":         {doc("a@example.org\nBcc: b@example.org", "s", "t"), connectors.Refused, "header-injection"},
		"unicode line end":       {doc("a@example.org", "s\u2028x", "t"), connectors.Refused, "header-injection"},
		"encoded name":           {doc("=?utf-8?q?a=0D=0ABcc:_b@example.org?= <a@example.org>", "s", "t"), connectors.Refused, "recipient-malformed"},
		"two recipients":         {doc("a@example.org, b@example.org", "s", "t"), connectors.Refused, "recipient-malformed"},
		"group of two":           {doc("alle: a@example.org, b@example.org;", "s", "t"), connectors.Refused, "recipient-malformed"},
		"no address":             {doc("Zoë", "s", "t"), connectors.Refused, "recipient-malformed"},
		"no recipient":           {doc("", "s", "t"), connectors.Refused, "document-unfit"},
		"no subject":             {doc("a@example.org", "", "t"), connectors.Refused, "document-unfit"},
		"no text":                {doc("a@example.org", "s", " \n"), connectors.Refused, "document-unfit"},
		"NUL":                    {doc("a@example.org", "s", "t\x00"), connectors.Refused, "document-unfit"},
		"endless subject":        {doc("a@example.org", strings.Repeat("s", 251), "t"), connectors.Refused, "document-unfit"},
		"unknown member":         {[]byte(`{"to":"a@example.org","subject":"s","text":"t","bcc":"b@example.org"}`), connectors.Refused, "document-unfit"},
		"more behind it":         {append(doc("a@example.org", "s", "t"), '{'), connectors.Refused, "document-unfit"},
		"null":                   {[]byte("null"), connectors.Refused, "document-unfit"},
		"nobody there":           {doc("unbekannt@example.org", "s", "t"), connectors.Refused, "smtp-550"},
		"full":                   {doc("voll@example.org", "s", "t"), connectors.Retry, "smtp-452"},
	} {
		t.Run(name, func(t *testing.T) {
			before, err := p.Mails(t.Context(), 0)
			if err != nil {
				t.Fatal(err)
			}
			m := connectortest.Message(1)
			m.Body = test.body
			r := k.Deliver(t.Context(), m)
			want(t, r, test.outcome, test.code)
			if r.Fault {
				t.Error("what is wrong with one mail or mailbox speaks against the server")
			}
			after, err := p.Received(t.Context(), "mail", len(before))
			if err != nil || len(after) != 0 != (test.outcome == connectors.Delivered) {
				t.Fatalf("%d mails (%v)", len(after), err)
			}
			if len(after) == 1 && strings.Contains(after[0].Text, "\nBcc:") {
				t.Errorf("a header came in:\n%s", after[0].Text)
			}
		})
	}
}

// A server that does not take the sender takes no mail of this system: nothing is wrong
// with the one that happened to be sent.
func TestSenderIsNotTaken(t *testing.T) {
	p := start(t)
	r := p.open(t, "from: Fremdes Amt <fremd@soest.example>").Deliver(t.Context(), letter(1, false))
	want(t, r, connectors.Retry, "smtp-553")
	if !r.Fault {
		t.Error("is no fault")
	}
	want(t, p.open(t, "bounces: fremd@soest.example").Deliver(t.Context(), letter(1, false)), connectors.Retry, "smtp-553")
	want(t, p.open(t).Deliver(t.Context(), letter(1, false)), connectors.Delivered, "smtp-250")
}

func TestAttachmentsByMail(t *testing.T) {
	p := start(t)
	k := p.open(t, "attachments: send\nmax-size: 2000")
	m := letter(1, false)
	connectortest.Attach(m, "Impfpass\r\nX-Evil: 1 \"Zoë\".pdf", "application/pdf\r\nX-Evil: 1", []byte("%PDF"))
	want(t, k.Deliver(t.Context(), m), connectors.Delivered, "smtp-250")
	got, err := p.Received(t.Context(), "mail", 0)
	if err != nil || len(got) != 1 || len(got[0].Attachments) != 1 || strings.Contains(got[0].Text, "\nX-Evil") {
		t.Fatalf("%v %+v", err, got)
	}
	connectortest.Attach(m, "gross.pdf", "application/pdf", make([]byte, 2000))
	want(t, k.Deliver(t.Context(), m), connectors.Refused, "mail-too-large")
	// A sound file behind a damaged one must not hide it.
	m = letter(2, false)
	connectortest.AttachDamaged(m, 1000)
	connectortest.Attach(m, "b.pdf", "application/pdf", []byte("%PDF"))
	want(t, k.Deliver(t.Context(), m), connectors.Refused, "attachment-damaged")
	m = letter(3, false)
	connectortest.Attach(m, "kurz.pdf", "application/pdf", []byte("%PDF"))
	m.Attachments[0].Size = 3
	want(t, k.Deliver(t.Context(), m), connectors.Refused, "attachment-damaged")
}

func TestTLSAndLogin(t *testing.T) {
	p := start(t)
	t.Setenv("MAIL_WRONG", "falsch")
	deaf := talk(t, "220 x\r\n", "250-x\r\n250 AUTH PLAIN\r\n")
	for name, test := range map[string]struct{ settings, code string }{
		"authority unknown":  {"tls: {minimum: '1.3'}", "tls"},
		"no STARTTLS":        {"address: " + deaf, "no-starttls"},
		"wrong password":     {"credentials: {basic: {user: stellwerk, password: 'env:MAIL_WRONG'}}", "smtp-535"},
		"no password":        {"credentials: {}", "smtp-530"},
		"plain at TLS port":  {"address: " + p.MailTLS, "timeout"},
		"TLS at plain port":  {"security: tls", "tls"},
		"busy from the door": {"address: " + talk(t, "421 bin voll\r\n"), "smtp-421"},
		"not for us":         {"address: " + talk(t, "554 nein\r\n"), "smtp-554"},
	} {
		t.Run(name, func(t *testing.T) {
			k := p.open(t, test.settings)
			limit := 10 * time.Second
			if test.code == "timeout" {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			r := k.Deliver(ctx, letter(1, false))
			want(t, r, connectors.Retry, test.code)
			if !r.Fault || strings.Contains(fmt.Sprint(r), "falsch") {
				t.Errorf("fault %v: %+v", r.Fault, r)
			}
			if err := k.(connectors.Prober).Probe(ctx); err == nil && name != "no password" {
				t.Error("the probe sees nothing")
			}
		})
	}
	p.env.Allow = nil
	want(t, p.open(t).Deliver(t.Context(), letter(1, false)), connectors.Retry, "address-not-allowed")
	if all, err := p.Mails(t.Context(), 0); err != nil || len(all) != 0 {
		t.Errorf("%d mails (%v)", len(all), err)
	}
}

// talk is a server that says its lines, one for each of the client's, and no more.
func talk(t *testing.T, lines ...string) string {
	return answering(t, lines, func(net.Conn) {})
}

// answering is a server that says its lines, one for each of the client's; then what it
// likes.
func answering(t *testing.T, lines []string, then func(net.Conn)) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			in := bufio.NewReader(conn)
			for _, line := range lines {
				_, _ = io.WriteString(conn, line)
				if _, err := in.ReadString('\n'); err != nil {
					break
				}
			}
			then(conn)
			_ = conn.Close()
		}
	}()
	return l.Addr().String()
}

func TestSettings(t *testing.T) {
	const base = "address: mail.example:587\nfrom: a@soest.example\n"
	for text, setting := range map[string]string{
		"from: a@soest.example":                          "address",
		"address: mail.example\nfrom: a@soest.example":   "address",
		"address: mail.example:0\nfrom: a@b":             "address",
		"address: ':25'\nfrom: a@b":                      "address",
		"address: mail.example:587":                      "from",
		base + "from: Stadt":                             "from",
		base + "from: \"a@b\\nX: y\"":                    "from",
		base + "reply-to: x":                             "reply-to",
		base + "bounces: x":                              "bounces",
		base + "security: none":                          "security",
		base + "tls: {minimum: none, reason: x}":         "tls.minimum",
		base + "tls: {minimum: '1.2'}":                   "tls.reason",
		base + "credentials: {bearer: {token: 'env:X'}}": "credentials",
		base + "credentials: {basic: {user: x}}":         "credentials.basic",
		base + "attachments: ask":                        "attachments",
		base + "max-size: 1":                             "max-size",
		base + "hello: \"a\\nb\"":                        "hello",
		base + "subject: x":                              "",
	} {
		texts := strings.Split(text, "\n")
		_, err := mail.Kind().Configure(connectortest.Settings(texts...))
		var s *connectors.SettingError
		if err == nil || setting != "" && (!errors.As(err, &s) || s.Setting != setting) {
			t.Errorf("%s: %v", text, err)
		}
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "x.pem"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{"tls: {ca: x.pem}", "credentials: {basic: {user: x, password: 'file:none'}}"} {
		c, err := mail.Kind().Configure(connectortest.Settings(base, broken))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Open(connectors.Environment{System: "mail", Dir: dir}); err == nil {
			t.Errorf("%s opens", broken)
		}
	}
}

// What the shipped mappings are expected to write can be sent.
func TestShippedMailsAreSent(t *testing.T) {
	files, err := filepath.Glob("../../mappings/*/examples/*-mail.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shipped mails (%v)", err)
	}
	p := start(t)
	k := p.open(t)
	for i, file := range files {
		m := letter(i, false)
		if m.Body, err = os.ReadFile(file); err != nil {
			t.Fatal(err)
		}
		if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Delivered {
			t.Errorf("%s: %s %s %s", file, r.Outcome, r.Code, r.Detail)
		}
	}
}

func TestTakes(t *testing.T) {
	cfg, err := mail.Kind().Configure(connectortest.Settings("address: mail.example:587", "from: a@soest.example"))
	if err != nil {
		t.Fatal(err)
	}
	choosy, ok := cfg.(connectors.Choosy)
	if !ok {
		t.Fatal("a mail takes anything")
	}
	for _, c := range []struct {
		format string
		fields []string
		want   bool
	}{
		{"json", []string{"text", "to", "subject"}, true}, {"csv", []string{"to", "subject", "text"}, false},
		{"json", []string{"to", "subject"}, false}, {"json", []string{"to", "subject", "text", "halter"}, false}, {"json", nil, false},
	} {
		if err := choosy.Takes(c.format, c.fields); (err == nil) != c.want {
			t.Errorf("%s %v: %v", c.format, c.fields, err)
		}
	}
}
