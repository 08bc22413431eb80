package xbezahldienste_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/xbezahldienste"
	"stellwerk/internal/sim"
)

func want(t *testing.T, r connectors.Receipt, outcome connectors.Outcome, code string) {
	t.Helper()
	if r.Outcome != outcome || r.Code != code {
		t.Fatalf("got %s %s (%s), want %s %s", r.Outcome, r.Code, r.Detail, outcome, code)
	}
}

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time       { c.mu.Lock(); defer c.mu.Unlock(); return c.at }
func (c *clock) pass(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.at = c.at.Add(d) }
func (p *provider) the(t *testing.T, m *connectors.Message) sim.Transaction {
	t.Helper()
	all, err := p.Transactions(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range all {
		if one.RequestID == m.ID {
			return one
		}
	}
	t.Fatalf("there is no transaction of %s", m.ID)
	return sim.Transaction{}
}

// What a citizen does, and what the hub hears of it.
func TestPaymentsEnd(t *testing.T) {
	germany, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	for product := range systems {
		c := &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
		p := start(t, product, c.now)
		k := p.open(t)
		for i, test := range []struct {
			what    string
			outcome connectors.Outcome
			code    string
		}{
			{"pay", connectors.Delivered, "payed"},
			{"cancel", connectors.Cancelled, "payment-cancelled"},
			{"fail", connectors.Refused, "payment-failed"},
			{"lapse", connectors.Cancelled, "payment-lapsed"},
		} {
			m := request(i)
			r := k.Deliver(t.Context(), m)
			want(t, r, connectors.Awaiting, "payment-open")
			tx := p.the(t, m)
			if r.Token != tx.ID || r.Answer["transaction-id"] != tx.ID || r.Answer["payment-url"] != tx.URL {
				t.Errorf("%s: token %q, answer %v for %+v", product, r.Token, r.Answer, tx)
			}
			m.Token = r.Token
			want(t, k.Ask(t.Context(), m), connectors.Awaiting, "payment-open")
			c.pass(time.Hour)
			if err := p.Pay(t.Context(), tx.ID, test.what); err != nil {
				t.Fatal(err)
			}
			r = k.Ask(t.Context(), m)
			want(t, r, test.outcome, test.code)
			connectortest.Answers(t, p.config, r)
			if r.Fault {
				t.Errorf("%s: what a citizen does speaks against the provider", test.what)
			}
			if _, ok := r.Answer["payment-url"]; ok {
				t.Errorf("%s %s: a link where there is nothing to pay", product, test.what)
			}
			if test.what == "pay" {
				for name, v := range map[string]string{"kassenzeichen": "8.0000001.8", "payment-method": "CREDITCARD", "amount": "39.50", "paid-at": c.now().In(germany).Format(time.RFC3339), "transaction-id": tx.ID} {
					if r.Answer[name] != v {
						t.Errorf("%s: %s is %q, want %q", product, name, r.Answer[name], v)
					}
				}
			}
		}
	}
}

// An open transaction lapses by the hub's clock, to the minute.
func TestLapse(t *testing.T) {
	c := &clock{at: time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)}
	k := start(t, "epay21", c.now, "lapse: 48h").open(t)
	m := request(1)
	m.Token = k.Deliver(t.Context(), m).Token
	c.pass(48*time.Hour - time.Minute)
	want(t, k.Ask(t.Context(), m), connectors.Awaiting, "payment-open")
	c.pass(time.Minute)
	want(t, k.Ask(t.Context(), m), connectors.Cancelled, "payment-lapsed")
}

