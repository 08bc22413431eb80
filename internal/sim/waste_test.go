package sim_test

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"stellwerk/internal/sim"
)

func example(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile("../../mappings/" + file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// What a waste company and a district's register would refuse is refused, each for
// its own reason.
func TestWasteAndDistrictRefuse(t *testing.T) {
	tw, client := town(t, sim.Options{})
	place := example(t, "abfallbehaelter-anmeldung/examples/groessenwechsel.waste.json")
	exempt := example(t, "abfallbehaelter-anmeldung/examples/eigenkompostierung.waste.json")
	take := example(t, "abfallbehaelter-abmeldung/examples/verkauf.waste.json")
	fresh := example(t, "reitkennzeichen/examples/ausgabe.district.json")
	renewed := example(t, "reitkennzeichen/examples/verlaengerung.district.json")
	lost := example(t, "reitkennzeichen/examples/verlust.district.json")
	for i, test := range []struct{ doc, old, new, says string }{
		{place, "", "", ""},
		{place, `"fraktion": "P"`, `"fraktion": "X"`, "keine Abfallart"},
		{place, `"liter": 1100`, `"liter": 1200`, "gibt es für diese Abfallart nicht"},
		{place, `"fraktion": "P"`, `"fraktion": "B"`, "gibt es für diese Abfallart nicht"},
		{place, `"typ": "MGB1100"`, `"typ": "MGB240"`, "passt nicht zu den Litern"},
		{place, `"restvolumen": 840`, `"restvolumen": 960`, "nicht die Summe"},
		{place, `"anzahl": 3`, `"anzahl": 0`, "keine Anzahl"},
		{place, "\"bisher\": {\n        \"typ\": \"MGB60\",\n        \"nummer\": \"R-060-11873\"\n      }", `"standort": "Hof"`, "wogegen wird getauscht"},
		{place, `"aktion": "BLEIBT"`, `"aktion": "WEG"`, "keine Aktion"},
		{place, `"rolle": "verwaltung"`, `"rolle": "mieterin"`, "bestellen kann, wem das Grundstück gehört"},
		{place, `"bioabfall": "behaelter"`, `"bioabfall": "befreit"`, "passt nicht zu den bestellten"},
		{place, `"anlass": "TAUSCH"`, `"anlass": "TAUSCH", "grund": "LEER"`, "entweder"},
		{place, `"bemerkung":`, `"iban": "DE89370400440532013000", "bemerkung":`, "nicht vorgesehen"},
		{exempt, "", "", ""},
		{exempt, `"fraktion": "R"`, `"fraktion": "G"`, "kein Behälter für Restabfall"},
		{exempt, "\"bioabfall\": \"befreit\",\n    ", "", "Biotonne oder Befreiung"},
		{take, "", "", ""},
		{take, `"abholung-ab": "2026-08-03"`, `"abholung-ab": "2026-07-31"`, "liegt nicht nach zum"},
		{take, `"neuer-eigentuemer"`, `"grundbuch"`, "nicht vorgesehen"},
		{take, `"anzahl": 2`, `"anzahl": 1`, "mehr als die Behälter"},
		{take, `"nummern": [`, `"aktion": "AUF", "nummern": [`, "gehört zu einer Bestellung"},
		{fresh, "", "", ""},
		{fresh, `"gebuehr": "39.50",`, ``, "gebuehr"},
		{fresh, `"betrag": "39.50"`, `"betrag": "30.00"`, "nicht die Gebühr"},
		{fresh, `"gemeinde": "05999040"`, `"gemeinde": "05998040"`, "Kreis der Hauptwohnung"},
		{fresh, `"kreis": "05999"`, `"kreis": "05999040"`, "kein Kreisschlüssel"},
		{fresh, `"anzahl": 1`, `"anzahl": 1, "kennzeichen": ["SO-R 1"]`, "vor der Ausgabe"},
		{fresh, `"nutzung": "P"`, `"nutzung": "P", "stall": {"ort": "Musterstadt"}`, "Reitbetrieb"},
		{renewed, "", "", ""},
		{renewed, `"anzahl": 3`, `"anzahl": 2`, "nicht so viele"},
		{renewed, `"SO-R 1042"`, `"SO-R 1041"`, "nicht alle verschieden"},
		{lost, "", "", ""},
		{lost, `"art": "ERSATZ"`, `"art": "VERLAENGERUNG"`, "gehört zum Ersatz"},
	} {
		url := tw.Waste + "/auftraege"
		if strings.Contains(test.doc, `"kreis"`) {
			url = tw.District + "/antraege"
		}
		if !strings.Contains(test.doc, test.old) {
			t.Fatalf("the example does not hold %s", test.old)
		}
		body, want := strings.Replace(test.doc, test.old, test.new, 1), 422
		if test.old == "" {
			want = 201
		}
		status, answer := call{url: url, body: body, header: map[string]string{"Idempotency-Key": strconv.Itoa(i), "Content-Type": "application/json"}}.do(t)
		if status != want || !strings.Contains(answer, test.says) {
			t.Errorf("%s for %s: %d %s", test.new, test.old, status, answer)
		}
	}
	for desk, want := range map[string]int{"waste": 3, "district": 3} {
		if got, err := client.Received(t.Context(), desk, 0); err != nil || len(got) != want {
			t.Errorf("%s has taken %d documents (%v), want %d", desk, len(got), err, want)
		}
	}
}

// Tables are judged by line and column, a half one is left lying.
func TestWasteListsRefuse(t *testing.T) {
	tw, client := town(t, sim.Options{})
	good := example(t, "abfallbehaelter-anmeldung/examples/neubau.waste-csv.csv")
	head, _, _ := strings.Cut(good, "\n")
	for i, test := range []struct{ old, new, says string }{
		{";R;80;1;AUF", ";X;80;1;AUF", "Zeile 2, Position 18 Fraktion: ist keine Abfallart"},
		{";R;80;1;AUF", ";R;85;1;AUF", "gibt es für diese Abfallart nicht"},
		{";4;80;", ";4;70;", "nicht die Summe"},
		{"15.04.2026", "2026-04-15", "kein Datum"},
		{"links neben", "=links neben", "Formel"},
		{"Liter;Anzahl", "Menge;Anzahl", "andere Spalten"},
		{head, head + ";IBAN", "gleich breit"},
		{"MU-7K2P-94;2;", "MU-7K2P-95;2;", "eine Tabelle ist ein Auftrag"},
		{"eigentuemer", "mieterin", "Rolle: bestellt nicht"},
	} {
		if !strings.Contains(good, test.old) {
			t.Fatalf("the example does not hold %s", test.old)
		}
		file := filepath.Join(tw.WasteLists, strconv.Itoa(i)+".csv")
		if got := dropped(t, client, "waste-lists", file, []byte(strings.ReplaceAll(good, test.old, test.new))); !strings.Contains(got, test.says) {
			t.Errorf("%s for %s: %q", test.new, test.old, got)
		}
	}
	half := filepath.Join(tw.WasteLists, "half.csv")
	if err := os.WriteFile(half, []byte(good), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := client.Scan(t.Context(), "waste-lists"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(half); err != nil {
		t.Errorf("a table without its .done was taken: %v", err)
	}
	if got := dropped(t, client, "waste-lists", half, []byte(good)); got != "" {
		t.Errorf("the whole one: %s", got)
	}
	all, err := client.Received(t.Context(), "waste-lists", 0)
	if err != nil || len(all) != 1 || all[0].Answer["auftragsnummer-4"] != "A-000004" {
		t.Errorf("taken: %+v (%v)", all, err)
	}
	if _, err := charmap.Windows1252.NewDecoder().Bytes(all[0].Raw); err != nil || all[0].Raw == nil {
		t.Errorf("the table is not kept as it came: %v", err)
	}
}

// A finance system that answers 200 to everything says in the body what is wrong.
func TestBookingsRefuse(t *testing.T) {
	tw, client := town(t, sim.Options{})
	b, err := os.ReadFile("../../testdata/fourth/mappings/hundeanmeldung/examples/zwei-hunde.buchung.xml")
	if err != nil {
		t.Fatal(err)
	}
	good := string(b)
	for i, test := range []struct{ old, new, says string }{
		{"", "", "<kassenzeichen>W00000001<"},
		{"ISO-8859-1", "UTF-16", ">101<"},
		{"<b:fall>", "<b:hinweis>x</b:hinweis><b:fall>", ">101<"},
		{"urn:wiesenbrueck:buchung", "urn:andere", ">101<"},
		{"<b:cent>9100</b:cent>", "", ">102<"},
		{"DE89370400440532013000", "DE88370400440532013000", ">102<"},
		{`art="HUND-ZU"`, `art="KATZE"`, ">103<"},
		{"JOERG", "Jörg", ">104<"},
		{"<b:rate>2275</b:rate>", "", ">105<"},
	} {
		status, answer := call{url: tw.Bookings + "/schnittstelle/buchungen?vorgang=" + strconv.Itoa(i), body: strings.Replace(good, test.old, test.new, 1),
			header: map[string]string{"Content-Type": "application/xml", "X-Zugang": "x", "X-Mandant": "016"}}.do(t)
		if status != 200 || !strings.Contains(answer, test.says) {
			t.Errorf("%s for %s: %d %s", test.new, test.old, status, answer)
		}
	}
	if status, _ := (call{url: tw.Bookings + "/schnittstelle/buchungen?vorgang=x", body: good, header: map[string]string{"Content-Type": "application/xml"}}).do(t); status != 401 {
		t.Errorf("without access: %d", status)
	}
	if got, err := client.Received(t.Context(), "bookings", 0); err != nil || len(got) != 1 {
		t.Errorf("taken: %d (%v)", len(got), err)
	}
}
