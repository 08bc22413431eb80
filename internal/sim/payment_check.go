package sim

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/big"
	"net/url"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"
)

var (
	idPattern   = regexp.MustCompile(`^[\w-]{1,36}$`)
	purposeForm = regexp.MustCompile(`^[\w\s-]{1,27}$`)
	descForm    = regexp.MustCompile(`^[\w\s,.À-ſ-]{1,250}$`)
)

// judgePayment holds a payment request against XBezahldienste 1.0.0 and a product's
// own wishes. It gives the functionalCode and the reason of a refusal.
func judgePayment(body []byte, product string) (request map[string]any, code, detail string) {
	const invalid = "VALIDATION_ERROR"
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if err := d.Decode(&request); err != nil || request == nil || d.More() {
		return nil, invalid, "kein JSON-Objekt"
	}
	for name := range request {
		switch name {
		case "requestId", "requestTimestamp", "currency", "grosAmount", "purpose", "description", "redirectUrl", "items", "requestor":
		default:
			return nil, invalid, name + " ist nicht vorgesehen"
		}
	}
	if product == "epay21" && holdsNull(request) {
		return nil, invalid, "null ist nicht zulässig: was fehlt, fehlt"
	}
	str := func(name string) string { s, _ := request[name].(string); return s }
	if _, err := time.Parse(time.RFC3339, str("requestTimestamp")); err != nil {
		return nil, invalid, "requestTimestamp ist kein Zeitpunkt"
	}
	u, err := url.Parse(str("redirectUrl"))
	switch {
	case !idPattern.MatchString(str("requestId")):
		return nil, invalid, "requestId ist keine Kennung"
	case str("currency") != "EUR":
		return nil, invalid, "currency ist nicht EUR"
	case !purposeForm.MatchString(str("purpose")):
		return nil, invalid, "purpose hat unzulässige Zeichen oder mehr als 27"
	case request["description"] != nil && !descForm.MatchString(str("description")):
		return nil, invalid, "description hat unzulässige Zeichen oder mehr als 250"
	case err != nil || u.Host == "" || len(str("redirectUrl")) > 2082:
		return nil, invalid, "redirectUrl ist keine Adresse"
	}
	if what := judgeRequestor(request["requestor"], product); what != "" {
		return nil, invalid, what
	}
	gros, ok := decimal(request["grosAmount"])
	if !ok || gros.Sign() <= 0 || gros.Cmp(big.NewRat(999999, 1)) > 0 {
		return nil, invalid, "grosAmount ist kein Betrag bis 999999"
	}
	items, _ := request["items"].([]any)
	if len(items) < 1 || len(items) > 99 {
		return nil, invalid, "items hat nicht 1 bis 99 Einträge"
	}
	sum := new(big.Rat)
	for i, one := range items {
		item, _ := one.(map[string]any)
		if what := judgeItem(item, sum, product); what != "" {
			return nil, invalid, fmt.Sprintf("items[%d].%s", i, what)
		}
		if booking, _ := item["bookingData"].(map[string]any); product == "epaybl" && len(booking) == 0 {
			return nil, "BOOKING_DATA_MISSING", fmt.Sprintf("items[%d] hat keine bookingData", i)
		}
	}
	if sum.Cmp(gros) != 0 {
		return nil, "CALCULATION_ERROR", "grosAmount ist nicht die Summe der Posten"
	}
	return request, "", ""
}

func holdsNull(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case map[string]any:
		for _, one := range v {
			if holdsNull(one) {
				return true
			}
		}
	case []any:
		return slices.ContainsFunc(v, holdsNull)
	}
	return false
}

// decimal reads a JSON number with at most two digits behind the point.
func decimal(v any) (*big.Rat, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return nil, false
	}
	r, ok := new(big.Rat).SetString(n.String())
	return r, ok && new(big.Rat).Mul(r, big.NewRat(100, 1)).IsInt()
}

func judgeItem(item map[string]any, sum *big.Rat, product string) string {
	for _, name := range []string{"id", "reference", "description"} {
		if s, _ := item[name].(string); s == "" || utf8.RuneCountInString(s) > 250 {
			return name + " fehlt oder ist zu lang"
		}
	}
	if id, _ := item["id"].(string); !idPattern.MatchString(id) {
		return "id ist keine Kennung"
	}
	for _, name := range []string{"taxRate", "quantity", "totalNetAmount", "totalTaxAmount", "singleNetAmount", "singleTaxAmount"} {
		n, ok := decimal(item[name])
		if !ok {
			return name + " ist keine Zahl mit höchstens zwei Nachkommastellen"
		}
		if name == "totalNetAmount" || name == "totalTaxAmount" {
			sum.Add(sum, n)
		}
	}
	booking, given := item["bookingData"]
	texts, isObject := booking.(map[string]any)
	switch {
	case given && !isObject:
		return "bookingData ist kein Objekt"
	case product == "epay21" && given && len(texts) == 0:
		return "bookingData ist leer"
	}
	for _, v := range texts {
		if _, ok := v.(string); !ok {
			return "bookingData hält etwas anderes als Text"
		}
	}
	return ""
}

func judgeRequestor(v any, product string) string {
	if v == nil {
		return ""
	}
	who, ok := v.(map[string]any)
	switch {
	case !ok:
		return "requestor ist kein Objekt"
	case product == "epay21":
		return "requestor ist nicht zulässig"
	}
	switch who["gender"] {
	case nil, "M", "F", "D":
	default:
		return "requestor.gender ist nicht M, F oder D"
	}
	if address, ok := who["address"].(map[string]any); ok {
		if country, _ := address["country"].(string); country != "" && len(country) != 2 {
			return "requestor.address.country hat nicht zwei Buchstaben"
		}
	}
	return ""
}
