package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/connectors"
)

// callbacks has the citizens' portal called back when a case's status is news: a system
// of kind webhook with a key, which the portal trusts from now on.
func callbacks(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: callbacks")
	}
	s := of(ts)
	private, _, err := connectors.NewKey()
	ts.Check(err)
	ts.Check(os.WriteFile(s.folder("secrets/rueckruf.key"), []byte(private+"\n"), 0o600))
	ts.Check(os.WriteFile(s.folder("systems/rueckruf.yaml"), []byte("kind: webhook\naddress: "+s.partner.Portal+"/callbacks\n"+
		"keys: [\"file:secrets/rueckruf.key\"]\n"+
		"retry: {schedule: [50ms, 100ms, 200ms], then: 300ms, give-up-after: 14d}\nbreaker: {open-after: 5, half-open-after: 300ms}\n"), 0o600))
	ts.Check(s.set("portals/"+s.sample.portal+".yaml", "callback: rueckruf"))
	trust(ts, false, []string{"rueckruf"})
}

// trust gives the portal the public halves of keys in the folder: it refuses what none
// of them has signed.
func trust(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: trust KEY...")
	}
	s := of(ts)
	var public []string
	for _, name := range args {
		text, err := os.ReadFile(s.folder("secrets/" + name + ".key"))
		ts.Check(err)
		key, err := connectors.ParsePrivateKey(string(text))
		ts.Check(err)
		public = append(public, connectors.PublicKey(key))
	}
	ts.Check(s.client.Trust(s.ctx, public...))
}
