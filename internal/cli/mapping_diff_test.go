package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stellwerk/internal/web/admin"
)

// replaceIn changes a file of a folder; it must have what is to be replaced.
func replaceIn(t *testing.T, file, old, with string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s has no %q:\n%s", file, old, text)
	}
	if err := os.WriteFile(file, []byte(strings.ReplaceAll(string(text), old, with)), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A new rate is one line; what it touches turns red, is looked at and confirmed.
func TestARateIsConfirmed(t *testing.T) {
	f := sampleIn(t)
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = f.dir
	good := c.run(0, "check")
	c.run(4, "mapping", "test", "--municipality", "Nirgends")
	got := c.run(0, "mapping", "test", "--municipality", "Musterstadt", "--confirm")
	expected := filepath.Join(f.dir, "expected", sampleMunicipality, "hundeanmeldung")
	if !strings.Contains(got, "confirmed: expected/"+sampleMunicipality+"/hundeanmeldung/labrador.xml.finance.json\n") || !strings.Contains(got, " 0 failed") {
		t.Fatalf("the first expectations: %s", got)
	}
	first := contents(t, expected)
	if again := c.run(0, "check"); again == good {
		t.Error("check does not run the new expectations")
	}
	table := filepath.Join(f.dir, "ordinances", "hundesteuer-musterstadt.yaml")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	// One line more: from 2025 on the first dog costs 99 euros.
	row := "      - {art: normal, hunde: 1, jahr: 99.00, valid-from: 2025-01-01, paragraph: § 2 Abs. 1 n.F.}\n"
	at := strings.Index(string(text), "      - {art: normal, hunde: 1,")
	if at < 0 {
		t.Fatalf("the table has other rows:\n%s", text)
	}
	if err := os.WriteFile(table, []byte(string(text[:at])+row+string(text[at:])), 0o600); err != nil {
		t.Fatal(err)
	}
	red := c.run(3, "check")
	if !strings.Contains(red, "the document differs from expected/"+sampleMunicipality+"/hundeanmeldung/labrador.xml.finance.json") || !strings.Contains(red, "+ ") || !strings.Contains(red, "99.00") {
		t.Errorf("what is red: %s", red)
	}
	if strings.Contains(red, "records.json") {
		t.Errorf("a document without a rate is red: %s", red)
	}
	c.run(3, "mapping", "test")
	shown := c.run(0, "mapping", "test", "--confirm")
	if !strings.Contains(shown, "99.00") || !strings.Contains(shown, "confirmed: ") {
		t.Errorf("confirmed without a look: %s", shown)
	}
	c.run(0, "check")
	second := contents(t, expected)
	changed := 0
	for file, text := range second {
		if first[file] != text {
			changed++
			if !strings.Contains(file, ".finance.") && !strings.Contains(file, ".citizen") {
				t.Errorf("%s was changed", file)
			}
		}
	}
	if changed == 0 || len(first) != len(second) {
		t.Errorf("%d of %d files changed, %d before", changed, len(second), len(first))
	}
}

// The expectation of a shipped mapping is confirmed into the operator's folder.
func TestAShippedExpectationIsConfirmedInTheFolder(t *testing.T) {
	f := sampleIn(t)
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = f.dir
	source, err := os.ReadFile("../../mappings/hundeanmeldung/finance.yaml")
	if err != nil {
		t.Fatal(err)
	}
	own := filepath.Join(f.dir, "mappings", "hundeanmeldung", "finance.yaml")
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, source, 0o600); err != nil {
		t.Fatal(err)
	}
	replaceIn(t, own, "zahlungspflichtiger.name:", "zahlungspflichtiger.nachname:")
	c.run(3, "mapping", "test", "hundeanmeldung/finance")
	got := c.run(0, "mapping", "test", "hundeanmeldung/finance", "--confirm", "--json")
	var report struct {
		OK        bool     `json:"ok"`
		Confirmed []string `json:"confirmed"`
	}
	if err := json.Unmarshal([]byte(got), &report); err != nil || !report.OK || len(report.Confirmed) == 0 {
		t.Fatalf("%v: %s", err, got)
	}
	for _, file := range report.Confirmed {
		if !strings.HasPrefix(file, "mappings/hundeanmeldung/examples/") {
			t.Errorf("confirmed %s", file)
		}
		if text, err := os.ReadFile(filepath.Join(f.dir, file)); err != nil || !strings.Contains(string(text), "nachname") {
			t.Errorf("%s: %v", file, err)
		}
	}
	c.run(0, "mapping", "test", "hundeanmeldung/finance")
}

