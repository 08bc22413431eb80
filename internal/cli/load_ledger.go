package cli

import (
	"bufio"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"

	"stellwerk/internal/hub"
)

// entry is what was acknowledged: the id, what was pushed, and the word by which
// the partners know it.
type entry struct {
	ID     hub.ID
	SHA256 [32]byte
	Mark   string
}

// ledger is the file of what was acknowledged. It is appended to, a line an entry:
// id, SHA-256, mark. With sync an entry is on disk before note returns; whoever
// waits shares one sync.
type ledger struct {
	file *os.File
	sync bool

	mu      sync.Mutex
	lines   []byte
	waiting []chan error
	wake    chan struct{}
	done    chan struct{}
	failed  error
}

func openLedger(path string, syncEach bool) (*ledger, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	l := &ledger{file: f, sync: syncEach, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go l.run()
	return l, nil
}

// note writes an entry down.
func (l *ledger) note(e entry) error {
	l.mu.Lock()
	l.lines = append(l.lines, e.ID.String()...)
	l.lines = append(l.lines, ' ')
	l.lines = hex.AppendEncode(l.lines, e.SHA256[:])
	l.lines = append(l.lines, ' ')
	l.lines = append(l.lines, e.Mark...)
	l.lines = append(l.lines, '\n')
	err := l.failed
	var synced chan error
	if l.sync {
		synced = make(chan error, 1)
		l.waiting = append(l.waiting, synced)
	}
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default:
	}
	if synced != nil {
		return <-synced
	}
	return err
}

func (l *ledger) run() {
	defer close(l.done)
	for range l.wake {
		l.flush()
	}
	l.flush()
}

func (l *ledger) flush() {
	l.mu.Lock()
	lines, waiting := l.lines, l.waiting
	l.lines, l.waiting = nil, nil
	l.mu.Unlock()
	_, err := l.file.Write(lines)
	if err == nil && len(waiting) > 0 {
		err = l.file.Sync()
	}
	if err != nil {
		err = fmt.Errorf("write the ledger: %w", err)
		l.mu.Lock()
		l.failed = err
		l.mu.Unlock()
	}
	for _, w := range waiting {
		w <- err
	}
}

// close writes what is left. Nobody notes any more.
func (l *ledger) close() error {
	close(l.wake)
	<-l.done
	return errors.Join(l.failed, l.file.Sync(), l.file.Close())
}

// readLedger calls fn for every entry. A torn last line is of an entry that was
// not noted to its end; it is left out.
func readLedger(path string, fn func(entry) error) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer func() { _ = f.Close() }()
	r := bufio.NewReader(f)
	for n := 1; ; n++ {
		line, err := r.ReadString('\n')
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the ledger: %w", err)
		}
		e, err := parseEntry(strings.TrimSuffix(line, "\n"))
		if err != nil {
			return fmt.Errorf("read the ledger: line %d: %w", n, err)
		}
		if err := fn(e); err != nil {
			return err
		}
	}
}

func parseEntry(line string) (e entry, err error) {
	id, rest, _ := strings.Cut(line, " ")
	sum, mark, ok := strings.Cut(rest, " ")
	if e.ID, err = hub.ParseID(id); err != nil {
		return e, err
	}
	if n, err := hex.Decode(e.SHA256[:], []byte(sum)); err != nil || n != 32 || len(sum) != 64 || !ok {
		return e, errors.New("it has no SHA-256")
	}
	e.Mark = mark
	return e, nil
}
