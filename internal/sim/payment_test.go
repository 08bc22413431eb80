package sim_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"stellwerk/internal/sim"
)

const fee = `{"requestId":"r-1","requestTimestamp":"2026-03-02T09:00:00Z","currency":"EUR","grosAmount":38.50,"purpose":"Ersatzmarke","redirectUrl":"https://portal.example/zurueck?a=1",
"items":[{"id":"marke","reference":"4711","description":"Hundemarke <b>& Porto</b>","taxRate":0,"quantity":1,"totalNetAmount":38.50,"totalTaxAmount":0,"singleNetAmount":38.50,"singleTaxAmount":0}]}`

func (c call) basic() call {
	c.header = map[string]string{"Content-Type": "application/json", "Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(sim.User+":"+sim.Password))}
	return c
}

func TestProviderRefuses(t *testing.T) {
	tw, client := town(t, sim.Options{})
	at := tw.Payment + "/epay21/paymenttransaction/99107001/05974040"
	for _, test := range []struct{ old, new, says string }{
		{"grosAmount", "grossAmount", "VALIDATION_ERROR"},
		{"38.50,\"purpose\"", "38.51,\"purpose\"", "CALCULATION_ERROR"},
		{"38.50,\"purpose\"", "\"38.50\",\"purpose\"", "VALIDATION_ERROR"},
		{"38.50,\"purpose\"", "38.505,\"purpose\"", "VALIDATION_ERROR"},
		{`"Ersatzmarke"`, `"Gebühr"`, "purpose"},
		{`"Ersatzmarke"`, `"Nr. 17"`, "purpose"},
		{`"Ersatzmarke"`, `"Ersatzmarke für viele Hunde im Haus"`, "purpose"},
		{"EUR", "CHF", "currency"},
		{`"r-1"`, `"r/1"`, "requestId"},
		{"2026-03-02T09:00:00Z", "2026-03-02", "requestTimestamp"},
		{"https://portal.example/zurueck?a=1", "zurueck", "redirectUrl"},
		{`"quantity":1`, `"quantity":"1"`, "quantity"},
		{`"reference":"4711",`, ``, "reference"},
		{`"items":[`, `"items":[],"requestor":[`, "requestor"},
		{`"items":[`, `"requestor":{"name":"x"},"items":[`, "requestor"},
		{`"taxRate":0`, `"bookingData":{},"taxRate":0`, "bookingData"},
		{`"taxRate":0`, `"bookingData":null,"taxRate":0`, "null"},
		{fee, `[]`, "JSON"},
	} {
		c := call{url: at, body: strings.Replace(fee, test.old, test.new, 1)}.basic()
		if status, body := c.do(t); status != 400 || !strings.Contains(body, test.says) {
			t.Errorf("%s: %d %s", test.new, status, body)
		}
	}
	if status, body := (call{url: strings.Replace(at, "05974040", "Soest", 1), body: fee}).basic().do(t); status != 400 || !strings.Contains(body, "NO_VALID_ORIGINATOR_OR_ENDPOINT") {
		t.Errorf("unknown endpoint: %d %s", status, body)
	}
	for _, other := range []call{{url: at, body: fee}, {url: strings.Replace(at, "epay21", "pmpayment", 1), body: fee}} {
		if status, _ := other.do(t); status != 401 {
			t.Errorf("without credentials: %d", status)
		}
	}
	if status, body := (call{url: strings.Replace(at, "epay21", "epaybl", 1), body: fee}).basic().do(t); status != 403 || !strings.Contains(body, "FORBIDDEN") {
		t.Errorf("without a certificate: %d %s", status, body)
	}
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {sim.User}, "client_secret": {"falsch"}}.Encode()
	for body, want := range map[string]int{form: 401, strings.Replace(form, "falsch", sim.Password, 1): 200, "grant_type=password": 400} {
		c := call{url: tw.Payment + "/oauth/token/", body: body, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
		if status, _ := c.do(t); status != want {
			t.Errorf("token for %s: %d", body, status)
		}
	}
	if all, err := client.Transactions(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("%d transactions of refused requests (%v)", len(all), err)
	}
}

// A person pays with links and forms alone; what the portal wrote is only text.
func TestPaymentPage(t *testing.T) {
	tw, client := town(t, sim.Options{})
	c := call{url: tw.Payment + "/epay21/paymenttransaction/99107001/05974040", body: strings.Replace(fee, "portal.example", "portal.test", 1)}.basic()
	if status, body := c.do(t); status != 200 || !strings.Contains(body, "transactionRedirectUrl") {
		t.Fatalf("%d %s", status, body)
	}
	if status, body := c.do(t); status != 400 || !strings.Contains(body, "PAYMENT_EXISTS") {
		t.Errorf("repeated: %d %s", status, body)
	}
	all, err := client.Transactions(t.Context())
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	page := call{method: http.MethodGet, url: all[0].URL}
	status, body := page.do(t)
	for _, text := range []string{"38,50 € bezahlen", "Hundemarke &lt;b&gt;&amp; Porto&lt;/b&gt;", `<html lang="de">`} {
		if status != 200 || !strings.Contains(body, text) {
			t.Errorf("the page (%d) lacks %s", status, text)
		}
	}
	if strings.Contains(body, "<script") || strings.Contains(body, "Hundemarke <b>") {
		t.Error("the page runs what the portal wrote")
	}
	stay := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := stay.PostForm(all[0].URL, url.Values{"what": {"pay"}, "method": {"OTHER"}})
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	stay.CloseIdleConnections()
	if res.StatusCode != http.StatusSeeOther || res.Header.Get("Location") != "https://portal.test/zurueck?a=1" {
		t.Errorf("after paying: %d to %s", res.StatusCode, res.Header.Get("Location"))
	}
	if all, _ = client.Transactions(t.Context()); all[0].Status != "PAYED" || all[0].Method != "OTHER" || all[0].Detail != "wero" || all[0].Reference == "" {
		t.Errorf("%+v", all[0])
	}
	if _, body := page.do(t); !strings.Contains(body, "Zahlung ist eingegangen") || strings.Contains(body, "<form") {
		t.Errorf("what is paid can be paid again: %s", body)
	}
	if err := client.Pay(t.Context(), all[0].ID, "cancel"); err == nil {
		t.Error("what is paid can be cancelled")
	}
	again := call{url: all[0].URL, body: "what=cancel", header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
	if status, body := again.do(t); status != 409 || !strings.Contains(body, "schon entschieden") {
		t.Errorf("cancel after paying: %d %s", status, body)
	}
	if status, _ := (call{method: http.MethodGet, url: tw.Payment + "/bezahlen/keine"}).do(t); status != 404 {
		t.Errorf("no such payment: %d", status)
	}
	for id, what := range map[string]string{all[0].ID: "verschenken", "keine": "pay"} {
		if err := client.Pay(t.Context(), id, what); err == nil {
			t.Errorf("%s %s works", what, id)
		}
	}
}

// What is left lying until the time is up can be paid all the same, at this provider;
// what has become unclear cannot. Where there is no portal the page says how it ended.
func TestPaymentPageEnds(t *testing.T) {
	tw, client := town(t, sim.Options{})
	press := func(n int, what string) string {
		t.Helper()
		all, err := client.Transactions(t.Context())
		if err != nil || len(all) <= n {
			t.Fatal(len(all), err)
		}
		form := call{url: all[n].URL, body: "what=" + what, header: map[string]string{"Content-Type": "application/x-www-form-urlencoded"}}
		_, body := form.do(t)
		return body
	}
	for _, id := range []string{"r-1", "r-2"} {
		c := call{url: tw.Payment + "/epay21/paymenttransaction/99107001/05974040", body: regexp.MustCompile(`"requestId": ?"[^"]*"`).ReplaceAllString(fee, `"requestId":"`+id+`"`)}.basic()
		if status, body := c.do(t); status != 200 {
			t.Fatalf("%d %s", status, body)
		}
	}
	if body := press(0, "late"); !strings.Contains(body, "schon entschieden") {
		t.Errorf("late before it has lapsed: %s", body)
	}
	if body := press(0, "lapse"); !strings.Contains(body, "Frist") || !strings.Contains(body, "Doch noch") {
		t.Errorf("lapsed: %s", body)
	}
	if body := press(0, "pay"); !strings.Contains(body, "schon entschieden") {
		t.Errorf("paid after the time: %s", body)
	}
	if body := press(0, "late"); !strings.Contains(body, "Zahlung ist eingegangen") || strings.Contains(body, "Doch noch") {
		t.Errorf("late: %s", body)
	}
	if body := press(1, "clarify"); !strings.Contains(body, "wird geprüft") || strings.Contains(body, "<form") {
		t.Errorf("unclear: %s", body)
	}
	all, err := client.Transactions(t.Context())
	if err != nil || all[0].Status != "PAYED" || all[1].Status != "IN_CLARIFICATION" {
		t.Errorf("%+v (%v)", all, err)
	}
}
