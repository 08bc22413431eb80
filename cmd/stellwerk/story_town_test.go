package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"stellwerk/internal/sim"
)

// patience bounds whatever a story waits for. It is used up only where a story
// fails.
const patience = 90 * time.Second

// until looks again and again until ready says yes, or patience ends.
func until(ready func() bool) bool {
	end := time.NewTimer(patience)
	defer end.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-end.C:
			return false
		}
	}
	return true
}

// town starts the partners and makes the operator's folder: the sample's, or another
// one's, with short pauses between attempts.
func town(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 1 {
		ts.Fatalf("usage: town [FOLDER]")
	}
	s := of(ts)
	folder := "musterstadt"
	if len(args) == 1 {
		folder = args[0]
	}
	if _, ok := samples[folder]; !ok {
		ts.Fatalf("there is no folder %s", folder)
	}
	listen := map[string]string{}
	var err error
	for _, name := range []string{"finance", "records", "dms", "public-order", "waste", "district", "mailbox", "bookings", "payment", "mail", "portal", "sink", "control"} {
		listen[name], err = sim.FreeAddress()
		ts.Check(err)
	}
	s.partner, err = sim.Start(s.ctx, sim.Options{Dir: s.folder("data/partners"), Listen: listen, Scan: 20 * time.Millisecond})
	ts.Check(err)
	s.client = sim.Client{Control: s.partner.Control}
	s.furnish(ts, folder)
	s.here(ts)
}

// furnish makes the hub's folder out of a sample.
func (s *story) furnish(ts *testscript.TestScript, folder string) {
	s.sample = samples[folder]
	var err error
	s.portals, err = sim.FreeAddress()
	ts.Check(err)
	s.admin, err = sim.FreeAddress()
	ts.Check(err)
	ts.Check(os.CopyFS(s.folder(""), os.DirFS(filepath.Join(ts.Getenv("SHIPPED"), "testdata", folder))))
	ts.Check(os.WriteFile(s.folder("secrets/partners.password"), []byte(sim.Password+"\n"), 0o600))
	ts.Check(s.set("stellwerk.yaml", fmt.Sprintf("listen: {portals: %q, admin: %q}", s.portals, s.admin)))
	ts.Check(s.set("stellwerk.yaml", "flow: {workers: 8, lease: 2s, scan: 100ms}"))
	systems, err := filepath.Glob(s.folder("systems/*.yaml"))
	ts.Check(err)
	for _, file := range systems {
		name, text := "systems/"+filepath.Base(file), ts.ReadFile(file)
		if path := value(text, "path"); path != "" {
			ts.Check(os.MkdirAll(s.folder(path), 0o700))
		}
		for _, line := range s.pointed(text) {
			ts.Check(s.set(name, line))
		}
	}
}

// here makes the hub the one that commands speak to.
func (s *story) here(ts *testscript.TestScript) {
	for name, value := range map[string]string{
		"STELLWERK_DIR": s.folder(""), "STELLWERK_HUB": "http://" + s.admin, "STELLWERK_KEY": s.sample.operatorKey,
		"STELLWERK_PORTALS": "http://" + s.portals, "STELLWERK_PORTAL_KEY": s.sample.portalKeys[s.sample.portal],
		"FINANCE": s.partner.Finance, "PORTALS": "http://" + s.portals,
	} {
		ts.Setenv(name, value)
	}
}

// pointed are the lines that make a system one of the partners, and quick.
func (s *story) pointed(system string) []string {
	basic := `credentials: {basic: {user: ` + sim.User + `, password: "file:secrets/partners.password"}}`
	lines := []string{"retry: {schedule: [50ms, 100ms, 200ms], then: 300ms, give-up-after: 14d}", "breaker: {open-after: 5, half-open-after: 300ms}",
		"windows:"} // at night a story would wait for the morning
	switch product := value(system, "kind") + "/" + value(system, "profile"); product {
	case "rest/kasse-json":
		return append(lines, "address: "+s.partner.Finance)
	case "rest/eakte":
		return append(lines, "address: "+s.partner.Records, basic)
	case "rest/ordnungsamt-json":
		return append(lines, "address: "+s.partner.PublicOrder)
	case "rest/entsorger-json":
		return append(lines, "address: "+s.partner.Waste)
	case "rest/reitregister-json":
		return append(lines, "address: "+s.partner.District)
	case "rest/postkorb-json":
		return append(lines, "address: "+s.partner.Mailbox)
	case "rest/finanz-xml":
		return append(lines, "address: "+s.partner.Bookings+"/schnittstelle")
	case "xbezahldienste/epay21":
		return append(lines, "address: "+s.partner.Payment+"/epay21", basic)
	case "xbezahldienste/pmpayment":
		return append(lines, "address: "+s.partner.Payment+"/pmpayment", `credentials: {oauth2: {client-id: `+sim.User+`, client-secret: "file:secrets/partners.password"}}`)
	case "xbezahldienste/epaybl":
		return append(lines, "address: "+s.partner.PaymentTLS+"/epaybl",
			`tls: {ca: `+s.partner.CA+`, pkcs12: "file:`+s.partner.HubP12+`", password: "file:secrets/partners.password"}`)
	case "mail/":
		return append(lines, "address: "+s.partner.MailTLS, basic, "tls: {ca: "+s.partner.CA+"}")
	}
	return lines
}

