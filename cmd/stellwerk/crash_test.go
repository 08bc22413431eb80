package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/sim"
	"stellwerk/internal/vault"
	"stellwerk/routes"
)

// The crash proof: under load, the hub is killed at random moments and started
// again. Nothing acknowledged may be lost, nothing may arrive altered, and a
// partner that recognises repeated ids may have nothing twice.
//
// STELLWERK_CRASHES says how often it is killed; 3 where nothing is said.
func TestCrash(t *testing.T) {
	if testing.Short() {
		t.Skip("the crash proof takes a while; it is not in -short")
	}
	crashes, err := strconv.Atoi(os.Getenv("STELLWERK_CRASHES"))
	if err != nil {
		crashes = 3
	}
	lost := newCrashTown(t, build(t)).run(t, crashes)
	for _, l := range lost {
		t.Error(l)
	}
}

// Its control: a build that acknowledges before the sync must lose something, or
// the proof proves nothing.
func TestCrashControl(t *testing.T) {
	if testing.Short() {
		t.Skip("the crash proof takes a while; it is not in -short")
	}
	hub := build(t, "-tags", "stellwerk_faults")
	t.Setenv("STELLWERK_FAULT", "ack-before-sync")
	for round := range 5 {
		if lost := newCrashTown(t, hub).run(t, 10); len(lost) > 0 {
			t.Logf("round %d: the proof went red, as it must: %s", round+1, lost[0])
			return
		}
	}
	t.Error("a hub that acknowledges before the sync was killed 50 times and lost nothing: the proof cannot fail")
}

// build makes the program once for a set of flags.
func build(t *testing.T, flags ...string) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "stellwerk")
	cmd := exec.Command("go", append(append([]string{"build", "-o", bin}, flags...), "stellwerk/cmd/stellwerk")...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	return bin
}

// crashMark begins the chip of every dog, so that the partner can tell whose
// document it got.
const crashMark = "27609"

type crashTown struct {
	bin, dir, url, key string
	town               *sim.Town
	template           string

	mu    sync.Mutex
	acked map[hub.ID]string // the chip
	next  int
}

func newCrashTown(t *testing.T, bin string) *crashTown {
	t.Helper()
	dir := t.TempDir()
	town, err := sim.Start(context.Background(), sim.Options{Dir: filepath.Join(dir, "partners"), Mark: crashMark})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &crashTown{bin: bin, dir: filepath.Join(dir, "hub"), town: town, acked: map[hub.ID]string{}}
	example, err := routes.FS.ReadFile("hundeanmeldung/examples/labrador.xml")
	if err != nil {
		t.Fatal(err)
	}
	c.template = string(example)
	portals, err := sim.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	admin, err := sim.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	c.url, c.key = "http://"+portals, "swp_crash_0123456789012345678901234567890123456789012"
	keyring, err := vault.Generate()
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(c.key))
	system := func(name string) string {
		return "kind: rest\nprofile: generic-json\nrepeatable: true\naddress: " + town.Sink + "/" + name +
			"\nretry: {schedule: [100ms, 200ms, 500ms], then: 1s, give-up-after: 14d}\nbreaker: {open-after: 1000, half-open-after: 100ms}\nlimits: {concurrency: 16, timeout: 5s}\n"
	}
	for name, text := range map[string]string{
		"stellwerk.yaml":               "node: crash\nlisten: {portals: \"" + portals + "\", admin: \"" + admin + "\"}\ndata: data\nkey: file:secrets/keyring\nflow: {scan: 200ms, lease: 5s, workers: 32}\nlog: {level: warn, format: text}\n",
		"secrets/keyring":              string(keyring),
		"portals/crash.yaml":           "title: crash\nkeys:\n  - {sha256: " + hex.EncodeToString(sum[:]) + "}\nmunicipalities: [\"05999040\"]\n",
		"municipalities/05999040.yaml": "name: Musterstadt\nars: \"059990040040\"\nsystems: {finance: kasse, records: akte, public-order: ordnung}\nordinances: {hundesteuer: ordinances/hundesteuer-musterstadt.yaml}\nservices:\n  hundeanmeldung: {}\n",
		"systems/kasse.yaml":           system("kasse"),
		"systems/akte.yaml":            system("akte"),
		"systems/ordnung.yaml":         system("ordnung"),
	} {
		path := filepath.Join(c.dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	copyFile(t, "../../testdata/musterstadt/ordinances/hundesteuer-musterstadt.yaml", filepath.Join(c.dir, "ordinances", "hundesteuer-musterstadt.yaml"))
	return c
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	b, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run kills the hub so often under load and says what was lost or altered.
func (c *crashTown) run(t *testing.T, crashes int) []string {
	t.Helper()
	load, stopLoad := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	cmd := c.start(t)
	for range 16 {
		clients.Go(func() { c.client(load) })
	}
	for range crashes {
		// A moment of load, never the same: mostly early, where starts and rescues are.
		pause(t.Context(), time.Duration(20+rand.IntN(400))*time.Millisecond)
		if err := cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		_ = cmd.Wait() // killed, as it should be
		cmd = c.start(t)
	}
	pause(t.Context(), 200*time.Millisecond)
	stopLoad()
	clients.Wait()
	lost := c.settle(t)
	if err := cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the hub did not stop in order: %v\n%s", err, cmd.Stderr)
	}
	t.Logf("%d crashes, %d submissions acknowledged", crashes, len(c.acked))
	if len(c.acked) < crashes {
		t.Errorf("only %d submissions were acknowledged: that is no load", len(c.acked))
	}
	return lost
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// start runs the hub and waits until it answers.
func (c *crashTown) start(t *testing.T) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(c.bin, "serve", "--dir", c.dir)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill() })
	for range 1000 {
		if resp, err := http.Get(c.url + "/livez"); err == nil {
			_ = resp.Body.Close()
			return cmd
		}
		pause(t.Context(), 10*time.Millisecond)
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	t.Fatalf("the hub does not answer:\n%s", out.String())
	return nil
}

