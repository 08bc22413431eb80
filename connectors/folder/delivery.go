package folder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"stellwerk/connectors"
)

// work is the folder below the watched one where files become complete.
const work = ".stellwerk"

// delivery is one message on its way into the folder.
type delivery struct {
	root    *os.Root // nothing outside of the folder can be reached, not even by a link
	config  *config
	message *connectors.Message
	file    string // name of the document's file
	last    string // name of the file that makes the delivery count
	part    string // the last file, in the work folder
	receipt string
}

func openRoot(dir string) (*os.Root, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	if err := root.Mkdir(work, 0o750); err != nil && !errors.Is(err, fs.ErrExist) {
		_ = root.Close()
		return nil, err
	}
	return root, nil
}

func (c *Connector) open(m *connectors.Message) (*delivery, error) {
	root, err := openRoot(c.path)
	if err != nil {
		return nil, err
	}
	d := &delivery{root: root, config: c.config, message: m, file: c.fileName(m)}
	d.last = d.file
	switch c.Marker {
	case "done":
		d.last = d.file + ".done"
	case "manifest":
		d.last = d.file + ".manifest.json"
	}
	d.part = path.Join(work, safe(m.ID)+".part")
	d.receipt = path.Join(work, safe(m.ID)+".receipt")
	return d, nil
}

func (d *delivery) close() { _ = d.root.Close() }

// print is what a receipt holds: the checksums of the last file's name and of
// the document with its attachments. A document mapped anew has another one.
func (d *delivery) print() string {
	h := sha256.New()
	_, _ = fmt.Fprintln(h, sum(d.message.Body))
	for _, a := range d.message.Attachments {
		_, _ = fmt.Fprintln(h, a.SHA256)
	}
	return sum([]byte(d.last)) + " " + hex.EncodeToString(h.Sum(nil)) + "\n"
}

type state int

const (
	untouched state = iota
	complete
)

// state reads what an earlier attempt has left; see the package's comment.
func (d *delivery) state() (state, error) {
	wanted := d.print()
	info, err := d.root.Lstat(d.receipt)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return untouched, nil
	case err != nil:
		return untouched, err
	case !info.Mode().IsRegular(): // the share is the receiver's, too
		return untouched, &conflictError{d.receipt}
	case info.Size() != int64(len(wanted)):
		return untouched, nil
	}
	receipt, err := d.root.ReadFile(d.receipt)
	if err != nil {
		return untouched, err
	}
	if string(receipt) != wanted {
		return untouched, nil
	}
	_, err = d.root.Lstat(d.part)
	if errors.Is(err, fs.ErrNotExist) {
		return complete, nil
	}
	return untouched, err
}

// write puts everything in place. It reports true with a receipt where it ended
// before the delivery counted.
func (d *delivery) write(ctx context.Context, c *Connector) (connectors.Receipt, bool) {
	entries, err := d.attachments(ctx, c)
	if err != nil {
		if r, stop := c.stopped(ctx); stop {
			return r, true
		}
		return failure(err), true
	}
	content := d.message.Body
	if d.last != d.file {
		if err := d.place(d.file, d.message.Body); err != nil {
			return failure(err), true
		}
		content = d.marker(entries)
	}
	if r, stop := c.stopped(ctx); stop {
		return r, true
	}
	if err := d.finish(content); err != nil {
		return failure(err), true
	}
	return connectors.Receipt{}, false
}

// entry is a file as the manifest lists it.
type entry struct {
	Name   string `json:"name"`
	SHA256 string `json:"sha256"`
	Size   int64  `json:"size"`
}

// marker is the content of the last file.
func (d *delivery) marker(attachments []entry) []byte {
	if d.config.Marker == "done" {
		return nil
	}
	b, _ := json.MarshalIndent(struct { // strings and numbers always have a JSON form
		ID          string  `json:"id"`
		Number      string  `json:"number"`
		Document    entry   `json:"document"`
		Attachments []entry `json:"attachments"`
	}{d.message.ID, d.message.Number, entry{d.file, sum(d.message.Body), int64(len(d.message.Body))}, attachments}, "", "  ")
	return append(b, '\n')
}

// attachments puts the attachments in place, in their order.
func (d *delivery) attachments(ctx context.Context, c *Connector) ([]entry, error) {
	entries := []entry{}
	if d.config.Attachments == "omit" || len(d.message.Attachments) == 0 {
		return entries, nil
	}
	stem := strings.TrimSuffix(d.file, filepath.Ext(d.file))
	if d.config.Attachments == "folder" {
		if err := d.mkdir(stem); err != nil {
			return nil, err
		}
	}
	for i, a := range d.message.Attachments {
		if _, stop := c.stopped(ctx); stop {
			return nil, context.Canceled
		}
		name := d.beside(fmt.Sprintf("%s-%02d-%s", stem, i+1, safe(a.Name)))
		if d.config.Attachments == "folder" {
			name = path.Join(stem, fmt.Sprintf("%02d-%s", i+1, safe(a.Name)))
		}
		if err := d.copy(name, &a); err != nil {
			return nil, err
		}
		entries = append(entries, entry{name, a.SHA256, a.Size})
	}
	return entries, nil
}

