package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"mime"
	"mime/multipart"
	"net/textproto"
	"slices"
	"strings"
)

// compileBody checks how the body is made.
func (s *settings) compileBody(c *compiled, q *request, complain func(string, error) error) error {
	if c.body == "" {
		switch {
		case q.Parts != nil:
			c.body = "multipart"
		case len(q.JSON) > 0:
			c.body = "json"
		default:
			c.body = "document"
		}
	}
	switch c.body {
	case "document", "none":
	case "attachment":
		if !c.each {
			return complain("body", errors.New("is attachment, which needs each: attachment"))
		}
	case "json":
		if len(q.JSON) == 0 {
			return complain("json", errors.New("is missing: the fields of the body"))
		}
	case "multipart":
		if q.Parts == nil || q.Parts.Document == "" && q.Parts.Attachments == "" {
			return complain("parts", errors.New("is missing: the names of the parts, {document: …, attachments: …}"))
		}
	default:
		return complain("body", fmt.Errorf("%q is none of document, attachment, multipart, json, none", c.body))
	}
	if (c.body == "multipart") != (q.Parts != nil) {
		return complain("parts", errors.New("belongs to body: multipart"))
	}
	if c.body != "none" && (c.method == "GET" || c.method == "HEAD" || c.method == "DELETE") {
		return complain("body", fmt.Errorf("is %s, but %s has no body; write body: none", c.body, c.method))
	}
	var err error
	if c.json, err = s.compileFields(q.JSON); err != nil {
		return complain("json", err)
	}
	if c.set, err = s.compileFields(q.Set); err != nil {
		return complain("set", err)
	}
	if len(c.set) > 0 && c.body != "document" && c.body != "multipart" {
		return complain("set", errors.New("changes the document, but the body has none"))
	}
	if c.contentType, err = compileTemplate(q.ContentType, s.Values); err != nil {
		return complain("content-type", err)
	}
	if q.Parts != nil {
		c.parts = &compiledParts{document: q.Parts.Document, attachments: q.Parts.Attachments}
		if c.parts.documentFile, err = compileTemplate(q.Parts.DocumentFile, s.Values); err != nil {
			return complain("parts.document-file", err)
		}
	}
	return nil
}

func (s *settings) compileFields(texts map[string]string) ([]field, error) {
	var out []field
	for _, key := range slices.Sorted(maps.Keys(texts)) {
		t, err := compileTemplate(texts[key], s.Values)
		if err != nil {
			return nil, err
		}
		out = append(out, field{quote(key), t})
	}
	return out, nil
}

func quote(v string) string {
	b, _ := json.Marshal(v) // a string always has a JSON form
	return string(b)
}

// payload is a body ready to leave: either bytes, or parts to be streamed.
type payload struct {
	contentType string
	bytes       []byte
	stream      func() *stream // nil where bytes say all
	size        int64
}

// notJSONError says that fields cannot be set in a document.
type notJSONError struct{ err error }

func (e *notJSONError) Error() string { return "the document is no JSON object: " + e.err.Error() }

// build makes the body for one round of a step.
func (q *compiled) build(s *scope) (payload, error) {
	var p payload
	var err error
	if p.contentType, err = q.contentType.fill(s, headerValue); err != nil {
		return p, err
	}
	orElse := func(v string) {
		if p.contentType == "" {
			p.contentType = v
		}
	}
	switch q.body {
	case "document":
		orElse(s.message.ContentType)
		p.bytes, err = q.document(s)
		return p, err
	case "json":
		orElse("application/json")
		var b bytes.Buffer
		if err := object(&b, q.json, nil, s); err != nil {
			return p, err
		}
		p.bytes = b.Bytes()
		return p, nil
	case "attachment":
		a := &s.message.Attachments[s.attachment]
		orElse(a.ContentType)
		p.size = a.Size
		p.stream = func() *stream { return &stream{parts: []part{{attachment: a}}} }
		return p, nil
	case "multipart":
		return q.multipart(s, p)
	}
	return p, nil
}

// document is the document as it is, or with fields put in.
func (q *compiled) document(s *scope) ([]byte, error) {
	if len(q.set) == 0 {
		return s.message.Body, nil
	}
	s.document = nil
	if err := json.Unmarshal(s.message.Body, &s.document); err != nil {
		return nil, &notJSONError{err}
	}
	if s.document == nil {
		return nil, &notJSONError{errors.New("it is null")}
	}
	var b bytes.Buffer
	err := object(&b, q.set, s.document, s)
	return b.Bytes(), err
}

// object writes the fields, and what else a document has, untouched and in the
// order of its names.
func object(b *bytes.Buffer, fields []field, rest map[string]json.RawMessage, s *scope) error {
	sep := byte('{')
	covered := make(map[string]bool, len(fields))
	for _, f := range fields {
		v, err := f.value.fill(s, plain)
		if err != nil {
			return err
		}
		b.WriteByte(sep)
		b.WriteString(f.key)
		b.WriteByte(':')
		b.WriteString(quote(v))
		covered[f.key] = true
		sep = ','
	}
	for _, key := range slices.Sorted(maps.Keys(rest)) {
		if k := quote(key); !covered[k] {
			b.WriteByte(sep)
			b.WriteString(k)
			b.WriteByte(':')
			b.Write(rest[key])
			sep = ','
		}
	}
	if sep == '{' {
		b.WriteByte(sep)
	}
	b.WriteByte('}')
	return nil
}

// multipart lays out document and attachments. Everything but the content of the
// attachments is made beforehand, so that the length is known and nothing large
// is held in memory.
func (q *compiled) multipart(s *scope, p payload) (payload, error) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	var laid []part
	flush := func() {
		laid = append(laid, part{text: bytes.Clone(b.Bytes())})
		p.size += int64(b.Len())
		b.Reset()
	}
	if q.parts.document != "" {
		body, err := q.document(s)
		if err != nil {
			return p, err
		}
		file, err := q.parts.documentFile.fill(s, headerValue)
		if err != nil {
			return p, err
		}
		if err := addPart(w, q.parts.document, file, s.message.ContentType); err != nil {
			return p, err
		}
		b.Write(body)
	}
	if q.parts.attachments != "" {
		for i := range s.message.Attachments {
			a := &s.message.Attachments[i]
			if q.each && i != s.attachment {
				continue
			}
			if err := addPart(w, q.parts.attachments, headerValue(a.Name), a.ContentType); err != nil {
				return p, err
			}
			flush()
			laid = append(laid, part{attachment: a})
			p.size += a.Size
		}
	}
	if err := w.Close(); err != nil {
		return p, err
	}
	flush()
	if p.contentType == "" {
		p.contentType = "multipart/form-data"
	}
	p.contentType = mime.FormatMediaType(p.contentType, map[string]string{"boundary": w.Boundary()})
	if len(laid) == 1 {
		p.bytes = laid[0].text
		return p, nil
	}
	p.stream = func() *stream { return &stream{parts: laid} }
	return p, nil
}

var quoteName = strings.NewReplacer(`\`, `\\`, `"`, "%22", "\r", "%0D", "\n", "%0A")

func addPart(w *multipart.Writer, name, file, contentType string) error {
	h := textproto.MIMEHeader{}
	disposition := `form-data; name="` + quoteName.Replace(name) + `"`
	if file != "" {
		disposition += `; filename="` + quoteName.Replace(file) + `"`
	}
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Type", headerValue(contentType))
	_, err := w.CreatePart(h)
	return err
}
