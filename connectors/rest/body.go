package rest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"stellwerk/connectors/wire"
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

// notJSONError says that fields cannot be set in a document.
type notJSONError struct{ err error }

func (e *notJSONError) Error() string { return "the document is no JSON object: " + e.err.Error() }

// build puts the body for one round of a step into the request, and gives its
// Content-Type.
func (q *compiled) build(r *wire.Request, s *scope) (contentType string, err error) {
	if contentType, err = q.contentType.Fill(s, wire.HeaderValue); err != nil {
		return "", err
	}
	orElse := func(v string) {
		if contentType == "" {
			contentType = v
		}
	}
	switch q.body {
	case "document":
		orElse(s.message.ContentType)
		r.Body, err = q.document(s)
	case "json":
		orElse("application/json")
		var b bytes.Buffer
		err = object(&b, q.json, nil, s)
		r.Body = b.Bytes()
	case "attachment":
		a := &s.message.Attachments[s.attachment]
		orElse(a.ContentType)
		r.Parts, r.Size = []wire.Part{{Attachment: a}}, a.Size
	case "multipart":
		return q.multipart(r, s, contentType)
	}
	return contentType, err
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
		v, err := f.value.Fill(s, wire.Plain)
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

// multipart lays out document and attachments.
func (q *compiled) multipart(r *wire.Request, s *scope, essence string) (contentType string, err error) {
	f := wire.NewForm()
	if q.parts.document != "" {
		body, err := q.document(s)
		if err != nil {
			return "", err
		}
		file, err := q.parts.documentFile.Fill(s, wire.HeaderValue)
		if err != nil {
			return "", err
		}
		if err := f.Add(q.parts.document, file, s.message.ContentType, body); err != nil {
			return "", err
		}
	}
	if q.parts.attachments != "" {
		for i := range s.message.Attachments {
			if q.each && i != s.attachment {
				continue
			}
			if err := f.Attach(q.parts.attachments, &s.message.Attachments[i]); err != nil {
				return "", err
			}
		}
	}
	return f.Close(r, essence)
}
