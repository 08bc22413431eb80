package intake

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"stellwerk/connectors/webhook"
	"stellwerk/internal/hub"
)

func sum(b []byte) [32]byte { return sha256.Sum256(b) }

// described is the description as a validator reads it.
var described = sync.OnceValues(func() (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(openapiText)
	if err != nil {
		return nil, err
	}
	if err := doc.Validate(context.Background(), openapi3.EnableExamplesValidation()); err != nil {
		return nil, err
	}
	answered(doc, func(_ string, s *openapi3.Schema) {
		if len(s.Properties) > 0 { // portals take more than is described; the tests do not
			no := false
			s.AdditionalProperties.Has = &no
		}
	})
	return doc, nil
})

// answered visits every schema of the answers, with those within them.
func answered(doc *openapi3.T, visit func(at string, s *openapi3.Schema)) {
	seen := map[*openapi3.Schema]bool{}
	var walk func(at string, ref *openapi3.SchemaRef)
	walk = func(at string, ref *openapi3.SchemaRef) {
		if ref == nil || ref.Value == nil || seen[ref.Value] {
			return
		}
		seen[ref.Value] = true
		visit(at, ref.Value)
		for name, p := range ref.Value.Properties {
			walk(at+"/"+name, p)
		}
		walk(at+"[]", ref.Value.Items)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			for status, answer := range op.Responses.Map() {
				for _, media := range answer.Value.Content {
					walk(method+" "+path+" "+status+" ", media.Schema)
				}
			}
		}
	}
}

// What a later hub adds to an answer is passed over by a client that was generated today.
func TestAnswersMayGrow(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromData(openapiText)
	if err != nil {
		t.Fatal(err)
	}
	answered(doc, func(at string, s *openapi3.Schema) {
		if has := s.AdditionalProperties.Has; has != nil && !*has {
			t.Errorf("%s is closed", at)
		}
	})
	// What is sent is closed: a misspelt item is refused.
	for _, name := range []string{"metadata", "bundle-opening", "bundle-answers"} {
		if has := doc.Components.Schemas[name].Value.AdditionalProperties.Has; has == nil || *has {
			t.Errorf("%s is open", name)
		}
	}
}

var describedRouter = sync.OnceValues(func() (routers.Router, error) {
	doc, err := described()
	if err != nil {
		return nil, err
	}
	// Parts of a form are text to the validator, whatever they are to the hub.
	for _, t := range []string{"application/xml", "text/xml", "application/pdf"} {
		openapi3filter.RegisterBodyDecoder(t, openapi3filter.PlainBodyDecoder)
	}
	return gorillamux.NewRouter(doc)
})

// conformance holds everything that the tests say and hear against the
// description: each answer must be one it knows, and what was answered with
// success must have been a request as described.
type conformance struct {
	w    *world
	next http.RoundTripper
}

func (c *conformance) RoundTrip(r *http.Request) (*http.Response, error) {
	router, err := describedRouter()
	if err != nil {
		c.w.t.Error(err)
		return c.next.RoundTrip(r)
	}
	var sent []byte
	if r.GetBody != nil {
		body, err := r.GetBody()
		if err == nil {
			sent, err = io.ReadAll(body)
		}
		if err != nil {
			c.w.t.Error(err)
		}
	}
	res, err := c.next.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	got, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(got))
	if err != nil {
		return res, nil // the test sees it
	}
	c.check(router, r, sent, res, got)
	return res, nil
}