// What is known is not forgotten while the provider cannot be asked.
func TestProviderGoneWhileAwaiting(t *testing.T) {
	p := start(t, "pmpayment", nil)
	k := p.open(t)
	m := request(1)
	m.Token = k.Deliver(t.Context(), m).Token
	for _, f := range []sim.Faults{{Down: true}, {Status: 503}, {Status: 500}, {Status: 403}, {Status: 400}} {
		if err := p.Suffer(t.Context(), "payment", f); err != nil {
			t.Fatal(err)
		}
		r := k.Ask(t.Context(), m)
		if r.Outcome != connectors.Awaiting || r.Token != m.Token || !r.Fault {
			t.Errorf("%+v: %s %s, token %q, fault %v", f, r.Outcome, r.Code, r.Token, r.Fault)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r := k.Ask(ctx, m); r.Outcome != connectors.Awaiting || r.Fault {
		t.Errorf("cancelled: %s %s, fault %v", r.Outcome, r.Code, r.Fault)
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if r := k.Ask(t.Context(), m); r.Outcome != connectors.Awaiting || r.Token != m.Token {
		t.Errorf("closed: %s %s", r.Outcome, r.Code)
	}
}

// A lost answer: the repeated request finds its transaction, or says plainly that
// nobody can.
func TestPaymentExists(t *testing.T) {
	for product, code := range map[string]string{"pmpayment": "payment-open", "epaybl": "payment-open", "epay21": "payment-exists"} {
		p := start(t, product, nil)
		k := p.open(t)
		m := request(1)
		r := k.Ask(t.Context(), m)
		want(t, r, connectors.Retry, "not-found")
		if err := p.Suffer(t.Context(), "payment", sim.Faults{AnswerLost: true, Times: 1}); err != nil {
			t.Fatal(err)
		}
		want(t, k.Deliver(t.Context(), m), connectors.Unknown, "connection-broken")
		outcome := connectors.Awaiting
		if product == "epay21" {
			outcome = connectors.Unknown
		}
		r = k.Deliver(t.Context(), m)
		want(t, r, outcome, code)
		if all, err := p.Transactions(t.Context()); err != nil || len(all) != 1 {
			t.Errorf("%s has %d transactions (%v)", product, len(all), err)
		}
		if product == "epay21" { // the person who looked it up needs the request, not a name
			if !strings.Contains(r.Detail, m.ID) || r.Fault {
				t.Errorf("fault %v, detail %q", r.Fault, r.Detail)
			}
			m.Token = p.the(t, m).ID
			want(t, k.Deliver(t.Context(), m), connectors.Awaiting, "payment-open")
		}
		if err := p.Pay(t.Context(), p.the(t, m).ID, "pay"); err != nil {
			t.Fatal(err)
		}
		want(t, k.Deliver(t.Context(), m), connectors.Delivered, "payed")
	}
}

// fake answers what no sane provider does.
func fake(t *testing.T, status int, contentType, body string) (*xbezahldienste.Connector, *http.Request) {
	t.Helper()
	var last http.Request
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		last = *r
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(s.Close)
	c, err := xbezahldienste.Kind().Configure(connectortest.Settings(shared, "address: "+s.URL+"/x/"))
	if err != nil {
		t.Fatal(err)
	}
	k, err := c.Open(connectors.Environment{System: "fake", Now: func() time.Time { return time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) }, Allow: loopback})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = k.Close() })
	return k.(*xbezahldienste.Connector), &last
}

// Who pays after midnight pays on the new day, whatever zone the provider writes in.
func TestPaidOnTheDayItIsHere(t *testing.T) {
	for at, want := range map[string]string{
		"2026-12-31T23:30:00Z":          "2027-01-01T00:30:00+01:00",
		"2026-06-30T22:00:00.5Z":        "2026-07-01T00:00:00+02:00",
		"2027-01-01T00:30:00+01:00":     "2027-01-01T00:30:00+01:00",
		"2026-12-31T18:30:00.123-05:00": "2027-01-01T00:30:00+01:00",
		"2026-12-31T23:30:00":           "2026-12-31T23:30:00+01:00",
	} {
		body := fmt.Sprintf(`{"paymentInformation":{"transactionId":"T-1","status":"PAYED","transactionTimestamp":%q}}`, at)
		k, _ := fake(t, 200, "application/json", body)
		if r := k.Deliver(t.Context(), request(1)); r.Answer["paid-at"] != want {
			t.Errorf("%s is %s, want %s", at, r.Answer["paid-at"], want)
		}
	}
}

func TestReferenceWithinBounds(t *testing.T) {
	for n, told := range map[int]bool{4096: true, 4097: false} {
		k, _ := fake(t, 200, "application/json", `{"paymentInformation":{"transactionId":"T-1","status":"PAYED","transactionReference":"`+strings.Repeat("9", n)+`"}}`)
		r := k.Deliver(t.Context(), request(1))
		want(t, r, connectors.Delivered, "payed")
		if _, ok := r.Answer["kassenzeichen"]; ok != told {
			t.Errorf("a Kassenzeichen of %d digits is told: %t", n, ok)
		}
	}
}

