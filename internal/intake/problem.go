package intake

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// typePrefix makes a problem's type URI from its code. It never changes with the
// address of a hub; GET /v1/problems/{code} describes it.
const typePrefix = "urn:stellwerk:problem:"

// Finding is one complaint about what was submitted: where, by which rule, and a
// sentence for people. It never repeats a value.
type Finding struct {
	Line    int    `json:"line,omitempty"`
	Column  int    `json:"column,omitempty"`
	Pointer string `json:"pointer,omitempty"` // RFC 6901, into JSON
	Path    string `json:"path,omitempty"`    // element path, into XML
	Header  string `json:"header,omitempty"`  // the header that is meant
	Part    string `json:"part,omitempty"`    // of a multipart request, such as attachment-2
	Rule    string `json:"rule"`
	Detail  string `json:"detail"`

	Parameter string `json:"parameter,omitempty"` // behind the address's question mark
}

// refusal is a problem on its way out.
type refusal struct {
	*entry
	args       []any // for the verbs in Detail
	say        text  // a complaint put in for %s, in the answer's language
	findings   []Finding
	more       bool // there are more findings than are listed
	retryAfter time.Duration
	allow      string // for 405
	unread     bool   // the body was not read to its end: the connection is closed
	cause      error  // for the log, never for the answer
}

// refuse makes a problem. A code outside the catalogue is a programming error
// and comes out as internal.
func refuse(code Code, args ...any) *refusal {
	e, ok := find(code)
	if !ok {
		e, _ = find(CodeInternal)
		return &refusal{entry: e, cause: fmt.Errorf("no problem %q in the catalogue", code)}
	}
	return &refusal{entry: e, args: args}
}

func (p *refusal) because(err error) *refusal         { p.cause = err; return p }
func (p *refusal) with(f ...Finding) *refusal         { p.findings = append(p.findings, f...); return p }
func (p *refusal) again(after time.Duration) *refusal { p.retryAfter = after; return p }
func (p *refusal) leavingBody() *refusal              { p.unread = true; return p }
func (p *refusal) saying(complaint text) *refusal     { p.say = complaint; return p }

func (p *refusal) detail(l lang) string {
	format := p.Detail.in(l)
	if p.say != (text{}) {
		return fmt.Sprintf(format, p.say.in(l))
	}
	if len(p.args) == 0 {
		return format
	}
	return fmt.Sprintf(format, p.args...)
}

// problemBody is RFC 9457 with our members behind it.
type problemBody struct {
	Type     string    `json:"type"`
	Title    string    `json:"title"`
	Status   int       `json:"status"`
	Detail   string    `json:"detail"`
	Instance string    `json:"instance,omitempty"`
	Code     Code      `json:"code"`
	Repeat   string    `json:"repeat"`
	Errors   []Finding `json:"errors,omitempty"`
	More     bool      `json:"more,omitempty"`
}

// body is the problem as it is written.
func (p *refusal) body(c *call) []byte {
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	err := e.Encode(problemBody{
		Type: typePrefix + string(p.Code), Title: p.Title.in(c.lang), Status: p.Status, Detail: p.detail(c.lang),
		Instance: "urn:uuid:" + c.id.String(), Code: p.Code, Repeat: p.Repeat, Errors: p.findings, More: p.more,
	})
	if err != nil { // strings and numbers only
		panic(err)
	}
	return out.Bytes()
}

// write answers with the problem.
func (p *refusal) write(c *call) {
	body := p.body(c)
	h := c.w.Header()
	h.Set("Content-Type", "application/problem+json")
	h.Set("Content-Language", c.lang.String())
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if p.retryAfter > 0 {
		h.Set("Retry-After", strconv.Itoa(max(1, int((p.retryAfter+time.Second-1)/time.Second))))
	}
	if p.Status == http.StatusUnauthorized {
		h.Set("WWW-Authenticate", `Bearer realm="stellwerk"`)
	}
	if p.allow != "" {
		h.Set("Allow", p.allow)
	}
	if p.unread && c.r.ProtoMajor == 1 && c.r.ContentLength != 0 {
		h.Set("Connection", "close") // or net/http would read on before it answers
	}
	c.w.WriteHeader(p.Status)
	_, _ = c.w.Write(body) // whoever hung up gets nothing
}

// bytesText writes a limit the way people say it.
func bytesText(n int64) string {
	for _, u := range []struct {
		size int64
		name string
	}{{1 << 30, "GiB"}, {1e9, "GB"}, {1 << 20, "MiB"}, {1e6, "MB"}, {1 << 10, "KiB"}, {1e3, "KB"}} {
		if n >= u.size && n%u.size == 0 {
			return strconv.FormatInt(n/u.size, 10) + " " + u.name
		}
	}
	return strconv.FormatInt(n, 10) + " Byte"
}
