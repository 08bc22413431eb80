package config_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"stellwerk/connectors"
	bridge "stellwerk/connectors/hub"
	"stellwerk/internal/config"
	"stellwerk/internal/mapping"
	"stellwerk/internal/route"
	"stellwerk/internal/vault"
	"stellwerk/mappings"
	"stellwerk/routes"
)

var update = flag.Bool("update", false, "write the complaints into testdata/config")

const cases = "../../testdata/config"

// post is a kind for tests: it has what kinds have and speaks to nobody.
type post struct {
	Address     string `yaml:"address,required"`
	Credentials struct {
		Password connectors.Secret `yaml:"password"`
	} `yaml:"credentials"`
	Port int      `yaml:"port"`
	Says []string `yaml:"says"` // the answers of this counter
	Form string   `yaml:"form"` // the only format that it takes; any where empty
	Desk struct {
		Number int    `yaml:"number"`
		Clerk  string `yaml:"clerk"`
	} `yaml:"desk"`
}

func (p *post) Traits() connectors.Traits { return connectors.Traits{Repeatable: true} }

func (p *post) Answers() []string { return p.Says }

func (p *post) Takes(format string, fields []string) error {
	if p.Form != "" && format != p.Form {
		return fmt.Errorf("it takes %s with %s", p.Form, strings.Join(fields[:2], ", "))
	}
	return nil
}

func (p *post) Open(connectors.Environment) (connectors.Connector, error) { return closed{}, nil }

// closed is a connector that nobody delivers by.
type closed struct{ connectors.Connector }

func (closed) Close() error { return nil }

func kinds() []connectors.Kind {
	return []connectors.Kind{{
		Name: "post",
		Profiles: fstest.MapFS{
			"profiles/counter.yaml": {Data: []byte("port: 7\ndesk: {number: 1, clerk: shipped}\n")},
			"profiles/broken.yaml":  {Data: []byte("port: 7\n\ndesk:\n  number: -1\n")},
		},
		Configure: func(in connectors.Settings) (connectors.Config, error) {
			p := post{}
			p.Desk.Number = 1
			if err := in.Decode(&p); err != nil {
				return nil, err
			}
			if p.Desk.Number < 1 {
				return nil, &connectors.SettingError{Setting: "desk.number", Message: "must be 1 or more"}
			}
			return &p, nil
		},
	}, bridge.Kind()}
}

var now = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func source(dir string) config.Source {
	return config.Source{Dir: dir, Routes: routes.FS, Mappings: mappings.FS, Kinds: kinds(), Now: func() time.Time { return now },
		Keyring: func(ring []byte) error { _, err := vault.Parse(ring); return err }}
}

