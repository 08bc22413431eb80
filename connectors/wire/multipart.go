package wire

import (
	"bytes"
	"fmt"
	"mime"
	"mime/multipart"
	"net/textproto"
	"strings"

	"stellwerk/connectors"
)

// Form lays out a multipart body. Everything but the content of the attachments
// is made beforehand, so that the length is known and nothing large is held in
// memory.
type Form struct {
	b    bytes.Buffer
	w    *multipart.Writer
	laid []Part
	size int64
}

// NewForm begins a body.
func NewForm() *Form {
	f := &Form{}
	f.w = multipart.NewWriter(&f.b)
	return f
}

func (f *Form) flush() {
	f.laid = append(f.laid, Part{Text: bytes.Clone(f.b.Bytes())})
	f.size += int64(f.b.Len())
	f.b.Reset()
}

// Add puts in a part that is a plain field where file is empty.
func (f *Form) Add(name, file, contentType string, body []byte) error {
	if err := f.head(name, file, contentType); err != nil {
		return err
	}
	f.b.Write(body)
	return nil
}

// Attach puts in an attachment, to be streamed.
func (f *Form) Attach(name string, a *connectors.Attachment) error {
	if err := f.head(name, HeaderValue(a.Name), attachmentType(a.ContentType)); err != nil {
		return err
	}
	f.flush()
	f.laid = append(f.laid, Part{Attachment: a})
	f.size += a.Size
	return nil
}

// attachmentType is what a portal said of a file, unless it is none, or would have the
// file's content read as parts of this request.
func attachmentType(v string) string {
	essence, _, err := mime.ParseMediaType(v)
	if err != nil || strings.HasPrefix(essence, "multipart/") {
		return "application/octet-stream"
	}
	return v
}

// Close ends the body and puts it into the request, with its Content-Type:
// essence is multipart/form-data where it is empty.
func (f *Form) Close(q *Request, essence string) (contentType string, err error) {
	if err := f.w.Close(); err != nil {
		return "", err
	}
	f.flush()
	if essence == "" {
		essence = "multipart/form-data"
	}
	contentType = mime.FormatMediaType(essence, map[string]string{"boundary": f.w.Boundary()})
	if contentType == "" {
		return "", fmt.Errorf("%q is no media type", essence)
	}
	if len(f.laid) == 1 {
		q.Body = f.laid[0].Text
		return contentType, nil
	}
	q.Parts, q.Size = f.laid, f.size
	return contentType, nil
}

var quoteName = strings.NewReplacer(`\`, `\\`, `"`, "%22", "\r", "%0D", "\n", "%0A")

func (f *Form) head(name, file, contentType string) error {
	h := textproto.MIMEHeader{}
	disposition := `form-data; name="` + quoteName.Replace(name) + `"`
	if file != "" {
		disposition += `; filename="` + quoteName.Replace(file) + `"`
	}
	h.Set("Content-Disposition", disposition)
	h.Set("Content-Type", HeaderValue(contentType))
	_, err := f.w.CreatePart(h)
	return err
}

// HeaderValue drops what would end a header line.
func HeaderValue(v string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, v)
}