func (c *conformance) check(router routers.Router, r *http.Request, sent []byte, res *http.Response, got []byte) {
	c.w.t.Helper()
	for _, h := range []string{"X-Content-Type-Options", "Content-Security-Policy", "Referrer-Policy", "Cache-Control"} {
		if res.Header.Get(h) == "" {
			c.w.t.Errorf("%s %s: no %s", r.Method, r.URL.Path, h)
		}
	}
	method := r.Method
	if method == http.MethodHead { // which every GET answers too, without the body
		method = http.MethodGet
	}
	probe, err := http.NewRequest(method, r.URL.String(), bytes.NewReader(sent))
	if err != nil {
		c.w.t.Error(err)
		return
	}
	probe.Header = r.Header.Clone()
	matched, params, err := router.FindRoute(probe)
	if err != nil {
		var p problemBody
		if json.Unmarshal(got, &p) != nil || p.Code != CodeNotFound && p.Code != CodeMethod {
			c.w.t.Errorf("%s %s is not described, and was answered %d", r.Method, r.URL.Path, res.StatusCode)
		}
		return
	}
	in := &openapi3filter.RequestValidationInput{
		Request: probe, PathParams: params, Route: matched,
		Options: &openapi3filter.Options{
			AuthenticationFunc: openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, ExcludeResponseBody: r.Method == http.MethodHead,
			// Only multipart has a schema in the description: services bring those of payloads.
			ExcludeRequestBody: !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/"),
		},
	}
	if err := openapi3filter.ValidateRequest(r.Context(), in); err != nil && res.StatusCode < 300 && res.StatusCode != http.StatusMultiStatus {
		c.w.t.Errorf("%s %s was answered %d, but is not as described: %v", r.Method, r.URL.Path, res.StatusCode, err)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: res.StatusCode, Header: res.Header, Options: in.Options,
		Body: io.NopCloser(bytes.NewReader(got)),
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		c.w.t.Errorf("%s %s: the answer %d is not as described: %v\n%s", r.Method, r.URL.Path, res.StatusCode, err, got)
	}
	answer := matched.Operation.Responses.Status(res.StatusCode)
	for _, h := range []string{"Retry-After", "Location", "ETag", "WWW-Authenticate"} {
		if res.Header.Get(h) != "" && (answer == nil || answer.Value.Headers[h] == nil) {
			c.w.t.Errorf("%s %s: the answer %d has %s, which is not described", r.Method, r.URL.Path, res.StatusCode, h)
		}
	}
}

func TestDescriptionIsValid(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	if doc.OpenAPI != "3.1.0" {
		t.Errorf("openapi: %s", doc.OpenAPI)
	}
}

func TestEveryRouteIsDescribedAndEveryDescribedRouteIsThere(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	var written, served []string
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			line := method + " " + path
			if op.Security != nil && len(*op.Security) == 0 {
				line += " open"
			}
			written = append(written, line)
		}
	}
	w := newWorld(t)
	for _, e := range w.api.routes {
		line := e.method + " " + e.pattern
		if e.open {
			line += " open"
		}
		served = append(served, line)
	}
	slices.Sort(written)
	slices.Sort(served)
	if !slices.Equal(written, served) {
		t.Errorf("described:\n%s\nserved:\n%s", strings.Join(written, "\n"), strings.Join(served, "\n"))
	}
}

func TestDescriptionHasEveryCodeFieldAndLimit(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	for _, v := range doc.Components.Schemas["code"].Value.Enum {
		codes = append(codes, v.(string))
	}
	var have []string
	for i := range catalogue {
		have = append(have, string(catalogue[i].Code))
	}
	if !slices.Equal(codes, have) {
		t.Errorf("codes in the description\n%v\nin the catalogue\n%v", codes, have)
	}
	metadata := doc.Components.Schemas["metadata"].Value
	headers := map[string]bool{}
	for _, p := range doc.Components.Parameters {
		headers[p.Value.Name] = true
	}
	for _, f := range fields {
		name := strings.TrimPrefix(f.pointer, "/")
		parent, child, nested := strings.Cut(name, "/")
		s := metadata.Properties[parent]
		if s != nil && nested {
			s = s.Value.Properties[child]
		}
		if s == nil {
			t.Errorf("the schema metadata lacks %s", f.pointer)
		}
		if !headers[f.header] {
			t.Errorf("no parameter %s", f.header)
		}
	}
	for _, p := range []string{"reference", "mailbox"} {
		if n := metadata.Properties[p].Value.MaxLength; n == nil || *n != maxName {
			t.Errorf("%s: maxLength is not %d", p, maxName)
		}
	}
}

