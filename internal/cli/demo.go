package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"stellwerk/internal/app"
	"stellwerk/internal/config"
	"stellwerk/internal/sim"
	"stellwerk/routes"
)

// demo runs a hub with a sample town and simulated partners.
func (p *Program) demo() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a sample hub with simulated partners, and show what to type",
		Long: `Run a hub on a copy of the sample operator's folder, with simulated partners that
speak their real protocols, and print a request that works when pasted.

--dir keeps the folder: its files may be edited (stellwerk reload), its journal
is there at the next start. Without it everything is gone at the end.`,
		Args: usage(cobra.NoArgs),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if dir == "" {
				temporary, err := os.MkdirTemp("", "stellwerk-demo-")
				if err != nil {
					return fmt.Errorf("make a folder: %w", err)
				}
				defer func() { _ = os.RemoveAll(temporary) }() // what is left goes with the machine's temporary files
				dir = filepath.Join(temporary, "musterstadt")
			}
			tuneMemory(p.LookupEnv)
			return p.runDemo(cmd.Context(), dir)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the folder to work in; a temporary one where none is given")
	return cmd
}

func (p *Program) runDemo(ctx context.Context, dir string) (err error) {
	lock, err := occupySample(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close()) }()
	hup := hangUps()
	f, err := prepareSample(dir)
	if err != nil {
		return err
	}
	town, err := sim.Start(ctx, sim.Options{Dir: f.data("partners"), Mark: loadMark})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, town.Close()) }()
	if err := f.pointAt(town); err != nil {
		return err
	}
	logFile, err := os.OpenFile(f.data("hub.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	defer func() { err = errors.Join(err, logFile.Close()) }()
	opts := app.Options{Dir: f.dir, Version: p.Version, Log: slog.New(slog.NewJSONHandler(logFile, nil))}
	if opts.PortalsListener, err = listenNear("127.0.0.1:8080"); err != nil {
		return err
	}
	if opts.AdminListener, err = listenNear("127.0.0.1:8081"); err != nil {
		return errors.Join(err, opts.PortalsListener.Close())
	}
	a, err := app.New(ctx, opts)
	if err != nil {
		return errors.Join(err, opts.PortalsListener.Close(), opts.AdminListener.Close())
	}
	defer func() {
		stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		err = errors.Join(err, a.Stop(stop))
	}()
	if err := a.Start(ctx); err != nil {
		return err
	}
	example, err := f.example()
	if err != nil {
		return err
	}
	if err := p.announce(f, a, town, example); err != nil {
		return err
	}
	return attend(ctx, hup, a, func(findings config.Findings, err error) {
		for _, f := range findings {
			fmt.Fprintln(p.Err, clean(f.String()))
		}
		if err != nil {
			fmt.Fprintln(p.Err, clean(err.Error()))
		}
	})
}

// listenNear listens at an address, or at any port of this machine where somebody
// else is there.
func listenNear(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if err == nil {
		return l, nil
	}
	if l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	return l, nil
}

// pointAt writes the partners' addresses into the systems' files, and the
// credentials where a partner asks for them.
func (f *sampleFolder) pointAt(t *sim.Town) error {
	partners := map[string]string{"kasse-json": t.Finance, "eakte": t.Records, "dvelop": t.DMS, "ordnungsamt-json": t.PublicOrder,
		"entsorger-json": t.Waste, "reitregister-json": t.District, "postkorb-json": t.Mailbox, "epay21": t.Payment + "/epay21", "pmpayment": t.Payment + "/pmpayment"}
	if err := replaceSecret(filepath.Join(f.dir, "secrets", "partners.password"), []byte(sim.Password)); err != nil {
		return err
	}
	return f.systems(func(file, profile string) error {
		address, ok := partners[profile]
		if !ok {
			return nil // a system that needs no simulated partner
		}
		lines := "address: " + address
		if guarded := profile == "eakte" || profile == "dvelop"; guarded && !f.has(file, credentialsSetting) {
			lines += "\ncredentials: {basic: {user: " + sim.User + ", password: \"file:secrets/partners.password\"}}"
		}
		return f.rewrite(file, addressSetting, lines)
	})
}

// demoExample is the request that the demo suggests.
type demoExample struct{ payload, attachment string } // files

// example lays the request's files beside the folder's own.
func (f *sampleFolder) example() (*demoExample, error) {
	dir := f.data("example")
	e := &demoExample{payload: filepath.Join(dir, "hundeanmeldung.xml"), attachment: filepath.Join(dir, "sachkunde.pdf")}
	xml, err := fs.ReadFile(routes.FS, sampleService+"/examples/labrador.xml")
	if err != nil {
		return nil, fmt.Errorf("read the example: %w", err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("write the example: %w", err)
	}
	if err := os.WriteFile(e.payload, xml, 0o600); err != nil {
		return nil, fmt.Errorf("write the example: %w", err)
	}
	if err := os.WriteFile(e.attachment, attachment(), 0o600); err != nil {
		return nil, fmt.Errorf("write the example: %w", err)
	}
	return e, nil
}

// curl is the request as one command of a shell.
func (e *demoExample) curl(base, key string, now time.Time, sep string) (string, error) {
	s := submission{municipality: sampleMunicipality, service: sampleService, consent: true, wording: "1",
		reference: "BP-2026-004711", trust: "STORK-QAA-Level-3"}
	meta, err := s.metadataJSON(now)
	if err != nil {
		return "", fmt.Errorf("write the metadata: %w", err)
	}
	return strings.Join([]string{
		`curl -sS --fail-with-body -w '\n' ` + quote(base+"/v1/submissions"),
		"-H " + quote("Authorization: Bearer "+key),
		"-H " + quote("Idempotency-Key: "+uuid.NewString()),
		"-F " + quote("metadata="+string(meta)+";type=application/json"),
		"-F " + quote("payload=@"+e.payload+";type=application/xml"),
		"-F " + quote("attachment=@"+e.attachment+";type=application/pdf"),
	}, sep), nil
}

// quote makes a word of a shell of any text.
func quote(s string) string {
	safe := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:@%+=", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !safe(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// announce says where everything is and what to type.
func (p *Program) announce(f *sampleFolder, a *app.App, town *sim.Town, e *demoExample) error {
	cli := "--hub " + a.AdminURL() + " --key " + quote("file:"+f.operatorKeyFile())
	sep := " \\\n  "
	if p.json {
		sep = " "
	}
	curl, err := e.curl(a.PortalsURL(), f.portalKey, p.Now(), sep)
	if err != nil {
		return err
	}
	if p.json {
		return p.emitLine(struct {
			URL       string `json:"url"`
			Curl      string `json:"curl"`
			CLI       string `json:"cli"`
			Admin     string `json:"admin"`
			Partners  string `json:"partners"`
			Dir       string `json:"dir"`
			PortalKey string `json:"portal-key"` // a reference
		}{a.PortalsURL(), curl, cli, a.AdminURL(), town.Control, f.dir, "file:" + f.portalKeyFile()})
	}
	self := invocation()
	p.say("Musterstadt is open: %s", f.dir)
	p.say("")
	p.say("Register a dog, as the citizens' portal does (in another terminal):")
	p.say("")
	fmt.Fprintln(p.Out, curl)
	p.say("")
	p.say("Then see what became of it, with the number from the answer:")
	p.say("")
	p.say("%s trace NUMBER %s", self, cli)
	p.say("")
	p.say("All cases:     %s list %s", self, cli)
	p.say("API for portals: %s/docs    partners' control: %s", a.PortalsURL(), town.Control)
	p.say("Ctrl-C ends everything.")
	return nil
}

// invocation is how this program was called, for lines to paste.
func invocation() string {
	exe, err := os.Executable()
	if err != nil {
		return "stellwerk"
	}
	if strings.Contains(exe, "go-build") {
		return "go run ./cmd/stellwerk"
	}
	if found, err := exec.LookPath("stellwerk"); err == nil && sameFile(found, exe) {
		return "stellwerk"
	}
	return quote(exe)
}

func sameFile(a, b string) bool {
	one, err := os.Stat(a)
	if err != nil {
		return false
	}
	other, err := os.Stat(b)
	return err == nil && os.SameFile(one, other)
}
