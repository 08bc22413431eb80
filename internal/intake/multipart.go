package intake

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"
)

const (
	maxPartHead = 16 << 10 // bytes between two parts' contents
	maxFileName = 255      // bytes of an attachment's name
)

const formData = "multipart/form-data"

func multipartBoundary(contentType string) (string, bool) {
	essence, params, err := mime.ParseMediaType(contentType)
	return params["boundary"], err == nil && essence == formData && params["boundary"] != ""
}

// narrow lets through only so many bytes while the multipart reader looks for the
// next part: by itself it would take 10 MB of part headers.
type narrow struct {
	r    io.Reader
	left int   // bytes; negative: no limit
	err  error // why the body itself could not be read on
}

var errPartHead = errors.New("the head of a part is too large")

func (n *narrow) Read(p []byte) (int, error) {
	if n.left == 0 {
		return 0, errPartHead
	}
	if n.left > 0 {
		p = p[:min(len(p), n.left)]
	}
	got, err := n.r.Read(p)
	if n.left > 0 {
		n.left -= got
	}
	if err != nil && err != io.EOF {
		n.err = err
	}
	return got, err
}

// parts reads metadata, payload and attachments, in this order: what is refused
// by its metadata costs no upload.
func (rd *reader) parts(boundary string) *refusal {
	c := rd.c
	for _, f := range fields {
		if len(c.r.Header[f.header]) > 0 {
			return refuse(CodeMultipart).saying(text{
				"Metadaten stehen im Teil metadata, nicht zugleich in Stellwerk-Kopfzeilen",
				"metadata stand in the part metadata, not in Stellwerk headers too"}).leavingBody()
		}
	}
	next, p := rd.split(boundary)
	if p != nil {
		return p
	}
	part, p := next()
	if p != nil {
		return p
	}
	if part == nil || part.FormName() != "metadata" {
		return refuse(CodeMultipart).saying(text{"der erste Teil ist nicht metadata", "the first part is not metadata"}).leavingBody()
	}
	return rd.submission(part, next)
}

// split begins to read a multipart request; next gives its parts, nil at the end. A part
// that cannot be taken comes with why, so that it can be passed over.
func (rd *reader) split(boundary string) (next func() (*multipart.Part, *refusal), p *refusal) {
	c := rd.c
	total := c.snap.Hub.Limits.Total
	if c.r.ContentLength > total {
		return nil, refuse(CodeRequestLarge, bytesText(total)).leavingBody()
	}
	body := &narrow{r: http.MaxBytesReader(c.w, c.r.Body, total)}
	rd.body = body
	mr := multipart.NewReader(body, boundary)
	return func() (*multipart.Part, *refusal) {
		body.left = maxPartHead
		part, err := mr.NextRawPart()
		body.left = -1
		switch {
		case err == io.EOF:
			return nil, nil
		case err != nil:
			return nil, rd.problem(err)
		case !plain(part.Header, "Content-Transfer-Encoding") || !plain(part.Header, "Content-Encoding"):
			return part, refuse(CodeContentEncoding).leavingBody()
		}
		return part, nil
	}, nil
}

// submission reads one submission: its metadata, which part is, its payload and its
// attachments.
func (rd *reader) submission(part *multipart.Part, next func() (*multipart.Part, *refusal)) *refusal {
	c, in := rd.c, rd.in
	if p := rd.metadataPart(part); p != nil {
		return p.leavingBody()
	}
	if p := rd.held(rd.checkOffer()); p != nil {
		return p.leavingBody()
	}

	part, p := next()
	if p != nil {
		return p
	}
	if part == nil || part.FormName() != "payload" {
		return refuse(CodeMultipart).saying(text{"der zweite Teil ist nicht payload", "the second part is not payload"}).leavingBody()
	}
	format, ok := mediaType(part.Header.Get("Content-Type"))
	if !ok {
		return refuse(CodeMediaType, "application/xml, text/xml, application/json").with(rd.partType("payload")).leavingBody()
	}
	in.format, in.mediaType = format, part.Header.Get("Content-Type")
	if p := rd.takePayload(part, c.r.ContentLength); p != nil {
		return p.leavingBody()
	}
	return rd.attachments(next)
}

// partType complains of a part's Content-Type: the request's own is right.
func (rd *reader) partType(part string) Finding {
	return Finding{Part: part, Rule: "media-type", Detail: text{
		"Dieser Teil nennt keinen Content-Type oder einen, der für ihn nicht angenommen wird.",
		"This part names no Content-Type, or one that is not taken for it."}.in(rd.c.lang)}
}

