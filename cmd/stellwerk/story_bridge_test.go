package main

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// bridge makes two hubs that hand on to each other: the town's, which words speak to,
// and the Kreis's, which at kreis speaks to.
func bridge(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 {
		ts.Fatalf("usage: bridge")
	}
	town(ts, false, []string{"bridge/stadt"})
	s := of(ts)
	s.others = map[string]*side{"kreis": {dir: "kreis"}}
	stadt := s.portals
	s.inside("kreis", func() {
		s.furnish(ts, "bridge/kreis")
		ts.Check(s.set("systems/stellwerk-stadt.yaml", "address: http://"+stadt))
		ts.Check(s.set("systems/rueckruf-stadt.yaml", "address: http://"+stadt+"/v1/callbacks/stellwerk-kreis"))
		ts.Setenv("KREIS", "http://"+s.portals)
	})
	kreis := s.others["kreis"].portals
	ts.Check(s.set("systems/stellwerk-kreis.yaml", "address: http://"+kreis))
	ts.Check(s.set("systems/rueckruf-kreis.yaml", "address: http://"+kreis+"/v1/callbacks/stellwerk-stadt"))
}

// inside does something with another hub as the one that is spoken to.
func (s *story) inside(name string, do func()) {
	was := s.side
	s.side = *s.others[name]
	defer func() { *s.others[name], s.side = s.side, was }()
	do()
}

// at says a word at another hub.
func at(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if len(args) < 2 || s.others[args[0]] == nil {
		ts.Fatalf("usage: at HUB WORD [ARGUMENT...]")
	}
	defer s.here(ts)
	s.inside(args[0], func() {
		s.here(ts)
		if args[1] == "stellwerk" {
			if err := ts.Exec("stellwerk", args[2:]...); (err != nil) != neg {
				ts.Fatalf("stellwerk: %v", err)
			}
			return
		}
		word := words()[args[1]]
		if word == nil {
			ts.Fatalf("%s is no word of stories", args[1])
		}
		word(ts, neg, args[2:])
	})
}

// arrived counts the hub's submissions and remembers the newest.
func arrived(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: arrived NAME N")
	}
	s := of(ts)
	want, err := strconv.Atoi(args[1])
	ts.Check(err)
	var page admin.Page
	reached := until(func() bool {
		page, err = s.operator().List(s.ctx, admin.Filter{})
		return err == nil && len(page.Submissions) == want
	})
	if !reached {
		ts.Fatalf("%d submissions, want %d: %v", len(page.Submissions), want, err)
	}
	if want > 0 {
		newest(ts, args[0], page.Submissions[0].ID)
	}
}

func newest(ts *testscript.TestScript, name string, id hub.ID) {
	ts.Setenv(name, id.Number())
	ts.Setenv(name+"_id", id.String())
}

// told waits until a portal reads what it should in a submission's status.
func told(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: told PORTAL NAME TEXT...")
	}
	s := of(ts)
	var answer string
	reached := until(func() bool {
		req, err := http.NewRequestWithContext(s.ctx, http.MethodGet, "http://"+s.portals+"/v1/submissions/"+ts.Getenv(args[1]+"_id"), nil)
		ts.Check(err)
		req.Header.Set("Authorization", "Bearer "+s.sample.portalKeys[args[0]])
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			return false
		}
		defer func() { _ = res.Body.Close() }()
		body, err := io.ReadAll(res.Body)
		answer = string(body)
		return err == nil && !slices.ContainsFunc(args[2:], func(text string) bool { return !strings.Contains(answer, text) })
	})
	_, err := io.WriteString(ts.Stdout(), answer)
	ts.Check(err)
	if !reached {
		_ = ts.Exec("stellwerk", "trace", ts.Getenv(args[1]+"_id"))
		ts.Fatalf("%s does not read %q:\n%s\n%s", args[0], args[2:], answer, ts.ReadFile("stdout"))
	}
}

// freeze stops the hub's process in the middle of whatever it does; thaw lets it go on.
func freeze(ts *testscript.TestScript, neg bool, args []string) { send(ts, neg, args, frozen) }
func thaw(ts *testscript.TestScript, neg bool, args []string)   { send(ts, neg, args, thawed) }

func send(ts *testscript.TestScript, neg bool, args []string, by os.Signal) {
	if neg || len(args) > 0 || of(ts).hub == nil {
		ts.Fatalf("usage: freeze, or thaw (a hub that is open)")
	}
	ts.Check(of(ts).hub.Process.Signal(by))
}
