package intake

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"stellwerk/internal/route"
	"stellwerk/internal/store"
)

// maxSubmissions is how many submissions one call may bring.
const maxSubmissions = 50

// bundleParts reads the submissions of a multipart request: behind the part bundle
// each is metadata, payload and its attachments, as it would be sent alone.
type bundleParts struct {
	*reader
	next  func() (*multipart.Part, *refusal)
	ahead *multipart.Part // the next submission's metadata, already met
	coded *refusal        // why ahead cannot be taken, if so
	at    *multipart.Part // being read
	ended bool
	met   map[string]int // submissions by part
}

// bundleParts begins to read: the part bundle comes first.
func (a *API) bundleParts(c *call, boundary string) (*bundleParts, bundleRequest, []Finding, *refusal) {
	if !plain(c.r.Header, "Content-Encoding") {
		return nil, bundleRequest{}, nil, refuse(CodeContentEncoding)
	}
	b := &bundleParts{reader: &reader{API: a, c: c, in: &received{}}, met: map[string]int{}}
	split, p := b.split(boundary)
	if p != nil {
		return nil, bundleRequest{}, nil, p
	}
	b.next = func() (*multipart.Part, *refusal) {
		if part, p := b.ahead, b.coded; part != nil {
			b.ahead, b.coded = nil, nil
			return part, p
		}
		if b.ended {
			return nil, nil
		}
		if b.at != nil { // its rest, which no limit on a part's head is for
			if _, err := io.Copy(io.Discard, b.at); err != nil {
				return nil, b.problem(err)
			}
		}
		part, p := split()
		b.at, b.ended = part, part == nil && p == nil
		return part, p
	}
	part, p := b.next()
	if p != nil {
		return nil, bundleRequest{}, nil, p
	}
	if part == nil || part.FormName() != "bundle" {
		return nil, bundleRequest{}, nil, refuse(CodeMultipart).saying(text{"der erste Teil ist nicht bundle", "the first part is not bundle"})
	}
	body, err := io.ReadAll(io.LimitReader(part, maxMetadata+1))
	if err != nil {
		return nil, bundleRequest{}, nil, b.problem(err)
	}
	req, findings, malformed := bundleRequest{}, []Finding(nil), len(body) > maxMetadata
	if !malformed {
		req, findings, malformed = readBundle(c, body, "bundle", membersOfOpening)
	}
	if malformed {
		return nil, req, nil, refuse(CodeMetaMalformed, bytesText(maxMetadata))
	}
	return b, req, findings, nil
}

// take keeps one submission after the other. refused is true where one of them was.
func (b *bundleParts) take(key string, opened *store.OpenedBundle, form *route.Bundle) (results []PartResult, refused bool, p *refusal) {
	results = []PartResult{}
	for n := 1; ; n++ {
		part, p := b.next()
		switch {
		case p == nil && part == nil:
			return results, refused, nil
		case p != nil && p.endsCall():
			return nil, false, p
		case p == nil && part.FormName() != "metadata":
			return nil, false, refuse(CodeMultipart).saying(text{
				fmt.Sprintf("Einreichung %d beginnt nicht mit metadata", n), fmt.Sprintf("submission %d does not begin with metadata", n)}).leavingBody()
		case n > maxSubmissions:
			return nil, false, refuse(CodeMultipart).saying(text{
				fmt.Sprintf("mehr als %d Einreichungen", maxSubmissions), fmt.Sprintf("more than %d submissions", maxSubmissions)}).leavingBody()
		}
		result, p := b.one(n, key, opened, form, part, p)
		if p != nil {
			return nil, false, p
		}
		refused = refused || result.Problem != nil
		results = append(results, result)
	}
}

