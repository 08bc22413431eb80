package cli

import (
	"encoding/json"
	"strings"
	"testing"

	"stellwerk/internal/hub"
)

func TestProblems(t *testing.T) {
	c := newConsole(t, nil)
	all := c.run(0, "problems")
	for _, code := range []string{"refused", "http-4xx", "gone", "payment-lapsed"} {
		if !strings.Contains(all, "\n"+code+" ") {
			t.Errorf("the list lacks %s:\n%s", code, all)
		}
	}
	got := c.run(0, "problems", "http-422", "gone", "E4711")
	for _, want := range []string{"http-422 (clerk, one of http-4xx): Refused", "gone (portal): Callback cancelled", "E4711 (clerk, one of other)"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is not in\n%s", want, got)
		}
	}
	if got := c.run(0, "problems", "gone", "--lang", "de"); !strings.Contains(got, "Rückruf abbestellt") {
		t.Errorf("%s", got)
	}
	var lines []troubleLine
	if err := json.Unmarshal([]byte(c.run(0, "problems", "--json")), &lines); err != nil || len(lines) != len(hub.Troubles) || lines[0].Who != hub.PartyClerk {
		t.Errorf("%v %+v", err, lines)
	}
	c.run(2, "problems", "--lang", "fr")
}
