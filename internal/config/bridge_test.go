package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors/all"
	"stellwerk/internal/config"
	"stellwerk/mappings"
	"stellwerk/routes"
)

// The two folders of the bridge have no fault, what their README says about keys is
// true, and each knows the other by the name and the key that the other signs with.
func TestTheBridgesFolders(t *testing.T) {
	sides := map[string]*config.Snapshot{}
	for _, name := range []string{"stadt", "kreis"} {
		snap, found := config.Load(config.Source{
			Dir: "../../testdata/bridge/" + name, Routes: routes.FS, Mappings: mappings.FS, Kinds: all.Kinds(), Now: func() time.Time { return now },
		})
		if len(found) > 0 {
			t.Fatal(lines(found))
		}
		sides[name] = snap
	}
	readme, err := os.ReadFile("../../testdata/bridge/README.md")
	if err != nil {
		t.Fatal(err)
	}
	portals := 0
	for _, word := range strings.FieldsFunc(string(readme), func(r rune) bool { return r == '`' }) {
		opens := func(snap *config.Snapshot) bool {
			_, portal := snap.PortalByKey(word, now)
			_, operator := snap.OperatorByKey(word, now)
			return portal || operator
		}
		if strings.HasPrefix(word, "swp_") || strings.HasPrefix(word, "swo_") {
			portals++
			if !opens(sides["stadt"]) && !opens(sides["kreis"]) {
				t.Errorf("%s opens nothing", word)
			}
		}
	}
	if portals != 5 {
		t.Errorf("the README has %d keys", portals)
	}
	for from, to := range map[string]string{"stadt": "kreis", "kreis": "stadt"} {
		if hub := sides[to].Portals["stellwerk-"+from].Hub; hub == nil || !hub.Required || !sides[from].IsHere(hub.Issuer) {
			t.Errorf("%s does not know %s by its name: %+v", to, from, hub)
		}
		if len(sides[from].Callers("stellwerk-"+to)) != 1 {
			t.Errorf("%s does not know the key of %s's calls", from, to)
		}
	}
}
