package sim

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"
)

// dropBox imports files from a drop folder, as systems do that have no other door:
// the cash office in its evening run, the waste company its lists. A good file goes
// to archive, a bad one to rejected, with a protocol beside it. What it has once
// imported, by name or content, it rejects.
type dropBox struct {
	*partner
	contentType             string
	marked                  bool // takes a file only once its .done is beside it
	read                    func(content []byte) (records int, wrong []LineError)
	number                  func(n int) (name, number string) // of the n-th record that it ever took
	drop, archive, rejected string

	scanning sync.Mutex
	names    map[string]bool
	contents map[string]bool
	booked   int
}

func (c *dropBox) open(dir string) error {
	c.drop, c.archive, c.rejected = filepath.Join(dir, "drop"), filepath.Join(dir, "archive"), filepath.Join(dir, "rejected")
	c.names, c.contents = map[string]bool{}, map[string]bool{}
	for _, d := range []string{c.drop, c.archive, c.rejected} {
		if err := os.MkdirAll(d, 0o750); err != nil {
			return err
		}
	}
	return nil
}

// newCashOffice reads fixed-width files.
func newCashOffice(p *partner) (*dropBox, error) {
	l, err := readLayout()
	return &dropBox{
		partner: p, contentType: "text/plain; charset=windows-1252",
		read: func(content []byte) (int, []LineError) {
			file, wrong := l.parse(content)
			return len(file.records), wrong
		},
		number: func(n int) (string, string) { return "kassenzeichen", fmt.Sprintf("5.%07d.%d", n, checkDigit(n)) },
	}, err
}

// watch scans until ctx ends.
func (c *dropBox) watch(ctx context.Context, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if f := c.currentFaults(); !f.Down && !f.Silent {
				_ = c.scan() // what could not be read is still there next time
			}
		}
	}
}

// scan imports every file that lies there, oldest name first.
func (c *dropBox) scan() error {
	c.scanning.Lock()
	defer c.scanning.Unlock()
	files, err := os.ReadDir(c.drop)
	if err != nil {
		return err
	}
	var errs []error
	for _, f := range files {
		if !f.Type().IsRegular() || strings.HasPrefix(f.Name(), ".") || c.marked && strings.HasSuffix(f.Name(), ".done") {
			continue
		}
		if c.marked {
			if err := os.Remove(filepath.Join(c.drop, f.Name()+".done")); err != nil {
				continue // not complete yet
			}
		}
		errs = append(errs, c.importFile(f.Name()))
	}
	return errors.Join(errs...)
}

func (c *dropBox) importFile(name string) error {
	content, err := os.ReadFile(filepath.Join(c.drop, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	records, wrong := c.read(content)
	f := c.currentFaults()
	sum := checksum(content)
	switch {
	case len(wrong) > 0:
	case !f.Forgetful && (c.names[name] || c.contents[sum]):
		wrong = []LineError{{Error: "diese Datei wurde schon eingelesen"}}
	case f.Refuse != "" && strings.Contains(string(content), f.Refuse):
		wrong = []LineError{{Error: "wurde abgelehnt"}}
	}
	if len(wrong) > 0 {
		return c.reject(name, wrong)
	}
	if err := os.Rename(filepath.Join(c.drop, name), filepath.Join(c.archive, name)); err != nil {
		return err
	}
	c.names[name], c.contents[sum] = true, true
	c.book(name, content, records)
	return nil
}

// book gives each record its number.
func (c *dropBox) book(name string, content []byte, records int) {
	numbers := map[string]string{}
	for i := range records {
		c.booked++
		what, number := c.number(c.booked)
		numbers[fmt.Sprintf("%s-%d", what, i+1)] = number
	}
	c.take(incoming{id: name, contentType: c.contentType, body: content}, true, func(int) map[string]string {
		return maps.Clone(numbers)
	})
}

// reject moves a file away and says why, line by line.
func (c *dropBox) reject(name string, wrong []LineError) error {
	c.refused()
	var protocol strings.Builder
	fmt.Fprintf(&protocol, "%s abgewiesen %s\r\n", name, c.now().Format("02.01.2006 15:04:05"))
	for _, e := range wrong {
		protocol.WriteString(e.String() + "\r\n")
	}
	at := filepath.Join(c.rejected, name)
	if err := os.WriteFile(at+".protokoll.txt", []byte(protocol.String()), 0o600); err != nil {
		return err
	}
	return os.Rename(filepath.Join(c.drop, name), at)
}

// protocols lists the rejected files with their protocols.
func (c *dropBox) protocols() (map[string]string, error) {
	files, err := filepath.Glob(filepath.Join(c.rejected, "*.protokoll.txt"))
	if err != nil {
		return nil, err
	}
	out := map[string]string{}
	for _, f := range slices.Sorted(slices.Values(files)) {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, err
		}
		out[strings.TrimSuffix(filepath.Base(f), ".protokoll.txt")] = string(b)
	}
	return out, nil
}