// What a change would do to real cases is shown before anything is reloaded.
func TestMappingDiff(t *testing.T) {
	c, f := openTown(t)
	example, err := filepath.Abs("../../routes/hundeanmeldung/examples/labrador.xml")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []string
	for range 2 {
		var r receipt
		got := c.run(0, "submit", example, "--service", "hundeanmeldung", "--municipality", sampleMunicipality, "--consent", "--portal-key", "file:"+f.portalKeyFile(), "--attach", example, "--json")
		if err := json.Unmarshal([]byte(got), &r); err != nil {
			t.Fatal(err)
		}
		numbers = append(numbers, r.Number)
		c.settled(r.Number)
	}
	same := c.run(0, "mapping", "diff")
	if !strings.Contains(same, "2 submissions, 0 would be different") {
		t.Errorf("nothing has changed: %s", same)
	}
	c.run(exitNotFound, "mapping", "diff", "--service", "hundeanmeldng")
	c.run(exitNotFound, "replay", "--system", "kasse-mustrestadt", "--reason", "x")
	table := filepath.Join(f.dir, "ordinances", "hundesteuer-musterstadt.yaml")
	text, err := os.ReadFile(table)
	if err != nil {
		t.Fatal(err)
	}
	row := "      - {art: normal, hunde: 1, jahr: 99.00, valid-from: 2025-01-01}\n"
	at := strings.Index(string(text), "      - {art: normal, hunde: 1,")
	changed := files(t, map[string]string{"ordinances/hundesteuer-musterstadt.yaml": string(text[:at]) + row + string(text[at:])})
	dir := changed("")

	got := c.run(0, "mapping", "diff", "--against", dir, "--service", "hundeanmeldung", "--last", "10")
	for _, want := range []string{"2 submissions, 2 would be different", numbers[0] + "  hundeanmeldung to finance\n", "    + 99.00\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if strings.Contains(got, "to records") {
		t.Errorf("the records have no rate:\n%s", got)
	}
	var d admin.Differences
	if err := json.Unmarshal([]byte(c.run(0, "mapping", "diff", "--against", dir, "--counts-only", "--json")), &d); err != nil {
		t.Fatal(err)
	}
	if d.Changed != 2 || len(d.Cases) != 0 || len(d.Fields) == 0 || d.Fields[0].Count != 2 || d.Fields[0].Role != "finance" || d.Fields[0].What != "changed" || d.From == d.To {
		t.Errorf("counts: %+v", d)
	}
	trail := c.run(0, "audit", "--json")
	if strings.Count(trail, `"action": "payload-read"`) != 2 || strings.Count(trail, `"action": "mapping-diff"`) != 3 || !strings.Contains(trail, "counts only") {
		t.Errorf("the audit trail: %s", trail)
	}
	if v := c.run(0, "list", "--json"); strings.Count(v, `"state": "settled"`) != 2 {
		t.Errorf("a case has moved: %s", v)
	}

	// The hub's own folder, edited and not reloaded; then a broken one.
	if err := os.WriteFile(table, []byte(string(text[:at])+row+string(text[at:])), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := c.run(0, "mapping", "diff", "--counts-only"); !strings.Contains(got, "2 would be different") {
		t.Errorf("the edited folder: %s", got)
	}
	broken := files(t, map[string]string{"ordinances/hundesteuer-musterstadt.yaml": "name: hundesteuer\n"})
	if got := c.run(3, "mapping", "diff", "--against", broken("")); !strings.Contains(got, "ordinances/hundesteuer-musterstadt.yaml:1:1: ") || !strings.Contains(got, "would not be taken") {
		t.Errorf("a broken folder: %s", got)
	}
	c.run(2, "mapping", "diff", "--against", t.TempDir())
	c.run(2, "mapping", "diff", "--last", "501")
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"systems/kasse-musterstadt.yaml", "ordinances/../stellwerk.yaml", "/etc/passwd", "secrets/x"} {
		if _, err := client.Diff(t.Context(), admin.Diff{Files: map[string][]byte{name: nil}}); err == nil || exitCode(err) != exitUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
}