// metadataPart reads the first part.
func (rd *reader) metadataPart(part *multipart.Part) *refusal {
	if t := part.Header.Get("Content-Type"); t != "" {
		if essence, _, err := mime.ParseMediaType(t); err != nil || essence != "application/json" && essence != "text/plain" {
			return refuse(CodeMediaType, "application/json").with(rd.partType("metadata"))
		}
	}
	body, err := io.ReadAll(io.LimitReader(part, maxMetadata+1))
	if err != nil {
		return rd.problem(err)
	}
	if len(body) > maxMetadata {
		return refuse(CodeMetaMalformed, bytesText(maxMetadata))
	}
	m, findings, malformed := fromJSON(body, rd.c.lang)
	if malformed {
		return refuse(CodeMetaMalformed, bytesText(maxMetadata))
	}
	rd.in.metadata = m
	return rd.checkMetadata(findings, true)
}

// attachments reads the rest. Every file is on disk, sealed and synced, or counted
// only, when it returns.
func (rd *reader) attachments(next func() (*multipart.Part, *refusal)) *refusal {
	c, in := rd.c, rd.in
	limits := c.snap.Hub.Limits
	for n := 1; ; n++ {
		part, p := next()
		if p != nil {
			return p
		}
		if part == nil {
			break
		}
		if part.FormName() != "attachment" {
			return refuse(CodeMultipart).saying(text{
				fmt.Sprintf("Teil %d ist nicht attachment", n+2), fmt.Sprintf("part %d is not attachment", n+2)}).leavingBody()
		}
		if n > limits.Attachments {
			return refuse(CodeAttachments, limits.Attachments).leavingBody()
		}
		name, contentType, finding := attachmentHead(part, n, c.lang)
		if finding != nil {
			return refuse(CodeMetaInvalid).with(*finding).leavingBody()
		}
		in.files = n
		if p := rd.attachment(n, name, contentType, part, limits.Attachment); p != nil {
			return p.leavingBody()
		}
	}
	if in.spool != nil {
		return in.spool.sync()
	}
	return nil
}

// attachment takes one file.
func (rd *reader) attachment(n int, name, contentType string, body io.Reader, limit int64) *refusal {
	if rd.in.spool != nil {
		return rd.spoolFile(n, name, contentType, body, limit)
	}
	size, err := io.Copy(io.Discard, io.LimitReader(body, limit+1))
	switch {
	case err != nil:
		return rd.problem(err)
	case size > limit:
		return refuse(CodeAttachmentLarge, bytesText(limit)).with(Finding{Part: partName(n), Rule: "size", Detail: tooLarge.in(rd.c.lang)})
	}
	return nil
}

var tooLarge = text{"Diese Anlage ist zu groß.", "This attachment is too large."}

func partName(n int) string { return fmt.Sprintf("attachment-%d", n) }

// attachmentHead reads an attachment's name and type. Paths are cut off; a file
// without a name gets one.
func attachmentHead(part *multipart.Part, n int, l lang) (name, contentType string, f *Finding) {
	complain := func(rule string, t text) *Finding {
		return &Finding{Part: partName(n), Rule: rule, Detail: t.in(l)}
	}
	_, params, err := mime.ParseMediaType(part.Header.Get("Content-Disposition"))
	if err != nil {
		return "", "", complain("name", text{"Der Dateiname ist nicht lesbar.", "The file name is malformed."})
	}
	name = path.Base(strings.ReplaceAll(params["filename"], `\`, "/"))
	if name == "." || name == "/" || name == ".." {
		name = fmt.Sprintf("anlage-%d", n)
	}
	if len(name) > maxFileName || !utf8.ValidString(name) || strings.ContainsFunc(name, unfit) {
		return "", "", complain("name", text{
			"Der Dateiname hat höchstens 255 Byte UTF-8 ohne Steuerzeichen.", "The file name has at most 255 bytes of UTF-8 without control characters."})
	}
	contentType = part.Header.Get("Content-Type")
	if contentType == "" {
		return name, "application/octet-stream", nil
	}
	if essence, _, err := mime.ParseMediaType(contentType); err != nil || len(contentType) > maxName || !strings.Contains(essence, "/") {
		return "", "", complain("content-type", text{"Der Content-Type ist nicht lesbar.", "The Content-Type is malformed."})
	}
	return name, contentType, nil
}
