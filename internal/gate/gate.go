package gate

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"strings"

	"github.com/beevik/etree"
)

// Format is what a document is written in.
type Format string

// The formats that are let in.
const (
	FormatXML  Format = "xml"
	FormatJSON Format = "json"
)

// Options say what a document must be and who looks at it. The zero value checks
// that it is well-formed and within the default limits.
type Options struct {
	Limits   Limits
	Schema   Schema    // of the document's format; nil for none
	Handlers []Handler // see every event of the scan, in this order, before the schema does
	Findings int       // how many findings of the schema are listed; 50
	Large    *Slots    // how many large documents are in memory at a time; nil for any number
}

// Result is what a scan has seen. It is filled as far as the scan came, also
// beside an error.
type Result struct {
	Format   Format
	Root     Name   // the root element; "object" for JSON
	Encoding string // IANA name
	Nodes    int    // elements and attributes, or JSON values
}

// Check scans a body that is in memory. The error is a *Refusal, an *Invalid, what
// a handler has returned, or the context's.
func Check(ctx context.Context, body []byte, mediaType string, o Options) (Result, error) {
	return check(ctx, body, nil, mediaType, o)
}

// CheckReader scans a body through a window of fixed size. It reads to the end of
// the body, unless the body is refused before. An error of the reader is wrapped.
func CheckReader(ctx context.Context, body io.Reader, mediaType string, o Options) (Result, error) {
	return check(ctx, nil, body, mediaType, o)
}

func check(ctx context.Context, body []byte, rd io.Reader, mediaType string, o Options) (Result, error) {
	m, err := parseMedia(mediaType)
	if err != nil {
		return Result{}, err
	}
	h := o.Handlers
	var judge Judge
	if o.Schema != nil {
		if o.Schema.Format() != m.format {
			return Result{Format: m.format}, fmt.Errorf("gate: a schema for %s cannot judge %s", o.Schema.Format(), m.format)
		}
		if o.Findings <= 0 {
			o.Findings = 50
		}
		judge = o.Schema.Judge(ctx, o.Findings, o.Large)
		defer judge.Release()
		h = append(h[:len(h):len(h)], judge)
	}
	res, err := scan(ctx, body, rd, m, o.Limits, Tee(h...))
	if err != nil || judge == nil {
		return res, err
	}
	findings, more, err := judge.Finish()
	if err == nil && len(findings) > 0 {
		err = &Invalid{Findings: findings, More: more}
	}
	return res, err
}

// Tree reads a body into a tree: XML as it is, JSON as the package's
// documentation says. Comments and processing instructions are left out. An XML
// tree keeps the sender's prefixes and declarations and can be written again.
func Tree(ctx context.Context, body []byte, mediaType string, lim Limits) (*etree.Document, error) {
	m, err := parseMedia(mediaType)
	if err != nil {
		return nil, err
	}
	b := NewTreeBuilder()
	if _, err := scan(ctx, body, nil, m, lim, b); err != nil {
		return nil, err
	}
	return b.Document(), nil
}

// FormatOf tells the format by the media type: application/xml, text/xml and
// everything +xml, application/json and everything +json. The error is a
// *Refusal.
func FormatOf(mediaType string) (Format, error) {
	m, err := parseMedia(mediaType)
	return m.format, err
}

type media struct {
	format  Format
	charset string
}

func parseMedia(mediaType string) (media, error) {
	name, params, err := mime.ParseMediaType(mediaType)
	if err == nil {
		m := media{charset: params["charset"]}
		switch {
		case name == "application/xml" || name == "text/xml" || strings.HasSuffix(name, "+xml"):
			m.format = FormatXML
			return m, nil
		case name == "application/json" || strings.HasSuffix(name, "+json"):
			m.format = FormatJSON
			return m, nil
		}
	}
	return media{}, refusal(codeMediaType, Pos{1, 1}, "", 0)
}

// IsRefusal gives the refusal in err, if there is one.
func IsRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	ok := errors.As(err, &r)
	return r, ok
}
