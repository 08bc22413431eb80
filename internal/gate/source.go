package gate

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// windowBytes is how much of a streamed body is in memory at a time.
const windowBytes = 32 << 10

// Why no more characters follow.
var (
	errInvalidUTF8     = errors.New("invalid UTF-8")
	errInvalidEncoding = errors.New("bytes outside of the declared encoding")
	errTooLarge        = errors.New("too large")
)

// source is a window that slides over a body and shows only whole, valid UTF-8
// characters: buf[r:w] is what may be read. A body that is in memory is its own
// window and is never copied.
type source struct {
	ctx  context.Context
	in   io.Reader // nil when all there is stands in buf
	buf  []byte
	r, w int
	end  int   // buf[w:end] is read but not known to be whole characters
	stop error // why nothing follows buf[:w]; io.EOF at the regular end
	own  []byte

	mark int // line and column are those of buf[mark]
	pos  Pos
	cr   bool // the character before mark was CR
}

// open starts on a body of which rd delivers what data does not have.
func (s *source) open(ctx context.Context, data []byte, rd io.Reader, limit int64) {
	own := s.own
	*s = source{ctx: ctx, own: own, pos: Pos{1, 1}}
	if rd != nil {
		if s.own == nil {
			s.own = make([]byte, windowBytes)
		}
		s.buf, s.in = s.own, &counted{rd: rd, left: limit}
		// The first bytes together, so that a mark of the encoding is seen whole.
		n, err := io.ReadAtLeast(s.in, s.buf, 4)
		if err == io.ErrUnexpectedEOF {
			err = io.EOF
		}
		s.end, s.stop = n, err
		s.check()
		return
	}
	s.stop = io.EOF
	if int64(len(data)) > limit {
		data, s.stop = data[:limit], errTooLarge
	}
	s.buf, s.end = data, len(data)
	s.check()
}

// close lets go of the body and of an oversized window, and wipes the window.
func (s *source) close() {
	own := s.own
	if len(own) > 2*windowBytes {
		own = nil
	}
	clear(own)
	*s = source{own: own}
}

// have reports whether n bytes can be read at r.
func (s *source) have(n int) bool { return s.w-s.r >= n || s.more(n) }

func (s *source) more(n int) bool {
	for s.w-s.r < n {
		if !s.fill() {
			return false
		}
	}
	return true
}

// fill reads on, keeping what stands from r; r, w and the place of every byte
// may change. It reports whether w has moved on.
func (s *source) fill() bool {
	if s.in == nil || s.stop != nil {
		return false
	}
	s.locate(s.r)
	if s.r > 0 {
		copy(s.buf, s.buf[s.r:s.end])
		s.w, s.end, s.mark, s.r = s.w-s.r, s.end-s.r, 0, 0
	}
	if len(s.buf)-s.end < 64 {
		s.buf = append(make([]byte, 0, 2*len(s.buf)), s.buf...)[:2*len(s.buf)]
		s.own = s.buf
	}
	before := s.w
	for idle := 0; s.w == before && s.stop == nil; idle++ {
		if err := s.ctx.Err(); err != nil {
			s.stop = err
			break
		}
		n, err := s.in.Read(s.buf[s.end:])
		s.end += n
		switch {
		case err != nil:
			s.stop = err
		case idle > 100:
			s.stop = io.ErrNoProgress
		}
		s.check()
	}
	return s.w > before
}

// check moves w over the whole characters before end.
func (s *source) check() {
	b := s.buf[s.w:s.end]
	whole := len(b)
	for k := 1; k <= 3 && k <= len(b); k++ {
		if tail := b[len(b)-k:]; utf8.RuneStart(tail[0]) {
			if !utf8.FullRune(tail) {
				whole -= k
			}
			break
		}
	}
	if !utf8.Valid(b[:whole]) {
		whole = firstInvalid(b)
		s.stop = errInvalidUTF8
	}
	if whole < len(b) && s.stop == io.EOF {
		s.stop = errInvalidUTF8 // cut within a character
	}
	s.w += whole
}

func firstInvalid(b []byte) int {
	for i := 0; i < len(b); {
		r, n := utf8.DecodeRune(b[i:])
		if r == utf8.RuneError && n < 2 {
			return i
		}
		i += n
	}
	return len(b)
}

// locate gives the place of buf[off], off at or behind the place asked for last.
func (s *source) locate(off int) Pos {
	b := s.buf[s.mark:off]
	s.mark = off
	if len(b) > 48 && !s.cr {
		// Most of a long run needs no look at single bytes.
		if n := bytes.Count(b, []byte{'\n'}); bytes.IndexByte(b, '\r') < 0 {
			if n > 0 {
				s.pos.Line += n
				s.pos.Column = 1
				b = b[bytes.LastIndexByte(b, '\n')+1:]
			}
			for _, c := range b {
				if c&0xC0 != 0x80 {
					s.pos.Column++
				}
			}
			return s.pos
		}
	}
	line, column, cr := s.pos.Line, s.pos.Column, s.cr
	if n := plainRun(b); n > 0 {
		b, column, cr = b[n:], column+n, false
	}
	for _, c := range b {
		switch {
		case c == '\n':
			if !cr {
				line++
			}
			column = 1
		case c == '\r':
			line++
			column = 1
		case c < 0x80 || c >= 0xC0:
			column++
		}
		cr = c == '\r'
	}
	s.pos, s.cr = Pos{line, column}, cr
	return s.pos
}

// plainRun is how many bytes from the front are ASCII characters on one line, in
// steps of eight.
func plainRun(b []byte) (n int) {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	for ; len(b)-n >= 8; n += 8 {
		// A byte with its high bit set, or one below 0x0E, which CR and LF are.
		if v := binary.LittleEndian.Uint64(b[n:]); (v|(v-0x0E*ones)&^v)&highs != 0 {
			break
		}
	}
	return n
}

// ended is the error for a body that ends where more must come: the reason why
// it ends, or a refusal with the given code at its regular end.
func (s *source) ended(code string, lim *Limits) error {
	at := s.locate(s.w)
	switch s.stop {
	case io.EOF:
		return refusal(code, at, "", 0)
	case errInvalidUTF8:
		return refusal(codeInvalidUTF8, at, "", 0)
	case errInvalidEncoding:
		return refusal(codeInvalidEncoding, at, "", 0)
	case errTooLarge:
		return refusal(codeLimitBytes, at, "", int(lim.Bytes))
	}
	return fmt.Errorf("read the body: %w", s.stop)
}

// counted ends with errTooLarge where more than the limit comes, and stays at its end.
type counted struct {
	rd   io.Reader
	left int64
	stop error
}

func (c *counted) Read(p []byte) (int, error) {
	if c.stop != nil {
		return 0, c.stop
	}
	if int64(len(p)) > c.left+1 {
		p = p[:c.left+1]
	}
	n, err := c.rd.Read(p)
	if int64(n) > c.left {
		n, err = int(c.left), errTooLarge
	}
	c.left -= int64(n)
	c.stop = err
	return n, err
}
