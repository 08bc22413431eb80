package intake

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
)

// spool keeps the attachments of one submission while it is received: each file
// is written sealed, as it arrives, under its final name. Until the submission is
// accepted nothing in the store names them.
type spool struct {
	dir   string // the store's attachment folder
	day   string // folder below it
	id    hub.ID
	files []spooled
	kept  bool

	// The submission's data key, once its municipality is known.
	key     *vault.Key
	wrapped []byte
}

// spooled is one attachment on disk.
type spooled struct {
	info hub.Attachment
	file string // relative to the attachment folder
}

func newSpool(dir string, id hub.ID) *spool { return &spool{dir: dir, id: id} }

// unlock makes the data key, once.
func (s *spool) unlock(v *vault.Vault, municipality string) *refusal {
	if s.key != nil {
		return nil
	}
	key, wrapped, err := v.NewKey(s.id, municipality)
	if err != nil {
		return refuse(CodeInternal).because(err).leavingBody()
	}
	s.key, s.wrapped = key, wrapped
	s.day = s.id.Time().Format(time.DateOnly)
	return nil
}

// spoolFile takes one attachment of at most limit bytes.
func (rd *reader) spoolFile(n int, name, contentType string, body io.Reader, limit int64) *refusal {
	s := rd.in.spool
	if p := s.unlock(rd.Vault, rd.in.municipality); p != nil {
		return p
	}
	file := s.day + "/" + s.id.String() + "-" + fmt.Sprint(n)
	// Noted before it is made, so that discard finds it whatever happens.
	s.files = append(s.files, spooled{file: file, info: hub.Attachment{N: n, Name: name, ContentType: contentType}})
	at := &s.files[len(s.files)-1]

	f, err := s.create(file)
	if err != nil {
		return diskProblem(err)
	}
	defer f.Close()
	sealer, err := s.key.SealStream(&roomy{f, rd.Room}, hub.RecordAttachment(n))
	if err != nil {
		return diskProblem(fmt.Errorf("seal an attachment: %w", err))
	}
	sum := sha256.New()
	in := &faulty{r: io.LimitReader(body, limit+1)}
	size, err := io.CopyBuffer(io.MultiWriter(sealer, sum), in, make([]byte, 32<<10))
	switch {
	case in.err != nil:
		return rd.problem(in.err)
	case err != nil:
		return diskProblem(fmt.Errorf("write an attachment: %w", err))
	case size > limit:
		return refuse(CodeAttachmentLarge, bytesText(limit)).with(Finding{Part: partName(n), Rule: "size", Detail: tooLarge.in(rd.c.lang)})
	}
	if err := errors.Join(sealer.Close(), f.Sync(), f.Close()); err != nil {
		return diskProblem(fmt.Errorf("sync an attachment: %w", err))
	}
	at.info.Size = size
	at.info.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return nil
}

// create makes a file that was not there. The day's folder may be new, or may
// have been tidied away by whoever deletes.
func (s *spool) create(file string) (*os.File, error) {
	name := filepath.Join(s.dir, filepath.FromSlash(file))
	for try := 0; ; try++ {
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if !errors.Is(err, fs.ErrNotExist) || try == 2 {
			return f, err
		}
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return nil, err
		}
		if err := syncDir(s.dir); err != nil {
			return nil, err
		}
	}
}

// sync makes the files' names durable; their content already is.
func (s *spool) sync() *refusal {
	if len(s.files) == 0 {
		return nil
	}
	if err := syncDir(filepath.Join(s.dir, s.day)); err != nil {
		return diskProblem(err)
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return fmt.Errorf("sync the attachment folder: %w", err)
	}
	if err := errors.Join(d.Sync(), d.Close()); err != nil {
		return fmt.Errorf("sync the attachment folder: %w", err)
	}
	return nil
}

// discard removes the files, unless they are kept: by then they belong to the store.
func (s *spool) discard() {
	if s.kept {
		return
	}
	for _, f := range s.files {
		// What cannot be removed now is swept away later: no submission names it.
		_ = os.Remove(filepath.Join(s.dir, filepath.FromSlash(f.file)))
	}
}

// sealed is what the store keeps of the attachments.
func (s *spool) sealed() ([]store.SealedAttachment, error) {
	if len(s.files) == 0 {
		return nil, nil
	}
	out := make([]store.SealedAttachment, len(s.files))
	for i, f := range s.files {
		info, err := json.Marshal(f.info)
		if err != nil {
			return nil, fmt.Errorf("encode an attachment's description: %w", err)
		}
		out[i] = store.SealedAttachment{N: f.info.N, File: f.file, Info: s.key.Seal(hub.RecordAttachmentInfo(f.info.N), info)}
	}
	return out, nil
}

// roomy writes while there is room: attachments come before their submission, and
// would fill what the store keeps free for the outcomes of what it has accepted.
type roomy struct {
	w    io.Writer
	room func() error
}

func (r *roomy) Write(p []byte) (int, error) {
	if err := r.room(); err != nil {
		return 0, err
	}
	return r.w.Write(p)
}

// faulty remembers a reader's error, to tell the line from the disk.
type faulty struct {
	r   io.Reader
	err error
}

func (f *faulty) Read(p []byte) (int, error) {
	n, err := f.r.Read(p)
	if err != nil && err != io.EOF {
		f.err = err
	}
	return n, err
}

// diskProblem tells a full disk from any other fault.
func diskProblem(err error) *refusal {
	code := CodeUnavailable
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, store.ErrFull) {
		code = CodeFull
	}
	return refuse(code).again(30 * time.Second).because(withoutPath(err)).leavingBody()
}

// withoutPath keeps a folder's place out of the log line's way: what failed is
// enough, and the id says where.
func withoutPath(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return fmt.Errorf("%s in the attachment folder: %w", p.Op, p.Err)
	}
	return err
}
