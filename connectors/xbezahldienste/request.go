package xbezahldienste

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"stellwerk/connectors"
)

// invalidError is a payment request that the provider would refuse, with every
// complaint: the field's path and what is wrong, never its value.
type invalidError struct {
	code       string
	complaints []string
}

func (e *invalidError) Error() string { return strings.Join(e.complaints, "; ") }

// paper is a request being checked.
type paper struct{ complaints []string }

func (p *paper) complain(at, what string) { p.complaints = append(p.complaints, at+" "+what) }

// field is a rule for one member: take gives the value to be sent.
type field struct {
	must bool
	take func(p *paper, at string, v any) any
}

// The standard's fields. https://docs.fitko.de/xbezahldienste
var (
	requestFields = map[string]field{
		"requestId":        {true, matching(`^[A-Za-z0-9_-]{1,36}$`, "has letters, digits, _ and -, 36 at most")},
		"requestTimestamp": {true, timestamp},
		"currency":         {true, oneOf("EUR")},
		"grosAmount":       {true, money(1, 99_999_900)},
		"purpose":          {true, matching(`^[A-Za-z0-9_\s-]{1,27}$`, "has letters without umlauts, digits, blanks, _ and -, 27 at most")},
		"description":      {false, matching(`^[A-Za-z0-9_\s,.À-ſ-]{1,250}$`, "has letters, digits, blanks, comma, point, _ and -, 250 at most")},
		"redirectUrl":      {true, address},
		"items":            {true, list(1, 99, itemFields)},
		"requestor":        {false, object(requestorFields)},
	}
	itemFields = map[string]field{
		"id":              {true, matching(`^[A-Za-z0-9_-]{1,36}$`, "has letters, digits, _ and -, 36 at most")},
		"reference":       {true, text(1, 250)},
		"description":     {true, text(1, 250)},
		"taxRate":         {true, money(0, 100_00)},
		"quantity":        {true, money(1, 999_999_99)},
		"totalNetAmount":  {true, money(-99_999_900, 99_999_900)},
		"totalTaxAmount":  {true, money(-99_999_900, 99_999_900)},
		"singleNetAmount": {true, money(-99_999_900, 99_999_900)},
		"singleTaxAmount": {true, money(-99_999_900, 99_999_900)},
		"bookingData":     {false, texts},
	}
	requestorFields = map[string]field{
		"name":             {false, text(1, 250)},
		"firstName":        {false, text(1, 250)},
		"gender":           {false, oneOf("M", "F", "D")},
		"isOrganization":   {false, boolean},
		"organizationName": {false, text(1, 250)},
		"address":          {false, object(addressFields)},
	}
	addressFields = map[string]field{
		"street":      {false, text(1, 250)},
		"houseNumber": {false, text(1, 50)},
		"addressLine": {false, lines},
		"postalCode":  {false, text(1, 20)},
		"city":        {false, text(1, 250)},
		"country":     {false, matching(`^[A-Z]{2}$`, "is a country's code of two letters")},
	}
	// misspelt are names that people write in their own language's spelling.
	misspelt = map[string]string{"grossAmount": "grosAmount", "amount": "grosAmount", "requester": "requestor", "redirectURL": "redirectUrl", "organisationName": "organizationName", "isOrganisation": "isOrganization"}
)

// request makes the body to be sent from the document. The amount is in cents.
func (c *config) request(m *connectors.Message, now time.Time) (body []byte, total int64, err error) {
	doc, err := decode(m.Body)
	if err != nil {
		return nil, 0, &invalidError{"request-invalid", []string{"the document " + err.Error()}}
	}
	doc["requestId"] = m.ID
	doc["requestTimestamp"] = now.UTC().Format(time.RFC3339)
	if doc["currency"] == nil {
		doc["currency"] = "EUR"
	}
	if len(c.redirect) > 0 {
		if doc["redirectUrl"], err = c.redirect.Fill(m, url.QueryEscape); err != nil {
			return nil, 0, err
		}
	}
	if c.noRequestor {
		delete(doc, "requestor")
	}
	var p paper
	out := p.object("", doc, requestFields)
	if c.noEmptyBooking {
		dropEmptyBooking(out)
	}
	code := "request-invalid"
	if len(p.complaints) == 0 {
		code = "sums-differ"
		p.sums(out)
	}
	if len(p.complaints) > 0 {
		return nil, 0, &invalidError{code, p.complaints}
	}
	total, _ = cents(out["grosAmount"])
	body, err = json.Marshal(out)
	return body, total, err
}

func decode(body []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var doc map[string]any
	if err := d.Decode(&doc); err != nil || doc == nil {
		return nil, errors.New("is no JSON object")
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, errors.New("goes on after its end")
	}
	return doc, nil
}

// object checks the members of an object and leaves out what is null.
func (p *paper) object(at string, doc map[string]any, fields map[string]field) map[string]any {
	out := make(map[string]any, len(doc))
	for name, v := range doc {
		place := join(at, name)
		f, ok := fields[name]
		switch {
		case !ok && misspelt[name] != "":
			p.complain(place, "is not in the standard, which spells it "+misspelt[name])
		case !ok && idForm.MatchString(name):
			p.complain(place, "is not in the standard")
		case !ok:
			p.complain(at, "has a member that is not in the standard")
		case v != nil:
			out[name] = f.take(p, place, v)
		}
	}
	for name, f := range fields {
		if f.must && doc[name] == nil {
			p.complain(join(at, name), "is missing")
		}
	}
	return out
}

func join(at, name string) string {
	if at == "" {
		return name
	}
	return at + "." + name
}

// sums holds the amounts against each other, before the provider answers
// CALCULATION_ERROR. Single amounts are rounded, up to half a cent each.
func (p *paper) sums(doc map[string]any) {
	var sum int64
	for i, one := range doc["items"].([]any) {
		item := one.(map[string]any)
		quantity, _ := cents(item["quantity"]) // in hundredths
		for _, kind := range []string{"Net", "Tax"} {
			single, _ := cents(item["single"+kind+"Amount"])
			total, _ := cents(item["total"+kind+"Amount"])
			sum += total
			off := single*quantity - total*100
			if off < 0 {
				off = -off
			}
			if off > max(quantity, 100)/2+50 {
				p.complain(fmt.Sprintf("items[%d].total%sAmount", i, kind), "is not quantity times single"+kind+"Amount")
			}
		}
	}
	if gros, _ := cents(doc["grosAmount"]); gros != sum {
		p.complain("grosAmount", "is "+amount(gros)+", the items' net and tax make "+amount(sum))
	}
}

func dropEmptyBooking(doc map[string]any) {
	items, _ := doc["items"].([]any)
	for _, one := range items {
		if item, ok := one.(map[string]any); ok {
			if b, ok := item["bookingData"].(map[string]any); ok && len(b) == 0 {
				delete(item, "bookingData")
			}
		}
	}
}
