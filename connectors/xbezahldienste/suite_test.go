package xbezahldienste_test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/connectors/connectortest"
	"stellwerk/connectors/xbezahldienste"
	"stellwerk/internal/sim"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

// system is what an operator writes for each product.
var systems = map[string]string{
	"pmpayment": "address: PLAIN/pmpayment\ncredentials: {oauth2: {client-id: stellwerk, client-secret: 'env:PAYMENT_SECRET'}}\n",
	"epay21":    "address: PLAIN/epay21\ncredentials: {basic: {user: stellwerk, password: 'env:PAYMENT_SECRET'}}\n",
	"epaybl":    "address: TLS/epaybl\ntls: {ca: CA, pkcs12: 'file:P12', password: 'env:PAYMENT_SECRET'}\n",
}

const shared = "originator: \"99107001\"\nredirect-url: https://portal.example/zurueck?vorgang={number}\n"

func profile(t testing.TB, name string) string {
	t.Helper()
	b, err := fs.ReadFile(xbezahldienste.Kind().Profiles, "profiles/"+name+".yaml")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

type provider struct {
	*sim.Town
	sim.Client
	product string
	config  connectors.Config
	env     connectors.Environment
}

func start(t *testing.T, product string, now func() time.Time, more ...string) *provider {
	t.Helper()
	t.Setenv("PAYMENT_SECRET", sim.Password)
	town, err := sim.Start(t.Context(), sim.Options{Dir: t.TempDir(), Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	p := &provider{Town: town, Client: sim.Client{Control: town.Control}, product: product,
		env: connectors.Environment{System: "epayment", Now: now, Dir: t.TempDir(), Allow: loopback, Concurrency: 16}}
	if p.env.Now == nil {
		p.env.Now = time.Now
	}
	text := strings.NewReplacer("PLAIN", town.Payment, "TLS", town.PaymentTLS, "CA", town.CA, "P12", town.HubP12).Replace(systems[product])
	if p.config, err = xbezahldienste.Kind().Configure(connectortest.Settings(append([]string{profile(t, product), shared, text}, more...)...)); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *provider) open(t *testing.T) *xbezahldienste.Connector {
	t.Helper()
	c, err := p.config.Open(p.env)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c.(*xbezahldienste.Connector)
}

// request is the n-th fee: three items, as the Kreis books a Reitkennzeichen.
func request(n int) *connectors.Message {
	m := connectortest.Message(n)
	m.Role, m.Service = "payment", "reitkennzeichen"
	item := func(id, what string, cents int) string {
		return fmt.Sprintf(`{"id":%q,"reference":"%s-%04d","description":%q,"taxRate":0,"quantity":1,"totalNetAmount":%d.%02d,"totalTaxAmount":0,"singleNetAmount":"%d.%02d","singleTaxAmount":0.0,"bookingData":{"haushaltsstelle":"554010.4311"}}`,
			id, id, n, what, cents/100, cents%100, cents/100, cents%100)
	}
	m.Body = fmt.Appendf(nil, `{"grosAmount":39.5,"purpose":"Reitkennzeichen %04d","description":"Gebühr für Reitkennzeichen","items":[%s,%s,%s],"requestor":{"name":"Müßig","firstName":"Zoë","gender":"D","isOrganization":false,"address":{"street":"Hoher Weg","houseNumber":"1","addressLine":[],"postalCode":"59494","city":"Soest","country":"DE"}}}`,
		n, item("abgabe", "Reitabgabe", 2500), item("gebuehr", "Verwaltungsgebühr", 1000), item("auslagen", "Auslagen", 450))
	return m
}

func testSuite(t *testing.T, product string) {
	connectortest.Test(t, connectortest.Harness{Start: func(t *testing.T) connectortest.Partner {
		p := start(t, product, nil)
		return connectortest.Partner{
			Config: p.config, Environment: p.env, Secrets: []string{sim.Password},
			Taken: connectors.Awaiting, Bare: true,
			Message: func(n int, big bool) *connectors.Message {
				if big {
					return nil
				}
				return request(n)
			},
			Same: func(got connectortest.Received, m *connectors.Message) bool {
				var sent struct {
					ID string `json:"requestId"`
				}
				return json.Unmarshal(got.Body, &sent) == nil && sent.ID == m.ID
			},
			Received: func() (all []connectortest.Received) {
				got, err := p.Received(t.Context(), "payment", 0)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range got {
					all = append(all, connectortest.Received{Body: []byte(r.Text)})
				}
				return all
			},
			Break: func(f connectortest.Fault) bool {
				faults := map[connectortest.Fault]sim.Faults{
					connectortest.Refusing: {Refuse: "grosAmount"}, connectortest.Busy: {Status: 503, RetryAfter: 7}, connectortest.Silent: {Silent: true},
					connectortest.Torn: {Torn: true}, connectortest.AnswerLost: {AnswerLost: true}, connectortest.Down: {Down: true},
				}[f]
				if err := p.Suffer(t.Context(), "payment", faults); err != nil {
					t.Fatal(err)
				}
				return true
			},
		}
	}})
}

func TestSuitePmPayment(t *testing.T) { testSuite(t, "pmpayment") }
func TestSuiteEPayBL(t *testing.T)    { testSuite(t, "epaybl") }

// Every shipped product is one that the simulation knows.
func TestProfilesAreSimulated(t *testing.T) {
	files, err := fs.Glob(xbezahldienste.Kind().Profiles, "profiles/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if name := strings.TrimSuffix(strings.TrimPrefix(f, "profiles/"), ".yaml"); systems[name] == "" {
			t.Errorf("%s has no system to be tried at", name)
		}
	}
	if !slices.Contains(files, "profiles/epaybl.yaml") {
		t.Error("the default of NRW is missing")
	}
}

// What the shipped mappings are expected to write is taken by every product.
func TestShippedRequestsAreTaken(t *testing.T) {
	files, err := filepath.Glob("../../mappings/*/examples/*.payment.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no shipped payment requests (%v)", err)
	}
	for product := range systems {
		k := start(t, product, nil).open(t)
		for i, file := range files {
			m := request(i)
			if m.Body, err = os.ReadFile(file); err != nil {
				t.Fatal(err)
			}
			if r := k.Deliver(t.Context(), m); r.Outcome != connectors.Awaiting || r.Answer["payment-url"] == "" {
				t.Errorf("%s at %s: %s %s %s", file, product, r.Outcome, r.Code, r.Detail)
			}
		}
	}
}
