package sim

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// payment is a provider of XBezahldienste 1.0.0 behind three products, each with
// its own way to authenticate and its own idea of a repeated requestId:
//
//	/pmpayment  Bearer token from /oauth/token/, the secret in the body; PAYMENT_EXISTS names the transaction
//	/epay21     Basic; wants no requestor, no empty bookingData and no null; PAYMENT_EXISTS says nothing
//	/epaybl     a certificate; wants bookingData; takes a requestId in place of a transactionId
//
// Citizens pay at /bezahlen/{transactionId}.
type payment struct {
	*partner

	mu     sync.Mutex
	tokens map[string]time.Time
	byID   map[string]*paymentCase
	order  []string
}

// paymentCase is a transaction and what was asked for.
type paymentCase struct {
	Transaction
	request map[string]any
	link    string // where the citizen comes back to
}

// Transaction is a payment as the control API lists it.
type Transaction struct {
	ID        string    `json:"transactionId"`
	RequestID string    `json:"requestId"`
	Product   string    `json:"product"`
	Amount    string    `json:"amount"`
	Purpose   string    `json:"purpose"`
	Status    string    `json:"status"`
	At        time.Time `json:"at"` // of the last change of its status
	URL       string    `json:"url"`
	Reference string    `json:"transactionReference,omitempty"` // the Kassenzeichen
	Method    string    `json:"paymentMethod,omitempty"`
	Detail    string    `json:"paymentMethodDetail,omitempty"`
	Lapsed    bool      `json:"lapsed,omitempty"`
}

// startPayment brings up the provider at its two addresses.
func (t *Town) startPayment(o Options) error {
	ca, err := newAuthority(o.Now())
	if err != nil {
		return err
	}
	t.authority = ca
	if t.CA, t.HubP12, err = ca.write(o.Dir, o.Now()); err != nil {
		return err
	}
	p := newPartner("payment", o)
	t.payment = &payment{partner: p, tokens: map[string]time.Time{}, byID: map[string]*paymentCase{}}
	p.refuse = func(w http.ResponseWriter) {
		p.refused()
		functional(w, http.StatusBadRequest, "VALIDATION_ERROR", "abgelehnt", "")
	}
	p.aside = func(r *http.Request) bool {
		return strings.HasPrefix(r.URL.Path, "/oauth/") || strings.HasPrefix(r.URL.Path, "/bezahlen/")
	}
	if err := p.serve(o.Listen["payment"], t.payment.mux()); err != nil {
		return err
	}
	t.partners = append(t.partners, p)
	security, err := ca.server("payment", true, o.Now())
	if err != nil {
		return err
	}
	p.second = &listener{address: o.Listen["payment-tls"], handler: p, tls: security}
	if err := p.second.start(); err != nil {
		return err
	}
	t.Payment, t.PaymentTLS = "http://"+p.listener.address, "https://"+p.second.address
	return nil
}

func (d *payment) mux() http.Handler {
	m := http.NewServeMux()
	m.HandleFunc("POST /oauth/token/", d.token)
	for _, product := range []string{"pmpayment", "epay21", "epaybl"} {
		at := "/" + product + "/paymenttransaction/{originator}/{endpoint}"
		m.HandleFunc("POST "+at, d.known(product, d.post))
		m.HandleFunc("GET "+at+"/{id}", d.known(product, d.get))
		m.HandleFunc("GET /"+product+"/status/{originator}/{endpoint}", d.known(product, func(w http.ResponseWriter, _ *http.Request, _ string) {
			answer(w, http.StatusOK, map[string]string{"status": "OK"})
		}))
	}
	m.HandleFunc("GET /bezahlen/{id}", d.page)
	m.HandleFunc("POST /bezahlen/{id}", d.decide)
	return m
}

// functional answers with the standard's problem document.
func functional(w http.ResponseWriter, status int, code, detail, transaction string) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(struct { // the other side may have gone
		Type        string `json:"type"`
		Title       string `json:"title"`
		Status      int    `json:"status"`
		Detail      string `json:"detail,omitempty"`
		Code        string `json:"functionalCode"`
		Transaction string `json:"transactionId,omitempty"`
	}{"about:blank", http.StatusText(status), status, detail, code, transaction})
}

// token hands out a token to the client that has its secret in the body.
func (d *payment) token(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := r.ParseForm(); err != nil || r.PostForm.Get("grant_type") != "client_credentials" {
		answer(w, http.StatusBadRequest, map[string]string{"error": "unsupported_grant_type"})
		return
	}
	if r.Header.Get("Authorization") != "" || r.PostForm.Get("client_id") != User || r.PostForm.Get("client_secret") != Password {
		answer(w, http.StatusUnauthorized, map[string]string{"error": "invalid_client"})
		return
	}
	token := rand.Text()
	d.mu.Lock()
	d.tokens[token] = d.now().Add(10 * time.Minute)
	d.mu.Unlock()
	answer(w, http.StatusOK, map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 600})
}

var authorityForm = regexp.MustCompile(`^[0-9]{5}([0-9]{3})?$`)

