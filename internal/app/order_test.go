package app

import (
	"bytes"
	"context"
	"encoding/json"
	"testing"
	"time"

	"stellwerk/internal/hub"
)

// What is received after a restart is behind what was received before, though the clock
// was set back meanwhile: cases about one thing are kept in order by it.
func TestIDsRiseOverARestart(t *testing.T) {
	for name, test := range map[string]struct {
		ahead   time.Duration
		follows bool
	}{
		"a minute":                           {time.Minute, true},
		"a year: the clock was wrong before": {365 * 24 * time.Hour, false},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKept(t)
			var before, after struct{ ID hub.ID }
			now := k.clock()
			k.set(now.Add(test.ahead))
			k.must(json.Unmarshal(k.push(), &before))
			k.must(k.Stop(context.Background()))
			k.set(now)
			k.key = "k-2"
			k.start()
			k.must(json.Unmarshal(k.push(), &after))
			if bytes.Compare(after.ID[:], before.ID[:]) > 0 != test.follows {
				t.Errorf("%s was received after %s", after.ID, before.ID)
			}
		})
	}
}
