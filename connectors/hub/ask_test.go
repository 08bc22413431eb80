package hub_test

import (
	"encoding/json"
	"io"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
)

func TestAsk(t *testing.T) {
	o := start(t)
	k := o.open(t)
	m := connectortest.Message(1)
	if r := k.Ask(t.Context(), m); r.Outcome != connectors.Unknown {
		t.Errorf("without a token: %+v", r)
	}
	m.Token = "0197f3a2-6c00-7000-9000-000000000001"
	for _, test := range []struct {
		status  int
		body    string
		outcome connectors.Outcome
		code    string
	}{
		{200, `{"state":"accepted","status":"RECEIVED"}`, connectors.Awaiting, "processing"},
		{200, `{"state":"running","status":"PROCESSING","next":{"x":1}}`, connectors.Awaiting, "processing"},
		{200, `{"state":"running","status":"ACTION_REQUIRED","answers":{"payment-url":"https://pay.example/1"}}`, connectors.Awaiting, "action-required"},
		{200, `{"state":"running","status":"ACTION_REQUIRED","action":{"who":"citizen","do":"pay"},"answers":{"payment-url":"https://pay.example/1"}}`, connectors.Awaiting, "payment-open"},
		{200, `{"state":"settled","status":"COMPLETED","number":"9Z9Z-0001","answers":{"kennzeichen":"SO-17","Sonst Was":"x","leer":""}}`, connectors.Delivered, "completed"},
		{200, `{"state":"running","status":"REJECTED"}`, connectors.Cancelled, "remote-rejected"},
		{200, `{"state":"erased","status":"REJECTED"}`, connectors.Unknown, "remote-erased"},
		{200, `{"state":"settled","status":"CANCELLED"}`, connectors.Cancelled, "remote-cancelled"},
		{200, `{"state":"parked","status":"CANCELLED","action":{"who":"clerk","do":"refund"}}`, connectors.Cancelled, "remote-refund"},
		{200, `{"state":"cancelled"}`, connectors.Cancelled, "remote-cancelled"},
		{200, `{"state":"settled"}`, connectors.Delivered, "completed"},
		{200, `{"state":"parked"}`, connectors.Awaiting, "processing"},
		{200, `{"state":"settled","status":"ARCHIVED"}`, connectors.Unknown, "status-unknown"},
		{200, `{}`, connectors.Awaiting, "answer-unreadable"},
		{200, `<html>`, connectors.Awaiting, "answer-unreadable"},
		{404, `{"code":"submission-unknown"}`, connectors.Unknown, "submission-unknown"},
		{404, `<html>nginx</html>`, connectors.Awaiting, "http-404"}, // of a proxy: the hub says it in its own word
		{404, `{"code":"not-found"}`, connectors.Awaiting, "http-404"},
		{401, ``, connectors.Awaiting, "http-401"},
		{400, ``, connectors.Awaiting, "http-400"},
		{503, ``, connectors.Awaiting, "http-503"},
	} {
		path := ""
		o.answer = func(w http.ResponseWriter, r *http.Request) {
			path = r.Method + " " + r.URL.Path
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.body)
		}
		r := k.Ask(t.Context(), m)
		if r.Outcome != test.outcome || r.Code != test.code || r.Token != m.Token {
			t.Errorf("%d %s: %s %s, token %q", test.status, test.body, r.Outcome, r.Code, r.Token)
		}
		if forPerson := test.outcome == connectors.Unknown; r.Person != forPerson {
			t.Errorf("%d %s: for a person: %t", test.status, test.body, r.Person)
		}
		if path != "GET /v1/submissions/"+m.Token {
			t.Errorf("asked %s", path)
		}
		want := map[string]map[string]string{
			"payment-open":    {"payment-url": "https://pay.example/1", "remote-id": m.Token, "remote-status": "ACTION_REQUIRED"},
			"action-required": {"payment-url": "https://pay.example/1", "remote-id": m.Token, "remote-status": "ACTION_REQUIRED"},
			"completed":       {"kennzeichen": "SO-17", "remote-id": m.Token, "remote-number": "9Z9Z-0001", "remote-status": "COMPLETED"},
		}[test.code]
		if want != nil && strings.Contains(test.body, "answers") && !reflect.DeepEqual(r.Answer, want) {
			t.Errorf("%s: %v", test.body, r.Answer)
		}
	}
	if err := k.Close(); err != nil {
		t.Fatal(err)
	}
	if r := k.Ask(t.Context(), m); r.Outcome != connectors.Awaiting || r.Token != m.Token {
		t.Errorf("closed: %+v", r)
	}
}

