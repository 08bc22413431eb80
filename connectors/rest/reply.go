package rest

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"stellwerk/connectors"
)

// check complains about a rule that could never mean what it says.
func (r *reply) check(place string) error {
	switch {
	case !r.Outcome.given:
		return &connectors.SettingError{Setting: place + ".outcome", Message: "says nothing; write delivered, retry, refused, unknown or awaiting"}
	case (r.Equals != nil || r.Matches != nil) && !r.At.given():
		return &connectors.SettingError{Setting: place + ".at", Message: "is missing: equals and matches compare the text at a place"}
	case r.Equals != nil && r.Matches != nil:
		return &connectors.SettingError{Setting: place + ".matches", Message: "cannot stand beside equals"}
	case r.Outcome.Outcome == connectors.Awaiting && !r.Token.given():
		return &connectors.SettingError{Setting: place + ".token", Message: "is missing: what is awaited has to be asked for by a token"}
	case r.Code != "" && cleanCode(r.Code) == "":
		return &connectors.SettingError{Setting: place + ".code", Message: "is no word of letters, digits, point and hyphen"}
	}
	return nil
}

func (r *reply) fits(a *answer) bool {
	if !r.Status.has(a.status) {
		return false
	}
	if !r.At.given() {
		return true
	}
	v, ok := a.text(&r.At)
	switch {
	case !ok:
		return false
	case r.Equals != nil:
		return v == *r.Equals
	case r.Matches != nil:
		return r.Matches.MatchString(v)
	}
	return true
}

// verdict is a receipt and what later steps may use.
type verdict struct {
	connectors.Receipt
	kept map[string]string
}

// judge says what an answer means.
func (q *compiled) judge(a *answer, now time.Time) verdict {
	for _, rules := range [][]reply{q.replies, q.shared} {
		for i := range rules {
			if rules[i].fits(a) {
				return rules[i].verdict(a, now)
			}
		}
	}
	v := verdict{Receipt: connectors.Receipt{Code: httpCode(a.status)}}
	switch s := a.status; {
	case s >= 200 && s < 300 && q.anySuccess:
		v.Outcome = connectors.Delivered
		return v
	case s == 401, s == 403, s == 407, s == 408, s == 425, s == 429, s == 503, s == 307, s == 308:
		v.Outcome = connectors.Retry
	case s >= 400 && s < 500:
		v.Outcome = connectors.Refused
	}
	v.explain(a, now)
	return v
}

// verdict applies a rule that fits.
func (r *reply) verdict(a *answer, now time.Time) verdict {
	v := verdict{Receipt: connectors.Receipt{Outcome: r.Outcome.Outcome, Code: r.Code}}
	if r.CodeAt.given() {
		if own, ok := a.text(&r.CodeAt); ok && cleanCode(own) != "" {
			v.Code = own
		}
	}
	if v.Code == "" {
		v.Code = httpCode(a.status)
	}
	v.Answer = pick(a, r.Answer)
	v.kept = pick(a, r.Keep)
	if r.Token.given() {
		v.Token, _ = r.Token.from(a)
	}
	if v.Outcome == connectors.Awaiting && v.Token == "" {
		v.Outcome, v.Code = connectors.Unknown, "answer-without-token"
	}
	if v.Outcome != connectors.Delivered {
		v.explain(a, now)
	}
	return v
}

func pick(a *answer, wanted map[string]extract) map[string]string {
	var found map[string]string
	for name, e := range wanted {
		if v, ok := e.from(a); ok && v != "" {
			if found == nil {
				found = make(map[string]string, len(wanted))
			}
			found[name] = v
		}
	}
	return found
}

// explain adds what operators and the schedule need to know of an answer that
// was no success.
func (v *verdict) explain(a *answer, now time.Time) {
	v.Detail = fmt.Sprintf("HTTP %d: %s", a.status, excerpt(a.body))
	v.Fault = v.Outcome == connectors.Retry || v.Outcome == connectors.Unknown
	if v.Outcome == connectors.Retry || v.Outcome == connectors.Awaiting {
		v.RetryAfter = retryAfter(a.header.Get("Retry-After"), now)
	}
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

func excerpt(body []byte) string {
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

func httpCode(status int) string { return "http-" + strconv.Itoa(status) }

// cleanCode gives a partner's code where it is a word for machines, else nothing:
// a sentence could name a person.
func cleanCode(code string) string {
	if len(code) == 0 || len(code) > 40 || code[0] == '-' || code[0] == '.' || code[0] == '_' {
		return ""
	}
	for _, r := range code {
		if !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '.' || r == '_') {
			return ""
		}
	}
	return code
}
