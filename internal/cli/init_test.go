package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/app"
	"stellwerk/internal/sim"
)

// A stranger's town: the folder is written, check names what is missing, it is
// filled in, and a case goes all the way. No code knows this AGS.
func TestInitToTheFirstCase(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "neustadt")
	c := newConsole(t, nil)
	c.run(0, "init", "03158040", "--name", "Samtgemeinde Groß Öd", "--dir", dir, "--service", "hundeanmeldung")
	got := c.run(3, "check", "--dir", dir)
	for _, want := range []string{
		"systems/finance-samtgemeinde-gross-oed.yaml:", "systems/records-samtgemeinde-gross-oed.yaml:", "systems/public-order-samtgemeinde-gross-oed.yaml:",
		": address has no value", "ordinances/hundesteuer-samtgemeinde-gross-oed.yaml:", "valid-from JJJJ-MM-TT is not a date",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing in\n%s", want, got)
		}
	}
	if lines := strings.Count(got, "\n"); lines != 8 { // three addresses, what the records want to know, one date, the sum
		t.Errorf("check says more than what is missing:\n%s", got)
	}

	town, err := sim.Start(t.Context(), sim.Options{Dir: filepath.Join(t.TempDir(), "partners")})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = town.Close() })
	edit := func(file, pattern, with string) {
		t.Helper()
		name := filepath.Join(dir, file)
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		re := regexp.MustCompile(pattern)
		if !re.Match(text) {
			t.Fatalf("%s has nothing like %s", file, pattern)
		}
		if err := os.WriteFile(name, re.ReplaceAllLiteral(text, []byte(with)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for role, address := range map[string]string{"finance": town.Finance, "records": town.Records, "public-order": town.PublicOrder} {
		edit("systems/"+role+"-samtgemeinde-gross-oed.yaml", `(?m)^address:.*$`, "address: "+address)
	}
	edit("systems/records-samtgemeinde-gross-oed.yaml", `(?m)^# credentials:.*$`,
		"credentials: {basic: {user: "+sim.User+", password: \"file:secrets/akte.password\"}}")
	for name, value := range map[string]string{"userlogin": "stellwerk", "joboe": "COO.1.2300.1.847", "jobposition": "Poststelle"} {
		edit("systems/records-samtgemeinde-gross-oed.yaml", `(?m)^  `+name+`:.*$`, "  "+name+": "+value)
	}
	if err := os.WriteFile(filepath.Join(dir, "secrets/akte.password"), []byte(sim.Password), 0o600); err != nil {
		t.Fatal(err)
	}
	edit("ordinances/hundesteuer-samtgemeinde-gross-oed.yaml", `JJJJ-MM-TT.*`, "2024-01-01")
	if got := c.run(0, "check", "--dir", dir); !strings.HasPrefix(got, "good: ") {
		t.Fatalf("check: %s", got)
	}
	edit("stellwerk.yaml", `127\.0\.0\.1:808[01]`, "127.0.0.1:0")

	c.open(dir, "file:"+filepath.Join(dir, "secrets/leitstelle.key"))
	c.Now = time.Now
	if probes := c.run(0, "systems", "probe", "--all"); strings.Count(probes, "answers") != 3 {
		t.Errorf("probes:\n%s", probes)
	}
	example, err := filepath.Abs("../../routes/hundeanmeldung/examples/labrador.xml")
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(example)
	if err != nil {
		t.Fatal(err)
	}
	at := files(t, map[string]string{"antrag.xml": strings.ReplaceAll(string(text), "05999040", "03158040")})
	for _, push := range [][]string{
		{"submit", at("antrag.xml"), "--service", "hundeanmeldung", "--portal-key", "file:" + filepath.Join(dir, "secrets/portal-samtgemeinde-gross-oed.key")},
		{"enter", "hundeanmeldung", "--file", at("antrag.xml"), "--clerk", "M. Amt", "--portal-key", "file:" + filepath.Join(dir, "secrets/theke-samtgemeinde-gross-oed.key")},
	} {
		var r receipt
		if err := json.Unmarshal([]byte(c.run(0, append(push, "--municipality", "03158040", "--consent", "--attach", at("antrag.xml"), "--json")...)), &r); err != nil {
			t.Fatal(err)
		}
		if shown := c.settled(r.Number); !strings.Contains(shown, `"municipality-name": "Samtgemeinde Groß Öd"`) {
			t.Errorf("shown: %s", shown)
		}
	}
}

// A second municipality joins the folder of the first; nothing is overwritten and
// nothing of the first becomes the second's.
func TestInitAddsToAFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "hub")
	c := newConsole(t, nil)
	c.run(0, "init", "05974040", "--name", "Stadt Soest", "--dir", dir)
	before := contents(t, dir)
	c.run(0, "init", "05974", "--name", "Kreis Soest", "--dir", dir)
	c.run(0, "init", "05974041", "--name", "Stadt Soest", "--dir", dir) // the same name once more
	after := contents(t, dir)
	for file, text := range before {
		if after[file] != text {
			t.Errorf("%s was changed", file)
		}
	}
	for _, want := range []string{"municipalities/05974.yaml", "systems/district-kreis-soest.yaml", "systems/finance-stadt-soest-05974041.yaml", "secrets/theke-kreis-soest.key"} {
		if after[want] == "" {
			t.Errorf("%s is missing", want)
		}
	}
	if text := after["municipalities/05974041.yaml"]; !strings.Contains(text, "finance: finance-stadt-soest-05974041\n") || !strings.Contains(text, `# reitkennzeichen: {competent: "05974"}`) {
		t.Errorf("the third town:\n%s", text)
	}
	if text := after["municipalities/05974.yaml"]; !strings.Contains(text, "\n  reitkennzeichen: {}\n") || !strings.Contains(text, "\n  # hundeanmeldung: {}\n") {
		t.Errorf("the Kreis:\n%s", text)
	}
	_, findings := app.Check(dir)
	for _, f := range findings {
		if !strings.Contains(f.Message, "has no value") && !strings.Contains(f.Message, "JJJJ-MM-TT is not a date") {
			t.Errorf("check says what nobody left open: %s", f)
		}
	}
	c.run(2, "init", "05974040", "--dir", dir)
	if !strings.Contains(c.errorText(), "is there already") {
		t.Errorf("got %s", c.errorText())
	}
	c.run(2, "init", "5974040", "--dir", dir)
	c.run(2, "init", "05974042", "--dir", dir, "--name", "Soest\u202e")
	c.run(4, "init", "05974042", "--dir", dir, "--service", "angelschein")
	if got := contents(t, dir); len(got) != len(after) {
		t.Error("a refused init has written something")
	}
	for file := range after {
		info, err := os.Stat(filepath.Join(dir, file))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", file, info.Mode(), err)
		}
	}
}

// Every role that a route speaks of is explained, and every comment's service is one.
func TestInitExplainsEveryRole(t *testing.T) {
	offers, err := app.Offers()
	if err != nil {
		t.Fatal(err)
	}
	if len(offers) == 0 {
		t.Fatal("there is no service")
	}
	for _, o := range offers {
		for _, r := range o.Roles {
			if means[r.Name] == "" {
				t.Errorf("nobody says what the role %s is (%s)", r.Name, o.Route.Service)
			}
			if len(r.Documents) == 0 {
				t.Errorf("%s has no document for %s", o.Route.Service, r.Name)
			}
			if slices.Contains(r.Documents[1:], r.Name) {
				t.Errorf("%s: the document of %s is not the first", o.Route.Service, r.Name)
			}
		}
	}
}

func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}
