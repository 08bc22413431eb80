package mail_test

import (
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

// flood is a server that, once it has said its lines, goes on with one reply for ever;
// given counts what was taken of it.
func flood(t *testing.T, given *atomic.Int64, lines []string, more string) string {
	return answering(t, lines, func(conn net.Conn) {
		for given.Load() < 64<<20 {
			n, err := io.WriteString(conn, more)
			if given.Add(int64(n)); err != nil {
				return
			}
		}
	})
}

func TestServerThatNeverEndsItsReply(t *testing.T) {
	p := start(t)
	for name, server := range map[string]struct {
		lines []string
		more  string
	}{
		"greeting of lines":   {nil, strings.Repeat("220-"+strings.Repeat("x", 60)+"\r\n", 1000)},
		"one line":            {nil, "220 " + strings.Repeat("x", 64<<10)},
		"list of what it can": {[]string{"220 x\r\n"}, strings.Repeat("250-X"+strings.Repeat("x", 60)+"\r\n", 1000)},
	} {
		t.Run(name, func(t *testing.T) {
			var given atomic.Int64
			r := p.open(t, "address: "+flood(t, &given, server.lines, server.more)).Deliver(t.Context(), letter(1, false))
			want(t, r, connectors.Retry, "answer-too-large")
			if n := given.Load(); n > 16<<20 || !r.Fault { // what the lines between them hold counts, too
				t.Errorf("%d bytes were taken; fault %v", n, r.Fault)
			}
			if len(r.Detail) > 10_000 {
				t.Errorf("a detail of %d bytes", len(r.Detail))
			}
		})
	}
}

func TestAttachmentTypesAreNoMoreThanTypes(t *testing.T) {
	p := start(t)
	k := p.open(t, "attachments: send")
	for given, kind := range map[string]string{
		`application/pdf; name="rechnung.exe"`: "application/pdf",
		`Text/Plain; charset="UTF-8"; x=y`:     "text/plain",
		`image/png; charset="ä"`:               "image/png",
		"message/rfc822":                       "application/octet-stream", // a reader would show it as a mail of its own
		"multipart/mixed; boundary=b":          "application/octet-stream",
		"kein Typ":                             "application/octet-stream",
	} {
		m := letter(1, false)
		connectortest.Attach(m, "Impfpass.pdf", given, []byte("--b\r\n\r\nx\r\n--b--\r\n"))
		want(t, k.Deliver(t.Context(), m), connectors.Delivered, "smtp-250")
		all, err := p.Mails(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		if files := all[0].Attachments; len(files) != 1 || files[0].Name != "Impfpass.pdf" || files[0].ContentType != kind || files[0].Size != 17 {
			t.Errorf("%s: %+v", given, files)
		}
		if err := p.Forget(t.Context(), "mail"); err != nil {
			t.Fatal(err)
		}
	}
}
