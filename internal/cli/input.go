package cli

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
)

// interruptible is standard input that ends with the context: whoever is asked at a
// terminal and thinks better of it presses Ctrl-C.
type interruptible struct {
	ctx context.Context
	in  io.Reader
}

// Read implements io.Reader. A read of a terminal cannot be called off; it is left
// behind and ends with the process.
func (i *interruptible) Read(b []byte) (int, error) {
	type result struct {
		n   int
		err error
	}
	own, done := make([]byte, min(len(b), 64<<10)), make(chan result, 1)
	go func() {
		n, err := i.in.Read(own)
		done <- result{n, err}
	}()
	select {
	case r := <-done:
		return copy(b, own[:r.n]), r.err
	case <-i.ctx.Done():
		return 0, fmt.Errorf("interrupted: %w", i.ctx.Err())
	}
}

// valueOrInput reads a value that may be personal: - stands for the first line of
// standard input.
func (p *Program) valueOrInput(v string) (string, error) {
	if v != "-" {
		return v, nil
	}
	line, err := bufio.NewReader(io.LimitReader(p.In, 64<<10)).ReadString('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return "", fmt.Errorf("read standard input: %w", err)
	}
	if line = strings.TrimSpace(line); line == "" {
		return "", wrongUsage("the first line of standard input is empty: there is no value in it")
	}
	return line, nil
}

// readFile reads a file that an argument names; - is standard input.
func (p *Program) readFile(name string) ([]byte, error) {
	if name == "-" {
		b, err := io.ReadAll(p.In)
		if err != nil {
			return nil, fmt.Errorf("read standard input: %w", err)
		}
		return b, nil
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, &usageError{err}
	}
	return b, nil
}

// mediaTypeOf tells XML and JSON apart by the file's name, or by its first sign
// where the name says nothing.
func mediaTypeOf(name string, content []byte) (string, error) {
	switch strings.ToLower(filepath.Ext(name)) {
	case ".xml":
		return "application/xml", nil
	case ".json":
		return "application/json", nil
	}
	trimmed := bytes.TrimLeft(bytes.TrimPrefix(content, []byte("\xef\xbb\xbf")), " \t\r\n")
	switch {
	case bytes.HasPrefix(trimmed, []byte("<")):
		return "application/xml", nil
	case bytes.HasPrefix(trimmed, []byte("{")):
		return "application/json", nil
	}
	return "", wrongUsage("%s is neither XML nor JSON", name)
}

// writeContent hands a document to --out or to standard output. A terminal gets it
// cleaned, everything else byte for byte.
func (p *Program) writeContent(body []byte, out string) error {
	if out != "" && out != "-" {
		if err := os.WriteFile(out, body, 0o600); err != nil {
			return fmt.Errorf("write the document: %w", err)
		}
		return nil
	}
	if p.terminal() {
		_, err := fmt.Fprintln(p.Out, cleanLines(string(body)))
		return err
	}
	_, err := p.Out.Write(body)
	return err
}
