package intake

import (
	"bufio"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors/webhook"
	"stellwerk/internal/config"
	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// called is a hub that hands on to others, which call it back.
type called struct {
	*world
	kreis, next, other ed25519.PrivateKey
	store              store.Store
	woken              []string
}

func newCalled(t *testing.T) *called {
	c := &called{world: newWorld(t)}
	c.store = c.world.store.Store.(store.Store)
	c.api.Wake = func(system string) { c.woken = append(c.woken, system) }
	public := map[*ed25519.PrivateKey]ed25519.PublicKey{}
	for _, k := range []*ed25519.PrivateKey{&c.kreis, &c.next, &c.other} {
		var err error
		if public[k], *k, err = ed25519.GenerateKey(nil); err != nil {
			t.Fatal(err)
		}
	}
	c.change(func(s *config.Snapshot) {
		s.Systems = map[string]*config.System{
			"kreis":  {Name: "kreis", Config: bridge{here: "hub-here", keys: []ed25519.PublicKey{public[&c.kreis], public[&c.next]}}},
			"other":  {Name: "other", Config: bridge{here: "hub-here", keys: []ed25519.PublicKey{public[&c.other]}}},
			"silent": {Name: "silent", Config: bridge{here: "hub-here"}},
			"kasse":  {Name: "kasse"},
		}
	})
	return c
}

// handedOn is a submission whose delivery to a system has got so far.
func (c *called) handedOn(key, system string, state hub.DeliveryState) hub.ID {
	c.t.Helper()
	ctx := c.t.Context()
	id := c.accepted(c.submit(key)).ID
	d := hub.Delivery{ID: id.Delivery(1), Role: "authority", System: system, State: hub.DeliveryPending, NotBefore: c.clock()}
	doc := &store.Rendered{Delivery: d.ID, Head: []byte("head"), Body: []byte("body"), SHA256: strings.Repeat("0", 64)}
	err := c.store.Advance(ctx, id, 1, &store.Advance{At: c.clock(), State: hub.SubmissionRunning, Deliveries: []store.NewDelivery{{Delivery: d, Document: doc}}})
	if err != nil {
		c.t.Fatal(err)
	}
	task := c.claim(system)
	if state != hub.DeliverySending {
		_, err = c.store.Record(ctx, &store.Record{
			Attempt: hub.Attempt{Delivery: d.ID, N: 1, At: c.clock(), Kind: "send", Outcome: "x"}, Owner: "node", Fence: task.Fence,
			State: state, NotBefore: c.clock().Add(6 * time.Hour), Token: []byte("token"), KeepToken: true,
		})
		if err != nil {
			c.t.Fatal(err)
		}
	}
	return id
}

func (c *called) claim(system string) store.Task {
	c.t.Helper()
	tasks, err := c.store.Claim(c.t.Context(), store.Claim{System: system, Owner: "node", Now: c.clock(), Lease: time.Minute, Limit: 1})
	if err != nil || len(tasks) != 1 {
		c.t.Fatalf("%d tasks, %v", len(tasks), err)
	}
	return tasks[0]
}

func (c *called) standing(id hub.ID) (hub.DeliveryState, time.Time) {
	c.t.Helper()
	s, err := c.store.Submission(c.t.Context(), id)
	if err != nil {
		c.t.Fatal(err)
	}
	return s.Deliveries[0].State, s.Deliveries[0].NotBefore
}

func about(reference string) string {
	b, err := json.Marshal(map[string]any{"type": "submission.changed", "data": map[string]string{"reference": reference}})
	if err != nil {
		panic(err)
	}
	return string(b)
}

// call signs and calls as package webhook does.
func (c *called) call(system, id, body string, key ed25519.PrivateKey, change ...func(http.Header)) answer {
	c.t.Helper()
	req, err := http.NewRequest(http.MethodPost, c.url+"/v1/callbacks/"+system, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	webhook.Sign(req.Header, []ed25519.PrivateKey{key}, id, c.clock(), []byte(body))
	for _, fn := range change {
		fn(req.Header)
	}
	return c.send(req)
}

// heard is every call that is verified, whatever comes of it: nothing but 204.
func (c *called) heard(a answer) {
	c.t.Helper()
	if a.StatusCode != http.StatusNoContent || len(a.body) > 0 {
		c.t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestACallBringsTheAskingForward(t *testing.T) {
	c := newCalled(t)
	awaiting := c.handedOn("k-1", "kreis", hub.DeliveryAwaiting)
	delivered := c.handedOn("k-2", "kreis", hub.DeliveryDelivered)
	parked := c.handedOn("k-3", "kreis", hub.DeliveryParked)
	c.advance(time.Minute)
	for i, id := range []hub.ID{awaiting, delivered, parked} {
		c.heard(c.call("kreis", "c-"+id.String(), about(id.Number()), c.kreis))
		if state, at := c.standing(id); state != hub.DeliveryAwaiting || at.After(c.clock()) {
			t.Errorf("%d: %s, %s", i, state, at)
		}
	}
	if len(c.woken) != 3 || c.woken[0] != "kreis" {
		t.Errorf("woken: %v", c.woken)
	}
	c.heard(c.call("kreis", "c-next", about(awaiting.Number()), c.next)) // while keys are exchanged
}

// A call that is played again rings nothing; what it named may have gone on since.
func TestACallIsHeardOnce(t *testing.T) {
	c := newCalled(t)
	id := c.handedOn("k-1", "kreis", hub.DeliveryAwaiting)
	body, at := about(id.Number()), c.clock()
	stamp := func(h http.Header) {
		webhook.Sign(h, []ed25519.PrivateKey{c.kreis}, "c-1", at, []byte(body))
	}
	c.heard(c.call("kreis", "c-1", body, c.kreis, stamp))
	task := c.claim("kreis")
	if _, err := c.store.Record(t.Context(), &store.Record{
		Attempt: hub.Attempt{Delivery: id.Delivery(1), N: 2, At: c.clock(), Kind: "ask", Outcome: "delivered"}, Owner: "node", Fence: task.Fence,
		State: hub.DeliveryDelivered, Token: []byte("token"), KeepToken: true,
	}); err != nil {
		t.Fatal(err)
	}
	c.advance(4 * time.Minute)
	c.heard(c.call("kreis", "c-1", body, c.kreis, stamp))
	if state, _ := c.standing(id); state != hub.DeliveryDelivered {
		t.Errorf("a call that was played again made it %s", state)
	}
	c.advance(time.Minute + time.Second)
	c.refused(c.call("kreis", "c-1", body, c.kreis, stamp), CodeCallback)
	// A new call is heard: the control.
	c.heard(c.call("kreis", "c-2", body, c.kreis))
	if state, _ := c.standing(id); state != hub.DeliveryAwaiting {
		t.Errorf("a new call left it %s", state)
	}
	c.advance(time.Hour)
	c.heard(c.call("kreis", "c-3", body, c.kreis))
	if n := len(c.api.rung.at); n != 1 {
		t.Errorf("%d calls are remembered for ever", n)
	}
}

// While it is being asked for, the answer may be a moment too old: called again later.
func TestACallComesTooEarly(t *testing.T) {
	c := newCalled(t)
	id := c.handedOn("k-1", "kreis", hub.DeliverySending)
	a := c.call("kreis", "c-1", about(id.Number()), c.kreis)
	c.refused(a, CodeBusy)
	if a.Header.Get("Retry-After") != "1" {
		t.Error("nobody says when to call again")
	}
	if _, err := c.store.Record(t.Context(), &store.Record{
		Attempt: hub.Attempt{Delivery: id.Delivery(1), N: 1, At: c.clock(), Kind: "ask", Outcome: "delivered"}, Owner: "node", Fence: 1,
		State: hub.DeliveryDelivered, Token: []byte("token"), KeepToken: true,
	}); err != nil {
		t.Fatal(err)
	}
	c.heard(c.call("kreis", "c-1", about(id.Number()), c.kreis)) // the same call, and it is heard now
	if state, _ := c.standing(id); state != hub.DeliveryAwaiting {
		t.Errorf("it is %s", state)
	}
}

// Who may not call changes nothing and learns nothing, not even which systems there are.
func TestCallsThatAreNotVerified(t *testing.T) {
	c := newCalled(t)
	id := c.handedOn("k-1", "kreis", hub.DeliveryDelivered)
	body := about(id.Number())
	var first string
	for name, a := range map[string]func() answer{
		"another's key":  func() answer { return c.call("kreis", "c", body, c.other) },
		"no such system": func() answer { return c.call("nobody", "c", body, c.kreis) },
		"no hub":         func() answer { return c.call("kasse", "c", body, c.kreis) },
		"does not call":  func() answer { return c.call("silent", "c", body, c.kreis) },
		"no signature": func() answer {
			return c.call("kreis", "c", body, c.kreis, func(h http.Header) { h.Del("webhook-signature") })
		},
		"another id": func() answer {
			return c.call("kreis", "c", body, c.kreis, func(h http.Header) { h.Set("webhook-id", "x") })
		},
		"too old": func() answer {
			return c.call("kreis", "c", body, c.kreis, func(h http.Header) { h.Set("webhook-timestamp", "1") })
		},
		"another content": func() answer {
			return c.call("kreis", "c", body, c.kreis, func(h http.Header) { webhook.Sign(h, []ed25519.PrivateKey{c.kreis}, "c", c.clock(), []byte("{}")) })
		},
		"endless": func() answer { return c.call("kreis", "c", strings.Repeat(" ", maxCallback)+body, c.kreis) },
	} {
		p := c.refused(a(), CodeCallback)
		if p.Instance = ""; first == "" {
			first = p.Detail
		} else if p.Detail != first || len(p.Errors) > 0 {
			t.Errorf("%s is told more than the others: %+v", name, p)
		}
	}
	if state, _ := c.standing(id); state != hub.DeliveryDelivered || len(c.woken) > 0 {
		t.Errorf("it is %s", state)
	}
}

// A caller learns nothing of what is not its own: every reference is answered alike.
func TestForeignReferences(t *testing.T) {
	c := newCalled(t)
	foreign := c.handedOn("k-1", "other", hub.DeliveryDelivered)
	never := c.accepted(c.submit("k-2")).ID // nothing was handed on
	for name, body := range map[string]string{
		"another hub's":     about(foreign.Number()),
		"not handed on":     about(never.Number()),
		"unknown":           about("0000-0000-0000"),
		"no number":         about("Robert'); DROP TABLE"),
		"nothing":           `{}`,
		"data is a text":    `{"data":"x"}`,
		"no JSON":           `<x/>`,
		"an id, not number": about(foreign.String()),
	} {
		c.heard(c.call("kreis", "c-"+name, body, c.kreis))
		if state, _ := c.standing(foreign); state != hub.DeliveryDelivered {
			t.Fatalf("%s: it is %s", name, state)
		}
	}
	if len(c.woken) > 0 {
		t.Errorf("woken: %v", c.woken)
	}
	// The control: the hub whose it is may call.
	c.heard(c.call("other", "c", about(foreign.Number()), c.other))
	if state, _ := c.standing(foreign); state != hub.DeliveryAwaiting {
		t.Errorf("it is %s", state)
	}
}

// Where the store does not answer, the caller calls again.
func TestACallIsNotLost(t *testing.T) {
	c := newCalled(t)
	id := c.handedOn("k-1", "kreis", hub.DeliveryDelivered)
	c.world.store.set(func(f *faults) { f.list = errors.New("gone") })
	c.refused(c.call("kreis", "c-1", about(id.Number()), c.kreis), CodeUnavailable)
	c.world.store.set(func(f *faults) { f.list = nil })
	c.heard(c.call("kreis", "c-1", about(id.Number()), c.kreis))
	if state, _ := c.standing(id); state != hub.DeliveryAwaiting {
		t.Errorf("it is %s", state)
	}
}

// Where nobody can call back, a stranger's body is not waited for: his requests would
// take the places of the portals'.
func TestCallbackOfNobodyIsNotRead(t *testing.T) {
	c := newCalled(t)
	for _, system := range []string{"kasse", "silent", "none"} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if err := conn.SetDeadline(time.Now().Add(2 * time.Second)); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "POST /v1/callbacks/%s HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n", system)
		if head, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(head, " 401 ") {
			t.Errorf("%s: %q, %v", system, head, err)
		}
	}
}

// Whose call is not verified yet is a stranger: he takes no place from the portals,
// however slowly he sends.
func TestStrangersCallTakesNoPlace(t *testing.T) {
	c := newCalled(t)
	c.change(func(s *config.Snapshot) { s.Hub.Limits.Requests = 1 })
	conn, err := net.Dial("tcp", strings.TrimPrefix(c.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /v1/callbacks/kreis HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\nExpect: 100-continue\r\n\r\n")
	if head, err := bufio.NewReader(conn).ReadString('\n'); err != nil || !strings.Contains(head, " 100 ") {
		t.Fatalf("%q, %v", head, err) // his body is being read now
	}
	c.accepted(c.submit("k-1"))
}

// A system speaks for what lies with itself: of a case that two hubs have a part in, each
// has its own asked for.
func TestACallIsAboutTheCallersDeliveries(t *testing.T) {
	c := newCalled(t)
	id := c.accepted(c.submit("k-1")).ID
	c.plan(id, "kreis", "other")
	for _, system := range []string{"kreis", "other"} {
		task := c.claim(system)
		c.record(&store.Record{
			Attempt: hub.Attempt{Delivery: task.Delivery.ID, N: 1, At: c.clock(), Node: "node", Kind: "send"}, Owner: "node", Fence: task.Fence,
			State: hub.DeliveryAwaiting, NotBefore: c.clock().Add(6 * time.Hour), Token: []byte("token"), KeepToken: true,
		})
	}
	c.advance(time.Minute)
	c.heard(c.call("kreis", "c-1", about(id.Number()), c.kreis))
	s, err := c.store.Submission(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.Deliveries {
		if soon := !d.NotBefore.After(c.clock()); soon != (d.System == "kreis") {
			t.Errorf("%s is asked at %s, it is %s", d.System, d.NotBefore, c.clock())
		}
	}
	if len(c.woken) != 1 || c.woken[0] != "kreis" {
		t.Errorf("woken: %v", c.woken)
	}
}
