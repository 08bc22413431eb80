package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/sim"
)

// A stranger with nothing but the program: a municipality that nobody has foreseen,
// whose finance system reads tables. Everything is YAML: the folder, a mapping begun
// from a shipped one, rates; a new rate is one line, seen before it is in force.
func TestAStrangersTown(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "aldental")
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = dir
	c.run(0, "init", "05358004", "--name", "Gemeinde Aldental", "--dir", dir, "--service", "hundeanmeldung", "--service", "hundemarke")
	town, err := sim.Start(t.Context(), sim.Options{Dir: filepath.Join(t.TempDir(), "partners")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = town.Close() })
	write := func(file, text string) {
		t.Helper()
		name := filepath.Join(dir, file)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	edit := func(file string, pairs ...string) {
		t.Helper()
		text, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		out := string(text)
		for i := 0; i < len(pairs); i += 2 {
			re := regexp.MustCompile("(?m)" + pairs[i])
			if !re.MatchString(out) {
				t.Fatalf("%s has nothing like %s", file, pairs[i])
			}
			out = re.ReplaceAllLiteralString(out, pairs[i+1])
		}
		write(file, out)
	}
	write("secrets/partner", sim.Password)
	edit("stellwerk.yaml", `127\.0\.0\.1:808[01]`, "127.0.0.1:0")
	edit("systems/public-order-gemeinde-aldental.yaml", `^address:.*$`, "address: "+town.PublicOrder)
	edit("systems/records-gemeinde-aldental.yaml", `^address:.*$`, "address: "+town.Records, `^# credentials:.*$`, `credentials: {basic: {user: `+sim.User+`, password: "file:secrets/partner"}}`,
		`^  userlogin:.*$`, "  userlogin: stellwerk", `^  joboe:.*$`, "  joboe: COO.1.2300.1.847", `^  jobposition:.*$`, "  jobposition: Poststelle")
	edit("systems/payment-gemeinde-aldental.yaml", `^address:.*$`, "address: "+town.Payment+"/pmpayment", `^originator:.*$`, "originator: hundemarke",
		`^redirect-url:.*$`, "redirect-url: https://portal.aldental.example/bezahlt/{number}", `^# credentials: \{oauth2.*$`, `credentials: {oauth2: {client-id: `+sim.User+`, client-secret: "file:secrets/partner"}}`)
	write("systems/finance-gemeinde-aldental.yaml", "kind: folder\ndocument: kassenliste\npath: data/kasse\nattachments: omit\n")
	edit("ordinances/hundesteuer-gemeinde-aldental.yaml", `JJJJ-MM-TT.*`, "2024-01-01", `jahr: 85\.80`, "jahr: 92.00")
	edit("ordinances/hundegebuehren-gemeinde-aldental.yaml", `JJJJ-MM-TT.*`, "2024-01-01", `betrag: 5\.00`, "betrag: 8.00")

	// What is missing is said exactly, and the shipped mapping is there to begin with.
	if got := c.run(3, "check"); !strings.Contains(got, `wants the document "kassenliste" for "finance", and there is no mappings/hundeanmeldung/kassenliste.yaml`) || !strings.Contains(got, "1 finding") {
		t.Errorf("check: %s", got)
	}
	if begun := c.run(0, "mapping", "show", "hundeanmeldung/finance"); !strings.Contains(begun, "output: {format: json") {
		t.Errorf("shown: %s", begun)
	}
	c.run(4, "mapping", "show", "hundeanmeldung/kassenliste")
	if !strings.Contains(c.errorText(), "hundeanmeldung/infoma.yaml") || strings.Contains(c.errorText(), "codelists") {
		t.Errorf("got %s", c.errorText())
	}
	write("mappings/hundeanmeldung/kassenliste.yaml", `revision: 1
output: {format: csv, encoding: windows-1252, delimiter: ";", formulas: hold, file-name: "hundesteuer-{submission:number}.csv"}
each: hund
let:
  art:   {expr: 'text("gefaehrlich") == "true" ? "gefaehrlich" : "normal"'}
  hunde: {expr: 'number("/haushalt/hunde")'}
fields:
  Fall:   {from: "submission:number"}
  Name:   {from: /halter/name, with: [trim, transliterate windows-1252], required: true}
  Rasse:  {from: rasse/code, lookup: hunderassen/name, else: hold}
  Ab:     {from: seit, with: [first-of-next-month, date DD.MM.YYYY]}
  Jahr:   {ordinance: {name: hundesteuer, column: jahr, on: seit}, with: [comma 2], required: true}
`)
	if got := c.run(0, "mapping", "show", "hundeanmeldung/kassenliste"); !strings.HasPrefix(got, "revision: 1\noutput: {format: csv") {
		t.Errorf("the folder's own: %s", got)
	}
	if got := c.run(0, "check"); !strings.HasPrefix(got, "good: ") {
		t.Fatalf("check: %s", got)
	}

	if err := os.MkdirAll(filepath.Join(dir, "data/kasse"), 0o700); err != nil {
		t.Fatal(err)
	}
	c.open(dir, "file:"+filepath.Join(dir, "secrets/leitstelle.key"))
	c.Now = time.Now
	if probes := c.run(0, "systems", "probe", "--all"); strings.Count(probes, "answers") != 4 {
		t.Errorf("probes:\n%s", probes)
	}
	example, err := os.ReadFile("../../routes/hundeanmeldung/examples/labrador.xml")
	if err != nil {
		t.Fatal(err)
	}
	at := files(t, map[string]string{"antrag.xml": strings.ReplaceAll(string(example), "05999040", "05358004")})
	var r receipt
	if err := json.Unmarshal([]byte(c.run(0, "submit", at("antrag.xml"), "--service", "hundeanmeldung", "--municipality", "05358004", "--consent", "--json",
		"--portal-key", "file:"+filepath.Join(dir, "secrets/portal-gemeinde-aldental.key"))), &r); err != nil {
		t.Fatal(err)
	}
	c.settled(r.Number)
	lists, err := filepath.Glob(filepath.Join(dir, "data/kasse/*.csv"))
	if err != nil || len(lists) != 1 {
		t.Fatalf("lists: %v (%v)", lists, err)
	}
	if list, err := os.ReadFile(lists[0]); err != nil || !strings.Contains(string(list), r.Number+";Beispiel;Labrador Retriever;01.03.2026;92,00\r\n") {
		t.Errorf("the list: %s (%v)", list, err)
	}

	// A new rate: one line with its day and paragraph. The examples turn red, the diff
	// shows what it would do to the real case, a person confirms, and it is in force.
	c.run(0, "mapping", "test", "--municipality", "05358004", "--confirm")
	c.run(0, "check")
	edit("ordinances/hundesteuer-gemeinde-aldental.yaml", `^      - \{art: normal, hunde: 2,`,
		"      - {art: normal, hunde: 1, jahr: 99.60, valid-from: 2026-01-01, paragraph: § 2 Abs. 1 i. d. F. vom 9.12.2025}\n      - {art: normal, hunde: 2,")
	if red := c.run(3, "check"); !strings.Contains(red, "92,00") || !strings.Contains(red, "99,60") || !strings.Contains(red, "tests of ") {
		t.Errorf("check: %s", red)
	}
	if diff := c.run(0, "mapping", "diff", "--last", "5"); !strings.Contains(diff, "92,00") || !strings.Contains(diff, "99,60") {
		t.Errorf("diff: %s", diff)
	}
	c.run(0, "mapping", "test", "--confirm")
	c.run(0, "check")
	c.run(0, "reload")
	if diff := c.run(0, "mapping", "diff", "--last", "5"); strings.Contains(diff, "99,60") {
		t.Errorf("in force, and still a difference: %s", diff)
	}
}
