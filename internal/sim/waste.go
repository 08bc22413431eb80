package sim

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/text/encoding/charmap"
)

// newWaste takes orders for bins and answers with the order's number.
func newWaste(p *partner, sheet map[string]field) http.Handler {
	d := &jsonDesk{partner: p, path: "/auftraege", sheet: sheet, more: binOrder,
		number: func(n int, _ map[string]any) map[string]string {
			return map[string]string{"auftragsnummer": orderNumber(n)}
		}}
	return d.mux()
}

func orderNumber(n int) string { return fmt.Sprintf("A-%06d", n) }

// stock is what the company has, by fraction: litres of its bins.
var stock = map[string][]int{
	"R": {40, 60, 80, 90, 120, 240, 770, 1100},
	"B": {60, 80, 120, 240},
	"P": {120, 240, 1100},
	"G": {120, 240, 1100},
}

// bin is one line of an order, as both ways of ordering say it.
type bin struct {
	at       string // for complaints
	fraction string
	litres   int
	count    int
	action   string // AUF, TAUSCH, BLEIBT; "" where bins are taken away
	before   string // the type of the bin that is exchanged
	numbers  int
}

// complaints judges a line by itself.
func (b *bin) complaints() []FieldError {
	var out []FieldError
	complain := func(field, what string) { out = append(out, FieldError{b.at + field, what}) }
	if !slices.Contains(stock[b.fraction], b.litres) {
		complain("liter", "gibt es für diese Abfallart nicht")
	}
	switch {
	case b.action == "TAUSCH" && b.before == "":
		complain("bisher", "fehlt: wogegen wird getauscht?")
	case b.action == "AUF" && b.before != "":
		complain("bisher", "gehört nicht zu einer neuen Aufstellung")
	case b.action == "" && b.numbers > b.count:
		complain("nummern", "sind mehr als die Behälter")
	}
	return out
}

// ordered judges an order as a whole: residual volume is added up again, and a
// property has a bio bin or is exempt.
func ordered(bins []bin, volume int, bio string) []FieldError {
	var out []FieldError
	sum, bioBins := 0, 0
	for i := range bins {
		out = append(out, bins[i].complaints()...)
		switch bins[i].fraction {
		case "R":
			sum += bins[i].litres * bins[i].count
		case "B":
			bioBins++
		}
	}
	switch {
	case bins[0].action == "":
		return out // taken away: what stays is not listed
	case sum == 0:
		out = append(out, FieldError{"behaelter", "kein Behälter für Restabfall: jedes Grundstück braucht einen"})
	case sum != volume:
		out = append(out, FieldError{"restvolumen", fmt.Sprintf("ist nicht die Summe der Behälter, %d", sum)})
	}
	switch {
	case bio == "":
		out = append(out, FieldError{"bioabfall", "fehlt: Biotonne oder Befreiung?"})
	case bio == "befreit" && bioBins > 0, bio == "behaelter" && bioBins == 0:
		out = append(out, FieldError{"bioabfall", "passt nicht zu den bestellten Behältern"})
	}
	return out
}

// binOrder demands what the two kinds of orders need.
func binOrder(doc map[string]any) []FieldError {
	var out []FieldError
	_, brings := doc["anlass"]
	_, takes := doc["grund"]
	need := func(names ...string) {
		for _, name := range names {
			if _, ok := doc[name]; !ok {
				out = append(out, FieldError{name, "fehlt"})
			}
		}
	}
	switch {
	case brings == takes:
		return []FieldError{{"anlass", "es gibt entweder einen anlass oder einen grund"}}
	case brings:
		need("ab")
	default:
		need("zum", "abholung-ab")
		if fmt.Sprint(doc["abholung-ab"]) <= fmt.Sprint(doc["zum"]) {
			out = append(out, FieldError{"abholung-ab", "liegt nicht nach zum"})
		}
		if doc["grund"] == "WECHSEL" {
			need("neuer-eigentuemer")
		}
	}
	var bins []bin
	for i, one := range doc["behaelter"].([]any) {
		line := one.(map[string]any)
		b := bin{at: fmt.Sprintf("behaelter[%d].", i), fraction: fmt.Sprint(line["fraktion"]), litres: number(line["liter"]), count: number(line["anzahl"])}
		if v, ok := line["aktion"]; ok {
			b.action = fmt.Sprint(v)
		}
		if before, ok := line["bisher"].(map[string]any); ok {
			b.before = fmt.Sprint(before["typ"])
		}
		if list, ok := line["nummern"].([]any); ok {
			b.numbers = len(list)
		}
		if line["typ"] != fmt.Sprintf("MGB%d", b.litres) {
			out = append(out, FieldError{b.at + "typ", "passt nicht zu den Litern"})
		}
		if (b.action == "") == brings {
			out = append(out, FieldError{b.at + "aktion", "gehört zu einer Bestellung, und nur dahin"})
		}
		bins = append(bins, b)
	}
	property := doc["grundstueck"].(map[string]any)
	bio, _ := property["bioabfall"].(string)
	return append(out, ordered(bins, number(property["restvolumen"]), bio)...)
}

