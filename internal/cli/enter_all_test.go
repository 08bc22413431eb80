package cli

import (
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strings"
	"testing"
)

// clerk types what belongs to each question: the first of its answers that fits and
// is not used up. What is voluntary and has none is left out; to a question of yes or
// no without one it says no.
type clerk struct {
	t       *testing.T
	asked   *bytes.Buffer
	read    int
	answers []typed
}

type typed struct {
	question string // begins the question
	answers  []string
}

func (k *clerk) Read(p []byte) (int, error) {
	question := k.asked.String()[k.read:]
	k.read = k.asked.Len()
	if i := strings.LastIndex(question, "\n"); i >= 0 {
		question = question[i+1:]
	}
	question = strings.TrimLeft(question, " ")
	answer, found := "", false
	for i := range k.answers {
		if a := &k.answers[i]; len(a.answers) > 0 && strings.HasPrefix(question, a.question) {
			answer, a.answers, found = a.answers[0], a.answers[1:], true
			break
		}
	}
	switch {
	case found:
	case strings.HasSuffix(question, "[j/n]: "):
		answer = "n"
	case !strings.Contains(question, "(freiwillig)"):
		k.t.Errorf("no answer to %q", question)
		return 0, io.EOF
	}
	return copy(p, answer+"\n"), nil
}

// Every service can be taken down at the counter: the same gate, the same route, and
// the clerk's name in the audit trail.
func TestEnterEveryService(t *testing.T) {
	c, f := openTown(t)
	person := []typed{{"Willigt", []string{"j"}}, {"Name", []string{"Beispiel"}}, {"Vorname", []string{"Ute"}}, {"Geburtsdatum", []string{"3.4.1980"}},
		{"Straße", []string{"Musterweg", "Musterweg"}}, {"Hausnummer", []string{"5", "5"}}, {"Postleitzahl", []string{"59999", "59999"}}, {"Ort", []string{"Musterstadt", "Musterstadt"}}}
	for service, own := range map[string][]typed{
		"hundeabmeldung":  {{"Name", []string{"Waldi"}}, {"Hunde", []string{"0"}}, {"Code", []string{"dackel", "verstorben"}}, {"Großer Hund", []string{"n"}}, {"Ende am", []string{"1.3.2026"}}},
		"hundemarke":      {{"Name", []string{"Waldi"}}, {"Anlass", []string{"verloren"}}, {"Grund", []string{"verloren"}}, {"Chip", []string{"276098100000099"}}},
		"reitkennzeichen": {{"Gemeinde", []string{"05999040"}}, {"Code", []string{"ausgabe", "privat"}}, {"Jahr", []string{thisYear(t)}}, {"Anzahl", []string{"1"}}},
		"abfallbehaelter-anmeldung": {{"Rolle", []string{"eigentuemer"}}, {"Eigentum", []string{"j"}}, {"Gemeldete Personen", []string{"4"}}, {"Gewünscht ab", []string{"1.12.2026"}},
			{"Code", []string{"neuanmeldung", "rest", "80", "bio", "120"}}, {"Anzahl", []string{"1", "1"}}, {"Aktion", []string{"aufstellen", "aufstellen"}}, {"Noch einmal Abfallbehälter", []string{"j"}}},
		"abfallbehaelter-abmeldung": {{"Rolle", []string{"eigentuemer"}}, {"Eigentum", []string{"j"}}, {"Gemeldete Personen", []string{"0"}}, {"Abmelden zum", []string{"30.4.2026"}},
			{"Code", []string{"umzug", "rest", "80"}}, {"Anzahl", []string{"1"}}},
	} {
		answers := []typed{}
		for _, a := range append(person, own...) {
			answers = append(answers, typed{a.question, append([]string(nil), a.answers...)})
		}
		c.In = &clerk{t: t, asked: &c.err, answers: answers}
		got := c.run(0, "enter", service, "--municipality", "Musterstadt", "--clerk", "M. Amt", "--portal-key", "file:"+f.counterKeyFile(), "--json")
		var r receipt
		if err := json.Unmarshal([]byte(got), &r); err != nil {
			t.Fatal(err)
		}
		if never := regexp.MustCompile(`NachrichtenUUID|ListURI|Kennung|Fassung`).FindString(c.err.String()); never != "" {
			t.Errorf("%s: %s was asked of a person:\n%s", service, never, c.err.String())
		}
		if odd := regexp.MustCompile(`\b(Strasse|Plz|Iban|Email|[A-Z][a-z]*(ae|oe|stueck)[a-z]*)\b`).FindString(c.err.String()); odd != "" {
			t.Errorf("%s: %q is asked of a person:\n%s", service, odd, c.err.String())
		}
		if shown := c.run(0, "show", r.Number, "--json"); !strings.Contains(shown, `"channel": "counter"`) || strings.Contains(shown, `"state": "parked"`) {
			t.Errorf("%s: %s", service, shown)
		}
	}
	if trail := c.run(0, "audit", "--json"); strings.Count(trail, `"actor": "counter:buergertheke/M. Amt"`) != 5 {
		t.Errorf("the audit trail does not name the clerk five times:\n%s", trail)
	}
}
