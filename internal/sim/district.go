package sim

import (
	"fmt"
	"net/http"
	"strings"
)

// newDistrict keeps the register of riding plates (§ 62 LNatSchG NRW) and answers
// with a case number.
func newDistrict(p *partner, sheet map[string]field) http.Handler {
	d := &jsonDesk{partner: p, path: "/antraege", sheet: sheet, more: plateCase,
		number: func(n int, doc map[string]any) map[string]string {
			return map[string]string{"aktenzeichen": fmt.Sprintf("70.3-R-%05d", n), "kennzeichen": strings.Join(platesOf(n, doc), ", ")}
		}}
	return d.mux()
}

// platesOf are the plates of the n-th case: those it names, or new ones.
func platesOf(n int, doc map[string]any) (plates []string) {
	if named, ok := doc["kennzeichen"].([]any); ok {
		for _, plate := range named {
			plates = append(plates, fmt.Sprint(plate))
		}
		return plates
	}
	for i := range number(doc["anzahl"]) {
		plates = append(plates, fmt.Sprintf("MU-R %d", n*100+i+1))
	}
	return plates
}

// plateCase demands what each kind of case needs: competent is the district of the
// main residence, plates are named where they exist, and the stable only of those
// who let others ride.
func plateCase(doc map[string]any) []FieldError {
	var out []FieldError
	complain := func(field, what string) { out = append(out, FieldError{field, what}) }
	holder := doc["halter"].(map[string]any)
	if !strings.HasPrefix(fmt.Sprint(holder["gemeinde"]), fmt.Sprint(doc["kreis"])) {
		complain("halter.gemeinde", "liegt nicht in diesem Kreis: zuständig ist der Kreis der Hauptwohnung")
	}
	plates, _ := doc["kennzeichen"].([]any)
	switch isNew := doc["art"] == "NEU"; {
	case isNew && len(plates) > 0:
		complain("kennzeichen", "gibt es vor der Ausgabe noch nicht")
	case !isNew && len(plates) != number(doc["anzahl"]):
		complain("kennzeichen", "sind nicht so viele, wie anzahl sagt")
	}
	seen := map[string]bool{}
	for _, plate := range plates {
		if seen[fmt.Sprint(plate)] {
			complain("kennzeichen", "sind nicht alle verschieden")
		}
		seen[fmt.Sprint(plate)] = true
	}
	if _, lost := doc["verlust"]; lost != (doc["art"] == "ERSATZ") {
		complain("verlust", "gehört zum Ersatz, und nur dazu")
	}
	if _, stable := doc["stall"]; stable && doc["nutzung"] != "R" {
		complain("stall", "geht hier nur beim Reitbetrieb etwas an")
	}
	if paid, ok := doc["bezahlt"].(map[string]any); ok && paid["betrag"] != doc["gebuehr"] {
		complain("bezahlt.betrag", "ist nicht die Gebühr")
	}
	return out
}
