package app

import (
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// A portal that does not come to the end of its upload does not use up the time in
// which deliveries come to theirs.
func TestSlowUploadLeavesTimeToDrain(t *testing.T) {
	k := newKept(t)
	conn, err := net.Dial("tcp", strings.TrimPrefix(k.PortalsURL(), "http://"))
	k.must(err)
	defer func() { _ = conn.Close() }()
	_, err = fmt.Fprint(conn, "POST /v1/submissions HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer swp_buergerportal_only-for-the-demo-Zq3tY8mK\r\n"+
		"Idempotency-Key: k-1\r\n"+
		"Expect: 100-continue\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 1000\r\n\r\n")
	k.must(err)
	head := make([]byte, 12) // the hub has begun to read the body
	if _, err := io.ReadFull(conn, head); err != nil || string(head) != "HTTP/1.1 100" {
		t.Fatalf("%s, %v", head, err)
	}
	var left time.Duration
	bus := slices.IndexFunc(k.stops, func(s stop) bool { return s.name == "bus" })
	k.stops = slices.Insert(k.stops, bus, stop{"deliver", func(ctx context.Context) error {
		deadline, _ := ctx.Deadline()
		left = time.Until(deadline)
		return nil
	}})
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	if err := k.Stop(ctx); err == nil || !strings.Contains(err.Error(), "portals' API") {
		t.Errorf("stop: %v, want to be told of the request that was cut off", err)
	}
	if left < 400*time.Millisecond {
		t.Errorf("%s are left for the deliveries under way", left)
	}
}

// The night is the town hall's, on a server in any zone.
func TestJobsRunAtNightInGermany(t *testing.T) {
	k := newKept(t)
	jobs, err := k.jobs()
	k.must(err)
	if zone := jobs.Location().String(); zone != "Europe/Berlin" {
		t.Errorf("the jobs run by the clock of %s", zone)
	}
}
