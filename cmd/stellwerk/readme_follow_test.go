package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/web/admin"
)

// reader follows a document.
type reader struct {
	ctx     context.Context
	doc     string
	dir     string
	env     []string
	put     *strings.Replacer // the words that stand for something of the demo
	printed string            // by the last block
	running []*background
}

// follow does what a document says and counts the blocks that it ran.
func follow(t *testing.T, doc, content string) (ran int, err error) {
	all, err := blocks(doc, content)
	if err != nil {
		return 0, err
	}
	r := &reader{ctx: t.Context(), doc: doc, dir: filepath.Join(t.TempDir(), "stellwerk"), put: strings.NewReplacer(),
		env: append(os.Environ(), "GORACE="+quickRace)}
	if err := copyRepository("../..", r.dir); err != nil {
		return 0, err
	}
	defer func() {
		for _, b := range slices.Backward(r.running) {
			err = errors.Join(err, b.end())
		}
	}()
	for i := range all {
		b := &all[i]
		if _, off := b.marks["not run"]; off {
			continue
		}
		var failed error
		_, prints := b.marks["prints"]
		switch {
		case b.marks["file"] != "":
			failed = r.lay(b)
		case prints:
			failed = r.compare(b)
		case b.language == "sh":
			failed = r.run(b)
			ran++
		}
		if failed != nil {
			return ran, fmt.Errorf("%s:%d: %w", doc, b.line, failed)
		}
	}
	return ran, nil
}

// copyRepository copies what the documents may speak of: everything but git's own.
func copyRepository(from, to string) error {
	return filepath.WalkDir(from, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, name)
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		content, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), content, 0o600)
	})
}

// run types one sh block.
func (r *reader) run(b *block) error {
	if b.marks["needs"] == "demo" {
		if err := r.demo(); err != nil {
			return err
		}
	}
	text := r.put.Replace(strings.ReplaceAll(b.text, "go run ./cmd/stellwerk", "stellwerk"))
	p, err := r.start(text)
	if err != nil {
		return err
	}
	if awaited := b.marks["awaits"]; awaited != "" {
		r.running = append(r.running, p)
		return p.await(awaited)
	}
	defer func() { _ = p.end() }()
	if !p.gone(time.Minute) {
		return fmt.Errorf("did not come to its end; does it lack <!-- awaits: … -->?\n%s", p.output())
	}
	want := 0
	if code := b.marks["exits"]; code != "" {
		if want, err = strconv.Atoi(code); err != nil {
			return err
		}
	}
	r.printed = p.output()
	if got := p.cmd.ProcessState.ExitCode(); got != want {
		return fmt.Errorf("ended with %d, not %d\n%s\n%s", got, want, text, r.printed)
	}
	return nil
}

// compare looks for every line of a block in what was printed, in this order.
func (r *reader) compare(b *block) error {
	rest := strings.Split(r.printed, "\n")
	for line := range strings.Lines(b.text) {
		line = strings.TrimSpace(line)
		want := regexp.MustCompile("^" + strings.ReplaceAll(regexp.QuoteMeta(line), "…", ".*") + "$")
		at := slices.IndexFunc(rest, func(have string) bool { return want.MatchString(strings.TrimSpace(have)) })
		if at < 0 && line != "" {
			return fmt.Errorf("%q was not printed, but\n%s", line, r.printed)
		}
		rest = rest[at+1:]
	}
	return nil
}

// lay puts a file into the operator's folder, town or the one that is named, and has it checked.
func (r *reader) lay(b *block) error {
	folder := "town"
	if in := b.marks["in"]; in != "" {
		folder = in
	}
	town := filepath.Join(r.dir, folder)
	if _, err := os.Stat(town); errors.Is(err, fs.ErrNotExist) {
		if err := os.CopyFS(town, os.DirFS(filepath.Join(r.dir, "testdata/musterstadt"))); err != nil {
			return err
		}
	}
	file := filepath.Join(town, filepath.FromSlash(b.marks["file"]))
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	if err := os.WriteFile(file, []byte(b.text), 0o600); err != nil {
		return err
	}
	return r.run(&block{text: "stellwerk check --dir " + folder, marks: map[string]string{}})
}