// one reads and keeps one submission. A problem of its own is its result, and the
// rest of it is passed over.
func (b *bundleParts) one(n int, key string, opened *store.OpenedBundle, form *route.Bundle, metadata *multipart.Part, p *refusal) (PartResult, *refusal) {
	sub := *b.c
	sub.id, sub.at = b.ids.New(), b.Now()
	in := &received{spool: newSpool(b.Attachments, sub.id), form: form, key: key}
	defer in.release()
	rd := &reader{API: b.API, c: &sub, in: in, body: b.body, bundle: opened, answers: b.answers, readOn: func() (bool, *refusal) {
		return b.knownPart(&sub, in, key, opened.Replayed)
	}}
	var done store.Accepted
	if p == nil {
		p = rd.submission(metadata, b.withinOne)
	}
	if p == nil {
		done, p = b.keepPart(&sub, in, key, opened.Replayed)
	}
	b.met[in.part]++
	result := PartResult{N: n}
	if _, ok := form.Part(in.part); ok {
		result.Part = in.part
	}
	took := b.Now().Sub(sub.at)
	if p != nil {
		sub.outcome = string(p.Code)
		if p.endsCall() {
			return result, p
		}
		b.Observed(sub.outcome, took)
		b.log(&sub, p, took)
		result.Status, result.Problem = p.Status, json.RawMessage(p.body(&sub))
		return result, b.passOver()
	}
	sub.id, sub.outcome = done.ID, outcomeOf(done)
	b.Observed(sub.outcome, took)
	b.log(&sub, nil, took)
	result.Status, result.Receipt = http.StatusAccepted, done.Answer
	return result, nil
}

// partKey is the idempotency key of the n-th submission for a part, by the key of the
// call.
func partKey(key, part string, n int) string {
	return fmt.Sprintf("bundle %s %s %d", key, part, n) // no portal's key has a blank
}

// knownPart reports whether a repeated call may have been answered for a part.
func (b *bundleParts) knownPart(c *call, in *received, key string, repeated bool) (bool, *refusal) {
	if !repeated {
		return false, nil
	}
	for n := range maxSubmissions {
		if known, p := b.known(c, partKey(key, in.part, n)); known || p != nil {
			return known, p
		}
	}
	return false, nil
}

// keepPart keeps a submission of the call. In a repeated one it is recognised by what
// it holds, wherever it stands: whoever leaves out what was refused gets no second
// case of what was accepted.
func (b *bundleParts) keepPart(c *call, in *received, key string, repeated bool) (store.Accepted, *refusal) {
	if repeated {
		if earlier, p := b.earlierPart(c, in, key); p != nil || earlier.Replayed {
			return earlier, p
		}
	}
	return b.keep(c, in, partKey(key, in.part, b.met[in.part]))
}

// earlierPart finds the answer that a submission of the call has already; none where
// Replayed is false.
func (b *bundleParts) earlierPart(c *call, in *received, key string) (store.Accepted, *refusal) {
	print := in.fingerprint()
	for n := range maxSubmissions {
		earlier, err := b.Store.Earlier(c.r.Context(), c.portal.Name, partKey(key, in.part, n), print)
		switch {
		case err == nil:
			return earlier, nil
		case errors.Is(err, store.ErrNotFound), errors.Is(err, store.ErrKeyReused):
		default:
			return store.Accepted{}, storeProblem(err)
		}
	}
	return store.Accepted{}, nil
}

// withinOne gives the parts of one submission: it ends where the next one begins.
func (b *bundleParts) withinOne() (*multipart.Part, *refusal) {
	part, p := b.next()
	if part != nil && part.FormName() == "metadata" {
		b.ahead, b.coded = part, p
		return nil, nil
	}
	return part, p
}

// passOver reads on to the next submission.
func (b *bundleParts) passOver() *refusal {
	for {
		part, p := b.withinOne()
		if p != nil && p.endsCall() {
			return p
		}
		if p == nil && part == nil {
			return nil
		}
	}
}

// endsCall reports whether a problem is not one submission's alone: a repetition of
// the whole call may heal it, or what follows cannot be read.
func (p *refusal) endsCall() bool {
	return p.Repeat != repeatNever || p.Code == CodeMultipart || p.Code == CodeRequestLarge
}
