package wire

import (
	"errors"
	"io"
	"sync"

	"stellwerk/connectors"
)

// Part is text, or an attachment to be read.
type Part struct {
	Text       []byte
	Attachment *connectors.Attachment
}

// damageError says that an attachment could not be read as it was stored.
type damageError struct{ err error }

func (e *damageError) Error() string { return "read attachment: " + e.err.Error() }
func (e *damageError) Unwrap() error { return e.err }

// stream reads the parts one after another. An attachment that breaks, or is not
// as long as announced, ends it with a damageError before the body is complete.
type stream struct {
	mu      sync.Mutex // the transport may close while it still reads
	parts   []Part
	done    int           // bytes of a text that are read
	at      io.ReadCloser // the attachment being read
	left    int64         // of it
	damaged error         // a *damageError once there is one
}

// damage is what broke the stream, if anything did.
func (s *stream) damage() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.damaged
}

func (s *stream) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.damaged == nil && len(s.parts) > 0 && len(b) > 0 {
		n, err := s.next(&s.parts[0], b)
		if err != nil {
			s.damaged = &damageError{err}
			return 0, s.damaged
		}
		if n > 0 {
			return n, nil
		}
	}
	if s.damaged == nil && len(b) > 0 {
		return 0, io.EOF
	}
	return 0, s.damaged
}

// next reads from the first part, and drops it once it is at its end.
func (s *stream) next(p *Part, b []byte) (int, error) {
	if p.Attachment == nil {
		n := copy(b, p.Text[s.done:])
		if s.done += n; s.done == len(p.Text) {
			s.done, s.parts = 0, s.parts[1:]
		}
		return n, nil
	}
	if s.at == nil {
		in, err := p.Attachment.Open()
		if err != nil {
			return 0, err
		}
		s.at, s.left = in, p.Attachment.Size
	}
	n, err := s.at.Read(b)
	s.left -= int64(n)
	switch {
	case s.left < 0:
		return 0, errors.New("it is longer than it was")
	case err == io.EOF && s.left > 0:
		return 0, io.ErrUnexpectedEOF
	case err == io.EOF:
		err = s.at.Close()
		s.at, s.parts = nil, s.parts[1:]
	}
	return n, err
}

// Close lets go of an attachment that was not read to its end.
func (s *stream) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.parts = nil
	if s.at == nil {
		return nil
	}
	in := s.at
	s.at = nil
	return in.Close()
}
