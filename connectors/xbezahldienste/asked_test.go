package xbezahldienste_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/xbezahldienste"
)

// What a proxy says of an address is not the provider's word on a transaction; what the
// provider has taken away is for a person.
func TestTransactionNotFound(t *testing.T) {
	for _, test := range []struct {
		status  int
		body    string
		outcome connectors.Outcome
		code    string
	}{
		{404, `<html><h1>404 Not Found</h1>nginx</html>`, connectors.Awaiting, "http-404"},
		{404, "\n<!DOCTYPE html>", connectors.Awaiting, "http-404"},
		{404, `{"functionalCode":"UNSPECIFIED"}`, connectors.Unknown, "transaction-unknown"},
		{404, "default backend - 404", connectors.Awaiting, "http-404"},
		{404, ``, connectors.Unknown, "transaction-unknown"},
		{410, `{"functionalCode":"UNSPECIFIED"}`, connectors.Unknown, "transaction-unknown"},
	} {
		k, _ := fake(t, test.status, "", test.body)
		m := request(1)
		m.Token = "T-1"
		r := k.Ask(t.Context(), m)
		want(t, r, test.outcome, test.code)
		if r.Token != m.Token || r.Person != (test.outcome == connectors.Unknown) {
			t.Errorf("%d %s: token %q, for a person: %t", test.status, test.body, r.Token, r.Person)
		}
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"functionalCode":"PAYMENT_EXISTS","transactionId":"T-1"}`))
			return
		}
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte("<html>"))
	}))
	defer s.Close()
	c, err := xbezahldienste.Kind().Configure(connectortest.Settings(shared, "address: "+s.URL))
	if err != nil {
		t.Fatal(err)
	}
	exists, err := c.Open(connectors.Environment{System: "fake", Now: time.Now, Allow: loopback})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = exists.Close() }()
	if r := exists.Deliver(t.Context(), request(1)); r.Outcome != connectors.Unknown || r.Person || !r.Fault {
		t.Errorf("what exists, behind a proxy that is alone: %s %s, for a person: %t", r.Outcome, r.Code, r.Person)
	}
	k, _ := fake(t, 404, "text/html", "<html>")
	if r := k.Ask(t.Context(), request(1)); r.Outcome != connectors.Unknown || !r.Fault {
		t.Errorf("a proxy says that the request was never there: %s %s", r.Outcome, r.Code)
	}
}

// A transaction of which the provider gives no time lapses, too: counted from when it
// was seen first, and not from when it was first tried to ask for it.
func TestLapseWithoutTimes(t *testing.T) {
	k, last := fake(t, 200, "application/json", `{"paymentInformation":{"transactionId":"T-1","status":"INITIAL"}}`)
	m := request(1)
	r := k.Deliver(t.Context(), m)
	want(t, r, connectors.Awaiting, "payment-url-missing")
	seen := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC) // fake's clock
	if r.Token != fmt.Sprintf("T-1@%d", seen.Unix()) {
		t.Fatalf("token %q", r.Token)
	}
	for age, outcome := range map[time.Duration]connectors.Outcome{0: connectors.Awaiting, 71 * time.Hour: connectors.Awaiting, 72 * time.Hour: connectors.Cancelled} {
		m.Token = fmt.Sprintf("T-1@%d", seen.Add(-age).Unix())
		r := k.Ask(t.Context(), m)
		if r.Outcome != outcome || r.Token != m.Token {
			t.Errorf("after %s: %s %s, token %q, was %q", age, r.Outcome, r.Code, r.Token, m.Token)
		}
		if !strings.HasSuffix(last.URL.Path, "/T-1") {
			t.Errorf("asked at %s", last.URL.Path)
		}
	}
}

// Some providers begin every answer with a byte order mark.
func TestProblemBehindAByteOrderMark(t *testing.T) {
	k, _ := fake(t, 409, "application/problem+json", "\ufeff"+`{"functionalCode":"PAYMENT_EXISTS"}`)
	if r := k.Deliver(t.Context(), request(1)); r.Outcome != connectors.Unknown {
		t.Errorf("what exists is %s %s", r.Outcome, r.Code)
	}
}
