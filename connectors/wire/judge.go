package wire

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stellwerk/connectors"
)

// ByStatus is what a status other than 2xx means that a kind has no rule for; a
// 2xx is unknown here.
func ByStatus(status int) connectors.Outcome {
	switch {
	case status == 401, status == 403, status == 407, status == 408, status == 421, status == 425, status == 429, status == 503, status == 307, status == 308:
		return connectors.Retry
	case status >= 400 && status < 500:
		return connectors.Refused
	}
	return connectors.Unknown
}

// Judge gives the receipt of an answer that a kind has no rule for. At an address that
// is fixed, the same for every message, 404 and 405 are not about this one, unless the
// partner's own program says so.
func (c *Client) Judge(a *Answer, fixed bool) connectors.Receipt {
	r := connectors.Receipt{Outcome: ByStatus(a.Status), Code: HTTPCode(a.Status)}
	if fixed && (a.Status == http.StatusNotFound || a.Status == http.StatusMethodNotAllowed) && !a.Data() {
		r.Outcome = connectors.Retry
	}
	if a.Status == http.StatusBadRequest && !a.Data() && speaksOfTLS(a.Body) {
		r.Outcome, r.Code = connectors.Retry, "tls"
	}
	c.Explain(&r, a)
	return r
}

// Page reports whether the body is an HTML page, as a proxy or a login has it and no
// interface.
func (a *Answer) Page() bool {
	head := bytes.ToLower(start(a.Body, len("<!doctype html")))
	return bytes.HasPrefix(head, []byte("<html")) || bytes.HasPrefix(head, []byte("<!doctype html"))
}

// Data reports whether the body is what a partner's own program writes: JSON or XML.
// Of a proxy before it comes a page, a line of text or nothing.
func (a *Answer) Data() bool {
	first := start(a.Body, 1)
	return len(first) > 0 && bytes.IndexByte([]byte("{[<"), first[0]) >= 0 && !a.Page()
}

// start is the first bytes of a body behind its byte order mark and blanks.
func start(body []byte, n int) []byte {
	body = bytes.TrimLeft(body, "\ufeff \t\r\n")
	return body[:min(n, len(body))]
}

// Explain adds what operators and the schedule need to know of an answer that
// was no success.
func (c *Client) Explain(r *connectors.Receipt, a *Answer) {
	r.Detail = fmt.Sprintf("HTTP %d: %s", a.Status, Excerpt(a.Body))
	r.Fault = r.Outcome == connectors.Retry || r.Outcome == connectors.Unknown
	if r.Outcome == connectors.Retry || r.Outcome == connectors.Awaiting {
		r.RetryAfter = retryAfter(a.Header.Get("Retry-After"), c.now())
	}
}

// StillAwaiting turns a receipt of a call of Ask that brought no answer into what
// is known nevertheless: the message was taken before, and is asked for again by
// its token. What the failure says of the system's health stays.
func StillAwaiting(r connectors.Receipt, token string) connectors.Receipt {
	if token != "" && (r.Outcome == connectors.Unknown || r.Outcome == connectors.Retry) {
		r.Outcome, r.Token = connectors.Awaiting, token
	}
	return r
}

// retryAfter reads seconds or a date (RFC 9110, 10.2.3); what is neither, past
// or longer than a week counts as no wish.
func retryAfter(v string, now time.Time) time.Duration {
	if v == "" {
		return 0
	}
	var d time.Duration
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		d = time.Duration(s) * time.Second
	} else if at, err := http.ParseTime(v); err == nil {
		d = at.Sub(now)
	}
	if d < 0 || d > 7*24*time.Hour {
		return 0
	}
	return d
}

// excerptLength is how much of an answer an operator is shown.
const excerptLength = 2000

// Excerpt is the beginning of an answer as readable text.
func Excerpt(body []byte) string {
	cut := body
	if len(cut) > excerptLength {
		cut = cut[:excerptLength]
		for len(cut) > 0 && !utf8.RuneStart(body[len(cut)]) {
			cut = cut[:len(cut)-1]
		}
	}
	text := strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(string(cut), "\ufffd"))
	if text == "" {
		return "(no text)"
	}
	return text
}

// HTTPCode is the stable word for a status.
func HTTPCode(status int) string { return "http-" + strconv.Itoa(status) }

// CleanCode gives a partner's code where it is a word for machines, else nothing:
// a sentence could name a person, and many digits, in a row or in groups, are somebody's
// number: an account, a chip, a telephone.
func CleanCode(code string) string {
	if len(code) == 0 || len(code) > 40 || code[0] == '-' || code[0] == '.' || code[0] == '_' {
		return ""
	}
	const row, most = 9, 15 // a chip has 15, an account more
	inRow, digits := 0, 0
	for _, r := range code {
		if inRow++; r < '0' || r > '9' {
			inRow = 0
		} else {
			digits++
		}
		if inRow >= row || digits >= most || !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_') {
			return ""
		}
	}
	return code
}
