package xsd

import (
	"bytes"
	"fmt"
	"io"
	"unicode/utf8"
)

// window is the part of a document that is in memory, and the place where reading is.
type window struct {
	src       io.Reader
	buf       []byte
	at        int
	line, col int
	eof       bool
	err       error
}

func (w *window) rest() []byte { return w.buf[w.at:] }

func (w *window) pos() Pos { return Pos{w.line, w.col} }

func (w *window) errorf(format string, args ...any) error {
	return &XMLError{w.line, w.col, fmt.Sprintf(format, args...)}
}

// more reads on; false says that there is nothing more, or too much in one piece.
func (w *window) more() bool {
	if w.eof || w.err != nil {
		return false
	}
	if w.at > 0 {
		w.buf = w.buf[:copy(w.buf, w.buf[w.at:])]
		w.at = 0
	}
	if len(w.buf) == cap(w.buf) {
		if cap(w.buf) >= maxTag {
			w.err = w.errorf("a tag longer than %d bytes", maxTag)
			return false
		}
		w.buf = append(make([]byte, 0, 2*cap(w.buf)), w.buf...)
	}
	for range 100 {
		n, err := w.src.Read(w.buf[len(w.buf):cap(w.buf)])
		w.buf = w.buf[:len(w.buf)+n]
		if err == io.EOF {
			w.eof = true
			return n > 0
		}
		if err != nil {
			w.err = fmt.Errorf("read document at %d:%d: %w", w.line, w.col, err)
			return false
		}
		if n > 0 {
			return true
		}
	}
	w.err = io.ErrNoProgress
	return false
}

// need makes n bytes available, if the document has them.
func (w *window) need(n int) bool {
	for len(w.buf)-w.at < n {
		if !w.more() {
			return len(w.buf)-w.at >= n
		}
	}
	return true
}

// find gives the place of s after the present one, reading on as it must.
func (w *window) find(s string) (int, bool) {
	from := 0
	for {
		if i := bytes.Index(w.rest()[from:], []byte(s)); i >= 0 {
			return from + i, true
		}
		from = max(0, len(w.rest())-len(s)+1)
		if !w.more() {
			return 0, false
		}
	}
}

// take passes n bytes.
func (w *window) take(n int) {
	b := w.buf[w.at : w.at+n]
	w.at += n
	w.line, w.col = advance(w.line, w.col, b)
}

// advance gives the place after b.
func advance(line, col int, b []byte) (int, int) {
	if i := bytes.LastIndexByte(b, '\n'); i >= 0 {
		line += 1 + bytes.Count(b[:i], []byte{'\n'})
		col = 1
		b = b[i+1:]
	}
	return line, col + utf8.RuneCount(b)
}

// legal tells whether b is of XML's characters, in well-formed UTF-8.
func (w *window) legal(b []byte) error {
	for i, c := range b {
		if c >= 0x20 && c < 0x80 || c == '\n' || c == '\t' || c == '\r' {
			continue
		}
		if c < 0x20 {
			line, col := advance(w.line, w.col, b[:i])
			return &XMLError{line, col, fmt.Sprintf("character U+%04X is not allowed", c)}
		}
		return w.legalWide(b, i)
	}
	return nil
}

func (w *window) legalWide(b []byte, i int) error {
	for i < len(b) {
		r, size := rune(b[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(b[i:])
			if r == utf8.RuneError && size == 1 {
				line, col := advance(w.line, w.col, b[:i])
				return &XMLError{line, col, "not UTF-8"}
			}
		}
		if !isXMLChar(r) {
			line, col := advance(w.line, w.col, b[:i])
			return &XMLError{line, col, fmt.Sprintf("character U+%04X is not allowed", r)}
		}
		i += size
	}
	return nil
}

func isXMLChar(r rune) bool {
	return r >= 0x20 && r <= 0xD7FF || r == '\t' || r == '\n' || r == '\r' || r >= 0xE000 && r <= 0xFFFD || r >= 0x10000 && r <= maxRune
}
