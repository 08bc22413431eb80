package xbezahldienste

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/wire"
)

// word is a text that may come as a number, or as null.
type word string

func (w *word) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(w))
	}
	if !bytes.Equal(b, []byte("null")) && b[0] != '{' && b[0] != '[' {
		*w = word(b)
	}
	return nil
}

// transaction is what a provider answers. Every field may be missing, and what is
// not listed is passed over.
type transaction struct {
	Information struct {
		RedirectURL  word `json:"transactionRedirectUrl"`
		ID           word `json:"transactionId"`
		Reference    word `json:"transactionReference"`
		Timestamp    word `json:"transactionTimestamp"`
		Method       word `json:"paymentMethod"`
		MethodDetail word `json:"paymentMethodDetail"`
		Status       word `json:"status"`
	} `json:"paymentInformation"`
	Request struct {
		ID        word `json:"requestId"`
		Timestamp word `json:"requestTimestamp"`
		Amount    word `json:"grosAmount"`
	} `json:"paymentRequest"`
}

// problem is a refusal; some providers name the transaction that is there already.
type problem struct {
	FunctionalCode word `json:"functionalCode"`
	TransactionID  word `json:"transactionId"`
	Information    struct {
		ID word `json:"transactionId"`
	} `json:"paymentInformation"`
}

// plainBody is an answer without the byte order mark that some providers begin with.
func plainBody(a *wire.Answer) []byte { return bytes.TrimPrefix(a.Body, []byte("\ufeff")) }

// read gives a transaction whose id is fit for an address.
func read(a *wire.Answer) (*transaction, bool) {
	var t transaction
	if json.Unmarshal(plainBody(a), &t) != nil || !idForm.MatchString(string(t.Information.ID)) {
		return nil, false
	}
	return &t, true
}

// belongs reports whether the transaction is the one of this request, as far as the
// provider repeats it, and the word for what is wrong.
func (t *transaction) belongs(m *connectors.Message, total int64) (string, bool) {
	if id := string(t.Request.ID); id != "" && !strings.EqualFold(id, m.ID) {
		return "other-request", false
	}
	if t.Request.Amount != "" {
		if got, ok := cents(plain(string(t.Request.Amount))); !ok || got != total {
			return "amount-differs", false
		}
	}
	return "", true
}

// judge says what a transaction means for its delivery.
func (c *Connector) judge(a *wire.Answer, t *transaction, m *connectors.Message, total int64) connectors.Receipt {
	info := &t.Information
	r := connectors.Receipt{Token: string(info.ID)}
	unclear := func(code string) connectors.Receipt {
		r.Outcome, r.Code, r.Person, r.Detail = connectors.Unknown, code, true, "HTTP 200: "+wire.Excerpt(a.Body)
		return r
	}
	if code, ok := t.belongs(m, total); !ok {
		return unclear(code)
	}
	switch info.Status {
	case "INITIAL":
		began, ok := t.began()
		if !ok { // the provider does not say: since it was seen first
			if _, began = splitToken(m.Token); began.IsZero() {
				began = c.Now()
			}
			r.Token += tokenSince + strconv.FormatInt(began.Unix(), 10)
		}
		if c.Now().Sub(began) >= c.lapse {
			r.Outcome, r.Code = connectors.Cancelled, "payment-lapsed"
			return r
		}
		r.Outcome, r.Code = connectors.Awaiting, "payment-open"
		r.Answer = map[string]string{"transaction-id": string(info.ID)}
		if link := string(info.RedirectURL); checkRedirect(link) == nil && link != "" {
			r.Answer["payment-url"] = link
		} else {
			r.Code = "payment-url-missing"
		}
	case "PAYED":
		r.Outcome, r.Code = connectors.Delivered, "payed"
		r.Answer = t.paid(total)
	case "CANCELED":
		r.Outcome, r.Code = connectors.Cancelled, "payment-cancelled"
	case "FAILED":
		r.Outcome, r.Code, r.Detail = connectors.Refused, "payment-failed", "HTTP 200: "+wire.Excerpt(a.Body)
	default:
		return unclear("payment-status-unknown")
	}
	return r
}

// paid is what is told of a payment.
func (t *transaction) paid(total int64) map[string]string {
	info := &t.Information
	answer := map[string]string{"transaction-id": string(info.ID), "amount": amount(total)}
	for name, v := range map[string]word{"kassenzeichen": info.Reference, "payment-method": info.Method, "payment-method-detail": info.MethodDetail} {
		if wire.Tellable(name, string(v)) {
			answer[name] = string(v)
		}
	}
	if at, ok := parseTime(string(info.Timestamp)); ok {
		answer["paid-at"] = at.In(germany()).Format(time.RFC3339) // its day is what is booked
	}
	return answer
}

// began is when the transaction was asked for.
func (t *transaction) began() (time.Time, bool) {
	for _, text := range []word{t.Information.Timestamp, t.Request.Timestamp} {
		if at, ok := parseTime(string(text)); ok {
			return at, true
		}
	}
	return time.Time{}, false
}

// tokenSince stands between a transaction's id and the Unix seconds since when it is
// known, where the provider gives no time of its own. No id holds it.
const tokenSince = "@"

// splitToken gives the id, and the time where the token has one.
func splitToken(token string) (id string, since time.Time) {
	id, at, ok := strings.Cut(token, tokenSince)
	if n, err := strconv.ParseInt(at, 10, 64); ok && err == nil {
		since = time.Unix(n, 0)
	}
	return id, since
}

// parseTime reads a date-time. Some providers leave the zone out and mean Germany's.
func parseTime(text string) (time.Time, bool) {
	if at, err := time.Parse(time.RFC3339, text); err == nil {
		return at, true
	}
	at, err := time.ParseInLocation("2006-01-02T15:04:05.999999999", text, germany())
	return at, err == nil
}

func germany() *time.Location {
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		zone = time.FixedZone("CET", 3600)
	}
	return zone
}

// transactionID is what a problem says of the transaction that exists.
func (p *problem) transactionID() string {
	for _, id := range []word{p.TransactionID, p.Information.ID} {
		if idForm.MatchString(string(id)) {
			return string(id)
		}
	}
	return ""
}

func readProblem(a *wire.Answer) (p problem) {
	_ = json.Unmarshal(plainBody(a), &p) // no problem document: judged by its status
	return p
}

// refusal says what a problem means. Addresses and rights are the hub's settings,
// not the document's fault.
func (c *Connector) refusal(a *wire.Answer, p *problem) connectors.Receipt {
	r := c.Client.Judge(a, true)
	switch code := string(p.FunctionalCode); code {
	case "CALCULATION_ERROR", "BOOKING_DATA_MISSING", "VALIDATION_ERROR":
		if a.Status < 500 {
			r.Outcome, r.Code, r.Fault, r.RetryAfter = connectors.Refused, code, false, 0
		}
	case "NO_VALID_ORIGINATOR_OR_ENDPOINT", "NO_VALID_ORIGINATOR_OR_DESTINATION", "FORBIDDEN":
		if a.Status < 500 {
			r.Outcome, r.Code, r.Fault = connectors.Retry, code, true
		}
	}
	return r
}
