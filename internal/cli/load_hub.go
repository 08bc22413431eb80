package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"stellwerk/internal/sim"
)

// throwaway is a hub in a process of its own, with partners in this one.
type throwaway struct {
	portals, control, portalKey string

	town   *sim.Town
	hub    *exec.Cmd
	log    *os.File
	ended  chan error
	remove func() error
}

// startThrowaway lays out a folder whose systems all are the partners' sink, and
// starts this program's serve on it.
func (p *Program) startThrowaway(ctx context.Context, o *loadOptions) (_ *throwaway, err error) {
	dir, remove, err := temporaryOr(o.dir)
	if err != nil {
		return nil, err
	}
	lock, err := occupySample(dir)
	if err != nil {
		return nil, errors.Join(err, remove())
	}
	t := &throwaway{remove: func() error { return errors.Join(lock.Close(), remove()) }}
	defer func() {
		if err != nil {
			err = errors.Join(err, t.close())
		}
	}()
	f, err := prepareSample(dir)
	if err != nil {
		return nil, err
	}
	t.portalKey = f.portalKey
	if t.town, err = sim.Start(ctx, sim.Options{Dir: f.data("partners"), Mark: loadMark}); err != nil {
		return nil, err
	}
	t.control = t.town.Control
	if err := f.sinkAll(t.town.Sink, o.clients); err != nil {
		return nil, err
	}
	portals, err := sim.FreeAddress()
	if err != nil {
		return nil, err
	}
	admin, err := sim.FreeAddress()
	if err != nil {
		return nil, err
	}
	t.portals = "http://" + portals
	for pattern, with := range map[*regexp.Regexp]string{portalsSetting: "  portals: " + portals, adminSetting: "  admin: " + admin, levelSetting: "level: warn"} {
		if err := f.rewrite("stellwerk.yaml", pattern, with); err != nil {
			return nil, err
		}
	}
	return t, t.start(ctx, f.dir, o)
}

var (
	portalsSetting = regexp.MustCompile(`(?m)^  portals: .*$`)
	adminSetting   = regexp.MustCompile(`(?m)^  admin: .*$`)
	paymentSetting = regexp.MustCompile(`(?m)^kind: xbezahldienste$`)
	levelSetting   = regexp.MustCompile(`level: [a-z]+`)
)

// sinkAll makes every system of the folder one that takes JSON at the sink, but for those
// for payment: a load pays for nothing, and a sink brings no link to pay by.
func (f *sampleFolder) sinkAll(sink string, clients int) error {
	return f.systems(func(file, _ string) error {
		if f.has(file, paymentSetting) {
			return nil
		}
		name := strings.TrimSuffix(filepath.Base(file), ".yaml")
		text := fmt.Sprintf("kind: rest\nprofile: generic-json\naddress: %s/%s\nrepeatable: true\n"+
			"retry: {schedule: [100ms, 500ms, 2s], then: 5s, give-up-after: 1h}\nlimits: {concurrency: %d, timeout: 20s}\n", sink, name, max(8, clients/2))
		if err := os.WriteFile(filepath.Join(f.dir, filepath.FromSlash(file)), []byte(text), 0o600); err != nil {
			return fmt.Errorf("write the sample folder: %w", err)
		}
		return nil
	})
}

func (t *throwaway) start(ctx context.Context, dir string, o *loadOptions) (err error) {
	self, err := ownProgram()
	if err != nil {
		return err
	}
	if t.log, err = os.OpenFile(filepath.Join(dir, "data", "hub.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return fmt.Errorf("open the hub's log: %w", err)
	}
	args := []string{"serve", "--dir", dir}
	if o.acceptOnly {
		args = append(args, "--no-delivery")
	}
	// The context ends it by hand, in close: a hub is asked to stop before it is made to.
	t.hub = exec.Command(self, args...)
	t.hub.Stderr = t.log
	t.ended = make(chan error, 1)
	if err := t.hub.Start(); err != nil {
		t.hub = nil
		return fmt.Errorf("start the hub: %w", err)
	}
	go func() { t.ended <- t.hub.Wait() }()
	return t.ready(ctx)
}

// ownProgram is the file of this program, by the name it was called with: behind a
// link the name tells which program it is.
func ownProgram() (string, error) {
	if path, err := exec.LookPath(os.Args[0]); err == nil {
		return path, nil
	}
	return os.Executable()
}

// ready waits until the hub answers.
func (t *throwaway) ready(ctx context.Context) error {
	deadline := time.Now().Add(30 * time.Second)
	for {
		res, err := http.Get(t.portals + "/readyz")
		if err == nil {
			status := res.StatusCode
			_ = res.Body.Close() // the status says it all
			if status == http.StatusOK {
				return nil
			}
		}
		select {
		case err := <-t.ended:
			t.hub = nil
			return fmt.Errorf("the hub ended before it was ready (%v): %s", err, t.lastWords())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the hub is not ready after 30 s: %s", t.lastWords())
		}
		if !sleep(ctx, 20*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// lastWords is the end of the hub's log.
func (t *throwaway) lastWords() string {
	b, err := os.ReadFile(t.log.Name())
	if err != nil {
		return "its log cannot be read"
	}
	return string(bytes.TrimSpace(b[max(0, len(b)-2000):]))
}

// memory is the most the hub has had resident, where the system tells.
func (t *throwaway) memory() int64 {
	if t.hub == nil {
		return 0
	}
	status, err := os.ReadFile("/proc/" + strconv.Itoa(t.hub.Process.Pid) + "/status")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(status)) {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, err := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(rest), "kB")), 10, 64)
			if err == nil {
				return kb << 10
			}
		}
	}
	return 0
}

// close stops the hub, then the partners, and removes a temporary folder.
func (t *throwaway) close() error {
	var errs []error
	if t.hub != nil {
		if err := t.hub.Process.Signal(syscall.SIGTERM); !errors.Is(err, os.ErrProcessDone) {
			errs = append(errs, err)
		}
		select {
		case err := <-t.ended:
			errs = append(errs, err)
		case <-time.After(15 * time.Second):
			errs = append(errs, errors.New("the hub did not stop within 15 s"), t.hub.Process.Kill())
			<-t.ended
		}
	}
	if t.log != nil {
		errs = append(errs, t.log.Close())
	}
	if t.town != nil {
		errs = append(errs, t.town.Close())
	}
	return errors.Join(append(errs, t.remove())...)
}