func TestNumberAndStatusAreWithinBounds(t *testing.T) {
	o := start(t)
	k := o.open(t)
	long := strings.Repeat("9", 4097)
	o.answer = func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(map[string]int{http.MethodPost: http.StatusAccepted, http.MethodGet: http.StatusOK}[r.Method])
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "0197f3a2-6c00-7000-9000-000000000001", "number": long, "state": "running", "status": long})
	}
	m := connectortest.Message(1)
	for _, r := range []connectors.Receipt{k.Deliver(t.Context(), m), k.Ask(t.Context(), asked(m))} {
		if r.Answer["remote-id"] == "" || r.Answer["remote-number"] != "" || r.Answer["remote-status"] != "" {
			t.Errorf("%s: %.200v", r.Code, r.Answer)
		}
	}
}

func asked(m *connectors.Message) *connectors.Message {
	again := *m
	again.Token = "0197f3a2-6c00-7000-9000-000000000001"
	return &again
}

// A link that is shown to citizens leads to a web page, whatever the other hub says.
func TestPaymentLinks(t *testing.T) {
	for link, good := range map[string]bool{
		"https://pay.example/1": true, "http://127.0.0.1:9105/1": true,
		"javascript:alert(1)": false, "data:text/html,x": false, "http://pay.example/1": false, "//pay.example/1": false, "https:///1": false,
		"https://pay.example/" + strings.Repeat("x", 2082): false,
	} {
		o := start(t)
		k := o.open(t)
		o.answer = func(w http.ResponseWriter, r *http.Request) {
			_ = json.NewEncoder(w).Encode(map[string]any{"state": "running", "status": "ACTION_REQUIRED", "action": map[string]string{"do": "pay"}, "answers": map[string]string{"payment-url": link}})
		}
		m := connectortest.Message(1)
		m.Token = "0197f3a2-6c00-7000-9000-000000000001"
		if _, told := k.Ask(t.Context(), m).Answer["payment-url"]; told != good {
			t.Errorf("%s is taken over: %t", link, told)
		}
	}
}

// What the citizen has taken back is taken back over there, too; too late, its status is read.
func TestWithdrawn(t *testing.T) {
	o := start(t)
	k := o.open(t)
	m := connectortest.Message(1)
	m.Token, m.Meta = "0197f3a2-6c00-7000-9000-000000000001", map[string]string{"withdrawn-at": "2026-03-02T09:00:00Z"}
	for _, test := range []struct {
		status  int
		asked   string
		outcome connectors.Outcome
	}{
		{200, "POST /withdrawal", connectors.Cancelled},
		{409, "POST /withdrawal, GET ", connectors.Delivered},
		{503, "POST /withdrawal, GET ", connectors.Delivered},
	} {
		var asked []string
		o.answer = func(w http.ResponseWriter, r *http.Request) {
			asked = append(asked, r.Method+" "+strings.TrimPrefix(r.URL.Path, "/v1/submissions/"+m.Token))
			if r.Method == http.MethodGet {
				_, _ = io.WriteString(w, `{"state":"settled","status":"COMPLETED"}`)
				return
			}
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, `{"state":"settled","status":"CANCELLED"}`)
		}
		if r := k.Ask(t.Context(), m); r.Outcome != test.outcome || strings.Join(asked, ", ") != test.asked {
			t.Errorf("%d: %s, asked %q", test.status, r.Outcome, asked)
		}
	}
}
