package main

import (
	"os"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/connectors"
	"stellwerk/internal/web/admin"
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

// knows waits until the portal is told a status: a callback with it is planned, and older
// ones that have not left are superseded.
func knows(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: knows NAME STATUS")
	}
	s := of(ts)
	var c admin.Submission
	var err error
	if !until(func() bool {
		c, err = s.operator().Submission(s.ctx, ts.Getenv(args[0]+"_id"))
		return err == nil && string(c.PortalKnows) == args[1]
	}) {
		ts.Fatalf("the portal knows %s, and not %s: %v", c.PortalKnows, args[1], err)
	}
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
