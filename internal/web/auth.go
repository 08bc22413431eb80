package web

import (
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"stellwerk/internal/web/admin"
)

// call is one operation of the API. It gives what is written as JSON, or an error
// that problemOf turns into problem details.
type call func(r *http.Request, actor string) (any, error)

// signedIn lets a call through for an operator's key only. The key is looked up
// before the body is read; what is wrong with it is not told.
func (s *Server) signedIn(next call) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				// The value may quote a case; its type and the place do not.
				s.Log.Error("an admin call panicked", "path", r.Pattern, "panic", fmt.Sprintf("%T", p), "stack", string(debug.Stack()))
				writeProblem(w, &admin.Problem{Status: http.StatusInternalServerError, Code: admin.CodeInternal})
			}
		}()
		actor, ok := s.operator(r)
		if !ok {
			w.Header().Set("WWW-Authenticate", `Bearer realm="stellwerk-admin"`)
			writeProblem(w, &admin.Problem{Status: http.StatusUnauthorized, Code: admin.CodeUnauthorized,
				Detail: "an operator's key is needed: Authorization: Bearer swo_…"})
			return
		}
		answer, err := next(r, actor)
		if err != nil {
			p := problemOf(err)
			if p.Status >= 500 {
				s.Log.Error("an admin call was not answered", "path", r.Pattern, "operator", actor, "error", err)
			}
			writeProblem(w, p)
			return
		}
		writeJSON(w, http.StatusOK, "application/json", answer)
	})
}

// operator gives the caller's name in the audit trail.
func (s *Server) operator(r *http.Request) (actor string, ok bool) {
	values := r.Header.Values("Authorization")
	if len(values) != 1 {
		return "", false
	}
	scheme, key, ok := strings.Cut(values[0], " ")
	if !ok || !strings.EqualFold(scheme, "Bearer") {
		return "", false
	}
	op, ok := s.Live.Get().OperatorByKey(strings.TrimSpace(key), s.Now())
	if !ok {
		return "", false
	}
	return "operator:" + op.Name, true
}

// nowhere answers addresses that are none of the API's.
func nowhere(*http.Request, string) (any, error) {
	return nil, &admin.Problem{Status: http.StatusNotFound, Code: admin.CodeNotFound, Detail: "the admin API has nothing at this address with this method"}
}