// client is a portal: it repeats a request with the same key until it has its 202.
func (c *crashTown) client(ctx context.Context) {
	for ctx.Err() == nil {
		c.mu.Lock()
		c.next++
		n := c.next
		c.mu.Unlock()
		chip := fmt.Sprintf("%s%010d", crashMark, n)
		body := strings.ReplaceAll(c.template, "276098100000017", chip)
		for {
			id, ok := c.submit(ctx, chip, body)
			if ok {
				c.mu.Lock()
				c.acked[id] = chip
				c.mu.Unlock()
				break
			}
			if ctx.Err() != nil {
				return
			}
			pause(ctx, 5*time.Millisecond)
		}
	}
}

func (c *crashTown) submit(ctx context.Context, chip, body string) (hub.ID, bool) {
	// Not with ctx: an answer under way when the load ends still counts.
	req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodPost, c.url+"/v1/submissions", strings.NewReader(body))
	if err != nil {
		return hub.ID{}, false
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Idempotency-Key", "crash-"+chip)
	req.Header.Set("Content-Type", "application/xml")
	for name, value := range map[string]string{
		"Municipality": "05999040", "Service": "hundeanmeldung",
		"Consent": "true", "Consent-At": "2026-11-23T07:00:00Z", "Consent-Wording": "1",
	} {
		req.Header.Set("Stellwerk-"+name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return hub.ID{}, false
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusAccepted {
		return hub.ID{}, false
	}
	var receipt struct {
		ID hub.ID `json:"id"`
	}
	return receipt.ID, json.Unmarshal(raw, &receipt) == nil
}

// settle waits until every acknowledged submission has reached all three partners,
// or nothing moves any more, and asks the partners, never the hub.
func (c *crashTown) settle(t *testing.T) []string {
	t.Helper()
	var lost []string
	last, still := -1, 0
	for {
		lost = c.account(t)
		if len(lost) == 0 {
			return nil
		}
		if len(lost) == last {
			still++
		} else {
			last, still = len(lost), 0
		}
		if still > 50 { // five seconds in which nothing arrived
			return lost
		}
		pause(t.Context(), 100*time.Millisecond)
	}
}

func (c *crashTown) account(t *testing.T) []string {
	t.Helper()
	resp, err := http.Get(c.town.Control + "/control/sink/arrived")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	arrived := map[string]sim.Arrived{}
	carried := map[string]int{} // chip and system: documents, each under an id of its own
	dec := json.NewDecoder(resp.Body)
	for {
		var a sim.Arrived
		if err := dec.Decode(&a); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		arrived[a.ID] = a
		if a.Mark != "" {
			carried[a.Mark+" at "+a.System]++
		}
	}
	var wrong []string
	for what, n := range carried {
		if n > 1 { // a repeated request made a second submission
			wrong = append(wrong, fmt.Sprintf("twice: %d documents about %s", n, what))
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, chip := range c.acked {
		for n := 1; n <= 3; n++ {
			a, ok := arrived[id.Delivery(n).String()]
			switch {
			case !ok:
				wrong = append(wrong, fmt.Sprintf("lost: delivery %d of %s (%s)", n, id, chip))
			case a.Altered:
				wrong = append(wrong, fmt.Sprintf("altered: delivery %d of %s came with different contents", n, id))
			case a.Mark != chip && n != 1: // the records system is told no chip
				wrong = append(wrong, fmt.Sprintf("altered: delivery %d of %s is about %s, not %s", n, id, a.Mark, chip))
			}
		}
	}
	return wrong
}
