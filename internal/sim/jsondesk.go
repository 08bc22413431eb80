package sim

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// jsonDesk takes JSON documents by Idempotency-Key, judges them by a sheet and
// gives each a number of its own: finance and public order work alike.
type jsonDesk struct {
	*partner
	path   string
	sheet  map[string]field
	more   func(doc map[string]any) []FieldError // rules over several fields
	number func(n int, doc map[string]any) map[string]string
}

// newFinance books assessments and answers with a Kassenzeichen.
func newFinance(p *partner, sheet map[string]field) http.Handler {
	d := &jsonDesk{partner: p, path: "/veranlagungen", sheet: sheet, more: assessment,
		number: func(n int, _ map[string]any) map[string]string {
			return map[string]string{
				"kassenzeichen": fmt.Sprintf("5.%07d.%d", n, checkDigit(n)),
				"bescheid":      fmt.Sprintf("B-%06d", n),
			}
		}}
	return d.mux()
}

// checkDigit is the digit sum of n weighted 2 and 1 in turn, filled up to ten.
func checkDigit(n int) int {
	sum := 0
	for weight := 2; n > 0; n, weight = n/10, 3-weight {
		sum += n % 10 * weight
	}
	return (10 - sum%10) % 10
}

// assessment demands what each kind of change needs.
func assessment(doc map[string]any) []FieldError {
	var out []FieldError
	need := func(names ...string) {
		for _, name := range names {
			if _, ok := doc[name]; !ok {
				out = append(out, FieldError{name, "fehlt"})
			}
		}
	}
	switch doc["vorgangsart"] {
	case "neu":
		need("beginn", "jahresbetrag")
	case "abgang":
		need("ende")
	}
	return out
}

// newPublicOrder keeps notices of dogs and answers with a case number.
func newPublicOrder(p *partner, sheet map[string]field) http.Handler {
	d := &jsonDesk{partner: p, path: "/meldungen", sheet: sheet, more: competent,
		number: func(n int, _ map[string]any) map[string]string {
			return map[string]string{"vorgang": fmt.Sprintf("32.20-%05d", n)}
		}}
	return d.mux()
}

// competent refuses dogs that are none of the Ordnungsamt's business: neither
// listed nor large (§ 11 LHundG NRW: 40 cm or 20 kg). The end of a dog's keeping
// names the dog that was notified once, without its measures.
func competent(doc map[string]any) []FieldError {
	dogs, _ := doc["hunde"].([]any)
	for i, one := range dogs {
		dog, _ := one.(map[string]any)
		if home, ok := dog["neuer-halter"].(map[string]any); ok && home["plz"] == nil && home["staat"] == nil {
			return []FieldError{{fmt.Sprintf("hunde[%d].neuer-halter.plz", i), "fehlt"}}
		}
	}
	for _, one := range dogs {
		dog, _ := one.(map[string]any)
		var height, weight float64
		_, _ = fmt.Sscan(fmt.Sprint(dog["schulterhoehe"]), &height)
		_, _ = fmt.Sscan(fmt.Sprint(dog["gewicht"]), &weight)
		switch listed := fmt.Sprint(dog["gelistet"]); {
		case listed == "true", listed == "ja", listed == "J", height >= 40, weight >= 20, dog["ende"] != nil:
			return nil
		}
	}
	return []FieldError{{"hunde", "keiner ist gelistet oder groß: das Ordnungsamt ist nicht zuständig"}}
}

func (d *jsonDesk) mux() http.Handler {
	d.refuse = func(w http.ResponseWriter) {
		d.refuseFor(w, []FieldError{{"", "wurde abgelehnt"}})
	}
	m := http.NewServeMux()
	m.HandleFunc("POST "+d.path, d.post)
	m.HandleFunc("GET "+d.path+"/{id}", d.get)
	m.HandleFunc("GET /status", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, http.StatusOK, map[string]string{"status": "bereit"})
	})
	return m
}

func (d *jsonDesk) refuseFor(w http.ResponseWriter, errors []FieldError) {
	d.refused()
	answer(w, http.StatusUnprocessableEntity, struct {
		Code   string       `json:"code"`
		Fields []FieldError `json:"felder"`
	}{"feldpruefung", errors})
}

func (d *jsonDesk) post(w http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Idempotency-Key")
	if id == "" || len(id) > 100 {
		answer(w, http.StatusBadRequest, map[string]string{"code": "schluessel-fehlt"})
		return
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); kind != "application/json" {
		answer(w, http.StatusUnsupportedMediaType, map[string]string{"code": "kein-json"})
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // the request broke off; nothing is taken
	}
	doc, errors := judge(d.sheet, body)
	if len(errors) == 0 {
		errors = d.more(doc)
	}
	if len(errors) > 0 {
		d.refuseFor(w, errors)
		return
	}
	given, what := d.take(incoming{id: id, contentType: r.Header.Get("Content-Type"), body: body}, d.currentFaults().Forgetful,
		func(n int) map[string]string { return d.number(n, doc) })
	switch what {
	case altered:
		answer(w, http.StatusConflict, map[string]string{"code": "schluessel-vergeben"})
	case repeated:
		answer(w, http.StatusOK, given)
	default:
		answer(w, http.StatusCreated, given)
	}
}

func (d *jsonDesk) get(w http.ResponseWriter, r *http.Request) {
	given, ok := d.find(r.PathValue("id"))
	if !ok {
		answer(w, http.StatusNotFound, map[string]string{"code": "unbekannt"})
		return
	}
	answer(w, http.StatusOK, given)
}

// readJSON reads a small JSON object of texts.
func readJSON(r io.Reader, into any) error {
	return json.NewDecoder(io.LimitReader(r, 1<<20)).Decode(into)
}
