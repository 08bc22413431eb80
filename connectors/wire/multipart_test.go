package wire

import (
	"bytes"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"strings"
	"testing"

	"stellwerk/connectors"
)

// An attachment is one file whatever its portal calls it: as a multipart its content
// would be read as parts of the request, under names that a citizen has chosen.
func TestAttachmentIsNoMultipart(t *testing.T) {
	for given, want := range map[string]string{
		"application/pdf": "application/pdf", "text/plain; charset=utf-8": "text/plain; charset=utf-8", "message/rfc822": "message/rfc822",
		"multipart/mixed; boundary=b": "application/octet-stream", " Multipart/Form-Data; boundary=b": "application/octet-stream", "": "application/octet-stream",
		"text/plain\r\nX-Evil: 1": "application/octet-stream",
	} {
		content := "--b\r\nContent-Disposition: attachment; filename=../x\r\n\r\nx\r\n--b--\r\n"
		form := NewForm()
		err := form.Attach("attachment", &connectors.Attachment{
			Name: "a.pdf", ContentType: given, Size: int64(len(content)),
			Open: func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil },
		})
		if err != nil {
			t.Fatal(err)
		}
		q := &Request{Header: http.Header{}}
		contentType, err := form.Close(q, "")
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(&stream{parts: q.Parts})
		if err != nil {
			t.Fatal(err)
		}
		_, params, err := mime.ParseMediaType(contentType)
		if err != nil {
			t.Fatal(err)
		}
		part, err := multipart.NewReader(bytes.NewReader(body), params["boundary"]).NextPart()
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(part)
		if part.Header.Get("Content-Type") != want || string(got) != content || len(part.Header) != 2 || err != nil {
			t.Errorf("%q leaves as %v, %q, %v", given, part.Header, got, err)
		}
	}
}