// demo starts a demo hub, once, and submits what it suggests.
func (r *reader) demo() error {
	if slices.ContainsFunc(r.env, func(v string) bool { return strings.HasPrefix(v, "STELLWERK_HUB=") }) {
		return nil
	}
	p, err := r.start("exec stellwerk demo --json --dir " + filepath.Join(filepath.Dir(r.dir), "demo"))
	if err != nil {
		return err
	}
	r.running = append(r.running, p)
	if err := p.await("\n"); err != nil {
		return err
	}
	var d struct {
		URL, Curl, Admin, Dir string
		PortalKey             string `json:"portal-key"`
	}
	if err := json.Unmarshal([]byte(p.output()), &d); err != nil {
		return fmt.Errorf("read what the demo says: %w\n%s", err, p.output())
	}
	key := filepath.Join(d.Dir, "secrets/leitstelle.key")
	r.env = append(r.env, "STELLWERK_HUB="+d.Admin, "STELLWERK_KEY=file:"+key, "STELLWERK_PORTALS="+d.URL,
		"STELLWERK_PORTAL_KEY="+d.PortalKey, "STELLWERK_DIR="+d.Dir)
	out, err := exec.CommandContext(r.ctx, "sh", "-c", d.Curl).Output()
	if err != nil {
		return fmt.Errorf("run what the demo suggests: %w\n%s\n%s", err, d.Curl, out)
	}
	var receipt struct {
		ID     hub.ID `json:"id"`
		Number string `json:"number"`
	}
	if err := json.Unmarshal(out, &receipt); err != nil {
		return fmt.Errorf("read the receipt: %w\n%s", err, out)
	}
	r.put = strings.NewReplacer("<id>", receipt.Number, "NUMBER", receipt.Number,
		"127.0.0.1:8080", strings.TrimPrefix(d.URL, "http://"), "127.0.0.1:8081", strings.TrimPrefix(d.Admin, "http://"))
	secret, err := os.ReadFile(key)
	if err != nil {
		return err
	}
	client := admin.New(d.Admin, strings.TrimSpace(string(secret)))
	settled := until(func() bool {
		c, err := client.Submission(r.ctx, receipt.ID.String())
		return err == nil && c.State == hub.SubmissionSettled
	})
	if !settled {
		return fmt.Errorf("the demo's case %s did not settle", receipt.Number)
	}
	return nil
}

// background is a command that runs beside the others.
type background struct {
	cmd   *exec.Cmd
	ended chan struct{}
	mu    sync.Mutex
	out   bytes.Buffer
}

// Write keeps what the command prints.
func (b *background) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.Write(p)
}

func (b *background) output() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.out.String()
}

// start runs lines of a shell, which ends at the first that fails.
func (r *reader) start(text string) (*background, error) {
	b := &background{cmd: exec.Command("sh", "-e", "-c", text), ended: make(chan struct{})}
	b.cmd.Dir, b.cmd.Env, b.cmd.Stdout, b.cmd.Stderr = r.dir, r.env, b, b
	b.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	b.cmd.WaitDelay = patience
	if err := b.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		defer close(b.ended)
		_ = b.cmd.Wait() // ProcessState says how it ended
	}()
	return b, nil
}

func (b *background) await(text string) error {
	ended := false
	until(func() bool {
		ended = b.gone(0)
		return ended || strings.Contains(b.output(), text)
	})
	switch {
	case strings.Contains(b.output(), text):
		return nil
	case ended:
		return fmt.Errorf("ended before it said %q\n%s", text, b.output())
	}
	return fmt.Errorf("did not say %q\n%s", text, b.output())
}

func (b *background) gone(within time.Duration) bool {
	timer := time.NewTimer(within)
	defer timer.Stop()
	select {
	case <-b.ended:
		return true
	case <-timer.C:
		return false
	}
}

// end interrupts the command and whatever it has started, as Ctrl-C does.
func (b *background) end() error {
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGKILL} {
		if b.gone(0) {
			return nil
		}
		if err := syscall.Kill(-b.cmd.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("end %s: %w", b.cmd, err)
		}
		if b.gone(patience) && signal == syscall.SIGINT {
			return nil
		}
	}
	return fmt.Errorf("%s did not end on Ctrl-C", b.cmd)
}