func TestAnswers(t *testing.T) {
	const id = "0197f3a2-6c00-7000-8000-000000000001"
	info := func(status, more string) string {
		return fmt.Sprintf(`{"paymentInformation":{"transactionId":"T-1","transactionRedirectUrl":"https://pay.example/T-1","status":%q%s},"next":{"x":[1]}}`, status, more)
	}
	for name, test := range map[string]struct {
		status  int
		body    string
		outcome connectors.Outcome
		code    string
		fault   bool
	}{
		"open":                {200, info("INITIAL", ""), connectors.Awaiting, "payment-open", false},
		"no zone":             {200, info("INITIAL", `,"transactionTimestamp":"2026-02-27T09:59:00.123"`), connectors.Cancelled, "payment-lapsed", false},
		"zone":                {200, info("INITIAL", `,"transactionTimestamp":"2026-02-27T10:01:00+01:00"`), connectors.Awaiting, "payment-open", false},
		"created":             {201, info("INITIAL", ""), connectors.Awaiting, "payment-open", false},
		"paid, odd types":     {200, info("PAYED", `,"transactionReference":4711,"paymentMethod":"WERO","paymentMethodDetail":null,"statusDetail":{}`), connectors.Delivered, "payed", false},
		"spelt as in English": {200, info("PAID", ""), connectors.Unknown, "payment-status-unknown", false},
		"a newer word":        {200, info("REFUNDED", ""), connectors.Unknown, "payment-status-unknown", false},
		"script for a link":   {200, strings.Replace(info("INITIAL", ""), "https://pay.example/T-1", "javascript:alert(1)", 1), connectors.Awaiting, "payment-url-missing", false},
		"another amount":      {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"requestId":"`+id+`","grosAmount":3.95},"next"`, 1), connectors.Unknown, "amount-differs", false},
		"another request":     {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"requestId":"other"},"next"`, 1), connectors.Unknown, "other-request", false},
		"repeated as it is":   {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"requestId":"`+strings.ToUpper(id)+`","grosAmount":39.500},"next"`, 1), connectors.Delivered, "payed", false},
		"repeated by Jackson": {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"grosAmount":3.95E+1},"next"`, 1), connectors.Delivered, "payed", false},
		"a hundredth of it":   {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"grosAmount":3950e-4},"next"`, 1), connectors.Unknown, "amount-differs", false},
		"an endless amount":   {200, strings.Replace(info("PAYED", ""), `"next"`, `"paymentRequest":{"grosAmount":1e999999999},"next"`, 1), connectors.Unknown, "amount-differs", false},
		"no transaction":      {200, `{"paymentInformation":{}}`, connectors.Unknown, "answer-unreadable", true},
		"a path for an id":    {200, strings.Replace(info("INITIAL", ""), "T-1", "../../x", 1), connectors.Unknown, "answer-unreadable", true},
		"no JSON":             {200, `<html>`, connectors.Unknown, "answer-unreadable", true},
		"redirect":            {302, ``, connectors.Unknown, "http-302", true},
		"calculation":         {400, `{"functionalCode":"CALCULATION_ERROR"}`, connectors.Refused, "CALCULATION_ERROR", false},
		"booking data":        {400, `{"functionalCode":"BOOKING_DATA_MISSING"}`, connectors.Refused, "BOOKING_DATA_MISSING", false},
		"validation":          {422, `{"functionalCode":"VALIDATION_ERROR"}`, connectors.Refused, "VALIDATION_ERROR", false},
		"endpoint":            {400, `{"functionalCode":"NO_VALID_ORIGINATOR_OR_ENDPOINT"}`, connectors.Retry, "NO_VALID_ORIGINATOR_OR_ENDPOINT", true},
		"destination":         {404, `{"functionalCode":"NO_VALID_ORIGINATOR_OR_DESTINATION"}`, connectors.Retry, "NO_VALID_ORIGINATOR_OR_DESTINATION", true},
		"a proxy's":           {404, `<html>nginx`, connectors.Retry, "http-404", true},
		"a provider's":        {404, `{"functionalCode":"UNSPECIFIED"}`, connectors.Refused, "http-404", false},
		"forbidden":           {403, `{"functionalCode":"FORBIDDEN"}`, connectors.Retry, "FORBIDDEN", true},
		"unspecified":         {500, `{"functionalCode":"UNSPECIFIED"}`, connectors.Unknown, "http-500", true},
		"validation at 500":   {500, `{"functionalCode":"VALIDATION_ERROR"}`, connectors.Unknown, "http-500", true},
		"down":                {503, `{"functionalCode":"UNSPECIFIED"}`, connectors.Retry, "http-503", true},
		"a code as a number":  {400, `{"functionalCode":17}`, connectors.Refused, "http-400", false},
	} {
		t.Run(name, func(t *testing.T) {
			k, last := fake(t, test.status, "application/json", test.body)
			m := request(1)
			r := k.Deliver(t.Context(), m)
			want(t, r, test.outcome, test.code)
			if r.Fault != test.fault {
				t.Errorf("fault is %v", r.Fault)
			}
			if last.URL.Path != "/x/paymenttransaction/99107001/05974040" {
				t.Errorf("asked at %s", last.URL.Path)
			}
			if id, _, _ := strings.Cut(r.Token, "@"); test.status == 200 && r.Outcome == connectors.Awaiting && id != "T-1" {
				t.Errorf("token %q", r.Token)
			}
			m.Token = "T-0"
			if a := k.Ask(t.Context(), m); test.status != 200 && (a.Outcome != connectors.Awaiting && a.Outcome != connectors.Unknown || a.Token == "") {
				t.Errorf("asked: %s %s with token %q", a.Outcome, a.Code, a.Token)
			}
			if last.URL.Path != "/x/paymenttransaction/99107001/05974040/T-0" && last.Method == http.MethodGet {
				t.Errorf("looked at %s", last.URL.Path)
			}
		})
	}
}

// What is wrong is said before anything is sent, all of it, by place.
func TestRequestsAreChecked(t *testing.T) {
	k, last := fake(t, 200, "application/json", `{"paymentInformation":{"transactionId":"T-1","status":"INITIAL"}}`)
	for _, test := range []struct{ old, new, code, says string }{
		{`"grosAmount":39.5`, `"grosAmount":39.51`, "sums-differ", "grosAmount is 39.51, the items' net and tax make 39.50"},
		{`"grosAmount":39.5`, `"grosAmount":39.505`, "request-invalid", "grosAmount is a number from"},
		{`"grosAmount":39.5`, `"grosAmount":3.95e1`, "request-invalid", "grosAmount"},
		{`"grosAmount":39.5`, `"grosAmount":-39.5`, "request-invalid", "grosAmount"},
		{`"grosAmount":39.5`, `"grosAmount":1000000`, "request-invalid", "grosAmount"},
		{`"grosAmount":39.5`, `"grossAmount":39.5`, "request-invalid", "which spells it grosAmount"},
		{`"purpose":"Reitkennzeichen`, `"purpose":"Gebühr`, "request-invalid", "purpose has letters without umlauts"},
		{`"purpose":"Reitkennzeichen`, `"purpose":"Nr.`, "request-invalid", "purpose"},
		{`"purpose":"Reitkennzeichen`, `"purpose":"Reitkennzeichen und mehr als das`, "request-invalid", "purpose"},
		{`"description":"Gebühr für`, `"description":"Gebühr/für`, "request-invalid", "description"},
		{`"purpose":"Reitkennzeichen 0001",`, ``, "request-invalid", "purpose is missing"},
		{`"purpose":"Reitkennzeichen 0001"`, `"purpose":null`, "request-invalid", "purpose is missing"},
		{`{"grosAmount"`, `{"currency":"USD","grosAmount"`, "request-invalid", "currency is one of EUR"},
		{`"totalNetAmount":25.00`, `"totalNetAmount":26.00`, "sums-differ", "items[0].totalNetAmount is not quantity times singleNetAmount; grosAmount"},
		{`"quantity":1`, `"quantity":0`, "request-invalid", "items[0].quantity"},
		{`"taxRate":0`, `"taxRate":"neunzehn"`, "request-invalid", "items[0].taxRate"},
		{`"haushaltsstelle":"554010.4311"`, `"haushaltsstelle":5540`, "request-invalid", "items[0].bookingData holds something that is no text"},
		{`"id":"abgabe"`, `"id":"a b"`, "request-invalid", "items[0].id"},
		{`"gender":"D"`, `"gender":"X"`, "request-invalid", "requestor.gender is one of M, F, D"},
		{`"country":"DE"`, `"country":"Deutschland"`, "request-invalid", "requestor.address.country"},
		{`"items":[`, `"items":[],"x":[`, "request-invalid", "items is a list of 1 to 99"},
		{`"items":[`, `"Müller Erwin":[`, "request-invalid", "has a member that is not in the standard"},
		{`{"grosAmount"`, `[{"grosAmount"`, "request-invalid", "the document is no JSON object"},
	} {
		m := request(1)
		m.Body = []byte(strings.Replace(string(m.Body), test.old, test.new, 1))
		*last = http.Request{}
		r := k.Deliver(t.Context(), m)
		if r.Outcome != connectors.Refused || r.Code != test.code || !strings.Contains(r.Detail, test.says) || r.Fault {
			t.Errorf("%s: %s %s %q", test.new, r.Outcome, r.Code, r.Detail)
		}
		if last.Method != "" {
			t.Errorf("%s: was sent", test.new)
		}
		for _, value := range []string{"Müller", "Hoher Weg", "neunzehn"} {
			if strings.Contains(r.Detail, value) {
				t.Errorf("%s: the complaint repeats a value: %s", test.new, r.Detail)
			}
		}
	}
	for _, fits := range []struct{ old, new string }{
		{`"grosAmount":39.5`, `"grosAmount":"39.50"`},
		{`"grosAmount":39.5`, `"grosAmount":39.500`},
		{`"gender":"D"`, `"gender":null`},
	} {
		m := request(1)
		m.Body = []byte(strings.Replace(string(m.Body), fits.old, fits.new, 1))
		if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Awaiting {
			t.Errorf("%s: %s %s %q", fits.new, r.Outcome, r.Code, r.Detail)
		}
	}
}

// A quantity of three at a rounded single price is no mistake.
func TestRoundedSinglePrices(t *testing.T) {
	k, _ := fake(t, 200, "application/json", `{"paymentInformation":{"transactionId":"T-1","status":"INITIAL"}}`)
	m := request(1)
	m.Body = []byte(`{"grosAmount":119.00,"purpose":"x","items":[{"id":"a","reference":"r","description":"d","taxRate":19,"quantity":3,"totalNetAmount":100,"totalTaxAmount":19,"singleNetAmount":33.33,"singleTaxAmount":6.33}]}`)
	want(t, k.Deliver(t.Context(), m), connectors.Awaiting, "payment-url-missing")
}

func TestSentAsTheProductWants(t *testing.T) {
	for product, wants := range map[string]bool{"pmpayment": true, "epaybl": true, "epay21": false} {
		p := start(t, product, nil)
		k := p.open(t)
		m := request(1)
		if product != "epaybl" {
			m.Body = []byte(strings.Replace(string(m.Body), `"bookingData":{"haushaltsstelle":"554010.4311"}`, `"bookingData":{"haushaltsstelle":null}`, 1))
		}
		want(t, k.Deliver(t.Context(), m), connectors.Awaiting, "payment-open")
		got, err := p.Received(t.Context(), "payment", 0)
		if err != nil || len(got) != 1 {
			t.Fatal(len(got), err)
		}
		var sent map[string]any
		if err := json.Unmarshal([]byte(got[0].Text), &sent); err != nil {
			t.Fatal(err)
		}
		if _, ok := sent["requestor"]; ok != wants {
			t.Errorf("%s: requestor sent: %v", product, ok)
		}
		if strings.Contains(got[0].Text, "null") || product == "epay21" && strings.Contains(got[0].Text, `"bookingData":{}`) {
			t.Errorf("%s: %s", product, got[0].Text)
		}
		if sent["requestId"] != m.ID || sent["redirectUrl"] != "https://portal.example/zurueck?vorgang="+m.Number || sent["currency"] != "EUR" {
			t.Errorf("%s: %v %v %v", product, sent["requestId"], sent["redirectUrl"], sent["currency"])
		}
		if !strings.Contains(got[0].Text, `"grosAmount":39.50`) {
			t.Errorf("%s: %s", product, got[0].Text)
		}
		if err := k.Probe(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestWrongCredentials(t *testing.T) {
	for product, code := range map[string]string{"pmpayment": "token-http-401", "epay21": "http-401"} {
		p := start(t, product, nil)
		t.Setenv("PAYMENT_SECRET", "falsch")
		r := p.open(t).Deliver(t.Context(), request(1))
		want(t, r, connectors.Retry, code)
		if !r.Fault {
			t.Errorf("%s: wrong credentials are no fault", product)
		}
	}
	p := start(t, "epaybl", nil, "endpoint: Soest")
	want(t, p.open(t).Deliver(t.Context(), request(1)), connectors.Retry, "NO_VALID_ORIGINATOR_OR_ENDPOINT")
}
