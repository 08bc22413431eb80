package sim_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"stellwerk/internal/sim"
)

// What the shipped mappings are expected to write, the partners take: two people
// have read the same rules.
func TestShippedDocumentsAreTaken(t *testing.T) {
	tw, client := town(t, sim.Options{})
	files, err := filepath.Glob("../../mappings/*/examples/*.*.*")
	if err != nil {
		t.Fatal(err)
	}
	own, err := filepath.Glob("../../testdata/fourth/mappings/*/examples/*.buchung.xml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, own...)
	taken := map[string]int{}
	for i, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		parts := strings.Split(filepath.Base(file), ".")
		document := parts[len(parts)-2]
		json := map[string]string{"Idempotency-Key": strconv.Itoa(i), "Content-Type": "application/json"}
		var status int
		var answer string
		switch document {
		case "finance":
			status, answer = call{url: tw.Finance + "/veranlagungen", body: string(body), header: json}.do(t)
		case "public-order":
			status, answer = call{url: tw.PublicOrder + "/meldungen", body: string(body), header: json}.do(t)
		case "waste":
			status, answer = call{url: tw.Waste + "/auftraege", body: string(body), header: json}.do(t)
		case "buchung":
			status, answer = call{url: tw.Bookings + "/schnittstelle/buchungen?vorgang=" + strconv.Itoa(i), body: string(body),
				header: map[string]string{"Content-Type": "application/xml", "X-Zugang": "x", "X-Mandant": "016"}}.do(t)
			if !strings.Contains(answer, "kassenzeichen") {
				status = 422
			}
		case "district":
			status, answer = call{url: tw.District + "/antraege", body: string(body), header: json}.do(t)
		case "citizen":
			status, answer = call{url: tw.Mailbox + "/nachrichten", body: string(body), header: json}.do(t)
		case "waste-csv":
			status, answer = 200, dropped(t, client, "waste-lists", filepath.Join(tw.WasteLists, filepath.Base(file)), body)
			if answer != "" {
				status = 422
			}
		case "records":
			status, answer = incoming(t, tw, body)
		case "infoma":
			status, answer = 200, dropped(t, client, "cash-office", filepath.Join(tw.CashOffice, filepath.Base(file)), body)
			// The twins of one example differ in nothing but their way in.
			if answer != "" && !strings.Contains(answer, "schon eingelesen") {
				status = 422
			}
		default:
			continue
		}
		if taken[document]++; status >= 300 {
			t.Errorf("%s is refused: %d %s", file, status, answer)
		}
	}
	if len(taken) < 9 {
		t.Errorf("only %v were tried", taken)
	}
}

// dropped lays a file into a drop folder, and gives the protocol of its refusal.
func dropped(t *testing.T, client sim.Client, box, file string, body []byte) string {
	t.Helper()
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	if box == "waste-lists" { // reads only what is said to be complete
		if err := os.WriteFile(file+".done", nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Scan(t.Context(), box); err != nil {
		t.Fatal(err)
	}
	protocols, err := client.Rejected(t.Context(), box)
	if err != nil {
		t.Fatal(err)
	}
	return protocols[filepath.Base(file)]
}

// incoming posts a records document.
func incoming(t *testing.T, tw *sim.Town, params []byte) (int, string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	if err := w.WriteField("params", string(params)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, tw.Records, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(sim.User, sim.Password)
	return call{url: tw.Records + "/incomings", body: b.String(), header: map[string]string{
		"Content-Type": w.FormDataContentType(), "Authorization": req.Header.Get("Authorization"), "x-anwendung": "STELLWERK", "userlogin": "eingang"}}.do(t)
}
