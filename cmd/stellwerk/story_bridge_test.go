package main

import (
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/internal/hub"
	"stellwerk/internal/sim"
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
	s.line = newCable(kreis)
	ts.Check(s.set("systems/stellwerk-kreis.yaml", "address: "+s.line.URL))
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

// calls waits until the citizens' portal has taken so many callbacks, of which the last
// tells a status.
func calls(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: calls N STATUS")
	}
	s := of(ts)
	n, err := strconv.Atoi(args[0])
	ts.Check(err)
	var all []sim.Received
	reached := until(func() bool {
		all, err = s.client.Received(s.ctx, "portal", 0)
		return err == nil && len(all) >= n
	})
	if !reached || len(all) != n || !strings.Contains(all[n-1].Text, `"status":"`+args[1]+`"`) {
		ts.Fatalf("the portal was called %d times, want %d and at last %s: %v %+v", len(all), n, args[1], err, all)
	}
}

// cable is what lies between the town's hub and the Kreis's.
type cable struct {
	*httptest.Server
	held atomic.Bool // requests go through, answers do not
}

func newCable(to string) *cable {
	c := &cable{}
	c.Server = httptest.NewServer(&httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(&url.URL{Scheme: "http", Host: to}) },
		ModifyResponse: func(res *http.Response) error {
			if c.held.Load() {
				<-res.Request.Context().Done() // until nobody waits for it any more
				return errors.New("held")
			}
			return nil
		},
		ErrorLog: log.New(io.Discard, "", 0),
	})
	return c
}

// line holds the answers of the Kreis's hub back, or lets them through again.
func line(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 || args[0] != "held" && args[0] != "free" || of(ts).line == nil {
		ts.Fatalf("usage: line held, or line free (of a bridge)")
	}
	of(ts).line.held.Store(args[0] == "held")
}
