package vault

import (
	"crypto/hkdf"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/streamingaead/subtle"
)

// segment is the size of a sealed segment: so much is held in memory, and
// nothing of a segment is given out before all of it was verified.
const segment = 64 << 10

// SealStream seals what is written to the result and hands it on to w. Close it
// to write the end; it does not close w.
func (k *Key) SealStream(w io.Writer, name string) (io.WriteCloser, error) {
	s, err := k.stream()
	if err != nil {
		return nil, err
	}
	return s.NewEncryptingWriter(w, k.named(name))
}

// OpenStream reads back what SealStream wrote. A read gives ErrDamaged where the
// stream was changed or cut short; an error of r comes through as it is.
func (k *Key) OpenStream(r io.Reader, name string) (io.Reader, error) {
	s, err := k.stream()
	if err != nil {
		return nil, err
	}
	source := &source{r: r}
	plain, err := s.NewDecryptingReader(source, k.named(name))
	if err != nil {
		return nil, source.judge(name, err)
	}
	return &opened{plain: plain, source: source, name: name}, nil
}

// stream has a key of its own, derived from the data key.
func (k *Key) stream() (*subtle.AESGCMHKDF, error) {
	key, err := hkdf.Key(sha256.New, k.raw[:], nil, "stellwerk stream 1", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive the key for streams: %w", err)
	}
	return subtle.NewAESGCMHKDF(key, "SHA256", keySize, segment, 0)
}

// source remembers a real error of the reader below, so that a failing disk is
// not taken for a damaged record.
type source struct {
	r   io.Reader
	err error
}

func (s *source) Read(p []byte) (int, error) {
	n, err := s.r.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		s.err = err
	}
	return n, err
}

func (s *source) judge(name string, err error) error {
	if s.err != nil {
		return fmt.Errorf("%s: %w", name, s.err)
	}
	return fmt.Errorf("%s: %w (%v)", name, ErrDamaged, err)
}

type opened struct {
	plain  io.Reader
	source *source
	name   string
}

func (o *opened) Read(p []byte) (int, error) {
	n, err := o.plain.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = o.source.judge(o.name, err)
	}
	return n, err
}
