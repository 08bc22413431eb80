package intake

import "net/http"

// endpoint is one line of the API. Its serve answers and gives nil, or gives the
// problem to answer with.
type endpoint struct {
	method  string
	pattern string
	open    bool // without a key: nothing behind it belongs to anybody, or it checks its own
	serve   func(*call) *refusal
}

// route fills the table: this is all there is.
func (a *API) route() {
	a.routes = []endpoint{
		{http.MethodPost, "/v1/submissions", false, a.submit},
		{http.MethodGet, "/v1/submissions/{id}", false, a.status},
		{http.MethodGet, "/v1/submissions/{id}/events", false, a.events},
		{http.MethodPost, "/v1/submissions/{id}/withdrawal", false, a.withdraw},
		{http.MethodPost, "/v1/bundles", false, a.openBundle},
		{http.MethodGet, "/v1/bundles/{id}", false, a.bundleStatus},
		{http.MethodGet, "/v1/bundles/{id}/events", false, a.bundleEvents},
		{http.MethodPut, "/v1/bundles/{id}/answers", false, a.answerBundle},
		{http.MethodPost, "/v1/bundles/{id}/close", false, a.closeBundle},
		{http.MethodGet, "/v1/bundle-forms", false, a.bundleForms},
		{http.MethodGet, "/v1/bundle-forms/{bundle}", false, a.bundleForm},
		{http.MethodPost, "/v1/validations", false, a.validate},
		{http.MethodPost, "/v1/callbacks/{system}", true, a.callback}, // its signature is its key
		{http.MethodGet, "/v1/services", false, a.services},
		{http.MethodGet, "/v1/services/{service}", false, a.service},
		{http.MethodGet, "/v1/services/{service}/schemas/{file}", false, a.schema},
		{http.MethodGet, "/v1/services/{service}/examples/{file}", false, a.example},
		{http.MethodGet, "/v1/problems", true, a.problems},
		{http.MethodGet, "/v1/problems/{code}", true, a.problem},
		{http.MethodGet, "/openapi.yaml", true, a.openapiYAML},
		{http.MethodGet, "/openapi.json", true, a.openapiJSON},
		{http.MethodGet, "/docs", true, a.page},
		{http.MethodGet, "/livez", true, a.livez},
		{http.MethodGet, "/readyz", true, a.readyz},
	}
	a.mux = http.NewServeMux()
	for i := range a.routes {
		e := &a.routes[i]
		a.mux.Handle(e.method+" "+e.pattern, e)
	}
}

// ServeHTTP tells the finder that this endpoint was meant.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	if f, ok := w.(*finder); ok {
		f.found = e
	}
}

// finder asks the mux who answers a request, without letting it answer: its own
// refusals and redirects are no problem documents.
type finder struct {
	found  *endpoint
	header http.Header
	status int
}

func (f *finder) WriteHeader(status int)      { f.status = status }
func (f *finder) Write(b []byte) (int, error) { return len(b), nil }
func (f *finder) Header() http.Header {
	if f.header == nil {
		f.header = make(http.Header)
	}
	return f.header
}

// endpoint finds who answers, and fills the request's path values.
func (a *API) endpoint(r *http.Request) (*endpoint, *refusal) {
	var f finder
	a.mux.ServeHTTP(&f, r)
	switch {
	case f.found != nil:
		return f.found, nil
	case f.status == http.StatusMethodNotAllowed:
		p := refuse(CodeMethod).leavingBody()
		p.allow = f.header.Get("Allow")
		return nil, p
	}
	return nil, refuse(CodeNotFound).leavingBody()
}
