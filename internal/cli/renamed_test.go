package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// until runs a command until its output holds a text.
func (c *console) until(text string, args ...string) string {
	c.t.Helper()
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := c.run(0, args...)
		if strings.Contains(got, text) {
			return got
		}
		select {
		case <-tick.C:
		case <-end.C:
			c.t.Fatalf("%v does not say %q:\n%s", args, text, got)
		}
	}
}

// A system is renamed while a delivery waits for it: the reload says so, the delivery
// waits for a person, who hands it to the one that has the role now, as the handbook
// says; or the old file comes back, and it goes on by itself.
func TestRenamedSystem(t *testing.T) {
	c, f := openTown(t)
	file := func(system string) string { return filepath.Join(f.dir, "systems", system+".yaml") }
	town := filepath.Join(f.dir, "municipalities", sampleMunicipality+".yaml")
	before, err := os.ReadFile(town)
	if err != nil {
		t.Fatal(err)
	}
	rename := func(from, to string, text string) string {
		t.Helper()
		if err := os.Rename(file(from), file(to)); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(town, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return c.run(0, "reload")
	}
	push := func() string {
		t.Helper()
		c.run(0, "systems", "pause", "kasse-musterstadt", "--reason", "Umbenennung")
		var r receipt
		got := c.run(0, "submit", "../../routes/hundeanmeldung/examples/labrador.xml", "--service", "hundeanmeldung", "--municipality", sampleMunicipality, "--consent", "--portal-key", "file:"+f.portalKeyFile(), "--json")
		if err := json.Unmarshal([]byte(got), &r); err != nil {
			t.Fatal(err)
		}
		c.until("(Umbenennung)", "trace", r.Number)
		return r.Number
	}
	first := push()
	c.run(0, "systems", "resume", "kasse-musterstadt") // there is no pause left when it comes back
	c.settled(first)

	second := push()
	renamed := strings.ReplaceAll(string(before), "kasse-musterstadt", "kasse-neu")
	if got := rename("kasse-musterstadt", "kasse-neu", renamed); !strings.Contains(got, "systems/kasse-musterstadt.yaml: warning: is not there, and 1 deliveries to kasse-musterstadt are open") {
		t.Errorf("the reload says nothing of what waits: %s", got)
	}
	if got := c.run(0, "trace", second); !strings.Contains(got, "does not know kasse-musterstadt any more") {
		t.Errorf("trace:\n%s", got)
	}
	if got := c.run(0, "parked", "--system", "kasse-musterstadt"); !strings.Contains(got, "system-gone") {
		t.Errorf("parked:\n%s", got)
	}
	c.run(0, "replay", "--system", "kasse-musterstadt", "--parked-as", "unmapped", "--code", "system-gone", "--anew", "--reason", "Ticket 1")
	if got := c.settled(second); !strings.Contains(got, `"system": "kasse-neu"`) {
		t.Errorf("it did not move: %s", got)
	}

	if got := rename("kasse-neu", "kasse-musterstadt", string(before)); strings.Contains(got, "is not there") {
		t.Errorf("nothing is open any more: %s", got)
	}
	third := push()
	rename("kasse-musterstadt", "kasse-neu", renamed)
	c.run(0, "systems", "resume", "kasse-musterstadt")
	rename("kasse-neu", "kasse-musterstadt", string(before))
	c.settled(third)
}
