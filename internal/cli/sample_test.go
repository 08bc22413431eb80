package cli

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"stellwerk/connectors"
	"stellwerk/internal/app"
	"stellwerk/internal/store/sqlite"
	"stellwerk/internal/vault"
)

func sampleIn(t *testing.T) *sampleFolder {
	t.Helper()
	f, err := prepareSample(filepath.Join(t.TempDir(), "musterstadt"))
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// The copy is a folder of its own: it loads, the published keys do not open it,
// and a second run takes it up as it is.
func TestSampleHasKeysOfItsOwn(t *testing.T) {
	f := sampleIn(t)
	snap, findings := app.Check(f.dir)
	if snap == nil || len(findings) > 0 {
		t.Fatalf("the copy has findings: %v", findings)
	}
	now := time.Now()
	if _, ok := snap.PortalByKey(f.portalKey, now); !ok {
		t.Error("the portal's key does not open the copy")
	}
	if _, ok := snap.OperatorByKey(f.operatorKey, now); !ok {
		t.Error("the operator's key does not open the copy")
	}
	for _, key := range []string{"swp_buergerportal_only-for-the-demo-Zq3tY8mK", "swp_buergertheke_only-for-the-demo-Vh7nR2cW"} {
		if _, ok := snap.PortalByKey(key, now); ok {
			t.Errorf("the published %s opens the copy", key)
		}
	}
	if _, ok := snap.OperatorByKey("swo_leitstelle_only-for-the-demo-Jd5xP9sL", now); ok {
		t.Error("the operator's published key opens the copy")
	}
	again, err := prepareSample(f.dir)
	if err != nil || again.portalKey != f.portalKey || again.operatorKey != f.operatorKey {
		t.Errorf("the second run made other keys: %v", err)
	}
	for _, file := range []string{f.portalKeyFile(), f.operatorKeyFile(), filepath.Join(f.dir, "secrets", "keyring")} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v (%v)", file, info.Mode(), err)
		}
	}
}

