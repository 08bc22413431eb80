package sim

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
)

// sinkLog is a log that is synced before a write is answered. Whoever waits
// shares one sync.
type sinkLog struct {
	file  *os.File
	lines chan waiting
	done  chan struct{}

	mu     sync.RWMutex
	closed bool
}

type waiting struct {
	line   []byte
	synced chan error
}

// openSinkLog reads what is there, line by line, and appends to it. A torn last
// line was never answered; it is cut off.
func openSinkLog(path string, each func(Arrived)) (*sinkLog, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	good, err := readSinkLog(f, each)
	if err == nil {
		err = f.Truncate(good)
	}
	if err == nil {
		_, err = f.Seek(good, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("read sink log: %w", err), f.Close())
	}
	l := &sinkLog{file: f, lines: make(chan waiting, 256), done: make(chan struct{})}
	go l.run()
	return l, nil
}

func readSinkLog(f io.Reader, each func(Arrived)) (good int64, err error) {
	r := bufio.NewReader(f)
	for {
		line, err := r.ReadBytes('\n')
		if err == io.EOF {
			return good, nil
		}
		if err != nil {
			return good, err
		}
		var a Arrived
		if err := json.Unmarshal(line, &a); err != nil || len(a.SHA256) != 16 {
			return good, fmt.Errorf("byte %d is no line of it", good)
		}
		each(a)
		good += int64(len(line))
	}
}

// write returns once the line is on disk.
func (l *sinkLog) write(a Arrived) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w := waiting{append(line, '\n'), make(chan error, 1)}
	l.mu.RLock()
	if l.closed {
		l.mu.RUnlock()
		return os.ErrClosed
	}
	l.lines <- w
	l.mu.RUnlock()
	return <-w.synced
}

func (l *sinkLog) run() {
	defer close(l.done)
	var batch []waiting
	var text []byte
	for first := range l.lines {
		batch, text = append(batch[:0], first), append(text[:0], first.line...)
	gather:
		for len(batch) < 256 {
			select {
			case next, ok := <-l.lines:
				if !ok {
					break gather
				}
				batch, text = append(batch, next), append(text, next.line...)
			default:
				break gather
			}
		}
		_, err := l.file.Write(text)
		if err == nil {
			err = l.file.Sync()
		}
		for _, w := range batch {
			w.synced <- err
		}
	}
}

func (l *sinkLog) close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	close(l.lines)
	l.mu.Unlock()
	<-l.done
	return l.file.Close()
}
