package sim_test

import (
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strconv"
	"testing"
	"time"

	"stellwerk/internal/sim"
)

func TestCallbacksAreSigned(t *testing.T) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	tw, client := town(t, sim.Options{PortalKey: public, Now: func() time.Time { return now }})
	const body = `{"type":"submission.settled","id":"0197f3a2"}`
	signer := private
	sign := func(id string, at time.Time, text string) map[string]string {
		stamp := strconv.FormatInt(at.Unix(), 10)
		sig := ed25519.Sign(signer, []byte(id+"."+stamp+"."+text))
		return map[string]string{"webhook-id": id, "webhook-timestamp": stamp, "webhook-signature": "v1,none v1a," + base64.StdEncoding.EncodeToString(sig)}
	}
	for name, test := range map[string]struct {
		header map[string]string
		body   string
		status int
	}{
		"signed":        {sign("a", now, body), body, 204},
		"repeated":      {sign("a", now.Add(time.Minute), body), body, 204},
		"other content": {sign("b", now, body), `{"type":"x"}`, 401},
		"too old":       {sign("c", now.Add(-6*time.Minute), body), body, 401},
		"unsigned":      {map[string]string{"webhook-id": "d"}, body, 401},
		"no id":         {map[string]string{}, body, 400},
		"no object":     {sign("e", now, "[]"), "[]", 400},
	} {
		if status, _ := (call{url: tw.Portal + "/callbacks", body: test.body, header: test.header}).do(t); status != test.status {
			t.Errorf("%s: %d, want %d", name, status, test.status)
		}
	}
	if got, err := client.Received(t.Context(), "portal", 0); err != nil || len(got) != 1 {
		t.Errorf("the portal has %d callbacks (%v)", len(got), err)
	}

	// The hub's key is exchanged: the portal is told the new one's public half.
	young, next, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	old, new := "whpk_"+base64.StdEncoding.EncodeToString(public), "whpk_"+base64.StdEncoding.EncodeToString(young)
	send := func(id string, want int) {
		t.Helper()
		if status, _ := (call{url: tw.Portal + "/callbacks", body: body, header: sign(id, now, body)}).do(t); status != want {
			t.Errorf("%s: %d, want %d", id, status, want)
		}
	}
	for _, step := range []struct {
		keys       []string
		before, in int
	}{{[]string{old, new}, 204, 204}, {[]string{new}, 401, 204}, {nil, 204, 204}} {
		if err := client.Trust(t.Context(), step.keys...); err != nil {
			t.Fatal(err)
		}
		id := fmt.Sprintf("r%d", len(step.keys))
		send(id+"old", step.before)
		signer = next
		send(id+"new", step.in)
		signer = private
	}
	if err := client.Trust(t.Context(), "whpk_kurz"); err == nil {
		t.Error("a key that is none is trusted")
	}
}

// A slow partner answers in the end; a silent one ends with the town.
func TestSlowAndSilent(t *testing.T) {
	tw, client := town(t, sim.Options{})
	c := call{url: tw.Sink + "/x", body: "x", header: map[string]string{"Idempotency-Key": "slow"}}
	if err := client.Suffer(t.Context(), "sink", sim.Faults{Delay: "30ms", Times: 1}); err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	if status, _ := c.do(t); status != 201 || time.Since(start) < 30*time.Millisecond {
		t.Errorf("slow: %d after %s", status, time.Since(start))
	}
	if err := client.Suffer(t.Context(), "sink", sim.Faults{Silent: true}); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { _, _, err := c.try(t); done <- err }()
	timer := time.NewTimer(50 * time.Millisecond)
	select {
	case err := <-done:
		t.Errorf("a silent partner answers: %v", err)
	case <-timer.C:
	}
	if err := tw.Close(); err != nil {
		t.Error(err)
	}
	if err := <-done; err == nil {
		t.Error("the call outlives the town")
	}
}
