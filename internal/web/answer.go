package web

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"

	"stellwerk/internal/hub"
	"stellwerk/internal/store"
	"stellwerk/internal/vault"
	"stellwerk/internal/web/admin"
)

// inputError is a request that must change before it can work.
type inputError struct{ text string }

func (e *inputError) Error() string { return e.text }

func wrong(format string, args ...any) error { return &inputError{fmt.Sprintf(format, args...)} }

// errUnread: the audit line of an opening could not be written, so nothing was opened.
var errUnread = errors.New("the audit trail cannot be written, so content stays closed")

// problemOf is the one place where an error becomes a status.
func problemOf(err error) *admin.Problem {
	var p *admin.Problem
	var input *inputError
	var tooLarge *http.MaxBytesError
	is := func(target error) bool { return errors.Is(err, target) }
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &input):
		return &admin.Problem{Status: http.StatusBadRequest, Code: admin.CodeInvalid, Detail: input.text}
	case errors.As(err, &tooLarge):
		return &admin.Problem{Status: http.StatusRequestEntityTooLarge, Code: admin.CodeTooLarge, Detail: "the request is larger than this call takes"}
	case is(hub.ErrNotAnID):
		return &admin.Problem{Status: http.StatusNotFound, Code: admin.CodeNotFound, Detail: "that is neither an id nor a number of a submission; a number has twelve characters, such as 4KQ2-X7M1-9ABH"}
	case is(store.ErrNotFound):
		return &admin.Problem{Status: http.StatusNotFound, Code: admin.CodeNotFound, Detail: "the hub has nothing under this name"}
	case is(store.ErrWithdrawn):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "the citizen withdrew this submission; nothing of it is rendered or sent any more"}
	case is(store.ErrErased):
		return &admin.Problem{Status: http.StatusGone, Code: admin.CodeDestroyed, Detail: "the content of this submission was deleted; stellwerk deletions NUMBER says when and why"}
	case is(store.ErrUnrendered):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "there is no document yet that could be sent again: map it anew (--anew)"}
	case is(store.ErrHeld):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "the submission is under a legal hold; whoever may lift it does so first: stellwerk release NUMBER --reason …"}
	case is(store.ErrState):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeState, Detail: "not possible in this state: it is under way, or has come to its end"}
	case is(store.ErrStale):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeStale, Detail: "it has changed meanwhile; look again and decide anew"}
	case is(store.ErrDamaged):
		return &admin.Problem{Status: http.StatusConflict, Code: admin.CodeDamaged, Detail: "a stored record failed its check; the submission is set aside as damaged: restore the record and mend the submission, or close it as a whole"}
	case is(vault.ErrNoKey):
		return &admin.Problem{Status: http.StatusServiceUnavailable, Code: admin.CodeUnavailable, Detail: "the keyring lacks the key this submission was sealed with; add it and restart the hub"}
	case is(store.ErrFull):
		return &admin.Problem{Status: http.StatusServiceUnavailable, Code: admin.CodeFull, Detail: "no space left on the hub's disk; nothing was changed"}
	case is(errUnread), is(store.ErrUnknown):
		return &admin.Problem{Status: http.StatusServiceUnavailable, Code: admin.CodeUnavailable, Detail: "the hub's store cannot sync; whether the order is durable is not certain"}
	case is(context.Canceled), is(context.DeadlineExceeded):
		return &admin.Problem{Status: http.StatusServiceUnavailable, Code: admin.CodeUnavailable, Detail: "the hub did not answer in time"}
	}
	return &admin.Problem{Status: http.StatusInternalServerError, Code: admin.CodeInternal, Detail: "the hub could not answer; its log says why"}
}

func writeProblem(w http.ResponseWriter, p *admin.Problem) {
	out := *p
	out.Type = "urn:stellwerk:problem:" + p.Code
	if out.Title == "" {
		out.Title = http.StatusText(p.Status)
	}
	writeJSON(w, p.Status, "application/problem+json", &out)
}

func writeJSON(w http.ResponseWriter, status int, contentType string, v any) {
	body, err := json.Marshal(v)
	if err != nil { // our own types, which always encode
		panic("web: " + err.Error())
	}
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // whoever hung up gets nothing
}

// small bounds the body of every call that carries no payload.
const small = 64 << 10

// decode reads a JSON body strictly: one value, no unknown keys.
func decode(r *http.Request, limit int64, into any) error {
	if t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || t != "application/json" {
		return &admin.Problem{Status: http.StatusUnsupportedMediaType, Code: admin.CodeMediaType, Detail: "this call takes application/json"}
	}
	d := json.NewDecoder(http.MaxBytesReader(nil, r.Body, limit))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return wrong("the body is not what this call takes: %v", err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return wrong("the body holds more than one JSON value")
	}
	return nil
}
