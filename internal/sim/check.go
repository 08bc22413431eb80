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
	"ags":         matching(`^[0-9]{5}([0-9]{3})?$`, "ist kein Gemeindeschlüssel"),
	"plz":         matching(`^[0-9]{5}$`, "ist keine Postleitzahl"),
	"state":       matching(`^[A-Z]{2}$`, "ist kein Staat"),
	"chip":        matching(`^[0-9]{15}$`, "hat nicht 15 Ziffern"),
	"letter":      matching(`^[A-Z]$`, "ist kein Buchstabe"),
	"digits":      matching(`^[0-9]+$`, "besteht nicht aus Ziffern"),
	"number":      matching(`^[0-9]+([.][0-9]+)?$`, "ist keine Zahl"),
	"amount":      matching(`^[0-9]{1,9}[.][0-9]{2}$`, "ist kein Betrag mit zwei Nachkommastellen"),
	"yes-no":      matching(`^(true|false|ja|nein|J|N)$`, "ist weder ja noch nein"),
	"change":      matching(`^(neu|änderung|aenderung|abgang)$`, "ist keine Vorgangsart"),
	"count":       matching(`^[1-9][0-9]?$`, "ist keine Anzahl von 1 bis 99"),
	"year":        matching(`^20[0-9]{2}$`, "ist kein Jahr"),
	"email":       matching(`^[^@\s]+@[^@\s]+[.][^@\s]+$`, "ist keine Mailadresse"),
	"district":    matching(`^[0-9]{5}$`, "ist kein Kreisschlüssel"),
	"date":        dated("2006-01-02", false),
	"german-date": dated("02.01.2006", false),
	"month":       dated("2006-01-02", true),
	"day":         dated("20060102", false),
	"day-one":     dated("20060102", true),
	"iban":        iban,

	"fraction":   matching(`^[RBPG]$`, "ist keine Abfallart: R, B, P oder G"),
	"bin-order":  matching(`^(NEU|TAUSCH|ZUSATZ)$`, "ist kein Anlass"),
	"bin-end":    matching(`^(WECHSEL|UMZUG|LEER|ABRISS|ZUVIEL)$`, "ist kein Grund"),
	"bin-action": matching(`^(AUF|TAUSCH|BLEIBT)$`, "ist keine Aktion"),
	"owner":      matching(`^(eigentuemer|eigentuemergemeinschaft|erbbauberechtigt|verwaltung)$`, "bestellt nicht: bestellen kann, wem das Grundstück gehört oder wer es verwaltet"),
	"bio":        matching(`^(behaelter|befreit)$`, "ist weder behaelter noch befreit"),
	"plate-case": matching(`^(NEU|VERLAENGERUNG|ERSATZ)$`, "ist kein Vorgang"),
	"plate-use":  matching(`^[PR]$`, "ist keine Nutzung"),

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
