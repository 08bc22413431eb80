package intake

import (
	"bytes"
	"context"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"stellwerk/internal/gate"
)

const (
	smallPayload = 64 << 10 // bytes every request may hold without asking
	payloadCost  = 4        // bytes of memory for a byte of payload: itself, sealed, and what its check builds
	memoryWait   = 30 * time.Second
	slowest      = 64 << 10 // bytes a second that a large payload must reach while it holds memory
	grace        = 10 * time.Second
)

// mediaTypes are what a payload may come as.
const mediaTypes = "application/xml, text/xml, application/json, multipart/form-data"

// mediaType reads a payload's Content-Type: its format, and whether it may be a
// payload at all. What its charset means is the gate's matter.
func mediaType(contentType string) (format string, ok bool) {
	switch contentType { // the usual ones without work
	case "application/xml", "text/xml":
		return "xml", true
	case "application/json":
		return "json", true
	}
	if len(contentType) > maxName {
		return "", false
	}
	f, err := gate.FormatOf(contentType)
	return string(f), err == nil
}

// plain refuses what is packed or coded again: limits are on bytes as they come.
func plain(h map[string][]string, name string) bool {
	for _, v := range h[name] {
		switch strings.ToLower(v) {
		case "", "identity", "binary", "8bit", "7bit":
		default:
			return false
		}
	}
	return true
}

var small = sync.Pool{New: func() any { b := make([]byte, 0, smallPayload+1); return &b }}

// payload is content in memory. release gives back what it holds.
type payload struct {
	bytes  []byte
	pooled *[]byte
	budget *semaphore.Weighted // of which it has weight
	weight int64
}

func (p *payload) release() {
	if p.pooled != nil {
		clear(*p.pooled) // nothing personal lies around
		small.Put(p.pooled)
	}
	if p.weight > 0 {
		p.budget.Release(p.weight)
	}
	*p = payload{}
}

// fit gives back most of what a payload that is here does not need. It was reserved by
// the length of the whole request, and would be kept while attachments come.
func (p *payload) fit() {
	need := payloadCost * int64(len(p.bytes))
	if need > p.weight/2 {
		return
	}
	p.bytes = bytes.Clone(p.bytes)
	p.budget.Release(p.weight - need)
	p.weight = need
}

// readPayload reads content of at most limit bytes; bound is what its length
// certainly does not exceed, or -1. Small content is free; for more, memory is
// reserved first, and the sender must keep up a pace while it is.
func (rd *reader) readPayload(r io.Reader, bound, limit int64) *refusal {
	p := &rd.in.payload
	p.pooled = small.Get().(*[]byte)
	buf := (*p.pooled)[:0]
	done, err := fill(r, &buf, int(min(int64(cap(buf)), limit+1)))
	*p.pooled, p.bytes = buf, buf
	if err == nil && !done && int64(len(buf)) <= limit {
		if refused := rd.reserve(bound, limit); refused != nil {
			return refused
		}
		done, err = fill(r, &p.bytes, cap(p.bytes))
		rd.deadline(rd.c.snap.Hub.Timeouts.Read) // attachments may take their time
		if done {
			p.fit()
		}
	}
	switch {
	case err != nil:
		return rd.problem(err)
	case !done:
		return refuse(CodePayloadLarge, bytesText(limit)).leavingBody()
	case len(p.bytes) == 0:
		p := refuse(CodePayloadMissing)
		if rd.body != nil {
			p = p.with(Finding{Part: "payload", Rule: "empty", Detail: text{"Dieser Teil ist leer.", "This part is empty."}.in(rd.c.lang)})
		}
		return p.leavingBody()
	}
	return nil
}

// reserve moves a payload that outgrew its small buffer into memory of its own.
func (rd *reader) reserve(bound, limit int64) *refusal {
	p, size := &rd.in.payload, limit
	if bound >= 0 {
		size = min(bound, limit)
	}
	weight := min(payloadCost*size, rd.Memory)
	ctx, cancel := context.WithTimeout(rd.c.r.Context(), memoryWait)
	defer cancel()
	if rd.memory.Acquire(ctx, weight) != nil {
		return refuse(CodeBusy).again(2 * time.Second).leavingBody()
	}
	p.budget, p.weight = rd.memory, weight
	p.bytes = append(make([]byte, 0, size+1), p.bytes...)
	pace := grace + time.Duration(size/slowest)*time.Second
	if read := rd.c.snap.Hub.Timeouts.Read; read > 0 {
		pace = min(pace, read)
	}
	rd.deadline(pace)
	return nil
}

// deadline gives the sender so long from now on, and the answer its time behind that;
// zero is no limit. It is by the system's clock. Where it cannot be set, the server's
// own stands.
func (rd *reader) deadline(d time.Duration) {
	var read, write time.Time
	if d > 0 {
		read = time.Now().Add(d)
		if w := rd.c.snap.Hub.Timeouts.Write; w > 0 {
			write = read.Add(w)
		}
	}
	to := http.NewResponseController(rd.c.w)
	_, _ = to.SetReadDeadline(read), to.SetWriteDeadline(write)
}

// fill reads until the end, or until the buffer holds upTo bytes: then done is
// false, and there may be more.
func fill(r io.Reader, buf *[]byte, upTo int) (done bool, err error) {
	b := *buf
	defer func() { *buf = b }()
	for len(b) < upTo {
		n, err := r.Read(b[len(b):upTo])
		b = b[:len(b)+n]
		if err == io.EOF {
			return true, nil
		}
		if err != nil {
			return false, err
		}
	}
	return false, nil
}

// problem says why a body could not be read to its end: it is too large, too
// slow, the line broke, or, in a multipart request, the parts do not fit together.
func (rd *reader) problem(err error) *refusal {
	if rd.body != nil && rd.body.err == nil {
		complaint := text{"Teile oder Trennzeilen fehlen", "parts or boundaries are missing"}
		if errors.Is(err, errPartHead) || errors.Is(err, multipart.ErrMessageTooLarge) {
			complaint = text{"der Kopf eines Teils ist zu lang", "the head of a part is too long"}
		}
		return refuse(CodeMultipart).saying(complaint).leavingBody()
	}
	if rd.body != nil {
		err = rd.body.err
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return refuse(CodeRequestLarge, bytesText(rd.c.snap.Hub.Limits.Total)).leavingBody()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(CodeSlow).again(time.Second).leavingBody()
	}
	return refuse(CodeInterrupted).again(time.Second).leavingBody()
}