// beside is the name of an attachment next to its document. A receiver knows documents
// and markers by their ending: a citizen's buchung.xml must not be taken for one.
func (d *delivery) beside(name string) string {
	ext := filepath.Ext(name)
	if ext != "" && (strings.EqualFold(ext, filepath.Ext(d.file)) || strings.EqualFold(ext, filepath.Ext(d.last))) {
		return name + ".anlage"
	}
	return name
}

// copy puts one attachment in place, checked against its checksum on the way.
func (d *delivery) copy(name string, a *connectors.Attachment) (err error) {
	in, err := a.Open()
	if err != nil {
		return &damageError{err}
	}
	defer func() { _ = in.Close() }()
	part := path.Join(work, safe(d.message.ID)+".attachment")
	h := sha256.New()
	source := &reading{from: io.TeeReader(in, h)}
	if err := d.create(part, source); err != nil {
		_ = d.root.Remove(part)
		if source.err != nil {
			return &damageError{source.err}
		}
		return err
	}
	if source.n != a.Size || hex.EncodeToString(h.Sum(nil)) != a.SHA256 {
		_ = d.root.Remove(part)
		return &damageError{errors.New("it is not what was stored")}
	}
	if same, err := d.same(name, a.SHA256, a.Size); err != nil || same {
		return errors.Join(err, d.root.Remove(part))
	}
	return d.rename(part, name)
}

// reading remembers whether it was the source that broke, and how much it gave.
type reading struct {
	from io.Reader
	n    int64
	err  error
}

func (r *reading) Read(b []byte) (int, error) {
	n, err := r.from.Read(b)
	r.n += int64(n)
	if err != nil && err != io.EOF {
		r.err = err
	}
	return n, err
}

// place puts a file in place that does not make the delivery count yet.
func (d *delivery) place(name string, content []byte) error {
	if same, err := d.same(name, sum(content), int64(len(content))); err != nil || same {
		return err
	}
	part := path.Join(work, safe(d.message.ID)+".file")
	if err := d.create(part, bytes.NewReader(content)); err != nil {
		_ = d.root.Remove(part)
		return err
	}
	return d.rename(part, name)
}

// finish puts the last file in place, with the receipt before the rename. Where
// the file is there already, whoever put it there has saved us the work.
func (d *delivery) finish(content []byte) error {
	if err := d.root.Remove(d.receipt); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	same, err := d.same(d.last, sum(content), int64(len(content)))
	if err != nil {
		return err
	}
	if err := d.create(d.part, bytes.NewReader(content)); err != nil {
		_ = d.root.Remove(d.part)
		return err
	}
	if err := d.create(d.receipt, strings.NewReader(d.print())); err != nil {
		_ = d.root.Remove(d.part)
		_ = d.root.Remove(d.receipt)
		return err
	}
	if err := d.sync(work); err != nil {
		return err
	}
	if same {
		return d.root.Remove(d.part)
	}
	return d.rename(d.part, d.last)
}

// same reports whether the file is there with this content. Other content is a
// conflict: it may be another delivery's.
func (d *delivery) same(name, want string, size int64) (bool, error) {
	info, err := d.root.Lstat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	if !info.Mode().IsRegular() || info.Size() != size {
		return false, &conflictError{name}
	}
	f, err := d.root.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil // moved away in between
	}
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return false, err
	}
	if hex.EncodeToString(h.Sum(nil)) != want {
		return false, &conflictError{name}
	}
	return true, nil
}

// create writes and syncs a file of the work folder.
func (d *delivery) create(name string, content io.Reader) error {
	if err := d.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, d.config.mode)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = grant(f, d.config.mode)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// mkdir makes the folder of the attachments: who may read them may enter it.
func (d *delivery) mkdir(name string) error {
	mode := d.config.mode | d.config.mode&0o444>>2
	if err := d.root.Mkdir(name, mode); err != nil {
		if errors.Is(err, fs.ErrExist) {
			return nil
		}
		return err
	}
	f, err := d.root.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(grant(f, mode), f.Close())
}

// grant gives what was made the mode of the settings: the umask of the process has
// taken from it. A share that keeps no modes gives its own.
func grant(f *os.File, mode os.FileMode) error {
	info, err := f.Stat()
	if err != nil || info.Mode().Perm() == mode {
		return err
	}
	if err := f.Chmod(mode); err != nil && !errors.Is(err, fs.ErrPermission) && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}

// rename moves a complete file to its name and syncs both folders.
func (d *delivery) rename(from, to string) error {
	if err := d.root.Rename(from, to); err != nil {
		return err
	}
	return errors.Join(d.sync(path.Dir(to)), d.sync(work))
}

func (d *delivery) sync(dir string) error {
	f, err := d.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// prune removes receipts that are too old to matter, at most once a day.
func (c *Connector) prune(root *os.Root) {
	now := c.now()
	c.mu.Lock()
	due := now.Sub(c.pruned) >= 24*time.Hour
	if due {
		c.pruned = now
	}
	c.mu.Unlock()
	if !due {
		return
	}
	files, err := fs.ReadDir(root.FS(), work)
	if err != nil {
		return
	}
	for _, f := range files {
		info, err := f.Info()
		if err == nil && now.Sub(info.ModTime()) > c.Remember {
			_ = root.Remove(path.Join(work, f.Name()))
		}
	}
}
