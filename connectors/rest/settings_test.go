package rest_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/rest"
)

// Each of these earns a complaint about the setting named; "" is one of the
// decoder's own.
func TestSettings(t *testing.T) {
	const base = "address: https://a.example\nattachments: omit\n"
	const req = base + "request: {path: /x}\n"
	for text, setting := range map[string]string{
		"attachments: omit\nrequest: {path: /x}":                                                             "address",
		"address: a.example\nattachments: omit\nrequest: {}":                                                 "address",
		"address: http://a.example\nattachments: omit\nrequest: {}":                                          "address",
		"address: https://u:p@a.example\nrequest: {}":                                                        "address",
		"address: https://a.example?x=1\nrequest: {}":                                                        "address",
		"address: https://a.example:84433\nrequest: {}":                                                      "address",
		"address: ftp://a.example\nrequest: {}":                                                              "address",
		"address: https://a.example\nrequest: {}":                                                            "attachments",
		base + "request: {parts: {document: d, attachments: a}}":                                             "attachments",
		req + "tls: {minimum: '1.1'}":                                                                        "tls.minimum",
		req + "tls: {minimum: '1.2'}":                                                                        "tls.reason",
		req + "tls: {minimum: none}":                                                                         "tls.reason",
		req + "tls: {certificate: a.pem}":                                                                    "tls.certificate",
		req + "tls: {password: 'env:X'}":                                                                     "tls.password",
		req + "credentials: {basic: {user: x}}":                                                              "credentials.basic",
		req + "credentials: {bearer: {token: 'env:X'}, header: {name: a, value: 'env:Y'}}":                   "credentials",
		req + "credentials: {oauth2: {token-url: 'http://a.example', client-id: x, client-secret: 'env:X'}}": "credentials.oauth2.token-url",
		req + "credentials: {bearer: {token: hunter2}}":                                                      "",
		req + "unknown: 1":                                                                                   "",
		base + "request: {pfad: /x}":                                                                         "",
		req + "answer-limit: 0":                                                                              "answer-limit",
		req + "steps: [{path: /y}]":                                                                          "steps",
		base:                                                                                                 "request",
		base + "request: {method: TRACE}":                                                                    "request.method",
		base + "request: {path: x}":                                                                          "request.path",
		base + "request: {path: '/{nobody}'}":                                                                "request.path",
		base + "request: {path: '/{id'}":                                                                     "request.path",
		base + "request: {body: file}":                                                                       "request.body",
		base + "request: {method: GET}":                                                                      "request.body",
		base + "request: {body: attachment}":                                                                 "request.body",
		base + "request: {body: json}":                                                                       "request.json",
		base + "request: {body: multipart}":                                                                  "request.parts",
		base + "request: {body: none, parts: {document: d}}":                                                 "request.parts",
		base + "request: {body: none, set: {a: b}}":                                                          "request.set",
		base + "request: {each: document}":                                                                   "request.each",
		base + "request: {headers: {X-A: '{nobody}'}}":                                                       "request.headers.X-A",
		req + "headers: {X-A: '{nobody}'}":                                                                   "headers.X-A",
		req + "replies: [{status: 200}]":                                                                     "replies[0].outcome",
		req + "replies: [{equals: x, outcome: refused}]":                                                     "replies[0].at",
		req + "replies: [{at: /a, equals: x, matches: y, outcome: refused}]":                                 "replies[0].matches",
		req + "replies: [{status: 202, outcome: awaiting}]":                                                  "replies[0].token",
		req + "replies: [{status: 202, outcome: awaiting, token: /id}]":                                      "ask",
		req + "replies: [{outcome: refused, code: 'wrong IBAN'}]":                                            "replies[0].code",
		req + "replies: [{outcome: vielleicht}]":                                                             "",
		req + "replies: [{status: 2x, outcome: refused}]":                                                    "",
		req + "replies: [{status: 600, outcome: refused}]":                                                   "",
		req + "replies: [{at: a, outcome: refused}]":                                                         "",
		req + "replies: [{at: /a, matches: '(', outcome: refused}]":                                          "",
		req + "replies: [{outcome: delivered, answer: {x: '/a ~ no-group'}}]":                                "",
		base + "steps: [{path: /x}, {path: /y, replies: [{status: 200}]}]":                                   "steps[1].replies[0].outcome",
		req + "ask: {path: '/{nobody}'}":                                                                     "ask.path",
		req + "probe: {path: '/{nobody}'}":                                                                   "probe.path",
	} {
		_, err := rest.Kind().Configure(connectortest.Settings(text))
		var s *connectors.SettingError
		switch {
		case err == nil:
			t.Errorf("accepted:\n%s", text)
		case setting != "" && (!errors.As(err, &s) || s.Setting != setting):
			t.Errorf("the complaint is %q, not about %s:\n%s", err, setting, text)
		}
	}
	for _, text := range []string{req, base + "request: {}\nask: {path: '/x/{id}'}", "address: http://localhost:1\nattachments: omit\nrequest: {}",
		"address: http://a.example\ntls: {minimum: none, reason: same rack}\nattachments: omit\nrequest: {}"} {
		if _, err := rest.Kind().Configure(connectortest.Settings(text)); err != nil {
			t.Errorf("%v:\n%s", err, text)
		}
	}
}

// Where every 2xx is a success, a page is none: it is what stands before a system that is
// being worked on, or what asks for a login.
func TestPageIsNoSuccess(t *testing.T) {
	body := ""
	s := serveFunc(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, body) })
	c := open(t, environment(t), simple+"ask: {path: /d}\n", "address: "+s.URL)
	for text, outcome := range map[string]connectors.Outcome{
		"<!DOCTYPE html><h1>Wartungsarbeiten</h1>": connectors.Unknown, "\n<html>Anmelden": connectors.Unknown,
		"": connectors.Delivered, "OK": connectors.Delivered, "{}": connectors.Delivered, "<ok/>": connectors.Delivered,
	} {
		body = text
		want(t, c.Deliver(t.Context(), connectortest.Message(1)), outcome, "http-200")
		want(t, c.(connectors.Asker).Ask(t.Context(), connectortest.Message(1)), outcome, "http-200")
	}
}