// An operator's real folder is never touched.
func TestSampleLeavesOtherFoldersAlone(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "stellwerk.yaml")
	if err := os.WriteFile(file, []byte("node: real\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := prepareSample(dir); exitCode(err) != exitUsage {
		t.Errorf("got %v", err)
	}
	if _, err := occupySample(dir); exitCode(err) != exitUsage {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("something was laid into it: %v, %v", entries, err)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "node: real\n" {
		t.Errorf("the folder was changed: %q, %v", b, err)
	}
}

// Where a hub is at work nothing is written, least of all the partners' addresses.
func TestSampleInUseIsLeftAlone(t *testing.T) {
	f := sampleIn(t)
	file := filepath.Join(f.dir, "systems", "kasse-musterstadt.yaml")
	before, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"sample.lock", sqlite.LockFile} {
		lock, err := sqlite.Lock(f.data(""), name)
		if err != nil {
			t.Fatal(err)
		}
		c := newConsole(t, nil)
		c.run(1, "demo", "--json", "--dir", f.dir)
		if !strings.Contains(c.errorText(), "is in use by another process") {
			t.Errorf("%s is held: %s", name, c.errorText())
		}
		if after, err := os.ReadFile(file); err != nil || string(after) != string(before) {
			t.Errorf("%s is held: the folder was changed (%v)", name, err)
		}
		if err := lock.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A sample whose making was interrupted is made anew.
func TestSampleInterrupted(t *testing.T) {
	f := sampleIn(t)
	if err := os.Remove(f.portalKeyFile()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(f.data(sampleBegun), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	again, err := prepareSample(f.dir)
	if err != nil {
		t.Fatal(err)
	}
	snap, findings := app.Check(f.dir)
	if snap == nil || len(findings) > 0 {
		t.Fatalf("findings: %v", findings)
	}
	if _, ok := snap.PortalByKey(again.portalKey, time.Now()); !ok {
		t.Error("the new key does not open the folder")
	}
	if _, err := os.Stat(f.data(sampleBegun)); err == nil {
		t.Error("it counts as interrupted still")
	}
}

func TestCheckExplainAndMappings(t *testing.T) {
	f := sampleIn(t)
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = f.dir
	if got := c.run(0, "check"); !strings.HasPrefix(got, "good: revision ") {
		t.Errorf("check says %q", got)
	}
	got := c.run(0, "explain", "Musterstadt", "hundeanmeldung")
	for _, part := range []string{"Stadt Musterstadt (05999040)", "routes/hundeanmeldung/route.yaml", "mappings/hundeanmeldung/finance.yaml", "kasse-musterstadt (rest, kasse-json)", "after    records", "listed or large"} {
		if !strings.Contains(got, part) {
			t.Errorf("%q is missing in\n%s", part, got)
		}
	}
	var e map[string]any
	if err := json.Unmarshal([]byte(c.run(0, "explain", "05999040", "hundeanmeldung", "--json")), &e); err != nil || e["service"] != "hundeanmeldung" {
		t.Errorf("explain --json gave %v, %v", e, err)
	}
	c.run(exitNotFound, "explain", "05999041", "hundeanmeldung")
	c.run(exitNotFound, "explain", "05999040", "hundesteuer")
	if got := c.run(0, "mapping", "test", "hundeanmeldung/finance"); !strings.Contains(got, ", 0 failed") || strings.Contains(got, " 0 tests") {
		t.Errorf("mapping test says %q", got)
	}
	c.run(exitNotFound, "mapping", "test", "hundeanmeldung/nowhere")
	if got := c.run(0, "mapping", "coverage", "mappings/hundeanmeldung/finance.yaml"); !strings.Contains(got, " 0 forgotten") {
		t.Errorf("mapping coverage says %q", got)
	}
	input := filepath.Join("..", "..", "routes", "hundeanmeldung", "examples", "labrador.xml")
	if got := c.run(0, "mapping", "render", "hundeanmeldung/public-order", input); !json.Valid([]byte(got)) || !strings.Contains(got, "276098100000017") {
		t.Errorf("mapping render wrote %q", got)
	}
	if got := c.run(0, "mapping", "render", "hundeanmeldung/public-order", input, "--fields"); !strings.Contains(got, "TARGET") || !strings.Contains(got, "276098100000017") {
		t.Errorf("mapping render --fields wrote %q", got)
	}
	c.run(exitNotFound, "mapping", "render", "hundeanmeldung/public-order", input, "--municipality", "05999")
}

// A broken folder: every finding with its place, on every way in.
func TestFindings(t *testing.T) {
	f := sampleIn(t)
	file := filepath.Join(f.dir, "systems", "kasse-musterstadt.yaml")
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, append(b, "colour: blue\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = f.dir
	if got := c.run(exitFindings, "check"); !strings.Contains(got, "systems/kasse-musterstadt.yaml:") || !strings.Contains(got, "would not start") {
		t.Errorf("check says %q", got)
	}
	var report checkReport
	if err := json.Unmarshal([]byte(c.run(exitFindings, "check", "--json")), &report); err != nil || report.OK || len(report.Findings) != 1 || report.Findings[0].Line == 0 {
		t.Errorf("check --json gave %+v, %v", report, err)
	}
	for _, args := range [][]string{{"serve"}, {"explain", "05999040", "hundeanmeldung"}, {"mapping", "test"}} {
		c.run(exitFindings, args...)
		if !strings.Contains(c.errorText(), "systems/kasse-musterstadt.yaml:") {
			t.Errorf("%v says %q", args, c.errorText())
		}
	}
}

// A mapping whose test fails is a finding of check, with the difference.
func TestFailingMappingTest(t *testing.T) {
	f := sampleIn(t)
	own := filepath.Join(f.dir, "mappings", "hundeanmeldung", "public-order.yaml")
	shipped, err := os.ReadFile(filepath.Join("..", "..", "mappings", "hundeanmeldung", "public-order.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	changed := bytes.Replace(shipped, []byte("Anzeige nach dem LHundG NRW"), []byte("Anzeige"), 1)
	if bytes.Equal(changed, shipped) {
		t.Fatal("the shipped mapping has changed; choose another text")
	}
	if err := os.MkdirAll(filepath.Dir(own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(own, changed, 0o600); err != nil {
		t.Fatal(err)
	}
	c := newConsole(t, nil)
	c.env["STELLWERK_DIR"] = f.dir
	if got := c.run(exitFindings, "check"); !strings.Contains(got, "mappings/hundeanmeldung/public-order.yaml:") || !strings.Contains(got, "failed") {
		t.Errorf("check says %q", got)
	}
	c.run(0, "check", "--no-tests")
	if got := c.run(0, "explain", "05999040", "hundeanmeldung"); !strings.Contains(got, "public-order.yaml, json, the operator's own") {
		t.Errorf("explain says %q", got)
	}
}

func TestKeysCommand(t *testing.T) {
	c := newConsole(t, nil)
	var made struct{ Key, SHA256 string }
	for kind, prefix := range map[string]string{"portal": "swp_soest_", "operator": "swo_soest_"} {
		if err := json.Unmarshal([]byte(c.run(0, "keys", kind, "soest", "--json")), &made); err != nil || !strings.HasPrefix(made.Key, prefix) || len(made.SHA256) != 64 {
			t.Errorf("%s: %+v, %v", kind, made, err)
		}
	}
	ring := filepath.Join(t.TempDir(), "keyring")
	c.run(0, "keys", "keyring", "new", ring)
	first, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	c.run(exitFailed, "keys", "keyring", "new", ring)
	if again, err := os.ReadFile(ring); err != nil || !bytes.Equal(again, first) {
		t.Error("a keyring that is there must never be written over")
	}
	c.run(0, "keys", "keyring", "rotate", ring)
	rotated, err := os.ReadFile(ring)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.Parse(rotated); err != nil || bytes.Equal(rotated, first) || !bytes.Contains(rotated, []byte("k1-")) {
		t.Errorf("after rotating: %v", err)
	}
	if info, err := os.Stat(ring); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the keyring has mode %v (%v)", info.Mode(), err)
	}
}

// The demo's line of JSON is all a script needs: to push, to look, and to end it.
func TestDemo(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	c := newConsole(t, nil)
	demo := *c.Program
	demo.Out, demo.Err, demo.Now = in, io.Discard, time.Now
	ended := make(chan int, 1)
	dir := filepath.Join(t.TempDir(), "demo")
	go func() { ended <- demo.Run(ctx, []string{"demo", "--json", "--dir", dir}); _ = in.Close() }()
	lines := bufio.NewReader(out)
	first, err := lines.ReadString('\n')
	if err != nil {
		t.Fatalf("the demo ended with %d", <-ended)
	}
	var d struct {
		URL, Curl, CLI, Dir string
		PortalKey           string `json:"portal-key"`
	}
	if err := json.Unmarshal([]byte(first), &d); err != nil {
		t.Fatalf("%v in %q", err, first)
	}
	if !strings.HasPrefix(d.Curl, "curl ") || strings.Contains(d.Curl, "\n") || !strings.Contains(d.Curl, d.URL+"/v1/submissions") || d.Dir != dir {
		t.Errorf("the line is %q", first)
	}
	delete(c.env, "STELLWERK_HUB")
	delete(c.env, "STELLWERK_KEY")
	reach := strings.Fields(d.CLI)
	input := filepath.Join("..", "..", "routes", "hundeanmeldung", "examples", "labrador.xml")
	push := []string{"submit", input, "--municipality", "05999040", "--service", "hundeanmeldung", "--portal-key", d.PortalKey, "--json", "--attach", filepath.Join(dir, "data", "example", "sachkunde.pdf")}
	c.Now = time.Now
	c.run(exitFailed, append(append([]string{}, push...), reach...)...) // without consent
	var got struct{ ID, Number, State string }
	if err := json.Unmarshal([]byte(c.run(0, append(append(push, "--consent"), reach...)...)), &got); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{got.ID, got.Number} {
		if err := json.Unmarshal([]byte(c.run(0, append([]string{"show", name, "--json"}, reach...)...)), &got); err != nil || got.State == "" {
			t.Errorf("show %s gave %+v, %v", name, got, err)
		}
	}
	if text := c.run(0, append(reach, "trace", got.Number)...); !strings.Contains(text, "Cause: ") || !strings.Contains(text, "accepted") {
		t.Errorf("trace says %q", text)
	}
	c.run(0, append([]string{"doctor"}, reach...)...)
	stop()
	if rest, err := io.ReadAll(lines); err != nil || len(rest) > 0 {
		t.Errorf("after its line the demo wrote %q (%v)", rest, err)
	}
	if code := <-ended; code != 0 {
		t.Errorf("the demo ended with %d", code)
	}
}

func TestSigningKey(t *testing.T) {
	c := newConsole(t, nil)
	file := filepath.Join(t.TempDir(), "rueckruf.key")
	said := c.run(0, "keys", "signing", file)
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, err := connectors.ParsePrivateKey(string(text))
	if err != nil || strings.Contains(said, strings.TrimSpace(string(text))) || !strings.Contains(said, connectors.PublicKey(key)) {
		t.Errorf("%v: %s", err, said)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	c.run(exitFailed, "keys", "signing", file)
	// References begin at the operator's folder, wherever the command is given.
	t.Chdir(t.TempDir())
	if err := os.MkdirAll("town/secrets", 0o700); err != nil {
		t.Fatal(err)
	}
	if said := c.run(0, "keys", "signing", filepath.Join("town", "secrets", "callback.key")); !strings.Contains(said, `keys: ["file:secrets/callback.key"]`) {
		t.Errorf("says %s", said)
	}
	if again, err := os.ReadFile(file); err != nil || string(again) != string(text) {
		t.Error("a key was written over")
	}
}