// known lets through who may, for an originator and an endpoint that there can be.
func (d *payment) known(product string, serve func(http.ResponseWriter, *http.Request, string)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		user, password, basic := r.BasicAuth()
		bearer, isBearer := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		d.mu.Lock()
		until := d.tokens[bearer]
		d.mu.Unlock()
		ok := false
		switch product {
		case "pmpayment":
			ok = isBearer && d.now().Before(until)
		case "epay21":
			ok = basic && user == User && password == Password
		case "epaybl":
			if r.TLS == nil || len(r.TLS.PeerCertificates) == 0 {
				functional(w, http.StatusForbidden, "FORBIDDEN", "Zertifikat fehlt", "")
				return
			}
			ok = true
		}
		switch {
		case !ok:
			w.WriteHeader(http.StatusUnauthorized)
		case !idPattern.MatchString(r.PathValue("originator")) || !authorityForm.MatchString(r.PathValue("endpoint")):
			functional(w, http.StatusBadRequest, "NO_VALID_ORIGINATOR_OR_ENDPOINT", "Diese Stelle nimmt an diesem Verfahren nicht teil.", "")
		default:
			serve(w, r, product)
		}
	}
}

func (d *payment) post(w http.ResponseWriter, r *http.Request, product string) {
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broke off
	}
	request, code, detail := judgePayment(body, product)
	if code != "" {
		d.refused()
		functional(w, http.StatusBadRequest, code, detail, "")
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	id := request["requestId"].(string)
	if earlier, ok := d.find(id); ok && !d.currentFaults().Forgetful {
		d.again()
		named := ""
		if product == "pmpayment" {
			named = earlier["transactionId"]
		}
		functional(w, http.StatusBadRequest, "PAYMENT_EXISTS", "Zu dieser requestId gibt es schon eine Transaktion.", named)
		return
	}
	c := &paymentCase{request: request, link: request["redirectUrl"].(string), Transaction: Transaction{
		ID: rand.Text(), RequestID: id, Product: product, Amount: fmt.Sprint(request["grosAmount"]), Purpose: request["purpose"].(string),
		Status: "INITIAL", At: d.now().UTC().Truncate(time.Second),
	}}
	c.URL = "http://" + d.listener.address + "/bezahlen/" + c.ID
	d.byID[c.ID], d.order = c, append(d.order, c.ID)
	d.take(incoming{id: id, contentType: "application/json", body: body}, true, func(int) map[string]string {
		return map[string]string{"transactionId": c.ID}
	})
	answer(w, http.StatusOK, c.document())
}

func (d *payment) get(w http.ResponseWriter, r *http.Request, product string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	id := r.PathValue("id")
	c := d.byID[id]
	if c == nil && product == "epaybl" {
		if earlier, ok := d.find(id); ok {
			c = d.byID[earlier["transactionId"]]
		}
	}
	if c == nil || c.Product != product {
		functional(w, http.StatusNotFound, "UNSPECIFIED", "Diese Transaktion gibt es nicht.", "")
		return
	}
	answer(w, http.StatusOK, c.document())
}

// document is the standard's PaymentTransaction.
func (c *paymentCase) document() map[string]any {
	info := map[string]any{
		"transactionUrl": c.URL, "transactionId": c.ID, "transactionTimestamp": c.At.Format(time.RFC3339), "status": c.Status,
		"transactionReference": null(c.Reference), "paymentMethod": null(c.Method), "paymentMethodDetail": null(c.Detail),
	}
	if c.Status == "INITIAL" || c.Product == "epay21" { // ePay21 gives a dead one afterwards
		info["transactionRedirectUrl"] = c.URL
	}
	return map[string]any{"paymentInformation": info, "paymentRequest": c.request}
}

func null(v string) any {
	if v == "" {
		return nil
	}
	return v
}

// settle does what a citizen, or the time, does with a transaction.
func (d *payment) settle(id, what, method string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	c := d.byID[id]
	switch {
	case c == nil:
		return fmt.Errorf("there is no transaction %s", id)
	case what == "late" && c.Lapsed && c.Status == "INITIAL":
		what = "pay" // the hub has given it up; the provider has not
	case c.Status != "INITIAL" || c.Lapsed:
		return fmt.Errorf("transaction %s is %s and final", id, c.Status)
	}
	switch what {
	case "pay":
		if method == "" {
			method = "CREDITCARD"
		}
		if !strings.Contains(" GIROPAY PAYDIRECT CREDITCARD PAYPAL OTHER ", " "+method+" ") {
			return fmt.Errorf("%q is no means of payment", method)
		}
		n := 1
		for _, other := range d.byID {
			if other.Reference != "" {
				n++
			}
		}
		c.Status, c.Method, c.Reference = "PAYED", method, fmt.Sprintf("8.%07d.%d", n, checkDigit(n))
		if method == "OTHER" {
			c.Detail = "wero"
		}
	case "cancel":
		c.Status = "CANCELED"
	case "fail":
		c.Status = "FAILED"
	case "clarify": // a word of a newer standard
		c.Status = "IN_CLARIFICATION"
	case "lapse": // nobody comes any more: it stays as it is, and is very old
		c.Lapsed, c.At = true, c.At.AddDate(-1, 0, 0)
		return nil
	default:
		return fmt.Errorf("%q is none of pay, cancel, fail, clarify, lapse, and late after it", what)
	}
	c.At = d.now().UTC().Truncate(time.Second)
	return nil
}

// list gives every transaction, oldest first.
func (d *payment) list() []Transaction {
	d.mu.Lock()
	defer d.mu.Unlock()
	out := []Transaction{}
	for _, id := range d.order {
		out = append(out, d.byID[id].Transaction)
	}
	return out
}
