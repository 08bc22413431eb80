package sim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
)

// form is a multipart/form-data body: its fields, and its files by checksum.
type form struct {
	fields map[string][]byte
	files  []File
	part   map[string]int // how many files each part name has
}

// readForm reads to the end of the request: a body that breaks off is no form.
func readForm(r *http.Request) (form, error) {
	f := form{fields: map[string][]byte{}, part: map[string]int{}}
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" {
		return f, errors.New("multipart/form-data expected")
	}
	parts := multipart.NewReader(r.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if err == io.EOF {
			_, err := io.Copy(io.Discard, r.Body)
			return f, err
		}
		if err != nil {
			return f, err
		}
		if err := f.add(part); err != nil {
			return f, err
		}
	}
}

func (f *form) add(part *multipart.Part) error {
	if part.FileName() == "" {
		b, err := io.ReadAll(io.LimitReader(part, 16<<20))
		f.fields[part.FormName()] = b
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, part)
	if err != nil {
		return err
	}
	f.part[part.FormName()]++
	f.files = append(f.files, File{part.FileName(), part.Header.Get("Content-Type"), n, hex.EncodeToString(h.Sum(nil))})
	return nil
}