// value is a top-level setting of a file.
func value(text, name string) string {
	for line := range strings.Lines(text) {
		if v, ok := strings.CutPrefix(line, name+": "); ok {
			v, _, _ = strings.Cut(v, "#")
			return strings.TrimSpace(v)
		}
	}
	return ""
}

// amend sets or takes out a top-level key.
func amend(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: amend FILE 'KEY: VALUE'")
	}
	ts.Check(of(ts).set(args[0], args[1]))
}

func (s *story) set(file, line string) error {
	name, value, ok := strings.Cut(line, ":")
	if !ok {
		return fmt.Errorf("amend %s: %q is no KEY: VALUE", file, line)
	}
	if value == "" {
		line = ""
	} else {
		line += "\n"
	}
	content, err := os.ReadFile(s.folder(file))
	if err != nil {
		return err
	}
	there := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + `:.*\n([ \t-].*\n)*`)
	if there.Match(content) {
		content = there.ReplaceAllLiteral(content, []byte(line))
	} else {
		content = append(content, line...)
	}
	return os.WriteFile(s.folder(file), content, 0o600)
}

func (s *story) log() string { return filepath.Join(s.work, s.dir+".log") }

// open starts the hub and waits until it is ready. With ! it must not start; why
// not goes to stderr.
func open(ts *testscript.TestScript, neg bool, args []string) {
	s := of(ts)
	if s.hub != nil {
		ts.Fatalf("usage: open [FLAG...] (once)")
	}
	file, err := os.OpenFile(s.log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	ts.Check(err)
	var complaint bytes.Buffer
	s.hub = exec.Command("stellwerk", append([]string{"serve", "--dir", s.folder("")}, args...)...)
	s.hub.Stdout, s.hub.Stderr, s.hub.Env = file, file, append(append([]string{"GORACE=" + quickRace}, os.Environ()...), "TZ=Europe/Berlin")
	if neg {
		s.hub.Stderr = &complaint
	}
	ts.Check(errors.Join(s.hub.Start(), file.Close()))
	s.exited = make(chan struct{})
	go func(hub *exec.Cmd, exited chan struct{}) {
		defer close(exited)
		_ = hub.Wait() // ProcessState says how it ended
	}(s.hub, s.exited)
	ready, ended := false, false
	until(func() bool {
		select {
		case <-s.exited:
			ended = true
		default:
			res, err := http.Get("http://" + s.portals + "/readyz")
			if err == nil {
				_ = res.Body.Close()
				ready = res.StatusCode == http.StatusOK
			}
		}
		return ready || ended
	})
	switch {
	case neg && ended:
		s.hub = nil
		_, err := ts.Stderr().Write(complaint.Bytes())
		ts.Check(err)
	case neg:
		ts.Fatalf("the hub started")
	case !ready:
		ts.Fatalf("the hub did not start:\n%s", ts.ReadFile(s.log()))
	}
}

// stopHub stops the hub in order.
func stopHub(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 || of(ts).hub == nil {
		ts.Fatalf("usage: stop (a hub that is open)")
	}
	ts.Check(of(ts).end(os.Interrupt))
}

// crash kills the hub: it gets no chance to tidy up.
func crash(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) > 0 || of(ts).hub == nil {
		ts.Fatalf("usage: crash (a hub that is open)")
	}
	ts.Check(of(ts).end(os.Kill))
}

func (s *story) end(by os.Signal) error {
	if s.hub == nil {
		return nil
	}
	hub := s.hub
	s.hub = nil
	if err := hub.Process.Signal(by); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("end the hub: %w", err)
	}
	gone := until(func() bool {
		select {
		case <-s.exited:
			return true
		default:
			return false
		}
	})
	if !gone {
		return errors.Join(errors.New("the hub did not stop"), hub.Process.Kill())
	}
	if by == os.Interrupt && !hub.ProcessState.Success() {
		return fmt.Errorf("the hub did not stop in order: %s", hub.ProcessState)
	}
	return nil
}

// change replaces a text in a file of the story; \n in the new one breaks the line.
func change(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: change FILE OLD NEW")
	}
	content := ts.ReadFile(args[0])
	if !strings.Contains(content, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	with := strings.ReplaceAll(args[2], `\n`, "\n")
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.ReplaceAll(content, args[1], with)), 0o600))
}

// fault lets a partner suffer: down, or status=503 retry-after=1, and so on.
func fault(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: fault PARTNER FAULT[=VALUE]...")
	}
	wanted := map[string]any{}
	for _, arg := range args[1:] {
		name, value, has := strings.Cut(arg, "=")
		if n, err := strconv.Atoi(value); err == nil {
			wanted[name] = n
		} else if has {
			wanted[name] = value
		} else {
			wanted[name] = true
		}
	}
	form, err := json.Marshal(wanted)
	ts.Check(err)
	var faults sim.Faults
	strict := json.NewDecoder(bytes.NewReader(form))
	strict.DisallowUnknownFields()
	ts.Check(strict.Decode(&faults))
	ts.Check(of(ts).client.Suffer(of(ts).ctx, args[0], faults))
}

func heal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: heal PARTNER")
	}
	ts.Check(of(ts).client.Suffer(of(ts).ctx, args[0], sim.Faults{}))
}
