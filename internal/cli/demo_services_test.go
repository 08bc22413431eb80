package cli

import (
	"encoding/json"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"stellwerk/internal/sim"
	"stellwerk/routes"
)

// yearOf finds the year that an example is for, in XML and in JSON: a riding plate is for one that is not over.
var yearOf = regexp.MustCompile(`(jahr>|"jahr": ")2026`)

// thisYear is the one at the hub's, which may not yet be the one here.
func thisYear(t *testing.T) string {
	t.Helper()
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return strconv.Itoa(time.Now().In(berlin).Year())
}

// Every example of every service can really be submitted in the sample town, and comes
// to its end: whoever plays with the demo finds no door painted on a wall.
func TestEveryExampleSettlesInTheSampleTown(t *testing.T) {
	c, f := openTown(t)
	partners := sim.Client{Control: c.control}
	examples, err := fs.Glob(routes.FS, "*/examples/*.*")
	if err != nil || len(examples) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	numbers, year := map[string]string{}, thisYear(t)
	for _, example := range examples {
		body, err := fs.ReadFile(routes.FS, example)
		if err != nil {
			t.Fatal(err)
		}
		body = yearOf.ReplaceAll(body, []byte("${1}"+year))
		at := files(t, map[string]string{path.Base(example): string(body)})
		service, _, _ := strings.Cut(example, "/")
		var r receipt
		if err := json.Unmarshal([]byte(c.run(0, "submit", at(path.Base(example)), "--service", service, "--municipality", sampleMunicipality, "--consent", "--json",
			"--portal-key", "file:"+f.portalKeyFile())), &r); err != nil {
			t.Fatal(err)
		}
		numbers[r.Number] = example
	}
	// Whoever is asked to pay, pays.
	paid := map[string]bool{}
	asked := 0
	for _, example := range numbers {
		if strings.HasPrefix(example, "reitkennzeichen/") || strings.HasPrefix(example, "hundemarke/") {
			asked++
		}
	}
	end := time.NewTimer(20 * time.Second)
	defer end.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(paid) < asked {
		all, err := partners.Transactions(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range all {
			if !paid[one.ID] {
				if err := partners.Pay(t.Context(), one.ID, "pay"); err != nil {
					t.Fatal(err)
				}
				paid[one.ID] = true
			}
		}
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("%d of %d were asked to pay", len(paid), asked)
		}
	}
	for number, example := range numbers {
		if shown := c.settled(number); strings.Contains(shown, `"state": "parked"`) || strings.Contains(shown, `"state": "closed"`) {
			t.Errorf("%s: %s", example, shown)
		}
	}
}