// Attachments are bytes: what generators take for text reaches the hub in another coding.
func TestAttachmentsAreDescribedAsBytes(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	for path, item := range doc.Paths.Map() {
		if item.Post == nil || item.Post.RequestBody == nil {
			continue
		}
		form := item.Post.RequestBody.Value.Content["multipart/form-data"]
		if form == nil {
			continue
		}
		if file := form.Schema.Value.Properties["attachment"].Value.Items.Value; !file.Type.Is("string") || file.Format != "binary" {
			t.Errorf("%s: an attachment is %v %q", path, file.Type, file.Format)
		}
	}
}

// Generators of clients make nothing of a value of two types written as a list, and of a
// body without a schema.
func TestGeneratorsCanReadTheDescription(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if at := regexp.MustCompile(`"type":\[.{0,40}`).FindString(string(text)); at != "" {
		t.Errorf("a list of types: %s", at)
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for name, media := range op.RequestBody.Value.Content {
				if media.Schema == nil {
					t.Errorf("%s %s: %s has no schema", method, path, name)
				}
			}
		}
	}
}

// What calls a portal is described as it is sent: no type and no member more or less.
func TestCallbacksAreAsDescribed(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	ring := doc.Webhooks["status"]
	if ring == nil || ring.Post == nil {
		t.Fatal("the description has no webhook status")
	}
	schema := ring.Post.RequestBody.Value.Content.Get("application/json").Schema.Value
	id := new(hub.IDs).New()
	for _, c := range []string{hub.CallbackSubmission, hub.CallbackBundle} {
		sent, err := json.Marshal(hub.Callback{Type: c, Timestamp: time.Now().UTC(), Data: hub.CallbackData{ID: id, Number: id.Number(), Reference: "HA-1", Status: hub.CaseCompleted}})
		if err != nil {
			t.Fatal(err)
		}
		var body map[string]any
		if err := json.Unmarshal(sent, &body); err != nil {
			t.Fatal(err)
		}
		if err := schema.VisitJSON(body); err != nil {
			t.Errorf("%s: %v", c, err)
		}
		data := schema.Properties["data"].Value
		for name := range body["data"].(map[string]any) {
			if data.Properties[name] == nil {
				t.Errorf("data.%s is sent and not described", name)
			}
		}
	}
	if err := schema.VisitJSON(map[string]any{"type": "submission.gone", "timestamp": "2026-03-02T09:31:07.412Z", "data": map[string]any{"id": id.String(), "number": id.Number(), "status": "COMPLETED"}}); err == nil {
		t.Error("a type that is never sent is described")
	}
	headers := http.Header{}
	webhook.Sign(headers, nil, "x", time.Now(), nil)
	for name := range headers {
		if ring.Post.Parameters.GetByInAndName("header", strings.ToLower(name)) == nil {
			t.Errorf("the header %s is not described", name)
		}
	}
}

// A key that the description allows is taken, and no other.
func TestIdempotencyKeysAreAsDescribed(t *testing.T) {
	doc, err := described()
	if err != nil {
		t.Fatal(err)
	}
	schema := doc.Components.Parameters["idempotency-key"].Value.Schema.Value
	long := strings.Repeat("k", maxKey)
	for _, key := range []string{"k", `"k"`, "!~#[]", `""`, `"`, `k"k`, `k\k`, `"k`, `k"`, "k k", long, `"` + long + `"`, long + "k", `"` + long + `k"`} {
		_, p := idempotencyKey(http.Header{"Idempotency-Key": {key}})
		if described := schema.VisitJSON(key) == nil; described != (p == nil) {
			t.Errorf("%.20s…: described %t, taken %t", key, described, p == nil)
		}
	}
}
