package folder

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"syscall"
	"time"

	"stellwerk/connectors"
)

// Connector writes into one folder. It opens the folder anew for every delivery,
// so that a share mounted later or again is found.
type Connector struct {
	*config
	path   string
	now    func() time.Time
	closed chan struct{}
	once   sync.Once

	mu     sync.Mutex
	busy   map[string]bool // ids and files being written
	pruned time.Time
}

// Close lets deliveries under way stop at the next file.
func (c *Connector) Close() error {
	c.once.Do(func() { close(c.closed) })
	return nil
}

// stopped gives the receipt of a delivery that was not to go on.
func (c *Connector) stopped(ctx context.Context) (connectors.Receipt, bool) {
	select {
	case <-c.closed:
		return connectors.Receipt{Outcome: connectors.Retry, Code: "closed"}, true
	default:
	}
	switch err := ctx.Err(); {
	case errors.Is(err, context.DeadlineExceeded):
		return connectors.Receipt{Outcome: connectors.Retry, Code: "timeout", Fault: true}, true
	case err != nil:
		return connectors.Receipt{Outcome: connectors.Retry, Code: "cancelled"}, true
	}
	return connectors.Receipt{}, false
}

// lock keeps two calls apart that have the same id, or would write the same file: a
// rename replaces what another one has put there since it was looked for.
func (c *Connector) lock(what string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy[what] {
		return false
	}
	c.busy[what] = true
	return true
}

func (c *Connector) unlock(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.busy, what)
}

// Deliver puts the delivery's files in place.
func (c *Connector) Deliver(ctx context.Context, m *connectors.Message) connectors.Receipt {
	if r, stop := c.stopped(ctx); stop {
		return r
	}
	if !c.lock(m.ID) {
		return connectors.Receipt{Outcome: connectors.Retry, Code: "same-id-under-way"}
	}
	defer c.unlock(m.ID)
	file := "file " + c.fileName(m)
	if !c.lock(file) {
		return connectors.Receipt{Outcome: connectors.Retry, Code: "same-file-under-way"}
	}
	defer c.unlock(file)
	d, err := c.open(m)
	if err != nil {
		return failure(err)
	}
	defer d.close()
	state, err := d.state()
	switch {
	case err != nil:
		return failure(err)
	case state == complete:
		return c.delivered(m)
	}
	if r, done := d.write(ctx, c); done {
		return r
	}
	c.prune(d.root)
	return c.delivered(m)
}

func (c *Connector) delivered(m *connectors.Message) connectors.Receipt {
	return connectors.Receipt{Outcome: connectors.Delivered, Answer: map[string]string{"file": c.fileName(m)}}
}

// Ask looks for the receipt.
func (c *Connector) Ask(_ context.Context, m *connectors.Message) connectors.Receipt {
	d, err := c.open(m)
	if err != nil {
		r := failure(err)
		return connectors.Receipt{Code: r.Code, Detail: r.Detail, Fault: true}
	}
	defer d.close()
	switch state, err := d.state(); {
	case err != nil:
		return connectors.Receipt{Code: "io-error", Detail: err.Error(), Fault: true}
	case state == complete:
		return c.delivered(m)
	}
	return connectors.Receipt{Outcome: connectors.Retry, Code: "not-found"}
}

// Probe writes and removes an empty file.
func (c *Connector) Probe(context.Context) error {
	root, err := openRoot(c.path)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	defer func() { _ = root.Close() }()
	name := work + "/probe"
	f, err := root.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("probe: %w", err)
	}
	return errors.Join(f.Close(), root.Remove(name))
}

// conflictError is a file of the same name with other content.
type conflictError struct{ name string }

func (e *conflictError) Error() string {
	return "the folder has a file " + e.name + " with other content"
}

// damageError is an attachment that could not be read as it was stored.
type damageError struct{ err error }

func (e *damageError) Error() string { return "read attachment: " + e.err.Error() }
func (e *damageError) Unwrap() error { return e.err }

// failure says what an error means. The last file is not in place whenever one
// of these occurs, so nothing here is unknown.
func failure(err error) connectors.Receipt {
	var conflict *conflictError
	var damage *damageError
	r := connectors.Receipt{Outcome: connectors.Retry, Code: "io-error", Detail: err.Error(), Fault: true}
	switch {
	case errors.As(err, &conflict):
		return connectors.Receipt{Outcome: connectors.Refused, Code: "file-exists", Detail: err.Error()}
	case errors.As(err, &damage):
		return connectors.Receipt{Outcome: connectors.Refused, Code: "attachment-damaged", Detail: err.Error()}
	case errors.Is(err, syscall.ENAMETOOLONG):
		return connectors.Receipt{Outcome: connectors.Refused, Code: "name-too-long", Detail: err.Error()}
	case errors.Is(err, fs.ErrNotExist):
		r.Code = "folder-missing"
	case errors.Is(err, fs.ErrPermission):
		r.Code = "permission-denied"
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		r.Code = "no-space"
	case errors.Is(err, syscall.EROFS):
		r.Code = "read-only"
	}
	return r
}

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
