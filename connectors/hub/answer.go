package hub

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// idForm is what the other hub's ids look like: UUIDs.
var idForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// accepted reads the receipt.
func (c *Connector) accepted(a *wire.Answer) connectors.Receipt {
	var got struct {
		ID     string `json:"id"`
		Number string `json:"number"`
	}
	if json.Unmarshal(a.Body, &got) != nil || !idForm.MatchString(got.ID) {
		r := connectors.Receipt{Outcome: connectors.Unknown, Code: "answer-unreadable"}
		c.Explain(&r, a)
		return r
	}
	out := map[string]string{}
	take(out, "remote-id", got.ID)
	take(out, "remote-number", got.Number)
	return connectors.Receipt{Outcome: connectors.Awaiting, Code: wire.HTTPCode(a.Status), Token: got.ID, Answer: out}
}

// refusal reads the problem: its code, and what the other hub says of repeating.
func (c *Connector) refusal(a *wire.Answer) connectors.Receipt {
	p := readProblem(a)
	r := c.Judge(a, true)
	if code := wire.CleanCode(p.Code); code != "" {
		r.Code = code
	}
	below := a.Status >= 400 && a.Status < 500
	switch {
	case a.Status == http.StatusConflict, p.Repeat == "later" && a.Status >= 400, p.Repeat == "same-key" && below:
		r.Outcome = connectors.Retry
	}
	c.Explain(&r, a)
	if text := p.text(); text != "" {
		r.Detail = fmt.Sprintf("HTTP %d: %s", a.Status, text)
	}
	return r
}

// problem is what the other hub complains about (RFC 9457), as far as it is read.
type problem struct {
	Code   string    `json:"code"`
	Repeat string    `json:"repeat"`
	Title  string    `json:"title"`
	Errors []finding `json:"errors"`
	More   bool      `json:"more"`
}

func readProblem(a *wire.Answer) (p problem) {
	_ = json.Unmarshal(a.Body, &p) // no problem document: judged by its status
	return p
}

type finding struct {
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Pointer string `json:"pointer"`
	Path    string `json:"path"`
	Header  string `json:"header"`
	Part    string `json:"part"`
	Detail  string `json:"detail"`
}

// Bounds of what is taken over of a problem.
const (
	mostFindings   = 50
	longestFinding = 500
)

// text is the problem for operators, a line for each finding: where, and what.
func (p *problem) text() string {
	if p.Title == "" {
		return ""
	}
	lines := []string{clip(p.Title)}
	for i := range p.Errors {
		if i == mostFindings {
			p.More = true
			break
		}
		f := &p.Errors[i]
		at := strings.Join(slices.DeleteFunc([]string{f.Part, f.Header, f.Pointer, f.Path}, func(s string) bool { return s == "" }), " ")
		if f.Line > 0 {
			at = strings.TrimSpace(fmt.Sprintf("%s (line %d, column %d)", at, f.Line, f.Column))
		}
		if at != "" {
			at += ": "
		}
		lines = append(lines, clip(at+f.Detail))
	}
	if p.More {
		lines = append(lines, "and more")
	}
	return strings.Join(lines, "\n")
}

func clip(s string) string {
	if len(s) > longestFinding {
		return strings.ToValidUTF8(s[:longestFinding], "") + "…"
	}
	return s
}

// remote is a submission's status over there.
type remote struct {
	ID     string `json:"id"`
	Number string `json:"number"`
	State  string `json:"state"`
	Status string `json:"status"` // INITIATED … COMPLETED, REJECTED, CANCELLED
	Action struct {
		Do string `json:"do"` // pay: the citizen must pay; refund: the authority gives the fee back
	} `json:"action"`
	Answers map[string]string `json:"answers"`
}

// underWay are the words of a submission that is not final.
var underWay = map[string]bool{"INITIATED": true, "SUBMITTED": true, "RECEIVED": true, "PROCESSING": true, "ACTION_REQUIRED": true}

// status says what a submission's status means for its delivery.
func (c *Connector) status(a *wire.Answer, token string) connectors.Receipt {
	var s remote
	if json.Unmarshal(a.Body, &s) != nil || s.State == "" && s.Status == "" {
		r := connectors.Receipt{Outcome: connectors.Unknown, Code: "answer-unreadable"}
		c.Explain(&r, a)
		return wire.StillAwaiting(r, token)
	}
	r := connectors.Receipt{Token: token, Answer: s.answers(token)}
	switch {
	case s.State == "erased": // it has ended, and nobody can say how any more
		r.Code, r.Person = "remote-erased", true
	case s.Status == "REJECTED", s.State == "rejected":
		r.Outcome, r.Code = connectors.Cancelled, "remote-rejected" // what is to be done about it is done over there
	case s.Status == "CANCELLED" && s.Action.Do == "refund": // over there, too
		r.Outcome, r.Code = connectors.Cancelled, "remote-refund"
	case s.Status == "CANCELLED", s.State == "cancelled":
		r.Outcome, r.Code = connectors.Cancelled, "remote-cancelled"
	case s.Status == "COMPLETED", s.Status == "" && s.State == "settled":
		r.Outcome, r.Code = connectors.Delivered, "completed"
	case s.Status == "ACTION_REQUIRED" && s.Action.Do == "pay":
		r.Outcome, r.Code = connectors.Awaiting, "payment-open"
	case s.Status == "ACTION_REQUIRED":
		r.Outcome, r.Code = connectors.Awaiting, "action-required"
	case s.Status == "" || underWay[s.Status]:
		r.Outcome, r.Code = connectors.Awaiting, "processing"
	default:
		r.Code, r.Person, r.Detail = "status-unknown", true, "HTTP 200: "+wire.Excerpt(a.Body)
	}
	return r
}

// mostAnswers bounds what is taken over from another hub.
const mostAnswers = 64

var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{0,63}$`)

// answers are those of the other hub, and where it has them.
func (s *remote) answers(token string) map[string]string {
	out := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(s.Answers)) {
		if nameForm.MatchString(name) && len(out) < mostAnswers {
			take(out, name, s.Answers[name])
		}
	}
	take(out, "remote-id", token)
	take(out, "remote-number", s.Number)
	take(out, "remote-status", s.Status)
	return out
}

func take(out map[string]string, name, v string) {
	if wire.Tellable(name, v) {
		out[name] = v
	}
}