func number(v any) int {
	n, ok := v.(json.Number)
	if !ok {
		return 0
	}
	i, _ := strconv.Atoi(n.String()) // the sheet has checked its digits
	return i
}

// newWasteLists reads orders as tables: windows-1252, semicolons, the first line
// has the names of the columns.
func newWasteLists(p *partner) *dropBox {
	return &dropBox{partner: p, contentType: "text/csv; charset=windows-1252", marked: true, read: readList,
		number: func(n int) (string, string) { return "auftragsnummer", orderNumber(n) }}
}

// column is what a table's column takes.
type column struct {
	name     string
	check    string
	required bool
}

// The two tables, column by column: what is not here, or in another place, is
// refused.
var (
	orderHead = []column{{"Auftrag", "text", true}, {"Zeile", "digits", true}, {"Anlass", "bin-order", true}, {"Ab", "german-date", true}}
	takeHead  = []column{{"Auftrag", "text", true}, {"Zeile", "digits", true}, {"Grund", "bin-end", true}, {"Zum", "german-date", true}, {"AbholungAb", "german-date", true}}
	property  = []column{
		{"Besteller", "text", true}, {"Vorname", "", false}, {"Telefon", "", false}, {"Rolle", "owner", true}, {"Objekt", "", false}, {"Straße", "text", true},
		{"Hausnummer", "text", true}, {"Zusatz", "", false}, {"PLZ", "plz", true}, {"Ort", "text", true}, {"Personen", "digits", true}, {"Restvolumen", "digits", true},
	}
	orderBin = []column{{"Bioabfall", "bio", true}, {"Fraktion", "fraction", true}, {"Liter", "digits", true}, {"Anzahl", "count", true}, {"Aktion", "bin-action", true}, {"Bisher", "digits", false}, {"Nummer", "", false}, {"Standort", "", false}}
	takeBin  = []column{{"Fraktion", "fraction", true}, {"Liter", "digits", true}, {"Anzahl", "count", true}, {"Nummern", "", false}, {"Standort", "", false}}
)

// readList judges a table line by line; it holds one order.
func readList(content []byte) (records int, wrong []LineError) {
	text, err := charmap.Windows1252.NewDecoder().Bytes(content)
	if err != nil {
		return 0, []LineError{{Line: 1, Error: "ist nicht windows-1252"}}
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comma = ';'
	rows, err := r.ReadAll()
	if err != nil || len(rows) < 2 {
		return 0, []LineError{{Line: 1, Error: "ist keine Tabelle mit Kopf und Zeilen, überall gleich breit"}}
	}
	columns, brings := slices.Concat(takeHead, property, takeBin), false
	if slices.Contains(rows[0], "Anlass") {
		columns, brings = slices.Concat(orderHead, property, orderBin), true
	}
	if !slices.EqualFunc(rows[0], columns, func(have string, want column) bool { return have == want.name }) {
		return 0, []LineError{{Line: 1, Error: "hat andere Spalten"}}
	}
	var bins []bin
	var last map[string]string
	for i, row := range rows[1:] {
		line := map[string]string{}
		for j, c := range columns {
			v := row[j]
			line[c.name] = v
			complaint := ""
			switch check := checks[c.check]; {
			case v == "" && c.required:
				complaint = "fehlt"
			case strings.HasPrefix(v, "=") || strings.HasPrefix(v, "@") || strings.HasPrefix(v, "+"):
				complaint = "liest sich wie eine Formel"
			case v != "" && check != nil:
				complaint = check(v)
			}
			if complaint != "" {
				wrong = append(wrong, LineError{Line: i + 2, Position: j + 1, Field: c.name, Error: complaint})
			}
		}
		for _, same := range []string{"Auftrag", "Besteller", "Straße", "Hausnummer", "Restvolumen"} {
			if last != nil && last[same] != line[same] {
				wrong = append(wrong, LineError{Line: i + 2, Field: same, Error: "ist nicht wie in der Zeile davor: eine Tabelle ist ein Auftrag"})
			}
		}
		last = line
		litres, _ := strconv.Atoi(line["Liter"])
		count, _ := strconv.Atoi(line["Anzahl"])
		bins = append(bins, bin{at: fmt.Sprintf("Zeile %d ", i+2), fraction: line["Fraktion"], litres: litres, count: count, action: line["Aktion"],
			before: line["Bisher"], numbers: len(strings.Fields(line["Nummern"]))})
	}
	if len(wrong) > 0 {
		return 0, wrong
	}
	volume, _ := strconv.Atoi(last["Restvolumen"])
	bio := ""
	if brings {
		bio = last["Bioabfall"]
	}
	for _, e := range ordered(bins, volume, bio) {
		wrong = append(wrong, LineError{Line: 1, Field: e.Field, Error: e.Error})
	}
	return len(bins), wrong
}
