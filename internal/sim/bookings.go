package sim

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// bookings is a finance system that takes XML: one booking each request, in capitals
// and cents. It answers 200 to everything that it has read, with a Kassenzeichen or
// the number of a mistake.
//
//	101  no booking that can be read     104  a name is not in capitals
//	102  something is missing            105  the instalments do not add up
//	103  no such kind of booking         106  the case was booked with other content
type bookings struct{ *partner }

func newBookings(p *partner) http.Handler {
	d := &bookings{p}
	p.refuse = func(w http.ResponseWriter) { d.mistake(w, 199) }
	m := http.NewServeMux()
	m.HandleFunc("POST /schnittstelle/buchungen", d.post)
	return m
}

// booking is what it reads. What it does not know it refuses.
type booking struct {
	XMLName xml.Name   `xml:"urn:wiesenbrueck:buchung buchung"`
	Kind    string     `xml:"art,attr"`
	Client  string     `xml:"mandant,attr"`
	Case    string     `xml:"fall"`
	Name    string     `xml:"person>name"`
	Born    string     `xml:"person>geboren"`
	Street  string     `xml:"person>strasse"`
	Town    string     `xml:"person>ort"`
	IBAN    string     `xml:"person>iban"`
	Items   []bookItem `xml:"posten"`
	Other   []struct {
		XMLName xml.Name
	} `xml:",any"`
}

type bookItem struct {
	N     int    `xml:"nr,attr"`
	Text  string `xml:"text"`
	From  string `xml:"ab"`
	Until string `xml:"bis"`
	Cents *int   `xml:"cent"`
	Rates []int  `xml:"rate"`
}

var capitals = regexp.MustCompile(`^[A-Z0-9 .,/-]{1,60}$`)

// judgeBooking gives the number of the first mistake, or 0.
func judgeBooking(body []byte) int {
	d := xml.NewDecoder(bytes.NewReader(body))
	d.CharsetReader = func(label string, in io.Reader) (io.Reader, error) {
		if !strings.EqualFold(label, "iso-8859-1") {
			return nil, fmt.Errorf("the character set %s is not read here", label)
		}
		return charmap.ISO8859_1.NewDecoder().Reader(in), nil
	}
	var b booking
	if err := d.Decode(&b); err != nil || len(b.Other) > 0 {
		return 101
	}
	complaint := func(check, v string) bool { return v != "" && checks[check](v) != "" }
	switch {
	case checks["ags"](b.Client) != "", b.Case == "", b.Name == "", b.Street == "", b.Town == "", len(b.Items) == 0:
		return 102
	case !slices.Contains([]string{"HUND-ZU", "HUND-AB", "ABFALL-ZU", "ABFALL-AB"}, b.Kind):
		return 103
	case !capitals.MatchString(b.Name), !capitals.MatchString(b.Street), !capitals.MatchString(b.Town):
		return 104
	case complaint("iban", b.IBAN), complaint("date", b.Born):
		return 102
	}
	for i, item := range b.Items {
		switch ends := strings.HasSuffix(b.Kind, "-AB"); {
		case item.N != i+1, item.Text == "", ends && item.Until == "", !ends && (item.From == "" || item.Cents == nil), complaint("date", item.From), complaint("date", item.Until):
			return 102
		case !capitals.MatchString(item.Text):
			return 104
		}
		sum := 0
		for _, rate := range item.Rates {
			sum += rate
		}
		if len(item.Rates) > 0 && (item.Cents == nil || sum != *item.Cents) {
			return 105
		}
	}
	return 0
}

func (d *bookings) post(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("vorgang")
	if r.Header.Get("X-Zugang") == "" || r.Header.Get("X-Mandant") == "" {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";"); id == "" || kind != "application/xml" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return // broke off
	}
	if n := judgeBooking(body); n != 0 {
		d.mistake(w, n)
		return
	}
	given, what := d.take(incoming{id: id, contentType: r.Header.Get("Content-Type"), body: body}, d.currentFaults().Forgetful, func(n int) map[string]string {
		return map[string]string{"kassenzeichen": fmt.Sprintf("W%08d", n)}
	})
	if what == altered {
		d.mistake(w, 106)
		return
	}
	quittance(w, "<kassenzeichen>"+given["kassenzeichen"]+"</kassenzeichen>")
}

func (d *bookings) mistake(w http.ResponseWriter, n int) {
	d.refused()
	quittance(w, fmt.Sprintf("<fehler><nummer>%d</nummer></fehler>", n))
}

func quittance(w http.ResponseWriter, what string) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, `<?xml version="1.0" encoding="UTF-8"?><quittung>`+what+`</quittung>`) // the other side may have gone
}