// folder lays files over a copy of the base; a file that says (removed) is taken away.
func folder(t *testing.T, files []txtar.File) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(cases, "base"))); err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		to := filepath.Join(dir, filepath.FromSlash(f.Name))
		if strings.TrimSpace(string(f.Data)) == "(removed)" {
			if err := os.Remove(to); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(to, f.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func lines(found config.Findings) string {
	var b strings.Builder
	for _, f := range found {
		b.WriteString(f.String() + "\n")
	}
	return b.String()
}

func load(t *testing.T, files ...txtar.File) (*config.Snapshot, config.Findings) {
	t.Helper()
	return config.Load(source(folder(t, files)))
}

// mustLoad is for folders that have no fault.
func mustLoad(t *testing.T, files ...txtar.File) *config.Snapshot {
	t.Helper()
	snap, found := load(t, files...)
	if len(found) > 0 {
		t.Fatal(lines(found))
	}
	return snap
}

func TestComplaints(t *testing.T) {
	archives, err := filepath.Glob(filepath.Join(cases, "*.txtar"))
	if err != nil || len(archives) == 0 {
		t.Fatalf("no cases: %v", err)
	}
	for _, file := range archives {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			last := len(archive.Files) - 1
			if archive.Files[last].Name != "want" {
				t.Fatal("the last file is not want")
			}
			dir := folder(t, archive.Files[:last])
			snap, found := config.Load(source(dir))
			if (snap == nil) != found.HasErrors() {
				t.Errorf("snapshot %v with findings\n%s", snap, lines(found))
			}
			got, want := strings.ReplaceAll(lines(found), dir, "DIR"), string(archive.Files[last].Data)
			if *update {
				archive.Files[last].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got == "" {
				t.Error("the folder earns no complaint")
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// The base has no fault: every complaint above comes from what a case changes.
func TestBaseIsSound(t *testing.T) {
	snap := mustLoad(t)
	if len(snap.Revision) != 12 {
		t.Errorf("revision %q", snap.Revision)
	}
	b, ok := snap.Binding("05999040", "hundeanmeldung")
	if !ok || len(b.Deliveries) != 5 {
		t.Fatalf("binding %+v", b)
	}
	for i, want := range []struct{ to, system string }{{"records", "akte"}, {"finance", "kasse"}, {"public-order", "ordnung"}, {"citizen", ""}, {"citizen-mail", ""}} {
		d := b.Deliveries[i]
		if d.Route.To != want.to || (d.System == nil) != (want.system == "") || d.System != nil && (d.System.Name != want.system || d.Mapping == nil || d.Own) {
			t.Errorf("delivery %d is %+v", i, d)
		}
	}
	h := snap.Hub
	if h.Limits != (config.Limits{Payload: 10e6, Attachment: 200e6, Attachments: 100, Total: 2e9, Requests: 512}) ||
		h.Flow.Workers != max(32, 16*runtime.GOMAXPROCS(0)) || h.Timeouts.Stop != 10*time.Second || h.Log.Level != "info" || h.Node == "" || !filepath.IsAbs(h.Data) {
		t.Errorf("defaults %+v", h)
	}
	kasse := snap.Systems["kasse"]
	if len(kasse.Allow) != 1 || kasse.Allow[0].String() != "127.0.0.1/32" || kasse.Retry.GiveUpAfter != 14*24*time.Hour || kasse.Limits.Timeout != 30*time.Second {
		t.Errorf("system %+v", kasse)
	}
}

func TestNotAFolder(t *testing.T) {
	snap, found := config.Load(source(filepath.Join(t.TempDir(), "nothing")))
	if snap != nil || !strings.HasSuffix(lines(found), "is not a folder (stellwerk demo shows a complete one)\n") {
		t.Errorf("%v %s", snap, lines(found))
	}
}

// A system's settings are laid over its profile's, whole keys at a time.
func TestProfile(t *testing.T) {
	for _, test := range []struct {
		name, system, own string
		port, desk        int
		clerk             string
	}{
		{"shipped", "profile: counter", "", 7, 1, "shipped"},
		{"laid over", "profile: counter\nport: 9", "", 9, 1, "shipped"},
		{"not merged below the top", "profile: counter\ndesk: {number: 2}", "", 7, 2, ""},
		{"own profile instead", "profile: counter", "port: 11\n", 11, 1, ""},
		{"no profile", "port: 3", "", 3, 1, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			files := []txtar.File{{Name: "systems/kasse.yaml", Data: []byte("kind: post\naddress: 127.0.0.1:25\n" + test.system + "\n")}}
			if test.own != "" {
				files = append(files, txtar.File{Name: "profiles/post/counter.yaml", Data: []byte(test.own)})
			}
			p := mustLoad(t, files...).Systems["kasse"].Config.(*post)
			if p.Port != test.port || p.Desk.Number != test.desk || p.Desk.Clerk != test.clerk {
				t.Errorf("got %+v", p)
			}
		})
	}
}

// A secret never appears in what is printed of a snapshot or of findings.
func TestSecretsStayHidden(t *testing.T) {
	snap, found := load(t,
		txtar.File{Name: "systems/kasse.yaml", Data: []byte("kind: post\naddress: 127.0.0.1:25\ncredentials: {password: hunter2-in-clear}\n")})
	if snap != nil || strings.Contains(lines(found), "hunter2") {
		t.Errorf("findings\n%s", lines(found))
	}
	snap = mustLoad(t,
		txtar.File{Name: "secrets/kasse.password", Data: []byte("hunter2\n")},
		txtar.File{Name: "systems/kasse.yaml", Data: []byte("kind: post\naddress: 127.0.0.1:25\ncredentials: {password: \"file:secrets/kasse.password\"}\n")})
	if b, err := snap.Systems["kasse"].Config.(*post).Credentials.Password.Reveal(snap.Dir); err != nil || string(b) != "hunter2" {
		t.Errorf("secret %q, %v", b, err)
	}
}

func TestWholeFilesReplaceWholeFiles(t *testing.T) {
	snap := mustLoad(t, txtar.File{Name: "mappings/hundeanmeldung/finance.yaml", Data: []byte("revision: 7\noutput: {format: json}\nfields:\n  name: {from: halter/name}\n")})
	b, _ := snap.Binding("05999040", "hundeanmeldung")
	for _, d := range b.Deliveries[:3] {
		own := d.Route.To == "finance"
		if d.Own != own || (d.Mapping.Revision == 7) != own {
			t.Errorf("%s: own %v, revision %d", d.Route.To, d.Own, d.Mapping.Revision)
		}
	}
}

func TestRevision(t *testing.T) {
	base := mustLoad(t)
	if again := mustLoad(t); again.Revision != base.Revision {
		t.Errorf("the same files give %s and %s", base.Revision, again.Revision)
	}
	for _, f := range []txtar.File{
		{Name: "stellwerk.yaml", Data: []byte("key: file:secrets/keyring\nnode: b\n")},
		{Name: "systems/kasse.yaml", Data: []byte("kind: post\naddress: 127.0.0.1:2526\n")},
		{Name: "mappings/hundeanmeldung/finance.yaml", Data: []byte("revision: 7\noutput: {format: json}\nfields:\n  name: {from: halter/name}\n")},
	} {
		if changed := mustLoad(t, f); changed.Revision == base.Revision {
			t.Errorf("%s does not change the revision", f.Name)
		}
	}
	secret := mustLoad(t, txtar.File{Name: "secrets/unused", Data: []byte("x")})
	if secret.Revision != base.Revision {
		t.Error("a secret changes the revision")
	}
}

func TestReload(t *testing.T) {
	dir := folder(t, nil)
	src := source(dir)
	snap, found := config.Load(src)
	if found.HasErrors() {
		t.Fatal(lines(found))
	}
	live := config.NewLive(src, snap)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "municipalities/05999040.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("nmae: Kaputt\n")
	taken := func(*config.Snapshot) error { return nil }
	got, found := live.Reload(taken)
	if got != snap || live.Get() != snap || !found.HasErrors() {
		t.Errorf("a broken folder replaced the snapshot: %v, %s", live.Get() != snap, lines(found))
	}
	write("name: Neu\n")
	got, found = live.Reload(func(*config.Snapshot) error { return errors.New("open system x: no such folder") })
	if got != snap || live.Get() != snap || !found.HasErrors() {
		t.Errorf("a snapshot that was not taken is in force: %s", lines(found))
	}
	got, found = live.Reload(taken)
	if found.HasErrors() || got == snap || live.Get() != got || got.Municipalities["05999040"].Name != "Neu" {
		t.Errorf("the new folder is not in force: %s", lines(found))
	}
	if snap.Municipalities["05999040"].Name != "Stadt Musterstadt" {
		t.Error("the old snapshot has changed")
	}
}

// What only a start can change is said, until it is.
func TestReloadSaysWhatNeedsAStart(t *testing.T) {
	dir := folder(t, nil)
	src := source(dir)
	snap, found := config.Load(src)
	if found.HasErrors() {
		t.Fatal(lines(found))
	}
	live := config.NewLive(src, snap)
	add := func(text string) config.Findings {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, "stellwerk.yaml"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		_, found := live.Reload(func(*config.Snapshot) error { return nil })
		return found
	}
	before, err := os.ReadFile(filepath.Join(dir, "stellwerk.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		found = add(string(before) + "timeouts: {stop: 7s}\n")
		if found.HasErrors() || !strings.Contains(lines(found), "timeouts has changed: it takes effect when the hub is started anew") {
			t.Errorf("found %s", lines(found))
		}
	}
	if found = add(string(before) + "limits: {payload: 1MB}\n"); len(found) > 0 {
		t.Errorf("limits are taken up at once: %s", lines(found))
	}
}

// Whatever else a folder misses, a file that cannot be read is never the shipped one.
func TestUnreadableIsNotShipped(t *testing.T) {
	dir := folder(t, nil)
	if err := os.MkdirAll(filepath.Join(dir, "mappings/hundeanmeldung/finance.yaml"), 0o755); err != nil {
		t.Fatal(err)
	}
	snap, found := config.Load(source(dir))
	if snap != nil {
		t.Errorf("a folder in the place of a mapping is taken for the shipped one: %s", lines(found))
	}
}

// An authority that works with another hub: its service is offered here as it is, and
// everything of it goes there.
func TestAnAuthorityAtAnotherHub(t *testing.T) {
	file := func(name, text string) txtar.File { return txtar.File{Name: name, Data: []byte(text)} }
	snap := mustLoad(t,
		file("secrets/hub.key", "whsk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"),
		file("systems/stellwerk-kreis.yaml", "kind: hub\naddress: https://127.0.0.1:8443\ncredentials: {bearer: {token: 'file:secrets/hub.key'}}\nissuer: stadt\nkey: file:secrets/hub.key\nmunicipality: '05999'\n"),
		file("municipalities/05999.yaml", "name: Kreis Muster\nhub: stellwerk-kreis\nservices:\n  reitkennzeichen: {}\n"),
		file("municipalities/05999041.yaml", "name: Beispielhausen\nservices:\n  reitkennzeichen: {competent: '05999'}\n"),
	)
	shipped := snap.Routes["reitkennzeichen"]
	for _, ags := range []string{"05999", "05999041"} {
		b, ok := snap.Binding(ags, "reitkennzeichen")
		if !ok || b.Competent.AGS != "05999" || len(b.Deliveries) != 1 {
			t.Fatalf("%s: %+v", ags, b)
		}
		d := b.Deliveries[0]
		if d.Route.To != route.Authority || d.System.Name != "stellwerk-kreis" || d.Mapping.Format != mapping.Original || &b.Route.Deliveries[0] != d.Route {
			t.Errorf("%s: %+v", ags, d)
		}
		if b.Route.Title != shipped.Title || len(b.Route.Inputs) != len(shipped.Inputs) || len(b.Route.Examples) == 0 || len(shipped.Deliveries) < 2 {
			t.Errorf("%s: the service is another one", ags)
		}
		body := []byte("<x/>")
		doc, err := d.Mapping.Apply(nil, &mapping.Env{Original: func() (string, []byte, error) { return "text/xml", body, nil }})
		if err != nil || &doc.Body[0] != &body[0] || doc.ContentType != "text/xml" || doc.Format != mapping.XML {
			t.Errorf("%s: %+v, %v", ags, doc, err)
		}
		if told := b.Route.Told(map[string]map[string]string{route.Authority: {"kennzeichen": "SO-17", "remote-id": "x"}}); !cmp.Equal(told, map[string]string{"kennzeichen": "SO-17"}) {
			t.Errorf("%s: told %v", ags, told)
		}
		if chosen, err := b.Route.Plan(nil, nil); err != nil || !slices.Equal(chosen, []int{0}) {
			t.Errorf("%s: %v, %v", ags, chosen, err)
		}
	}
	if !snap.IsHere("stadt") || snap.IsHere("kreis") || snap.Callers("stellwerk-kreis") != nil || snap.Callers("kasse") != nil {
		t.Error("the hub does not know its own name, or somebody calls that should not")
	}
	e, err := snap.Explain("05999041", "reitkennzeichen")
	if err != nil || e.Deliveries[0].Mapping != "the payload as it came" {
		t.Errorf("%+v, %v", e, err)
	}
}
