package sim

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// checks are the rules by which partners judge a text. Each gives the complaint,
// in the partner's words, or nothing. They know nothing of the hub's own checks:
// a mistake there must not be excused here.
var checks = map[string]func(string) string{
	"text": func(v string) string {
		if strings.TrimSpace(v) == "" {
			return "ist leer"
		}
		return ""
	},
	"ags":      matching(`^[0-9]{5}([0-9]{3})?$`, "ist kein Gemeindeschlüssel"),
	"plz":      matching(`^[0-9]{5}$`, "ist keine Postleitzahl"),
	"chip":     matching(`^[0-9]{15}$`, "hat nicht 15 Ziffern"),
	"letter":   matching(`^[A-Z]$`, "ist kein Buchstabe"),
	"digits":   matching(`^[0-9]+$`, "besteht nicht aus Ziffern"),
	"number":   matching(`^[0-9]+([.][0-9]+)?$`, "ist keine Zahl"),
	"amount":   matching(`^[0-9]{1,9}[.][0-9]{2}$`, "ist kein Betrag mit zwei Nachkommastellen"),
	"yes-no":   matching(`^(true|false|ja|nein|J|N)$`, "ist weder ja noch nein"),
	"change":   matching(`^(neu|änderung|aenderung|abgang)$`, "ist keine Vorgangsart"),
	"date":     dated("2006-01-02", false),
	"month":    dated("2006-01-02", true),
	"day":      dated("20060102", false),
	"day-one":  dated("20060102", true),
	"iban":     iban,
	"no-taxid": func(string) string { return "darf nicht übermittelt werden: die Steuer-IdNr ist hier nicht zulässig" },
}

func matching(pattern, complaint string) func(string) string {
	re := regexp.MustCompile(pattern)
	return func(v string) string {
		if re.MatchString(v) {
			return ""
		}
		return complaint
	}
}

func dated(layout string, first bool) func(string) string {
	return func(v string) string {
		d, err := time.Parse(layout, v)
		switch {
		case err != nil:
			return "ist kein Datum"
		case first && d.Day() != 1:
			return "ist nicht der Erste eines Monats"
		}
		return ""
	}
}

var ibanShape = regexp.MustCompile(`^[A-Z]{2}[0-9]{2}[0-9A-Z]{11,30}$`)

// iban checks form and check digits (ISO 13616): the IBAN turned around, with
// letters as numbers from 10, leaves 1 when divided by 97.
func iban(v string) string {
	if !ibanShape.MatchString(v) || strings.HasPrefix(v, "DE") && len(v) != 22 {
		return "ist keine IBAN"
	}
	rest := 0
	for _, r := range v[4:] + v[:4] {
		if r >= 'A' {
			rest = (rest*100 + int(r-'A') + 10) % 97
		} else {
			rest = (rest*10 + int(r-'0')) % 97
		}
	}
	if rest != 1 {
		return "hat falsche Prüfziffern"
	}
	return ""
}

// FieldError is a complaint about one field.
type FieldError struct {
	Field string `json:"feld"`
	Error string `json:"fehler"`
}

func (e FieldError) String() string { return fmt.Sprintf("%s %s", e.Field, e.Error) }
