package xbezahldienste_test

import (
	"errors"
	"strings"
	"testing"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/xbezahldienste"
)

// Each of these earns a complaint about the setting named; "" is the decoder's own.
func TestSettings(t *testing.T) {
	const base = "address: https://pay.example/x\noriginator: o\n"
	for text, setting := range map[string]string{
		"originator: o": "address",
		"address: http://pay.example\noriginator: o":                           "address",
		"address: https://pay.example":                                         "originator",
		base + "originator: a/b":                                               "originator",
		base + "originator: '{nobody}'":                                        "originator",
		base + "originator: " + strings.Repeat("x", 37):                        "originator",
		base + "endpoint: ''":                                                  "endpoint",
		base + "endpoint: 'ö'":                                                 "endpoint",
		base + "redirect-url: ftp://x":                                         "redirect-url",
		base + "redirect-url: http://x.example/":                               "redirect-url",
		base + "redirect-url: 'https://x/{wer}'":                               "redirect-url",
		base + "redirect-url: 'https://x/" + strings.Repeat("a", 2082) + "'":   "redirect-url",
		base + "lapse: 1m":                                                     "lapse",
		base + "lapse: 3000h":                                                  "lapse",
		base + "leave-out: [items]":                                            "leave-out",
		base + "authentication: {way: digest}":                                 "authentication.way",
		base + "authentication: {way: basic}":                                  "credentials",
		base + "authentication: {way: oauth2}":                                 "credentials",
		base + "authentication: {way: certificate}":                            "tls",
		base + "authentication: {way: oauth2, secret-in: query}":               "authentication.secret-in",
		base + "credentials: {oauth2: {client-id: a, client-secret: 'env:X'}}": "credentials.oauth2.token-url",
		base + "lapsed: 72h":                                                   "",
	} {
		_, err := xbezahldienste.Kind().Configure(connectortest.Settings(strings.Split(text, "\n")...))
		var s *connectors.SettingError
		switch {
		case err == nil:
			t.Errorf("accepted:\n%s", text)
		case setting != "" && (!errors.As(err, &s) || s.Setting != setting):
			t.Errorf("the complaint is %q, not about %s:\n%s", err, setting, text)
		}
	}
	for name, text := range map[string]string{
		"pmpayment": "credentials: {oauth2: {client-id: a, client-secret: 'env:X'}}",
		"epaybl":    "tls: {pkcs12: 'file:x', password: 'env:X'}",
		"epay21":    "credentials: {basic: {user: a, password: 'env:X'}}",
	} {
		c, err := xbezahldienste.Kind().Configure(connectortest.Settings(profile(t, name), base, text))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if traits := c.Traits(); !traits.Askable || !traits.Repeatable {
			t.Errorf("%s: %+v", name, traits)
		}
	}
}
