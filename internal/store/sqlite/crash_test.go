package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
)

// TestMain is the child of the crash tests where their variable is set: it
// accepts without a pause and prints what was acknowledged, until it is killed.
func TestMain(m *testing.M) {
	if dir := os.Getenv("STELLWERK_CRASH_DIR"); dir != "" {
		os.Exit(crashChild(Options{Dir: dir, ackNow: os.Getenv("STELLWERK_CRASH_ACK") != ""}))
	}
	os.Exit(m.Run())
}

func crashChild(o Options) int {
	s, err := Open(o)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	l := newLoad()
	var out sync.Mutex
	var wg sync.WaitGroup
	for range 32 {
		wg.Go(func() {
			for {
				a := l.acceptance(time.Now())
				if _, err := s.Accept(context.Background(), a); err != nil {
					fmt.Fprintln(os.Stderr, err)
					return
				}
				out.Lock()
				fmt.Println(a.Submission.ID)
				out.Unlock()
			}
		})
	}
	wg.Wait()
	return 1
}

// killed runs a child until it has acknowledged n submissions, kills it, and says
// which of them are not there afterwards.
func killed(t *testing.T, dir string, n int, env ...string) (lost int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), append(env, "STELLWERK_CRASH_DIR="+dir)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var acknowledged []hub.ID
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		id, err := hub.ParseID(lines.Text())
		if err != nil {
			break // the last line may be torn
		}
		if acknowledged = append(acknowledged, id); len(acknowledged) == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the child was not killed")
	}
	if len(acknowledged) < n {
		t.Fatalf("the child acknowledged %d submissions, want %d", len(acknowledged), n)
	}
	s := open(t, Options{Dir: dir})
	for _, id := range acknowledged {
		if _, err := s.Submission(t.Context(), id); errors.Is(err, store.ErrNotFound) {
			lost++
		} else if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return lost
}

func TestKilledProcessLosesNothing(t *testing.T) {
	dir := t.TempDir()
	for i := range 5 {
		if lost := killed(t, dir, 200+i*117); lost != 0 {
			t.Fatalf("kill %d: %d acknowledged submissions are lost", i+1, lost)
		}
	}
}

// TestKilledProcessControl: without the protection the same test is red.
func TestKilledProcessControl(t *testing.T) {
	for range 10 {
		if killed(t, t.TempDir(), 300, "STELLWERK_CRASH_ACK=1") > 0 {
			return
		}
	}
	t.Error("acknowledging before the sync loses nothing: the crash test proves nothing")
}
