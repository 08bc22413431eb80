package sim

import (
	_ "embed"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"strings"
)

//go:embed payment.html
var paymentHTML string

var paymentPage = template.Must(template.New("payment").Parse(paymentHTML))

type pagePayment struct {
	Purpose, Amount, State, Link, Problem string
	Open, Late                            bool
	Items                                 []pageItem
	Methods                               []pageMethod
}

type pageItem struct{ Text, Quantity, Amount string }

type pageMethod struct {
	Value, Text string
	First       bool
}

var paymentMethods = []pageMethod{
	{"CREDITCARD", "Kreditkarte", true}, {"PAYPAL", "PayPal", false}, {"GIROPAY", "giropay", false}, {"PAYDIRECT", "paydirekt", false}, {"OTHER", "Wero", false},
}

var paymentStates = map[string]string{
	"PAYED":    "Vielen Dank, die Zahlung ist eingegangen.",
	"CANCELED": "Sie haben die Zahlung abgebrochen.",
	"FAILED":   "Die Zahlung ist gescheitert.",
	"INITIAL":  "Die Frist für diese Zahlung ist abgelaufen.",

	"IN_CLARIFICATION": "Die Zahlung wird geprüft.",
}

// page shows a citizen what there is to pay.
func (d *payment) page(w http.ResponseWriter, r *http.Request) { d.show(w, r, http.StatusOK, "") }

func (d *payment) show(w http.ResponseWriter, r *http.Request, status int, problem string) {
	d.mu.Lock()
	c := d.byID[r.PathValue("id")]
	var view pagePayment
	if c != nil {
		view = pagePayment{Purpose: c.Purpose, Amount: comma(c.Amount), State: paymentStates[c.Status], Link: c.link, Problem: problem,
			Open: c.Status == "INITIAL" && !c.Lapsed, Late: c.Status == "INITIAL" && c.Lapsed, Methods: paymentMethods}
		for _, one := range c.request["items"].([]any) {
			item := one.(map[string]any)
			net, _ := decimal(item["totalNetAmount"])
			tax, _ := decimal(item["totalTaxAmount"])
			view.Items = append(view.Items, pageItem{fmt.Sprint(item["description"]), comma(strings.TrimSuffix(fmt.Sprint(item["quantity"]), ".00")), comma(net.Add(net, tax).FloatString(2))})
		}
	}
	d.mu.Unlock()
	if c == nil {
		http.Error(w, "Diese Zahlung gibt es nicht.", http.StatusNotFound)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
	w.WriteHeader(status)
	_ = paymentPage.Execute(w, view) // the other side may have gone
}

func comma(amount string) string { return strings.Replace(amount, ".", ",", 1) }

// decide takes what the citizen has chosen, and sends them back to the portal.
func (d *payment) decide(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if err := d.settle(r.PathValue("id"), r.PostFormValue("what"), r.PostFormValue("method")); err != nil {
		d.show(w, r, http.StatusConflict, "Das geht nicht mehr: Diese Zahlung ist schon entschieden.")
		return
	}
	d.mu.Lock()
	link := d.byID[r.PathValue("id")].link
	d.mu.Unlock()
	if u, err := url.Parse(link); r.PostFormValue("what") == "lapse" || err != nil || strings.HasSuffix(u.Hostname(), ".example") {
		d.show(w, r, http.StatusOK, "") // nobody to go back to
		return
	}
	http.Redirect(w, r, link, http.StatusSeeOther)
}
